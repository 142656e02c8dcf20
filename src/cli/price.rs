//! `treebeard price`: what a tariff comes to on exactly the readings of a meter file, every charge a line.

use crate::cli::bills::{self, Bills};
use crate::cli::meter_file::{self, MeterFlags};
use crate::cli::{Failure, SettingFlags, output, stored, tariff_file};
use crate::domain::tariff::compile;
use clap::{ArgGroup, Args};
use jiff::civil::Date;
use std::path::PathBuf;

/// The home market's zone, for tariffs that name none.
const DEFAULT_ZONE: &str = "America/Chicago";

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard price --tariff plan.json --usage meter.csv\n  \
    treebeard price --tariff plans.csv --plan 12345 --utility oncor --usage meter.xml --json")]
#[command(group = ArgGroup::new("what").required(true).multiple(true))]
pub struct Arguments {
    /// Tariff: our JSON form, a short rate_structure form, or a catalog in any format
    #[arg(long, value_name = "FILE", group = "what")]
    tariff: Option<PathBuf>,
    /// Plan by key, id or name: of the tariff file, or of the imported catalog
    #[arg(long, value_name = "ID", group = "what")]
    plan: Option<String>,
    /// Meter file; - reads standard input
    #[arg(long, value_name = "FILE")]
    usage: PathBuf,
    /// Whose delivery charges are passed through, where a plan is sold under several utilities
    #[arg(long, value_name = "NAME")]
    utility: Option<String>,
    /// First day of the contract [default: the first day read]
    #[arg(long, value_name = "DATE")]
    contract_start: Option<Date>,
    /// Time zone of the meter's clock [default: the catalog's, else America/Chicago]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    #[command(flatten)]
    meter: MeterFlags,
    /// Print the bills as JSON
    #[arg(long)]
    json: bool,
    /// Print the totals of the bills without their lines
    #[arg(long, conflicts_with = "json")]
    totals: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let (plan, utility) = (arguments.plan.as_deref(), arguments.utility.as_deref());
    let priced = match (&arguments.tariff, plan) {
        (Some(file), plan) => tariff_file::read(file, plan, utility)?,
        (None, Some(plan)) => stored::plan(settings, plan, utility)?,
        (None, None) => return Err(Failure::usage("name a tariff with --tariff FILE or --plan ID")),
    };
    let zone = arguments.zone.as_deref().or(priced.time_zone.as_deref()).unwrap_or(DEFAULT_ZONE);
    let zone = meter_file::zone(zone)?;
    let meter = meter_file::read(&arguments.usage, &arguments.meter, &zone)?;
    let tariff = compile(&priced.tariff, priced.delivery.as_ref(), arguments.contract_start)
        .map_err(|faults| Failure::failed(tariff_file::all(&faults)))?;
    let (bills, other_shapes) = bills::of(&meter.readings, &tariff, &zone).map_err(Failure::failed)?;
    let bills = Bills::new(priced.currency, &bills, other_shapes);
    for note in priced.notes.into_iter().chain(bills.note()) {
        output::note(&note);
    }
    if arguments.json { output::print_json(&bills) } else { output::print(&bills.table(!arguments.totals)) }
}
