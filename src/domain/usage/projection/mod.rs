//! The coming year: twelve expected months with their band, and seeded paths around them.

pub(super) mod estimate;
mod paths;
mod typical;

use crate::domain::calendar::Month;
use crate::domain::catalog::{Market, PropertyType};
use crate::domain::units::Energy;
use crate::domain::usage::quality::DataQuality;
use crate::domain::usage::readings::{Intervals, ReadingSet};
use crate::domain::usage::shape::{self, Shape};
use estimate::Estimate;
use jiff::civil::Date;
use jiff::tz::TimeZone;

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
    /// The same year over a flatter and a peakier day, where these follow from more than the months alone.
    pub other_shapes: Option<Box<[Intervals; 2]>>,
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

impl Projection {
    /// The expected months spread by another standard shape: what the year may cost when the household's hours are
    /// not known lies between [`Shape::Flatter`] and [`Shape::Peakier`].
    pub fn reshaped(&self, shape: Shape) -> Intervals {
        let months: Vec<(Month, Energy)> = self.months.iter().map(|entry| (entry.month, entry.expected)).collect();
        shape::synthesise(&months, &self.intervals.zone, shape)
    }
}

/// Why a year cannot be projected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProjectionError {
    #[error("there is no usage to project from: give at least one month")]
    NoUsage,
    #[error("the twelve months after {as_of} lie outside 1900 to 2199: give another date")]
    OutOfRange { as_of: Date },
}

/// Confidence with no month seen, before anything is added or taken off.
const CONFIDENCE_BASE: f64 = 0.3;
/// Added in proportion to the months of the year seen, in full at twelve.
const CONFIDENCE_MONTHS: f64 = 0.65;
/// Added in proportion to a second year of months.
const CONFIDENCE_SECOND_YEAR: f64 = 0.05;
/// The most that is taken off for residual spread, as a share.
const CONFIDENCE_SPREAD_LIMIT: f64 = 0.5;

/// Projects the twelve calendar months after `as_of`'s. The same arguments give the same bytes on every machine.
pub fn project(
    set: &ReadingSet,
    as_of: Date,
    market: &Market,
    property: PropertyType,
    zone: &TimeZone,
    seed: u64,
) -> Result<Projection, ProjectionError> {
    let first_month = Month::of(as_of).plus(1);
    if first_month.until(first_month.plus(11)) != 11 || first_month.first_day() <= as_of {
        return Err(ProjectionError::OutOfRange { as_of });
    }
    let observed = set.monthly();
    let shares = shape::month_shares(market, property);
    let estimate = Estimate::of(&observed, &shares).ok_or(ProjectionError::NoUsage)?;
    let expected: Vec<(Month, Energy)> =
        (0..12).map(|n| first_month.plus(n)).map(|month| (month, estimate.month(month))).collect();
    let paths = paths::draw(&estimate, first_month, seed);
    let (bands, annual) = paths::bands(&expected, &paths);
    let held = match set {
        ReadingSet::Intervals(intervals) => typical::year(intervals, &expected, zone),
        _ => None,
    };
    let (intervals, shape) = match held {
        Some(intervals) => (intervals, ShapeSource::Held),
        None => (shape::synthesise(&expected, zone, Shape::of(property)), ShapeSource::Standard),
    };
    let months = expected.iter().zip(bands).map(|(&(month, expected), band)| ProjectedMonth { month, expected, band });
    Ok(Projection {
        first_month,
        months: months.collect(),
        annual,
        paths,
        confidence: confidence(&estimate, &DataQuality::of(set)),
        intervals,
        shape,
        other_shapes: None,
    })
}

/// Months seen and completeness, less the residual spread.
fn confidence(estimate: &Estimate, quality: &DataQuality) -> f64 {
    let seen = (estimate.months_seen() / 12.0).min(1.0);
    let second_year = ((estimate.months_held - 12.0) / 12.0).clamp(0.0, 1.0);
    let months = CONFIDENCE_BASE + CONFIDENCE_MONTHS * seen + CONFIDENCE_SECOND_YEAR * second_year;
    let spread = estimate.spread().min(CONFIDENCE_SPREAD_LIMIT);
    (months * quality.score * (1.0 - spread)).clamp(0.0, 1.0)
}
