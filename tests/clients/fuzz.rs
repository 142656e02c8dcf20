//! Schemathesis over the whole API document, all its checks on: no fault of the service, no status that is not
//! declared, no answer that is not what its schema says, nothing wrong accepted.

use crate::{DOCUMENT, Market, PACKAGE, is_installed, tool};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// These end sessions or the account, or leave it without usage: what came after them would only meet refusals. Each has
/// an account of its own.
const LAST: [&str; 5] = ["logout_all_sessions", "end_session", "change_password", "delete_usage", "delete_my_account"];

#[test]
fn schemathesis_finds_nothing() {
    let program = tool("python/bin/schemathesis");
    if !is_installed("schemathesis_finds_nothing", &[&program]) {
        return;
    }
    let market = Market::open();
    let administrator = market.administrator();
    let known = known(&market, &administrator);
    let run =
        |bearer: &str, choice: &str, operations: &[&str]| fuzz(&program, &market, &known, bearer, choice, operations);
    std::thread::scope(|scope| {
        scope.spawn(|| run(&administrator, "--exclude-operation-id", &LAST));
        for operation in LAST {
            let bearer = market.server.signed_in(&format!("{operation}@example.org"));
            run(&bearer, "--include-operation-id", &[operation]);
        }
    });
}

/// What there is to ask for, by the names the document has for it.
fn known(market: &Market, administrator: &str) -> Value {
    let server = &market.server;
    let bearer = [("Authorization", administrator)];
    let ids = |list: &Value| list.as_array().expect("a list").iter().map(|one| one["id"].clone()).collect::<Vec<_>>();
    let plans = ids(&server.get("/api/v1/plans/catalog?page_size=5", &[]).value()["items"]);
    let suppliers = ids(&server.get("/api/v1/suppliers?page_size=2", &[]).value()["items"]);
    let document = |kind: &str, id: &Value| {
        let path = format!("/api/v1/admin/{kind}/{}", id.as_str().expect("an id"));
        server.get(&path, &bearer).value()["document"].take()
    };
    let users = ["first@example.org", "second@example.org"].map(|email| {
        let own = server.signed_in(email);
        server.get("/api/v1/auth/me", &[("Authorization", &own)]).value()["id"].clone()
    });
    let months: Vec<_> =
        (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 900 + month })).collect();
    let usage = json!({ "usage_data": months }).to_string();
    assert_eq!(server.post("/api/v1/usage/upload", &bearer, &usage).status, 200, "usage is taken");
    let asked = json!({ "user_data": { "zip_code": "78701" } }).to_string();
    let advice =
        || server.post("/api/v1/recommendations/generate", &bearer, &asked).value()["recommendation_id"].clone();
    let known = json!({
        "plan_id": plans,
        "supplier_id": suppliers,
        "user_id": users,
        "recommendation_id": [advice(), advice()],
        "plan_key": document("plans", &plans[0])["key"],
        "supplier_key": document("suppliers", &suppliers[0])["key"],
    });
    assert!(!known.to_string().contains("null"), "all of it is there: {known}");
    known
}

fn fuzz(program: &Path, market: &Market, known: &Value, bearer: &str, choice: &str, operations: &[&str]) {
    let tools = Path::new(PACKAGE).join("tests/tools");
    let chosen = operations.iter().flat_map(|operation| [choice, operation]);
    let output = Command::new(program)
        .arg("--config-file")
        .arg(tools.join("schemathesis.toml"))
        .args(["run", DOCUMENT, "--url", &market.url(), "--no-color"])
        .args(["--header", &format!("Authorization: {bearer}")])
        .args(chosen)
        .env("SCHEMATHESIS_HOOKS", tools.join("schemathesis_hooks.py"))
        .env("TREEBEARD_KNOWN", known.to_string())
        .current_dir(std::env::temp_dir())
        .output()
        .expect("schemathesis starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
}
