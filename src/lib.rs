//! TreeBeard: which electricity plan should this household be on, what will it cost, and why.

pub mod domain;
pub mod formats;
