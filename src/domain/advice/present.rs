//! The ranked plans as the answer tells them.

use super::answer::{
    CostRange, ExclusionReason, ExplanationSource, Marks, MonthlyRange, OverTerm, PriceConfidence, RankedPlan,
    Recommendation, RiskLevel, RiskWarning, Severity, ShapeRange, dollars, rounded,
};
use super::cliffs::cliffs;
use super::contrast::{Contrast, Field, Subject};
use super::current::{Current, delivery_of};
use super::eligibility::{exclusions, projected_kwh};
use super::ranking::{Ranked, Shown, marks};
use super::request::{Explanations, Request};
use super::risks::{Setting, data_quality, overall_level, plan_risks};
use super::term::{Contract, Staying, over_term};
use super::wording::about;
use super::year::{MONTHS, Year, YearLoad};
use super::{ALGORITHM_VERSION, DISCLAIMER, against_current, breakdown};
use crate::domain::catalog::{Confidence, Market, PropertyType};
use crate::domain::explain;
use crate::domain::market::{MarketEntry, Snapshot, UtilityRef, cents_per_kwh};
use crate::domain::tariff::Pricer;
use crate::domain::units::{Money, Price};
use crate::domain::usage::projection::ShapeSource;
use crate::domain::usage::shape::{Shape, month_shares, synthesise};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// Everything a plan is told against.
pub struct Presenter<'a> {
    snapshot: &'a Snapshot,
    request: &'a Request,
    place: UtilityRef,
    current: Option<&'a Current<'a>>,
    field: Option<Field>,
    /// The expected year over a flatter and a peakier day, made when a plan needs it.
    shapes: OnceCell<[YearLoad; 2]>,
}

/// What averages published in tenths of a cent leave open of a price per kWh: the slope between 1,000 and 2,000 kWh is
/// known to 0.15 cents (±$0.50 at 1,000 kWh and ±$1.00 at 2,000).
const AVERAGES_OPEN_CENTS: f64 = 0.15;

impl<'a> Presenter<'a> {
    pub fn new(
        snapshot: &'a Snapshot,
        request: &'a Request,
        place: UtilityRef,
        ranked: &[Ranked<'_>],
        current: Option<&'a Current<'a>>,
    ) -> Self {
        Presenter { snapshot, request, place, current, field: Field::of(ranked), shapes: OnceCell::new() }
    }

    fn market(&self) -> &'a MarketEntry {
        &self.snapshot.markets()[self.place.market]
    }

    pub fn currency(&self) -> &'a str {
        &self.market().market.currency
    }

    /// The `n`-th plan (from 0) with everything there is to say about it.
    pub fn plan(&self, n: usize, plan: &Shown<'_>, year: &mut Year<'_>) -> RankedPlan {
        let listing = plan.candidate.listing;
        let entry = self.snapshot.supplier_of(listing);
        let comparison = against_current(self.request, plan, self.current);
        let shape_range = self.shape_range(plan);
        let contrast = self.contrast(plan);
        let cost = &plan.cost;
        let bills = plan.candidate.offer.compiled.as_ref().ok().and_then(|tariff| year.bills(tariff).ok());
        let mut answer = RankedPlan {
            rank: n as u32 + 1,
            plan_id: plan.id(),
            plan_name: listing.plan.name.clone(),
            supplier_id: entry.id,
            supplier_name: entry.supplier.name.clone(),
            supplier_website: entry.supplier.website.clone(),
            plan_type: listing.plan.kind,
            scores: plan.scores,
            projected_annual_cost: dollars(plan.total),
            projected_monthly_cost: dollars(plan.total.scale(1, MONTHS as i64)),
            average_rate_per_kwh: cents_per_kwh(cost.annual, year.energy()),
            cost_range: CostRange {
                p10: dollars(cost.p10 + plan.one_time),
                p90: dollars(cost.p90 + plan.one_time),
                worst_month: dollars(cost.worst_month),
            },
            monthly_costs: cost.months.iter().copied().map(dollars).collect(),
            monthly_cost_ranges: cost
                .month_bands
                .iter()
                .map(|&[p10, p90]| MonthlyRange { p10: dollars(p10), p90: dollars(p90) })
                .collect(),
            cost_breakdown: breakdown::breakdown(
                &bills.unwrap_or_default(),
                cost.annual,
                plan.one_time,
                &plan.candidate.offer.dependence,
            ),
            savings: comparison.map(|comparison| comparison.answer()),
            contract_length_months: listing.plan.term_months,
            early_termination_fee: dollars(plan.exit_fee),
            renewable_percentage: rounded(plan.renewable(), 2),
            monthly_fee: listing.plan.monthly_fee.map(|fee| dollars(Price::once(fee))),
            explanation: String::new(),
            explanation_source: ExplanationSource::None,
            key_differentiators: contrast.differentiators,
            trade_offs: contrast.trade_offs,
            risk_warnings: self.risks(plan, comparison.as_ref(), shape_range, year),
            risk_count: 0,
            highest_risk_severity: None,
            marks: plan.marks(),
            shape_range,
            price_confidence: price_confidence(listing.plan.provenance.confidence),
            over_term: self.over_term(plan, comparison.as_ref(), year),
        };
        answer.risk_count = answer.risk_warnings.len() as u32;
        answer.highest_risk_severity = answer.risk_warnings.iter().map(|risk| risk.severity).max();
        if self.request.options.explanations != Explanations::None {
            let facts =
                explain::FactSheet::of(&answer, &self.request.profile, self.request.priorities, self.currency());
            answer.explanation = explain::write(&facts);
            answer.explanation_source = ExplanationSource::Template;
        }
        answer
    }

    fn over_term(
        &self,
        plan: &Shown<'_>,
        comparison: Option<&super::Comparison>,
        year: &mut Year<'_>,
    ) -> Option<OverTerm> {
        let listing = plan.candidate.listing;
        let (as_of, first_month) = (self.request.as_of, self.request.projection.first_month);
        let delivery = delivery_of(self.snapshot, listing, self.place);
        let staying = comparison.zip(self.current).and_then(|(comparison, current)| {
            Some(Staying { end: current.end, cost: current.cost.as_ref()?, switching_cost: comparison.switching_cost })
        });
        over_term(Contract { plan, delivery, as_of, first_month, staying }, year)
    }

    fn contrast(&self, plan: &Shown<'_>) -> Contrast {
        let supplier = &self.snapshot.supplier_of(plan.candidate.listing).supplier;
        let (mean_rating, currency) = (self.market().mean_rating, self.currency());
        let (annual, band) = (projected_kwh(&self.request.projection), self.request.projection.annual);
        let usage_spread = if annual > 0.0 { (band.p90 - band.p10).kwh() / annual } else { 0.0 };
        let subject = Subject { plan, supplier, mean_rating, currency, usage_spread };
        self.field.as_ref().map(|field| field.contrast(subject)).unwrap_or_default()
    }

    fn risks(
        &self,
        plan: &Shown<'_>,
        savings: Option<&super::Comparison>,
        shape_range: Option<ShapeRange>,
        year: &mut Year<'_>,
    ) -> Vec<RiskWarning> {
        let offer = plan.candidate.offer;
        let Ok(tariff) = &offer.compiled else { return Vec::new() };
        let cliffs = cliffs(year, &self.request.projection, tariff, &offer.dependence, &plan.cost);
        plan_risks(&Setting {
            plan,
            supplier: &self.snapshot.supplier_of(plan.candidate.listing).supplier,
            savings,
            currency: self.currency(),
            as_of: self.request.as_of,
            flexibility_priority: self.request.priorities.flexibility,
            dearest_months: dearest_months(&self.market().market, self.request.property_type),
            shape_unknown: self.request.projection.shape == ShapeSource::Standard,
            shape_range,
            cliffs: &cliffs,
        })
    }

    /// The year under a flatter and a peakier day, where the price depends on hours nobody has measured.
    fn shape_range(&self, plan: &Shown<'_>) -> Option<ShapeRange> {
        let offer = plan.candidate.offer;
        let projection = &self.request.projection;
        if projection.shape != ShapeSource::Standard || !offer.dependence.hourly {
            return None;
        }
        let loads = self.shapes.get_or_init(|| {
            if let Some(others) = &projection.other_shapes {
                return others.each_ref().map(|intervals| YearLoad::of(intervals, projection));
            }
            let months: Vec<_> = projection.months.iter().map(|month| (month.month, month.expected)).collect();
            let zone = &projection.intervals.zone;
            [Shape::Flatter, Shape::Peakier].map(|shape| YearLoad::of(&synthesise(&months, zone, shape), projection))
        });
        let tariff = offer.compiled.as_ref().ok()?;
        let mut costs = [0.0; 2];
        for (load, cost) in loads.iter().zip(&mut costs) {
            let totals = Pricer::new(&load.load).totals(tariff).ok()?;
            *cost = dollars(totals.into_iter().sum::<Money>() + plan.one_time);
        }
        Some(ShapeRange { flatter: costs[0], peakier: costs[1] })
    }

    /// What a reader must know about the plans shown, and why others are not there.
    pub fn warnings(&self, shown: &[Shown<'_>], excluded: &BTreeMap<ExclusionReason, u32>) -> Vec<String> {
        let mut warnings: Vec<String> = shown.iter().filter_map(|plan| self.price_warning(plan)).collect();
        if !shown.is_empty() {
            return warnings;
        }
        let utility = &self.snapshot.utility(self.place).name;
        let reasons: Vec<String> = exclusions(excluded).into_iter().map(|reason| reason.message).collect();
        warnings.push(if reasons.is_empty() {
            format!("No plan of the catalog is sold under {utility}.")
        } else {
            format!("No plan under {utility} fits: {}.", reasons.join("; "))
        });
        warnings
    }

    fn price_warning(&self, plan: &Shown<'_>) -> Option<String> {
        let listing = plan.candidate.listing;
        let annual_kwh = self.request.profile.projected_annual_kwh;
        let error = |cents: f64| about(self.currency(), cents * annual_kwh / 100.0);
        let supplier = &self.snapshot.supplier_of(listing).supplier.name;
        let name = format!("{} of {supplier}", listing.plan.name);
        match listing.plan.provenance.confidence {
            Confidence::Verified | Confidence::Parsed => None,
            Confidence::Estimated { residual_cents } => Some(format!(
                "The price of {name} is estimated from its published averages, which it meets within {residual_cents:.2} \
                 cents per kWh. They are published in tenths of a cent, so its year is known to about ±{}: plans \
                 closer than that are a tie.",
                error(residual_cents + AVERAGES_OPEN_CENTS)
            )),
            Confidence::Unreproduced { residual_cents } => Some(format!(
                "The published averages of {name} could not be reproduced (off by {residual_cents:.2} cents per kWh, \
                 about {} a year): it is ranked after every plan whose price is certain.",
                error(residual_cents)
            )),
        }
    }

    /// The answer without its verdict.
    pub fn answer(
        &self,
        ranked: &[Ranked<'_>],
        mut top_plans: Vec<RankedPlan>,
        excluded: &BTreeMap<ExclusionReason, u32>,
        warnings: Vec<String>,
    ) -> Recommendation {
        let data = data_quality(self.request.projection.confidence);
        let first = top_plans.first().map_or(&[][..], |plan| &plan.risk_warnings);
        let level = overall_level(first, data.as_ref());
        let counted = |least: Severity| {
            let of_plans = top_plans.iter().flat_map(|plan| &plan.risk_warnings);
            of_plans.chain(&data).filter(|risk| risk.severity >= least).count() as u32
        };
        let (total, critical) = (counted(Severity::Info), counted(Severity::Critical));
        let mut data_risks: Vec<RiskWarning> = data.into_iter().collect();
        if !self.request.include_risks {
            data_risks.clear();
            for plan in &mut top_plans {
                plan.risk_warnings.clear();
            }
        }
        let current_cost = self.current.and_then(|current| current.cost.as_ref());
        let mut answer = empty(self.request, warnings);
        answer.top_plans = top_plans;
        answer.total_plans_analyzed = ranked.len() as u32;
        answer.overall_risk_level = level;
        answer.total_risks_detected = total;
        answer.critical_risk_count = critical;
        answer.market = Some(self.market().market.id.clone());
        answer.utility = Some(self.snapshot.utility(self.place).name.clone());
        self.currency().clone_into(&mut answer.currency);
        answer.current_annual_cost = current_cost.map(|cost| dollars(cost.annual));
        answer.current_monthly_costs = current_cost.map(|cost| cost.months.iter().copied().map(dollars).collect());
        answer.marks = marks(ranked);
        answer.excluded = exclusions(excluded);
        answer.data_risks = data_risks;
        answer
    }
}

/// The answer where there is no choice to be made, and why.
pub fn without_plans(snapshot: &Snapshot, request: &Request, market: Option<usize>, warning: String) -> Recommendation {
    let mut answer = empty(request, vec![warning]);
    let market = market.and_then(|at| snapshot.markets().get(at));
    if let Some(entry) = market.or(snapshot.markets().first()) {
        answer.currency.clone_from(&entry.market.currency);
    }
    answer.market = market.map(|entry| entry.market.id.clone());
    answer
}

fn empty(request: &Request, warnings: Vec<String>) -> Recommendation {
    Recommendation {
        user_profile: request.profile.clone(),
        top_plans: Vec::new(),
        total_plans_analyzed: 0,
        warnings,
        overall_risk_level: RiskLevel::Low,
        total_risks_detected: 0,
        critical_risk_count: 0,
        should_stay: false,
        stay_recommendation: None,
        switch_timing: None,
        algorithm_version: ALGORITHM_VERSION.into(),
        disclaimer: DISCLAIMER.into(),
        as_of: request.as_of,
        market: None,
        utility: None,
        currency: "USD".into(),
        current_annual_cost: None,
        current_monthly_costs: None,
        marks: Marks::default(),
        excluded: Vec::new(),
        data_risks: Vec::new(),
    }
}

/// When the market's households use most, three months, 1..=12.
fn dearest_months(market: &Market, property: PropertyType) -> [i8; 3] {
    let shares = month_shares(market, property);
    let mut months: Vec<i8> = (1..=12).collect();
    months.sort_by(|&a, &b| shares[b as usize - 1].total_cmp(&shares[a as usize - 1]));
    [months[0], months[1], months[2]]
}

pub(super) fn price_confidence(confidence: Confidence) -> PriceConfidence {
    match confidence {
        Confidence::Verified => PriceConfidence::Verified,
        Confidence::Parsed => PriceConfidence::Parsed,
        Confidence::Estimated { residual_cents } => PriceConfidence::Estimated { residual_cents },
        Confidence::Unreproduced { residual_cents } => PriceConfidence::Unreproduced { residual_cents },
    }
}
