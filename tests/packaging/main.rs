//! What the program comes in and stands behind, for whoever installs, watches and upgrades it.

mod caddy;
mod container;
mod debian;
mod dist;
mod guide;
mod healthcheck;
mod kubernetes;
mod machine;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/nginx.rs"]
mod nginx;
mod papers;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/postgres.rs"]
mod postgres_cluster;
mod proxy;
mod service;
mod story;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tools.rs"]
mod tools;
mod yaml;
