//! Meter files in: each public usage format to raw readings, found out by its content or named by the caller.

pub mod detect;
mod fields;
mod gather;
mod greenbutton;
mod hourly;
mod interval;
mod moment;
mod monthly;
mod nem12;
mod nem13;
mod number;
mod octopus;
mod periods;
mod smt;
mod text;
mod wide;

pub use detect::detect;

use crate::domain::usage::readings::RawReadings;
use crate::formats::error::{FormatError, Rejection};
use gather::Gather;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::fmt;
use std::io::Read;
use std::str::FromStr;
use text::Source;

/// The most values one file may hold: nineteen years of 5-minute values.
pub const MAX_READINGS: usize = 2_000_000;
/// The largest value of a month or billing period.
pub const MAX_PERIOD_KWH: i64 = 1_000_000;
/// The largest average power of an interval or a day: above it the unit is taken to be wrong.
pub const MAX_AVERAGE_KW: i64 = 1_000;
/// The first day of bare hourly values when the caller names none: 2025-01-01, or 2024-01-01 for a leap year of values.
pub const DEFAULT_HOURLY_START: [Date; 2] = [jiff::civil::date(2025, 1, 1), jiff::civil::date(2024, 1, 1)];

/// A public usage format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UsageFormat {
    /// `month,kwh`.
    Monthly,
    /// `start,end,kwh`.
    Periods,
    /// One value a row, with its time.
    Interval,
    /// One day a row, with its values.
    Wide,
    SmartMeterTexas,
    /// ESPI XML.
    GreenButton,
    Nem12,
    Nem13,
    /// A year of bare values, one a line.
    Hourly,
    /// Octopus Energy consumption JSON.
    Octopus,
}

impl UsageFormat {
    pub const ALL: [UsageFormat; 10] = [
        UsageFormat::Monthly,
        UsageFormat::Periods,
        UsageFormat::Interval,
        UsageFormat::Wide,
        UsageFormat::SmartMeterTexas,
        UsageFormat::GreenButton,
        UsageFormat::Nem12,
        UsageFormat::Nem13,
        UsageFormat::Hourly,
        UsageFormat::Octopus,
    ];

    /// The name used in settings, reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            UsageFormat::Monthly => "monthly",
            UsageFormat::Periods => "periods",
            UsageFormat::Interval => "interval",
            UsageFormat::Wide => "wide",
            UsageFormat::SmartMeterTexas => "smart_meter_texas",
            UsageFormat::GreenButton => "green_button",
            UsageFormat::Nem12 => "nem12",
            UsageFormat::Nem13 => "nem13",
            UsageFormat::Hourly => "hourly",
            UsageFormat::Octopus => "octopus",
        }
    }
}

impl fmt::Display for UsageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for UsageFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let names = || UsageFormat::ALL.map(UsageFormat::name).join(", ");
        UsageFormat::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| format!("`{text}` is not a usage format: write one of {}", names()))
    }
}

/// How to read a usage file.
#[derive(Debug, Clone)]
pub struct UsageOptions {
    /// Found out by the content when `None`.
    pub format: Option<UsageFormat>,
    /// The market's time zone: local clock times mean this one unless the format says otherwise.
    pub zone: TimeZone,
    /// Which meter of a file with several: its position from 1, or its whole identifier.
    pub meter: Option<String>,
    /// The first day of bare hourly values (they carry no dates).
    pub start: Option<Date>,
    /// Keep the good rows of a file that has bad ones.
    pub partial: bool,
}

impl UsageOptions {
    /// Any format, the only meter, all rows or nothing.
    pub fn new(zone: TimeZone) -> Self {
        UsageOptions { format: None, zone, meter: None, start: None, partial: false }
    }
}

/// What a usage file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageFile {
    pub format: UsageFormat,
    pub readings: RawReadings,
    /// Rows (or records) of data read, good or bad.
    pub rows_read: u64,
    /// Bad rows, at most [`FormatError::MAX_REJECTIONS`]; empty unless the read was partial.
    pub rejected: Vec<Rejection>,
    /// How many rows were bad.
    pub rows_rejected: u64,
    /// What was assumed, left out or noticed: sentences for the import report.
    pub notes: Vec<String>,
}

/// Reads a usage file: the whole of it or, unless `options.partial`, nothing.
pub fn read(input: impl Read, options: &UsageOptions) -> Result<UsageFile, FormatError> {
    let source = Source::open(Box::new(input))?;
    let format = match options.format {
        Some(format) => {
            detect::refuse_other_types(source.start())?;
            format
        }
        None => detect(source.start())?,
    };
    let mut gather = Gather::new(options);
    let readings = match format {
        UsageFormat::Monthly => monthly::read(source, &mut gather),
        UsageFormat::Periods => periods::read(source, &mut gather),
        UsageFormat::Interval => interval::read(source, &mut gather),
        UsageFormat::Wide => wide::read(source, &mut gather),
        UsageFormat::SmartMeterTexas => smt::read(source, &mut gather),
        UsageFormat::GreenButton => greenbutton::read(source, &mut gather),
        UsageFormat::Nem12 => nem12::read(source, &mut gather),
        UsageFormat::Nem13 => nem13::read(source, &mut gather),
        UsageFormat::Hourly => hourly::read(source, &mut gather),
        UsageFormat::Octopus => octopus::read(source, &mut gather),
    }?;
    gather.finish(format, readings)
}
