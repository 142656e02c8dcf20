//! Bills for exactly the readings given: cutting them into billing windows, and the bills as JSON and as a table.

use crate::cli::output;
use crate::domain::calendar::{Month, Window};
use crate::domain::tariff::model::Tag;
use crate::domain::tariff::{Bill, Compiled, Fault, Load, Pricer};
use crate::domain::units::{Energy, Money};
use crate::domain::usage::readings::{DayReading, Intervals, ReadingSet};
use crate::domain::usage::shape::{Shape, spread};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub struct Bills {
    pub currency: String,
    pub total: f64,
    /// There where only totals are held and the price depends on the hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_shape: Option<EstimatedShape>,
    pub months: Vec<MonthBill>,
}

/// The hours the bills assume, and what all bills come to with others.
#[derive(Debug, Serialize)]
pub struct EstimatedShape {
    /// The standard load shape.
    pub shape: &'static str,
    /// Total with energy used more evenly over the day.
    pub flatter: f64,
    /// Total with energy used less evenly.
    pub peakier: f64,
}

#[derive(Debug, Serialize)]
pub struct MonthBill {
    /// First day of the month the bill closes in.
    pub month: Date,
    /// First day billed, where that is not the whole month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Date>,
    /// First day no longer billed, where that is not the whole month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Date>,
    pub kwh: f64,
    pub total: f64,
    pub lines: Vec<BillLine>,
}

#[derive(Debug, Serialize)]
pub struct BillLine {
    pub label: String,
    pub kind: Tag,
    pub quantity: f64,
    pub unit: &'static str,
    /// Currency per unit; percent where the unit is `%`.
    pub rate: f64,
    pub amount: f64,
}

/// The bills of a tariff on exactly the readings given. Where its price depends on the hour and only totals are held,
/// the hours are those of the standard load shape; what other shapes would come to is told with it.
pub fn of(
    readings: &ReadingSet,
    tariff: &Compiled,
    zone: &TimeZone,
) -> Result<(Vec<Bill>, Option<OtherShapes>), Fault> {
    let billed = match readings {
        ReadingSet::Intervals(intervals) => {
            let load = Load::from_intervals(intervals, &months_of(intervals));
            return Ok((Pricer::new(&load).bills(tariff)?, None));
        }
        ReadingSet::Days(days) => by_month(days),
        ReadingSet::Months(_) | ReadingSet::Periods(_) => stated(readings),
    };
    if let Ok(bills) = Pricer::new(&Load::from_totals(&billed)).bills(tariff) {
        return Ok((bills, None));
    }
    let (totals, windows) = (stated(readings), billed.iter().map(|(window, _)| *window).collect::<Vec<_>>());
    let with = |shape| {
        let load = Load::from_intervals(&spread(&totals, zone, shape), &windows);
        Pricer::new(&load).bills(tariff)
    };
    let bills = with(Shape::Standard)?;
    let others = OtherShapes { flatter: total(&with(Shape::Flatter)?), peakier: total(&with(Shape::Peakier)?) };
    Ok((bills, Some(others)))
}

/// What all bills come to where the household uses its energy more evenly over the day than the standard load shape
/// has it, and less evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherShapes {
    pub flatter: Money,
    pub peakier: Money,
}

/// The energy of each stretch of time the file states.
fn stated(readings: &ReadingSet) -> Vec<(Window, Energy)> {
    match readings {
        ReadingSet::Intervals(_) => Vec::new(),
        ReadingSet::Days(days) => days.iter().map(|day| (window_of(day), day.import)).collect(),
        ReadingSet::Months(months) => months.iter().map(|reading| (reading.month.window(), reading.energy)).collect(),
        ReadingSet::Periods(periods) => periods.iter().map(|period| (period.window, period.energy)).collect(),
    }
}

fn window_of(day: &DayReading) -> Window {
    Window { start: day.date, end: day.date.tomorrow().unwrap_or(day.date) }
}

/// Days as they are billed: calendar months, from the first to the last day read.
fn by_month(days: &[DayReading]) -> Vec<(Window, Energy)> {
    let mut months: BTreeMap<Month, (Window, Energy)> = BTreeMap::new();
    for day in days {
        let window = window_of(day);
        let month = months.entry(Month::of(day.date)).or_insert((window, Energy::ZERO));
        month.0.end = window.end;
        month.1 += day.import;
    }
    months.into_values().collect()
}

/// Calendar months, the first and the last cut to the days that were read.
fn months_of(intervals: &Intervals) -> Vec<Window> {
    let all = intervals.window();
    let mut windows = Vec::new();
    let mut month = Month::of(all.start);
    while let Some(window) = month.window().overlap(all) {
        windows.push(window);
        month = month.plus(1);
    }
    windows
}

impl Bills {
    pub fn new(currency: String, bills: &[Bill], others: Option<OtherShapes>) -> Self {
        let estimated_shape = others.map(|others| EstimatedShape {
            shape: "standard",
            flatter: money(others.flatter),
            peakier: money(others.peakier),
        });
        Bills { currency, total: money(total(bills)), estimated_shape, months: bills.iter().map(month_bill).collect() }
    }

    /// What to know about the bills, for a person.
    pub fn note(&self) -> Option<String> {
        let EstimatedShape { flatter, peakier, .. } = self.estimated_shape.as_ref()?;
        let currency = &self.currency;
        Some(format!(
            "the price depends on the hour and the meter file holds totals only: the hours are those of the standard \
             load shape. Used more evenly over the day it would be {flatter:.2} {currency}, less evenly {peakier:.2} \
             {currency}; interval readings give the exact bills"
        ))
    }

    /// One row a bill, or with `all_lines` one row a charge.
    pub fn table(&self, all_lines: bool) -> String {
        let mut table = output::table(&["month", "charge", "quantity", "unit", "rate", "amount"]);
        for month in &self.months {
            let name = match (month.start, month.end.and_then(|end| end.yesterday().ok())) {
                (Some(start), Some(last)) => format!("{start} to {last}"),
                _ => month.month.strftime("%Y-%m").to_string(),
            };
            if all_lines {
                for line in &month.lines {
                    let (quantity, rate) = (format!("{:.3}", line.quantity), format!("{:.6}", line.rate));
                    let (quantity, rate, amount) = (
                        output::number(short(&quantity)),
                        output::number(short(&rate)),
                        output::number(format!("{:.2}", line.amount)),
                    );
                    table.add_row([
                        name.as_str().into(),
                        line.label.as_str().into(),
                        quantity,
                        line.unit.into(),
                        rate,
                        amount,
                    ]);
                }
            }
            let kwh = output::number(short(&format!("{:.3}", month.kwh)));
            let total = output::number(format!("{:.2}", month.total));
            table.add_row([name.into(), "total".into(), kwh, "kWh".into(), "".into(), total]);
        }
        let total = output::number(format!("{:.2}", self.total));
        table.add_row(["all".into(), "total".into(), "".into(), self.currency.as_str().into(), "".into(), total]);
        output::lines(&table)
    }
}

/// A decimal without zeros at its end.
fn short(decimal: &str) -> &str {
    decimal.trim_end_matches('0').trim_end_matches('.')
}

fn total(bills: &[Bill]) -> Money {
    bills.iter().map(|bill| bill.total).sum()
}

fn month_bill(bill: &Bill) -> MonthBill {
    let month = Month::of(bill.window.close());
    let whole = month.window() == bill.window;
    MonthBill {
        month: month.first_day(),
        start: (!whole).then_some(bill.window.start),
        end: (!whole).then_some(bill.window.end),
        kwh: rounded(bill.kwh.kwh(), 3),
        total: money(bill.total),
        lines: bill
            .lines
            .iter()
            .map(|line| BillLine {
                label: line.label.clone(),
                kind: line.kind,
                quantity: rounded(line.quantity, 6),
                unit: line.unit,
                rate: rounded(line.rate, 9),
                // A tariff that rounds only its total has lines finer than a cent.
                amount: rounded(line.amount.currency(), 6),
            })
            .collect(),
    }
}

fn money(amount: Money) -> f64 {
    amount.cents() as f64 / 100.0
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    let rounded = (value * scale).round() / scale;
    // No minus before a zero.
    if rounded == 0.0 { 0.0 } else { rounded }
}
