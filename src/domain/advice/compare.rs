//! Two to five plans side by side on one household's year: costs, the best and the worst of each measure, and what a
//! choice between them gains and gives up.

use super::answer::{CostBreakdown, CostRange, PriceConfidence, dollars, rounded};
use super::contrast::only_with;
use super::eligibility::Candidate;
use super::present::price_confidence;
use super::ranking::{Shown, price};
use super::wording::{about, money, months, percent};
use super::year::{MONTHS, Year, YearLoad};
use super::{ALGORITHM_VERSION, DISCLAIMER, breakdown};
use crate::domain::catalog::PlanKind;
use crate::domain::market::{Listing, Snapshot, UtilityRef, cents_per_kwh};
use crate::domain::units::Money;
use crate::domain::usage::projection::{Projection, ShapeSource};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// How many plans can be held against each other.
pub const FEWEST_PLANS: usize = 2;
pub const MOST_PLANS: usize = 5;

/// Plans side by side, in the order they were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlanComparison {
    /// The day the comparison is for.
    pub as_of: Date,
    /// ISO 4217.
    pub currency: String,
    /// Whose delivery charges are in the costs.
    pub utility: Option<String>,
    pub projected_annual_kwh: f64,
    /// First days of the twelve months compared.
    pub months: Vec<Date>,
    pub monthly_kwh: Vec<f64>,
    pub plans: Vec<ComparedPlan>,
    pub measures: Vec<Measured>,
    pub warnings: Vec<String>,
    pub algorithm_version: String,
    pub disclaimer: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ComparedPlan {
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_name: String,
    pub plan_type: PlanKind,
    /// Expected, with one-time fees.
    pub projected_annual_cost: f64,
    pub projected_monthly_cost: f64,
    /// All-in cents per kWh, one-time fees not included.
    pub average_rate_per_kwh: f64,
    pub cost_range: CostRange,
    /// Expected bills of `months`.
    pub monthly_costs: Vec<f64>,
    pub cost_breakdown: CostBreakdown,
    /// 0: month to month.
    pub contract_length_months: u32,
    pub early_termination_fee: f64,
    pub renewable_percentage: f64,
    pub supplier_rating: Option<f64>,
    pub price_confidence: PriceConfidence,
    /// What speaks for it against the others.
    pub gains: Vec<String>,
    /// What choosing it gives up.
    pub trade_offs: Vec<String>,
}

/// What plans are measured by. Of renewable share and rating more is better, of the others less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    AnnualCost,
    /// P90 less P10 of the year's cost.
    CostSpread,
    WorstMonth,
    ContractLength,
    ExitFee,
    Renewable,
    SupplierRating,
}

/// One measure of every plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Measured {
    pub measure: Measure,
    /// In the order of the plans; `null` where it is not known.
    pub values: Vec<Option<f64>>,
    /// Ids of the best plans and of the worst; both are empty when all are alike.
    pub best: Vec<Uuid>,
    pub worst: Vec<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompareError {
    #[error("{given} plans are given: give {FEWEST_PLANS} to {MOST_PLANS} different ones")]
    Count { given: usize },
    #[error("the plan {id} is not in the catalog")]
    Unknown { id: Uuid },
    #[error("the plan {id} is given twice")]
    Repeated { id: Uuid },
    #[error("the plans are sold in different markets: give plans of one")]
    Markets,
    #[error("{plan} is not sold under {utility}: leave it out, or say where the household is")]
    NotSoldThere { plan: String, utility: String },
    #[error("no utility sells all of these plans: compare plans of one territory")]
    NoCommonUtility,
    #[error("{plan} cannot be priced ({reason}): leave it out")]
    CannotBePriced { plan: String, reason: String },
}

/// Compares `plans` on the projected year. `place` is where the household is; where that is not known, or lies in
/// another market, the first utility that sells all of them stands in.
pub fn compare_plans(
    snapshot: &Snapshot,
    plans: &[Uuid],
    place: Option<UtilityRef>,
    as_of: Date,
    projection: &Projection,
) -> Result<PlanComparison, CompareError> {
    let listings = listings(snapshot, plans)?;
    let place = place_of(snapshot, &listings, place)?;
    let load = YearLoad::new(projection);
    let mut year = Year::new(&load, projection);
    let mut priced = Vec::with_capacity(listings.len());
    for listing in &listings {
        priced.push(price_there(snapshot, listing, place, &mut year)?);
    }
    let measures: Vec<Measured> = Measure::ALL.into_iter().map(|m| Measured::of(snapshot, m, &priced)).collect();
    let market = &snapshot.markets()[place.market].market;
    let hours_unknown = projection.shape == ShapeSource::Standard;
    let table = Table { snapshot, currency: &market.currency, priced: &priced, measures: &measures, hours_unknown };
    let compared = (0..priced.len()).map(|n| table.plan(n, &mut year)).collect();
    Ok(PlanComparison {
        as_of,
        currency: market.currency.clone(),
        utility: Some(snapshot.utility(place).name.clone()),
        projected_annual_kwh: rounded(year.energy().kwh(), 3),
        months: projection.months.iter().map(|month| month.month.first_day()).collect(),
        monthly_kwh: year.energies().iter().map(|energy| rounded(energy.kwh(), 3)).collect(),
        plans: compared,
        measures,
        warnings: listings.iter().filter_map(|listing| not_on_sale(snapshot, listing, as_of)).collect(),
        algorithm_version: ALGORITHM_VERSION.into(),
        disclaimer: DISCLAIMER.into(),
    })
}

fn listings<'a>(snapshot: &'a Snapshot, plans: &[Uuid]) -> Result<Vec<&'a Listing>, CompareError> {
    if !(FEWEST_PLANS..=MOST_PLANS).contains(&plans.len()) {
        return Err(CompareError::Count { given: plans.len() });
    }
    let mut listings: Vec<&Listing> = Vec::with_capacity(plans.len());
    for &id in plans {
        let listing = snapshot.plan(id).ok_or(CompareError::Unknown { id })?;
        if listings.iter().any(|known| known.id == id) {
            return Err(CompareError::Repeated { id });
        }
        if listings.first().is_some_and(|first| first.market != listing.market) {
            return Err(CompareError::Markets);
        }
        listings.push(listing);
    }
    Ok(listings)
}

fn place_of(
    snapshot: &Snapshot,
    listings: &[&Listing],
    stated: Option<UtilityRef>,
) -> Result<UtilityRef, CompareError> {
    let market = listings.first().map_or(0, |first| first.market);
    if let Some(place) = stated.filter(|place| place.market == market) {
        return Ok(place);
    }
    let sold = |listing: &&Listing, place| listing.serves(snapshot, place) && listing.offer(place).is_some();
    let mut places = (0..snapshot.markets()[market].utilities.len()).map(|utility| UtilityRef { market, utility });
    places.find(|&place| listings.iter().all(|listing| sold(listing, place))).ok_or(CompareError::NoCommonUtility)
}

fn price_there<'a>(
    snapshot: &Snapshot,
    listing: &'a Listing,
    place: UtilityRef,
    year: &mut Year<'_>,
) -> Result<Shown<'a>, CompareError> {
    let name = || listing.plan.name.clone();
    let there = listing.offer(place).filter(|_| listing.serves(snapshot, place));
    let offer = there
        .ok_or_else(|| CompareError::NotSoldThere { plan: name(), utility: snapshot.utility(place).name.clone() })?;
    let plan = price(Candidate { listing, offer }, year).and_then(|plan| plan.shown(year));
    plan.ok_or_else(|| {
        let fault = offer.compiled.as_ref().err().and_then(|faults| faults.first());
        let reason = fault.map_or_else(|| "this usage does not tell enough".to_owned(), ToString::to_string);
        CompareError::CannotBePriced { plan: name(), reason }
    })
}

fn not_on_sale(snapshot: &Snapshot, listing: &Listing, as_of: Date) -> Option<String> {
    let plan = &listing.plan;
    let dated = plan.offer.from.is_some_and(|from| as_of < from) || plan.offer.to.is_some_and(|to| as_of > to);
    let closed = !plan.active || !snapshot.supplier_of(listing).supplier.active || dated;
    closed.then(|| format!("{} is not on sale on {as_of}.", plan.name))
}

impl Measure {
    pub const ALL: [Measure; 7] = [
        Measure::AnnualCost,
        Measure::CostSpread,
        Measure::WorstMonth,
        Measure::ContractLength,
        Measure::ExitFee,
        Measure::Renewable,
        Measure::SupplierRating,
    ];

    const fn more_is_better(self) -> bool {
        matches!(self, Measure::Renewable | Measure::SupplierRating)
    }

    fn value(self, snapshot: &Snapshot, plan: &Shown<'_>) -> Option<f64> {
        let listing = plan.candidate.listing;
        Some(match self {
            Measure::AnnualCost => dollars(plan.total),
            Measure::CostSpread => dollars(plan.cost.p90 - plan.cost.p10),
            Measure::WorstMonth => dollars(plan.cost.worst_month),
            Measure::ContractLength => f64::from(listing.plan.term_months),
            Measure::ExitFee => dollars(plan.exit_fee),
            Measure::Renewable => rounded(plan.renewable(), 2),
            Measure::SupplierRating => return snapshot.supplier_of(listing).supplier.rating,
        })
    }
}

impl Measured {
    fn of(snapshot: &Snapshot, measure: Measure, plans: &[Shown<'_>]) -> Measured {
        let values: Vec<Option<f64>> = plans.iter().map(|plan| measure.value(snapshot, plan)).collect();
        let known = || values.iter().copied().flatten();
        let (least, most) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
        let (best, worst) = if measure.more_is_better() { (most, least) } else { (least, most) };
        let at = |wanted: f64| {
            let pairs = plans.iter().zip(&values);
            pairs.filter(|(_, value)| **value == Some(wanted)).map(|(plan, _)| plan.id()).collect()
        };
        let differ = least < most;
        Measured {
            measure,
            best: if differ { at(best) } else { Vec::new() },
            worst: if differ { at(worst) } else { Vec::new() },
            values,
        }
    }
}

/// The plans with their measures: what one plan is told against.
struct Table<'a> {
    snapshot: &'a Snapshot,
    currency: &'a str,
    priced: &'a [Shown<'a>],
    measures: &'a [Measured],
    hours_unknown: bool,
}

impl Table<'_> {
    fn plan(&self, n: usize, year: &mut Year<'_>) -> ComparedPlan {
        let plan = &self.priced[n];
        let (listing, cost) = (plan.candidate.listing, &plan.cost);
        let supplier = &self.snapshot.supplier_of(listing).supplier;
        let offer = plan.candidate.offer;
        let bills = offer.compiled.as_ref().ok().and_then(|tariff| year.bills(tariff).ok()).unwrap_or_default();
        ComparedPlan {
            plan_id: plan.id(),
            plan_name: listing.plan.name.clone(),
            supplier_name: supplier.name.clone(),
            plan_type: listing.plan.kind,
            projected_annual_cost: dollars(plan.total),
            projected_monthly_cost: dollars(plan.total.scale(1, MONTHS as i64)),
            average_rate_per_kwh: cents_per_kwh(cost.annual, year.energy()),
            cost_range: CostRange {
                p10: dollars(cost.p10 + plan.one_time),
                p90: dollars(cost.p90 + plan.one_time),
                worst_month: dollars(cost.worst_month),
            },
            monthly_costs: cost.months.iter().copied().map(dollars).collect(),
            cost_breakdown: breakdown::breakdown(&bills, cost.annual, plan.one_time, &offer.dependence),
            contract_length_months: listing.plan.term_months,
            early_termination_fee: dollars(plan.exit_fee),
            renewable_percentage: rounded(plan.renewable(), 2),
            supplier_rating: supplier.rating,
            price_confidence: price_confidence(listing.plan.provenance.confidence),
            gains: self.measures.iter().filter_map(|measured| self.gain(measured, plan)).collect(),
            trade_offs: self.trade_offs(plan),
        }
    }

    fn gain(&self, measured: &Measured, plan: &Shown<'_>) -> Option<String> {
        if !measured.best.contains(&plan.id()) {
            return None;
        }
        let listing = &plan.candidate.listing.plan;
        let money = |amount| money(self.currency, amount);
        Some(match measured.measure {
            Measure::AnnualCost => {
                let others = self.priced.iter().filter(|other| other.total > plan.total);
                let next = others.min_by_key(|other| other.total)?;
                let saved = about(self.currency, (next.total - plan.total).currency());
                format!("The lowest yearly cost, {saved} less than {}", next.candidate.listing.plan.name)
            }
            Measure::CostSpread => "A yearly cost that varies the least with your usage".into(),
            Measure::WorstMonth => format!("No month dearer than {}, the least of these", money(plan.cost.worst_month)),
            Measure::ContractLength if listing.term_months == 0 => "No contract: leave in any month".into(),
            Measure::ContractLength => format!("The shortest contract, {}", months(listing.term_months)),
            Measure::ExitFee if plan.exit_fee.is_zero() => "No exit fee".into(),
            Measure::ExitFee => format!("The lowest exit fee, {}", money(plan.exit_fee)),
            Measure::Renewable => format!("The most renewable energy, {}", percent(plan.renewable())),
            Measure::SupplierRating => format!("The best-rated supplier, {} stars", self.stars(plan)),
        })
    }

    fn trade_offs(&self, plan: &Shown<'_>) -> Vec<String> {
        let listing = &plan.candidate.listing.plan;
        let dependence = &plan.candidate.offer.dependence;
        let mut points: Vec<String> = only_with(&listing.conditions).into_iter().collect();
        points.extend(self.measures.iter().filter_map(|measured| self.loss(measured, plan)));
        if matches!(listing.kind, PlanKind::Variable | PlanKind::Indexed) {
            points.push("The energy price can change from month to month".into());
        }
        if let Some(bound) = dependence.cliffs.iter().find(|_| dependence.has_usage_credit) {
            points.push(format!("The price depends on a bill credit tied to {} kWh a month", bound.kwh().round()));
        }
        if self.hours_unknown && dependence.hourly {
            points.push("The price depends on the hour, and your hours of use are not known".into());
        }
        if plan.one_time > Money::ZERO {
            points.push(format!("Joining costs {} once", money(self.currency, plan.one_time)));
        }
        if listing.kind == PlanKind::Prepaid {
            points.push("Electricity is paid for in advance".into());
        }
        points
    }

    /// Of cost every difference is told, of the rest only being the worst.
    fn loss(&self, measured: &Measured, plan: &Shown<'_>) -> Option<String> {
        if measured.measure == Measure::AnnualCost {
            let cheapest = self.priced.iter().min_by_key(|other| other.total)?;
            let dearer = plan.total - cheapest.total;
            let name = &cheapest.candidate.listing.plan.name;
            return (dearer > Money::ZERO)
                .then(|| format!("Costs {} a year more than {name}", money(self.currency, dearer)));
        }
        if !measured.worst.contains(&plan.id()) {
            return None;
        }
        Some(match measured.measure {
            Measure::AnnualCost => return None,
            Measure::CostSpread => {
                let [low, high] =
                    [plan.cost.p10, plan.cost.p90].map(|cost| about(self.currency, (cost + plan.one_time).currency()));
                format!("A yearly cost that varies the most with your usage, {low} to {high}")
            }
            Measure::WorstMonth => {
                format!("A month of up to {}, the dearest of these", money(self.currency, plan.cost.worst_month))
            }
            Measure::ContractLength => {
                format!("The longest contract, {}", months(plan.candidate.listing.plan.term_months))
            }
            Measure::ExitFee => format!("The highest exit fee, {}", money(self.currency, plan.exit_fee)),
            Measure::Renewable => format!("The least renewable energy, {}", percent(plan.renewable())),
            Measure::SupplierRating => format!("The lowest-rated supplier, {} stars", self.stars(plan)),
        })
    }

    fn stars(&self, plan: &Shown<'_>) -> String {
        let rating = self.snapshot.supplier_of(plan.candidate.listing).supplier.rating;
        format!("{:.1}", rating.unwrap_or_default())
    }
}
