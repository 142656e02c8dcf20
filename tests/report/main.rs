//! The report as a reader meets it: from the command and over HTTP, in a real browser, on paper, and in a spreadsheet.

mod browser;
mod household;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;
mod table;

use household::{Case, cases};
use support::Server;

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    for Case { name, page, .. } in cases() {
        assert!(page.starts_with("<!DOCTYPE html>"), "{name}");
        for forbidden in
            ["<script", "javascript:", " style=", " onload", "@import", "url(", "<img", "<link", "<iframe", "<object"]
        {
            assert!(!page.contains(forbidden), "{name}: {forbidden}");
        }
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn every_case_says_what_it_has_and_leaves_out_what_it_has_not() {
    for Case { name, page, says, leaves_out, .. } in cases() {
        for text in says {
            assert!(page.contains(text), "{name} does not say {text:?}");
        }
        for text in leaves_out {
            assert!(!page.contains(text), "{name} says {text:?}");
        }
        for never in ["NaN", "inf ", "None", "Some("] {
            assert!(!page.contains(never), "{name} says {never:?}");
        }
    }
}

#[test]
fn headings_are_in_order_and_every_chart_is_described() {
    for Case { name, page, .. } in cases() {
        let levels: Vec<u32> = page
            .match_indices("<h")
            .filter_map(|(at, _)| page[at + 2..].chars().next().and_then(|digit| digit.to_digit(10)))
            .collect();
        assert_eq!(levels.first(), Some(&1), "{name}");
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{name}: {levels:?}");
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{name}");
        let (drawings, described) = (page.matches("<svg").count(), page.matches("</desc>").count());
        assert_eq!((drawings, page.matches("role=\"img\"").count()), (described, described), "{name}");
        for landmark in ["<header>", "<main>", "<footer>", "<html lang=\"en\">"] {
            assert!(page.contains(landmark), "{name}: {landmark}");
        }
    }
}

#[test]
fn over_http_only_its_owner_reads_it_and_nobody_keeps_it() {
    let server = Server::start();
    let anna = server.signed_in("anna@example.com");
    let usage: Vec<String> = (1..=12).map(|m| format!(r#"{{"month":"2025-{m:02}","kwh":900}}"#)).collect();
    let body = format!(r#"{{"usage_data":[{}],"current_plan":{{"current_rate":15}}}}"#, usage.join(","));
    let made = server.post("/api/v1/recommendations/generate", &[("authorization", &anna)], &body);
    assert_eq!(made.status, 200, "{}", made.body);
    let made = made.value();
    let base = format!("/api/v1/recommendations/{}", made["recommendation_id"].as_str().expect("an id"));
    let report = server.get(&format!("{base}/report"), &[("authorization", &anna)]);
    assert_eq!((report.status, report.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(report.body.contains(made["disclaimer"].as_str().expect("a disclaimer")), "{}", report.body);
    let export = server.get(&format!("{base}/export.csv"), &[("authorization", &anna)]);
    assert_eq!((export.status, export.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(export.body.lines().count(), 14, "a header, twelve months, the year");
    for document in [&report, &export] {
        assert_eq!(document.header("cache-control"), Some("private, no-store"));
        assert!(document.header("content-disposition").is_some());
    }
    let policy = report.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe") && policy.ends_with("frame-ancestors 'none'"), "{policy}");

    let ben = server.signed_in("ben@example.com");
    for path in ["report", "export.csv"] {
        server.get(&format!("{base}/{path}"), &[("authorization", &ben)]).problem(404);
        server.get(&format!("{base}/{path}"), &[]).problem(401);
        let unknown = format!("/api/v1/recommendations/019a0000-0000-7000-8000-000000000000/{path}");
        server.get(&unknown, &[("authorization", &anna)]).problem(404);
    }
}

#[test]
fn over_http_the_hours_shown_are_those_held_today_and_a_change_is_noted() {
    let server = Server::start();
    serve_the_demo_market(&server);
    let anna = server.signed_in("anna@example.com");
    let import = |days: std::ops::RangeInclusive<u32>| {
        let hours =
            days.flat_map(|day| (0..24).map(move |hour| format!("2026-05-{day:02}T{hour:02}:00:00-05:00,1.25")));
        let file = format!("start,kwh\n{}\n", hours.collect::<Vec<_>>().join("\n"));
        let headers = [("authorization", anna.as_str()), ("content-type", "text/csv")];
        let reply = server.request("POST", "/api/v1/usage/import?format=interval", &headers, &file);
        assert_eq!(reply.status, 200, "{}", reply.body);
    };
    import(1..=30);
    let asked = r#"{"user_data":{"zip_code":"75001"}}"#;
    let made = server.post("/api/v1/recommendations/generate", &[("authorization", &anna)], asked);
    assert_eq!(made.status, 200, "{}", made.body);
    let path = format!("/api/v1/recommendations/{}/report", made.value()["recommendation_id"].as_str().expect("an id"));
    let page = || server.get(&path, &[("authorization", &anna)]).body;
    let noted = |page: &str| page.contains("which have changed since the recommendation");
    let before = page();
    assert!(before.contains("Usage by hour of the week") && !noted(&before), "{before}");
    import(31..=31);
    let after = page();
    assert!(after.contains("Usage by hour of the week") && noted(&after), "{after}");
    let erased = server.request("DELETE", "/api/v1/usage", &[("authorization", &anna)], "");
    assert_eq!(erased.status, 200, "{}", erased.body);
    assert!(!page().contains("Usage by hour of the week"), "no hours are held any more");
}

/// As the administrator who opens the link a fresh service prints.
fn serve_the_demo_market(server: &Server) {
    let token = server.first_admin_token();
    let (email, password) = ("admin@example.com", "a long test password");
    let account = format!(r#"{{"token":"{token}","email":"{email}","password":"{password}"}}"#);
    let opened = server.post("/api/v1/auth/first-admin", &[], &account);
    assert_eq!(opened.status, 204, "{}", opened.body);
    let account = format!(r#"{{"username":"{email}","password":"{password}"}}"#);
    let signed_in = server.post("/api/v1/auth/login", &[], &account);
    assert_eq!(signed_in.status, 200, "{}", signed_in.body);
    let bearer = format!("Bearer {}", signed_in.value()["access_token"].as_str().expect("a token"));
    let catalog = include_str!("../../assets/demo/catalog.json");
    let imported = server.post("/api/v1/admin/catalog/import", &[("authorization", &bearer)], catalog);
    assert_eq!(imported.status, 200, "{}", imported.body);
}
