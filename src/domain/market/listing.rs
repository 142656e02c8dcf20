//! One plan of the catalog, compiled once per utility its price depends on.

use super::average::{AveragePrices, ReferencePricers};
use super::{Dependence, MarketEntry, Snapshot, UtilityRef};
use crate::domain::catalog::{Delivery, Plan, PlanKind};
use crate::domain::tariff::model::Tariff;
use crate::domain::tariff::{Compiled, Fault, SharedDelivery, compile_sharing, validate};
use crate::domain::units::{Money, Price};
use uuid::Uuid;

/// A plan with everything that follows from it alone.
#[derive(Debug)]
pub struct Listing {
    pub id: Uuid,
    /// Index of its market and of its supplier in the snapshot.
    pub market: usize,
    pub supplier: usize,
    pub plan: Plan,
    /// The plan's rate with its monthly fee, in the full form.
    pub tariff: Tariff,
    /// One for a plan whose price is the same everywhere; one per utility where delivery is passed through.
    pub offers: Vec<Offer>,
}

/// A plan as it is sold under one utility.
#[derive(Debug)]
pub struct Offer {
    /// Index of the utility in its market; `None`: the same under each.
    pub utility: Option<usize>,
    /// Ready to be priced, or what is wrong with it.
    pub compiled: Result<Compiled, Vec<Fault>>,
    /// What the price depends on, delivery included.
    pub dependence: Dependence,
    /// All-in averages; `None` when it cannot be priced.
    pub prices: Option<AveragePrices>,
    /// The share of energy lines in a bill of 1,000 kWh: how much of it a price that may change moves.
    pub energy_share: f64,
}

/// What compiling the plans of one market shares.
pub(super) struct Site<'a> {
    entry: &'a MarketEntry,
    /// By utility; `None` where its delivery tariff is not held.
    deliveries: Vec<Option<SharedDelivery<'a>>>,
    pricers: Option<ReferencePricers<'a>>,
}

impl<'a> Site<'a> {
    pub fn new(entry: &'a MarketEntry, pricers: Option<ReferencePricers<'a>>) -> Self {
        let deliveries = entry.utilities.iter().map(|utility| utility.delivery.as_ref().map(SharedDelivery::new));
        Site { entry, deliveries: deliveries.collect(), pricers }
    }
}

impl Listing {
    pub(super) fn new(plan: Plan, market: usize, supplier: usize, site: &mut Site<'_>) -> Listing {
        let tariff = plan.rate.expand(plan.monthly_fee);
        let mut faults = plan.rate.faults();
        faults.extend(validate(&tariff));
        let offers = places(&plan, site.entry)
            .into_iter()
            .map(|utility| offer(&plan, &tariff, &faults, utility, site))
            .collect();
        Listing { id: site.entry.market.plan_id(&plan), market, supplier, plan, tariff, offers }
    }

    /// Whether the plan is sold under that utility.
    pub fn serves(&self, snapshot: &Snapshot, place: UtilityRef) -> bool {
        self.market == place.market
            && (self.plan.utilities.is_empty() || {
                let id = &snapshot.utility(place).id;
                self.plan.utilities.iter().any(|sold| sold.eq_ignore_ascii_case(id))
            })
    }

    /// The plan as sold under that utility; the first offer when it does not matter.
    pub fn offer(&self, place: UtilityRef) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.utility.is_none_or(|utility| utility == place.utility))
    }

    /// The averages a list shows: under `place` when given, else those of the first utility it can be priced under.
    pub fn prices(&self, place: Option<UtilityRef>) -> Option<AveragePrices> {
        match place {
            Some(place) => self.offer(place).and_then(|offer| offer.prices),
            None => self.offers.iter().find_map(|offer| offer.prices),
        }
    }

    /// Why the plan cannot be priced anywhere; empty when it can be priced somewhere.
    pub fn faults(&self) -> Vec<Fault> {
        if self.offers.iter().any(|offer| offer.compiled.is_ok()) {
            return Vec::new();
        }
        let first = self.offers.first().and_then(|offer| offer.compiled.as_ref().err());
        first.cloned().unwrap_or_else(|| {
            let message = "names no utility of its market, so it is sold nowhere".to_owned();
            vec![Fault { path: "utilities".into(), message }]
        })
    }

    /// The largest difference between computed and published averages, cents per kWh, under the utility that fits
    /// best (a published average is for one of them); `None` when nothing is published or nothing can be priced.
    pub fn residual_cents(&self) -> Option<f64> {
        let published = self.plan.published?;
        let residuals = self.offers.iter().filter_map(|offer| offer.prices).map(|prices| prices.residual(&published));
        residuals.min_by(f64::total_cmp)
    }

    /// The fee at half of the term: what scores and lists show.
    pub fn typical_exit_fee(&self) -> Money {
        self.plan.exit.typical(self.plan.term_months)
    }

    /// Supplier and plan fees due once, on joining. A deposit comes back, so it is none.
    pub fn one_time_fees(&self) -> Money {
        self.plan.connection_fee.map_or(Money::ZERO, Price::once)
    }
}

/// The utilities the plan's price must be compiled for: one `None` when it is the same under each.
fn places(plan: &Plan, entry: &MarketEntry) -> Vec<Option<usize>> {
    if plan.delivery != Delivery::Passthrough {
        return vec![None];
    }
    let sold = |id: &str| plan.utilities.is_empty() || plan.utilities.iter().any(|u| u.eq_ignore_ascii_case(id));
    let utilities = entry.utilities.iter().enumerate().filter(|(_, utility)| sold(&utility.id));
    utilities.map(|(at, _)| Some(at)).collect()
}

fn offer(plan: &Plan, tariff: &Tariff, faults: &[Fault], utility: Option<usize>, site: &mut Site<'_>) -> Offer {
    let Site { entry, deliveries, pricers } = site;
    let delivery = utility.and_then(|at| entry.utilities[at].delivery.as_ref());
    let dependence = Dependence::of(tariff, delivery);
    let compiled = if !faults.is_empty() {
        Err(faults.to_vec())
    } else if plan.delivery == Delivery::Passthrough && delivery.is_none() {
        Err(vec![missing_delivery(utility, entry)])
    } else {
        compile_sharing(tariff, utility.and_then(|at| deliveries[at].as_mut()), None)
    };
    let mut offer = Offer { utility, compiled, dependence, prices: None, energy_share: 1.0 };
    if let (Ok(compiled), Some(pricers)) = (&offer.compiled, pricers) {
        offer.prices = pricers.averages(compiled);
        if matches!(plan.kind, PlanKind::Variable | PlanKind::Indexed) || tariff.price_sd.is_some() {
            offer.energy_share = pricers.energy_share(compiled).unwrap_or(1.0);
        }
    }
    offer
}

fn missing_delivery(utility: Option<usize>, entry: &MarketEntry) -> Fault {
    let name = utility.map_or("the utility", |at| entry.utilities[at].name.as_str());
    let message = format!("passes delivery through, but the catalog holds no delivery tariff of {name}");
    Fault { path: "delivery".into(), message }
}
