//! Running the service: logging, traces, and what the process takes.

pub mod healthcheck;
pub mod logging;
pub mod panics;
pub mod process;
pub mod systemd;
pub mod traces;
pub mod troubles;
