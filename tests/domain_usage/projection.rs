//! The projection: expected months, bands, paths, confidence, the year in hours.

use crate::{chicago, market, month, months, readings, wh, zone};
use jiff::civil::date;
use proptest::prelude::*;
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::normalise;
use treebeard::domain::usage::projection::{Projection, ProjectionError, ShapeSource, project};
use treebeard::domain::usage::readings::{Intervals, RawReadings, ReadingSet};
use treebeard::domain::usage::shape::Shape;

/// As of June 2026: the projected year runs from July 2026 to June 2027.
fn of(set: &ReadingSet) -> Projection {
    project(set, date(2026, 6, 15), &market(), PropertyType::Residential, &chicago(), 42).expect("usage is held")
}

fn normalised(raw: Vec<treebeard::domain::usage::readings::RawReading>) -> ReadingSet {
    normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings").0
}

fn month_sum(intervals: &Intervals, month: treebeard::domain::calendar::Month, values: &[Energy]) -> Energy {
    let days = (0..intervals.days()).filter(|day| month.window().contains(intervals.date(*day)));
    days.map(|day| values[intervals.day_range(day)].iter().copied().sum::<Energy>()).sum()
}

const YEAR: [i64; 12] = [800, 700, 720, 760, 950, 1300, 1600, 1500, 1150, 900, 740, 790];

#[test]
fn twelve_months_are_expected_again_day_by_day() {
    let projection = of(&months("2025-01", &YEAR));
    assert_eq!((projection.first_month, projection.months.len()), (month("2026-07"), 12));
    let expected: Vec<i64> = projection.months.iter().map(|month| month.expected.mwh_thousandths()).collect();
    let again: Vec<i64> = [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5].map(|n: usize| YEAR[n] * 1_000_000).to_vec();
    assert_eq!(expected, again);
}

#[test]
fn recent_years_weigh_more() {
    let mut two = vec![900; 12];
    two.extend([1200; 12]);
    let july = of(&months("2024-07", &two)).months[0].expected;
    assert_eq!(july, Energy::from_mwh_thousandths((1_200_000_000 * 2 + 900_000_000) / 3));
}

#[test]
fn three_summer_months_do_not_become_a_summer_year() {
    let projection = of(&months("2025-06", &[1400, 1750, 1600]));
    let january = projection.months.iter().find(|entry| entry.month == month("2027-01")).expect("a January");
    let august = projection.months.iter().find(|entry| entry.month == month("2026-08")).expect("an August");
    assert!(january.expected.kwh() < 0.6 * august.expected.kwh(), "{january:?} {august:?}");
    let year: f64 = projection.months.iter().map(|month| month.expected.kwh()).sum();
    assert!((11_500.0..14_000.0).contains(&year), "{year}");
}

#[test]
fn confidence_grows_with_the_months_seen() {
    let confidence: Vec<f64> = (1..=12).map(|n| of(&months("2025-06", &YEAR[..n])).confidence).collect();
    assert!(of(&months("2025-01", &YEAR)).confidence >= 0.9);
    assert!(confidence[2] <= 0.5 && confidence[2] > 0.1, "{confidence:?}");
    assert!(confidence[11] >= 0.9, "{confidence:?}");
    let mut two = YEAR.to_vec();
    two.extend(YEAR);
    assert!(of(&months("2024-01", &two)).confidence > confidence[11]);
}

#[test]
fn the_band_widens_with_missing_months() {
    let width = |n: usize| {
        let annual = of(&months("2025-01", &YEAR[..n])).annual;
        (annual.p90 - annual.p10).kwh() / annual.p50.kwh()
    };
    assert!(width(12) > 0.05 && width(12) < width(6) && width(6) < width(3), "{} {} {}", width(12), width(6), width(3));
}

#[test]
fn paths_are_seeded_and_their_mean_is_one() {
    let set = months("2025-01", &YEAR);
    let projection = of(&set);
    assert_eq!(projection.paths.len(), 64);
    for n in 0..12 {
        let mean = projection.paths.iter().map(|path| path[n] as f64).sum::<f64>() / 64e6;
        assert!((mean - 1.0).abs() < 1e-5, "{mean}");
    }
    assert_eq!(of(&set), projection);
    let other = project(&set, date(2026, 6, 15), &market(), PropertyType::Residential, &chicago(), 43).expect("usage");
    assert_ne!(other.paths, projection.paths);
    assert_eq!(other.months[0].expected, projection.months[0].expected);
}

#[test]
fn without_intervals_the_year_has_the_standard_shape() {
    let projection = of(&months("2025-01", &YEAR));
    assert_eq!((projection.shape, projection.intervals.minutes), (ShapeSource::Standard, 60));
    for entry in &projection.months {
        assert_eq!(month_sum(&projection.intervals, entry.month, &projection.intervals.import), entry.expected);
    }
}

#[test]
fn the_year_can_be_spread_by_the_other_shapes() {
    let projection = of(&months("2025-01", &YEAR));
    assert_eq!(projection.reshaped(Shape::Standard), projection.intervals);
    for shape in [Shape::Flatter, Shape::Peakier] {
        let year = projection.reshaped(shape);
        assert_ne!(year, projection.intervals);
        for entry in &projection.months {
            assert_eq!(month_sum(&year, entry.month, &year.import), entry.expected);
        }
    }
}

#[test]
fn held_intervals_keep_their_shape_resolution_and_registers() {
    // Use only from 18:00 to 19:00, more on weekends; export at noon.
    let start = date(2025, 1, 1);
    let weekday = |n: usize| (n / 96 + 2) % 7;
    let evening = |n: usize| (72..76).contains(&(n % 96));
    let mut raw = readings(start, 60 * 96, 15, |n| {
        if !evening(n) {
            0
        } else if weekday(n) >= 5 {
            4000
        } else {
            2000
        }
    });
    let mut export = readings(start, 60 * 96, 15, |n| if n % 96 == 48 { 500 } else { 0 });
    for reading in &mut export {
        reading.register = Register::Export;
    }
    raw.extend(export);
    let projection = of(&normalised(raw));
    let year = &projection.intervals;
    assert_eq!((projection.shape, year.minutes, year.days()), (ShapeSource::Held, 15, 365));
    for entry in &projection.months {
        assert_eq!(month_sum(year, entry.month, &year.import), entry.expected);
        let export = month_sum(year, entry.month, &year.export);
        assert_eq!(export, wh(500 * i64::from(entry.month.days())));
    }
    for day in 0..year.days() {
        let slots = year.clock_slots(day);
        let used = year.day_range(day).zip(slots).filter(|(step, _)| !year.import[*step].is_zero());
        assert!(used.map(|(_, slot)| slot).all(|slot| (72..76).contains(&slot)), "day {day}");
    }
    // 1 July 2026 is a Wednesday, 4 July a Saturday.
    let wednesday: Energy = year.import[year.day_range(0)].iter().copied().sum();
    let saturday: Energy = year.import[year.day_range(3)].iter().copied().sum();
    assert!((saturday.kwh() / wednesday.kwh() - 2.0).abs() < 1e-6);
}

#[test]
fn nothing_used_is_projected_as_nothing() {
    for set in [months("2025-01", &[0; 12]), normalised(readings(date(2025, 1, 1), 40 * 24, 60, |_| 0))] {
        let projection = of(&set);
        assert!(projection.months.iter().all(|month| month.expected.is_zero() && month.band.p90.is_zero()));
        assert!(projection.annual.p90.is_zero() && projection.confidence.is_finite());
        assert!(projection.intervals.import.iter().all(|energy| energy.is_zero()));
        assert!(projection.paths.iter().flatten().all(|factor| *factor > 0));
    }
}

#[test]
fn no_usage_and_the_end_of_time_are_refused() {
    let run = |set: &ReadingSet, as_of| project(set, as_of, &market(), PropertyType::Residential, &chicago(), 1);
    assert_eq!(run(&ReadingSet::Months(Vec::new()), date(2026, 1, 1)), Err(ProjectionError::NoUsage));
    for as_of in [date(2199, 6, 1), date(2500, 1, 1)] {
        assert_eq!(run(&months("2025-01", &YEAR), as_of), Err(ProjectionError::OutOfRange { as_of }));
    }
}

#[test]
fn hours_held_without_a_clock_change_are_projected_over_one_of_half_an_hour() {
    let lord_howe = zone("Australia/Lord_Howe");
    let set = normalised(readings(date(2025, 6, 1), 20 * 24, 60, |n| n as i64));
    let ReadingSet::Intervals(mut held) = set else { panic!("intervals expected") };
    held.zone = lord_howe.clone();
    let set = ReadingSet::Intervals(held);
    let projection =
        project(&set, date(2026, 6, 15), &market(), PropertyType::Residential, &lord_howe, 1).expect("usage is held");
    assert_eq!(projection.intervals.minutes, 30);
    for entry in &projection.months {
        assert_eq!(month_sum(&projection.intervals, entry.month, &projection.intervals.import), entry.expected);
    }
}

proptest! {
    #[test]
    fn any_months_give_ordered_bands_and_exact_hours(
        kwh in prop::collection::vec(0i64..1_000_000, 1..40),
        property in prop::sample::select(vec![PropertyType::Residential, PropertyType::Commercial]),
        seed in any::<u64>(),
    ) {
        let set = months("2022-03", &kwh);
        let projection = project(&set, date(2026, 6, 15), &market(), property, &chicago(), seed).expect("usage");
        prop_assert!((0.0..=1.0).contains(&projection.confidence));
        for entry in &projection.months {
            prop_assert!(entry.band.p10 <= entry.band.p50 && entry.band.p50 <= entry.band.p90);
            prop_assert_eq!(
                month_sum(&projection.intervals, entry.month, &projection.intervals.import),
                entry.expected
            );
        }
        prop_assert!(projection.intervals.import.iter().all(|energy| !energy.is_negative()));
    }
}
