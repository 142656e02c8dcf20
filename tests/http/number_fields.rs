//! Every number of a tariff that is beyond its bounds or too fine, told by its whole path wherever a tariff comes in.

#[path = "../support/number_fields.rs"]
mod table;

use crate::people::{ADMIN, People};
use serde_json::{Value, json};
use table::{NumberField, number_fields};

struct Sender {
    people: People,
    bearer: String,
}

impl Sender {
    fn ready() -> Self {
        let people = People::meet();
        let bearer = people.bearer(ADMIN);
        Sender { people, bearer }
    }

    /// Sends a body that must be refused, one of its faults at `path` and none with the number that was sent.
    fn refused(&self, method: &str, route: &str, body: &Value, path: &str) {
        let headers = [("authorization", self.bearer.as_str())];
        let reply = self.people.server.json(method, route, &headers, &body.to_string());
        let faults = reply.faults();
        assert!(faults.iter().any(|(field, _)| field == path), "{route}: {path} is told at {}", reply.body);
        // The id of a request may have it by chance.
        let id = reply.header("x-request-id").unwrap_or_default();
        let told = reply.body.replace(id, "");
        assert!(!told.contains("e+300") && !told.contains("e300"), "{route}: {told}");
    }
}

/// Every field with wrong numbers, and the catalog they stand in.
fn each(send: impl Fn(&NumberField, &Value)) {
    for field in number_fields() {
        for value in field.two_wrong() {
            send(&field, &field.set(value));
        }
    }
}

#[test]
fn a_catalog_with_a_wrong_number_is_refused_at_its_field() {
    let sender = Sender::ready();
    each(|field, catalog| {
        sender.refused("POST", "/api/v1/admin/catalog/import?dry_run=true", catalog, field.path);
    });
}

#[test]
fn a_plan_with_a_wrong_number_is_refused_at_its_field() {
    let sender = Sender::ready();
    each(|field, catalog| {
        let Some((plan, path)) = field.path.strip_prefix("plans[").and_then(|path| path.split_once("].")) else {
            return;
        };
        let plan: usize = plan.parse().expect("a number");
        sender.refused("POST", "/api/v1/admin/plans", &catalog["plans"][plan], path);
    });
}

#[test]
fn a_current_plan_with_a_wrong_number_is_refused_at_its_field() {
    let sender = Sender::ready();
    each(|field, catalog| {
        let Some((plan, path)) = field.of_rate() else { return };
        let rate = &catalog["plans"][plan]["rate"];
        let stated = json!({ "rate_structure": rate });
        sender.refused("PUT", "/api/v1/users/current-plan", &stated, &format!("rate_structure.{path}"));
        let asked = json!({ "current_plan": stated });
        let path = format!("current_plan.rate_structure.{path}");
        sender.refused("POST", "/api/v1/recommendations/generate", &asked, &path);
    });
}

#[test]
fn a_current_plan_with_a_number_at_its_bound_is_not_refused_for_it() {
    let sender = Sender::ready();
    let headers = [("authorization", sender.bearer.as_str())];
    for field in number_fields() {
        let Some((plan, path)) = field.of_rate() else { continue };
        for value in field.bounds() {
            let stated = json!({ "rate_structure": field.set(value)["plans"][plan]["rate"] });
            let reply = sender.people.server.json("PUT", "/api/v1/users/current-plan", &headers, &stated.to_string());
            let told = reply.status == 422 && reply.faults().iter().any(|(field, _)| field.ends_with(path));
            assert!(!told, "{path}: {}", reply.body);
        }
    }
}

#[test]
fn a_tariff_that_means_nothing_is_refused_at_its_fields() {
    let sender = Sender::ready();
    let gap = json!([{ "when": { "from": "00:00", "to": "12:00" }, "price": 0.1 }]);
    let charge = |amount: Value| json!({ "id": "e", "label": "Energy", "tags": ["energy"], "amount": amount });
    let charges = json!([charge(json!({ "kind": "energy", "windows": gap }))]);
    let stated = json!({ "rate_structure": { "type": "tariff", "charges": charges } });
    let path = "rate_structure.charges[0].amount.windows[0].when";
    sender.refused("PUT", "/api/v1/users/current-plan", &stated, path);
    let open = json!({ "rate_structure": { "type": "tiered", "tiers": [{ "up_to_kwh": 500, "rate_per_kwh": 8 }] } });
    sender.refused("PUT", "/api/v1/users/current-plan", &open, "rate_structure.tiers");
    let asked = json!({ "current_plan": stated });
    sender.refused("POST", "/api/v1/recommendations/generate", &asked, &format!("current_plan.{path}"));
}

#[test]
fn of_more_than_a_thousand_wrong_fields_the_first_thousand_are_told() {
    let sender = Sender::ready();
    let rates = vec![json!({ "name": "Tax" }); 1_000];
    let stated = json!({ "rate_structure": { "type": "tariff", "charges": [], "tax": { "prices": "exclusive", "rates": rates } } });
    let headers = [("authorization", sender.bearer.as_str())];
    let reply = sender.people.server.json("PUT", "/api/v1/users/current-plan", &headers, &stated.to_string());
    let problem = reply.value();
    assert_eq!((reply.status, problem["details"].as_array().map(Vec::len)), (422, Some(1_000)));
    let detail = problem["detail"].as_str().expect("a text");
    assert!(detail.ends_with("(and 1000 more problems, see details)."), "{detail}");
}
