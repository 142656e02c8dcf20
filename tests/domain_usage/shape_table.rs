//! The standard shape is what its three sources give.

use jiff::civil::{Weekday, date};
use treebeard::domain::calendar::Month;
use treebeard::domain::usage::shape_table::{HOURS, MONTH_SHARES};

/// The first 8,760 numbers of a file of hourly values, scaled to sum to one.
fn load(path: &str) -> Option<Vec<f64>> {
    let text = std::fs::read_to_string(path).ok()?;
    let values: Vec<f64> = text.lines().filter_map(|line| line.trim().parse().ok()).take(8760).collect();
    let total: f64 = values.iter().sum();
    Some(values.iter().map(|value| value / total).collect())
}

#[test]
fn the_table_is_the_mean_of_the_three_reference_loads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/loads");
    let files = ["ssc_residential_8760.csv", "pysam_sample_load.csv", "reopt_norm_Houston_MidriseApartment.dat"];
    let loads: Vec<Vec<f64>> = files.iter().filter_map(|file| load(&format!("{folder}/{file}"))).collect();
    if loads.len() < files.len() {
        assert!(std::env::var_os("CI").is_none(), "shared data absent");
        println!("skipped: the_table_is_the_mean_of_the_three_reference_loads: shared data absent");
        return;
    }
    let (mut months, mut hours, mut counts) = ([0.0; 12], [[[0.0; 24]; 2]; 12], [[0.0; 2]; 12]);
    let mut day = date(2017, 1, 1);
    for n in 0..365 {
        let (month, kind) =
            (day.month() as usize - 1, usize::from(matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)));
        counts[month][kind] += 1.0;
        for hour in 0..24 {
            let value: f64 = loads.iter().map(|load| load[n * 24 + hour]).sum::<f64>() / 3.0;
            months[month] += value;
            hours[month][kind][hour] += value;
        }
        day = day.tomorrow().expect("2017 has a next day");
    }
    for month in 0..12 {
        assert!((months[month] * 10_000.0 - f64::from(MONTH_SHARES[month])).abs() <= 1.0, "month {month}");
        let days = f64::from(Month::new(2017, month as i8 + 1).expect("a month").days());
        let mean = months[month] / days / 24.0;
        for kind in 0..2 {
            for hour in 0..24 {
                let relative = hours[month][kind][hour] / counts[month][kind] / mean * 1000.0;
                let table = f64::from(HOURS[month][kind][hour]);
                assert!((relative - table).abs() <= 1.0, "month {month} kind {kind} hour {hour}");
            }
        }
    }
}

#[test]
fn the_shares_of_the_year_sum_to_one() {
    assert_eq!(MONTH_SHARES.iter().map(|share| u32::from(*share)).sum::<u32>(), 10_000);
}
