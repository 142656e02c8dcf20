//! What if prices changed: energy prices of the plan the household is on, of plans whose price may change, or of all.

use super::request::{CurrentPlan, Request};
use crate::domain::catalog::{CatalogFile, Plan, PlanKind};
use crate::domain::market::Snapshot;
use crate::domain::tariff::model::{Amount, Charge, Register, Tag, Tariff};
use crate::domain::tariff::{Cents, RateStructure};
use crate::domain::units::Price;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A change of energy prices. Delivery, fees and credits stay; a stated yearly cost changes as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PriceChange")]
pub struct RateChange {
    pub plans: AffectedPlans,
    /// 10: a tenth dearer.
    #[schemars(range(min = -100.0, max = 500.0))]
    pub percent: f64,
}

/// The plan the household is on; plans on sale whose price may change (variable and indexed ones); every plan on sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AffectedPlans {
    Current,
    Variable,
    All,
}

impl RateChange {
    fn affects(self, plan: &Plan, is_current: bool) -> bool {
        match self.plans {
            AffectedPlans::Current => is_current,
            AffectedPlans::Variable => matches!(plan.kind, PlanKind::Variable | PlanKind::Indexed),
            AffectedPlans::All => true,
        }
    }

    fn share(self) -> Share {
        Share((self.percent * 1e4).round() as i64 + 1_000_000)
    }
}

/// Of a price, in millionths.
#[derive(Debug, Clone, Copy)]
struct Share(i64);

impl Share {
    fn of(self, price: Price) -> Price {
        let nanos = crate::domain::units::div_round(i128::from(price.nanos()) * i128::from(self.0), 1_000_000);
        Price::from_nanos(nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

/// The catalog with the changed prices; a plan that is both on sale and the household's own is one plan.
pub fn changed_catalog(snapshot: &Snapshot, changes: &[RateChange], request: &Request, as_of: Date) -> Snapshot {
    let own = request.current_plan.as_ref().and_then(|plan| plan.plan_id);
    let changed = |market: usize| {
        let entry = &snapshot.markets()[market];
        let of_market = snapshot.listings().iter().filter(|listing| listing.market == market);
        let plans = of_market.map(|listing| {
            let affecting = changes.iter().filter(|change| change.affects(&listing.plan, own == Some(listing.id)));
            let mut plan = listing.plan.clone();
            for change in affecting {
                plan.rate = changed_rate(&plan.rate, change.share());
            }
            plan
        });
        let suppliers = snapshot.suppliers().iter().filter(|entry| entry.market == market);
        CatalogFile {
            market: entry.market.as_ref().clone(),
            utilities: entry.utilities.clone(),
            suppliers: suppliers.map(|entry| entry.supplier.clone()).collect(),
            plans: plans.collect(),
        }
    };
    Snapshot::build((0..snapshot.markets().len()).map(changed).collect(), snapshot.revision, as_of)
}

/// A plan that is stated rather than found in the catalog, at the changed price.
pub fn changed_current(plan: &CurrentPlan, changes: &[RateChange]) -> CurrentPlan {
    let mut plan = plan.clone();
    for change in changes.iter().filter(|change| change.plans == AffectedPlans::Current) {
        let share = change.share();
        plan.current_rate = plan.current_rate.map(|rate| Cents(share.of(rate.0)));
        plan.rate_structure = plan.rate_structure.as_ref().map(|rate| changed_rate(rate, share));
        plan.annual_cost = plan.annual_cost.map(|cost| cost.scale(share.0, 1_000_000));
    }
    plan
}

/// A short form becomes the full one; a fee beside it stays beside it.
fn changed_rate(rate: &RateStructure, share: Share) -> RateStructure {
    let mut tariff: Tariff = rate.expand(None);
    let versions = tariff.versions.iter_mut().flat_map(|version| &mut version.charges);
    for charge in tariff.charges.iter_mut().chain(versions).filter(|charge| charge.tags.contains(&Tag::Energy)) {
        change_charge(charge, share);
    }
    RateStructure::Tariff(tariff)
}

fn change_charge(charge: &mut Charge, share: Share) {
    let Amount::Energy { register, price, windows, series, blocks, .. } = &mut charge.amount else { return };
    if *register == Register::Export {
        return;
    }
    let stated = price.iter_mut().chain(windows.iter_mut().map(|window| &mut window.price));
    for price in stated.chain(blocks.iter_mut().flat_map(|blocks| &mut blocks.prices)) {
        *price = share.of(*price);
    }
    if let Some(series) = series {
        series.multiplier *= share.0 as f64 / 1e6;
        series.adder = share.of(series.adder);
        for bound in [&mut series.cap, &mut series.floor, &mut series.expected].into_iter().flatten() {
            *bound = share.of(*bound);
        }
    }
}
