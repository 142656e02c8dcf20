//! A meter file as commands take it: which file, how to read it, and what reading it gave.

use crate::cli::{Failure, input};
use crate::domain::usage::normalise::normalise;
use crate::domain::usage::readings::ReadingSet;
use crate::domain::usage::report::NormaliseReport;
use crate::formats::Rejection;
use crate::formats::usage::{self, UsageFormat, UsageOptions};
use clap::Args;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::Path;

/// How to read a meter file; all of it can usually be found out from the file.
#[derive(Debug, Args)]
pub struct MeterFlags {
    /// Format of the meter file, if it is not found out: monthly, periods, interval, wide, smart_meter_texas,
    /// green_button, nem12, nem13, hourly or octopus
    #[arg(long, value_name = "FORMAT")]
    usage_format: Option<UsageFormat>,
    /// Which meter of a file with several: its position from 1, or its identifier
    #[arg(long)]
    meter: Option<String>,
    /// First day of bare hourly values, which carry no dates
    #[arg(long, value_name = "DATE")]
    start: Option<Date>,
    /// Use the good rows of a file that has bad ones
    #[arg(long)]
    partial: bool,
}

/// What a meter file holds, ready to be used.
pub struct Meter {
    pub format: UsageFormat,
    pub readings: ReadingSet,
    pub report: NormaliseReport,
    pub rows_read: u64,
    pub rejected: Vec<Rejection>,
    pub rows_rejected: u64,
    pub notes: Vec<String>,
}

/// Reads and normalises a meter file; its local clock times are those of `zone`.
pub fn read(path: &Path, flags: &MeterFlags, zone: &TimeZone) -> Result<Meter, Failure> {
    let options = UsageOptions {
        format: flags.usage_format,
        zone: zone.clone(),
        meter: flags.meter.clone(),
        start: flags.start,
        partial: flags.partial,
    };
    let file = usage::read(input::open(path)?, &options).map_err(|error| input::refused(path, error))?;
    let (readings, report) = normalise(file.readings, zone).map_err(|error| input::refused(path, error))?;
    Ok(Meter {
        format: file.format,
        readings,
        report,
        rows_read: file.rows_read,
        rejected: file.rejected,
        rows_rejected: file.rows_rejected,
        notes: file.notes,
    })
}

/// A time zone by its IANA name.
pub fn zone(name: &str) -> Result<TimeZone, Failure> {
    TimeZone::get(name)
        .map_err(|_| Failure::usage(format!("{name} is not a time zone: write its IANA name, such as America/Chicago")))
}
