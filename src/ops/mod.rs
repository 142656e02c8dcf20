//! Running the service: logging, and what the process takes.

pub mod logging;
pub mod process;
