//! Tariffs: the model, its validation, its compiled form, and the only code that computes a bill.

mod bill;
mod compile;
pub mod model;
mod price;
mod rate;
mod validate;

pub use bill::{Bill, Line};
pub use compile::{Compiled, compile};
pub use price::{Load, Pricer};
pub use rate::{Cents, RateStructure, Tier};
pub use validate::{Fault, validate};
