//! A kept recommendation computed again under a scenario: from the household as it was then, stored nowhere.

use super::household::Held;
use super::input::KeptInput;
use super::kept::{Asker, Generated};
use crate::app::error::Error;
use crate::app::{App, Result, json};
use crate::domain::advice::{Scenario, WhatIfError, what_if};
use uuid::Uuid;

impl App {
    /// The advice as it would be. It is for the day of the recommendation, so that the two can be held side by side.
    pub async fn what_if(&self, id: Uuid, asker: Asker, scenario: Scenario) -> Result<Vec<u8>> {
        let kept = self.kept(id, asker).await?;
        let Some(input) = &kept.input else {
            let message = "What this recommendation was made from is not kept. Generate a new one and ask that.";
            return Err(Error::Rule(message.to_owned()));
        };
        let input = KeptInput::parse(input)?;
        let held = match kept.user_id {
            Some(owner) if input.usage_from_account => self.held(owner, true).await?,
            _ => Held::default(),
        };
        let (household, mut notes) = input.household(held);
        let snapshot = self.catalog.snapshot();
        if snapshot.revision != kept.catalog_revision {
            let note =
                "The catalog has changed since the recommendation, so not every difference comes from the scenario.";
            notes.push(note.to_owned());
        }
        let (now, made_at) = (self.now(), kept.created_at);
        self.workbench
            .run(move || {
                let request = super::request(&snapshot, household, made_at)?;
                let mut advice = what_if(&snapshot, &request, &scenario).map_err(|error| match error {
                    WhatIfError::Change(wrong) => Error::field(wrong.field, wrong.message, "range"),
                    WhatIfError::Advice(error) => Error::Rule(format!("{error}.")),
                })?;
                advice.warnings.extend(notes);
                json(&Generated::new(id, now, &advice))
            })
            .await
    }
}
