//! Bills for exactly the readings given: cutting them into billing windows, and the bills as JSON and as a table.

use crate::cli::output;
use crate::domain::calendar::{Month, Window};
use crate::domain::tariff::model::Tag;
use crate::domain::tariff::{Bill, Load};
use crate::domain::units::{Energy, Money};
use crate::domain::usage::readings::{Intervals, ReadingSet};
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
pub struct Bills {
    pub currency: String,
    pub total: f64,
    pub months: Vec<MonthBill>,
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

/// The readings as they are billed: calendar months, or the billing periods the file states.
pub fn load(readings: &ReadingSet) -> Load {
    match readings {
        ReadingSet::Intervals(intervals) => Load::from_intervals(intervals, &months_of(intervals)),
        ReadingSet::Days(days) => {
            let mut months: BTreeMap<Month, (Window, Energy)> = BTreeMap::new();
            for day in days {
                let next = day.date.tomorrow().unwrap_or(day.date);
                let month =
                    months.entry(Month::of(day.date)).or_insert((Window { start: day.date, end: next }, Energy::ZERO));
                month.0.end = next;
                month.1 += day.import;
            }
            Load::from_totals(&months.into_values().collect::<Vec<_>>())
        }
        ReadingSet::Months(months) => {
            let windows: Vec<_> = months.iter().map(|reading| (reading.month.window(), reading.energy)).collect();
            Load::from_totals(&windows)
        }
        ReadingSet::Periods(periods) => {
            let windows: Vec<_> = periods.iter().map(|period| (period.window, period.energy)).collect();
            Load::from_totals(&windows)
        }
    }
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
    pub fn new(currency: String, bills: &[Bill]) -> Self {
        let total: Money = bills.iter().map(|bill| bill.total).sum();
        Bills { currency, total: money(total), months: bills.iter().map(month_bill).collect() }
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
