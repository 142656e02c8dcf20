//! Bytes to domain values and back: one file per public format, each naming its traps in its doc comment.
//!
//! Readers take `impl Read`, hold no more than the values they make, and refuse with a place, a reason and a remedy.

pub mod catalog;
pub mod error;
pub mod report;
pub mod spreadsheet;
pub mod usage;

pub use error::{At, FormatError, Place, Rejection};
