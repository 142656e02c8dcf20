//! The slow and obvious way to price a tariff: one reading at a time, one minute's clock at a time.
//!
//! It knows flat, windowed and tiered energy, fixed sums, bands and credits; its only purpose is to disagree with the
//! compiled way when that is wrong.

use jiff::civil::Date;
use treebeard::domain::calendar::{Day, LocalDay, Window};
use treebeard::domain::tariff::model::{Amount, BlockScope, Charge, Per, Tariff, When};
use treebeard::domain::units::{Energy, Money, Price};
use treebeard::domain::usage::readings::Intervals;

/// Each reading of a window: date, clock at its start, energy.
fn readings(intervals: &Intervals, window: Window) -> Vec<(Date, u16, Energy)> {
    let mut all = Vec::new();
    let mut date = intervals.first_day;
    for n in 0..intervals.days() {
        if window.contains(date) {
            let day = LocalDay::of(date, &intervals.zone);
            for (step, index) in intervals.day_range(n).enumerate() {
                let elapsed = step as u16 * intervals.minutes;
                let stretch = day.stretches.iter().rfind(|stretch| stretch.elapsed <= elapsed).expect("a stretch");
                all.push((date, stretch.clock + elapsed - stretch.elapsed, intervals.import[index]));
            }
        }
        date = date.tomorrow().expect("a date");
    }
    all
}

fn matches(when: &When, date: Date, clock: u16) -> bool {
    let month = when.months.is_empty() || when.months.contains(&(date.month() as u8));
    let day = when.days.is_empty() || when.days.contains(&Day::of(date, &[]));
    let time = match (when.from, when.to) {
        (Some(from), Some(to)) if from < to => from.minutes() <= clock && clock < to.minutes(),
        (Some(from), Some(to)) => clock >= from.minutes() || clock < to.minutes(),
        _ => true,
    };
    month && day && time
}

/// The bill of one whole calendar month.
pub fn bill(tariff: &Tariff, intervals: &Intervals, window: Window) -> Money {
    let readings = readings(intervals, window);
    let usage: Energy = readings.iter().map(|reading| reading.2).sum();
    tariff.charges.iter().map(|charge| amount(charge, &readings, usage, window)).sum()
}

fn amount(charge: &Charge, readings: &[(Date, u16, Energy)], usage: Energy, window: Window) -> Money {
    if let Some(band) = charge.condition.as_ref().and_then(|condition| condition.usage)
        && !band.contains(usage)
    {
        return Money::ZERO;
    }
    let amount: Money = match &charge.amount {
        Amount::Fixed { value, per } => match per {
            Per::Bill | Per::Month => value.once(),
            Per::Day => value.once().scale(window.days(), 1),
            Per::Year => unreachable!("not generated"),
        },
        Amount::Energy { price, windows, blocks, when, .. } => {
            let inside =
                |reading: &&(Date, u16, Energy)| when.as_ref().is_none_or(|when| matches(when, reading.0, reading.1));
            if let Some(blocks) = blocks {
                assert_eq!(blocks.scope, BlockScope::TotalChronological, "the only scope generated");
                let mut running = Energy::ZERO;
                let mut by_block = vec![Energy::ZERO; blocks.prices.len()];
                for reading in readings {
                    let (mut from, to) = (running, running + reading.2);
                    for (n, filled) in by_block.iter_mut().enumerate() {
                        let end = blocks.bounds.get(n).copied().unwrap_or(to).min(to);
                        if end > from {
                            if inside(&reading) {
                                *filled += end - from;
                            }
                            from = end;
                        }
                    }
                    running = to;
                }
                by_block.iter().zip(&blocks.prices).map(|(energy, price)| (*energy * *price).round(2)).sum()
            } else if windows.is_empty() {
                let energy: Energy = readings.iter().filter(inside).map(|reading| reading.2).sum();
                (energy * price.expect("a price")).round(2)
            } else {
                let price_of = |date, clock| {
                    windows.iter().position(|w| w.when.as_ref().is_none_or(|when| matches(when, date, clock)))
                };
                let mut sums = vec![Energy::ZERO; windows.len()];
                for reading in readings.iter().filter(inside) {
                    sums[price_of(reading.0, reading.1).expect("the last window is open")] += reading.2;
                }
                sums.iter().zip(windows).map(|(energy, window)| (*energy * window.price).round(2)).sum()
            }
        }
        Amount::Demand { .. } | Amount::Percent { .. } => unreachable!("not generated"),
    };
    let rounded = amount.round(2);
    if charge.credit { -rounded } else { rounded }
}

/// A price in cents.
pub fn cents(cents: i64) -> Price {
    Price::from_nanos(cents * 10_000_000)
}
