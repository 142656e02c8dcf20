//! What normalising found and did, as facts an import report can show.

use crate::domain::units::Energy;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

/// How many entries of one kind a report lists; further ones are only counted.
pub const LISTED: usize = 50;

/// The report of one [`normalise`](super::normalise::normalise).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NormaliseReport {
    pub kind: SetKind,
    /// Minutes of one step; absent for days, months and periods.
    pub resolution_minutes: Option<u16>,
    pub first_date: Date,
    /// The last day covered.
    pub last_date: Date,
    /// Rows read.
    pub rows: u64,
    /// Rows whose value is used.
    pub accepted: u64,
    /// Rows that stated an interval again and lost to a higher revision or a later line.
    pub duplicates: u64,
    /// Rows that state an interval without a value.
    pub empty: u64,
    /// Accepted rows the utility marked as estimates or substitutes.
    pub estimated: u64,
    /// Stretches without a reading.
    pub gaps: Listed<Span>,
    /// Steps (days in a set of days) filled with what is typical for the hour of the week.
    pub filled: u64,
    /// Steps (days in a set of days) left without a value; they count as zero.
    pub missing: u64,
    /// Long stretches of zero use.
    pub zero_runs: Listed<Span>,
    /// Days (months, periods) far outside the others; flagged, never altered.
    pub outliers: Listed<Outlier>,
    /// Days in the data on which the clocks change.
    pub clock_changes: Vec<ClockChange>,
    /// First or last days with too few readings, left out.
    pub dropped_days: Vec<DroppedDay>,
    /// Imported energy after normalising, filled steps included.
    pub total_kwh: Energy,
    /// Of the import register, what was filled in by us.
    pub filled_kwh: Energy,
    /// Absent when the meter has no such register.
    pub export_kwh: Option<Energy>,
    /// Absent when the meter has no such register.
    pub controlled_kwh: Option<Energy>,
    /// Sentences on anything else worth knowing, suspicions about the unit among them.
    pub notes: Vec<String>,
}

/// Which kind of reading set came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SetKind {
    Intervals,
    Days,
    Months,
    Periods,
}

/// The number of findings, and the first [`LISTED`] of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Listed<T> {
    pub count: u64,
    pub first: Vec<T>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Listed { count: 0, first: Vec::new() }
    }
}

impl<T> Listed<T> {
    /// Counts one more, and makes it only when it is listed.
    pub fn push(&mut self, item: impl FnOnce() -> T) {
        self.count += 1;
        if self.first.len() < LISTED {
            self.first.push(item());
        }
    }
}

/// A stretch of local time; dates for days and longer, date and time with its offset for intervals.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Span {
    pub from: String,
    /// The first moment (or day) after it.
    pub to: String,
    pub hours: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Outlier {
    /// The first day of the day, month or period.
    pub from: Date,
    pub days: u32,
    /// Per day for billing periods, else the total.
    pub kwh: Energy,
    /// Values from here ..
    pub usual_from_kwh: Energy,
    /// .. to here are usual: Q1 - 1.5 IQR to Q3 + 1.5 IQR.
    pub usual_to_kwh: Energy,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ClockChange {
    pub date: Date,
    /// 23 in spring, 25 in autumn (half an hour of change: 23.5 and 24.5).
    pub hours: f64,
    /// Steps of that day that were read.
    pub steps_read: u32,
    pub steps: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DroppedDay {
    pub date: Date,
    pub steps_read: u32,
    pub steps: u32,
    /// Import energy left out with it.
    pub kwh: Energy,
}
