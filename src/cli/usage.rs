//! `treebeard usage inspect`: what a meter file holds and what was found in it, before anything is done with it.

use crate::cli::meter_file::{self, Meter, MeterFlags};
use crate::cli::{Failure, output};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard usage inspect meter.csv\n  \
    treebeard usage inspect greenbutton.xml --zone America/New_York --json")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Read a meter file and report its span, resolution, gaps and oddities
    Inspect {
        /// Meter file; - reads standard input
        file: PathBuf,
        /// Time zone of the meter's clock
        #[arg(long, default_value = "America/Chicago")]
        zone: String,
        #[command(flatten)]
        meter: MeterFlags,
        /// Print the report as JSON
        #[arg(long)]
        json: bool,
    },
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Command::Inspect { file, zone, meter, json } = &arguments.command;
    let meter = meter_file::read(file, meter, &meter_file::zone(zone)?)?;
    let report = report(&meter)?;
    if *json { output::print_json(&report) } else { output::print(&readable(&report)) }
}

/// The import report: what the file said of itself, then what normalising found.
fn report(meter: &Meter) -> Result<Value, Failure> {
    #[derive(Serialize)]
    struct Rejected {
        place: String,
        reason: String,
    }
    let rejected: Vec<Rejected> = meter
        .rejected
        .iter()
        .map(|row| Rejected { place: row.place.to_string(), reason: row.reason.clone() })
        .collect();
    let mut report = json!({
        "format": meter.format.name(),
        "rows_read": meter.rows_read,
        "rows_rejected": meter.rows_rejected,
        "rejected": rejected,
    });
    let found = serde_json::to_value(&meter.report).map_err(Failure::failed)?;
    if let (Some(report), Value::Object(mut found)) = (report.as_object_mut(), found) {
        let notes = found.shift_remove("notes");
        report.extend(found);
        let said = meter.notes.iter().map(|note| json!(note));
        let noticed = notes.and_then(|notes| notes.as_array().cloned()).unwrap_or_default();
        report.insert("notes".to_owned(), said.chain(noticed).collect());
    }
    Ok(report)
}

/// Every fact of the report as a line; a list as its count and its first entries.
fn readable(report: &Value) -> String {
    const SHOWN: usize = 5;
    let mut table = output::table(&["what", "value"]);
    let mut details = String::new();
    for (key, value) in report.as_object().into_iter().flatten() {
        let name = key.replace('_', " ");
        let (count, items) = match value {
            Value::Null => continue,
            Value::Array(items) => (items.len().to_string(), items.as_slice()),
            Value::Object(listed) => (
                listed.get("count").map_or(String::new(), ToString::to_string),
                listed.get("first").and_then(Value::as_array).map_or(&[][..], Vec::as_slice),
            ),
            Value::String(text) => (text.clone(), &[][..]),
            other => (other.to_string(), &[][..]),
        };
        table.add_row([&name, &count]);
        if !items.is_empty() {
            details += &["\n", &name, ":\n"].concat();
            for item in items.iter().take(SHOWN) {
                details += &["  ", &sentence(item), "\n"].concat();
            }
            if items.len() > SHOWN {
                let more = (items.len() - SHOWN).to_string();
                details += &["  and ", &more, " more (--json lists them)\n"].concat();
            }
        }
    }
    output::lines(&table) + &details
}

/// `from 2022-03-13 to 2022-03-14, hours 23` for an object; a text as it is.
fn sentence(item: &Value) -> String {
    match item {
        Value::Object(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|(key, value)| {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    format!("{} {value}", key.replace('_', " "))
                })
                .collect();
            parts.join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
