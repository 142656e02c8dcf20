//! Facts about every tariff: a bill is the sum of its lines, finer readings change nothing, more energy never costs
//! less unless a credit or a minimum says so, and compiled pricing is naive pricing.

use crate::build::{bills, compiled, totals};
use crate::naive;
use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use treebeard::domain::calendar::{ClockTime, Day, Month, calendar_windows};
use treebeard::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, Combine, Condition, Per, RateChange, Register, Reset, Tag, Tariff,
    UsageBand, Version, When, WindowPrice,
};
use treebeard::domain::tariff::{Load, Points, Pricer};
use treebeard::domain::units::{Energy, Money};
use treebeard::domain::usage::readings::Intervals;

fn charge(id: usize, amount: Amount, credit: bool, band: Option<UsageBand>) -> Charge {
    Charge {
        id: format!("c{id}"),
        label: format!("Charge {id}"),
        tags: vec![if matches!(amount, Amount::Fixed { .. }) { Tag::Fixed } else { Tag::Energy }],
        amount,
        credit,
        condition: band.map(|usage| Condition { usage: Some(usage), ..Condition::default() }),
        combine: Combine::Stack,
    }
}

fn when() -> impl Strategy<Value = When> {
    let days = proptest::sample::subsequence(Day::ALL[..7].to_vec(), 0..7);
    let months = proptest::sample::subsequence((1u8..=12).collect::<Vec<_>>(), 0..12);
    (days, months, 0u16..96, 0u16..96).prop_map(|(days, months, from, to)| {
        let clock = |quarter: u16| ClockTime::from_minutes(quarter * 15);
        let (from, to) = if from == to { (None, None) } else { (clock(from), clock(to)) };
        When { dates: vec![], months, days, from, to }
    })
}

fn energy(price: Option<i64>, windows: Vec<WindowPrice>, blocks: Option<Blocks>, when: Option<When>) -> Amount {
    Amount::Energy {
        register: Register::Import,
        price: price.map(naive::cents),
        windows,
        series: None,
        blocks,
        when,
        delivery_exempt: false,
    }
}

fn amount() -> impl Strategy<Value = Amount> {
    let window = (when(), 0i64..60).prop_map(|(when, price)| WindowPrice {
        when: Some(when),
        price: naive::cents(price),
        label: None,
    });
    let windows = (proptest::collection::vec(window, 0..3), 0i64..60).prop_map(|(mut windows, rest)| {
        windows.retain(|window| window.when != Some(When::default()));
        windows.push(WindowPrice { when: None, price: naive::cents(rest), label: None });
        energy(None, windows, None, None)
    });
    let blocks = (proptest::collection::btree_set(1i64..2_000, 1..4), proptest::option::of(when())).prop_flat_map(
        |(bounds, when)| {
            let bounds: Vec<Energy> = bounds.into_iter().map(Energy::from_whole_kwh).collect();
            let count = bounds.len() + 1;
            proptest::collection::vec(0i64..60, count).prop_map(move |prices| {
                let blocks = Blocks {
                    bounds: bounds.clone(),
                    prices: prices.into_iter().map(naive::cents).collect(),
                    reset: Reset::Bill,
                    unit: BlockUnit::Kwh,
                    scope: BlockScope::TotalChronological,
                    prorate: false,
                };
                energy(None, vec![], Some(blocks), when.clone())
            })
        },
    );
    let per = proptest::sample::select(vec![Per::Bill, Per::Month, Per::Day]);
    prop_oneof![
        (0i64..60, proptest::option::of(when())).prop_map(|(price, when)| energy(Some(price), vec![], None, when)),
        windows,
        blocks,
        (0i64..3_000, per).prop_map(|(value, per)| Amount::Fixed { value: naive::cents(value), per }),
    ]
}

fn tariffs() -> impl Strategy<Value = Tariff> {
    let band = (0i64..1_500, 1i64..1_500).prop_map(|(from, width)| UsageBand {
        min_kwh: Some(Energy::from_whole_kwh(from)),
        min_exclusive: from % 2 == 1,
        max_kwh: (width % 3 > 0).then(|| Energy::from_whole_kwh(from + width)),
        max_inclusive: width % 2 == 1,
    });
    let charges = proptest::collection::vec((amount(), any::<bool>(), proptest::option::of(band)), 1..6);
    charges.prop_map(|charges| {
        Tariff::of(
            charges
                .into_iter()
                .enumerate()
                .map(|(n, (amount, credit, band))| charge(n, amount, credit, band))
                .collect(),
        )
    })
}

/// The tariff with its ladders shared that way and, where it changes, its charges in another order from a day in May on.
fn with_blocks_and_versions(
    mut tariff: Tariff,
    scope: BlockScope,
    prorate: bool,
    change: Option<RateChange>,
) -> Tariff {
    for charge in &mut tariff.charges {
        if let Amount::Energy { blocks: Some(blocks), .. } = &mut charge.amount {
            (blocks.scope, blocks.prorate) = (scope, prorate);
        }
    }
    // Days alone cannot tell the order of time, and validation says so.
    let in_time = scope == BlockScope::TotalChronological;
    if let Some(change) = change.filter(|change| !(in_time && *change == RateChange::ProrateDays)) {
        let charges = tariff.charges.iter().rev().cloned().collect();
        tariff.versions = vec![Version { from_date: Some(date(2026, 5, 11)), from_contract_month: None, charges }];
        tariff.billing.rate_change = change;
    }
    tariff
}

/// A year of quarter-hours in a zone with clock changes, from one seed.
fn household(seed: u64) -> Intervals {
    let zone = TimeZone::get("America/Chicago").expect("the zone is compiled in");
    let mut intervals = Intervals::empty(&zone, 15, date(2026, 1, 1), 365);
    let mut state = seed | 1;
    for energy in &mut intervals.import {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *energy = Energy::from_mwh_thousandths((state >> 43) as i64);
    }
    intervals
}

fn year() -> Vec<treebeard::domain::calendar::Window> {
    calendar_windows(Month::new(2026, 1).expect("a month"), 12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn compiled_pricing_is_naive_pricing(tariff in tariffs(), seed: u64) {
        let readings = household(seed);
        let windows = year();
        let load = Load::from_intervals(&readings, &windows);
        let got = totals(&compiled(&tariff), &load);
        for month in [2usize, 6, 10] {
            prop_assert_eq!(got[month], naive::bill(&tariff, &readings, windows[month]), "month {}", month + 1);
        }
    }

    #[test]
    fn a_bill_is_the_sum_of_its_lines_and_totals_agree_with_bills(
        tariff in tariffs(), seed: u64,
        scope in proptest::sample::select(vec![BlockScope::PerWindow, BlockScope::TotalProrata, BlockScope::TotalChronological]),
        prorate: bool,
        change in proptest::option::of(proptest::sample::select(vec![
            RateChange::AtWindowClose, RateChange::ProrateDays, RateChange::ByInterval,
        ])),
    ) {
        let tariff = with_blocks_and_versions(tariff, scope, prorate, change);
        let load = Load::from_intervals(&household(seed), &year());
        let tariff = compiled(&tariff);
        let bills = bills(&tariff, &load);
        for bill in &bills {
            prop_assert_eq!(bill.lines.iter().map(|line| line.amount).sum::<Money>(), bill.total);
        }
        prop_assert_eq!(bills.iter().map(|bill| bill.total).collect::<Vec<_>>(), totals(&tariff, &load));
    }

    #[test]
    fn a_point_costs_what_its_window_costs_in_a_scaled_year(
        tariff in tariffs(), seed: u64, limited: bool, points in proptest::collection::vec((0usize..12, 1i64..3_000_000), 1..40),
    ) {
        let mut tariff = tariff;
        if limited {
            // Not plain: lines are settled together.
            let rule = serde_json::json!({"id": "least", "label": "Least bill", "of": ["energy"], "min": 40, "per": "bill"});
            tariff.totals = vec![serde_json::from_value(rule).expect("a rule")];
        }
        let (load, tariff) = (Load::from_intervals(&household(seed), &year()), compiled(&tariff));
        let mut pricer = Pricer::new(&load);
        let at_points = pricer.totals_at(&tariff, &Points::of(&load, points.clone())).expect("a priced plan");
        prop_assert_eq!(at_points.len(), points.len());
        for ((window, factor), got) in points.into_iter().zip(at_points) {
            let year = pricer.totals_scaled(&tariff, &[factor; 12]).expect("a priced plan");
            prop_assert_eq!(got, year[window]);
        }
    }

    #[test]
    fn readings_split_finer_make_the_same_bill(tariff in tariffs(), seed: u64) {
        let coarse = household(seed);
        let mut fine = Intervals::empty(&coarse.zone, 5, coarse.first_day, coarse.days());
        for (index, energy) in coarse.import.iter().enumerate() {
            let third = energy.mwh_thousandths() / 3;
            for (part, value) in [third, third, energy.mwh_thousandths() - 2 * third].into_iter().enumerate() {
                fine.import[index * 3 + part] = Energy::from_mwh_thousandths(value);
            }
        }
        let tariff = compiled(&tariff);
        prop_assert_eq!(totals(&tariff, &Load::from_intervals(&coarse, &year())), totals(&tariff, &Load::from_intervals(&fine, &year())));
    }

    #[test]
    fn more_energy_never_costs_less_without_credits_and_bands(tariff in tariffs(), seed: u64, more in 1_000_000i64..3_000_000) {
        let mut tariff = tariff;
        for charge in &mut tariff.charges {
            charge.credit = false;
            charge.condition = None;
            if let Amount::Energy { when: when @ Some(_), blocks: Some(_), .. } = &mut charge.amount {
                // A window that shares a ladder may lose cheap blocks to other hours: not monotonic by design.
                *when = None;
            }
        }
        let load = Load::from_intervals(&household(seed), &year());
        let tariff = compiled(&tariff);
        let before = totals(&tariff, &load);
        let after = Pricer::new(&load).totals_scaled(&tariff, &[more; 12]).expect("a priced plan");
        for (before, after) in before.iter().zip(&after) {
            prop_assert!(after >= before, "{} became {}", before, after);
        }
    }
}
