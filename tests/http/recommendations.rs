//! Recommendations over HTTP: made from what is stated or held, read back byte for byte, other users kept out.

use crate::market::Market;
use serde_json::{Value, json};

const GENERATE: &str = "/api/v1/recommendations/generate";
const LIST: &str = "/api/v1/recommendations";

fn year(kwh: f64) -> Vec<Value> {
    (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": kwh })).collect()
}

#[test]
fn the_documented_request_is_answered_and_kept_as_it_was_sent() {
    let market = Market::open();
    let anna = market.server.signed_in("test@example.com");
    let reply = market.post(&anna, GENERATE, include_str!("../../assets/examples/test_request.json"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.value();
    assert_eq!(answer["top_plans"].as_array().map(Vec::len), Some(3));
    let first = &answer["top_plans"][0];
    for member in ["plan_id", "plan_name", "supplier_name", "plan_type", "explanation"] {
        assert!(first[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {first}");
    }
    assert_eq!((&first["rank"], first["monthly_costs"].as_array().map(Vec::len)), (&json!(1), Some(12)));
    assert_eq!(first["explanation_source"], "template");
    assert!(first["savings"]["annual_savings"].is_number(), "{first}");
    assert_eq!(answer["user_profile"]["projected_annual_kwh"], 13_800.0);

    let id = answer["recommendation_id"].as_str().expect("an id");
    assert_eq!(market.get(&anna, &format!("{LIST}/{id}")).body, reply.body);
    let again = market.post(&anna, GENERATE, include_str!("../../assets/examples/test_request.json")).value();
    assert_eq!(again["top_plans"], answer["top_plans"], "the same input gives the same advice");
    let page = market.get(&anna, &format!("{LIST}?page_size=1")).value();
    assert_eq!((&page["total"], &page["items"][0]), (&json!(2), &again), "newest first");

    let ben = market.server.signed_in("ben@example.com");
    let own = market.server.get("/api/v1/auth/me", &[("authorization", &anna)]).value();
    let user = own["id"].as_str().expect("an id");
    assert_eq!(market.get(&anna, &format!("{LIST}/user/{user}")).value().as_array().map(Vec::len), Some(2));
    market.get(&ben, &format!("{LIST}/user/{user}")).problem(404);
    market.get(&ben, &format!("{LIST}/{id}")).problem(404);
    let delete =
        |bearer: &str| market.server.request("DELETE", &format!("{LIST}/{id}"), &[("authorization", bearer)], "");
    delete(&ben).problem(404);
    assert_eq!(delete(&anna).status, 200);
    market.get(&anna, &format!("{LIST}/{id}")).problem(404);
    market.server.post(GENERATE, &[], "{}").problem(401);
}

#[test]
fn what_the_account_holds_need_not_be_stated() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let faults = market.post(&anna, GENERATE, "{}").faults();
    assert_eq!(faults, [("usage_data".to_owned(), "required".to_owned())], "the account has a ZIP but no usage");
    let upload = json!({ "usage_data": year(1000.0) }).to_string();
    assert_eq!(market.post(&anna, "/api/v1/usage/upload", &upload).status, 200);
    let held = market.post(&anna, GENERATE, "{}");
    assert_eq!(held.status, 200, "{}", held.body);
    let stated = json!({ "user_data": { "zip_code": "78701-0001" }, "usage_data": year(1000.0) }).to_string();
    assert_eq!(market.post(&anna, GENERATE, &stated).value()["top_plans"], held.value()["top_plans"]);
    assert_eq!(held.value()["top_plans"][0]["savings"], Value::Null, "no current plan, no savings");
    let plan = r#"{"current_rate":25,"monthly_fee":10}"#;
    let put = market.server.json("PUT", "/api/v1/users/current-plan", &[("authorization", &anna)], plan);
    assert_eq!(put.status, 200, "{}", put.body);
    let answer = market.post(&anna, GENERATE, "{}").value();
    assert!(answer["top_plans"][0]["savings"]["annual_savings"].as_f64() > Some(0.0), "{}", answer["top_plans"][0]);
}

#[test]
fn unusual_households_get_an_answer() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let ask = |body: Value| {
        let reply = market.post(&anna, GENERATE, &body.to_string());
        assert_eq!(reply.status, 200, "{body}: {}", reply.body);
        reply.value()
    };
    let zeros = ask(json!({ "usage_data": year(0.0) }));
    assert_eq!(zeros["user_profile"]["projected_annual_kwh"], 0.0);
    let none = ask(json!({ "user_data": { "zip_code": "90210" }, "usage_data": year(900.0) }));
    assert_eq!(none["top_plans"], json!([]));
    assert!(none["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()), "{none}");
    let filtered =
        ask(json!({ "usage_data": year(900.0), "options": { "plan_types": ["prepaid"], "min_renewable": 100 } }));
    assert!(filtered["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty()), "{filtered}");
    for plan in [
        json!({ "plan_start_date": "2020-01-01", "contract_end_date": "2021-01-01" }),
        json!({ "plan_name": "Old", "early_termination_fee": 0 }),
        json!({ "annual_cost": 2000 }),
        json!({ "current_rate": 0 }),
        json!({}),
    ] {
        ask(json!({ "usage_data": year(900.0), "current_plan": plan }));
    }
    let short = ask(json!({ "usage_data": &year(900.0)[..3], "include_risks": false, "options": { "top_n": 10 } }));
    assert_eq!(short["top_plans"].as_array().map(Vec::len), Some(10));
}

#[test]
fn every_wrong_field_is_named_by_its_path() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let faults = |body: Value| {
        let faults = market.post(&anna, GENERATE, &body.to_string()).faults();
        faults.into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>()
    };
    let preferences = |rating: i64| json!({ "cost_priority": 40, "flexibility_priority": 30, "renewable_priority": 20, "rating_priority": rating });
    let mut twice = year(900.0);
    twice.push(json!({ "month": "2025-03-31", "kwh": 1 }));
    assert_eq!(faults(json!({ "preferences": preferences(20) })), ["preferences sum"]);
    assert_eq!(faults(json!({ "usage_data": twice })), ["usage_data[12].month repeated_month"]);
    assert_eq!(faults(json!({ "usage_data": &year(900.0)[..2] })), ["usage_data min_items"]);
    assert_eq!(
        faults(json!({
            "user_data": { "zip_code": "7870" },
            "usage_data": [{ "month": "9999-01", "kwh": 1 }, { "month": "2025-01", "kwh": 1e12 }, { "month": "2025-02", "kwh": "x" }],
            "preferences": preferences(101),
            "current_plan": { "current_rate": -1, "contract_end_date": "2026-02-30", "colour": "green" },
            "options": { "top_n": 11, "plan_types": ["free"] },
        })),
        [
            "user_data.zip_code pattern",
            "usage_data[0].month format",
            "usage_data[1].kwh maximum",
            "usage_data[2].kwh type",
            "preferences.rating_priority maximum",
            "current_plan.current_rate minimum",
            "current_plan.contract_end_date format",
            "current_plan.colour unknown_field",
            "options.top_n maximum",
            "options.plan_types[0] enum",
        ]
    );
    let dates = json!({ "contract_start_date": "2026-01-01", "plan_start_date": "2025-01-01", "contract_end_date": "2024-01-01" });
    assert_eq!(
        faults(json!({ "usage_data": year(1.0), "current_plan": dates })),
        ["current_plan.plan_start_date conflict", "current_plan.contract_end_date range"]
    );
}
