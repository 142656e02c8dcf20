//! The demo market that ships in assets is what the product promises: many kinds of plans, all of them priceable.

use std::collections::BTreeSet;
use treebeard::domain::catalog::{CatalogFile, Delivery, PlanKind};
use treebeard::domain::tariff::compile;

fn catalog() -> CatalogFile {
    serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog")
}

#[test]
fn every_demo_plan_compiles_under_every_utility() {
    let catalog = catalog();
    for plan in &catalog.plans {
        for utility in &catalog.utilities {
            let delivery = utility.delivery.as_ref().filter(|_| plan.delivery == Delivery::Passthrough);
            let faults = compile(&plan.tariff(), delivery, None).err().unwrap_or_default();
            assert!(faults.is_empty() && plan.rate.faults().is_empty(), "{}: {faults:?}", plan.key);
        }
    }
}

#[test]
fn the_demo_market_has_forty_plans_ten_suppliers_and_every_kind() {
    let catalog = catalog();
    let kinds: BTreeSet<PlanKind> = catalog.plans.iter().map(|plan| plan.kind).collect();
    assert_eq!(kinds, PlanKind::ALL.into_iter().collect());
    assert!(catalog.plans.len() >= 40 && catalog.suppliers.len() >= 10 && catalog.utilities.len() >= 3);
    let keys: BTreeSet<&str> = catalog.plans.iter().map(|plan| plan.key.as_str()).collect();
    assert_eq!(keys.len(), catalog.plans.len(), "keys are unique");
}

#[test]
fn the_documented_zips_are_served_and_90210_has_no_choice() {
    let catalog = catalog();
    let served =
        |zip: &str| catalog.utilities.iter().any(|utility| utility.zips.iter().any(|prefix| zip.starts_with(prefix)));
    assert!(["78701", "77002", "75001"].into_iter().all(served));
    assert!(!served("90210") && catalog.market.no_choice_zips.iter().any(|prefix| "90210".starts_with(prefix)));
}
