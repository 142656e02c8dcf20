//! Feedback: who may give it on what and how much of it, and what staff see.

use crate::market::catalog;
use crate::people::{ADMIN, PASSWORD, People, SUPPORT, text, treebeard};
use crate::support::{Reply, Server, engine};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use treebeard::domain::sentiment::Sentiment;
use treebeard::store::audit::{self, AuditFilter};
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::db::filter::Page;
use treebeard::store::feedback::{self, Feedback, FeedbackKind};
use treebeard::store::{Options, Store};
use uuid::Uuid;

const ON_PLAN: &str = "/api/v1/feedback/plan";
const ON_RECOMMENDATION: &str = "/api/v1/feedback/recommendation";
const STATS: &str = "/api/v1/feedback/stats";
const ANALYTICS: &str = "/api/v1/admin/feedback/analytics";
const SEARCH: &str = "/api/v1/admin/feedback/search";
const EXPORT: &str = "/api/v1/admin/feedback/export";

/// Ids of two plans on sale.
fn plans(server: &Server) -> [String; 2] {
    let listed = server.get("/api/v1/plans/catalog?page_size=2", &[]).value();
    [0, 1].map(|n| listed["items"][n]["id"].as_str().expect("an id").to_owned())
}

fn give(server: &Server, path: &str, bearer: &str, body: &Value) -> Reply {
    server.post(path, &[("authorization", bearer)], &body.to_string())
}

fn read(server: &Server, path: &str, bearer: &str) -> Value {
    let reply = server.get(path, &[("authorization", bearer)]);
    assert_eq!((reply.status, reply.header("cache-control")), (200, Some("private, no-store")), "{}", reply.body);
    reply.value()
}

#[test]
fn feedback_is_taken_on_what_exists_and_is_ones_own() {
    let people = People::meet();
    let server = &people.server;
    let [plan, _] = plans(server);
    let anna = server.signed_in("anna@example.com");
    let ben = server.signed_in("ben@example.com");
    let own = people.recommendation(&anna);

    let taken = give(server, ON_PLAN, &anna, &json!({ "plan_id": plan, "recommendation_id": own, "rating": 5 }));
    assert_eq!(taken.status, 201, "{}", taken.body);
    let id = text(&taken, "feedback_id");
    let expected = json!({ "success": true, "message": "Thank you for your feedback.", "feedback_id": id });
    assert_eq!(taken.value(), expected);
    let whole =
        json!({ "recommendation_id": own, "rating": 2, "feedback_text": " \u{0} ", "feedback_type": "selected" });
    assert_eq!(give(server, ON_RECOMMENDATION, &anna, &whole).status, 201);

    for stranger in [Some(ben.as_str()), None] {
        let headers: Vec<(&str, &str)> = stranger.iter().map(|bearer| ("authorization", *bearer)).collect();
        let refused = server.post(ON_RECOMMENDATION, &headers, &whole.to_string()).problem(404);
        assert_eq!(refused["message"], "There is no recommendation with this id. List them to see which there are.");
        let named = json!({ "plan_id": plan, "recommendation_id": own, "rating": 1 }).to_string();
        server.post(ON_PLAN, &headers, &named).problem(404);
    }
    give(server, ON_PLAN, &anna, &json!({ "plan_id": Uuid::from_u128(7), "rating": 3 })).problem(404);
    server.post(ON_PLAN, &[("authorization", "Bearer nonsense")], "{}").problem(401);
    let wrong = json!({ "plan_id": plan, "rating": 6, "feedback_text": "x".repeat(501), "feedback_type": "loved" });
    let faults: Vec<String> =
        give(server, ON_PLAN, &anna, &wrong).faults().into_iter().map(|(field, _)| field).collect();
    assert_eq!(faults, ["rating", "feedback_text", "feedback_type"]);
    let found = read(server, SEARCH, &people.bearer(SUPPORT));
    assert_eq!(found["total"], 2, "{found}");
    assert_eq!(
        (&found["items"][0]["feedback_text"], &found["items"][0]["sentiment"]),
        (&Value::Null, &json!("negative"))
    );
}

#[test]
fn the_eleventh_in_a_day_is_refused_and_the_same_again_is_kept_once() {
    let people = People::meet();
    let server = &people.server;
    let [plan, _] = plans(server);
    let anna = server.signed_in("anna@example.com");
    let opinion = |n: u8| json!({ "plan_id": plan, "rating": n % 5 + 1, "feedback_text": format!("number {n}") });
    let ids: Vec<String> = (0..10).map(|n| text(&give(server, ON_PLAN, &anna, &opinion(n)), "feedback_id")).collect();
    assert_eq!(text(&give(server, ON_PLAN, &anna, &opinion(3)), "feedback_id"), ids[3], "said before");
    let refused = give(server, ON_PLAN, &anna, &opinion(10));
    let problem = refused.problem(429);
    assert_eq!(problem["violated-policies"], json!(["feedback"]));
    let message = "Your account may give feedback 10 times a day. Try again in 24 hours.";
    assert_eq!(problem["message"], message);
    let wait: u32 = refused.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("seconds");
    assert!((82_800..=86_401).contains(&wait), "{wait}");
    let ben = server.signed_in("ben@example.com");
    assert_eq!(give(server, ON_PLAN, &ben, &opinion(3)).status, 201, "another account has its own limit");
    assert_eq!(read(server, STATS, &people.bearer(ADMIN))["total"], 11);
}

#[test]
fn the_same_key_gets_the_first_answer() {
    let people = People::meet();
    let [plan, _] = plans(&people.server);
    let anna = people.server.signed_in("anna@example.com");
    let headers = [("authorization", anna.as_str()), ("idempotency-key", "k-1")];
    let body = json!({ "plan_id": plan, "rating": 4 }).to_string();
    let first = people.server.post(ON_PLAN, &headers, &body);
    let again = people.server.post(ON_PLAN, &headers, &body);
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body));
    let other = json!({ "plan_id": plan, "rating": 1 }).to_string();
    people.server.post(ON_PLAN, &headers, &other).problem(422);
    let nobodys = people.server.post(ON_PLAN, &headers[1..], &body);
    assert_eq!(nobodys.faults(), [("Idempotency-Key".to_owned(), "needs_account".to_owned())]);
}

#[test]
fn without_an_account_another_limit_holds_and_a_claim_token_makes_the_owner() {
    let people = People::with(&[
        ("TREEBEARD_FEATURES__ANONYMOUS", "true"),
        ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", ""),
        ("TREEBEARD_LIMITS__ANONYMOUS_FEEDBACK_PER_DAY", "2"),
    ]);
    let server = &people.server;
    let made =
        server.post("/api/v1/recommendations/generate", &[], include_str!("../../assets/examples/test_request.json"));
    let (id, claim) = (text(&made, "recommendation_id"), text(&made, "claim_token"));
    let body = json!({ "recommendation_id": id, "rating": 4 }).to_string();
    server.post(ON_RECOMMENDATION, &[], &body).problem(404);
    let taken = server.post(ON_RECOMMENDATION, &[("x-claim-token", &claim)], &body);
    assert_eq!(taken.status, 201, "{}", taken.body);
    let refused = server.post(ON_RECOMMENDATION, &[("x-claim-token", &claim)], &body).problem(429);
    assert_eq!(refused["violated-policies"], json!(["anonymous-feedback"]));
    let message = refused["message"].as_str().unwrap_or_default();
    assert!(message.starts_with("Without an account, feedback is taken 2 times a day. Try again in "), "{message}");
    let anna = server.signed_in("anna@example.com");
    give(server, ON_RECOMMENDATION, &anna, &json!({ "recommendation_id": id, "rating": 4 })).problem(404);
    let [plan, _] = plans(server);
    assert_eq!(give(server, ON_PLAN, &anna, &json!({ "plan_id": plan, "rating": 4 })).status, 201, "with an account");
}

/// What the three pieces of feedback below come to.
fn figures() -> Value {
    let by_rating =
        [(1, 1), (2, 0), (3, 0), (4, 1), (5, 1)].map(|(rating, count)| json!({ "rating": rating, "count": count }));
    json!({
        "total": 3, "average_rating": 3.33, "with_text": 2,
        "by_rating": by_rating,
        "by_sentiment": { "positive": 2, "neutral": 0, "negative": 1 },
        "by_type": { "helpful": 1, "not_helpful": 1, "selected": 1, "did_not_select": 0, "other": 0 },
    })
}

#[test]
fn staff_see_figures_days_plans_and_texts_but_not_whose() {
    let people = People::meet();
    let server = &people.server;
    let [liked, dear] = plans(server);
    let (anna, ben) = (server.signed_in("anna@example.com"), server.signed_in("ben@example.com"));
    for (bearer, body) in [
        (
            &anna,
            json!({ "plan_id": liked, "rating": 5, "feedback_text": "Easy. No problems!", "feedback_type": "helpful" }),
        ),
        (&anna, json!({ "plan_id": liked, "rating": 4, "feedback_type": "selected" })),
        (&ben, json!({ "plan_id": dear, "rating": 1, "feedback_text": "Not cheap", "feedback_type": "not_helpful" })),
    ] {
        assert_eq!(give(server, ON_PLAN, bearer, &body).status, 201);
    }
    for path in [STATS, ANALYTICS, SEARCH, EXPORT] {
        assert_eq!(server.get(path, &[("authorization", &anna)]).status, 403, "{path}");
    }
    let support = people.bearer(SUPPORT);
    let figures = figures();
    assert_eq!(read(server, STATS, &support), figures);
    let seen = read(server, ANALYTICS, &support);
    assert_eq!(seen["stats"], figures);
    let days = seen["daily"].as_array().expect("days");
    assert_eq!((days.len(), days.iter().map(|day| day["count"].as_u64().expect("a count")).sum::<u64>()), (31, 3));
    assert!(days[..29].iter().all(|day| day["count"] == 0 && day["average_rating"].is_null()), "{days:?}");
    let top = &seen["top_plans"];
    assert_eq!(
        (&top[0]["plan_id"], &top[0]["count"], &top[0]["average_rating"]),
        (&json!(liked), &json!(2), &json!(4.5))
    );
    assert!(top[0]["plan_name"].as_str().is_some_and(|name| !name.is_empty()), "{top}");
    let texts: Vec<&Value> =
        seen["recent_texts"].as_array().expect("texts").iter().map(|one| &one["feedback_text"]).collect();
    assert_eq!(texts, ["Not cheap", "Easy. No problems!"]);

    for (query, found) in [
        (format!("plan_id={liked}"), 2),
        ("min_rating=2&max_rating=4".to_owned(), 1),
        ("has_text=true".to_owned(), 2),
        ("has_text=false".to_owned(), 1),
        ("sentiment=negative".to_owned(), 1),
        ("sentiment=neutral".to_owned(), 0),
        ("start_date=2026-01-01&end_date=2026-01-02".to_owned(), 0),
        ("start_date=2026-01-01".to_owned(), 3),
    ] {
        assert_eq!(read(server, &format!("{SEARCH}?{query}"), &support)["total"], found, "{query}");
    }
    let page = read(server, &format!("{SEARCH}?limit=1&offset=1"), &support);
    assert_eq!((&page["total"], &page["limit"], &page["offset"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!((page["items"].as_array().map(Vec::len), &page["items"][0]["rating"]), (Some(1), &json!(4)));
    assert!(!page.to_string().contains("user_id") && !seen.to_string().contains("user_id"));
    for (query, field) in [
        ("min_rating=4&max_rating=2", "max_rating"),
        ("start_date=2026-01-02&end_date=2026-01-01", "end_date"),
        ("sentiment=glad", "sentiment"),
        ("limit=101", "limit"),
    ] {
        for path in [SEARCH, EXPORT].iter().filter(|path| **path == SEARCH || field != "limit") {
            let faults = server.get(&format!("{path}?{query}"), &[("authorization", &support)]).faults();
            assert_eq!(faults[0].0, field, "{path}?{query}");
        }
    }
}

#[test]
fn the_export_is_sent_in_parts_safe_for_spreadsheets_and_noted() {
    const ROWS: usize = 1_201;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = engine::database(folder.path(), "export.db");
    let open = || Store::open(&address, Options::default()).expect("a store");
    let market = catalog();
    open().write_blocking(move |tx| replace(tx, &market, ImportMode::Replace, Timestamp::UNIX_EPOCH)).expect("stored");
    let began: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a time");
    let row = move |n: usize| Feedback {
        id: Uuid::from_u128(n as u128 + 1),
        user_id: None,
        plan_id: Some(Uuid::from_u128(9)),
        recommendation_id: None,
        rating: (n % 5) as u8 + 1,
        text: (n == 0).then(|| "=HYPERLINK(\"http://x\"), \"good\"".to_owned()),
        kind: FeedbackKind::Other,
        sentiment: Sentiment::Neutral,
        created_at: began.saturating_add(SignedDuration::from_secs(n as i64)).expect("a time"),
    };
    open().write_blocking(move |tx| (0..ROWS).try_for_each(|n| feedback::create(tx, &row(n)))).expect("stored");
    treebeard(folder.path(), &address, &["admin", "create", ADMIN], PASSWORD);
    let server = Server::with(&[("DATABASE_URL", &address)]);
    let login = json!({ "username": ADMIN, "password": PASSWORD }).to_string();
    let bearer = format!("Bearer {}", text(&server.post("/api/v1/auth/login", &[], &login), "access_token"));

    let reply = server.get(EXPORT, &[("authorization", &bearer)]);
    assert_eq!((reply.status, reply.header("transfer-encoding")), (200, Some("chunked")));
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"feedback.csv\""));
    let table = &reply.body;
    let mut lines = table.split_inclusive("\r\n");
    let header =
        "feedback_id,created_at,plan_id,plan_name,recommendation_id,rating,feedback_type,sentiment,feedback_text\r\n";
    assert_eq!(lines.next(), Some(header));
    let first = "00000000-0000-0000-0000-000000000001,2026-03-01T00:00:00.000Z,00000000-0000-0000-0000-000000000009,,,1,\
                 other,neutral,\"'=HYPERLINK(\"\"http://x\"\"), \"\"good\"\"\"\r\n";
    assert_eq!(lines.next(), Some(first));
    assert_eq!(lines.count(), ROWS - 1);
    let best = server.get(&format!("{EXPORT}?min_rating=5"), &[("authorization", &bearer)]);
    assert_eq!(best.body.lines().count(), 1 + ROWS / 5);

    assert_eq!(server.stop(), Some(0));
    let reads = AuditFilter { event: Some("sensitive_read".to_owned()), ..AuditFilter::default() };
    let listed =
        open().read_blocking(move |conn| audit::list(conn, &reads, Page { limit: 9, offset: 0 })).expect("read");
    let noted: Vec<_> = listed.items.into_iter().map(|entry| (entry.actor_id.is_some(), entry.detail)).collect();
    assert_eq!(noted, vec![(true, Some(json!({ "read": "feedback export" }))); 2]);
}

#[test]
fn switched_off_there_is_no_feedback_and_without_administration_nobody_reads_it() {
    let off = People::with(&[("TREEBEARD_FEATURES__FEEDBACK", "false")]);
    let admin = off.bearer(ADMIN);
    for path in [STATS, ANALYTICS, SEARCH, EXPORT] {
        off.server.get(path, &[("authorization", &admin)]).problem(404);
    }
    for path in [ON_PLAN, ON_RECOMMENDATION] {
        off.server.post(path, &[], "{}").problem(404);
    }
    let alone = People::with(&[("ADMIN_API_ENABLED", "false")]);
    let admin = alone.bearer(ADMIN);
    for path in [STATS, ANALYTICS, SEARCH, EXPORT] {
        alone.server.get(path, &[("authorization", &admin)]).problem(404);
    }
    let [plan, _] = plans(&alone.server);
    let body = json!({ "plan_id": plan, "rating": 3 }).to_string();
    assert_eq!(alone.server.post(ON_PLAN, &[], &body).status, 201);
}
