//! What the program comes in and stands behind, for whoever installs, watches and upgrades it.

mod container;
mod debian;
mod dist;
mod healthcheck;
mod kubernetes;
mod machine;
mod papers;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/postgres.rs"]
mod postgres_cluster;
mod proxy;
mod service;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;
mod yaml;
