//! Three nodes behind a real nginx with the shipped site, and one of them killed while they work.

use crate::nginx::Nginx;
use crate::tools::has_or_skip;
use crate::{A_SECOND, Nodes, PATIENCE, on_sale, plan};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const GENERATE: &str = "/api/v1/recommendations/generate";
const COMPARE: &str = "/api/v1/plans/compare";

/// What a client sent, whether nginx may send it to another node, and what came back.
type Sent = (&'static str, bool, u16);

/// Kinds of requests in turn, from one client.
fn client(nginx: &Nginx, number: usize, bearer: &str, enough: &AtomicBool, answered: &AtomicUsize) -> Vec<Sent> {
    let examples: Value = serde_json::from_str(include_str!("../../assets/api/examples.json")).expect("JSON");
    let compare = examples["compare_plans"]["request"].to_string();
    let months = (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 900 }));
    let usage = json!({ "usage_data": months.collect::<Vec<_>>() }).to_string();
    let signed_in = ("authorization", bearer);
    let mut sent = Vec::new();
    for round in 0_usize.. {
        if enough.load(Ordering::SeqCst) {
            break;
        }
        let key = format!("{number}-{round}");
        let keyed = [signed_in, ("idempotency-key", key.as_str())];
        let (what, again, reply) = match round % 4 {
            0 => ("GET catalog", true, nginx.send("GET", "/api/v1/plans/catalog?page_size=5", &[], "")),
            1 => ("GET me", true, nginx.send("GET", crate::ME, &[signed_in], "")),
            2 => ("POST generate with a key", true, nginx.send("POST", GENERATE, &keyed, &usage)),
            _ => ("POST compare without a key", false, nginx.send("POST", COMPARE, &[signed_in], &compare)),
        };
        sent.push((what, again, reply.status));
        answered.fetch_add(1, Ordering::SeqCst);
    }
    sent
}

#[test]
fn a_node_killed_under_load_costs_no_request_that_may_be_sent_again() {
    let name = "a node killed behind nginx";
    if !has_or_skip(name, "nginx") {
        return;
    }
    let settings = [("TREEBEARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")];
    let Some(mut nodes) = Nodes::with(name, &settings) else { return };
    let nginx = Nginx::before(&nodes.addresses(), &[]);
    let anna = nodes.servers[0].signed_in("anna@example.com");

    let (enough, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wait_for = |more: usize| {
        let (begun, before) = (Instant::now(), answered.load(Ordering::SeqCst));
        while answered.load(Ordering::SeqCst) < before + more {
            assert!(begun.elapsed() < PATIENCE, "nobody is answered");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let killed = nodes.servers.remove(2);
    let dead = killed.address;
    let sent: Vec<Sent> = thread::scope(|scope| {
        let (nginx, anna, enough, answered) = (&nginx, &anna, &enough, &answered);
        let clients: Vec<_> = (0..8).map(|n| scope.spawn(move || client(nginx, n, anna, enough, answered))).collect();
        wait_for(60);
        // kill -9, without a word to anybody.
        drop(killed);
        wait_for(240);
        enough.store(true, Ordering::SeqCst);
        clients.into_iter().flat_map(|client| client.join().expect("it ends")).collect()
    });
    let mut counted: BTreeMap<(&str, bool, u16), usize> = BTreeMap::new();
    for one in sent {
        *counted.entry(one).or_default() += 1;
    }
    for ((what, _, status), count) in &counted {
        println!("{what}: {count} answered {status}");
    }
    for (what, again, status) in counted.keys() {
        let in_time = if *again { *status == 200 } else { [200, 502].contains(status) };
        assert!(in_time, "{what} was answered {status}: {counted:?}");
    }
    assert!(nginx.asked().contains(&dead.to_string()), "it had work, too");
    let again = nginx.sent_again();
    println!("{again} requests were sent to a second node");
    assert!(again > 0, "nobody felt its death");

    // Whoever is left sells what is on sale now.
    let added = nodes.admin(0, "POST", "/plans", &plan("Quokka"));
    assert_eq!(added.status, 201, "{}", added.body);
    thread::sleep(A_SECOND);
    for _ in 0..20 {
        let reply = nginx.send("GET", "/api/v1/plans/catalog?q=Quokka", &[], "");
        assert_eq!((reply.status, on_sale(&reply)), (200, 1), "{}", reply.body);
    }
}
