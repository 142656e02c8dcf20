//! Worlds in a line: tariffs from JSON, loads from numbers.

use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::Value;
use treebeard::domain::calendar::{Month, Window, calendar_windows};
use treebeard::domain::tariff::model::{DeliveryTariff, Tariff};
use treebeard::domain::tariff::{Bill, Compiled, Load, Pricer, RateStructure, compile};
use treebeard::domain::units::{Energy, Money};
use treebeard::domain::usage::readings::Intervals;

pub fn tariff(json: Value) -> Tariff {
    serde_json::from_value(json).expect("a tariff")
}

pub fn rate(json: Value) -> Tariff {
    serde_json::from_value::<RateStructure>(json).expect("a rate structure").expand(None)
}

pub fn compiled(tariff: &Tariff) -> Compiled {
    compile(tariff, None, None).expect("a tariff without faults")
}

pub fn with_delivery(tariff: &Tariff, delivery: &DeliveryTariff) -> Compiled {
    compile(tariff, Some(delivery), None).expect("tariffs without faults")
}

pub fn months(first: &str, count: u32) -> Vec<Window> {
    calendar_windows(first.parse::<Month>().expect("a month"), count)
}

/// One month of so many kWh, hour unknown.
pub fn total(kwh: f64) -> Load {
    Load::from_totals(&[(months("2026-06", 1)[0], Energy::from_kwh(kwh).expect("an amount of energy"))])
}

/// A year of months of the same kWh, hour unknown.
pub fn year_of(kwh: f64) -> Load {
    let energy = Energy::from_kwh(kwh).expect("an amount of energy");
    Load::from_totals(&months("2026-01", 12).into_iter().map(|window| (window, energy)).collect::<Vec<_>>())
}

/// Hourly readings in UTC from 2026-01-01, the watt-hours of each hour given by its number.
pub fn hourly(days: u32, watt_hours: impl Fn(usize) -> i64) -> Intervals {
    let mut intervals = Intervals::empty(&TimeZone::UTC, 60, date(2026, 1, 1), days);
    for (hour, energy) in intervals.import.iter_mut().enumerate() {
        *energy = Energy::from_wh(watt_hours(hour));
    }
    intervals
}

pub fn totals(tariff: &Compiled, load: &Load) -> Vec<Money> {
    Pricer::new(load).totals(tariff).expect("a tariff that can be priced")
}

pub fn bills(tariff: &Compiled, load: &Load) -> Vec<Bill> {
    Pricer::new(load).bills(tariff).expect("a tariff that can be priced")
}

/// The bill of one month of so many kWh, as text with two decimals.
pub fn bill_of(tariff: &Tariff, kwh: f64) -> String {
    totals(&compiled(tariff), &total(kwh))[0].to_string()
}
