//! The coming year: twelve expected months with their band, and seeded paths around them.

use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::readings::Intervals;

/// Twelve calendar months from the month after `as_of`, expected use and its uncertainty (method.md 1).
#[derive(Debug, Clone, PartialEq)]
pub struct Projection {
    pub first_month: Month,
    /// Twelve.
    pub months: Vec<ProjectedMonth>,
    pub annual: Band,
    /// Seeded usage paths: per month the factor on the expected energy, in millionths.
    pub paths: Vec<[i64; 12]>,
    /// 0..=1.
    pub confidence: f64,
    /// The expected year as readings: the held shape where intervals are held, else the standard shape.
    pub intervals: Intervals,
    pub shape: ShapeSource,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProjectedMonth {
    pub month: Month,
    pub expected: Energy,
    pub band: Band,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    pub p10: Energy,
    pub p50: Energy,
    pub p90: Energy,
}

/// Where the distribution over the hours of the day comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeSource {
    /// The household's own interval readings.
    Held,
    /// The market's standard load shape.
    Standard,
}
