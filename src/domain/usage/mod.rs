//! A household's usage: readings as they arrive, normalised, analysed, projected.

pub mod changes;
pub mod monthly;
pub mod normalise;
pub mod profile;
pub mod projection;
pub mod quality;
pub mod reading_log;
pub mod readings;
pub mod report;
pub mod shape;
pub mod shape_table;
mod sun;
pub mod week;
