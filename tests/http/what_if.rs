//! Scenarios over HTTP: computed from what was kept, the same shape as the answer, kept nowhere, closed to others.

use crate::market::Market;
use serde_json::{Value, json};

const GENERATE: &str = "/api/v1/recommendations/generate";
const LIST: &str = "/api/v1/recommendations";

fn year(kwh: f64) -> Vec<Value> {
    (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": kwh })).collect()
}

fn annual(answer: &Value) -> f64 {
    answer["user_profile"]["projected_annual_kwh"].as_f64().expect("kWh")
}

#[test]
fn a_scenario_has_the_shape_of_the_answer_and_is_not_kept() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let asked = json!({ "usage_data": year(1000.0), "current_plan": { "current_rate": 20 } }).to_string();
    let before = market.post(&anna, GENERATE, &asked).value();
    let path = format!("{LIST}/{}/what-if", before["recommendation_id"].as_str().expect("an id"));
    let ask = |body: Value| {
        let reply = market.post(&anna, &path, &body.to_string());
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
        reply.value()
    };
    let same = ask(json!({}));
    let keys = |answer: &Value| answer.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&same), keys(&before));
    assert_eq!((&same["top_plans"], &same["user_profile"]), (&before["top_plans"], &before["user_profile"]));
    assert_eq!(same["warnings"][0], "This scenario changes nothing.");

    let full = ask(json!({
        "usage_factor": 0.9,
        "shift": { "percent": 20, "out_of": { "from": "16:00", "to": "20:00" }, "into": { "from": "00:00", "to": "05:00" } },
        "heat_pump": { "kwh_by_month": [300, 250, 150, 0, 0, 0, 0, 0, 0, 50, 150, 300] },
        "electric_vehicle": { "kwh_per_week": 70, "from": "23:00", "to": "05:00" },
        "solar": { "kw": 5, "kwh_per_kw": 1400 },
        "rate_changes": [{ "plans": "current", "percent": 10 }],
        "preferences": { "cost_priority": 100, "flexibility_priority": 0, "renewable_priority": 0, "rating_priority": 0 },
    }));
    assert_eq!(full["top_plans"].as_array().map(Vec::len), Some(3));
    assert!((full["current_annual_cost"].as_f64().expect("a cost") - annual(&full) * 0.22).abs() < 0.2);
    let told = full["warnings"][0].as_str().expect("a warning");
    for words in
        ["times 0.9", "20% of the use", "1,200 kWh a year", "70 kWh a week", "make 7,000 kWh", "by 10%", "100 for cost"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    let car = ask(json!({ "electric_vehicle": { "kwh_per_week": 70, "from": "23:00", "to": "05:00" } }));
    assert!((annual(&car) - annual(&before) - 3_650.0).abs() < 0.01);
    assert_eq!(market.get(&anna, LIST).value()["total"], 1, "no scenario is kept");

    let ben = market.server.signed_in("ben@example.com");
    market.post(&ben, &path, "{}").problem(404);
    market.server.post(&path, &[], "{}").problem(401);
}

#[test]
fn each_kind_of_scenario_changes_the_energy_by_what_it_says_and_no_more() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let asked = json!({ "usage_data": year(1000.0), "current_plan": { "current_rate": 20 } }).to_string();
    let before = market.post(&anna, GENERATE, &asked).value();
    let path = format!("{LIST}/{}/what-if", before["recommendation_id"].as_str().expect("an id"));
    let shift = json!({ "percent": 50, "out_of": { "from": "16:00", "to": "20:00" }, "into": { "from": "00:00", "to": "05:00" } });
    let cases = [
        (json!({ "usage_factor": 0.5 }), 6_000.0),
        (json!({ "usage_factor": 0 }), 0.0),
        (json!({ "usage_factor": 10 }), 120_000.0),
        (json!({ "electric_vehicle": { "kwh_per_week": 70, "from": "23:00", "to": "05:00" } }), 15_650.0),
        (json!({ "heat_pump": { "kwh_by_month": [100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50] } }), 12_150.0),
        (json!({ "shift": shift }), 12_000.0),
        (json!({ "solar": { "kw": 0 } }), 12_000.0),
        (json!({ "rate_changes": [{ "plans": "all", "percent": 10 }] }), 12_000.0),
    ];
    for (scenario, kwh) in cases {
        let answer = market.post(&anna, &path, &scenario.to_string()).value();
        assert!((annual(&answer) - kwh).abs() < 0.01, "{scenario}: {}", annual(&answer));
        let current = answer["current_annual_cost"].as_f64().expect("a cost");
        assert!((current - kwh * 0.2).abs() < 0.13, "{scenario}: {current} at 20 cents, twelve rounded bills");
    }
    let dearer = json!({ "rate_changes": [{ "plans": "current", "percent": -100 }] });
    assert_eq!(market.post(&anna, &path, &dearer.to_string()).value()["current_annual_cost"], 0.0);
    let edge = |body: Value| market.post(&anna, &path, &body.to_string()).status;
    assert_eq!(edge(json!({ "usage_factor": 10.01 })), 422);
    assert_eq!(edge(json!({ "usage_factor": -0.01 })), 422);
    assert_eq!(edge(json!({ "rate_changes": [{ "plans": "all", "percent": 500.1 }] })), 422);
    assert_eq!(edge(json!({ "shift": { "percent": 100.1, "out_of": shift["out_of"], "into": shift["into"] } })), 422);
}

#[test]
fn a_contract_that_ends_in_the_year_9999_is_refused() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let plan = json!({ "current_rate": 20, "contract_end_date": "9999-12-31" });
    let body = json!({ "usage_data": year(1000.0), "current_plan": plan }).to_string();
    let faults = market.post(&anna, GENERATE, &body).faults();
    assert!(faults.iter().any(|(field, _)| field == "current_plan.contract_end_date"), "{faults:?}");
}

#[test]
fn a_scenario_on_held_usage_says_when_that_has_changed() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let upload = |kwh: f64| {
        let body = json!({ "usage_data": year(kwh) }).to_string();
        assert_eq!(market.post(&anna, "/api/v1/usage/upload", &body).status, 200);
    };
    upload(1000.0);
    let before = market.post(&anna, GENERATE, "{}").value();
    let path = format!("{LIST}/{}/what-if", before["recommendation_id"].as_str().expect("an id"));
    let ask = || market.post(&anna, &path, "{}").value();
    assert_eq!(ask()["top_plans"], before["top_plans"]);
    let noted = |answer: &Value, words: &str| answer["warnings"].to_string().contains(words);
    upload(500.0);
    let other = ask();
    assert!(noted(&other, "has changed since") && annual(&other) < annual(&before), "{}", other["warnings"]);
    let erase = market.server.request("DELETE", "/api/v1/usage", &[("authorization", &anna)], "");
    assert!(erase.status < 300, "{}", erase.body);
    let gone = ask();
    assert!(noted(&gone, "held no more"), "{}", gone["warnings"]);
    assert_eq!(gone["top_plans"], before["top_plans"]);
}

#[test]
fn every_wrong_part_of_a_scenario_is_named() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let before = market.post(&anna, GENERATE, &json!({ "usage_data": year(1000.0) }).to_string()).value();
    let path = format!("{LIST}/{}/what-if", before["recommendation_id"].as_str().expect("an id"));
    let faults = |body: Value| {
        let faults = market.post(&anna, &path, &body.to_string()).faults();
        faults.into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    assert_eq!(
        faults(json!({
            "usage_factor": 11,
            "heat_pump": { "kwh_by_month": [1, 2] },
            "electric_vehicle": { "kwh_per_week": 70, "from": "25:00" },
            "solar": { "kw": -1 },
            "rate_changes": [{ "plans": "mine", "percent": 1 }],
            "wind": 1,
        })),
        [
            "usage_factor maximum",
            "heat_pump.kwh_by_month min_items",
            "electric_vehicle.from pattern",
            "electric_vehicle.to required",
            "solar.kw minimum",
            "rate_changes[0].plans enum",
            "wind unknown_field",
        ]
    );
    let preferences =
        json!({ "cost_priority": 10, "flexibility_priority": 0, "renewable_priority": 0, "rating_priority": 0 });
    assert_eq!(faults(json!({ "preferences": preferences })), ["preferences sum"]);
}
