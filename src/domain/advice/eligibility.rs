//! Who may buy what: the plans open to this household, and why the others are not (method.md 3).

use super::{CurrentPlan, Exclusion, ExclusionReason, Options, Request};
use crate::domain::catalog::Confidence;
use crate::domain::market::{Listing, Offer, Snapshot, UtilityRef};
use crate::domain::usage::projection::Projection;
use std::collections::BTreeMap;

/// A plan this household can have.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub listing: &'a Listing,
    pub offer: &'a Offer,
}

/// The candidates, and the plans of the territory that are none.
#[derive(Debug)]
pub struct Eligible<'a> {
    pub candidates: Vec<Candidate<'a>>,
    pub excluded: BTreeMap<ExclusionReason, u32>,
}

/// Sifts the plans sold under a utility.
pub fn eligible<'a>(snapshot: &'a Snapshot, request: &Request, place: UtilityRef) -> Eligible<'a> {
    let annual_kwh = projected_kwh(&request.projection);
    let current = request.current_plan.as_ref().and_then(|plan| current_supplier(snapshot, plan));
    let mut found = Eligible { candidates: Vec::new(), excluded: BTreeMap::new() };
    for listing in snapshot.plans_under(place) {
        let reason = refusal(snapshot, request, listing, annual_kwh, current.as_deref())
            .or_else(|| filtered(&request.options, listing));
        let offer = listing.offer(place).filter(|offer| offer.compiled.is_ok());
        match (reason, offer) {
            (None, Some(offer)) => found.candidates.push(Candidate { listing, offer }),
            (Some(reason), _) => *found.excluded.entry(reason).or_default() += 1,
            (None, None) => *found.excluded.entry(ExclusionReason::CannotBePriced).or_default() += 1,
        }
    }
    found
}

/// Why the plan is not open to the household at all.
fn refusal(
    snapshot: &Snapshot,
    request: &Request,
    listing: &Listing,
    annual_kwh: f64,
    current_supplier: Option<&str>,
) -> Option<ExclusionReason> {
    let plan = &listing.plan;
    let supplier = &snapshot.supplier_of(listing).supplier;
    let rules = &plan.eligibility;
    let too_little = rules.min_annual_kwh.is_some_and(|least| annual_kwh < f64::from(least));
    let too_much = rules.max_annual_kwh.is_some_and(|most| annual_kwh > f64::from(most));
    let early = plan.offer.from.is_some_and(|from| request.as_of < from);
    let late = plan.offer.to.is_some_and(|to| request.as_of > to);
    let other_property = !rules.property_types.is_empty() && !rules.property_types.contains(&request.property_type);
    let own = current_supplier.is_some_and(|name| name.eq_ignore_ascii_case(supplier.name.trim()));
    [
        (!plan.active, ExclusionReason::InactivePlan),
        (!supplier.active, ExclusionReason::InactiveSupplier),
        (early || late, ExclusionReason::NotOnSale),
        (other_property, ExclusionReason::PropertyType),
        (too_little || too_much, ExclusionReason::AnnualUsage),
        (rules.new_customers_only && own, ExclusionReason::NewCustomersOnly),
    ]
    .into_iter()
    .find_map(|(holds, reason)| holds.then_some(reason))
}

/// Why the caller's own filters leave the plan out.
fn filtered(options: &Options, listing: &Listing) -> Option<ExclusionReason> {
    let plan = &listing.plan;
    let too_long = options.max_contract_length.is_some_and(|most| plan.term_months > most);
    let too_grey = options.min_renewable.is_some_and(|least| plan.renewable.percent() < least);
    let other_kind = !options.plan_types.is_empty() && !options.plan_types.contains(&plan.kind);
    [
        (too_long, ExclusionReason::ContractTooLong),
        (too_grey, ExclusionReason::NotGreenEnough),
        (other_kind, ExclusionReason::PlanType),
    ]
    .into_iter()
    .find_map(|(holds, reason)| holds.then_some(reason))
}

/// The name of the supplier the household is with, where it is known.
fn current_supplier(snapshot: &Snapshot, plan: &CurrentPlan) -> Option<String> {
    let listed = plan.plan_id.and_then(|id| snapshot.plan(id));
    match listed {
        Some(listing) => Some(snapshot.supplier_of(listing).supplier.name.trim().to_owned()),
        None => plan.supplier_name.as_ref().map(|name| name.trim().to_owned()),
    }
}

/// A plan whose tariff does not reproduce its published averages is never ranked as if exact.
pub fn is_exact(listing: &Listing) -> bool {
    !matches!(listing.plan.provenance.confidence, Confidence::Unreproduced { .. })
}

/// The reasons with their counts, in words.
pub fn exclusions(counts: &BTreeMap<ExclusionReason, u32>) -> Vec<Exclusion> {
    counts.iter().map(|(&reason, &plans)| Exclusion { reason, message: in_words(reason, plans), plans }).collect()
}

fn in_words(reason: ExclusionReason, plans: u32) -> String {
    let (subject, is, does) = if plans == 1 { ("1 plan", "is", "does") } else { ("plans", "are", "do") };
    let subject = if plans == 1 { subject.to_owned() } else { format!("{plans} {subject}") };
    match reason {
        ExclusionReason::InactivePlan => format!("{subject} {is} no longer active"),
        ExclusionReason::InactiveSupplier => format!("{subject} {is} of a supplier that is no longer active"),
        ExclusionReason::NotOnSale => format!("{subject} {is} not on sale on this day"),
        ExclusionReason::PropertyType => format!("{subject} {is} not open to this property type"),
        ExclusionReason::AnnualUsage => format!("{subject} {is} not open to this yearly usage"),
        ExclusionReason::NewCustomersOnly => {
            format!("{subject} {is} for new customers only, and the household is with that supplier")
        }
        ExclusionReason::ContractTooLong => format!("{subject} {is} longer than the contract length asked for"),
        ExclusionReason::NotGreenEnough => format!("{subject} {is} below the renewable share asked for"),
        ExclusionReason::PlanType => format!("{subject} {is} not of a plan type asked for"),
        ExclusionReason::CannotBePriced => format!("{subject} {does} not state a price that can be computed"),
    }
}

/// Expected kWh of the twelve months.
pub fn projected_kwh(projection: &Projection) -> f64 {
    projection.months.iter().map(|month| month.expected).sum::<crate::domain::units::Energy>().kwh()
}
