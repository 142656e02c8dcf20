//! Load shapes: exact months, flatter and peakier, the hours of the week.

use crate::{chicago, market, month, readings};
use jiff::civil::date;
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::normalise;
use treebeard::domain::usage::readings::{Quality, RawReadings, ReadingSet};
use treebeard::domain::usage::shape::{Shape, month_shares, synthesise};
use treebeard::domain::usage::week::HourOfWeek;

#[test]
fn a_month_is_spread_to_the_last_milliwatt_hour_over_clock_changes_too() {
    for shape in [Shape::Flatter, Shape::Standard, Shape::Peakier] {
        for (text, hours) in [("2026-03", 743), ("2026-11", 721), ("2028-02", 696)] {
            for energy in [0, 1, 7, 999_999_937, 1_000_000_000_000_000] {
                let energy = Energy::from_mwh_thousandths(energy);
                let intervals = synthesise(&[(month(text), energy)], &chicago(), shape);
                assert_eq!(intervals.import.len(), hours, "{text}");
                assert_eq!(intervals.import.iter().copied().sum::<Energy>(), energy, "{text}");
                assert!(intervals.import.iter().all(|step| !step.is_negative()));
            }
        }
    }
}

#[test]
fn the_variants_have_less_and_more_swing() {
    let july = [(month("2026-07"), Energy::from_whole_kwh(1500))];
    let peak = |shape| {
        let intervals = synthesise(&july, &chicago(), shape);
        let highest = intervals.import.iter().max().copied().unwrap_or_default();
        let lowest = intervals.import.iter().min().copied().unwrap_or_default();
        (highest - lowest).kwh()
    };
    assert!(peak(Shape::Flatter) < 0.6 * peak(Shape::Standard));
    assert!(peak(Shape::Peakier) > 1.2 * peak(Shape::Standard));
}

#[test]
fn months_left_out_are_missing() {
    let kwh = Energy::from_whole_kwh(900);
    let intervals = synthesise(&[(month("2026-03"), kwh), (month("2026-01"), kwh)], &chicago(), Shape::Standard);
    assert_eq!(intervals.days(), 90);
    assert!(intervals.quality[intervals.day_range(40)].iter().all(|quality| *quality == Quality::Missing));
    assert_eq!(synthesise(&[], &chicago(), Shape::Standard).days(), 0);
}

#[test]
fn a_market_may_state_its_own_months() {
    let mut own = market();
    own.monthly_shape = vec![2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0];
    assert_eq!(month_shares(&own, PropertyType::Residential)[0], 2.0 / 14.0);
    own.monthly_shape = vec![1.0; 11];
    assert_eq!(month_shares(&own, PropertyType::Residential), month_shares(&market(), PropertyType::Residential));
    assert!((month_shares(&market(), PropertyType::Commercial).iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn the_heat_map_shows_each_hour_of_the_week() {
    // 2024-05-06 is a Monday.
    let raw = readings(date(2024, 5, 6), 14 * 96, 15, |n| if (n / 96) % 7 == 2 && n % 96 / 4 == 18 { 1000 } else { 0 });
    let (set, _) = normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings");
    let ReadingSet::Intervals(intervals) = set else { panic!("intervals expected") };
    let heat = HourOfWeek::of(&intervals);
    let mut expected = [[0.0; 24]; 7];
    expected[2][18] = 4.0;
    assert_eq!(heat.kwh, expected);
    assert_eq!(heat.day_shape()[18], 1.0);
}
