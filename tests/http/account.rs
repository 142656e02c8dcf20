//! What a signed-in user keeps: profile, preferences, current plan.

use crate::support::Server;
use serde_json::{Value, json};

const PREFERENCES: &str = "/api/v1/users/preferences";
const PROFILE: &str = "/api/v1/users/profile";
const CURRENT_PLAN: &str = "/api/v1/users/current-plan";

#[test]
fn preferences_have_defaults_and_must_sum_to_100() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    let headers = [("authorization", bearer.as_str())];
    let defaults = json!({
        "cost_priority": 40, "flexibility_priority": 30, "renewable_priority": 20, "rating_priority": 10, "updated_at": null
    });
    assert_eq!(server.get(PREFERENCES, &headers).value(), defaults);

    let of = |values: [i64; 4]| {
        let [cost, flexibility, renewable, rating] = values;
        let body = json!({ "cost_priority": cost, "flexibility_priority": flexibility,
                           "renewable_priority": renewable, "rating_priority": rating });
        server.post(PREFERENCES, &headers, &body.to_string())
    };
    let problem = of([50, 30, 20, 10]).problem(400);
    assert_eq!(problem["message"], "The priorities sum to 110. They must sum to 100.");
    assert_eq!(
        of([101, -1, 0, 0]).faults(),
        [("cost_priority".to_owned(), "maximum".to_owned()), ("flexibility_priority".to_owned(), "minimum".to_owned())]
    );
    let saved = of([70, 10, 10, 10]);
    assert_eq!(saved.status, 200);
    assert_eq!(saved.value()["cost_priority"], 70);
    assert!(saved.value()["updated_at"].is_string());
    assert_eq!(server.get(PREFERENCES, &headers).value(), saved.value());

    let other = server.signed_in("ben@example.com");
    assert_eq!(server.get(PREFERENCES, &[("authorization", &other)]).value(), defaults, "another user's are their own");
}

#[test]
fn a_profile_changes_only_where_asked() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    server.register("ben@example.com");
    let headers = [("authorization", bearer.as_str())];
    let reply = server.json("PUT", PROFILE, &headers, r#"{"zip_code":"77002-1234","property_type":"commercial"}"#);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let changed = reply.value();
    assert_eq!(changed["success"], true);
    assert_eq!(changed["data"]["zip_code"], "77002-1234");
    assert_eq!(changed["data"]["name"], "Test");
    assert_eq!(server.get(PROFILE, &headers).value(), changed["data"]);

    server.json("PUT", PROFILE, &headers, r#"{"email":"BEN@example.com"}"#).problem(400);
    assert_eq!(
        server.json("PUT", PROFILE, &headers, r#"{"name":"   "}"#).faults(),
        [("name".to_owned(), "blank".to_owned())]
    );
    assert_eq!(
        server.json("PUT", PROFILE, &headers, r#"{"is_admin":true}"#).faults(),
        [("is_admin".to_owned(), "unknown_field".to_owned())]
    );
}

#[test]
fn a_current_plan_is_kept_as_stated_until_deleted() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    let headers = [("authorization", bearer.as_str())];
    server.get(CURRENT_PLAN, &headers).problem(404);
    let stated = json!({
        "supplier_name": "Acme Power", "plan_name": "Saver 12", "current_rate": 14.25, "monthly_fee": 9.95,
        "rate_structure": { "type": "fixed", "rate_per_kwh": 14.25 },
        "contract_start_date": "2026-01-01", "contract_end_date": "2026-12-31", "early_termination_fee": 150.0
    });
    let reply = server.json("PUT", CURRENT_PLAN, &headers, &stated.to_string());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut held = server.get(CURRENT_PLAN, &headers).value();
    assert_eq!(held, reply.value());
    assert!(held.as_object_mut().expect("an object").remove("updated_at").is_some_and(|at| at.is_string()));
    assert_eq!(held, stated);

    assert_eq!(server.request("DELETE", CURRENT_PLAN, &headers, "").status, 204);
    assert_eq!(server.request("DELETE", CURRENT_PLAN, &headers, "").status, 204);
    server.get(CURRENT_PLAN, &headers).problem(404);
}

#[test]
fn a_wrong_current_plan_is_refused_by_its_fields() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    let headers = [("authorization", bearer.as_str())];
    let energy = |amount: Value| {
        let charge = json!({ "id": "e", "label": "Energy", "tags": ["energy"], "amount": amount });
        json!({ "rate_structure": { "type": "tariff", "charges": [charge] } })
    };
    let cases: [(Value, &str, &str); 12] = [
        (json!({ "current_rate": -1 }), "current_rate", "minimum"),
        (json!({ "plan_id": "not-an-id" }), "plan_id", "format"),
        (json!({ "contract_start_date": "2026-02-30" }), "contract_start_date", "format"),
        (
            json!({ "contract_start_date": "2026-02-01", "contract_end_date": "2026-01-01" }),
            "contract_end_date",
            "order",
        ),
        (json!({ "rate_structure": { "type": "magic" } }), "rate_structure.type", "enum"),
        (
            json!({ "rate_structure": { "type": "fixed", "rate_per_kwh": 9, "bonus": 1 } }),
            "rate_structure.bonus",
            "unknown_field",
        ),
        (
            json!({ "rate_structure": { "type": "tiered", "tiers": [
                { "up_to_kwh": 500, "rate_per_kwh": 9 }, { "up_to_kwh": null, "rate_per_kwh": "nine" }
            ] } }),
            "rate_structure.tiers[1].rate_per_kwh",
            "type",
        ),
        (
            json!({ "rate_structure": { "type": "time_of_use", "peak_rate": 20, "off_peak_rate": 9, "peak_hours": [17, "six"] } }),
            "rate_structure.peak_hours[1]",
            "type",
        ),
        (energy(json!({ "kind": "energy", "price": "x" })), "rate_structure.charges[0].amount.price", "type"),
        (
            energy(json!({ "kind": "energy", "blocks": { "bounds": [500], "prices": [0.1, []] } })),
            "rate_structure.charges[0].amount.blocks.prices[1]",
            "type",
        ),
        (energy(json!({ "kind": "gift" })), "rate_structure.charges[0].amount.kind", "enum"),
        (
            json!({ "rate_structure": { "type": "fixed", "rate_per_kwh": 1e300 } }),
            "rate_structure.rate_per_kwh",
            "maximum",
        ),
    ];
    for (body, field, code) in cases {
        let faults = server.json("PUT", CURRENT_PLAN, &headers, &body.to_string()).faults();
        assert_eq!(faults, [(field.to_owned(), code.to_owned())], "{body}");
    }
}

#[test]
fn an_erased_account_is_gone() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    let headers = [("authorization", bearer.as_str())];
    let faults = server.json("DELETE", "/api/v1/users/me", &headers, r#"{"password":"guessed"}"#).faults();
    assert_eq!(faults, [("password".to_owned(), "wrong_password".to_owned())]);
    assert_eq!(server.json("DELETE", "/api/v1/users/me", &headers, r#"{"password":"test123"}"#).status, 204);
    server.get(PROFILE, &headers).problem(401);
    server.register("anna@example.com");
}
