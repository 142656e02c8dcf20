//! Where a credit or minimum-usage fee makes a bill jump within the household's own range of use.

use super::year::{MONTHS, Year, YearCost};
use crate::domain::market::Dependence;
use crate::domain::tariff::Compiled;
use crate::domain::units::{Energy, Money};
use crate::domain::usage::projection::Projection;

/// A jump of less than this share of the month's bill is no cliff.
pub const LEAST_JUMP: f64 = 0.1;

/// A bound that months of the P10..P90 band cross.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cliff {
    pub bound: Energy,
    /// The largest change of a bill at the bound, its sign dropped.
    pub jump: Money,
    /// How many months of the year may cross it.
    pub months: u32,
}

/// The plan's cliffs; none where the tariff cannot be priced at its bounds.
pub fn cliffs(
    year: &mut Year<'_>,
    projection: &Projection,
    tariff: &Compiled,
    dependence: &Dependence,
    cost: &YearCost,
) -> Vec<Cliff> {
    let bounds = dependence.cliffs.iter();
    bounds.filter_map(|&bound| cliff_at(year, projection, tariff, bound, cost)).collect()
}

fn cliff_at(
    year: &mut Year<'_>,
    projection: &Projection,
    tariff: &Compiled,
    bound: Energy,
    cost: &YearCost,
) -> Option<Cliff> {
    let crosses = |month: usize| {
        let band = projection.months.get(month)?.band;
        Some(band.p10 < bound && bound <= band.p90)
    };
    let crossing: Vec<usize> = (0..MONTHS).filter(|&month| crosses(month) == Some(true)).collect();
    if crossing.is_empty() {
        return None;
    }
    // A thousandth beside the bound: far enough for the meter's resolution, too little to matter as energy.
    let below = year.totals_at(tariff, &[bound.scale(999, 1_000); MONTHS]).ok()?;
    let above = year.totals_at(tariff, &[bound.scale(1_001, 1_000); MONTHS]).ok()?;
    let mut cliff = Cliff { bound, jump: Money::ZERO, months: 0 };
    for month in crossing {
        let difference = *above.get(month)? - *below.get(month)?;
        let jump = difference.max(-difference);
        if jump.currency() > LEAST_JUMP * cost.months[month].currency().abs() {
            cliff.months += 1;
            cliff.jump = cliff.jump.max(jump);
        }
    }
    (cliff.months > 0).then_some(cliff)
}
