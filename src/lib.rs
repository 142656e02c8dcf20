//! TreeBeard: which electricity plan should this household be on, what will it cost, and why.

pub mod alerts;
pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod formats;
pub mod http;
pub mod load;
pub mod notifier;
pub mod ops;
pub mod smoke;
pub mod store;
pub mod writer;
