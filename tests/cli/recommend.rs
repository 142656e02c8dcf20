//! Advice from a catalog and a meter file: the answer, its repeatability, and what is refused.

use crate::run::Place;
use serde_json::{Value, json};
use std::path::Path;

pub const CATALOG: &str = r#"{
  "market": {"id": "test", "name": "Testland", "currency": "USD", "time_zone": "America/Chicago", "no_choice_zips": ["902"]},
  "utilities": [{"id": "north", "name": "Northern Wires", "zips": ["750"]}],
  "suppliers": [{"key": "ash", "name": "Ash Power", "rating": 4.0, "review_count": 200},
                {"key": "oak", "name": "Oak Energy", "rating": 3.0, "review_count": 200}],
  "plans": [
    {"key": "cheap", "name": "Cheap 12", "supplier": "ash", "kind": "fixed", "term_months": 12,
     "rate": {"type": "fixed", "rate_per_kwh": 9}, "exit": {"kind": "flat", "fee": 150}},
    {"key": "green", "name": "Green 0", "supplier": "oak", "kind": "fixed", "term_months": 0,
     "rate": {"type": "fixed", "rate_per_kwh": 11}, "renewable": 100},
    {"key": "dear", "name": "Dear 24", "supplier": "oak", "kind": "fixed", "term_months": 24,
     "rate": {"type": "fixed", "rate_per_kwh": 20}}
  ]}"#;

/// Twelve equal months.
pub fn usage() -> String {
    (1..=12).fold("month,kwh\n".to_owned(), |text, month| text + &format!("2025-{month:02},1000\n"))
}

/// The advice for the files above, with more flags.
fn advice(place: &Place, more: &[&str]) -> Value {
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let fixed = ["recommend", "--catalog", &catalog, "--usage", &usage, "--as-of", "2026-01-15", "--json"];
    place.run(&[&fixed[..], more].concat()).json()
}

#[test]
fn the_answer_ranks_by_the_priorities_and_has_the_contract_s_parts() {
    let place = Place::new();
    let answer = advice(&place, &["--zip", "75001-1234", "--priorities", "100,0,0,0", "--current-rate", "15"]);
    let names: Vec<&Value> =
        answer["top_plans"].as_array().expect("plans").iter().map(|plan| &plan["plan_name"]).collect();
    assert_eq!(names, ["Cheap 12", "Green 0", "Dear 24"]);
    for key in [
        "recommendation_id",
        "user_profile",
        "generated_at",
        "expires_at",
        "warnings",
        "overall_risk_level",
        "total_risks_detected",
        "critical_risk_count",
        "should_stay",
        "stay_recommendation",
        "switch_timing",
        "algorithm_version",
        "disclaimer",
    ] {
        assert!(answer.get(key).is_some(), "{key}");
    }
    assert_eq!(answer["total_plans_analyzed"], json!(3));
    let first = &answer["top_plans"][0];
    let annual = answer["user_profile"]["projected_annual_kwh"].as_f64().expect("kWh");
    let cost = first["projected_annual_cost"].as_f64().expect("a cost");
    assert!((cost - annual * 0.09).abs() < 0.07, "{cost} for {annual} kWh at 9 cents");
    assert_eq!(first["explanation_source"], json!("template"));
    assert_eq!(first["early_termination_fee"], json!(150.0));
}

#[test]
fn other_priorities_and_filters_give_other_plans() {
    let place = Place::new();
    let green = advice(&place, &["--zip", "75001", "--priorities", "0,0,100,0", "--top", "1"]);
    assert_eq!(green["top_plans"].as_array().map(Vec::len), Some(1));
    assert_eq!(green["top_plans"][0]["plan_name"], json!("Green 0"));
    let short = advice(&place, &["--utility", "Northern Wires", "--max-contract", "6"]);
    assert_eq!(short["top_plans"][0]["plan_name"], json!("Green 0"));
    assert_eq!(short["top_plans"].as_array().map(Vec::len), Some(1));
    let none = advice(&place, &["--zip", "75001", "--plan-type", "prepaid"]);
    assert_eq!(none["top_plans"], json!([]));
    assert!(!none["warnings"].as_array().expect("warnings").is_empty());
}

#[test]
fn the_same_files_and_day_give_the_same_answer() {
    let place = Place::new();
    let (mut one, mut other) = (advice(&place, &["--zip", "75001"]), advice(&place, &["--zip", "75001"]));
    for key in ["recommendation_id", "generated_at", "expires_at"] {
        one[key] = json!(null);
        other[key] = json!(null);
    }
    assert_eq!(one, other);
}

#[test]
fn a_place_without_choice_is_an_answer_and_an_unknown_one_is_not() {
    let place = Place::new();
    let answer = advice(&place, &["--zip", "90210"]);
    assert_eq!(answer["top_plans"], json!([]));
    assert!(!answer["warnings"].as_array().expect("warnings").is_empty());
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let run = |more: &[&str]| place.run(&[&["recommend", "--catalog", &catalog, "--usage", &usage], more].concat());
    run(&["--zip", "10001"]).refused(2, &["10001", "--utility", "north"]);
    run(&["--utility", "south"]).refused(2, &["south", "north"]);
    run(&[]).refused(2, &["--zip", "--utility"]);
    run(&["--zip", "75001", "--priorities", "50,50,50,0"]).refused(2, &["150", "100"]);
    run(&["--zip", "75001", "--priorities", "50,50"]).refused(2, &["four"]);
    run(&["--zip", "75001", "--top", "11"]).refused(2, &["11"]);
    run(&["--zip", "75001", "--current-rate=-1"]).refused(2, &["negative"]);
}

#[test]
fn a_person_gets_a_table_with_reasons() {
    let place = Place::new();
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let arguments = ["recommend", "--catalog", &catalog, "--usage", &usage, "--zip", "75001", "--current-rate", "15"];
    let outcome = place.run(&arguments);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for word in ["RANK", "P10 - P90", "SAVES", "Cheap 12", "Ash Power", "1. "] {
        assert!(outcome.stdout.contains(word), "{word}: {}", outcome.stdout);
    }
}

#[test]
fn the_demo_prints_the_same_bytes_in_another_process_and_says_first_what_to_do() {
    let print = || Place::new().run(&["demo", "--once", "--as-of", "2026-01-15"]);
    let (one, other) = (print(), print());
    assert_eq!((one.code, &one.stdout), (0, &other.stdout));
    let advice = one.stdout.split("In short: ").nth(1).expect("what to do");
    let advice = advice.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "switch to Prairie Tiers Green from Evergreen Plains now. It saves about $451 a year, and $391 in \
                    the first year after the $60 that switching costs. This holds in 100% of the years your use may bring.";
    assert!(advice.starts_with(expected), "{advice}");
    for words in ["about 12,596 kWh", "On your current plan", "After that: Month", "When: now. "] {
        assert!(one.stdout.contains(words), "{words}: {}", one.stdout);
    }
}

#[test]
fn an_imported_catalog_needs_no_file() {
    let place = Place::new();
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let arguments = ["recommend", "--usage", &usage, "--zip", "75001", "--json"];
    place.run(&arguments).refused(1, &["no catalog is imported yet"]);
    assert_eq!(place.run(&["catalog", "import", &catalog]).code, 0);
    assert_eq!(place.run(&arguments).json()["total_plans_analyzed"], json!(3));
}

#[test]
fn a_real_meter_file_against_a_real_plan_list_gives_ranked_advice() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !shared.is_dir() {
        assert!(std::env::var_os("CI").is_none(), "the shared data is absent and CI is set");
        println!("skipped: a_real_meter_file_against_a_real_plan_list_gives_ranked_advice: shared data absent");
        return;
    }
    let file = |name: &str| shared.join(name).to_str().expect("UTF-8").to_owned();
    let (catalog, usage) =
        (file("powertochoose/light_plans_2026-01-14.csv"), file("smt/IntervalData_2022-03_2022-05.csv"));
    let fixed = ["recommend", "--catalog", &catalog, "--usage", &usage, "--zip", "75001", "--as-of", "2026-01-14"];
    let answer = Place::new().run(&[&fixed[..], &["--top", "10", "--json"]].concat()).json();
    assert_eq!(answer["top_plans"].as_array().map(Vec::len), Some(10));
    assert!(answer["total_plans_analyzed"].as_u64().is_some_and(|plans| plans > 100));
    assert_eq!(answer["user_profile"]["hourly_shape"], json!("held"));
}
