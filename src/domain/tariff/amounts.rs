//! Amounts: energy scaled and netted, fixed sums over time, billed demand, lines as they are rounded.

use crate::domain::calendar::{Month, Window};
use crate::domain::tariff::compile::{Compiled, CompiledCharge, Demand, times};
use crate::domain::tariff::evaluate::Context;
use crate::domain::tariff::model::{Condition, Per, Register, Round};
use crate::domain::tariff::points::{Frame, Point};
use crate::domain::units::{Energy, Money, Price};
use jiff::civil::Date;

/// A factor of one, in millionths.
pub(super) const WHOLE: i64 = 1_000_000;

/// `value × factor` millionths, rounded half away from zero.
#[inline]
pub(super) fn scaled(value: i64, factor: i64) -> i64 {
    if factor == WHOLE {
        return value;
    }
    let half = if value < 0 { -WHOLE / 2 } else { WHOLE / 2 };
    match value.checked_mul(factor).and_then(|product| product.checked_add(half)) {
        // A division by a constant: this is the inside of the loop over usage paths.
        Some(shifted) => shifted / WHOLE,
        None => Energy::from_mwh_thousandths(value).scale(factor, WHOLE).mwh_thousandths(),
    }
}

/// A held energy as billed: scaled to the point, then net of what exports cancel.
#[inline]
pub(super) fn energy(context: &Context<'_>, charge: &CompiledCharge, register: Register, held: i64) -> Energy {
    let energy = Energy::from_mwh_thousandths(scaled(held, context.point.factor));
    match context.netting {
        Some(netting) if register == Register::Import && netting.tags & charge.tags != 0 => {
            energy.scale(netting.left, netting.of)
        }
        _ => energy,
    }
}

/// An amount as its line states it: signed, rounded where lines are.
#[inline]
pub(super) fn line_amount(tariff: &Compiled, charge: &CompiledCharge, amount: Money) -> Money {
    let signed = if charge.credit { -amount } else { amount };
    if tariff.round == Round::Line { signed.round(tariff.digits) } else { signed }
}

#[inline]
pub(super) fn applies(condition: &Condition, point: &Point, contract_start: Date) -> bool {
    condition.usage.is_none_or(|band| band.contains(point.usage))
        && (condition.months.is_empty() || condition.months.contains(&point.frame.month))
        && condition.contract_months.is_none_or(|months| {
            let month = months_since(contract_start, point.window.start) + 1;
            months.from <= month && months.to.is_none_or(|to| month <= to)
        })
}

/// Whole months from `start` to `date`.
fn months_since(start: Date, date: Date) -> u32 {
    let months = Month::of(start).until(Month::of(date)) - i32::from(date.day() < start.day());
    months.max(0) as u32
}

/// A sum per bill, month, day or year in a span of a window: amount, how many, of what.
#[inline]
pub(super) fn fixed(value: Price, per: Per, span: Window, frame: &Frame) -> (Money, f64, &'static str) {
    let whole = span == frame.window;
    match per {
        Per::Bill if whole => (value.once(), 1.0, "bill"),
        Per::Bill => {
            let days = frame.days.max(1);
            (value.once().scale(span.days(), days), span.days() as f64 / days as f64, "bill")
        }
        Per::Day => {
            let days = if whole { frame.days } else { span.days() };
            (times(value, days), days as f64, "day")
        }
        Per::Month => {
            if (whole && frame.is_month) || span == Month::of(span.start).window() {
                return (value.once(), 1.0, "month");
            }
            by_parts(value, span, "month", |date| {
                let month = Month::of(date);
                (month.plus(1).first_day(), i64::from(month.days()))
            })
        }
        Per::Year => by_parts(value, span, "year", |date| {
            let next = jiff::civil::date(date.year() + 1, 1, 1);
            (next, i64::from(date.days_in_year()))
        }),
    }
}

/// Each part of a span by its days; `part` gives the end and the full length of the part a date lies in.
fn by_parts(
    value: Price,
    span: Window,
    unit: &'static str,
    part: impl Fn(Date) -> (Date, i64),
) -> (Money, f64, &'static str) {
    let (mut amount, mut count, mut date) = (Money::ZERO, 0.0, span.start);
    while date < span.end {
        let (end, length) = part(date);
        let days = Window { start: date, end: end.min(span.end) }.days();
        amount += value.once().scale(days, length);
        count += days as f64 / length as f64;
        date = end;
    }
    (amount, count, unit)
}

/// Measured demand, at least its floor and its share of the highest of the months before.
pub(super) fn billed_demand(measured: &[i64], point: &Point, demand: &Demand) -> i64 {
    let at = |index: usize| scaled(measured[index], point.factor);
    let ratchet = demand.ratchet.map_or(0, |ratchet| {
        let from = point.index.saturating_sub(ratchet.months as usize);
        let highest = (from..point.index).map(at).max().unwrap_or(0);
        Energy::from_mwh_thousandths(highest)
            .scale((ratchet.percent.percent() * 1e6) as i64, 100 * WHOLE)
            .mwh_thousandths()
    });
    at(point.index).max(ratchet).max(demand.floor.mwh_thousandths())
}
