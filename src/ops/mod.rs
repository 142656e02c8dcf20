//! Running the service: logging, traces, and what the process takes.

pub mod logging;
pub mod process;
pub mod systemd;
pub mod traces;
