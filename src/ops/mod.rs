//! Running the service: logging.

pub mod logging;
