//! Properties: energy is kept, finer readings change no month, no input makes it panic.

use crate::{chicago, zone};
use jiff::civil::date;
use proptest::prelude::*;
use treebeard::domain::calendar::day_start;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::normalise::normalise;
use treebeard::domain::usage::readings::{Quality, RawReading, RawReadings};

/// Consecutive readings of `minutes` from a day of 2022 on; about one in ten left out.
fn consecutive() -> impl Strategy<Value = Vec<RawReading>> {
    let minutes = prop::sample::select(vec![1u32, 3, 5, 10, 15, 20, 30, 45, 60, 120, 240, 720]);
    let value = prop_oneof![9 => (0i64..5_000_000).prop_map(Some), 1 => Just(None)];
    (minutes, 0i64..365, prop::collection::vec(value, 1..400), 0i64..3).prop_map(|(minutes, day, values, offset)| {
        let start = day_start(date(2022, 1, 1), &chicago()) + day * 86_400 + offset * 420;
        let seconds = minutes * 60;
        let readings = values.into_iter().enumerate().filter_map(|(n, energy)| {
            Some(RawReading {
                start: start + n as i64 * i64::from(seconds),
                seconds,
                register: Register::Import,
                energy: Energy::from_mwh_thousandths(energy?),
                quality: Quality::Actual,
                revision: 0,
                line: n as u64 + 2,
            })
        });
        readings.collect()
    })
}

fn halved(readings: &[RawReading]) -> Vec<RawReading> {
    let halves = readings.iter().flat_map(|reading| {
        let first = Energy::from_mwh_thousandths(reading.energy.mwh_thousandths() / 2);
        let seconds = reading.seconds / 2;
        [
            RawReading { seconds, energy: first, ..*reading },
            RawReading {
                start: reading.start + i64::from(seconds),
                seconds: reading.seconds - seconds,
                energy: reading.energy - first,
                ..*reading
            },
        ]
    });
    halves.collect()
}

proptest! {
    #[test]
    fn normalising_keeps_the_energy(raw in consecutive()) {
        prop_assume!(!raw.is_empty());
        let total: Energy = raw.iter().map(|reading| reading.energy).sum();
        let (set, report) = normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings");
        let dropped: Energy = report.dropped_days.iter().map(|day| day.kwh).sum();
        prop_assert_eq!(report.total_kwh - report.filled_kwh + dropped, total);
        prop_assert_eq!(set.total(), report.total_kwh);
        prop_assert_eq!(set.monthly().iter().map(|month| month.energy).sum::<Energy>(), report.total_kwh);
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(raw in consecutive().prop_shuffle()) {
        prop_assume!(!raw.is_empty());
        let mut sorted = raw.clone();
        sorted.sort_by_key(|reading| reading.start);
        prop_assert_eq!(
            normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()),
            normalise(RawReadings::Intervals(sorted.into_iter().collect()), &chicago())
        );
    }

    #[test]
    fn finer_readings_change_no_month(values in prop::collection::vec(0i64..5_000_000, 24..400), day in 0i64..365) {
        let start = day_start(date(2022, 1, 1).saturating_add(jiff::Span::new().days(day)), &chicago());
        let hours: Vec<RawReading> = values.iter().enumerate().map(|(n, energy)| RawReading {
            start: start + n as i64 * 3600,
            seconds: 3600,
            register: Register::Import,
            energy: Energy::from_mwh_thousandths(*energy),
            quality: Quality::Actual,
            revision: 0,
            line: n as u64 + 2,
        }).collect();
        let hours = hours[..hours.len() / 24 * 24].to_vec();
        let months = |raw: Vec<RawReading>| {
            let (set, report) = normalise(RawReadings::Intervals(raw.into_iter().collect()), &chicago()).expect("good readings");
            (report.filled == 0).then(|| set.monthly())
        };
        // Compared where nothing had to be filled (a window across a clock change leaves an hour to fill).
        if let Some(whole) = months(hours.clone()) {
            prop_assert_eq!(Some(whole.clone()), months(halved(&hours)));
            prop_assert_eq!(Some(whole), months(halved(&halved(&hours))));
        }
    }

    #[test]
    fn any_readings_at_all_are_used_or_refused(
        rows in prop::collection::vec((any::<i64>(), any::<u32>(), any::<i64>(), 0u8..3, any::<i64>()), 0..20),
        near in prop::collection::vec((0i64..100_000_000, 1u32..200_000, 0i64..1_000_000_000, 0u8..3, 0i64..3), 0..20),
        place in prop::sample::select(vec!["UTC", "Australia/Lord_Howe", "Africa/Monrovia", "America/Chicago"]),
    ) {
        for rows in [rows, near] {
            let raw = rows.into_iter().zip(1..).map(|((start, seconds, energy, register, revision), line)| RawReading {
                start,
                seconds,
                register: [Register::Import, Register::Export, Register::Controlled][usize::from(register)],
                energy: Energy::from_mwh_thousandths(energy),
                quality: Quality::Actual,
                revision,
                line,
            });
            if let Ok((set, _)) = normalise(RawReadings::Intervals(raw.collect()), &zone(place)) {
                set.monthly();
            }
        }
    }
}
