//! What watches the service from outside: Prometheus' rules and Grafana's dashboard name only what the binary emits,
//! and each rule fires when it should and stays silent when it should not.

#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;

use rcgen::{CertificateParams, KeyPair};
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use support::Server;
use treebeard::alerts::RULES;

const PATIENCE: Duration = Duration::from_secs(60);

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

const PROMETHEUS_RULES: &str = "packaging/prometheus/treebeard.rules.yml";
const RULE_TESTS: &str = "tests/monitoring/rules.test.yml";
const DASHBOARD: &str = "packaging/grafana/treebeard.json";

/// The page of a service that has all there is to tell of: TLS, a key for the model, a backup, an audit log.
fn page() -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let pair = KeyPair::generate().expect("a key");
    let made = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name").self_signed(&pair);
    std::fs::write(&certificate, made.expect("a certificate").pem()).expect("written");
    std::fs::write(&key, pair.serialize_pem()).expect("written");
    let server = Server::with(&[
        ("TREEBEARD_TLS__CERTIFICATE", certificate.to_str().expect("a path")),
        ("TREEBEARD_TLS__KEY", key.to_str().expect("a path")),
        ("CLAUDE_API_KEY", "sk-ant-nobody"),
    ]);
    let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
    let agent: ureq::Agent =
        ureq::Agent::config_builder().tls_config(tls).proxy(None).http_status_as_error(false).build().into();
    let get = |path: &str| {
        let answer = agent.get(format!("https://{}{path}", server.address)).call();
        answer.expect("it answers").body_mut().read_to_string().expect("a text")
    };
    get("/health/live");
    let until = Instant::now() + PATIENCE;
    // The first backup and the first look at the audit log come a few seconds after the start.
    let awaited =
        ["treebeard_backup_last_success_timestamp_seconds ", "treebeard_audit_chain_ok ", "treebeard_store_up "];
    loop {
        let page = get("/metrics");
        if awaited.iter().all(|series| page.lines().any(|line| line.starts_with(series))) {
            return page;
        }
        assert!(Instant::now() < until, "not all of {awaited:?} in\n{page}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Names and exact label values in PromQL.
fn named(expressions: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let names = Regex::new(r"treebeard_[a-z0-9_]+").expect("a pattern");
    let matchers = Regex::new(r#"[{,]\s*([a-z]+="[^"$]+")"#).expect("a pattern");
    let names = names.find_iter(expressions).map(|found| found.as_str().to_owned()).collect();
    let matchers = matchers.captures_iter(expressions).map(|found| found[1].to_owned());
    (names, matchers.filter(|matcher| !matcher.starts_with("job=")).collect())
}

fn dashboard_expressions() -> String {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).expect("the dashboard is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions: Vec<&str> = targets.filter_map(|target| target["expr"].as_str()).collect();
    assert!(expressions.len() > 40, "the dashboard asks for something");
    let variables = dashboard["templating"]["list"].to_string();
    format!("{}\n{}", expressions.join("\n"), variables.replace("\\\"", "\""))
}

#[test]
fn rules_and_dashboard_name_only_what_the_service_emits() {
    let page = page();
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let emitted: BTreeSet<&str> = samples.filter_map(|line| line.split(['{', ' ']).next()).collect();
    for (what, expressions) in [(PROMETHEUS_RULES, text(PROMETHEUS_RULES)), (DASHBOARD, dashboard_expressions())] {
        let (names, matchers) = named(&expressions);
        let unknown: Vec<_> = names.iter().filter(|name| !emitted.contains(name.as_str())).collect();
        assert!(names.len() > 15 && unknown.is_empty(), "{what} asks for {unknown:?}, which no page has:\n{page}");
        let unknown: Vec<_> = matchers.iter().filter(|matcher| !page.contains(matcher.as_str())).collect();
        assert!(unknown.is_empty(), "{what} asks for {unknown:?}, which no series has:\n{page}");
    }
}

#[test]
fn the_dashboard_has_panels_that_do_not_overlap_and_one_id_each() {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).expect("the dashboard is JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64()), "{}", panel["title"]);
        let place = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        assert!(place("x") + place("w") <= 24, "{}", panel["title"]);
        for row in place("y")..place("y") + place("h") {
            for column in place("x")..place("x") + place("w") {
                assert!(taken.insert((row, column)), "{} lies on another panel", panel["title"]);
            }
        }
    }
}

/// The names after `key` in a YAML file, in their order.
fn listed<'a>(text: &'a str, key: &'a str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key)).map(str::trim).collect()
}

#[test]
fn the_service_s_own_alerts_are_those_of_prometheus() {
    let rules = text(PROMETHEUS_RULES);
    let outside = listed(&rules, "alert:");
    let inside: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    // That it is down, only somebody else can say.
    assert_eq!(outside, [&["ServiceDown"], &inside[..]].concat());
    let severities: Vec<String> =
        RULES.iter().map(|rule| format!("{{ severity: {} }}", rule.severity.as_str())).collect();
    assert_eq!(listed(&rules, "labels:")[1..], severities);
    let docs = text("docs/monitoring.md");
    for name in outside {
        assert!(docs.contains(&format!("`{name}`")), "docs/monitoring.md does not tell of {name}");
    }
}

#[test]
fn every_rule_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent() {
    let (rules, tests) = (text(PROMETHEUS_RULES), text(RULE_TESTS));
    let cases = listed(&tests, "name:");
    for alert in listed(&rules, "alert:") {
        for kind in ["fires", "silent"] {
            assert!(cases.contains(&format!("{alert} {kind}").as_str()), "no test in which {alert} is {kind}");
        }
    }
    let (fires, silent) = (tests.matches("exp_annotations:").count(), tests.matches("exp_alerts: []").count());
    assert_eq!((fires, silent), (cases.len() / 2, cases.len() / 2));
}

#[test]
fn promtool_finds_every_rule_firing_and_silent_as_its_tests_say() {
    let test = "promtool_finds_every_rule_firing_and_silent_as_its_tests_say";
    let (rules, tests, config) =
        (file(PROMETHEUS_RULES), file(RULE_TESTS), file("packaging/prometheus/prometheus.yml"));
    let runs: [(&[&str], &Path); 3] =
        [(&["check", "rules"], &rules), (&["test", "rules"], &tests), (&["check", "config", "--syntax-only"], &config)];
    for (arguments, file) in runs {
        let Ok(output) = Command::new("promtool").args(arguments).arg(file).output() else {
            assert!(std::env::var_os("CI").is_none(), "{test}: promtool is not installed");
            println!("skipped: {test}: promtool is not installed (Debian package prometheus)");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {arguments:?}: {said}");
    }
}
