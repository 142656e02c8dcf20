//! Pricing: readings folded once per schedule, then every plan from the sums.

use crate::domain::calendar::Window;
use crate::domain::tariff::bill::Bill;
use crate::domain::tariff::compile::Compiled;
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Energy, Money};
use crate::domain::usage::readings::Intervals;

/// A household's usage ready to be priced: readings (or bare totals) cut into billing windows.
#[derive(Debug, Clone)]
pub struct Load {}

impl Load {
    /// Windows must be ascending, not overlap and lie inside the readings.
    pub fn from_intervals(_intervals: &Intervals, _windows: &[Window]) -> Load {
        todo!("core")
    }
    /// Import totals only: a tariff whose price depends on the hour or the day is refused.
    pub fn from_totals(_windows: &[(Window, Energy)]) -> Load {
        todo!("core")
    }
}

/// Prices many tariffs on one load; folds are shared between tariffs with the same schedule.
pub struct Pricer<'a> {
    _load: &'a Load,
}

impl<'a> Pricer<'a> {
    pub fn new(_load: &'a Load) -> Self {
        todo!("core")
    }
    /// The total of each window, one-time fees not included. Same figures as [`Pricer::bills`], without the lines.
    pub fn totals(&mut self, _tariff: &Compiled) -> Result<Vec<Money>, Fault> {
        todo!("core")
    }
    /// Totals with the energy of window `w` scaled by `factors[w]` millionths: one path of an uncertain year.
    pub fn totals_scaled(&mut self, _tariff: &Compiled, _factors: &[i64]) -> Result<Vec<Money>, Fault> {
        todo!("core")
    }
    /// Every window's bill with all its lines.
    pub fn bills(&mut self, _tariff: &Compiled) -> Result<Vec<Bill>, Fault> {
        todo!("core")
    }
}
