//! The short rate forms clients know, and their expansion into the full tariff model.

use crate::domain::calendar::Day;
use crate::domain::tariff::model::Tariff;
use crate::domain::units::{Energy, Price};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a plan's price is stated. Rates of the short forms are in **cents per kWh**; the full form is in currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum RateStructure {
    Fixed {
        rate_per_kwh: Cents,
    },
    /// Monthly tiers with cumulative limits; the last is open.
    Tiered {
        tiers: Vec<Tier>,
    },
    TimeOfUse {
        peak_rate: Cents,
        off_peak_rate: Cents,
        /// Clock hours 0..=23.
        peak_hours: Vec<u8>,
        /// Days the peak applies on; every day when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        peak_days: Vec<Day>,
    },
    /// A rate the supplier may change: `historical_avg_rate`, where given, is what to expect.
    Variable {
        base_rate: Cents,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        historical_avg_rate: Option<Cents>,
    },
    /// The full form.
    Tariff(Tariff),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Upper limit in kWh a month; `null` for the last tier.
    pub up_to_kwh: Option<Energy>,
    pub rate_per_kwh: Cents,
}

/// A price written in cents (pence) per kWh, at most seven decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(transparent)]
pub struct Cents(pub Price);

impl Serialize for Cents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.cents())
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Price::from_cents(f64::deserialize(deserializer)?).map(Cents).map_err(serde::de::Error::custom)
    }
}
