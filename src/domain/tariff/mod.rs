//! Tariffs: the model, its validation, its compiled form, and the only code that computes a bill.
//!
//! The path of a price: [`RateStructure`] expands to a [`model::Tariff`]; [`validate`] names its faults; [`compile`]
//! makes dense tables; a [`Pricer`] folds a [`Load`] once per schedule and evaluates each charge into lines; the lines
//! are settled into a [`Bill`].

mod amounts;
mod bill;
mod blocks;
mod compile;
mod evaluate;
mod load;
mod measure;
pub mod model;
mod plain;
mod points;
mod price;
mod rate;
mod schedule;
mod settle;
mod validate;

pub use bill::{Bill, Line};
pub use compile::{Compiled, SharedDelivery, compile, compile_sharing};
pub use load::Load;
pub use points::Points;
pub use price::{PriceSeries, Pricer};
pub use rate::{Cents, RateStructure, Tier};
pub use validate::{CHARGES_MAX, Fault, validate, validate_delivery};
