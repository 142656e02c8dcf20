//! Tariffs priced: known bills, the conventions at their bounds, and compiled pricing against naive evaluation.

mod build;
mod charges;
mod known_bills;
mod naive;
mod properties;
