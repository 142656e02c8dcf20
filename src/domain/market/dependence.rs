//! What a plan's bill depends on: the hour, other months, and the amounts of energy at which it bends or jumps.
//!
//! Between its bends a month's bill is a straight line in the month's energy, which is what makes sixty-four usage
//! paths as cheap as a few.

use crate::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, Combine, DeliveryTariff, DemandMeasure, Per, Register, Reset,
    Tariff, When,
};
use crate::domain::units::{Energy, Price};
use jiff::civil::Date;

/// What the bill of a tariff (with the delivery passed through) depends on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependence {
    /// The price depends on the hour or the kind of day, or on the highest power.
    pub hourly: bool,
    /// Between [`Dependence::bends`] every month's bill is a straight line in that month's energy, whatever the others.
    pub straight: bool,
    /// One minimum or maximum bill adds one more bend, where the tariff does not say.
    pub limited: bool,
    /// Credits for export are limited or carried from month to month, so a household that exports has no straight bills.
    pub carries_export: bool,
    /// Where a month's bill bends or jumps, distinct.
    pub bends: Vec<Bend>,
    /// Those of the bends at which a credit or minimum-usage fee comes or goes.
    pub cliffs: Vec<Energy>,
    /// The last contract month of the first introductory price or credit that ends.
    pub promotion_until: Option<u32>,
    /// Days on which the plan's own stated prices rise or a credit ends, ascending.
    pub rises_on: Vec<Date>,
    /// Credits that depend on the month's energy.
    pub has_usage_credit: bool,
}

/// A month's imported energy at which the bill bends or jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bend {
    pub energy: Energy,
    /// Times the days of the month.
    pub per_day: bool,
}

impl Dependence {
    pub fn of(tariff: &Tariff, delivery: Option<&DeliveryTariff>) -> Dependence {
        let mut found = Dependence { straight: true, ..Dependence::default() };
        let versions = tariff.versions.iter().map(|version| &version.charges);
        let wires = delivery.iter().flat_map(|delivery| delivery.versions.iter().map(|version| &version.charges));
        for charge in std::iter::once(&tariff.charges).chain(versions).chain(wires).flatten() {
            found.add_charge(charge);
        }
        match tariff.totals.as_slice() {
            [] => {}
            [rule] => {
                let by_bill = matches!(rule.per, Per::Bill | Per::Month);
                found.limited = by_bill && rule.min.is_some() != rule.max.is_some();
                found.straight &= found.limited;
            }
            _ => found.straight = false,
        }
        found.carries_export = tariff.export.is_some();
        let mut before = &tariff.charges;
        for version in &tariff.versions {
            if is_dearer(before, &version.charges) {
                found.rises_on.extend(version.from_date);
                if let Some(from) = version.from_contract_month.filter(|&from| from > 1) {
                    found.promotion_ends(from - 1);
                }
            }
            before = &version.charges;
        }
        found.rises_on.sort_unstable();
        found.bends.sort_unstable();
        found.bends.dedup();
        found.cliffs.sort_unstable();
        found.cliffs.dedup();
        found
    }

    fn promotion_ends(&mut self, last: u32) {
        self.promotion_until = Some(self.promotion_until.map_or(last, |known| known.min(last)));
    }

    fn add_charge(&mut self, charge: &Charge) {
        if let Some(condition) = &charge.condition {
            if let Some(usage) = &condition.usage {
                self.has_usage_credit |= charge.credit;
                for energy in [usage.min_kwh, usage.max_kwh].into_iter().flatten().filter(|bound| !bound.is_zero()) {
                    self.bends.push(Bend { energy, per_day: false });
                    self.cliffs.push(energy);
                }
            }
            // A fee that ends is no promotion.
            let is_benefit = charge.credit || !matches!(charge.amount, Amount::Fixed { .. } | Amount::Percent { .. });
            if let Some(last) = condition.contract_months.and_then(|months| months.to).filter(|_| is_benefit) {
                self.promotion_ends(last);
            }
        }
        self.straight &= !matches!(charge.combine, Combine::BestOf(_));
        match &charge.amount {
            Amount::Fixed { .. } | Amount::Percent { .. } => {}
            Amount::Energy { register, windows, blocks, when, .. } => {
                let timed = when.as_ref().is_some_and(depends_on_the_hour);
                self.hourly |= timed || windows.iter().filter_map(|w| w.when.as_ref()).any(depends_on_the_hour);
                if let Some(blocks) = blocks {
                    self.add_blocks(blocks, *register, when.is_some());
                }
            }
            Amount::Demand { measure, above, ratchet, floor_kw, .. } => {
                self.hourly = true;
                let by_kw_alone = above.is_empty() && ratchet.is_none() && floor_kw.is_none();
                self.straight &= by_kw_alone && *measure == DemandMeasure::Max;
            }
        }
    }

    fn add_blocks(&mut self, blocks: &Blocks, register: Register, windowed: bool) {
        self.hourly |= blocks.scope == BlockScope::TotalChronological || blocks.reset == Reset::Day;
        let on_the_total =
            blocks.scope == BlockScope::TotalProrata || (blocks.scope == BlockScope::PerWindow && !windowed);
        self.straight &= on_the_total && register == Register::Import && blocks.reset == Reset::Bill;
        let per_day = blocks.unit == BlockUnit::KwhPerDay;
        self.bends.extend(blocks.bounds.iter().map(|&energy| Bend { energy, per_day }));
    }
}

/// Whether a charge list takes more than the one before it: a price that rises, a charge that is new, a credit that
/// falls or ends.
fn is_dearer(before: &[Charge], after: &[Charge]) -> bool {
    let rises = after.iter().any(|charge| match before.iter().find(|old| old.id == charge.id) {
        None => !charge.credit,
        Some(old) => {
            let (old, new) = (prices(old), prices(charge));
            let worse = |(old, new): (&i64, &i64)| if charge.credit { new < old } else { new > old };
            old.len() != new.len() || old.iter().zip(&new).any(worse)
        }
    });
    rises || before.iter().any(|charge| charge.credit && after.iter().all(|new| new.id != charge.id))
}

/// The prices of a charge, in the order they are stated.
fn prices(charge: &Charge) -> Vec<i64> {
    match &charge.amount {
        Amount::Fixed { value, .. } => vec![value.nanos()],
        Amount::Energy { price, windows, series, blocks, .. } => {
            let series = series.iter().flat_map(|series| [Some(series.adder), series.expected]).flatten();
            let blocks = blocks.iter().flat_map(|blocks| blocks.prices.iter().copied());
            let windows = windows.iter().map(|window| window.price);
            price.iter().copied().chain(windows).chain(series).chain(blocks).map(Price::nanos).collect()
        }
        Amount::Demand { price, above, .. } => {
            [*price].into_iter().chain(above.iter().map(|step| step.price)).map(Price::nanos).collect()
        }
        Amount::Percent { percent, .. } => vec![(percent.percent() * 1e6).round() as i64],
    }
}

/// Months and dates are in the projection; clock and kind of day need a shape.
fn depends_on_the_hour(when: &When) -> bool {
    when.from.is_some() || when.to.is_some() || !when.days.is_empty()
}
