//! Advice written to files: the report to read and print, the twelve months for a spreadsheet.

use crate::app::recommendations::Generated;
use crate::cli::{Failure, output};
use crate::domain::advice::Priorities;
use crate::domain::usage::readings::ReadingSet;
use crate::domain::usage::week::HourOfWeek;
use crate::formats::report::{self, Report};
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct ReportFlags {
    /// Write the report, one HTML page with charts, to read or to print
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write the twelve months of every plan shown as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// Writes what was asked for, over what is there.
pub fn write(
    files: &ReportFlags,
    answer: &Generated<'_>,
    priorities: Priorities,
    readings: &ReadingSet,
) -> Result<(), Failure> {
    if let Some(path) = &files.report {
        let report = Report {
            generated_at: answer.generated_at,
            expires_at: answer.expires_at,
            advice: answer.advice,
            priorities: Some(priorities),
            hours: HourOfWeek::of_readings(readings),
            notes: Vec::new(),
        };
        save(path, report::html(&report).as_bytes())?;
    }
    files.csv.as_ref().map_or(Ok(()), |path| save(path, &report::csv(answer.advice)))
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let shown = path.display();
    std::fs::write(path, bytes).map_err(|error| Failure::failed(format!("cannot write {shown}: {error}")))?;
    output::note(&format!("written: {shown}"));
    Ok(())
}
