//! A plan over the whole of its contract, year by year, and what comes after it (method.md 5).
//!
//! Every year is priced on the same projected year: nobody knows the use of the year after next. A price that depends
//! on the month of the contract is the one of that month.

use super::answer::{OverTerm, TermYear, dollars};
use super::current::CurrentCost;
use super::ranking::Shown;
use super::timing::staying;
use super::year::{MONTHS, Year};
use crate::domain::calendar::Month;
use crate::domain::market::Dependence;
use crate::domain::tariff::model::{DeliveryTariff, Tariff};
use crate::domain::tariff::{compile, validate};
use crate::domain::units::Money;
use jiff::ToSpan;
use jiff::civil::Date;

/// A plan with what its years depend on.
#[derive(Debug, Clone, Copy)]
pub struct Contract<'a> {
    pub plan: &'a Shown<'a>,
    pub delivery: Option<&'a DeliveryTariff>,
    pub as_of: Date,
    /// Of the projected year.
    pub first_month: Month,
    pub staying: Option<Staying<'a>>,
}

/// The current plan, to hold the contract against.
#[derive(Debug, Clone, Copy)]
pub struct Staying<'a> {
    pub end: Option<Date>,
    pub cost: &'a CurrentCost,
    pub switching_cost: Money,
}

/// `None` for a plan without a contract.
pub fn over_term(contract: Contract<'_>, year: &mut Year<'_>) -> Option<OverTerm> {
    let plan = &contract.plan.candidate.listing.plan;
    let contract_months = Some(plan.term_months).filter(|&term| term > 0)?;
    let mut years = Vec::new();
    let (mut bills, mut stayed) = (Money::ZERO, Money::ZERO);
    for first in (0..contract_months).step_by(MONTHS) {
        let months = (contract_months - first).min(MONTHS as u32);
        let cost: Money = bills_of_year(contract, first, year).into_iter().take(months as usize).sum();
        let current = contract.staying.map(|current| {
            let month = |n| staying(contract.as_of, current.end, current.cost, n, Date::MAX);
            (first..first + months).map(month).sum::<Money>().round(2)
        });
        bills += cost;
        stayed += current.unwrap_or_default();
        years.push(TermYear {
            months,
            cost: dollars(cost),
            current_cost: current.map(dollars),
            savings: current.map(|current| dollars(current - cost)),
        });
    }
    let after = plan.on_expiry.as_ref();
    let rate_after = after.and_then(|after| after.rate.as_ref()).map(|rate| rate.expand(plan.monthly_fee));
    Some(OverTerm {
        contract_months,
        years,
        total_cost: dollars(bills + contract.plan.one_time),
        total_savings: contract.staying.map(|current| dollars(stayed - bills - current.switching_cost)),
        after: after.map_or_else(
            || "The catalog does not say what the plan costs when its contract ends.".to_owned(),
            |after| after.note.clone(),
        ),
        annual_cost_after: rate_after
            .and_then(|tariff| price(&tariff, contract.delivery, None, year))
            .map(|months| dollars(months.into_iter().sum())),
    })
}

/// The twelve bills that begin in contract month `first` (from 0).
fn bills_of_year(contract: Contract<'_>, first: u32, year: &mut Year<'_>) -> [Money; MONTHS] {
    let (plan, tariff) = (contract.plan, &contract.plan.candidate.listing.tariff);
    if first == 0 || !changes_over_contract(tariff) {
        return plan.cost.months;
    }
    let start = contract.first_month.first_day().saturating_sub(i64::from(first).months());
    price(tariff, contract.delivery, Some(start), year).unwrap_or(plan.cost.months)
}

fn changes_over_contract(tariff: &Tariff) -> bool {
    let by_month = |condition: &crate::domain::tariff::model::Condition| condition.contract_months.is_some();
    !tariff.versions.is_empty() || tariff.charges.iter().filter_map(|charge| charge.condition.as_ref()).any(by_month)
}

fn price(
    tariff: &Tariff,
    delivery: Option<&DeliveryTariff>,
    start: Option<Date>,
    year: &mut Year<'_>,
) -> Option<[Money; MONTHS]> {
    if !validate(tariff).is_empty() {
        return None;
    }
    let compiled = compile(tariff, delivery, start).ok()?;
    year.expected_months(&compiled, &Dependence::of(tariff, delivery)).ok()
}
