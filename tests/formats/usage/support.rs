//! What the tests of meter files share.

use jiff::tz::TimeZone;
use std::path::PathBuf;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{RawReading, RawReadings};
use treebeard::formats::FormatError;
use treebeard::formats::usage::{UsageFile, UsageOptions, read};

pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("the zone is compiled in")
}

pub fn options(zone_name: &str) -> UsageOptions {
    UsageOptions::new(zone(zone_name))
}

/// A text read in Texas.
pub fn texas(text: &str) -> Result<UsageFile, FormatError> {
    read(text.as_bytes(), &options("America/Chicago"))
}

/// What the refusal of a text says.
pub fn refusal(text: &str) -> String {
    match texas(text) {
        Ok(file) => panic!("taken as {}: {:?}", file.format, file.notes),
        Err(error) => error.to_string(),
    }
}

/// A real file; `None` (said on standard output) where it is absent, which CI does not accept.
pub fn shared(test: &str, path: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(path);
    if let Ok(bytes) = std::fs::read(&path) {
        return Some(bytes);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is absent", path.display());
    println!("skipped: {test}: shared data absent");
    None
}

pub fn intervals(file: &UsageFile) -> Vec<RawReading> {
    match &file.readings {
        RawReadings::Intervals(readings) => readings.iter().collect(),
        other => panic!("not intervals: {} of {other:?}", file.format),
    }
}

/// Number and energy of a register's intervals.
pub fn sum(file: &UsageFile, register: Register) -> (usize, Energy) {
    let of = || intervals(file).into_iter().filter(|reading| reading.register == register);
    (of().count(), of().map(|reading| reading.energy).sum())
}

/// Milliwatt-hours of kWh, for exact comparisons.
pub fn kwh(value: f64) -> Energy {
    Energy::from_kwh(value).expect("a test's energy is in range")
}
