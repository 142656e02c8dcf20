//! A kept recommendation as a page to read and print, and as a table for a spreadsheet.

use super::household::Held;
use super::input::KeptInput;
use super::kept::Asker;
use crate::app::error::Error;
use crate::app::{App, Result};
use crate::domain::advice::Recommendation;
use crate::domain::usage::week::HourOfWeek;
use crate::formats::report::{self, Report};
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

/// A kept answer read back.
#[derive(Deserialize)]
struct Answer {
    generated_at: Timestamp,
    expires_at: Timestamp,
    #[serde(flatten)]
    advice: Recommendation,
}

impl Answer {
    fn parse(text: &str) -> Result<Answer> {
        serde_json::from_str(text).map_err(|error| Error::Internal(format!("a kept answer: {error}")))
    }
}

impl App {
    /// The page. Its hours of use come from the readings the account holds now; without them the page does without.
    pub async fn report(&self, id: Uuid, asker: Asker) -> Result<String> {
        let kept = self.kept(id, asker).await?;
        let input = kept.input.as_deref().map(KeptInput::parse).transpose()?;
        let held = match (&input, kept.user_id) {
            (Some(input), Some(owner)) if input.usage_from_account => self.held(owner, true).await?,
            _ => Held::default(),
        };
        self.workbench
            .run(move || {
                let answer = Answer::parse(&kept.answer)?;
                let priorities = input.as_ref().map(KeptInput::priorities);
                let (hours, notes) = input.map_or((None, Vec::new()), |input| hours(input, held));
                Ok(report::html(&Report {
                    generated_at: answer.generated_at,
                    expires_at: answer.expires_at,
                    advice: &answer.advice,
                    priorities,
                    hours,
                    notes,
                }))
            })
            .await
    }

    /// The twelve months as CSV.
    pub async fn comparison_csv(&self, id: Uuid, asker: Asker) -> Result<Vec<u8>> {
        let kept = self.kept(id, asker).await?;
        self.workbench.run(move || Ok(report::csv(&Answer::parse(&kept.answer)?.advice))).await
    }
}

fn hours(input: KeptInput, held: Held) -> (Option<HourOfWeek>, Vec<String>) {
    let (household, changes) = input.household(held);
    let hours = HourOfWeek::of_readings(&household.usage);
    let has_changed = hours.is_some() && !changes.is_empty();
    let note = "The hours of the week are of the readings held today, which have changed since the recommendation.";
    (hours, has_changed.then(|| note.to_owned()).into_iter().collect())
}
