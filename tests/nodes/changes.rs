//! What one node changes is so on the others within a second: told by the database, and looked for when nothing is heard.

use crate::{A_SECOND, Nodes, on_sale, plan, time_until};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const OTHERS: [usize; 2] = [1, 2];

/// Times of one kind of change, the longest of which counts.
struct Times(&'static str, Vec<Duration>);

impl Times {
    /// Prints them, and holds the longest to `bound`.
    #[track_caller]
    fn within(self, bound: Duration) {
        let longest = self.1.iter().max().copied().unwrap_or_default();
        println!("{}: {longest:?} at most, of {} times", self.0, self.1.len());
        assert!(longest <= bound, "{}: {:?}", self.0, self.1);
    }
}

/// A user who was seen by every node.
fn known_everywhere(nodes: &Nodes, email: &str) -> Value {
    let tokens = nodes.servers[0].register(email);
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    for node in 0..3 {
        assert_eq!(nodes.standing(node, &bearer), 200);
    }
    json!({ "bearer": bearer, "refresh": tokens["refresh_token"] })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text")
}

/// How long the others let in a token that was ended on the first node just now.
#[track_caller]
fn until_refused(nodes: &Nodes, bearer: &str, status: u16) -> Vec<Duration> {
    let refused = |node: usize| time_until("a token ends", || nodes.standing(node, bearer) == status);
    OTHERS.map(refused).to_vec()
}

fn change_password(nodes: &Nodes, bearer: &str) {
    let body = json!({ "current_password": "test123", "new_password": "better456" }).to_string();
    let changed = nodes.servers[0].post("/api/v1/auth/password", &[("authorization", bearer)], &body);
    assert!((200..300).contains(&changed.status), "{}", changed.body);
}

fn new_plan(nodes: &Nodes, key: &str) -> Vec<Duration> {
    let added = nodes.admin(0, "POST", "/plans", &plan(key));
    assert_eq!(added.status, 201, "{}", added.body);
    let question = format!("/api/v1/plans/catalog?q={key}");
    let seen = |node: usize| time_until("a plan is on sale", || on_sale(&nodes.servers[node].get(&question, &[])) == 1);
    OTHERS.map(seen).to_vec()
}

#[test]
fn what_one_node_changes_is_so_on_the_others_within_a_second() {
    let Some(nodes) = Nodes::start_or_skip("changes among nodes") else { return };
    nodes.all_hear();

    let mut times = Times("a plan added", Vec::new());
    for key in ["Quokka", "Wombat", "Numbat", "Bilby", "Dunnart"] {
        times.1.extend(new_plan(&nodes, key));
    }
    times.within(A_SECOND);

    let mut times = Times("a password changed", Vec::new());
    let mut deactivated = Times("an account deactivated", Vec::new());
    let mut left = Times("a session ended", Vec::new());
    let mut erased = Times("an account erased", Vec::new());
    for n in 0..5 {
        let anna = known_everywhere(&nodes, &format!("anna{n}@example.com"));
        change_password(&nodes, text(&anna, "bearer"));
        times.1.extend(until_refused(&nodes, text(&anna, "bearer"), 401));
        let again = nodes.bearer(1, &format!("anna{n}@example.com"), "better456");
        assert_eq!([0, 1, 2].map(|node| nodes.standing(node, &again)), [200; 3], "the new one is good everywhere");

        let ben = known_everywhere(&nodes, &format!("ben{n}@example.com"));
        let me = nodes.servers[0].get(crate::ME, &[("authorization", text(&ben, "bearer"))]).value();
        let path = format!("/users/{}/deactivate", text(&me, "id"));
        let done = nodes.admin(0, "POST", &path, "");
        assert!((200..300).contains(&done.status), "{}", done.body);
        deactivated.1.extend(until_refused(&nodes, text(&ben, "bearer"), 403));
        let path = format!("/users/{}", text(&me, "id"));
        let done = nodes.admin(0, "DELETE", &path, "");
        assert!((200..300).contains(&done.status), "{}", done.body);
        erased.1.extend(until_refused(&nodes, text(&ben, "bearer"), 401));

        let cleo = known_everywhere(&nodes, &format!("cleo{n}@example.com"));
        let body = json!({ "refresh_token": cleo["refresh"] }).to_string();
        assert!((200..300).contains(&nodes.servers[0].post("/api/v1/auth/logout", &[], &body).status));
        left.1.extend(until_refused(&nodes, text(&cleo, "bearer"), 401));
    }
    for times in [times, deactivated, erased, left] {
        times.within(A_SECOND);
    }

    // Answers kept ready are made anew everywhere.
    let misses = |node: usize| nodes.figure(node, "treebeard_cache_misses_total{cache=\"catalog\"}");
    let ask = |node: usize| drop(nodes.servers[node].get("/api/v1/plans/catalog?page_size=5", &[]));
    for node in OTHERS {
        ask(node);
        ask(node);
    }
    let before = OTHERS.map(misses);
    assert_eq!(nodes.admin(0, "POST", "/cache/clear", "").status, 200);
    let cleared = OTHERS.map(|node| {
        time_until("caches are empty", || {
            ask(node);
            misses(node) > before[node - 1]
        })
    });
    Times("caches cleared", cleared.to_vec()).within(A_SECOND);
}

/// The sessions on which nodes listen are ended again and again, as by a network that comes and goes.
#[test]
fn what_is_not_heard_is_found_by_looking() {
    let Some(nodes) = Nodes::start_or_skip("nodes that do not hear") else { return };
    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut database = nodes.database();
            let end = "SELECT pg_terminate_backend(pid) FROM (SELECT DISTINCT pid FROM pg_locks \
                       WHERE locktype = 'advisory' AND objsubid = 2) AS listening";
            while !enough.load(Ordering::Relaxed) {
                database.query(end, &[]).expect("the cluster runs");
                thread::sleep(Duration::from_millis(5));
            }
        });
        let mut plans = Times("a plan added, unheard", Vec::new());
        let mut passwords = Times("a password changed, unheard", Vec::new());
        for (n, key) in ["Quokka", "Wombat", "Numbat"].into_iter().enumerate() {
            plans.1.extend(new_plan(&nodes, key));
            let anna = known_everywhere(&nodes, &format!("anna{n}@example.com"));
            change_password(&nodes, text(&anna, "bearer"));
            passwords.1.extend(until_refused(&nodes, text(&anna, "bearer"), 401));
        }
        enough.store(true, Ordering::Relaxed);
        // One look a second, what it takes to take up what was found, and a machine that does other things too.
        plans.within(3 * A_SECOND);
        passwords.within(3 * A_SECOND);
    });
    nodes.all_hear();
}

#[test]
fn one_hang_up_signal_has_every_node_read_its_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("shared.toml");
    let write = |limit: u32| {
        let settings = format!("[limits]\nnodes = 3\nper_user_per_minute = {limit}\nper_ip_per_hour = 1000000\n");
        std::fs::write(&file, settings).expect("written");
    };
    write(300);
    let path = file.display().to_string();
    let Some(nodes) =
        Nodes::with("settings of nodes", &[("TREEBEARD_CONFIG", &path), ("TREEBEARD_LIMITS__EXEMPT_NETWORKS", "")])
    else {
        return;
    };
    let limit = |node: usize| {
        let reply = nodes.servers[node].get(crate::ME, &[("authorization", &nodes.admin)]);
        reply.header("x-ratelimit-limit-user").expect("a limit").to_owned()
    };
    assert_eq!([0, 1, 2].map(limit), ["100"; 3], "each gives its third");
    nodes.all_hear();
    write(600);
    nodes.servers[0].signal("HUP");
    time_until("this node reads", || limit(0) == "200");
    let heard = OTHERS.map(|node| time_until("another node reads", || limit(node) == "200"));
    Times("settings read again", heard.to_vec()).within(A_SECOND);
}
