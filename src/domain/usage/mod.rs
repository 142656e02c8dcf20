//! A household's usage: readings as they arrive, normalised, analysed, projected.

pub mod projection;
pub mod readings;
