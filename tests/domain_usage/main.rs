//! Usage: normalising, months, profile and projection, through the public interface.

// Exact results of floating-point sums that are exact by construction.
#![allow(clippy::float_cmp)]

mod normalise_intervals;
mod normalise_totals;
mod preserved;
mod profile;
mod projection;
mod reading_log;
mod real_files;
mod shape;
mod shape_table;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use treebeard::domain::calendar::{Month, day_start};
use treebeard::domain::catalog::{Market, TypicalUse};
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{MonthReading, Quality, RawReading, ReadingSet};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("the zone is compiled in")
}

fn chicago() -> TimeZone {
    zone("America/Chicago")
}

fn market() -> Market {
    Market {
        id: "texas".to_owned(),
        name: "Texas".to_owned(),
        currency: "USD".to_owned(),
        time_zone: "America/Chicago".to_owned(),
        no_choice_zips: Vec::new(),
        typical_annual_kwh: TypicalUse::default(),
        monthly_shape: Vec::new(),
    }
}

fn month(text: &str) -> Month {
    text.parse().expect("a month")
}

fn wh(watt_hours: i64) -> Energy {
    Energy::from_wh(watt_hours)
}

/// `count` readings of `minutes` from the local midnight of `date`; `energy` gives the n-th one's Wh.
fn readings(date: Date, count: usize, minutes: u32, energy: impl Fn(usize) -> i64) -> Vec<RawReading> {
    let start = day_start(date, &chicago());
    (0..count)
        .map(|n| RawReading {
            start: start + n as i64 * i64::from(minutes) * 60,
            seconds: minutes * 60,
            register: Register::Import,
            energy: wh(energy(n)),
            quality: Quality::Actual,
            revision: 0,
            line: n as u64 + 2,
        })
        .collect()
}

/// Months from `first` on, kWh each.
fn months(first: &str, kwh: &[i64]) -> ReadingSet {
    let first = month(first);
    let reading = |(n, kwh): (usize, &i64)| MonthReading {
        month: first.plus(n as i32),
        energy: Energy::from_whole_kwh(*kwh),
        quality: Quality::Actual,
    };
    ReadingSet::Months(kwh.iter().enumerate().map(reading).collect())
}
