//! Copies of a SQLite database: made while it is used, examined, and put in its place.

pub mod copy;
pub mod examine;
pub mod files;
pub mod swap;
