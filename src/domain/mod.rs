//! The pure core: what a household uses, what a plan charges, which plan to take. No I/O, no clock, no async.

pub mod advice;
pub mod calendar;
pub mod catalog;
pub mod explain;
pub mod from_json;
pub mod market;
pub mod sentiment;
pub mod tariff;
pub mod units;
pub mod usage;
