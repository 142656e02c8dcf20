//! Copies of a database: made while it is used, examined, and put in its place.

pub mod copy;
pub mod dump;
pub mod examine;
pub mod files;
pub mod pace;
pub mod swap;
