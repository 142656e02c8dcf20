//! Suppliers and plans under administration: what is changed is what everybody reads next, by version, and noted.

use crate::examples;
use crate::people::{ADMIN, People, SUPPORT, text};
use crate::postgres::Cluster;
use crate::support::Reply;
use serde_json::{Value, json};

const PLANS: &str = "/api/v1/admin/plans";
const SUPPLIERS: &str = "/api/v1/admin/suppliers";

struct Office<'a> {
    people: &'a People,
    bearer: String,
}

impl<'a> Office<'a> {
    fn of(people: &'a People, email: &str) -> Self {
        Office { people, bearer: people.bearer(email) }
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Reply {
        self.send_if(method, path, "*", body)
    }

    fn send_if(&self, method: &str, path: &str, version: &str, body: &str) -> Reply {
        let headers = [("authorization", self.bearer.as_str()), ("if-match", version)];
        if body.is_empty() {
            return self.people.server.request(method, path, &headers, "");
        }
        self.people.server.json(method, path, &headers, body)
    }

    fn get(&self, path: &str) -> Reply {
        self.people.server.get(path, &[("authorization", &self.bearer)])
    }

    /// How many plans anybody finds by these words.
    fn on_sale(&self, words: &str) -> u64 {
        let found = self.people.server.get(&format!("/api/v1/plans/catalog?q={words}"), &[]);
        found.value()["total"].as_u64().expect("a number")
    }
}

fn plan(key: &str, name: &str, rate: f64) -> Value {
    json!({
        "key": key,
        "name": name,
        "supplier": "honest-meter",
        "kind": "fixed",
        "term_months": 12,
        "rate": { "type": "fixed", "rate_per_kwh": rate },
        "delivery": "passthrough",
        "renewable": 100,
    })
}

fn a_plan_is_added_changed_deleted_and_restored(people: People) {
    let office = Office::of(&people, ADMIN);
    assert_eq!(office.on_sale("Quokka"), 0);
    let made = office.send("POST", PLANS, &plan("honest-meter/quokka", "Quokka 12", 8.5).to_string());
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{}", made.body);
    let id = text(&made, "id");
    let shown = made.value();
    assert_eq!(
        (&shown["market"], &shown["document"]["id"], &shown["deleted_at"]),
        (&json!("demo"), &json!(id), &Value::Null)
    );
    assert_eq!(office.on_sale("Quokka"), 1, "the next read has it");
    let seen = people.server.get(&format!("/api/v1/plans/{id}"), &[]).value();
    assert_eq!((&seen["plan_name"], &seen["supplier_id"]), (&json!("Quokka 12"), &shown["supplier_id"]));

    let path = format!("{PLANS}/{id}");
    let dearer = plan("honest-meter/quokka", "Quokka 12 plus", 9.5).to_string();
    let changed = office.send_if("PUT", &path, "\"1\"", &dearer);
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{}", changed.body);
    assert_eq!(office.get(&path).header("etag"), Some("\"2\""));
    let stale = office.send_if("PUT", &path, "\"1\"", &dearer).problem(409);
    assert!(stale["message"].as_str().is_some_and(|message| message.contains("If-Match")), "{stale}");
    office.send_if("DELETE", &path, "\"1\"", "").problem(409);
    assert_eq!(people.server.get(&format!("/api/v1/plans/{id}"), &[]).value()["plan_name"], "Quokka 12 plus");

    let deleted = office.send_if("DELETE", &path, "\"2\"", "");
    assert!(deleted.status == 200 && deleted.value()["deleted_at"].is_string(), "{}", deleted.body);
    assert_eq!(office.on_sale("Quokka"), 0);
    people.server.get(&format!("/api/v1/plans/{id}"), &[]).problem(404);
    let listed = |query: &str| office.get(&format!("{PLANS}?q=quokka{query}")).value()["total"].clone();
    assert_eq!((listed(""), listed("&deleted=true")), (json!(0), json!(1)));
    office.send("POST", PLANS, &plan("honest-meter/quokka", "Another", 9.0).to_string()).problem(409);
    assert_eq!(office.send("DELETE", &path, "").value()["version"], 3, "deleted already");

    let restored = office.send("POST", &format!("{path}/restore"), "");
    assert_eq!((restored.status, restored.value()["deleted_at"].clone()), (200, Value::Null));
    assert_eq!(office.on_sale("Quokka"), 1);

    let acts: Vec<_> = people.history().into_iter().filter(|entry| entry.event == "authz_admin").collect();
    let details: Vec<Value> = acts.iter().map(|entry| entry.detail.clone().expect("its detail")).collect();
    let told: Vec<&str> = details.iter().map(|detail| detail["act"].as_str().expect("an act")).collect();
    assert_eq!(told, ["plan_created", "plan_changed", "plan_deleted", "plan_deleted", "plan_restored"]);
    assert!(
        acts.iter()
            .all(|entry| entry.actor_id.is_some() && entry.subject_id.map(|id| id.to_string()) == Some(id.clone()))
    );
    let change = &details[1];
    assert_eq!(change["before"]["document"]["name"], "Quokka 12");
    assert_eq!(change["after"]["document"]["name"], "Quokka 12 plus");
}

#[test]
fn what_is_done_to_a_plan_shows_in_the_next_read_and_in_the_log() {
    a_plan_is_added_changed_deleted_and_restored(People::meet());
    let name = "what_is_done_to_a_plan_shows_in_the_next_read_and_in_the_log";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    a_plan_is_added_changed_deleted_and_restored(People::in_database(&cluster.database("offices")));
}

#[test]
fn a_supplier_takes_its_plans_off_sale_and_back() {
    let people = People::meet();
    let office = Office::of(&people, ADMIN);
    let found = office.get(&format!("{SUPPLIERS}?q=honest")).value();
    let (id, plans) = (&found["items"][0]["id"], found["items"][0]["active_plan_count"].as_u64().expect("a number"));
    let path = format!("{SUPPLIERS}/{}", id.as_str().expect("an id"));
    assert!(plans > 1 && office.on_sale("honest%20meter") == plans);
    assert_eq!(office.send("DELETE", &path, "").status, 200);
    assert_eq!(office.on_sale("honest%20meter"), 0);
    assert_eq!(office.send("POST", &format!("{path}/restore"), "").status, 200);
    assert_eq!(office.on_sale("honest%20meter"), plans);

    let mut document = found["items"][0]["document"].clone();
    document["rating"] = json!(1.5);
    assert_eq!(office.send("PUT", &path, &document.to_string()).status, 200);
    let public = format!("/api/v1/suppliers/{}", id.as_str().expect("an id"));
    assert_eq!(people.server.get(&public, &[]).value()["rating"], 1.5);
    document["key"] = json!("another");
    assert_eq!(office.send("PUT", &path, &document.to_string()).faults(), [("key".into(), "immutable".into())]);
    let new = json!({ "key": "walnut", "name": "Walnut Power" }).to_string();
    assert_eq!(office.send("POST", SUPPLIERS, &new).status, 201);
    office.send("POST", SUPPLIERS, &new).problem(409);
}

#[test]
fn what_an_import_would_refuse_is_refused_by_its_path() {
    let people = People::meet();
    let office = Office::of(&people, ADMIN);
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut plan = plan("honest-meter/bad", "Bad", 9.0);
        change(&mut plan);
        office.send("POST", PLANS, &plan.to_string()).faults().remove(0).0
    };
    assert_eq!(refused(&|plan| plan["supplier"] = json!("nobody")), "supplier");
    assert_eq!(refused(&|plan| plan["utilities"] = json!(["nowhere"])), "utilities[0]");
    assert_eq!(refused(&|plan| plan["colour"] = json!("red")), "colour");
    assert_eq!(refused(&|plan| plan["term_months"] = json!(-1)), "term_months");
    let elsewhere = office.send("POST", &format!("{PLANS}?market=atlantis"), &plan("a", "A", 9.0).to_string());
    assert_eq!(elsewhere.faults(), [("market".into(), "unknown_market".into())]);
    assert_eq!(office.on_sale("Bad"), 0);
}

#[test]
fn a_plan_sent_twice_under_one_key_is_added_once() {
    let people = People::meet();
    let bearer = people.bearer(ADMIN);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "quokka-1")];
    let body = plan("honest-meter/quokka", "Quokka 12", 8.5).to_string();
    let (first, second) = (people.server.post(PLANS, &headers, &body), people.server.post(PLANS, &headers, &body));
    assert_eq!((first.status, second.status), (201, 201), "{}", second.body);
    assert_eq!(first.body, second.body);
}

#[test]
fn sums_of_the_most_absurd_plan_are_what_the_document_says() {
    let people = People::meet();
    let office = Office::of(&people, ADMIN);
    for (key, rate) in [("honest-meter/gift", -100_000_000.0), ("honest-meter/ruin", 100_000_000.0)] {
        let mut absurd = plan(key, "Absurd", rate);
        absurd["term_months"] = json!(600);
        let made = office.send("POST", PLANS, &absurd.to_string());
        assert_eq!(made.status, 201, "{}", made.body);
    }
    let months: Vec<_> =
        (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 1_000_000 })).collect();
    let asked = json!({
        "user_data": { "zip_code": "78701" }, "usage_data": months, "options": { "top_n": 10 },
    });
    let reply = office.send("POST", "/api/v1/recommendations/generate", &asked.to_string());
    let answer = reply.value();
    let total = answer["top_plans"][0]["over_term"]["total_cost"].as_f64().expect("a number");
    assert!(total < -1e12, "more than a request could name: {total}");
    let document = people.server.get("/openapi.json", &[]).value();
    let schema = json!({ "$ref": "#/components/schemas/GeneratedRecommendation" });
    let errors: Vec<_> =
        examples::validator(&document, &schema).iter_errors(&answer).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn support_reads_and_nobody_finds_what_is_switched_off() {
    let people = People::meet();
    let office = Office::of(&people, SUPPORT);
    let page = office.get(&format!("{PLANS}?page_size=5&page=2&plan_type=fixed"));
    let list = page.value();
    assert_eq!((list["items"].as_array().map(Vec::len), &list["page"]), (Some(5), &json!(2)));
    assert!(page.header("link").is_some_and(|link| link.contains("rel=\"next\"") && link.contains("plan_type=fixed")));
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    office.send("POST", PLANS, &plan("a", "A", 9.0).to_string()).problem(403);

    let people = People::with(&[("ADMIN_API_ENABLED", "false")]);
    let office = Office::of(&people, ADMIN);
    for path in [PLANS, SUPPLIERS, "/api/v1/admin/users"] {
        office.get(path).problem(404);
    }
}
