//! What the program comes in: as a service of systemd, for whoever installs, watches and upgrades it.

mod healthcheck;
mod machine;
mod papers;
mod service;
