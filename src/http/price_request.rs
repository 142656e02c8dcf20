//! The body of pricing one plan.

use crate::app::Result;
use crate::app::pricing::PriceAsked;
use crate::domain::catalog::PropertyType;
use crate::http::described::described;
use crate::http::fields::{Faults, MonthUse};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

/// Everything is optional that the caller's account holds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PriceRequest {
    /// 1 to 60 distinct months; the usage held for the account when absent.
    #[schemars(length(min = 1, max = 60))]
    pub usage_data: Option<Vec<MonthUse>>,
    /// Where the household is: five digits, or ZIP+4. It decides the delivery charges.
    #[schemars(regex(pattern = r"^\d{5}(-\d{4})?$"), length(max = 10))]
    pub zip_code: Option<String>,
    pub property_type: Option<PropertyType>,
}

described!(PriceRequest);

impl PriceRequest {
    pub fn checked(self, now: Timestamp) -> Result<PriceAsked> {
        let mut faults = Faults::default();
        let today = now.to_zoned(TimeZone::UTC).date();
        let asked = PriceAsked {
            usage: self.usage_data.map(|months| faults.months("usage_data", &months, today)),
            zip_code: self.zip_code,
            property_type: self.property_type,
        };
        faults.or(asked)
    }
}
