//! What came of importing a meter file, as clients read it.

use crate::domain::usage::report::{ClockChange, Listed, NormaliseReport, Outlier, SetKind, Span};
use crate::formats::error::{At, Rejection, brief};
use crate::formats::usage::UsageFile;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

/// The report of one import: everything that was read, refused, filled in or assumed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportReport {
    pub success: bool,
    pub message: String,
    /// The format the file was read as.
    pub format: String,
    pub rows_read: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    /// Refused rows (a partial import has them), the first hundred.
    pub rejected: Vec<RejectedRow>,
    pub time_span: TimeSpan,
    /// What one reading covers.
    pub resolution: Resolution,
    /// Minutes of one reading; `null` for days, months and periods.
    pub resolution_minutes: Option<u16>,
    pub gaps: Listed<Span>,
    /// Rows that state a time again and lost to a later or revised one.
    pub duplicates: u64,
    /// Rows that state a time without a value.
    pub empty: u64,
    /// Days in the file on which the clocks change.
    pub dst_days: Vec<ClockChange>,
    /// Readings filled with what is typical for their hour of the week.
    pub filled: u64,
    /// Readings the utility marked as estimates.
    pub estimated: u64,
    pub outliers: Listed<Outlier>,
    pub zero_runs: Listed<Span>,
    /// Energy taken from the grid, filled readings included.
    pub kwh_total: f64,
    /// Energy sent to the grid; `null` when the meter does not count it.
    pub export_kwh_total: Option<f64>,
    /// What the account holds of this file now.
    pub stored: Stored,
    /// What was assumed or is worth knowing.
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RejectedRow {
    /// Line of a text file, from 1.
    pub line: Option<u64>,
    /// Entry of a file without lines, from 1.
    pub record: Option<u64>,
    /// The column or element.
    pub field: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimeSpan {
    pub first_date: Date,
    pub last_date: Date,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    Intervals,
    Days,
    Months,
    BillingPeriods,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Stored {
    /// Days with readings.
    pub days: u32,
    /// Months of the usage history, written or replaced.
    pub months: u32,
}

impl ImportReport {
    pub fn new(file: FileFacts, found: NormaliseReport, stored: Stored) -> Self {
        let mut notes = file.notes;
        notes.extend(found.notes);
        let kind = match found.kind {
            SetKind::Intervals => Resolution::Intervals,
            SetKind::Days => Resolution::Days,
            SetKind::Months => Resolution::Months,
            SetKind::Periods => Resolution::BillingPeriods,
        };
        ImportReport {
            success: true,
            message: message(found.first_date, found.last_date, file.rows_rejected),
            format: file.format,
            rows_read: file.rows_read,
            rows_accepted: file.rows_read.saturating_sub(file.rows_rejected),
            rows_rejected: file.rows_rejected,
            rejected: file.rejected,
            time_span: TimeSpan { first_date: found.first_date, last_date: found.last_date },
            resolution: kind,
            resolution_minutes: found.resolution_minutes,
            gaps: found.gaps,
            duplicates: found.duplicates,
            empty: found.empty,
            dst_days: found.clock_changes,
            filled: found.filled,
            estimated: found.estimated,
            outliers: found.outliers,
            zero_runs: found.zero_runs,
            kwh_total: crate::app::figures::kwh(found.total_kwh),
            export_kwh_total: found.export_kwh.map(crate::app::figures::kwh),
            stored,
            notes,
        }
    }
}

fn message(first: Date, last: Date, rejected: u64) -> String {
    let left_out = match rejected {
        0 => String::new(),
        1 => " One row was left out.".to_owned(),
        count => format!(" {count} rows were left out."),
    };
    format!("Usage from {first} to {last} is held now.{left_out}")
}

/// What the report keeps of a file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct FileFacts {
    pub format: String,
    pub rows_read: u64,
    pub rows_rejected: u64,
    pub rejected: Vec<RejectedRow>,
    pub notes: Vec<String>,
}

impl FileFacts {
    pub fn of(file: &UsageFile) -> Self {
        FileFacts {
            format: file.format.name().to_owned(),
            rows_read: file.rows_read,
            rows_rejected: file.rows_rejected,
            rejected: file.rejected.iter().map(RejectedRow::of).collect(),
            notes: file.notes.clone(),
        }
    }
}

impl RejectedRow {
    fn of(rejection: &Rejection) -> Self {
        let (line, record) = match rejection.place.at {
            At::File => (None, None),
            At::Line(line) => (Some(line), None),
            At::Record(record) => (None, Some(record)),
        };
        let field = rejection.place.field.as_deref().map(brief);
        RejectedRow { line, record, field, reason: brief(&rejection.reason) }
    }
}
