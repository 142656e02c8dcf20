//! What a tariff must hold to mean something: every fault is named by its path.

use crate::domain::tariff::model::Tariff;

/// One thing wrong with a tariff, or one thing about it that cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// `charges[2].amount.blocks.bounds[1]`
    pub path: String,
    /// A sentence without its subject: "is below the bound before it".
    pub message: String,
}

/// All faults of a tariff; empty when it can be compiled.
pub fn validate(_tariff: &Tariff) -> Vec<Fault> {
    todo!("core")
}
