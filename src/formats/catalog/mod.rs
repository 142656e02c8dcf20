//! Plan lists in and out: each public catalog format to our catalog model, and our own two formats both ways.
//!
//! A reader produces a [`CatalogFile`] and says what it left out and why. What a format states exactly is imported
//! exactly; what it only hints at (average prices) is marked as estimated; what our model cannot price is refused by
//! name, plan by plan, and never turned into a partial price.

mod cdr;
mod check;
mod fields;
mod json;
mod octopus;
mod ohio;
mod power_to_choose;
mod reference;
mod table;
mod text;
mod urdb;

pub use check::{CatalogFault, check};
pub use json::{schema, write_json};
pub use reference::reference;
pub use table::{COLUMNS, write_csv};

use crate::domain::calendar::ClockTime;
use crate::domain::catalog::CatalogFile;
use crate::formats::{FormatError, Rejection};
use jiff::civil::Date;
use std::fmt;
use std::io::Read;
use std::str::FromStr;

/// A catalog format we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CatalogFormat {
    /// Our own JSON, `assets/schemas/catalog.schema.json`.
    Json,
    /// Our own CSV, see [`COLUMNS`].
    Csv,
    /// The Texas Power to Choose export, its normalised CSV and its JSON form.
    PowerToChoose,
    /// OpenEI utility rate database records, and the Ratebook form of them.
    Urdb,
    /// Australian Consumer Data Right energy plan detail, and plans of the Energy Made Easy site.
    Cdr,
    /// Ohio "Energy Choice: Apples to Apples" offers.
    Ohio,
    /// A product of the Octopus Energy API.
    Octopus,
}

impl CatalogFormat {
    pub const ALL: [CatalogFormat; 7] = [
        CatalogFormat::Json,
        CatalogFormat::Csv,
        CatalogFormat::PowerToChoose,
        CatalogFormat::Urdb,
        CatalogFormat::Cdr,
        CatalogFormat::Ohio,
        CatalogFormat::Octopus,
    ];

    /// The name on the command line and over HTTP.
    pub const fn as_str(self) -> &'static str {
        match self {
            CatalogFormat::Json => "json",
            CatalogFormat::Csv => "csv",
            CatalogFormat::PowerToChoose => "power-to-choose",
            CatalogFormat::Urdb => "urdb",
            CatalogFormat::Cdr => "cdr",
            CatalogFormat::Ohio => "ohio",
            CatalogFormat::Octopus => "octopus",
        }
    }
}

impl fmt::Display for CatalogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CatalogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(CatalogFormat::as_str).collect();
            format!("\"{text}\" is not a catalog format; the formats are {}", known.join(", "))
        })
    }
}

/// What a file cannot say about itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct CatalogOptions<'a> {
    /// Found out from the content when absent.
    pub format: Option<CatalogFormat>,
    /// Market and utilities the plans belong to; the reference data of the format's home market when absent.
    pub base: Option<&'a CatalogFile>,
    /// The day the file was fetched: which delivery tariff was in force, and the plans' provenance.
    pub retrieved: Option<Date>,
    /// Name of the source, for the plans' provenance; the format's own name when absent.
    pub source: Option<&'a str>,
    /// Id of the utility all plans are sold under, where the file does not say (Ohio).
    pub utility: Option<&'a str>,
    /// Whether stated prices contain the sales tax; the format's usual reading when absent (CDR: without; Octopus: with).
    pub prices_include_tax: Option<bool>,
    /// The night hours of two-rate meters, which Octopus products do not state.
    pub night: Option<(ClockTime, ClockTime)>,
}

/// What became of a catalog file.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogImport {
    pub format: CatalogFormat,
    pub catalog: CatalogFile,
    /// Offers (rows, records) the file holds.
    pub rows_read: u64,
    /// Offers that were not taken, each with its reason.
    pub rejected: Vec<Rejection>,
    /// Choices made for the whole file that a person should know.
    pub notes: Vec<String>,
    /// How many plans bill what their published average prices say; absent where the format publishes none.
    pub shares: Option<Reproduction>,
}

/// How well tariffs bill the average prices their source publishes at 500, 1,000 and 2,000 kWh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reproduction {
    /// Plans with published averages.
    pub published: u32,
    /// Of these, plans whose bills are within 0.1 cent per kWh at all three levels.
    pub reproduced: u32,
    /// Of these, plans billed wholly from what the text states.
    pub parsed: u32,
}

impl Reproduction {
    /// 0 to 1; 1 when nothing is published.
    pub fn share(self) -> f64 {
        if self.published == 0 { 1.0 } else { f64::from(self.reproduced) / f64::from(self.published) }
    }
}

/// Files larger than this are refused: the largest public export is a few megabytes.
pub const MAX_BYTES: u64 = 256 << 20;

/// Reads a catalog file of any format.
pub fn read(input: impl Read, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let text = text::read(input)?;
    let format = match options.format {
        Some(format) => format,
        None => detect(&text).ok_or_else(|| {
            let known: Vec<&str> = CatalogFormat::ALL.into_iter().map(CatalogFormat::as_str).collect();
            FormatError::file(
                "this is not a catalog in a format we know",
                format!("The formats are {}; name yours if it was not recognised", known.join(", ")),
            )
        })?,
    };
    match format {
        CatalogFormat::Json => json::read(&text),
        CatalogFormat::Csv => table::read(&text, options),
        CatalogFormat::PowerToChoose => power_to_choose::read(&text, options),
        CatalogFormat::Urdb => urdb::read(&text, options),
        CatalogFormat::Cdr => cdr::read(&text, options),
        CatalogFormat::Ohio => ohio::read(&text, options),
        CatalogFormat::Octopus => octopus::read(&text, options),
    }
}

/// The format of a decoded file, by what it says near its beginning.
pub fn detect(text: &str) -> Option<CatalogFormat> {
    let start = text.trim_start();
    match start.chars().next()? {
        '<' => start.contains("<Offer").then_some(CatalogFormat::Ohio),
        '{' | '[' if text::is_json(start) => detect_json(start),
        // URDB records are also saved as JSON text inside a JSON string; a CSV header may be quoted just so.
        '"' if start.starts_with("\"{") => Some(CatalogFormat::Urdb),
        _ => {
            let header = start.lines().next().unwrap_or_default();
            if header.contains("[idKey]") || header.contains("price_kwh_500") {
                return Some(CatalogFormat::PowerToChoose);
            }
            table::is_header(header).then_some(CatalogFormat::Csv)
        }
    }
}

fn detect_json(text: &str) -> Option<CatalogFormat> {
    let holds = |name: &str| text.contains(&format!("\"{name}\""));
    if holds("market") && holds("plans") && holds("suppliers") {
        return Some(CatalogFormat::Json);
    }
    if holds("electricityContract") || holds("planData") || (holds("fuelType") && holds("planId")) {
        return Some(CatalogFormat::Cdr);
    }
    if holds("single_register_electricity_tariffs") || holds("dual_register_electricity_tariffs") {
        return Some(CatalogFormat::Octopus);
    }
    if holds("rate500") && holds("rate1000") {
        return Some(CatalogFormat::PowerToChoose);
    }
    let urdb = holds("energyratestructure") || holds("energyweekdayschedule");
    let ratebook = holds("schedule") && holds("periods") && holds("identity");
    (urdb || ratebook || (holds("items") && holds("utility"))).then_some(CatalogFormat::Urdb)
}
