//! Accounts under administration: found, read, changed and erased; every act and every look at them is noted.

use crate::people::{ADMIN, People, SUPPORT, text};
use serde_json::{Value, json};

const USERS: &str = "/api/v1/admin/users";

#[test]
fn accounts_are_found_read_changed_and_erased_and_all_of_it_is_noted() {
    let people = People::meet();
    let server = &people.server;
    let owner = server.signed_in("Anna.Alder@example.org");
    people.recommendation(&owner);
    let (admin, support) = (people.bearer(ADMIN), people.bearer(SUPPORT));
    let get = |path: &str, bearer: &str| server.get(path, &[("authorization", bearer)]);
    let send = |method: &str, path: &str, body: &str| server.json(method, path, &[("authorization", &admin)], body);

    let found = get(&format!("{USERS}?q=anna.ALDER&role=user&status=active"), &support).value();
    let anna = &found["items"][0];
    assert_eq!(
        (&found["total"], &anna["email"], &anna["role"]),
        (&json!(1), &json!("Anna.Alder@example.org"), &json!("user"))
    );
    assert_eq!(get(&format!("{USERS}?role=admin"), &admin).value()["total"], 1);
    let id = anna["id"].as_str().expect("an id").to_owned();
    let path = format!("{USERS}/{id}");
    let detail = get(&path, &support).value();
    let activity = &detail["activity"];
    assert_eq!((&activity["recommendations"], &activity["open_sessions"]), (&json!(1), &json!(1)));
    assert!(activity["last_recommendation_at"].is_string() && !detail.to_string().contains("argon2"), "{detail}");

    assert_eq!(text(&send("PUT", &format!("{path}/role"), r#"{"role":"support"}"#), "role"), "support");
    get("/api/v1/auth/me", &owner).problem(401);
    assert_eq!(text(&send("POST", &format!("{path}/deactivate"), ""), "status"), "deactivated");
    let login = json!({ "username": "anna.alder@example.org", "password": "test123" }).to_string();
    assert_ne!(server.post("/api/v1/auth/login", &[], &login).status, 200);
    assert_eq!(text(&send("POST", &format!("{path}/reactivate"), ""), "status"), "active");
    assert_eq!(server.post("/api/v1/auth/login", &[], &login).status, 200);
    assert_eq!(send("DELETE", &path, "").status, 204);
    get(&path, &admin).problem(404);

    let history = people.history();
    let about_anna: Vec<&str> = history
        .iter()
        .filter(|entry| entry.subject_id.is_some_and(|subject| subject.to_string() == id))
        .map(|entry| entry.event.as_str())
        .filter(|event| !event.starts_with("authn_"))
        .collect();
    let expected = ["user_created", "sensitive_read", "privilege_permissions_changed", "user_disabled", "user_enabled"];
    assert_eq!(about_anna, [expected.as_slice(), &["user_deleted"]].concat());
    let reads: Vec<&Value> = history
        .iter()
        .filter(|entry| entry.event == "sensitive_read" && entry.subject_id.is_none())
        .filter_map(|entry| entry.detail.as_ref())
        .collect();
    assert_eq!(reads, [&json!({ "read": "users", "from": 0, "rows": 1 }); 2], "and not what was searched for");
}

#[test]
fn what_an_administrator_reads_changes_or_deletes_of_somebody_is_noted_with_before_and_after() {
    let people = People::meet();
    let server = &people.server;
    let owner = server.signed_in("anna@example.org");
    let anna = text(&server.get("/api/v1/auth/me", &[("authorization", &owner)]), "id");
    let made = people.recommendation(&owner);
    let path = format!("/api/v1/recommendations/{made}");
    let support = people.bearer(SUPPORT);
    server.get(&path, &[("authorization", &support)]).problem(404);
    for path in [&path, &format!("{path}/report"), &format!("{path}/export.csv")] {
        assert_eq!(server.get(path, &[("authorization", &owner)]).status, 200, "one's own: no note");
    }
    let admin = people.bearer(ADMIN);
    let send = |method: &str, path: &str, body: &str| server.json(method, path, &[("authorization", &admin)], body);
    for path in [
        path.clone(),
        format!("{path}/report"),
        format!("{path}/export.csv"),
        format!("/api/v1/recommendations/user/{anna}"),
    ] {
        assert_eq!(server.get(&path, &[("authorization", &admin)]).status, 200, "{path}");
    }
    assert_eq!(send("POST", &format!("{path}/what-if"), r#"{"usage_factor":0.9}"#).status, 200);
    assert_eq!(send("DELETE", &path, "").status, 200);
    assert_eq!(send("PUT", &format!("{USERS}/{anna}/role"), r#"{"role":"support"}"#).status, 200);
    assert_eq!(send("POST", &format!("{USERS}/{anna}/deactivate"), "").status, 200);

    let history = people.history();
    let by_staff = history.iter().filter(|entry| {
        entry.subject_id.is_some_and(|subject| subject.to_string() == anna) && entry.actor_id != entry.subject_id
    });
    let told: Vec<(&str, Value)> =
        by_staff.map(|entry| (entry.event.as_str(), entry.detail.clone().expect("its detail"))).collect();
    let read = || ("sensitive_read", json!({ "read": "recommendation", "id": made }));
    let deleted = told.get(5).map(|(_, detail)| detail.clone()).unwrap_or_default();
    assert_eq!((&deleted["act"], &deleted["after"]), (&json!("recommendation_deleted"), &Value::Null));
    assert_eq!(deleted["before"]["id"], json!(made));
    let expected = [
        read(),
        read(),
        read(),
        ("sensitive_read", json!({ "read": "recommendations" })),
        read(),
        ("authz_admin", deleted),
        ("privilege_permissions_changed", json!({ "before": "user", "after": "support" })),
        ("user_disabled", json!({ "before": "active", "after": "deactivated" })),
    ];
    assert_eq!(told, expected);
}

#[test]
fn ones_own_role_and_the_last_administrator_stay() {
    let people = People::meet();
    let admin = people.bearer(ADMIN);
    let headers = [("authorization", admin.as_str())];
    let id = text(&people.server.get("/api/v1/auth/me", &headers), "id");
    let path = format!("{USERS}/{id}");
    let send = |method: &str, path: &str, body: &str| people.server.json(method, path, &headers, body);
    for (method, path, body) in [
        ("PUT", format!("{path}/role"), r#"{"role":"user"}"#),
        ("POST", format!("{path}/deactivate"), ""),
        ("DELETE", path.clone(), ""),
    ] {
        let problem = send(method, &path, body).problem(400);
        assert!(problem["message"].as_str().is_some_and(|message| message.contains("your own")), "{problem}");
    }
    assert_eq!(people.server.get("/api/v1/auth/me", &headers).value()["role"], "admin");
}
