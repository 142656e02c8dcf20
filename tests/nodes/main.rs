//! Three nodes, each the real binary, on one PostgreSQL: what one changes, what happens once, and one that dies.

mod changes;
mod death;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/nginx.rs"]
mod nginx;
mod once;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/postgres.rs"]
mod postgres_cluster;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/tools.rs"]
mod tools;

use jiff::Timestamp;
use postgres::{Client, NoTls};
use postgres_cluster::Cluster;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};
use support::{Reply, Server};
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::{Options, Store};

/// What every change may take to reach every node.
const A_SECOND: Duration = Duration::from_secs(1);
/// For what has no bound but takes longer on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "violet-tram-seven-lantern-orchard-42-Qx";
const PASSWORD: &str = "violet tram seven";
const ADMIN: &str = "admin@example.org";
const ME: &str = "/api/v1/auth/me";

/// Three nodes over the demo's market, with an administrator. They end before the cluster does.
struct Nodes {
    servers: Vec<Server>,
    url: String,
    admin: String,
    _cluster: Cluster,
}

impl Nodes {
    fn start_or_skip(name: &str) -> Option<Nodes> {
        Nodes::with(name, &[])
    }

    fn with(name: &str, settings: &[(&str, &str)]) -> Option<Nodes> {
        let cluster = Cluster::start_or_skip(name)?;
        let url = cluster.database("nodes");
        let market = serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog");
        let store = Store::open(&url, Options::default()).expect("a store");
        let fill = store.write_blocking(move |tx| replace(tx, &market, ImportMode::Replace, Timestamp::UNIX_EPOCH));
        fill.expect("the catalog is stored");
        drop(store);
        let settings = [&[("DATABASE_URL", url.as_str()), ("SECRET_KEY", KEY)], settings].concat();
        let servers: Vec<Server> = (0..3).map(|_| Server::with(&settings)).collect();
        let mut nodes = Nodes { servers, url, admin: String::new(), _cluster: cluster };
        nodes.admin = nodes.appoint();
        Some(nodes)
    }

    /// Opens the first administrator's account with the newest link: each node has printed one.
    fn appoint(&self) -> String {
        for server in &self.servers {
            let token = server.first_admin_token();
            let body = json!({ "token": token, "email": ADMIN, "password": PASSWORD }).to_string();
            if server.post("/api/v1/auth/first-admin", &[], &body).status == 204 {
                return self.bearer(0, ADMIN, PASSWORD);
            }
        }
        panic!("no link is good");
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    /// Signs in at one node.
    fn sign_in(&self, node: usize, email: &str, password: &str) -> Value {
        let body = json!({ "username": email, "password": password }).to_string();
        let reply = self.servers[node].post("/api/v1/auth/login", &[], &body);
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.value()
    }

    fn bearer(&self, node: usize, email: &str, password: &str) -> String {
        format!("Bearer {}", self.sign_in(node, email, password)["access_token"].as_str().expect("a token"))
    }

    fn admin(&self, node: usize, method: &str, path: &str, body: &str) -> Reply {
        let headers = [("authorization", self.admin.as_str()), ("if-match", "*")];
        let server = &self.servers[node];
        let path = format!("/api/v1/admin{path}");
        if body.is_empty() {
            server.request(method, &path, &headers, "")
        } else {
            server.json(method, &path, &headers, body)
        }
    }

    /// What `bearer` is answered at a node.
    fn standing(&self, node: usize, bearer: &str) -> u16 {
        self.servers[node].get(ME, &[("authorization", bearer)]).status
    }

    /// A figure of a node's metrics page; 0 where it is not on it.
    fn figure(&self, node: usize, name: &str) -> f64 {
        let page = self.servers[node].get("/metrics", &[]).body;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().expect("a number"))
    }

    /// The nodes that do what is done once.
    fn leaders(&self) -> Vec<usize> {
        (0..self.servers.len()).filter(|node| self.figure(*node, "treebeard_node_leads") > 0.0).collect()
    }

    /// Waits until every node is told what others change.
    fn all_hear(&self) {
        time_until("every node hears", || {
            (0..self.servers.len()).all(|node| self.figure(node, "treebeard_node_hears") > 0.0)
        });
    }

    fn database(&self) -> Client {
        Client::connect(&self.url, NoTls).expect("the cluster runs")
    }
}

/// A plan for sale.
fn plan(key: &str) -> String {
    json!({
        "key": format!("honest-meter/{key}"),
        "name": key,
        "supplier": "honest-meter",
        "kind": "fixed",
        "term_months": 12,
        "rate": { "type": "fixed", "rate_per_kwh": 8.5 },
        "delivery": "passthrough",
        "renewable": 100,
    })
    .to_string()
}

/// How many plans of this name a node sells.
fn on_sale(reply: &Reply) -> u64 {
    reply.value()["total"].as_u64().expect("a number")
}

/// How long it takes from now until `is_so`.
#[track_caller]
fn time_until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(2));
    }
    begun.elapsed()
}
