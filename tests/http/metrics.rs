//! What an operator sees: the metrics page.

use crate::support::{Reply, Server};

/// The value of the one sample that begins with `series`.
#[track_caller]
fn sample<'a>(page: &'a Reply, series: &str) -> &'a str {
    let found = page.body.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no {series} in\n{}", page.body))
}

#[test]
fn a_request_moves_its_counter_and_its_histogram() {
    let server = Server::start();
    let id = "00000000-0000-0000-0000-000000000007";
    for path in [format!("/api/v1/suppliers/{id}"), format!("/api/v1/suppliers/{id}?q=private")] {
        server.get(&path, &[]).problem(404);
    }
    server.get("/private-address", &[]).problem(404);
    let page = server.get("/metrics", &[]);
    assert_eq!(page.status, 200);
    let text = page.header("content-type").unwrap_or_default();
    assert_eq!(text, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let labels = "{method=\"GET\",route=\"/api/v1/suppliers/{supplier_id}\",status=\"404\"}";
    assert_eq!(sample(&page, &format!("treebeard_http_requests_total{labels}")), "2");
    assert_eq!(sample(&page, &format!("treebeard_http_request_duration_seconds_count{labels}")), "2");
    let nowhere = "{method=\"GET\",route=\"none\",status=\"404\"}";
    assert_eq!(sample(&page, &format!("treebeard_http_requests_total{nowhere}")), "1");
    assert!(!page.body.contains("private") && !page.body.contains(id), "{}", page.body);
    assert!(page.body.ends_with("# EOF\n"));
}

#[test]
fn the_page_has_every_figure_under_our_name_and_in_base_units() {
    let server = Server::start();
    server.register("figures@example.org");
    for _ in 0..2 {
        assert_eq!(server.get("/api/v1/suppliers", &[]).status, 200);
    }
    let page = server.get("/metrics", &[]);
    for (series, least) in [
        ("treebeard_cache_hits_total{cache=\"catalog\"}", 1.0),
        ("treebeard_cache_misses_total{cache=\"catalog\"}", 1.0),
        ("treebeard_cache_entries{cache=\"catalog\"}", 0.0),
        ("treebeard_cache_bytes{cache=\"catalog\"}", 0.0),
        ("treebeard_rate_limit_refusals_total{limit=\"ip\"}", 0.0),
        ("treebeard_rate_limit_refusals_total{limit=\"generate\"}", 0.0),
        ("treebeard_rate_limit_keys{limit=\"user\"}", 0.0),
        ("treebeard_store_waiting{kind=\"write\"}", 0.0),
        ("treebeard_store_writes_total{outcome=\"kept\"}", 1.0),
        ("treebeard_store_commits_total", 1.0),
        ("treebeard_store_largest_batch", 1.0),
        ("treebeard_store_pool_connections", 8.0),
        ("treebeard_password_hashes_total", 1.0),
        ("treebeard_password_hash_seconds_total", 1e-6),
        ("treebeard_password_hash_refusals_total", 0.0),
        ("treebeard_password_hash_permits_free", 1.0),
        ("treebeard_process_resident_memory_bytes", 1e6),
        ("treebeard_process_open_fds", 5.0),
        ("treebeard_process_cpu_seconds_total", 0.0),
        ("treebeard_process_start_time_seconds", 1.7e9),
    ] {
        let value: f64 = sample(&page, series).parse().expect("a number");
        assert!(value >= least, "{series} {value}");
    }
    assert!(page.body.contains("treebeard_build_info{version=\""), "{}", page.body);
    for line in page.body.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("treebeard_"), "{line}");
    }
}

#[test]
fn a_refusal_is_counted_under_its_limit() {
    let server = Server::with(&[("TREEBEARD_LIMITS__EXEMPT_NETWORKS", ""), ("RATE_LIMIT_PER_IP", "1/hour")]);
    assert_eq!(server.get("/api/v1/suppliers", &[]).status, 200);
    server.get("/api/v1/suppliers", &[]).problem(429);
    let page = server.get("/metrics", &[]);
    assert_eq!(sample(&page, "treebeard_rate_limit_refusals_total{limit=\"ip\"}"), "1");
}

#[test]
fn with_a_token_only_its_holder_reads_the_metrics() {
    let server = Server::with(&[("TREEBEARD_METRICS__TOKEN", "a-token-for-the-scraper")]);
    for wrong in [&[][..], &[("authorization", "Bearer another")], &[("authorization", "a-token-for-the-scraper")]] {
        server.get("/metrics", wrong).problem(401);
    }
    assert_eq!(server.get("/metrics", &[("authorization", "Bearer a-token-for-the-scraper")]).status, 200);
}
