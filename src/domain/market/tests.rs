//! The snapshot as its users see it.

use super::{Place, Row, Snapshot, Sort, UtilityRef};
use crate::domain::catalog::{CatalogFile, PublishedPrices};
use crate::domain::units::Price;
use jiff::civil::date;
use serde_json::{Value, json};

/// Two utilities, of which only `north` states its delivery charges.
fn snapshot(plans: Value) -> Snapshot {
    let delivery = json!({"versions": [{"effective": "2025-01-01", "charges": [
        {"id": "wires", "label": "Delivery", "tags": ["delivery"], "amount": {"kind": "energy", "price": 0.05}}]}]});
    let file: CatalogFile = serde_json::from_value(json!({
        "market": {"id": "test", "name": "Test", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": [
            {"id": "north", "name": "North Wires", "aliases": ["NW"], "zips": ["750"], "delivery": delivery},
            {"id": "south", "name": "South Wires", "zips": ["770"]}],
        "suppliers": [{"key": "s", "name": "S Energy", "rating": 4.0}, {"key": "t", "name": "T Energy", "rating": 3.0}],
        "plans": plans,
    }))
    .expect("a catalog");
    Snapshot::build(vec![file], 7, date(2026, 1, 15))
}

fn fixed(key: &str, supplier: &str, delivery: &str) -> Value {
    json!({"key": key, "name": key, "supplier": supplier, "kind": "fixed", "term_months": 12, "delivery": delivery,
        "rate": {"type": "fixed", "rate_per_kwh": 10.0}, "monthly_fee": 5.0})
}

#[test]
fn a_passed_through_plan_is_compiled_per_utility_and_refused_where_delivery_is_not_known() {
    let snapshot = snapshot(json!([fixed("a", "s", "passthrough"), fixed("b", "s", "bundled")]));
    let [through, bundled] = snapshot.listings() else { panic!("two plans") };
    let [north, south] = [0, 1].map(|utility| UtilityRef { market: 0, utility });
    assert_eq!((through.offers.len(), bundled.offers.len()), (2, 1));
    assert_eq!(through.prices(Some(north)).map(|prices| prices.levels()), Some([16.0, 15.5, 15.25]));
    assert_eq!(bundled.prices(Some(south)).map(|prices| prices.levels()), Some([11.0, 10.5, 10.25]));
    let refused = through.offer(south).and_then(|offer| offer.compiled.as_ref().err()).expect("a fault");
    assert_eq!(
        refused[0].to_string(),
        "delivery: passes delivery through, but the catalog holds no delivery tariff of South Wires"
    );
    assert_eq!(through.faults(), [], "it can be priced under one of them");
}

#[test]
fn a_plan_that_cannot_be_priced_is_listed_with_its_faults() {
    let mut wrong = fixed("a", "s", "bundled");
    wrong["rate"] = json!({"type": "tiered", "tiers": [{"up_to_kwh": 500, "rate_per_kwh": 9.0}]});
    let snapshot = snapshot(json!([wrong]));
    let listing = &snapshot.listings()[0];
    assert!(!listing.faults().is_empty());
    assert_eq!((listing.prices(None), listing.residual_cents()), (None, None));
}

#[test]
fn published_prices_are_only_a_check() {
    let cents = |cents| Price::from_cents(cents).expect("a price");
    let mut plan = fixed("a", "s", "bundled");
    let published = PublishedPrices { kwh_500: cents(11.0), kwh_1000: cents(10.6), kwh_2000: cents(10.2) };
    plan["published"] = serde_json::to_value(published).expect("JSON");
    let snapshot = snapshot(json!([plan]));
    let residual = snapshot.listings()[0].residual_cents().expect("published");
    assert!((residual - 0.1).abs() < 1e-9, "{residual}");
    assert_eq!(snapshot.listings()[0].prices(None).map(|prices| prices.kwh_1000), Some(10.5));
}

#[test]
fn what_cannot_be_listed_is_named() {
    let snapshot =
        snapshot(json!([fixed("a", "s", "bundled"), fixed("a", "s", "bundled"), fixed("b", "x", "bundled")]));
    assert_eq!(snapshot.listings().len(), 1);
    let id = snapshot.listings()[0].id;
    assert_eq!(
        snapshot.problems(),
        [format!("plan a: its id {id} is used twice"), "plan b: its supplier x is not in the catalog".to_owned()]
    );
}

#[test]
fn plans_suppliers_and_utilities_are_found() {
    let mut retired = fixed("b", "s", "bundled");
    retired["active"] = json!(false);
    retired["utilities"] = json!(["south"]);
    let snapshot = snapshot(json!([fixed("a", "s", "bundled"), retired]));
    let listing = &snapshot.listings()[0];
    let supplier = snapshot.supplier_of(listing);
    assert_eq!((supplier.plans, supplier.active_plans), (2, 1));
    assert_eq!(snapshot.supplier(supplier.id).map(|found| found.id), Some(supplier.id));
    assert_eq!(snapshot.market_of(listing).mean_rating, Some(3.5));
    let north = UtilityRef { market: 0, utility: 0 };
    for name in ["north", "NORTH WIRES", " nw "] {
        assert_eq!(snapshot.utility_named(name), Some(north), "{name}");
    }
    assert_eq!(snapshot.utility_named("west"), None);
    assert_eq!(snapshot.place("75001"), Place::Served { utility: north, others: vec![] });
    assert_eq!(snapshot.plans_under(north).map(|listing| listing.plan.key.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn plans_on_sale_are_in_the_order_asked_for_and_equal_ones_in_that_of_their_names() {
    let mut plans: Vec<Value> = ["delta", "Alpha", "charlie", "bravo", "gone"]
        .into_iter()
        .map(|name| fixed(name, if name == "charlie" { "t" } else { "s" }, "bundled"))
        .collect();
    for (at, price, months) in [(0, 8.0, 12), (1, 9.0, 6), (2, 7.0, 6), (3, 9.0, 24)] {
        plans[at]["rate"]["rate_per_kwh"] = json!(price);
        plans[at]["term_months"] = json!(months);
    }
    plans[4]["active"] = json!(false);
    plans.push(fixed("Zulu passes delivery on", "s", "passthrough"));
    let snapshot = snapshot(json!(plans));
    let names = |rows: &[Row]| -> Vec<String> {
        rows.iter().map(|row| row.listing(&snapshot).plan.name.split(' ').next().expect("a word").to_owned()).collect()
    };
    let (north, south) = (UtilityRef { market: 0, utility: 0 }, UtilityRef { market: 0, utility: 1 });
    for (sort, expected) in [
        (Sort::Name, ["Alpha", "bravo", "charlie", "delta", "Zulu"]),
        // 15.5 cents under the one utility it can be priced under.
        (Sort::Price1000, ["charlie", "delta", "Alpha", "bravo", "Zulu"]),
        (Sort::Contract, ["Alpha", "charlie", "delta", "Zulu", "bravo"]),
        (Sort::Renewable, ["Alpha", "bravo", "charlie", "delta", "Zulu"]),
    ] {
        assert_eq!(names(snapshot.on_sale(sort)), expected, "{sort:?}");
        assert_eq!(names(&snapshot.on_sale_under(north, sort)), expected, "{sort:?} under the first utility");
        assert_eq!(names(&snapshot.on_sale_under(south, sort)), expected, "{sort:?}, one of them without a price");
    }
}
