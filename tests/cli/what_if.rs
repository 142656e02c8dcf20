//! Scenarios on a meter file: what changes, how it is told, and what is refused.

use crate::recommend::{CATALOG, usage};
use crate::run::{Outcome, Place};
use serde_json::Value;

fn what_if(place: &Place, more: &[&str]) -> Outcome {
    let (catalog, usage) = (place.file("plans.json", CATALOG), place.file("usage.csv", &usage()));
    let fixed = ["what-if", "--catalog", &catalog, "--usage", &usage, "--as-of", "2026-01-15", "--zip", "75001"];
    place.run(&[&fixed[..], more].concat())
}

fn kwh(answer: &Value) -> f64 {
    answer["user_profile"]["projected_annual_kwh"].as_f64().expect("kWh")
}

#[test]
fn each_change_moves_the_answer_and_is_told() {
    let place = Place::new();
    let ask = |more: &[&str]| what_if(&place, &[more, &["--json"]].concat()).json();
    let plain = kwh(&ask(&["--usage-factor", "1"]));
    assert!((kwh(&ask(&["--usage-factor", "0.5"])) - plain / 2.0).abs() < 0.01);
    assert!((kwh(&ask(&["--ev", "70@23:00-05:00"])) - plain - 3_650.0).abs() < 0.01);
    assert!((kwh(&ask(&["--heat-pump", "100,0,0,0,0,0,0,0,0,0,0,50"])) - plain - 150.0).abs() < 0.01);
    assert!(kwh(&ask(&["--solar", "4@1500"])) < plain - 1_000.0);
    let shifted = ask(&["--shift", "30@16:00-20:00,01:00-05:00"]);
    assert!((kwh(&shifted) - plain).abs() < 0.01);
    let told = shifted["warnings"][0].as_str().expect("a warning");
    assert_eq!(told, "This is a scenario: 30% of the use from 16:00 to 20:00 moved to 01:00 to 05:00.");
    let dearer = ask(&["--current-rate", "10", "--rate-change", "current=-10"]);
    let current = dearer["current_annual_cost"].as_f64().expect("a cost");
    assert!((current - plain * 0.09).abs() < 0.1, "{current}");
    let green = ask(&["--new-priorities", "0,0,100,0"]);
    assert_eq!(green["top_plans"][0]["plan_name"], "Green 0");
}

#[test]
fn a_person_sees_before_and_after() {
    let outcome = what_if(&Place::new(), &["--ev", "70@23:00-05:00", "--priorities", "100,0,0,0"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for words in ["As it is:  Cheap 12", "What if:   Cheap 12", "a car charged with 70 kWh a week", "RANK"] {
        assert!(outcome.stdout.contains(words), "{words}: {}", outcome.stdout);
    }
}

#[test]
fn a_scenario_that_cannot_be_is_refused() {
    let place = Place::new();
    what_if(&place, &[]).refused(2, &["--usage-factor", "--solar"]);
    what_if(&place, &["--usage-factor", "11"]).refused(2, &["usage_factor", "0 to 10"]);
    what_if(&place, &["--ev", "60"]).refused(2, &["60@23:00-05:00"]);
    what_if(&place, &["--heat-pump", "1,2"]).refused(2, &["twelve"]);
    what_if(&place, &["--rate-change", "mine=5"]).refused(2, &["current=10"]);
    what_if(&place, &["--new-priorities", "50,50,50,0"]).refused(2, &["150"]);
}
