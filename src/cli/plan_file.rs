//! A catalog file as commands take it: which file, how to read it, and what reading it gave.

use crate::cli::{Failure, input};
use crate::domain::calendar::ClockTime;
use crate::domain::catalog::CatalogFile;
use crate::formats::catalog::{self, CatalogFormat, CatalogImport, CatalogOptions};
use clap::Args;
use jiff::civil::Date;
use std::path::{Path, PathBuf};

/// How to read a catalog file; all of it can usually be found out from the file.
#[derive(Debug, Args)]
pub struct PlanFlags {
    /// Format of the catalog, if it is not found out: json, csv, power-to-choose, urdb, cdr, ohio or octopus
    #[arg(long, value_name = "FORMAT")]
    catalog_format: Option<CatalogFormat>,
    /// Catalog in our JSON form that describes the market and its utilities [default: what is known of the format's home market]
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Day the file was fetched, which decides the delivery charges in force
    #[arg(long, value_name = "DATE")]
    retrieved: Option<Date>,
    /// Utility all plans are sold under, where the file does not say
    #[arg(long, value_name = "ID")]
    sold_under: Option<String>,
    /// Whether the prices contain the sales tax [default: as the format usually does]
    #[arg(long, value_name = "true|false")]
    prices_include_tax: Option<bool>,
    /// Night hours of two-rate meters, as in 00:30-07:30
    #[arg(long, value_name = "FROM-TO", value_parser = night)]
    night: Option<(ClockTime, ClockTime)>,
}

fn night(text: &str) -> Result<(ClockTime, ClockTime), String> {
    let wrong = || "write it as FROM-TO, such as 00:30-07:30".to_owned();
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    Ok((from.trim().parse().map_err(|_| wrong())?, to.trim().parse().map_err(|_| wrong())?))
}

/// Reads a catalog in any format.
pub fn read(path: &Path, flags: &PlanFlags) -> Result<CatalogImport, Failure> {
    let base = flags.base.as_deref().map(base).transpose()?;
    let source = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let options = CatalogOptions {
        format: flags.catalog_format,
        base: base.as_ref(),
        retrieved: flags.retrieved,
        source: source.as_deref(),
        utility: flags.sold_under.as_deref(),
        prices_include_tax: flags.prices_include_tax,
        night: flags.night,
    };
    catalog::read(input::open(path)?, &options).map_err(|error| input::refused(path, error))
}

fn base(path: &Path) -> Result<CatalogFile, Failure> {
    let options = CatalogOptions { format: Some(CatalogFormat::Json), ..CatalogOptions::default() };
    let import = catalog::read(input::open(path)?, &options).map_err(|error| input::refused(path, error))?;
    Ok(import.catalog)
}
