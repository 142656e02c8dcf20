//! Expected use per month of the year, from what was observed and the market's monthly shape.

use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::monthly::ObservedMonth;

/// What a year's observation counts for next to one a year younger.
const OLDER_YEAR_WEIGHT: f64 = 0.5;
/// Months covered less than this have no residual worth keeping.
const MIN_COVERAGE: f64 = 0.5;
/// Days of January..December, February in the mean.
const DAYS: [f64; 12] = [31.0, 28.25, 31.0, 30.0, 31.0, 30.0, 31.0, 31.0, 30.0, 31.0, 30.0, 31.0];

/// The level and the seasons of a household's use.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::domain::usage) struct Estimate {
    /// Expected mWh per day in January..December.
    per_day: [f64; 12],
    /// How far each month of the year rests on its own observations (1) rather than on the shape (0).
    pub trust: [f64; 12],
    /// Share of each month of the year observed, 0..=1.
    seen: [f64; 12],
    /// Months observed, all years, in parts of months.
    pub months_held: f64,
    /// Relative differences of observed months from what is expected of them.
    pub residuals: Vec<f64>,
}

impl Estimate {
    /// `None` when nothing is covered.
    ///
    /// The level is a ratio estimator: observed energy over the share of the year the shape gives those months, so
    /// three summer months do not become a summer year. Each month of the year is then the mean of its observations,
    /// recent years weighted higher, drawn towards shape x level the more the fewer months are seen: with all twelve
    /// seen the shape has no say.
    pub fn of(observed: &[ObservedMonth], shares: &[f64; 12]) -> Option<Estimate> {
        let observed: Vec<&ObservedMonth> = observed.iter().filter(|month| month.coverage() > 0.0).collect();
        let latest = observed.last()?.month;
        let (mut sums, mut weights, mut seen) = ([0.0; 12], [0.0; 12], [0.0f64; 12]);
        let (mut energy, mut share) = (0.0, 0.0);
        let mut months_held = 0.0;
        for month in &observed {
            let (index, coverage) = (month.month.index(), month.coverage());
            let mut weight = coverage;
            for _ in 0..month.month.until(latest) / 12 {
                weight *= OLDER_YEAR_WEIGHT;
            }
            sums[index] += weight * month.per_day();
            weights[index] += weight;
            seen[index] = (seen[index] + coverage).min(1.0);
            months_held += coverage;
            energy += weight * month.per_day() * DAYS[index];
            share += weight * shares[index];
        }
        let level = if share > 0.0 { energy / share } else { 0.0 };
        let all_seen = seen.iter().sum::<f64>() / 12.0;
        let trust = seen.map(|seen| seen * all_seen);
        let per_day = std::array::from_fn(|index| {
            let shaped = level * shares[index] / DAYS[index];
            let own = if weights[index] > 0.0 { sums[index] / weights[index] } else { shaped };
            trust[index] * own + (1.0 - trust[index]) * shaped
        });
        let mut estimate = Estimate { per_day, trust, seen, months_held, residuals: Vec::new() };
        estimate.residuals = observed
            .iter()
            .filter(|month| month.coverage() >= MIN_COVERAGE)
            .filter_map(|month| {
                let expected = estimate.per_day[month.month.index()];
                (expected > 0.0).then(|| month.per_day() / expected - 1.0)
            })
            .collect();
        Some(estimate)
    }

    /// Expected energy of a calendar month.
    pub fn month(&self, month: Month) -> Energy {
        let energy = self.per_day[month.index()] * f64::from(month.days());
        Energy::from_mwh_thousandths(energy.round() as i64)
    }

    /// Expected energy of a mean year, kWh.
    pub fn annual_kwh(&self) -> f64 {
        self.per_day.iter().zip(DAYS).map(|(per_day, days)| per_day * days).sum::<f64>() / 1e6
    }

    /// Months of the year seen, 0..=12, in parts of months.
    pub fn months_seen(&self) -> f64 {
        self.seen.iter().sum()
    }

    /// Root mean square of the residuals; 0 when there are none.
    pub fn spread(&self) -> f64 {
        if self.residuals.is_empty() {
            return 0.0;
        }
        let squares: f64 = self.residuals.iter().map(|residual| residual * residual).sum();
        (squares / self.residuals.len() as f64).sqrt()
    }
}
