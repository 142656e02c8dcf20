//! How much of the usage was really measured.

use crate::domain::usage::readings::ReadingSet;
use schemars::JsonSchema;
use serde::Serialize;

/// What an estimated or filled day counts for, of a measured one.
const ESTIMATED_WORTH: f64 = 0.5;
/// Scores from here on are good, and from [`FAIR`] on fair.
const GOOD: f64 = 0.9;
const FAIR: f64 = 0.7;

/// Shares of the days from the first to the last one held; the four sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct DataQuality {
    pub measured: f64,
    /// Estimated or substituted by the utility.
    pub estimated: f64,
    /// Filled by us.
    pub filled: f64,
    pub missing: f64,
    /// 0..=1: measured days count in full, estimated and filled ones half.
    pub score: f64,
    pub level: QualityLevel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QualityLevel {
    Good,
    Fair,
    Poor,
}

impl DataQuality {
    pub fn of(set: &ReadingSet) -> DataQuality {
        let days = set.span().map_or(0.0, |window| window.days() as f64).max(1.0);
        let (mut observed, mut estimated, mut filled) = (0.0, 0.0, 0.0f64);
        for month in set.monthly() {
            observed += month.observed_days;
            estimated += month.estimated_days;
            filled += month.filled_days;
        }
        let [observed, estimated, filled] = [observed, estimated, filled].map(|count| count / days);
        let measured = observed - estimated;
        let score = (measured + ESTIMATED_WORTH * (estimated + filled)).clamp(0.0, 1.0);
        let level = match score {
            GOOD.. => QualityLevel::Good,
            FAIR.. => QualityLevel::Fair,
            _ => QualityLevel::Poor,
        };
        DataQuality { measured, estimated, filled, missing: (1.0 - observed - filled).max(0.0), score, level }
    }

    /// The share of days with a value, 0..=1.
    pub fn completeness(&self) -> f64 {
        (1.0 - self.missing).clamp(0.0, 1.0)
    }
}
