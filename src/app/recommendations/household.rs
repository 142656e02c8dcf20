//! The household advice is for: what the caller stated, completed by what the account holds.

use crate::app::error::{Error, FieldFault};
use crate::domain::advice::{CurrentPlan, Options, Priorities};
use crate::domain::catalog::PropertyType;
use crate::domain::usage::readings::{MonthReading, ReadingSet};

/// What a caller states; every part may be missing.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub zip_code: Option<String>,
    pub property_type: Option<PropertyType>,
    /// Distinct months in order of time.
    pub usage: Option<Vec<MonthReading>>,
    pub priorities: Option<Priorities>,
    pub current_plan: Option<CurrentPlan>,
    pub include_risks: bool,
    pub options: Options,
}

/// What the account holds.
#[derive(Debug, Clone, Default)]
pub struct Held {
    pub zip_code: Option<String>,
    pub property_type: PropertyType,
    pub usage: Option<ReadingSet>,
    pub priorities: Option<Priorities>,
    pub current_plan: Option<CurrentPlan>,
}

/// Everything advice needs to know.
#[derive(Debug, Clone)]
pub struct Household {
    pub zip_code: String,
    pub property_type: PropertyType,
    pub usage: ReadingSet,
    pub priorities: Priorities,
    pub current_plan: Option<CurrentPlan>,
    pub include_risks: bool,
    pub options: Options,
}

impl Household {
    /// What is stated wins over what is held; what neither has is asked for.
    pub fn of(asked: Asked, held: Held) -> Result<Household, Error> {
        let mut missing = Vec::new();
        let zip_code = asked.zip_code.or(held.zip_code);
        if zip_code.is_none() {
            let message = "is required: the account holds no ZIP code";
            missing.push(FieldFault::new("user_data.zip_code", message, "required"));
        }
        let usage = asked.usage.map(ReadingSet::Months).or(held.usage);
        if usage.is_none() {
            let message = "is required: the account holds no usage; state 3 to 60 months, or upload usage first";
            missing.push(FieldFault::new("usage_data", message, "required"));
        }
        let (Some(zip_code), Some(usage)) = (zip_code, usage) else { return Err(Error::Invalid(missing)) };
        Ok(Household {
            zip_code,
            property_type: asked.property_type.unwrap_or(held.property_type),
            usage,
            priorities: asked.priorities.or(held.priorities).unwrap_or_default(),
            current_plan: asked.current_plan.or(held.current_plan),
            include_risks: asked.include_risks,
            options: asked.options,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Month;
    use crate::domain::units::Energy;
    use crate::domain::usage::readings::Quality;

    fn month(kwh: i64) -> MonthReading {
        let month = Month::new(2026, 1).expect("a month");
        MonthReading { month, energy: Energy::from_whole_kwh(kwh), quality: Quality::Actual }
    }

    #[test]
    fn what_is_stated_wins_over_what_is_held() {
        let asked = Asked { zip_code: Some("78701".into()), usage: Some(vec![month(900)]), ..Asked::default() };
        let held = Held {
            zip_code: Some("77002".into()),
            property_type: PropertyType::Commercial,
            usage: Some(ReadingSet::Months(vec![month(1)])),
            ..Held::default()
        };
        let household = Household::of(asked, held).expect("nothing is missing");
        assert_eq!(household.zip_code, "78701");
        assert_eq!(household.property_type, PropertyType::Commercial);
        assert_eq!(household.usage, ReadingSet::Months(vec![month(900)]));
        assert_eq!(household.priorities, Priorities::default());
    }

    #[test]
    fn what_neither_states_nor_holds_is_asked_for_by_name() {
        let Err(Error::Invalid(faults)) = Household::of(Asked::default(), Held::default()) else {
            panic!("nothing is known of the household")
        };
        let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, ["user_data.zip_code", "usage_data"]);
    }
}
