//! What two to five plans would cost this household, side by side.

use crate::app::error::{Error, FieldFault};
use crate::app::outlook::{self, Home};
use crate::app::pricing::PriceAsked;
use crate::app::recommendations::Held;
use crate::app::{App, Result, json};
use crate::domain::advice::compare_plans;
use crate::domain::usage::readings::ReadingSet;
use uuid::Uuid;

impl App {
    /// Compares distinct plans on the usage stated or else held.
    pub async fn compare(&self, plans: Vec<Uuid>, user: Option<Uuid>, asked: PriceAsked) -> Result<Vec<u8>> {
        let snapshot = self.catalog.snapshot();
        let unknown = plans.iter().enumerate().filter(|(_, id)| snapshot.plan(**id).is_none());
        let faults: Vec<FieldFault> = unknown
            .map(|(n, _)| FieldFault::new(format!("plan_ids[{n}]"), "is not a plan of the catalog", "unknown_plan"))
            .collect();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let held = match user {
            Some(user) => self.held(user, asked.usage.is_none()).await?,
            None => Held::default(),
        };
        let Some(usage) = asked.usage.map(ReadingSet::Months).or(held.usage) else {
            let message = "is required: state 1 to 60 months, or sign in with an account that holds usage";
            return Err(Error::field("usage_data", message, "required"));
        };
        let zip_code = asked.zip_code.or(held.zip_code);
        let property = asked.property_type.unwrap_or(held.property_type);
        let now = self.now();
        self.workbench
            .run(move || {
                let place = Home::at(&snapshot, zip_code.as_deref()).utility;
                let market = plans.first().and_then(|id| snapshot.plan(*id)).map(|listing| snapshot.market_of(listing));
                let home = match market {
                    Some(entry) => Home::of(entry.market.clone(), place),
                    None => Home::at(&snapshot, zip_code.as_deref()),
                };
                let outlook = outlook::of(&home, property, &usage, now)?;
                let compared = compare_plans(&snapshot, &plans, place, outlook.as_of, &outlook.projection)
                    .map_err(|error| Error::Rule(sentence(&error.to_string())))?;
                json(&compared)
            })
            .await
    }
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
