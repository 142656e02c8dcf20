//! What a recommendation was made from, kept beside it so that it can be computed again under a scenario.
//!
//! Months are kept as they were. Readings by the day or hour stay where they are, with the account: they are large,
//! and they are erased there when the account's owner says so.

use super::household::{Held, Household};
use crate::app::Result;
use crate::app::error::Error;
use crate::domain::advice::{CurrentPlan, Options, Priorities};
use crate::domain::calendar::Month;
use crate::domain::catalog::PropertyType;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{MonthReading, Quality, ReadingSet};
use serde::{Deserialize, Serialize};

/// A month that was covered less than this says too little to stand in for its days.
const MIN_COVERAGE: f64 = 0.5;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptInput {
    zip_code: String,
    property_type: PropertyType,
    /// Cost, flexibility, renewable, rating.
    priorities: [u8; 4],
    current_plan: Option<CurrentPlan>,
    include_risks: bool,
    options: Options,
    /// The usage is the account's own; `months` stand in when it is gone.
    pub usage_from_account: bool,
    months: Vec<KeptMonth>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct KeptMonth {
    month: Month,
    kwh: Energy,
    /// Estimated, or filled by us.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

impl KeptInput {
    pub fn of(household: &Household, usage_from_account: bool) -> KeptInput {
        let Priorities { cost, flexibility, renewable, rating } = household.priorities;
        KeptInput {
            zip_code: household.zip_code.clone(),
            property_type: household.property_type,
            priorities: [cost, flexibility, renewable, rating],
            current_plan: household.current_plan.clone(),
            include_risks: household.include_risks,
            options: household.options.clone(),
            usage_from_account,
            months: months(&household.usage),
        }
    }

    pub fn parse(text: &str) -> Result<KeptInput> {
        serde_json::from_str(text).map_err(|error| Error::Internal(format!("a kept input: {error}")))
    }

    pub fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal(format!("an input to keep: {error}")))
    }

    pub fn priorities(&self) -> Priorities {
        let [cost, flexibility, renewable, rating] = self.priorities;
        Priorities { cost, flexibility, renewable, rating }
    }

    /// The household as it was, and what of it could not be had again. `held` is what the account holds now.
    pub fn household(self, held: Held) -> (Household, Vec<String>) {
        let mut notes = Vec::new();
        let own = held.usage.filter(|_| self.usage_from_account);
        let usage = match own {
            Some(usage) => {
                if months(&usage) != self.months {
                    notes.push("The usage held has changed since the recommendation: the present one is taken.".into());
                }
                usage
            }
            None => {
                if self.usage_from_account {
                    notes.push("The usage is held no more: the months kept with the recommendation are taken.".into());
                }
                ReadingSet::Months(self.months.iter().map(KeptMonth::reading).collect())
            }
        };
        let household = Household {
            priorities: self.priorities(),
            zip_code: self.zip_code,
            property_type: self.property_type,
            usage,
            current_plan: self.current_plan,
            include_risks: self.include_risks,
            options: self.options,
        };
        (household, notes)
    }
}

impl KeptMonth {
    fn reading(&self) -> MonthReading {
        let quality = if self.estimated { Quality::Estimated } else { Quality::Actual };
        MonthReading { month: self.month, energy: self.kwh, quality }
    }
}

/// The months of a set; months a household states itself are all whole.
fn months(usage: &ReadingSet) -> Vec<KeptMonth> {
    let observed = usage.monthly();
    let counted = observed.iter().filter(|month| month.coverage() >= MIN_COVERAGE);
    let kept = counted.map(|month| KeptMonth {
        month: month.month,
        kwh: month.full(),
        estimated: month.coverage() < 1.0 || month.quality != Quality::Actual,
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::recommendations::Asked;

    fn month(month: i8, kwh: f64, quality: Quality) -> MonthReading {
        let month = Month::new(2026, month).expect("a month");
        MonthReading { month, energy: Energy::from_kwh(kwh).expect("energy"), quality }
    }

    fn household() -> Household {
        let usage = vec![month(1, 900.5, Quality::Actual), month(2, 0.000_001, Quality::Estimated)];
        let asked = Asked {
            zip_code: Some("78701".into()),
            usage: Some(usage),
            current_plan: Some(CurrentPlan { plan_name: Some("Old".into()), ..CurrentPlan::default() }),
            ..Asked::default()
        };
        Household::of(asked, Held::default()).expect("nothing is missing")
    }

    #[test]
    fn stated_months_come_back_as_they_were() {
        let before = household();
        let text = KeptInput::of(&before, false).text().expect("JSON");
        let (after, notes) = KeptInput::parse(&text).expect("the same").household(Held::default());
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert!(notes.is_empty());
    }

    #[test]
    fn usage_of_the_account_is_taken_from_there_and_a_change_is_told() {
        let before = household();
        let kept = || KeptInput::of(&before, true);
        let with = |usage| kept().household(Held { usage, ..Held::default() });
        let (same, notes) = with(Some(before.usage.clone()));
        assert_eq!((&same.usage, notes.len()), (&before.usage, 0));
        let other = ReadingSet::Months(vec![month(1, 800.0, Quality::Actual)]);
        let (changed, notes) = with(Some(other.clone()));
        assert_eq!((changed.usage, notes.len()), (other, 1));
        let (gone, notes) = with(None);
        assert_eq!((gone.usage, notes.len()), (before.usage.clone(), 1));
    }
}
