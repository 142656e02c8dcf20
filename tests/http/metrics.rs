//! What an operator sees: the metrics page.

use crate::claude::Claude;
use crate::market::{Market, catalog};
use crate::support::{Reply, Server};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
    for _ in 0..2 {
        server.get(&format!("/api/v1/suppliers/{id}"), &[]).problem(404);
    }
    server.get("/private-address", &[]).problem(404);
    let page = server.get("/metrics", &[("accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")]);
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
        ("treebeard_store_batch_size_count", 1.0),
        ("treebeard_store_batch_size_sum", 1.0),
        ("treebeard_store_batch_size_bucket{le=\"+Inf\"}", 1.0),
        ("treebeard_store_pool_connections{state=\"idle\"}", 1.0),
        ("treebeard_store_pool_connections{state=\"busy\"}", 0.0),
        ("treebeard_password_hash_waiting", 0.0),
        ("treebeard_password_hashes_total", 1.0),
        ("treebeard_password_hash_seconds_total", 1e-6),
        ("treebeard_password_hash_refusals_total", 0.0),
        ("treebeard_password_hash_permits_free", 1.0),
        ("treebeard_process_resident_memory_bytes", 1e6),
        ("treebeard_process_open_fds", 5.0),
        ("treebeard_process_cpu_seconds_total", 0.0),
        ("treebeard_process_start_time_seconds", 1.7e9),
        ("treebeard_process_memory_limit_bytes", 1e7),
        ("treebeard_process_cpus", 1.0),
        ("treebeard_disk_free_bytes", 1.0),
        ("treebeard_disk_size_bytes", 1e6),
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

/// The figures of the model, over a stand-in for it.
#[test]
fn calls_of_the_model_are_counted_by_outcome() {
    let claude = Claude::good();
    let model = [
        ("CLAUDE_API_KEY", "sk-ant-nobody"),
        ("TREEBEARD_EXPLANATIONS__BASE_URL", claude.url.as_str()),
        ("TREEBEARD_EXPLANATIONS__DEADLINE_MILLISECONDS", "25000"),
    ];
    let market = Market::with(catalog(), &model);
    let bearer = market.server.signed_in("worded@example.org");
    let request = include_str!("../../assets/examples/test_request.json");
    assert_eq!(market.post(&bearer, "/api/v1/recommendations/generate", request).status, 200);
    let page = market.server.get("/metrics", &[]);
    let count = |series: &str| sample(&page, series).parse::<f64>().expect("a number");
    let outcomes = ["worded", "cached", "template"]
        .map(|outcome| count(&format!("treebeard_explanations_total{{outcome=\"{outcome}\"}}")));
    assert_eq!(format!("{outcomes:?}"), "[3.0, 0.0, 0.0]", "one each for three plans");
    assert_eq!(sample(&page, "treebeard_explanation_calls_total{outcome=\"answered\"}"), "3");
    assert!(count("treebeard_explanation_calls_left") > 0.0);
    assert_eq!(sample(&page, "treebeard_explanation_breaker{state=\"closed\"}"), "1");
    assert!(!Server::start().get("/metrics", &[]).body.contains("explanation"), "no model, no figures of it");
}

/// Prometheus' own linter: names, units, help, types.
#[test]
fn promtool_finds_nothing_to_complain_of() {
    let name = "promtool_finds_nothing_to_complain_of";
    let server = Server::with(&[("CLAUDE_API_KEY", "sk-ant-nobody")]);
    server.register("lint@example.org");
    let page = server.get("/metrics", &[]);
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let promtool =
        Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut promtool) = promtool else {
        assert!(std::env::var_os("CI").is_none(), "{name}: promtool is not installed");
        println!("skipped: {name}: promtool is not installed (Debian package prometheus)");
        return;
    };
    promtool.stdin.take().expect("a pipe").write_all(page.body.as_bytes()).expect("it reads");
    let output = promtool.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The first line of the log for which `is_it` holds; the log may come later than the answer.
#[track_caller]
pub fn line(server: &Server, is_it: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let log = server.log();
        let mut lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(found) = lines.find(&is_it) {
            return found;
        }
        assert!(Instant::now() < until, "no such line in\n{log}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn slow_requests_and_slow_queries_are_told_without_what_was_in_them() {
    let all =
        [("TREEBEARD_LOGGING__SLOW_REQUEST_MILLISECONDS", "0"), ("TREEBEARD_LOGGING__SLOW_QUERY_MILLISECONDS", "0")];
    let server = Server::with(&all);
    let body = r#"{"email":"slow@example.org","password":"test123","name":"Slow Person","zip_code":"78701"}"#;
    let reply = server.post("/api/v1/auth/register", &[("x-request-id", "slow-1")], body);
    assert_eq!(reply.status, 201, "{}", reply.body);
    let told = line(&server, |line| line["message"] == "answered" && line["route"] == "/api/v1/auth/register");
    assert_eq!((&told["slow"], &told["level"], &told["status"]), (&json!(true), &json!("WARN"), &json!(201)));
    let is_insert = |line: &Value| line["sql"].as_str().is_some_and(|sql| sql.starts_with("INSERT INTO users"));
    let insert = line(&server, |line| line["message"] == "slow query" && is_insert(line));
    assert!(insert["sql"].as_str().is_some_and(|sql| sql.contains("$1")), "{insert}");
    assert!(insert["milliseconds"].is_number(), "{insert}");
    assert_eq!(insert["spans"][0]["request_id"], "slow-1", "the line belongs to its request");
    for private in ["slow@example.org", "Slow Person", "test123", "78701", "argon2"] {
        assert!(!server.log().contains(private), "{private} is in the log");
    }

    let calm = Server::with(&[
        ("TREEBEARD_LOGGING__SLOW_REQUEST_MILLISECONDS", "3600000"),
        ("TREEBEARD_LOGGING__SLOW_QUERY_MILLISECONDS", "3600000"),
    ]);
    calm.register("calm@example.org");
    line(&calm, |line| line["message"] == "answered" && line["level"] == "INFO");
    assert!(!calm.log().contains("slow"), "{}", calm.log());
}
