//! A bill: what each charge comes to in one billing window, line by line.

use crate::domain::calendar::Window;
use crate::domain::tariff::model::Tag;
use crate::domain::units::{Energy, Money};

/// One billing window priced. The lines sum to the total exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    pub window: Window,
    /// Imported energy.
    pub kwh: Energy,
    pub lines: Vec<Line>,
    pub total: Money,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Id of the charge.
    pub charge: String,
    pub label: String,
    /// The charge's first tag.
    pub kind: Tag,
    /// In `unit`s: kWh, kW, days, months; percent of an amount.
    pub quantity: f64,
    pub unit: &'static str,
    /// Currency per unit (percent for `unit` = `%`).
    pub rate: f64,
    /// Negative for a credit.
    pub amount: Money,
}
