//! Alerts without Prometheus: tried out by command, and posted by a service whose audit log somebody changed.

use crate::postgres_cluster::Cluster;
use crate::run::Place;
use crate::serve::Service;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const KEY: &str = "a-key-for-the-alerts-8d60534f";
const PATH: &str = "/hooks/planted-alert-secret-1c9a7e";

/// One alert as it came.
struct Posted {
    headers: Vec<(String, String)>,
    body: String,
}

impl Posted {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn value(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether it is signed with our key.
    fn is_signed(&self) -> bool {
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("any length will do");
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        mac.update(signed.as_bytes());
        self.header("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// A webhook that answers with these statuses, one after the other, and then with 204.
struct Webhook {
    url: String,
    posted: Receiver<Posted>,
}

impl Webhook {
    fn answering(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}{PATH}", listener.local_addr().expect("an address"));
        let (sender, posted) = channel();
        std::thread::spawn(move || {
            let mut statuses = statuses.iter().copied();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                let lines: Vec<String> =
                    reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let headers: Vec<(String, String)> = lines
                    .iter()
                    .filter_map(|line| line.split_once(": "))
                    .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                    .collect();
                let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|h| h.1.parse().ok());
                let mut body = vec![0; length.unwrap_or(0)];
                reader.read_exact(&mut body).expect("a body");
                let status = statuses.next().unwrap_or(204);
                let answer = format!("HTTP/1.1 {status} .\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _may_be_gone = stream.write_all(answer.as_bytes());
                // The test may have ended.
                let _nobody_waits = sender.send(Posted { headers, body: String::from_utf8(body).expect("UTF-8") });
            }
        });
        Webhook { url, posted }
    }

    #[track_caller]
    fn next(&self) -> Posted {
        self.posted.recv_timeout(Duration::from_secs(60)).expect("an alert is posted")
    }

    fn place(&self) -> Place {
        Place::new().with("TREEBEARD_ALERTS__WEBHOOK_URL", &self.url).with("TREEBEARD_ALERTS__WEBHOOK_KEY", KEY)
    }
}

#[test]
fn a_trial_alert_is_posted_signed_and_its_fate_is_told() {
    let webhook = Webhook::answering(&[]);
    let outcome = webhook.place().run(&["alerts", "test"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let posted = webhook.next();
    let body = posted.value();
    assert!(posted.is_signed(), "{:?}", posted.headers);
    assert_eq!((&body["status"], &body["alert"]), (&json!("test"), &json!("Test")));
    assert!(body["text"].as_str().is_some_and(|text| text.starts_with("[test] Test (warning) at ")), "{body}");
    assert!(!outcome.stdout.contains("planted"), "{}", outcome.stdout);

    let refusing = Webhook::answering(&[404]);
    refusing.place().run(&["alerts", "test"]).refused(1, &["refuses it with 404"]);
    let place = Place::new().with("TREEBEARD_ALERTS__WEBHOOK_URL", &format!("http://127.0.0.1:1{PATH}"));
    let nobody = place.run(&["alerts", "test"]);
    nobody.refused(1, &["cannot be reached"]);
    assert!(!nobody.stderr.contains("planted"), "{}", nobody.stderr);
    let shown = place.run(&["config", "show"]);
    assert!(shown.stdout.contains("alerts.webhook_url") && !shown.stdout.contains("planted"), "{}", shown.stdout);
    Place::new().run(&["alerts", "test"]).refused(2, &["alerts.webhook_url is not set"]);
}

#[test]
fn alerts_leave_the_machine_encrypted_or_not_at_all() {
    let place = Place::new().with("TREEBEARD_ALERTS__WEBHOOK_URL", "http://alerts.example.org/planted");
    let refused = place.run(&["alerts", "test"]);
    refused.refused(2, &["alerts.webhook_url", "https://"]);
    assert!(!refused.stderr.contains("planted"), "{}", refused.stderr);
    let place = Place::new().with("TREEBEARD_ALERTS__WEBHOOK_KEY", KEY);
    place.run(&["alerts", "test"]).refused(2, &["alerts.webhook_url, which is not given"]);
}

#[test]
fn the_list_tells_every_rule() {
    let place = Place::new();
    let listed = place.run(&["alerts", "list", "--json"]).json();
    let names: Vec<&str> = treebeard::alerts::RULES.iter().map(|rule| rule.name).collect();
    let found: Vec<&str> =
        listed.as_array().expect("a list").iter().filter_map(|rule| rule["alert"].as_str()).collect();
    assert_eq!(found, names);
    let table = place.run(&["alerts", "list"]).stdout;
    assert!(names.iter().all(|name| table.contains(name)) && table.contains("over 2.0 %"), "{table}");
}

/// A real fault: rows of the log are not what they were.
#[test]
fn a_running_service_posts_what_fires_until_it_is_taken() {
    let webhook = Webhook::answering(&[503]);
    let place = webhook.place().with("TREEBEARD_ALERTS__EVERY_SECONDS", "1").with("LOG_LEVEL", "trace");
    for email in ["ada@example.org", "ben@example.org", "cleo@example.org"] {
        crate::admin::create(&place, email);
    }
    crate::audit::change(&place, &["UPDATE audit_logs SET event = 'nothing' WHERE seq = 2"]);
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    let (first, second) = (webhook.next(), webhook.next());
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"), "the same again, as it was not taken");
    assert!(first.is_signed() && second.is_signed());
    let body = second.value();
    assert_eq!(
        (&body["alert"], &body["status"], &body["severity"]),
        (&json!("AuditChainBroken"), &json!("firing"), &json!("critical"))
    );
    assert_eq!((&body["limit"], &body["type"]), (&json!("should be yes"), &json!("alert")));
    assert!(body["remedy"].as_str().is_some_and(|remedy| remedy.contains("treebeard audit verify")), "{body}");
    let log = service.log();
    assert!(log.contains("AuditChainBroken") && !log.contains("planted") && !log.contains(KEY), "{log}");
    assert!(service.get("/metrics").contains("\ntreebeard_audit_chain_ok 0\n"), "the metric says so, too");
    assert_eq!(service.stop(), Some(0));
}

/// A real fault once more: the database goes, and comes back.
#[test]
fn a_database_that_goes_is_told_within_a_minute_and_so_is_its_return() {
    let Some(cluster) = Cluster::start_or_skip("a_database_that_goes_is_told_within_a_minute_and_so_is_its_return")
    else {
        return;
    };
    let webhook = Webhook::answering(&[]);
    let database = cluster.database("alerts");
    let place = webhook.place().with("TREEBEARD_ALERTS__EVERY_SECONDS", "1").with("DATABASE_URL", &database);
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    assert!(service.get("/health/ready").starts_with("HTTP/1.1 200"));
    let told = |status: &str| {
        loop {
            // Waits for a minute at most.
            let body = webhook.next().value();
            if body["alert"] == "StoreDown" {
                assert_eq!(body["status"], status, "{body}");
                return;
            }
        }
    };
    cluster.stop().expect("the database goes");
    told("firing");
    cluster.launch().expect("it comes back");
    told("resolved");
}
