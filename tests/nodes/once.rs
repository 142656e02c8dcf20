//! What is to happen once among nodes does: requests under a key, the renewal of a token, jobs.

use crate::nginx::Nginx;
use crate::tools::has_or_skip;
use crate::{Nodes, time_until};
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

const GENERATE: &str = "/api/v1/recommendations/generate";
const LIST: &str = "/api/v1/recommendations";

fn usage() -> String {
    let months = (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 900 }));
    json!({ "usage_data": months.collect::<Vec<_>>() }).to_string()
}

fn total(nodes: &Nodes, bearer: &str) -> Value {
    nodes.servers[0].get(LIST, &[("authorization", bearer)]).value()["total"].clone()
}

fn generate(nodes: &Nodes, node: usize, bearer: &str, key: &str) -> crate::support::Reply {
    nodes.servers[node].post(GENERATE, &[("authorization", bearer), ("idempotency-key", key)], &usage())
}

#[test]
fn the_same_key_sent_to_every_node_at_once_takes_effect_once() {
    let Some(nodes) = Nodes::start_or_skip("one key on three nodes") else { return };
    let anna = nodes.servers[0].signed_in("anna@example.com");
    let rounds = 10;
    let mut waited = 0;
    for round in 0..rounds {
        let key = format!("round-{round}");
        let replies: Vec<_> = thread::scope(|scope| {
            let sent: Vec<_> = (0..3)
                .map(|node| {
                    scope.spawn({
                        let (nodes, anna, key) = (&nodes, &anna, &key);
                        move || generate(nodes, node, anna, key)
                    })
                })
                .collect();
            sent.into_iter().map(|reply| reply.join().expect("an answer")).collect()
        });
        let answer = generate(&nodes, 0, &anna, &key);
        assert_eq!(answer.status, 200, "{}", answer.body);
        for reply in replies {
            match reply.status {
                200 => assert_eq!(reply.body, answer.body, "one answer"),
                _ => {
                    waited += 1;
                    drop(reply.problem(409));
                }
            }
        }
    }
    println!("{rounds} keys sent to 3 nodes at once: {waited} requests were told to come again");
    assert_eq!(total(&nodes, &anna), rounds);
}

#[test]
fn a_refresh_token_presented_to_several_nodes_has_one_successor() {
    let Some(nodes) = Nodes::start_or_skip("one refresh token on three nodes") else { return };
    let mut spent = nodes.servers[0].register("anna@example.com")["refresh_token"].clone();
    for _ in 0..5 {
        let body = json!({ "refresh_token": spent }).to_string();
        let successors: Vec<Value> = thread::scope(|scope| {
            let sent: Vec<_> = nodes
                .servers
                .iter()
                .map(|server| scope.spawn(|| server.post("/api/v1/auth/refresh", &[], &body)))
                .collect();
            sent.into_iter()
                .map(|reply| {
                    let reply = reply.join().expect("an answer");
                    assert_eq!(reply.status, 200, "{}", reply.body);
                    reply.value()["refresh_token"].clone()
                })
                .collect()
        });
        assert!(successors.iter().all(|one| *one == successors[0] && *one != spent), "one successor");
        spent = successors[0].clone();
    }
}

/// A node dies with a request half done. Whoever sends it again is answered by another node at once, and not when the
/// claim of the dead one lapses, a minute later.
#[test]
fn a_request_of_a_node_that_died_is_done_by_another_and_once() {
    let Some(mut nodes) = Nodes::start_or_skip("a key of a node that died") else { return };
    nodes.all_hear();
    let anna = nodes.servers[0].signed_in("anna@example.com");
    let mut held = nodes.database();
    let mut held = held.transaction().expect("a transaction");
    held.batch_execute("LOCK TABLE recommendations IN ACCESS EXCLUSIVE MODE").expect("nobody else has it");
    let mut looking = nodes.database();
    let mut claimed_by = || -> Option<i64> {
        let rows = looking.query("SELECT claimed_by FROM idempotency_keys WHERE status IS NULL", &[]);
        rows.expect("the cluster runs").first().and_then(|row| row.get(0))
    };
    // The answer of this one never comes: its node waits for the table, and dies.
    let dying = nodes.servers.remove(2);
    let mut stream = dying.connect();
    let body = usage();
    let request = format!(
        "POST {GENERATE} HTTP/1.1\r\nhost: x\r\nauthorization: {anna}\r\nidempotency-key: half-done\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::io::Write::write_all(&mut stream, request.as_bytes()).expect("it is heard");
    time_until("the key is claimed", || claimed_by().is_some());
    let first = claimed_by();
    let alive = generate(&nodes, 0, &anna, "half-done").problem(409);
    assert!(alive["message"].as_str().is_some_and(|text| text.contains("still being worked on")), "{alive}");
    drop(dying);
    let answer = thread::scope(|scope| {
        let sent = scope.spawn(|| generate(&nodes, 1, &anna, "half-done"));
        let taken = time_until("another node has the key", || claimed_by().is_some_and(|node| Some(node) != first));
        println!("the key of a node that died was taken over after {taken:?}");
        held.rollback().expect("let go");
        sent.join().expect("an answer")
    });
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(generate(&nodes, 0, &anna, "half-done").body, answer.body);
    assert_eq!(total(&nodes, &anna), 1);
}

/// The same, and it is nginx that sends the request again: whoever asked notices nothing.
#[test]
fn nginx_sends_a_request_under_a_key_to_another_node_when_its_own_dies() {
    let name = "a key behind nginx";
    if !has_or_skip(name, "nginx") {
        return;
    }
    let Some(mut nodes) = Nodes::start_or_skip(name) else { return };
    nodes.all_hear();
    let anna = nodes.servers[0].signed_in("anna@example.com");
    let nginx = Nginx::before(&nodes.addresses(), &[]);
    let mut held = nodes.database();
    let mut held = held.transaction().expect("a transaction");
    held.batch_execute("LOCK TABLE recommendations IN ACCESS EXCLUSIVE MODE").expect("nobody else has it");
    let mut looking = nodes.database();
    let claimed = "SELECT count(*) FROM idempotency_keys WHERE status IS NULL";
    let dying = nodes.servers.remove(0);
    // So many that each node works on some.
    let keys: Vec<String> = (0..6).map(|n| format!("by-nginx-{n}")).collect();
    let ask = |key: &str| {
        nginx.send("POST", GENERATE, &[("authorization", anna.as_str()), ("idempotency-key", key)], &usage())
    };
    let answers: Vec<_> = thread::scope(|scope| {
        let sent: Vec<_> = keys.iter().map(|key| scope.spawn(|| ask(key))).collect();
        time_until("the keys are claimed", || looking.query_one(claimed, &[]).expect("a count").get::<_, i64>(0) == 6);
        drop(dying);
        held.rollback().expect("let go");
        sent.into_iter().map(|one| one.join().expect("an answer")).collect()
    });
    assert!(nginx.sent_again() > 0, "the node that died had some");
    for (key, answer) in keys.iter().zip(answers) {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(generate(&nodes, 0, &anna, key).body, answer.body);
    }
    assert_eq!(total(&nodes, &anna), 6);
}

#[test]
fn jobs_run_on_one_node_and_on_another_when_that_one_dies() {
    let Some(mut nodes) = Nodes::start_or_skip("jobs among nodes") else { return };
    time_until("one node leads", || nodes.leaders().len() == 1);
    let jobs = |nodes: &Nodes, node: usize| -> Vec<String> {
        let listed = nodes.admin(node, "GET", "/jobs", "").value();
        let listed = listed.as_array().cloned().unwrap_or_default();
        listed.iter().filter_map(|job| Some(job["name"].as_str()?.to_owned())).collect()
    };
    let ran = |nodes: &Nodes, job: &str| -> Vec<usize> {
        (0..nodes.servers.len()).filter(|node| jobs(nodes, *node).iter().any(|ran| ran == job)).collect()
    };
    let leader = nodes.leaders();
    time_until("the leader looked after the database", || ran(&nodes, "maintenance") == leader);
    time_until("the leader checked the log", || ran(&nodes, "audit_check") == leader);
    // The others had their turn, too: they start when the leader does, and wait as long.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(3) {
        assert_eq!(
            (nodes.leaders(), ran(&nodes, "maintenance"), ran(&nodes, "audit_check")),
            (leader.clone(), leader.clone(), leader.clone())
        );
        thread::sleep(Duration::from_millis(200));
    }
    let runs = "SELECT count(*) FROM audit_logs WHERE event = 'sys_maintenance_run'";
    let runs: i64 = nodes.database().query_one(runs, &[]).expect("the log").get(0);
    assert_eq!(runs, 1, "once among three nodes");
    let tells = |nodes: &Nodes, node: usize| nodes.figure(node, "treebeard_audit_chain_ok") > 0.0;
    assert_eq!((0..3).filter(|node| tells(&nodes, *node)).collect::<Vec<_>>(), leader, "one tells how the log is");

    drop(nodes.servers.remove(leader[0]));
    let taken = time_until("another one leads", || nodes.leaders().len() == 1);
    println!("another node led {taken:?} after the first one had died");
    let leader = nodes.leaders();
    time_until("it checks the log", || ran(&nodes, "audit_check") == leader);
}
