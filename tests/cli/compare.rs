//! Plans side by side on a meter file: figures, words, and what is refused.

use crate::recommend::{CATALOG, usage};
use crate::run::{Outcome, Place};
use serde_json::json;

fn compare(place: &Place, more: &[&str]) -> Outcome {
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let fixed = ["compare", "--catalog", &catalog, "--usage", &usage, "--as-of", "2026-01-15"];
    place.run(&[&fixed[..], more].concat())
}

#[test]
fn plans_are_found_by_key_and_name_and_held_against_each_other() {
    let place = Place::new();
    let answer = compare(&place, &["--plans", "cheap,green 0", "--zip", "75001", "--json"]).json();
    let names: Vec<&str> =
        answer["plans"].as_array().expect("plans").iter().filter_map(|plan| plan["plan_name"].as_str()).collect();
    assert_eq!(names, ["Cheap 12", "Green 0"]);
    let (cheap, green) = (&answer["plans"][0], &answer["plans"][1]);
    let annual = answer["projected_annual_kwh"].as_f64().expect("kWh");
    let cost = cheap["projected_annual_cost"].as_f64().expect("a cost");
    assert!((cost - annual * 0.09).abs() < 0.07, "{cost} for {annual} kWh at 9 cents");
    assert_eq!(
        (answer["months"].as_array().map(Vec::len), cheap["monthly_costs"].as_array().map(Vec::len)),
        (Some(12), Some(12))
    );
    assert_eq!(answer["measures"][0]["measure"], json!("annual_cost"));
    assert_eq!(answer["measures"][0]["best"], json!([cheap["plan_id"]]));
    let gains = green["gains"].as_array().expect("gains");
    assert!(gains.contains(&json!("The most renewable energy, 100%")), "{gains:?}");
    let id = green["plan_id"].as_str().expect("an id");
    let by_id = compare(&place, &["--plans", &format!("cheap,{id}"), "--utility", "north", "--json"]).json();
    assert_eq!(by_id["plans"], answer["plans"]);
}

#[test]
fn a_person_gets_a_column_for_each_plan() {
    let outcome = compare(&Place::new(), &["--plans", "cheap,green,dear"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for words in ["MEASURE", "CHEAP 12", "Ash Power", "bill of 2026-02", "   + The lowest yearly cost", "   - Costs "] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
}

#[test]
fn what_cannot_be_compared_is_refused_with_what_to_do() {
    let place = Place::new();
    compare(&place, &["--plans", "cheap"]).refused(2, &["1 plans", "2 to 5"]);
    compare(&place, &["--plans", "cheap,cheap"]).refused(2, &["twice"]);
    compare(&place, &["--plans", "cheap,gren"]).refused(2, &["gren", "did you mean green?"]);
    compare(&place, &["--plans", "cheap,green", "--zip", "90210"]).refused(2, &["no retail choice"]);
    compare(&place, &["--plans", "cheap,green", "--utility", "west"]).refused(2, &["west"]);
    compare(&place, &[]).refused(2, &["--plans"]);
}
