//! Packed readings are the readings that were put in, in any order, and sorting them is sorting them.

use proptest::prelude::*;
use treebeard::domain::tariff::model::Register;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::reading_log::ReadingLog;
use treebeard::domain::usage::readings::{Quality, RawReading};

fn any_reading() -> impl Strategy<Value = RawReading> {
    let register = prop::sample::select(vec![Register::Import, Register::Export, Register::Controlled]);
    let quality = prop::sample::select(vec![Quality::Actual, Quality::Estimated, Quality::Filled, Quality::Missing]);
    // Ordinary values, and the ends of what each type holds.
    let whole = || prop_oneof![0i64..2_000_000_000, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
    (whole(), prop_oneof![Just(900u32), any::<u32>()], register, whole(), quality, whole(), any::<u64>()).prop_map(
        |(start, seconds, register, energy, quality, revision, line)| RawReading {
            start,
            seconds,
            register,
            energy: Energy::from_mwh_thousandths(energy),
            quality,
            revision,
            line,
        },
    )
}

proptest! {
    #[test]
    fn what_is_put_in_comes_out(readings in prop::collection::vec(any_reading(), 0..200)) {
        let log: ReadingLog = readings.iter().copied().collect();
        prop_assert_eq!((log.len(), log.first(), log.last()), (readings.len(), readings.first().copied(), readings.last().copied()));
        prop_assert_eq!(log.iter().collect::<Vec<_>>(), readings);
    }

    #[test]
    fn what_is_not_wanted_is_gone(readings in prop::collection::vec(any_reading(), 0..200)) {
        let mut log: ReadingLog = readings.iter().copied().collect();
        log.retain(|reading| reading.register == Register::Import);
        let expected: Vec<_> = readings.into_iter().filter(|reading| reading.register == Register::Import).collect();
        prop_assert_eq!(log.iter().collect::<Vec<_>>(), expected);
    }
}

/// Enough for several slabs and chunks, in an order without sense, with starts that come more than once.
#[test]
fn readings_of_one_start_stay_in_their_order_when_all_are_sorted() {
    let reading = |n: u64| RawReading {
        start: (n * 7_919 % 50_021) as i64 * 900,
        seconds: 900,
        register: Register::Import,
        energy: Energy::from_wh((n % 700) as i64),
        quality: Quality::Actual,
        revision: 0,
        line: n,
    };
    let mut readings: Vec<RawReading> = (1..=150_000).map(reading).collect();
    let log: ReadingLog = readings.iter().copied().collect();
    readings.sort_by_key(|reading| reading.start);
    let sorted = log.sorted();
    assert_eq!(sorted.iter().collect::<Vec<_>>(), readings);
    assert_eq!(sorted.clone().sorted(), sorted);
}
