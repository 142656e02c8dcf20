//! The service as its clients meet it: the real binary over real sockets.

mod account;
mod bodies;
#[path = "../support/claude.rs"]
mod claude;
mod edges;
mod every_route;
mod explanations;
mod idempotency;
mod limits;
mod market;
mod metrics;
mod pages;
mod people;
mod permissions;
mod plans;
mod recommendations;
mod sessions;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod usage;
mod what_if;
