//! What kind of user the household is: statistics, seasons, profile type, data quality.

use crate::domain::calendar::{Month, Season};
use crate::domain::catalog::{Market, PropertyType};
use crate::domain::usage::monthly::ObservedMonth;
use crate::domain::usage::projection::estimate::Estimate;
use crate::domain::usage::quality::DataQuality;
use crate::domain::usage::readings::ReadingSet;
use crate::domain::usage::shape::month_shares;
use schemars::JsonSchema;
use serde::Serialize;

/// Fewer months than this say nothing about a year.
const MIN_MONTHS: usize = 3;
/// A month counts when at least this share of it is covered.
const MIN_COVERAGE: f64 = 0.5;
/// Summer over winter use from which on (or below whose inverse) use is seasonal.
const SEASONAL_RATIO: f64 = 1.35;
/// Coefficient of variation of monthly use from which on it is variable.
const VARIABLE_CV: f64 = 0.25;
/// Annual use above and below these multiples of the market's typical use is high and low.
const HIGH_USE: f64 = 1.5;
const LOW_USE: f64 = 0.5;

/// The usage analysis. Energies in kWh.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Profile {
    pub profile_type: ProfileType,
    /// Months of which at least half is covered.
    pub months: u32,
    pub first_month: Option<Month>,
    pub last_month: Option<Month>,
    /// Of the use per whole month; absent when no month counts.
    pub statistics: Option<Statistics>,
    pub seasonality: Seasonality,
    /// Expected use in a mean year.
    pub annual_kwh: f64,
    /// The market's typical use for the property type.
    pub typical_annual_kwh: f64,
    /// The share of days with a value, from the first to the last, 0..=1.
    pub completeness: f64,
    pub quality: DataQuality,
    /// Whether readings shorter than a day are held.
    pub has_intervals: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProfileType {
    InsufficientData,
    Seasonal,
    Variable,
    HighUser,
    LowUser,
    Baseline,
}

impl ProfileType {
    pub const fn as_str(self) -> &'static str {
        match self {
            ProfileType::InsufficientData => "insufficient_data",
            ProfileType::Seasonal => "seasonal",
            ProfileType::Variable => "variable",
            ProfileType::HighUser => "high_user",
            ProfileType::LowUser => "low_user",
            ProfileType::Baseline => "baseline",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Statistics {
    pub min: f64,
    pub max: f64,
    pub mean: f64,
    pub median: f64,
    /// Of a sample (n - 1); 0 of a single value.
    pub sd: f64,
    /// `sd / mean`; 0 when the mean is 0.
    pub cv: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Seasonality {
    pub seasonal: bool,
    /// Mean monthly use in June..August over December..February; absent unless both are observed and winter use is
    /// above zero.
    pub summer_winter_ratio: Option<f64>,
    /// Mean use per month of each season observed.
    pub winter: Option<f64>,
    pub spring: Option<f64>,
    pub summer: Option<f64>,
    pub autumn: Option<f64>,
}

/// Analyses what is held.
pub fn profile(set: &ReadingSet, market: &Market, property: PropertyType) -> Profile {
    let observed = set.monthly();
    let counted: Vec<&ObservedMonth> = observed.iter().filter(|month| month.coverage() >= MIN_COVERAGE).collect();
    let values: Vec<f64> = counted.iter().map(|month| month.full().kwh()).collect();
    let statistics = Statistics::of(&values);
    let seasonality = Seasonality::of(&counted);
    let annual_kwh = Estimate::of(&observed, &month_shares(market, property)).map_or(0.0, |e| e.annual_kwh());
    let typical_annual_kwh = match property {
        PropertyType::Residential => market.typical_annual_kwh.residential,
        PropertyType::Commercial => market.typical_annual_kwh.commercial,
    };
    let quality = DataQuality::of(set);
    Profile {
        profile_type: profile_type(&values, statistics, seasonality, annual_kwh / typical_annual_kwh),
        months: counted.len() as u32,
        first_month: observed.first().map(|month| month.month),
        last_month: observed.last().map(|month| month.month),
        statistics,
        seasonality,
        annual_kwh,
        typical_annual_kwh,
        completeness: quality.completeness(),
        quality,
        has_intervals: matches!(set, ReadingSet::Intervals(_)),
    }
}

/// The first rule that fits, in the order of the method. `relative` is annual over typical use; NaN and infinities (a
/// market without typical use) make neither a high nor a low user.
fn profile_type(values: &[f64], statistics: Option<Statistics>, seasons: Seasonality, relative: f64) -> ProfileType {
    if values.len() < MIN_MONTHS {
        ProfileType::InsufficientData
    } else if seasons.seasonal {
        ProfileType::Seasonal
    } else if statistics.is_some_and(|statistics| statistics.cv >= VARIABLE_CV) {
        ProfileType::Variable
    } else if relative.is_finite() && relative > HIGH_USE {
        ProfileType::HighUser
    } else if relative < LOW_USE {
        ProfileType::LowUser
    } else {
        ProfileType::Baseline
    }
}

impl Statistics {
    /// `None` of nothing.
    pub fn of(values: &[f64]) -> Option<Statistics> {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let count = sorted.len();
        let mean = sorted.iter().sum::<f64>() / count as f64;
        let median = f64::midpoint(sorted[(count - 1) / 2], sorted[count / 2]);
        let squares: f64 = sorted.iter().map(|value| (value - mean) * (value - mean)).sum();
        let sd = if count > 1 { (squares / (count - 1) as f64).sqrt() } else { 0.0 };
        let cv = if mean > 0.0 { sd / mean } else { 0.0 };
        Some(Statistics { min, max, mean, median, sd, cv })
    }
}

impl Seasonality {
    fn of(months: &[&ObservedMonth]) -> Seasonality {
        let mean = |season: Season| {
            let values: Vec<f64> = months
                .iter()
                .filter(|month| Season::of(month.month) == season)
                .map(|month| month.full().kwh())
                .collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let (winter, summer) = (mean(Season::Winter), mean(Season::Summer));
        let both = winter.zip(summer);
        let summer_winter_ratio = both.filter(|(winter, _)| *winter > 0.0).map(|(winter, summer)| summer / winter);
        // Compared without dividing, so that a winter without use is as seasonal as it looks.
        let seasonal = both.is_some_and(|(winter, summer)| {
            winter.max(summer) > 0.0 && (summer >= SEASONAL_RATIO * winter || winter >= SEASONAL_RATIO * summer)
        });
        let (spring, autumn) = (mean(Season::Spring), mean(Season::Autumn));
        Seasonality { seasonal, summer_winter_ratio, winter, spring, summer, autumn }
    }
}
