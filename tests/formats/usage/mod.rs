//! Meter files.

mod real;
mod support;
