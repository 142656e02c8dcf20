//! The body of a scenario.

use super::request::{GeneratePriorities, priorities};
use crate::app::error::Error;
use crate::domain::advice::{RateChange, Scenario};
use crate::domain::usage::changes::{ElectricVehicle, HeatPump, Shift, Solar, UsageChanges};
use crate::http::described::described;
use crate::http::fields::Faults;
use schemars::JsonSchema;
use serde::Deserialize;

/// What is different; what is absent stays as it was. Changes of usage are made in the order of the fields.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WhatIfRequest {
    /// On the household's own use: 0.9 is a tenth less.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub usage_factor: Option<f64>,
    pub shift: Option<Shift>,
    pub heat_pump: Option<HeatPump>,
    pub electric_vehicle: Option<ElectricVehicle>,
    pub solar: Option<Solar>,
    /// One after the other.
    #[schemars(length(max = 10))]
    pub rate_changes: Option<Vec<RateChange>>,
    pub preferences: Option<GeneratePriorities>,
}

described!(WhatIfRequest);

impl WhatIfRequest {
    pub fn checked(self) -> Result<Scenario, Error> {
        let mut faults = Faults::default();
        let scenario = Scenario {
            usage: UsageChanges {
                factor: self.usage_factor,
                shift: self.shift,
                heat_pump: self.heat_pump,
                electric_vehicle: self.electric_vehicle,
                solar: self.solar,
            },
            rates: self.rate_changes.unwrap_or_default(),
            priorities: self.preferences.and_then(|stated| priorities(stated, &mut faults)),
        };
        faults.or(scenario)
    }
}
