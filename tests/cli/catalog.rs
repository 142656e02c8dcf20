//! Plan lists: checked, listed, converted, kept, and priced from where they are kept.

use crate::run::Place;
use serde_json::{Value, json};

/// Two plans of two suppliers in one utility's territory.
fn catalog() -> Value {
    json!({
        "market": {"id": "test", "name": "Testland", "currency": "USD", "time_zone": "America/Chicago", "no_choice_zips": ["902"]},
        "utilities": [{"id": "north", "name": "Northern Wires", "aliases": ["NW"], "zips": ["750"]}],
        "suppliers": [{"key": "ash", "name": "Ash Power"}, {"key": "oak", "name": "Oak Energy", "rating": 4.5, "review_count": 100}],
        "plans": [
            {"key": "ash-12", "name": "Ash Fixed 12", "supplier": "ash", "kind": "fixed", "term_months": 12,
             "rate": {"type": "fixed", "rate_per_kwh": 10}},
            {"key": "oak-0", "name": "Oak Monthly", "supplier": "oak", "kind": "variable", "term_months": 0,
             "rate": {"type": "variable", "base_rate": 12}, "renewable": 100},
        ],
    })
}

#[test]
fn a_good_catalog_is_valid_and_a_bad_one_exits_with_four_or_one() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    let report = place.run(&["catalog", "validate", &file, "--json"]).json();
    assert_eq!((&report["ok"], &report["plans"], &report["rows_rejected"]), (&json!(true), &json!(2), &json!(0)));
    let mut bad = catalog();
    bad["plans"][0]["supplier"] = json!("elm");
    let file = place.file("bad.json", &bad.to_string());
    let outcome = place.run(&["catalog", "validate", &file]);
    assert!(matches!(outcome.code, 1 | 4), "{}", outcome.code);
    assert!([outcome.stdout, outcome.stderr].concat().contains("elm"));
    place.run(&["catalog", "validate", &place.file("x.csv", "a,b\n1,2\n")]).refused(1, &["x.csv", "format"]);
}

#[test]
fn a_list_shows_all_in_prices_and_follows_the_zip() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    let list = place.run(&["catalog", "list", &file, "--zip", "75001", "--json"]).json();
    let prices: Vec<(&Value, &Value)> =
        list.as_array().expect("a list").iter().map(|plan| (&plan["key"], &plan["prices"]["kwh_1000"])).collect();
    assert_eq!(prices, [(&json!("ash-12"), &json!(10.0)), (&json!("oak-0"), &json!(12.0))]);
    place.run(&["catalog", "list", &file, "--zip", "10001"]).refused(2, &["10001"]);
    place.run(&["catalog", "list", &file, "--zip", "90210"]).refused(2, &["no choice of supplier"]);
    assert_eq!(place.run(&["catalog", "list", &file, "--utility", "nw"]).code, 0);
}

#[test]
fn what_is_exported_imports_to_the_same() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    let first = place.run(&["catalog", "export", &file]).stdout;
    let again = place.run(&["catalog", "export", &place.file("again.json", &first)]).stdout;
    assert_eq!(first, again);
    let csv = place.run(&["catalog", "export", &file, "--format", "csv"]).stdout;
    assert_eq!(place.run(&["catalog", "export", &place.file("plans.csv", &csv)]).stdout, first);
}

#[test]
fn an_import_is_kept_reported_and_repeatable() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    let dry = place.run(&["catalog", "import", &file, "--dry-run", "--json"]).json();
    assert_eq!(dry["changes"]["plans"]["added"], json!(["ash-12", "oak-0"]));
    place.run(&["catalog", "list"]).refused(1, &["no catalog is imported yet"]);
    let first = place.run(&["catalog", "import", &file, "--json"]).json();
    assert_eq!(first["changes"]["plans"]["added"], json!(["ash-12", "oak-0"]));
    let second = place.run(&["catalog", "import", &file, "--json"]).json();
    assert_eq!(
        (&second["changes"]["plans"]["added"], &second["changes"]["plans"]["unchanged"]),
        (&json!([]), &json!(2))
    );
    assert_eq!(place.run(&["catalog", "list", "--json"]).json().as_array().map(Vec::len), Some(2));
    assert_eq!(place.run(&["catalog", "export"]).stdout, place.run(&["catalog", "export", &file]).stdout);

    let mut fewer = catalog();
    fewer["plans"].as_array_mut().expect("plans").pop();
    let file = place.file("fewer.json", &fewer.to_string());
    let merged = place.run(&["catalog", "import", &file, "--merge", "--json"]).json();
    assert_eq!(merged["changes"]["plans"]["retired"], json!([]));
    let replaced = place.run(&["catalog", "import", &file]);
    assert!(replaced.stdout.contains("0 added, 0 changed, 1 retired, 1 unchanged"), "{}", replaced.stdout);
}

#[test]
fn a_refused_import_changes_nothing() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    assert_eq!(place.run(&["catalog", "import", &file]).code, 0);
    let before = place.run(&["catalog", "export"]).stdout;
    let mut empty = catalog();
    empty["plans"] = json!([]);
    place
        .run(&["catalog", "import", &place.file("empty.json", &empty.to_string())])
        .refused(1, &["no plan", "nothing was changed"]);
    let half = &catalog().to_string()[..400];
    place.run(&["catalog", "import", &place.file("half.json", half)]).refused(1, &["half.json"]);
    assert_eq!(place.run(&["catalog", "export"]).stdout, before);
}

#[test]
fn a_kept_plan_is_priced_by_key_id_or_name() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    assert_eq!(place.run(&["catalog", "import", &file]).code, 0);
    let usage = place.file("usage.csv", "month,kwh\n2025-01,1000\n");
    let list = place.run(&["catalog", "list", "--json"]).json();
    let id = list[0]["id"].as_str().expect("an id");
    for name in ["ash-12", "Ash Fixed 12", id] {
        let bills = place.run(&["price", "--plan", name, "--usage", &usage, "--json"]).json();
        assert_eq!(bills["total"], json!(100.0), "{name}");
    }
    let from_file = place.run(&["price", "--tariff", &file, "--plan", "oak-0", "--usage", &usage, "--json"]).json();
    assert_eq!(from_file["total"], json!(120.0));
    place.run(&["price", "--tariff", &file, "--usage", &usage]).refused(1, &["2 plans", "--plan KEY", "ash-12"]);
    place.run(&["price", "--plan", "elm", "--usage", &usage]).refused(2, &["elm"]);
}

#[test]
fn the_schema_can_be_looked_at_and_brought_up_to_date() {
    let place = Place::new();
    let before = place.run(&["migrate", "status", "--json"]).json();
    assert_eq!(before["schema_version"], json!(0));
    assert!(!place.path().join("data").exists(), "looking made a database");
    let done = place.run(&["migrate", "--json"]).json();
    assert_eq!((&done["schema_version"], &done["pending"]), (&done["newest_version"], &json!([])));
    assert_eq!(done["applied_now"], before["pending"]);
    assert_eq!(place.run(&["migrate", "status", "--json"]).json()["pending"], json!([]));
}

#[test]
fn a_diff_names_every_entry_and_field_an_import_would_change() {
    let place = Place::new();
    let file = place.file("plans.json", &catalog().to_string());
    let new = place.run(&["catalog", "diff", &file, "--json"]).json();
    assert_eq!((&new["differs"], &new["plans"]["added"]), (&json!(true), &json!(["ash-12", "oak-0"])));
    place.run(&["catalog", "list"]).refused(1, &["no catalog is imported yet"]);
    assert_eq!(place.run(&["catalog", "import", &file]).code, 0);
    let same = place.run(&["catalog", "diff", &file]);
    assert_eq!((same.code, same.stdout.as_str()), (0, "The imported catalog of test is what the file says.\n"));

    let mut other = catalog();
    other["plans"][0]["rate"]["rate_per_kwh"] = json!(11);
    other["plans"][0]["term_months"] = json!(6);
    other["plans"][1]["key"] = json!("oak-1");
    other["suppliers"][1]["rating"] = json!(4.0);
    let file = place.file("other.json", &other.to_string());
    let lines = "~ supplier oak: rating\n+ plan oak-1\n~ plan ash-12: term_months, rate\n- plan oak-0\n";
    assert_eq!(place.run(&["catalog", "diff", &file]).stdout, lines);
    let merged = place.run(&["catalog", "diff", &file, "--merge", "--json"]).json();
    assert_eq!(
        (&merged["plans"]["retired"], &merged["plans"]["changed"][0]["fields"]),
        (&json!([]), &json!(["term_months", "rate"]))
    );
}
