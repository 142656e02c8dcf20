//! Seeded usage paths: a bootstrap of the residuals around the expected year, and the band they span.

use super::Band;
use super::estimate::Estimate;
use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::normalise::quantile;
use rand::RngCore;
use rand_pcg::Pcg64;

/// Usage paths drawn.
pub const PATHS: usize = 64;
/// The sequence of the generator; the seed picks the place in it.
const STREAM: u128 = 0x7ee8_ea4d_0000_5000;
/// Twelve equally likely standard deviations: a normal distribution's quantiles at 1/24, 3/24 .. 23/24, scaled so that
/// their own standard deviation is one. A table, because logarithms differ between machines in the last digit.
const NORMAL: [f64; 12] =
    [-1.8262, -1.2131, -0.8565, -0.5785, -0.336, -0.1103, 0.1103, 0.336, 0.5785, 0.8565, 1.2131, 1.8262];
/// Standard deviation of one month's use around its expectation when the household's own residuals are not known:
/// the weather of that month.
const MONTH_SD: f64 = 0.08;
/// Residuals smaller than this say nothing: a month seen once is its own expectation.
const MIN_RESIDUAL: f64 = 1e-6;
/// Standard deviation of the whole year's level with all twelve months seen ..
const LEVEL_SD: f64 = 0.04;
/// .. and what is added to it as none are seen.
const LEVEL_SD_UNSEEN: f64 = 0.16;
/// How much wider the draws of a month are that rests on the shape alone.
const UNSEEN_WIDENS: f64 = 1.0;
/// Bounds of a factor: no household stops, and none trebles.
const FACTOR_LIMITS: (f64, f64) = (0.1, 3.0);

/// Draws [`PATHS`] paths of twelve factors (millionths) on the expected months from `first` on. Each month's factors
/// have a mean of one.
pub(super) fn draw(estimate: &Estimate, first: Month, seed: u64) -> Vec<[i64; 12]> {
    let mut pool: Vec<f64> = estimate.residuals.iter().copied().filter(|r| r.abs() > MIN_RESIDUAL).collect();
    pool.extend(NORMAL.map(|deviation| deviation * MONTH_SD));
    let mean = pool.iter().sum::<f64>() / pool.len() as f64;
    let level_sd = LEVEL_SD + LEVEL_SD_UNSEEN * (1.0 - estimate.months_seen() / 12.0).max(0.0);

    let mut generator = Pcg64::new(u128::from(seed), STREAM);
    let mut factors = vec![[0.0f64; 12]; PATHS];
    for path in &mut factors {
        let level = level_sd * pick(&NORMAL, &mut generator);
        for (n, factor) in path.iter_mut().enumerate() {
            let trust = estimate.trust[first.plus(n as i32).index()];
            let wider = 1.0 + UNSEEN_WIDENS * (1.0 - trust);
            let residual = pick(&pool, &mut generator) - mean;
            *factor = (1.0 + level + wider * residual).clamp(FACTOR_LIMITS.0, FACTOR_LIMITS.1);
        }
    }
    let mut means = [0.0; 12];
    for path in &factors {
        for (mean, factor) in means.iter_mut().zip(path) {
            *mean += factor / PATHS as f64;
        }
    }
    factors.iter().map(|path| std::array::from_fn(|n| (path[n] / means[n] * 1e6).round() as i64)).collect()
}

fn pick(pool: &[f64], generator: &mut Pcg64) -> f64 {
    // Multiply and shift: every entry is as likely as 2^-32 allows, and no draw is thrown away.
    let index = ((generator.next_u64() >> 32) * pool.len() as u64) >> 32;
    pool[index as usize]
}

/// P10, P50 and P90 of every month and of the year.
pub(super) fn bands(expected: &[(Month, Energy)], paths: &[[i64; 12]]) -> (Vec<Band>, Band) {
    let months = expected.iter().enumerate().map(|(n, (_, energy))| {
        band(paths.iter().map(|path| energy.scale(path[n], 1_000_000).mwh_thousandths()).collect())
    });
    let year = paths.iter().map(|path| {
        let months = expected.iter().zip(path);
        months.map(|((_, energy), factor)| energy.scale(*factor, 1_000_000)).sum::<Energy>().mwh_thousandths()
    });
    (months.collect(), band(year.collect()))
}

fn band(mut values: Vec<i64>) -> Band {
    values.sort_unstable();
    let at = |share: f64| Energy::from_mwh_thousandths(quantile(&values, share).round() as i64);
    Band { p10: at(0.1), p50: at(0.5), p90: at(0.9) }
}
