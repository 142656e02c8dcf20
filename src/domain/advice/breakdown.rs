//! Where the year's money goes.

use super::answer::{CostBreakdown, dollars};
use crate::domain::market::Dependence;
use crate::domain::tariff::Bill;
use crate::domain::tariff::model::Tag;
use crate::domain::units::Money;

/// Sums the lines of the expected year by kind. The expected cost of a plan whose bill jumps or bends is the mean over
/// the usage paths, which the bills of the expected year miss by a little: that difference is booked where it comes
/// from, on the credits, the fees or the energy, so the parts add up to the cost shown.
pub fn breakdown(bills: &[Bill], annual: Money, one_time: Money, dependence: &Dependence) -> CostBreakdown {
    let mut sums = [Money::ZERO; 6];
    for line in bills.iter().flat_map(|bill| &bill.lines) {
        sums[place(line.kind)] += line.amount;
    }
    let mut sums = sums.map(|sum| sum.round(2));
    let bend = match (dependence.has_usage_credit, dependence.cliffs.is_empty()) {
        (true, _) => place(Tag::Credit),
        (false, false) => place(Tag::Fee),
        (false, true) => place(Tag::Energy),
    };
    sums[bend] += annual - sums.iter().copied().sum();
    let [energy, delivery, fixed, credits, fees, taxes] = sums.map(dollars);
    CostBreakdown { energy, delivery, fixed, credits, fees, taxes, one_time: dollars(one_time) }
}

/// Demand is paid like energy; what is sold to the grid is a credit.
const fn place(kind: Tag) -> usize {
    match kind {
        Tag::Energy | Tag::Demand => 0,
        Tag::Delivery => 1,
        Tag::Fixed => 2,
        Tag::Credit | Tag::Export => 3,
        Tag::Fee => 4,
        Tag::Tax => 5,
    }
}
