//! The body of comparing plans.

use crate::app::Result;
use crate::app::pricing::PriceAsked;
use crate::domain::catalog::PropertyType;
use crate::http::described::described;
use crate::http::fields::{Faults, MonthUse};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

/// Which plans; the rest is optional where the caller's account holds it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// Two to five different plans of one market.
    #[schemars(length(min = 2, max = 5))]
    pub plan_ids: Vec<Uuid>,
    /// 1 to 60 distinct months; the usage held for the account when absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 60))]
    pub usage_data: Option<Vec<MonthUse>>,
    /// Where the household is: five digits, or ZIP+4. It decides the delivery charges.
    #[serde(default)]
    #[schemars(regex(pattern = r"^\d{5}(-\d{4})?$"), length(max = 10))]
    pub zip_code: Option<String>,
    #[serde(default)]
    pub property_type: Option<PropertyType>,
}

described!(CompareRequest);

impl CompareRequest {
    pub fn checked(self, now: Timestamp) -> Result<(Vec<Uuid>, PriceAsked)> {
        let mut faults = Faults::default();
        for (n, id) in self.plan_ids.iter().enumerate() {
            if let Some(first) = self.plan_ids[..n].iter().position(|other| other == id) {
                let message = format!("is the same plan as plan_ids[{first}]: give each plan once");
                faults.add(format!("plan_ids[{n}]"), message, "repeated_plan");
            }
        }
        let today = now.to_zoned(TimeZone::UTC).date();
        let asked = PriceAsked {
            usage: self.usage_data.map(|months| faults.months("usage_data", &months, today)),
            zip_code: self.zip_code,
            property_type: self.property_type,
        };
        faults.or((self.plan_ids, asked))
    }
}
