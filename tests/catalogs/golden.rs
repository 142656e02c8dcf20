//! Real US tariffs on a real hourly load, against the bills two outside programs computed for them.

use super::{import, shared};
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::collections::BTreeMap;
use treebeard::domain::calendar::{Month, calendar_windows};
use treebeard::domain::catalog::Plan;
use treebeard::domain::tariff::{Load, Pricer, compile};
use treebeard::domain::units::{Energy, Money};
use treebeard::domain::usage::readings::{Intervals, Quality};
use treebeard::formats::catalog::CatalogOptions;

/// 8,760 hourly kW values as the readings of 2018, a year that starts on a Monday, on a clock that never changes.
fn load(bytes: &[u8]) -> Load {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let mut hours = Intervals::empty(&TimeZone::UTC, 60, date(2018, 1, 1), 365);
    hours.quality.fill(Quality::Actual);
    let values = text.lines().map(|line| Energy::from_kwh(line.trim().parse().expect("a number")).expect("a reading"));
    hours.import = values.collect();
    assert_eq!(hours.import.len(), 8760);
    Load::from_intervals(&hours, &calendar_windows(Month::new(2018, 1).expect("a month"), 12))
}

fn bills(load: &Load, plan: &Plan) -> Vec<Money> {
    let tariff = plan.rate.expand(plan.monthly_fee);
    let compiled = compile(&tariff, None, None).unwrap_or_else(|faults| panic!("{}: {faults:?}", plan.key));
    Pricer::new(load).totals(&compiled).unwrap_or_else(|fault| panic!("{}: {fault}", plan.key))
}

#[test]
fn every_tariff_of_the_golden_file_bills_to_the_cent_each_month() {
    let test = "every_tariff_of_the_golden_file_bills_to_the_cent_each_month";
    let Some(golden) = shared("golden/urdb_expected.json", test) else { return };
    let Some(readings) = shared("data/loads/ssc_residential_8760.csv", test) else { return };
    let golden: Value = serde_json::from_slice(&golden).expect("JSON");
    let load = load(&readings);
    let mut wrong: BTreeMap<String, Vec<(usize, f64, f64)>> = BTreeMap::new();
    let mut checked = 0;
    for program in ["pysam", "ratebook"] {
        for (name, expected) in golden[program].as_object().expect("tariffs by name") {
            let Some(monthly) = expected["monthly"].as_array() else { continue };
            let file = format!("data/urdb/ratebook/{name}.json");
            let Some(bytes) = shared(&file, test) else { return };
            let read = import(&bytes, &CatalogOptions::default());
            assert_eq!(read.rejected, [], "{name}");
            let [plan] = &read.catalog.plans[..] else { panic!("{name}: one plan") };
            for (month, (bill, expected)) in bills(&load, plan).into_iter().zip(monthly).enumerate() {
                let text = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
                let expected: f64 = text.parse().expect("a number");
                // Ours are whole cents; half a cent of rounding, and the outside programs' own six decimals.
                if (bill.currency() - expected).abs() > 0.005_01 {
                    wrong.entry(format!("{program} {name}")).or_default().push((month + 1, bill.currency(), expected));
                }
            }
            checked += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{checked} yearly bills reproduced to the cent each month");
    assert_eq!(checked, CHECKED);
}

/// 34 tariffs by Ratebook, and those of them PySAM can say.
const CHECKED: usize = 61;
