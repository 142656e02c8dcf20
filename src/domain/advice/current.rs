//! The plan the household is on: what it costs, when it ends, what leaving it costs (method.md 5).

use super::ranking::price_band;
use super::request::CurrentPlan;
use super::year::{MONTHS, PriceBand, Year, to_money};
use crate::domain::calendar::{Month, days_between};
use crate::domain::market::{Dependence, Listing, Snapshot, UtilityRef};
use crate::domain::tariff::model::{DeliveryTariff, Tariff};
use crate::domain::tariff::{RateStructure, compile};
use crate::domain::units::{Money, Price};
use jiff::ToSpan;
use jiff::civil::Date;

/// From so many days before its end a contract can be left without a fee.
pub const FREE_EXIT_DAYS: i64 = 14;

/// The current plan with everything that could be found out about it.
#[derive(Debug)]
pub struct Current<'a> {
    pub plan: &'a CurrentPlan,
    /// Where it is a plan of the catalog.
    pub listing: Option<&'a Listing>,
    /// The last day of the contract, stated or from its start and term.
    pub end: Option<Date>,
    /// `None`: nothing to compare with.
    pub cost: Option<CurrentCost>,
}

/// What staying costs.
#[derive(Debug, Clone, PartialEq)]
pub struct CurrentCost {
    pub months: [Money; MONTHS],
    pub annual: Money,
    /// After the contract's end, where the terms say what it costs then.
    pub months_after_end: Option<[Money; MONTHS]>,
    /// The year's cost on each usage path, currency.
    pub paths: Vec<f64>,
}

impl<'a> Current<'a> {
    pub fn of(
        snapshot: &'a Snapshot,
        plan: &'a CurrentPlan,
        place: UtilityRef,
        year: &mut Year<'_>,
        as_of: Date,
    ) -> Current<'a> {
        let listing = plan.plan_id.and_then(|id| snapshot.plan(id));
        let term = listing.map_or(0, |listing| listing.plan.term_months);
        let end = plan.contract_end_date.or_else(|| {
            let start = plan.contract_start_date.filter(|_| term > 0)?;
            start.checked_add(i64::from(term).months()).ok()?.yesterday().ok()
        });
        let mut current = Current { plan, listing, end, cost: None };
        current.cost = current.find_cost(snapshot, place, year, as_of);
        current
    }

    /// From the best source that can be priced: the catalog's plan, the stated tariff, the stated rate, the stated cost.
    fn find_cost(
        &self,
        snapshot: &Snapshot,
        place: UtilityRef,
        year: &mut Year<'_>,
        as_of: Date,
    ) -> Option<CurrentCost> {
        let start = self.start();
        let listed = self.listing.and_then(|listing| {
            let delivery = delivery_of(snapshot, listing, place);
            let band = listing.offer(place).and_then(|offer| price_band(listing.plan.kind, &listing.tariff, offer));
            let cost = cost_of(&listing.tariff, delivery, start, band, year)?;
            let after_end = listing.plan.on_expiry.as_ref().and_then(|expiry| expiry.rate.as_ref());
            let after_end = after_end.map(|rate| rate.expand(listing.plan.monthly_fee));
            let Some(after) = after_end.and_then(|tariff| cost_of(&tariff, delivery, None, None, year)) else {
                return Some(cost);
            };
            let months_after_end = Some(after.months);
            // A contract that has ended is billed at what its terms say for afterwards.
            let ended = self.end.is_some_and(|end| end < as_of);
            Some(CurrentCost { months_after_end, ..if ended { after } else { cost } })
        });
        let found = listed.or_else(|| {
            let fee = self.plan.monthly_fee;
            let rate = self.plan.current_rate.map(|rate_per_kwh| RateStructure::Fixed { rate_per_kwh });
            let stated = [self.plan.rate_structure.clone(), rate].into_iter().flatten();
            stated.map(|rate| rate.expand(fee)).find_map(|tariff| {
                // Nothing but the stated price is known, so all of the bill moves with it.
                let band = tariff.price_sd.map(|sd| PriceBand { share: 1.0, sd: sd.percent() / 100.0 });
                cost_of(&tariff, None, start, band, year)
            })
        });
        found.or_else(|| self.plan.annual_cost.map(|annual| spread(annual, year)))
    }

    /// The first day of the contract, stated or from its end and the term of the catalog's plan.
    fn start(&self) -> Option<Date> {
        self.plan.contract_start_date.or_else(|| {
            let term = self.listing.map(|listing| listing.plan.term_months).filter(|&term| term > 0)?;
            self.end?.tomorrow().ok()?.checked_sub(i64::from(term).months()).ok()
        })
    }

    /// What leaving on a day costs. A stated fee goes before the catalog's; without any end date it is always due.
    pub fn exit_fee(&self, date: Date) -> Money {
        if self.free_from().is_some_and(|free| date >= free) {
            return Money::ZERO;
        }
        if let Some(fee) = self.plan.early_termination_fee {
            return fee.max(Price::ZERO).once();
        }
        let Some(listing) = self.listing else { return Money::ZERO };
        match self.end {
            Some(end) => listing.plan.exit.at(months_left(date, end), listing.plan.term_months),
            None => listing.typical_exit_fee(),
        }
    }

    /// The first day without an exit fee; `None` when the contract's end is not known.
    pub fn free_from(&self) -> Option<Date> {
        self.end.map(|end| end.saturating_sub(FREE_EXIT_DAYS.days()))
    }
}

/// Months from a day to the end of a contract, a part of a month counted as one.
pub fn months_left(date: Date, end: Date) -> u32 {
    if end < date {
        return 0;
    }
    let whole = Month::of(date).until(Month::of(end));
    (whole + i32::from(end.day() >= date.day())).max(1) as u32
}

pub fn delivery_of<'a>(snapshot: &'a Snapshot, listing: &Listing, place: UtilityRef) -> Option<&'a DeliveryTariff> {
    let passes_through = listing.plan.delivery == crate::domain::catalog::Delivery::Passthrough;
    passes_through.then(|| snapshot.utility(place).delivery.as_ref()).flatten()
}

fn cost_of(
    tariff: &Tariff,
    delivery: Option<&DeliveryTariff>,
    start: Option<Date>,
    band: Option<PriceBand>,
    year: &mut Year<'_>,
) -> Option<CurrentCost> {
    if !crate::domain::tariff::validate(tariff).is_empty() {
        return None;
    }
    let compiled = compile(tariff, delivery, start).ok()?;
    let cost = year.cost(&compiled, &Dependence::of(tariff, delivery), band).ok()?;
    Some(CurrentCost { months: cost.months, annual: cost.annual, months_after_end: None, paths: cost.paths })
}

/// A stated yearly cost over the months and paths by their energy, evenly where there is none.
fn spread(annual: Money, year: &Year<'_>) -> CurrentCost {
    let annual = annual.max(Money::ZERO).round(2);
    let total = year.energy().mwh_thousandths();
    let mut months = [Money::ZERO; MONTHS];
    let mut left = annual;
    for (month, energy) in months.iter_mut().zip(year.energies()).take(MONTHS - 1) {
        let share = if total > 0 { energy.mwh_thousandths() as f64 / total as f64 } else { 1.0 / MONTHS as f64 };
        *month = to_money(annual.currency() * share);
        left -= *month;
    }
    months[MONTHS - 1] = left;
    let paths = year.energy_factors().into_iter().map(|factor| annual.currency() * factor).collect();
    CurrentCost { months, annual, months_after_end: None, paths }
}

/// Days from one day to a later one, at least zero.
pub fn days_until(from: Date, to: Date) -> i64 {
    days_between(from, to).max(0)
}
