//! Meter files: real ones with exact totals, each format's traps, wrong files, and arbitrary bytes.

mod green_button;
mod iec;
mod nem;
mod properties;
mod real;
mod refusals;
mod samples;
mod smt;
mod support;
mod tables;
