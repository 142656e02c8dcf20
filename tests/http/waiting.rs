//! PostgreSQL that keeps its callers waiting: a statement that takes too long, and no connection that is free.

use crate::postgres::Cluster;
use crate::support::Server;
use postgres::{Client, NoTls};
use std::time::{Duration, Instant};

const HISTORY: &str = "/api/v1/usage/history";
/// The server cancels after three seconds; the rest is for slow machines.
const SOON: Duration = Duration::from_secs(20);

/// A problem that says nothing of the database's inside.
#[track_caller]
fn refused(server: &Server, bearer: &str) {
    let began = Instant::now();
    let reply = server.get(HISTORY, &[("authorization", bearer)]);
    reply.problem(503);
    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
    let told = reply.body.to_lowercase();
    for word in ["statement", "cancel", "postgres", "timeout", "session", "57014"] {
        assert!(!told.contains(word), "{word}: {}", reply.body);
    }
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

#[test]
fn a_statement_that_takes_too_long_is_a_503_without_the_drivers_words() {
    let name = "a_statement_that_takes_too_long_is_a_503_without_the_drivers_words";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("slow");
    let server = Server::with(&[("DATABASE_URL", &url), ("TREEBEARD_DATABASE__STATEMENT_TIMEOUT_SECONDS", "3")]);
    let bearer = server.signed_in("anna@example.com");
    let mut other = Client::connect(&url, NoTls).expect("it connects");
    let mut lock = other.transaction().expect("it begins");
    lock.batch_execute("LOCK TABLE usage_history IN ACCESS EXCLUSIVE MODE").expect("locked");
    refused(&server, &bearer);
    server.logged("57014");
    lock.rollback().expect("freed");
    assert_eq!(server.get(HISTORY, &[("authorization", &bearer)]).status, 200);
}

#[test]
fn when_every_connection_is_in_use_the_next_caller_gets_503_and_those_before_their_answers() {
    let name = "when_every_connection_is_in_use_the_next_caller_gets_503_and_those_before_their_answers";
    let Some(cluster) = Cluster::start_or_skip(name) else { return };
    let url = cluster.database("crowded");
    let server = Server::with(&[
        ("DATABASE_URL", &url),
        ("DATABASE_POOL_SIZE", "2"),
        ("TREEBEARD_DATABASE__POOL_TIMEOUT_SECONDS", "1"),
        ("TREEBEARD_DATABASE__STATEMENT_TIMEOUT_SECONDS", "3600"),
        ("TREEBEARD_SERVER__REQUEST_TIMEOUT_SECONDS", "60"),
    ]);
    let bearer = server.signed_in("anna@example.com");
    let mut other = Client::connect(&url, NoTls).expect("it connects");
    let mut watch = Client::connect(&url, NoTls).expect("it connects");
    let mut lock = other.transaction().expect("it begins");
    lock.batch_execute("LOCK TABLE usage_history IN ACCESS EXCLUSIVE MODE").expect("locked");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'crowded' AND wait_event_type = 'Lock'";
    std::thread::scope(|scope| {
        let ask = || server.get(HISTORY, &[("authorization", &bearer)]);
        let before: Vec<_> = (0..2).map(|_| scope.spawn(ask)).collect();
        let end = Instant::now() + Duration::from_secs(60);
        while watch.query_one(waiting, &[]).expect("a count").get::<_, i64>(0) < 2 {
            assert!(Instant::now() < end, "both connections are in use");
            std::thread::sleep(Duration::from_millis(20));
        }
        refused(&server, &bearer);
        server.logged("no session was free for 1 s");
        lock.rollback().expect("freed");
        let answers: Vec<u16> = before.into_iter().map(|asked| asked.join().expect("no panic").status).collect();
        assert_eq!(answers, [200, 200]);
    });
    assert_eq!(server.get(HISTORY, &[("authorization", &bearer)]).status, 200);
}
