//! The fast lane: what leaves before the layers is what would have left through them.

use crate::market::{Market, catalog};
use crate::support::{Reply, Server, engine};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const CATALOG: &str = "/api/v1/plans/catalog?zip_code=75001&page_size=5";
const PROFILE: &str = "/api/v1/users/profile";
const FRIEND: &str = "https://app.example.org";
/// Everybody is counted.
const LIMITED: (&str, &str) = ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "192.0.2.0/24");

/// Requests answered by the lane until now.
fn at_once(server: &Server) -> u64 {
    let page = server.get("/metrics", &[]).body;
    let value = page.lines().find_map(|line| line.strip_prefix("treebeard_http_requests_at_once_total "));
    value.and_then(|value| value.parse().ok()).expect("a counter")
}

/// The answer, and whether the lane gave it.
#[track_caller]
fn asked(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> (Reply, bool) {
    let before = at_once(server);
    let reply = server.request("GET", path, headers, body);
    (reply, at_once(server) > before)
}

/// What is told of one request alone is not compared, but that it is told: how, for what has a form.
fn comparable(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let shape = |value: &str| value.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    let mut headers = reply.headers.clone();
    for (name, value) in &mut headers {
        match name.as_str() {
            "date" => value.clear(),
            "x-request-id" if value != "our-own-id" => *value = format!("of {}", value.len()),
            "x-ratelimit-remaining" | "x-ratelimit-reset" | "ratelimit" => *value = shape(value),
            _ => {}
        }
    }
    headers.sort();
    (reply.status, headers, reply.body.clone())
}

#[test]
fn an_answer_from_the_lane_is_that_of_the_ordinary_way() {
    let wide = [("TREEBEARD_LIMITS__PER_USER_PER_MINUTE", "9000"), ("TREEBEARD_LIMITS__PER_IP_PER_HOUR", "9000")];
    let market = Market::with(catalog(), &[LIMITED, ("CORS_ORIGINS", FRIEND), wide[0], wide[1]]);
    let server = &market.server;
    let (anna, listed) = (server.signed_in("anna@example.com"), server.get(CATALOG, &[]));
    let (tag, listed) = (listed.header("etag").expect("a tag").to_owned(), listed.value());
    let id_of = |pointer: &str| listed.pointer(pointer).and_then(Value::as_str).expect("an id").to_owned();
    let paths = [
        CATALOG.to_owned(),
        format!("/api/v1/plans/{}", id_of("/items/0/id")),
        "/api/v1/suppliers".to_owned(),
        format!("/api/v1/suppliers/{}", id_of("/items/0/supplier_id")),
        "/api/v1/markets/75001".to_owned(),
        PROFILE.to_owned(),
    ];
    let signed = ("authorization", anna.as_str());
    let sent: [&[(&str, &str)]; 8] = [
        &[],
        &[("accept-encoding", "gzip, deflate, br, zstd")],
        &[("accept-encoding", "gzip;q=0.5, identity")],
        &[("if-none-match", "\"something else\"")],
        &[("if-none-match", tag.as_str())],
        &[("origin", FRIEND)],
        &[("origin", "https://elsewhere.example.org")],
        &[("x-request-id", "our-own-id")],
    ];
    for path in &paths {
        for more in sent {
            for signed_in in [false, true] {
                // Where there may be other nodes, nothing of a user is kept for the lane.
                if path == PROFILE && (!signed_in || engine::name() == "postgres") {
                    continue;
                }
                let headers: Vec<_> = more.iter().copied().chain(signed_in.then_some(signed)).collect();
                // What is kept for three seconds may have gone just now.
                let fast = (0..3).map(|_| asked(server, path, &headers, "")).find(|(_, fast)| *fast);
                let (fast, _) = fast.unwrap_or_else(|| panic!("{path} {headers:?} is never answered at once"));
                // A body is not read, but sends the request the ordinary way.
                let (ordinary, was_fast) = asked(server, path, &headers, "-");
                assert!(!was_fast, "{path} {headers:?}");
                assert_eq!(comparable(&fast), comparable(&ordinary), "{path} {headers:?}");
            }
        }
    }
}

#[test]
fn a_request_that_is_not_as_usual_takes_the_ordinary_way() {
    let market = Market::open();
    let server = &market.server;
    let (first, second) = (asked(server, CATALOG, &[], ""), asked(server, CATALOG, &[], ""));
    assert_eq!((first.1, second.1), (false, true));
    for (headers, status, cache) in [
        (("cache-control", "no-cache"), 200, Some("BYPASS")),
        (("authorization", "Bearer nonsense"), 200, Some("HIT")),
        (("authorization", "Basic bm9uc2Vuc2U="), 200, Some("HIT")),
    ] {
        let (reply, fast) = asked(server, CATALOG, &[headers], "");
        assert_eq!((reply.status, reply.header("x-cache-status"), fast), (status, cache, false), "{headers:?}");
    }
    let before = at_once(server);
    let head = server.request("HEAD", CATALOG, &[], "");
    assert_eq!((head.status, head.body.as_str(), at_once(server)), (200, "", before));
    let (wrong, fast) = asked(server, &format!("{CATALOG}&page_size=5"), &[], "");
    assert_eq!((wrong.status, fast), (422, false));
}

#[test]
fn a_change_shows_in_the_next_read_and_a_profile_is_its_users_alone() {
    let server = Server::start();
    let [anna, ben] = ["anna@example.com", "ben@example.com"].map(|email| server.signed_in(email));
    let read = |bearer: &str| {
        let reply = server.get(PROFILE, &[("authorization", bearer)]);
        assert_eq!(reply.status, 200, "{}", reply.body);
        (reply.value()["email"].clone(), reply.value()["name"].clone(), reply.header("etag").map(str::to_owned))
    };
    for turn in 0..20 {
        let names = [format!("Anna {turn}"), format!("Ben {turn}")];
        for (bearer, name) in [&anna, &ben].into_iter().zip(&names) {
            let change = json!({ "name": name }).to_string();
            let changed = server.json("PUT", PROFILE, &[("authorization", bearer.as_str())], &change);
            assert_eq!(changed.status, 200, "{}", changed.body);
            let (first, second) = (read(bearer), read(bearer));
            assert_eq!((&first.1, &first), (&json!(name), &second));
            assert_eq!(first.2.as_deref(), changed.header("etag"));
        }
        assert_eq!([read(&anna).0, read(&ben).0], [json!("anna@example.com"), json!("ben@example.com")]);
    }
    let wanted = if engine::name() == "sqlite" { 21.. } else { 0.. };
    assert!(wanted.contains(&at_once(&server)), "{}", at_once(&server));
    // Nobody reads on with a session that has ended.
    assert_eq!(server.post("/api/v1/auth/logout-all", &[("authorization", anna.as_str())], "").status, 204);
    server.get(PROFILE, &[("authorization", anna.as_str())]).problem(401);
    server.get(PROFILE, &[]).problem(401);
}

#[test]
fn limits_count_in_the_lane_as_everywhere() {
    let limits = [LIMITED, ("TREEBEARD_LIMITS__PER_USER_PER_MINUTE", "4"), ("TREEBEARD_LIMITS__PER_IP_PER_HOUR", "9")];
    let market = Market::with(catalog(), &limits);
    let anna = market.server.signed_in("anna@example.com");
    let left = |reply: &Reply| reply.header("x-ratelimit-remaining").and_then(|left| left.parse::<u32>().ok());
    let mine: Vec<_> = (0..5).map(|_| market.get(&anna, CATALOG)).collect();
    assert_eq!(mine.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 200, 200, 200, 429]);
    assert_eq!(mine.iter().map(left).collect::<Vec<_>>(), [Some(3), Some(2), Some(1), Some(0), Some(0)]);
    assert_eq!(mine[4].problem(429)["violated-policies"], json!(["user"]));
    // Opening the account was one, and the refused one is counted once.
    let rest: Vec<_> = (0..4).map(|_| market.server.get(CATALOG, &[])).collect();
    assert_eq!(rest.iter().map(|reply| reply.status).collect::<Vec<_>>(), [200, 200, 200, 429]);
    assert_eq!(left(&rest[0]), Some(2));
    assert_eq!(rest[3].problem(429)["violated-policies"], json!(["ip"]));
    let page = market.server.get("/metrics", &[]).body;
    for limit in ["ip", "user"] {
        let refusals = format!("treebeard_rate_limit_refusals_total{{limit=\"{limit}\"}} 1\n");
        assert!(page.contains(&refusals), "{limit} in\n{page}");
    }
}

#[test]
fn the_lane_is_logged_and_counted_as_everything() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let headers = [("authorization", anna.as_str()), ("x-request-id", "asked")];
    for (body, fast) in [("-", false), ("", true)] {
        let (reply, was_fast) = asked(&market.server, CATALOG, &headers, body);
        assert_eq!((reply.status, was_fast), (200, fast));
    }
    let mut ours = Vec::new();
    let end = Instant::now() + Duration::from_secs(60);
    while ours.len() < 2 {
        assert!(Instant::now() < end, "{}", market.server.log());
        let log = market.server.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        ours = lines.filter(|line| line["message"] == "answered" && line.to_string().contains("\"asked\"")).collect();
    }
    for line in &mut ours {
        for own in ["timestamp", "milliseconds"] {
            assert!(!line[own].is_null(), "{own} in {line}");
            line[own] = Value::Null;
        }
    }
    assert_eq!(ours[0], ours[1]);
    assert!(ours[0].to_string().contains("/api/v1/plans/catalog"), "{}", ours[0]);
    let page = market.server.get("/metrics", &[]).body;
    let labels = "{method=\"GET\",route=\"/api/v1/plans/catalog\",status=\"200\"}";
    for line in [
        format!("treebeard_http_requests_total{labels} 2"),
        "treebeard_cache_hits_total{cache=\"catalog\"} 1".to_owned(),
    ] {
        assert!(page.contains(&line), "{line} in\n{page}");
    }
}
