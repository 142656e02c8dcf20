//! The coming year of one household, on which every plan is priced alike: expected bills, seeded usage paths, a band.
//!
//! The expected cost is the mean over the paths, so a plan that is cheap at exactly one amount of energy does not win
//! by luck. Where a bill is a straight line in the month's energy, the mean of the paths is the bill of the expected
//! month (the paths are centred on it), and the paths follow from two bills; where the tariff names its bends, from
//! two bills per stretch between them; else every path is priced.

mod stretches;

use crate::domain::advice::scores::quantile;
use crate::domain::calendar::{Window, calendar_windows};
use crate::domain::market::{Bend, Dependence};
use crate::domain::tariff::{Bill, Compiled, Fault, Load, Points, Pricer};
use crate::domain::units::{Energy, Money};
use crate::domain::usage::projection::Projection;
use crate::domain::usage::readings::Intervals;
use foldhash::{HashMap, HashMapExt};
use std::rc::Rc;
use stretches::Stretches;

pub const MONTHS: usize = 12;
/// A factor of one, in millionths.
const ONE: i64 = 1_000_000;

/// Bills rounded to a cent, a few lines each, are this close to a straight line, currency.
const ROUNDING: f64 = 0.04;

/// The expected year cut into months; what [`Year`] prices on.
pub struct YearLoad {
    pub load: Load,
    pub windows: Vec<Window>,
    pub energies: [Energy; MONTHS],
    /// The household feeds into the grid.
    pub exports: bool,
}

/// A load with the household's usage paths around it.
pub struct Year<'a> {
    pricer: Pricer<'a>,
    load: &'a YearLoad,
    /// Per path the factor on each month's energy, in millionths; the mean of every month is one.
    paths: Vec<[i64; MONTHS]>,
    least: [i64; MONTHS],
    greatest: [i64; MONTHS],
    /// Per path a standard normal deviate for prices that may change.
    shocks: Vec<f64>,
    /// By bends: plans with the same bends share their stretches. `None`: their paths are priced one by one.
    stretches: HashMap<Vec<Bend>, Option<Rc<Stretches>>>,
    /// Every month as expected.
    whole: Points,
    /// The bills at the points a plan was priced at last.
    ends: Vec<Money>,
}

/// What a plan costs in the coming year, one-time fees not included.
#[derive(Debug, Clone, PartialEq)]
pub struct YearCost {
    /// Expected bills, whole cents.
    pub months: [Money; MONTHS],
    /// Their sum.
    pub annual: Money,
    pub p10: Money,
    pub p90: Money,
    pub worst_month: Money,
    /// The year's cost on each path, currency.
    pub paths: Vec<f64>,
    /// Tenth and ninetieth percentile of every month over the paths; empty where only the expected cost was asked for.
    pub month_bands: Vec<[Money; 2]>,
}

/// A price that may change: the share of the bill it moves, and its standard deviation as a share of itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PriceBand {
    pub share: f64,
    pub sd: f64,
}

impl YearLoad {
    pub fn new(projection: &Projection) -> YearLoad {
        YearLoad::of(&projection.intervals, projection)
    }

    /// The same months over other hours.
    pub fn of(intervals: &Intervals, projection: &Projection) -> YearLoad {
        let windows = calendar_windows(projection.first_month, MONTHS as u32);
        let mut energies = [Energy::ZERO; MONTHS];
        for (window, energy) in windows.iter().zip(&mut energies) {
            *energy = energy_in(intervals, *window);
        }
        let exports = intervals.export.iter().any(|energy| !energy.is_zero());
        YearLoad { load: Load::from_intervals(intervals, &windows), windows, energies, exports }
    }
}

fn energy_in(intervals: &Intervals, window: Window) -> Energy {
    let first = crate::domain::calendar::days_between(intervals.first_day, window.start).max(0) as usize;
    let last = (first + window.days() as usize).min(intervals.day_offsets.len() - 1);
    let (Some(&from), Some(&to)) = (intervals.day_offsets.get(first), intervals.day_offsets.get(last)) else {
        return Energy::ZERO;
    };
    intervals.import[from as usize..to as usize].iter().copied().sum()
}

impl<'a> Year<'a> {
    pub fn new(load: &'a YearLoad, projection: &Projection) -> Year<'a> {
        let paths = centred(&projection.paths);
        let mut least = [ONE; MONTHS];
        let mut greatest = [ONE; MONTHS];
        for path in &paths {
            for month in 0..MONTHS {
                least[month] = least[month].min(path[month]);
                greatest[month] = greatest[month].max(path[month]);
            }
        }
        let shocks = normal_deviates(paths.len());
        let whole = Points::of(&load.load, (0..MONTHS).map(|month| (month, ONE)));
        let (pricer, stretches, ends) = (Pricer::new(&load.load), HashMap::new(), Vec::new());
        Year { pricer, load, paths, least, greatest, shocks, stretches, whole, ends }
    }

    pub fn energies(&self) -> &[Energy; MONTHS] {
        &self.load.energies
    }
    /// Of the expected year.
    pub fn energy(&self) -> Energy {
        self.load.energies.iter().copied().sum()
    }
    /// The whole year's energy on each path, as a share of the expected one.
    pub fn energy_factors(&self) -> Vec<f64> {
        let total = self.energy().kwh();
        let of = |path: &[i64; MONTHS]| {
            let kwh: f64 = path.iter().zip(&self.load.energies).map(|(f, e)| *f as f64 / 1e6 * e.kwh()).sum();
            if total > 0.0 { kwh / total } else { 1.0 }
        };
        self.paths.iter().map(of).collect()
    }

    /// The bills of the expected year with their lines.
    pub fn bills(&mut self, tariff: &Compiled) -> Result<Vec<Bill>, Fault> {
        self.pricer.bills(tariff)
    }

    /// The bills with each month's energy at that amount.
    pub fn totals_at(&mut self, tariff: &Compiled, energies: &[Energy; MONTHS]) -> Result<Vec<Money>, Fault> {
        let mut factors = [ONE; MONTHS];
        for (month, factor) in factors.iter_mut().enumerate() {
            *factor = factor_to(energies[month], self.load.energies[month]).unwrap_or(ONE);
        }
        self.pricer.totals_scaled(tariff, &factors)
    }

    /// What the coming year costs on average, and its band.
    pub fn cost(
        &mut self,
        tariff: &Compiled,
        dependence: &Dependence,
        band: Option<PriceBand>,
    ) -> Result<YearCost, Fault> {
        let (months, bills) = if let Some(expected) = self.straight_bills(tariff, dependence)? {
            (to_cents(&expected), self.along_a_line(tariff, &expected)?)
        } else if let Some(stretches) = self.stretches(dependence) {
            let ends = self.pricer.totals_at(tariff, &stretches.points)?;
            let bills = self.paths.iter().map(|path| stretches.along(path, &ends)).collect();
            (stretches.mean(&ends).map(to_money), bills)
        } else {
            self.every_path(tariff)?
        };
        Ok(YearCost { month_bands: self.month_bands(&bills, band), ..self.summary(months, &bills, band) })
    }

    /// What the coming year costs on average: the months of [`Year::cost`], without the band that only the plans that
    /// are shown need.
    pub fn expected_months(&mut self, tariff: &Compiled, dependence: &Dependence) -> Result<[Money; MONTHS], Fault> {
        if let Some(expected) = self.straight_bills(tariff, dependence)? {
            return Ok(to_cents(&expected));
        }
        if let Some(stretches) = self.stretches(dependence) {
            self.pricer.totals_into(tariff, &stretches.points, &mut self.ends)?;
            return Ok(stretches.mean(&self.ends).map(to_money));
        }
        Ok(self.every_path(tariff)?.0)
    }

    /// The expected bills, where every month's bill is one straight line over all that the paths reach.
    fn straight_bills(&mut self, tariff: &Compiled, dependence: &Dependence) -> Result<Option<[Money; MONTHS]>, Fault> {
        if !self.is_straight(dependence) || !dependence.bends.is_empty() {
            return Ok(None);
        }
        self.pricer.totals_into(tariff, &self.whole, &mut self.ends)?;
        let expected = std::array::from_fn(|month| self.ends.get(month).copied().unwrap_or_default());
        if dependence.limited {
            // A bill under one limit bends one way only: if it is on one line at three points, it is between them.
            let low = currencies(&self.pricer.totals_scaled(tariff, &self.least)?);
            let high = currencies(&self.pricer.totals_scaled(tariff, &self.greatest)?);
            let middle = currencies(&expected);
            let on_one_line = (0..MONTHS).all(|month| {
                let (reach, step) = (self.greatest[month] - self.least[month], ONE - self.least[month]);
                let share = if reach > 0 { step as f64 / reach as f64 } else { 0.0 };
                (low[month] + share * (high[month] - low[month]) - middle[month]).abs() < ROUNDING
            });
            if !on_one_line {
                return Ok(None);
            }
        }
        Ok(Some(expected))
    }

    fn is_straight(&self, dependence: &Dependence) -> bool {
        dependence.straight && !(dependence.carries_export && self.load.exports)
    }

    /// `None` where the paths are priced one by one.
    fn stretches(&mut self, dependence: &Dependence) -> Option<Rc<Stretches>> {
        if !self.is_straight(dependence) || dependence.limited {
            return None;
        }
        if let Some(known) = self.stretches.get(dependence.bends.as_slice()) {
            return known.clone();
        }
        let stretches = Stretches::of(&dependence.bends, self.load, &self.paths).map(Rc::new);
        self.stretches.insert(dependence.bends.clone(), stretches.clone());
        stretches
    }

    /// The expected months, and the bills of every path.
    fn every_path(&mut self, tariff: &Compiled) -> Result<([Money; MONTHS], Vec<[f64; MONTHS]>), Fault> {
        let mut bills = Vec::with_capacity(self.paths.len());
        if self.paths.is_empty() {
            return Ok((to_cents(&self.pricer.totals(tariff)?), bills));
        }
        for path in &self.paths {
            bills.push(currencies(&self.pricer.totals_scaled(tariff, path)?));
        }
        let mean =
            |month: usize| bills.iter().map(|path: &[f64; MONTHS]| path[month]).sum::<f64>() / bills.len() as f64;
        Ok((std::array::from_fn(|month| to_money(mean(month))), bills))
    }

    fn summary(&self, months: [Money; MONTHS], bills: &[[f64; MONTHS]], band: Option<PriceBand>) -> YearCost {
        let annual: Money = months.iter().copied().sum();
        let mut worst = months.iter().max().map_or(f64::MIN, |most| most.currency());
        let mut paths = Vec::with_capacity(bills.len());
        for (path, shock) in bills.iter().zip(&self.shocks) {
            let moved = band.map_or(1.0, |band| 1.0 + band.share * band.sd * shock);
            paths.push(path.iter().sum::<f64>() * moved);
            worst = path.iter().fold(worst, |worst, bill| worst.max(bill * moved));
        }
        let mut sorted = paths.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |share| if sorted.is_empty() { annual } else { to_money(quantile(&sorted, share)) };
        YearCost {
            months,
            annual,
            p10: at(0.1),
            p90: at(0.9),
            worst_month: to_money(worst),
            paths,
            month_bands: Vec::new(),
        }
    }

    fn month_bands(&self, bills: &[[f64; MONTHS]], band: Option<PriceBand>) -> Vec<[Money; 2]> {
        if bills.is_empty() {
            return Vec::new();
        }
        let moved: Vec<f64> =
            self.shocks.iter().map(|shock| band.map_or(1.0, |band| 1.0 + band.share * band.sd * shock)).collect();
        let of_month = |month: usize| {
            let mut sorted: Vec<f64> = bills.iter().zip(&moved).map(|(path, moved)| path[month] * moved).collect();
            sorted.sort_unstable_by(f64::total_cmp);
            [0.1, 0.9].map(|share| to_money(quantile(&sorted, share)))
        };
        (0..MONTHS).map(of_month).collect()
    }

    /// Every month's bill is one straight line: through the expected bill and that of the farthest path.
    fn along_a_line(&mut self, tariff: &Compiled, expected: &[Money]) -> Result<Vec<[f64; MONTHS]>, Fault> {
        let mut far = [ONE; MONTHS];
        for (month, far) in far.iter_mut().enumerate() {
            let (up, down) = (self.greatest[month] - ONE, ONE - self.least[month]);
            *far = if up >= down { self.greatest[month] } else { self.least[month] };
        }
        let (base, there) = (currencies(expected), currencies(&self.pricer.totals_scaled(tariff, &far)?));
        let mut slope = [0.0; MONTHS];
        for month in 0..MONTHS {
            let step = far[month] - ONE;
            slope[month] = if step == 0 { 0.0 } else { (there[month] - base[month]) / step as f64 };
        }
        let bill = |path: &[i64; MONTHS]| {
            let mut bill = base;
            for month in 0..MONTHS {
                bill[month] += slope[month] * (path[month] - ONE) as f64;
            }
            bill
        };
        Ok(self.paths.iter().map(bill).collect())
    }
}

/// The factor, in millionths, that brings a month's energy to an amount; `None` where there is no energy to scale.
fn factor_to(wanted: Energy, energy: Energy) -> Option<i64> {
    let own = i128::from(energy.mwh_thousandths());
    if own <= 0 {
        return None;
    }
    let factor = i128::from(wanted.mwh_thousandths()) * i128::from(ONE) / own;
    // A thousandfold month is out of every path's reach, and more would overflow a bill.
    Some(factor.clamp(0, 1_000 * i128::from(ONE)) as i64)
}

/// The paths with every month's factors moved so that their mean is one: the expected month is the mean of the paths.
fn centred(paths: &[[i64; MONTHS]]) -> Vec<[i64; MONTHS]> {
    let mut centred = paths.to_vec();
    for month in 0..MONTHS {
        let sum: i128 = paths.iter().map(|path| i128::from(path[month].max(0))).sum();
        for path in &mut centred {
            let factor = i128::from(path[month].max(0));
            path[month] = if sum == 0 { ONE } else { (factor * i128::from(ONE) * paths.len() as i128 / sum) as i64 };
        }
    }
    centred
}

/// Standard normal quantiles in a fixed, well-mixed order. The logistic curve of scale 1/1.702 stands in for the
/// normal one; the two distribution functions are nowhere further apart than 0.01 (Camilli 1994).
fn normal_deviates(count: usize) -> Vec<f64> {
    let quantile_of = |n: usize| {
        let share = (n as f64 + 0.5) / count as f64;
        (share / (1.0 - share)).ln() / 1.702
    };
    // Seven and sixty-four share no factor, so every quantile is used once.
    let mixed = |n: usize| if count.is_multiple_of(7) { n } else { (n * 7 + 3) % count };
    (0..count).map(|n| quantile_of(mixed(n))).collect()
}

fn currencies(totals: &[Money]) -> [f64; MONTHS] {
    std::array::from_fn(|month| totals.get(month).map_or(0.0, in_currency))
}

fn in_currency(total: &Money) -> f64 {
    // Bills are far from the limits of 64 bits, where the division is the processor's own.
    i64::try_from(total.femtos()).map_or_else(|_| total.currency(), |femtos| femtos as f64 / 1e15)
}

fn to_cents(totals: &[Money]) -> [Money; MONTHS] {
    std::array::from_fn(|month| totals.get(month).map_or(Money::ZERO, |total| total.round(2)))
}

/// To the nearest cent.
pub fn to_money(currency: f64) -> Money {
    Money::from_cents((currency * 100.0).round() as i64)
}
