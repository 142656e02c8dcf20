//! Swagger UI and ReDoc in a real browser that reaches nothing but the service.

use crate::{Market, is_installed, run};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const BROWSER: &str = "/usr/bin/chromium";

#[test]
fn the_reference_pages_show_every_operation_and_ask_no_other_host() {
    let test = "the_reference_pages_show_every_operation_and_ask_no_other_host";
    if !is_installed(test, &[Path::new(BROWSER)]) {
        return;
    }
    let market = Market::open();
    let document = market.server.get("/openapi.json", &[]).value();
    let summaries: Vec<String> = operations(&document).map(|meta| text(&meta["summary"])).collect();
    assert!(summaries.len() >= 30);
    for page in ["/docs", "/redoc"] {
        let seen = Seen::of(&market, page);
        for summary in &summaries {
            assert!(seen.page.contains(summary.as_str()), "{page} does not show: {summary}");
        }
        let elsewhere: Vec<&String> = seen.addresses.iter().filter(|url| !url.starts_with(&market.url())).collect();
        assert!(elsewhere.is_empty(), "{page} asks elsewhere: {elsewhere:?}");
        assert!(!seen.addresses.is_empty(), "{page}: the network log tells what was asked");
    }
}

/// What the browser shows, and all it asked for.
struct Seen {
    page: String,
    addresses: Vec<String>,
}

impl Seen {
    fn of(market: &Market, page: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("network.json");
        let page = run(Command::new(BROWSER)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-extensions", "--disable-dev-shm-usage", "--virtual-time-budget=60000", "--dump-dom"])
            .arg("--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--log-net-log={}", log.display()))
            .arg(format!("{}{page}", market.url())));
        let log = std::fs::read_to_string(log).expect("a network log");
        // The document stands in a script of the page: what is shown is the rest.
        Seen { page: without(&without(&page, "script"), "style"), addresses: requested(&log) }
    }
}

/// `html` without the elements called `name`.
fn without(html: &str, name: &str) -> String {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut parts = html.split(&open);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once(&close).map_or("", |(_, rest)| rest))
}

/// The addresses of the requests a page made: those with an initiator or of a navigation. What the browser asks for
/// itself has neither.
fn requested(log: &str) -> Vec<String> {
    let log: Value = serde_json::from_str(log).unwrap_or_else(|_| {
        // The browser may end before it has closed the list.
        serde_json::from_str(&format!("{}]}}", log.trim_end().trim_end_matches(','))).expect("a network log")
    });
    let events = log["events"].as_array().expect("events");
    let urls = events.iter().filter_map(|event| {
        let parameters = &event["params"];
        let is_of_page = parameters["initiator"].as_str().is_some_and(|from| from != "not an origin");
        parameters["url"].as_str().filter(|_| is_of_page)
    });
    let mut urls: Vec<String> = urls.filter(|url| url.starts_with("http")).map(str::to_owned).collect();
    urls.sort();
    urls.dedup();
    urls
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    paths.flat_map(|path| path.as_object().into_iter().flat_map(|methods| methods.values()))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
