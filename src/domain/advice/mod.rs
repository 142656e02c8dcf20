//! Which plan this household should be on: eligible plans priced, scored, compared with the current one, judged.

mod answer;
mod request;

pub use answer::*;
pub use request::*;

use crate::domain::market::Snapshot;

/// Changes with every constant or rule of the method.
pub const ALGORITHM_VERSION: &str = "1.0.0";

/// What the answer is, legally.
pub const DISCLAIMER: &str =
    "Estimates from the usage and prices given, not an offer: the supplier's own terms decide.";

/// Why no advice can be given at all. Having no eligible plan, or no retail choice, is an answer, not an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdviceError {
    #[error("no utility of the catalog is called {name}; it knows {known}")]
    UnknownUtility { name: String, known: String },
    #[error("the projected usage cannot be priced: {reason}")]
    Usage { reason: String },
}

/// Ranks the plans on sale for the household of `request` (method.md 2 to 7).
pub fn recommend(_snapshot: &Snapshot, _request: &Request) -> Result<Recommendation, AdviceError> {
    todo!("landing next")
}
