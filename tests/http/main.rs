//! The service as its clients meet it: the real binary over real sockets.

mod account;
mod admin_catalog;
mod admin_service;
mod admin_users;
mod anonymous;
mod audit;
mod backups;
mod bodies;
mod caches;
#[path = "../support/claude.rs"]
mod claude;
mod conditional;
mod edges;
mod every_route;
mod examples;
mod explanations;
mod feedback;
mod first_admin;
mod following;
mod health;
mod idempotency;
mod lane;
mod limits;
mod mailbox;
mod maintenance;
mod market;
mod metrics;
mod number_fields;
mod on_postgresql;
mod pages;
mod panics;
mod passwords;
mod people;
mod permissions;
mod plans;
#[path = "../support/postgres.rs"]
mod postgres;
mod privacy;
mod recommendations;
mod resets;
mod retention;
mod secrets;
mod sessions;
mod sign_in;
mod standing;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod tokens;
mod traces;
mod usage;
mod waiting;
mod what_if;
