//! The service under administration: catalogs taken in, figures, caches, jobs, the audit log.

use crate::people::{ADMIN, People, SUPPORT};
use crate::support::Reply;
use serde_json::{Value, json};

const IMPORT: &str = "/api/v1/admin/catalog/import";
const LOGS: &str = "/api/v1/admin/audit-logs";

struct Desk {
    people: People,
    bearer: String,
}

impl Desk {
    fn open() -> Self {
        let people = People::meet();
        let bearer = people.bearer(ADMIN);
        Desk { people, bearer }
    }

    fn get(&self, path: &str) -> Reply {
        self.people.server.get(path, &[("authorization", &self.bearer)])
    }

    fn send(&self, path: &str, kind: &str, body: &str) -> Reply {
        let headers = [("authorization", self.bearer.as_str()), ("content-type", kind)];
        self.people.server.request("POST", path, &headers, body)
    }

    fn plans_on_sale(&self) -> Value {
        self.people.server.get("/api/v1/plans/catalog?page_size=1", &[]).value()["total"].clone()
    }
}

/// The demo's catalog with one plan dearer, one gone and one new.
fn another_catalog() -> String {
    let mut file: Value = serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("JSON");
    let plans = file["plans"].as_array_mut().expect("plans");
    plans[0]["rate"]["rate_per_kwh"] = json!(9.7);
    let mut new = plans[1].clone();
    plans.remove(1);
    new["key"] = json!("bluebonnet-power/steady-60");
    new["name"] = json!("Steady 60");
    plans.push(new);
    file.to_string()
}

#[test]
fn what_a_refused_file_holds_is_not_said_back() {
    let desk = Desk::open();
    let text = "walnut ".repeat(1_000);
    let whole = desk.send(IMPORT, "application/json", &json!(text).to_string());
    assert_eq!(whole.faults(), [("file".into(), "file".into())], "{}", whole.body);
    let part = another_catalog().replacen("9.7", &json!(text).to_string(), 1);
    let part = desk.send(IMPORT, "application/json", &part);
    for reply in [&whole, &part] {
        assert!(reply.status == 422 && !reply.body.contains("walnut"), "{}", reply.body);
    }
    let cell = desk.send(IMPORT, "text/csv", &format!("key,name,term_months\nelm,Elm,{text}\n"));
    assert!(cell.status == 422 && cell.body.len() < 2_000, "{}", cell.body);
}

#[test]
fn a_catalog_is_looked_at_first_then_taken_in_and_served_at_once() {
    let desk = Desk::open();
    let before = desk.plans_on_sale();
    let report = desk.send(&format!("{IMPORT}?dry_run=true"), "application/json", &another_catalog());
    let expected = json!({
        "added": ["bluebonnet-power/steady-60"],
        "changed": ["bluebonnet-power/steady-12"],
        "retired": ["bluebonnet-power/steady-24"],
        "kept_deleted": [],
        "unchanged": 54,
    });
    assert_eq!((report.status, &report.value()["plans"]), (200, &expected), "{}", report.body);
    assert_eq!(report.value()["dry_run"], true);
    let sixty = || desk.people.server.get("/api/v1/plans/catalog?q=steady%2060", &[]).value()["total"].clone();
    assert_eq!(sixty(), 0, "nothing was changed");

    let form = format!(
        "--part\r\ncontent-disposition: form-data; name=\"file\"; filename=\"plans.json\"\r\n\r\n{}\r\n--part--\r\n",
        another_catalog()
    );
    let done = desk.send(IMPORT, "multipart/form-data; boundary=part", &form);
    assert_eq!((done.status, &done.value()["plans"]), (200, &expected), "{}", done.body);
    assert_eq!((sixty(), desk.plans_on_sale()), (json!(1), before));
    let again = desk.send(IMPORT, "application/json", &another_catalog()).value();
    assert_eq!((&again["plans"]["unchanged"], &again["territory_changed"]), (&json!(56), &json!(false)));

    let told: Vec<Value> = desk.people.history().into_iter().filter_map(|entry| entry.detail).collect();
    let imports: Vec<&Value> = told.iter().filter(|detail| detail["act"] == "catalog_imported").collect();
    assert_eq!(imports.len(), 2, "a look is no act");
    let one = |key: &str| json!({ "count": 1, "keys": [format!("bluebonnet-power/{key}")] });
    let plans = json!({ "added": one("steady-60"), "changed": one("steady-12"), "retired": one("steady-24") });
    assert_eq!(imports[0]["plans"], plans);
    let [before, after] = ["before", "after"].map(|when| imports[0][when]["revision"].as_i64().expect("a number"));
    assert_eq!(after, before + 1);
}

#[test]
fn rows_that_cannot_be_used_are_told_and_a_file_without_any_is_refused() {
    let desk = Desk::open();
    let exported = crate::people::treebeard(
        std::path::Path::new("."),
        "sqlite:unused",
        &["catalog", "export", concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/catalog.json"), "--format", "csv"],
        "",
    );
    let mut lines: Vec<&str> = exported.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("plan,")).expect("a plan");
    let broken = lines[first].replacen("fixed", "perpetual", 1);
    lines[first] = &broken;
    let refused = desk.send(&format!("{IMPORT}?dry_run=true&format=csv"), "text/csv", &lines.join("\n"));
    let faults = refused.faults();
    assert!(faults[0].0.starts_with(&format!("line {}", first + 1)), "{faults:?}");
    for (body, field) in [("nonsense", "file"), ("{\"market\": 1, \"plans\": [], \"suppliers\": []}", "market")] {
        let faults = desk.send(IMPORT, "application/octet-stream", body).faults();
        assert!(faults[0].0.starts_with(field), "{faults:?}");
    }
}

#[test]
fn an_offer_that_cannot_be_used_stands_in_the_report_and_the_others_are_taken() {
    let desk = Desk::open();
    let text = "[idKey],[TduCompanyName],[RepCompany],[Product],[kwh500],[kwh1000],[kwh2000]\n\
                1,ONCOR,A Power,Good,0.1099,0.1050,0.1025\n2,ONCOR,A Power,Bad,x,0.1,0.1\n";
    let report = desk.send(IMPORT, "text/csv", text).value();
    assert_eq!(
        (&report["format"], &report["rows_read"], &report["rows_rejected"]),
        (&json!("power-to-choose"), &json!(2), &json!(1))
    );
    let reason = "the average price \"x\" is not a number";
    assert_eq!(report["rejected"], json!([{ "place": "line 3, price_500", "reason": reason }]));
    assert_eq!(report["plans"]["added"], json!(["ptc-1"]));
    let found = desk.people.server.get("/api/v1/plans/catalog?q=good", &[]).value();
    assert_eq!(found["total"], 1, "{found}");
}

#[test]
fn figures_are_those_of_what_was_done() {
    let desk = Desk::open();
    let owner = desk.people.server.signed_in("figures@example.org");
    let id = desk.people.recommendation(&owner);
    desk.people.recommendation(&owner);
    for _ in 0..4 {
        desk.plans_on_sale();
    }
    let stats = desk.get("/api/v1/admin/stats").value();
    assert_eq!((&stats["users"]["total"], &stats["users"]["administrators"]), (&json!(3), &json!(1)));
    assert_eq!((&stats["recommendations"]["total"], &stats["catalog"]["plans"]), (&json!(2), &json!(56)));
    let route = |wanted: &str| {
        let routes = stats["routes"].as_array().expect("routes");
        routes.iter().find(|route| route["route"] == wanted).cloned().unwrap_or_default()
    };
    let list = route("/api/v1/plans/catalog");
    assert_eq!((&list["count"], &list["failures"]), (&json!(4), &json!(0)), "{stats}");
    let ms = |of: &Value, name: &str| of[name].as_f64().expect("a number");
    assert!(0.0 < ms(&list, "p50_ms") && ms(&list, "p50_ms") <= ms(&list, "p99_ms"), "{list}");
    let generate = route("/api/v1/recommendations/generate");
    assert!(ms(&stats["requests"], "p99_ms") >= ms(&generate, "p50_ms"), "{stats}");
    let caches = stats["caches"].as_array().expect("caches");
    assert_eq!(
        (&caches[0]["hits"], &caches[0]["misses"], &caches[0]["hit_rate"]),
        (&json!(3), &json!(1), &json!(0.75))
    );
    assert_eq!((&caches[1]["hits"], &caches[1]["misses"]), (&json!(1), &json!(1)));

    let cleared = desk.send("/api/v1/admin/cache/clear", "application/json", "").value();
    assert_eq!((&cleared["answers"], &cleared["rankings"]), (&json!(1), &json!(1)));
    let fresh = desk.people.server.get("/api/v1/plans/catalog?page_size=1", &[]);
    assert_eq!(fresh.header("x-cache-status"), Some("MISS"));

    let listed = |query: &str| desk.get(&format!("/api/v1/admin/recommendations{query}")).value();
    let all = listed("?page_size=1");
    assert_eq!((&all["total"], &all["has_next"]), (&json!(2), &json!(true)));
    let second = listed("?page_size=1&page=2");
    assert_eq!(second["items"][0]["recommendation_id"], id);
    let best = &second["items"][0]["best_plan"];
    assert!(best["projected_annual_cost"].as_f64().is_some_and(|cost| cost > 100.0), "{second}");
    let plan = best["plan_id"].as_str().expect("an id");
    assert_eq!(listed(&format!("?plan_id={plan}&anonymous=false"))["total"], 2);
    assert_eq!(listed("?anonymous=true")["total"], 0);
    assert_eq!(listed("?to=2001-01-01T00:00:00Z")["total"], 0);
}

#[test]
fn jobs_tell_how_they_went() {
    let desk = Desk::open();
    let follow = loop {
        let jobs = desk.get("/api/v1/admin/jobs").value();
        let found = jobs.as_array().expect("a list").iter().find(|job| job["name"] == "follow_catalog").cloned();
        if let Some(job) = found {
            break job;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    };
    assert_eq!(
        (&follow["every_seconds"], &follow["failures"], &follow["last_outcome"]),
        (&json!(1), &json!(0), &json!("ok"))
    );
}

#[test]
fn the_audit_log_is_listed_counted_exported_and_verified() {
    let desk = Desk::open();
    let me = desk.get("/api/v1/auth/me").value()["id"].clone();
    desk.send("/api/v1/admin/cache/clear", "application/json", "");
    let mine = format!("{LOGS}?event=authz_admin&actor_id={}&success=true", me.as_str().expect("an id"));
    let page = desk.get(&mine).value();
    assert_eq!((&page["total"], &page["items"][0]["detail"]["act"]), (&json!(1), &json!("caches_cleared")));
    let looks = || desk.get(&format!("{LOGS}?event=sensitive_read")).value()["total"].clone();
    assert_eq!((looks(), looks()), (json!(1), json!(2)), "each look is noted");

    let stats = desk.get(&format!("{LOGS}/stats")).value();
    let count = |event: &str| {
        let events = stats["events"].as_array().expect("events");
        events.iter().find(|one| one["event"] == event).map(|one| one["count"].clone())
    };
    assert_eq!((count("authz_admin"), count("user_created")), (Some(json!(1)), Some(json!(2))));
    let verdict = desk.get(&format!("{LOGS}/verify")).value();
    assert_eq!((&verdict["intact"], &verdict["broken_at"]), (&json!(true), &Value::Null));
    // A job of the service may write a row between the two.
    assert!(verdict["head_seq"].as_i64() >= stats["head_seq"].as_i64(), "{verdict} {stats}");
    assert!(verdict["head_hash"] == stats["head_hash"] || verdict["head_seq"] != stats["head_seq"]);

    let export = desk.get(&format!("{LOGS}/export"));
    assert_eq!(export.header("content-type"), Some("application/x-ndjson"));
    let rows: Vec<Value> = export.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let numbers: Vec<Option<i64>> = rows.iter().map(|row| row["seq"].as_i64()).collect();
    assert_eq!(numbers, (1..=rows.len() as i64).map(Some).collect::<Vec<_>>());
    let rest = desk.get(&format!("{LOGS}/export?after={}", rows.len() - 1));
    assert_eq!(rest.body.lines().next(), export.body.lines().last());

    let support = desk.people.bearer(SUPPORT);
    assert_eq!(desk.people.server.get(LOGS, &[("authorization", &support)]).status, 200);
}
