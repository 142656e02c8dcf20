//! `treebeard demo`: the main job on an invented market and household, in the terminal and then over HTTP.

use crate::app::App;
use crate::app::recommendations::Generated;
use crate::cli::report_file::{self, ReportFlags};
use crate::cli::{Failure, SettingFlags, advice_table, database, meter_file, output, service};
use crate::config::Config;
use crate::domain::advice::{self, CurrentPlan, Location, Options, Priorities, Recommendation, UserProfile};
use crate::domain::catalog::{CatalogFile, PropertyType};
use crate::domain::market::Snapshot;
use crate::domain::usage::normalise::normalise;
use crate::domain::usage::profile::profile;
use crate::domain::usage::projection::project;
use crate::domain::usage::readings::ReadingSet;
use crate::formats::catalog::{self, CatalogFormat, CatalogOptions};
use crate::formats::usage::{self, UsageFormat, UsageOptions};
use crate::http::listener::Inherited;
use crate::ops::logging;
use crate::store::Migrations;
use crate::store::catalog::import::{ImportMode, replace};
use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::net::SocketAddr;
use uuid::Uuid;

/// The invented market: 56 plans of 13 suppliers over four utilities.
const CATALOG: &[u8] = include_bytes!("../../assets/demo/catalog.json");
/// The invented household: a year of 15-minute readings, one day a row.
pub(super) const HOUSEHOLD: &[u8] = include_bytes!("../../assets/demo/household.csv");
const ZIP: &str = "75001";
/// What the household is on: cheap on its label at exactly 1,000 kWh.
const CURRENT_PLAN: &str = "dusty-star/big-dipper-12";
/// Days until the household's contract ends.
const CONTRACT_DAYS_LEFT: i64 = 75;
const SEED: u64 = 1;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard demo\n  \
    treebeard demo --once\n  \
    treebeard demo --once --json\n  \
    treebeard demo --once --report advice.html\n  \
    treebeard demo --listen 127.0.0.1:9000")]
pub struct Arguments {
    /// Print the advice and end
    #[arg(long)]
    once: bool,
    /// Print the advice as JSON, as the API gives it
    #[arg(long)]
    json: bool,
    /// Address and port to serve on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Day the advice is for [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    #[command(flatten, next_help_heading = "Files to write")]
    files: ReportFlags,
}

/// The invented household and what it is told.
struct Advised {
    advice: Recommendation,
    readings: ReadingSet,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let now = Timestamp::now();
    let folder = tempfile::Builder::new().prefix("treebeard-demo-").tempdir()?;
    let config = config(arguments, settings, folder.path())?;
    let file = market()?;
    let Advised { advice, readings } = advise(file.clone(), arguments.as_of, now)?;
    let answer = Generated::new(Uuid::now_v7(), now, &advice);
    report_file::write(&arguments.files, &answer, Priorities::default(), &readings)?;
    if arguments.json {
        output::print_json(&answer)?;
    } else {
        output::print(&headline())?;
        output::print(&advice_table::text(&advice))?;
    }
    let store = database::open(&config, Migrations::Apply)?;
    store
        .write_blocking(move |tx| replace(tx, &file, ImportMode::Replace, now))
        .map_err(|error| database::failure(&error))?;
    if arguments.once {
        return Ok(());
    }
    logging::start(&config.logging, config.debug, None);
    let app = App::new(config, store).map_err(Failure::failed)?;
    let quiet = arguments.json;
    service::run(app, Inherited::none(), None, move |scheme, address| {
        tracing::info!(address, "listening on {scheme}://{address}");
        if !quiet {
            // Whoever closed the terminal does not miss the hints.
            let _nobody_reads = output::print(&next_steps(scheme, address));
        }
    })
}

/// The demo keeps everything in a folder of its own, which goes when it ends.
fn config(arguments: &Arguments, settings: &SettingFlags, folder: &std::path::Path) -> Result<Config, Failure> {
    let mut own = vec![
        ("data_dir", folder.display().to_string()),
        ("database.url", format!("sqlite:{}", folder.join("demo.db").display())),
    ];
    // It goes when the demo ends.
    own.extend([("backup.enabled", "false".to_owned()), ("backup.archive", "false".to_owned())]);
    own.extend(arguments.listen.map(|address| ("server.listen", address.to_string())));
    settings.load(&own)
}

fn market() -> Result<CatalogFile, Failure> {
    let options = CatalogOptions { format: Some(CatalogFormat::Json), ..CatalogOptions::default() };
    Ok(catalog::read(CATALOG, &options).map_err(Failure::failed)?.catalog)
}

fn advise(file: CatalogFile, as_of: Option<Date>, now: Timestamp) -> Result<Advised, Failure> {
    let market = file.market.clone();
    let zone = meter_file::zone(&market.time_zone)?;
    let as_of = as_of.unwrap_or_else(|| now.to_zoned(zone.clone()).date());
    let options =
        UsageOptions { format: Some(UsageFormat::Wide), zone: zone.clone(), meter: None, start: None, partial: false };
    let readings = usage::read(HOUSEHOLD, &options).map_err(Failure::failed)?.readings;
    let (readings, _) = normalise(readings, &zone).map_err(Failure::failed)?;
    let property = PropertyType::Residential;
    let projection = project(&readings, as_of, &market, property, &zone, SEED).map_err(Failure::failed)?;
    let analysis = profile(&readings, &market, property);
    let snapshot = Snapshot::build(vec![file], 0, as_of);
    let ends = as_of.saturating_add(CONTRACT_DAYS_LEFT.days());
    let request = advice::Request {
        as_of,
        place: Location::Zip(ZIP.to_owned()),
        property_type: property,
        profile: UserProfile::of(&analysis, &projection),
        projection,
        priorities: Priorities::default(),
        current_plan: Some(CurrentPlan {
            plan_id: Some(market.derived_id("plan", CURRENT_PLAN)),
            contract_start_date: Some(ends.saturating_sub(365.days())),
            contract_end_date: Some(ends),
            ..CurrentPlan::default()
        }),
        options: Options { top_n: 5, ..Options::default() },
        include_risks: true,
    };
    let advice = advice::recommend(&snapshot, &request).map_err(Failure::failed)?;
    Ok(Advised { advice, readings })
}

fn headline() -> String {
    format!(
        "TreeBeard demo: an invented market, and a household in ZIP {ZIP} with a year of 15-minute readings.\n\
         It is on Big Dipper 12 of Dusty Star Energy ($125 off each bill from 1,000 kWh on).\n\n"
    )
}

fn next_steps(scheme: &str, address: &str) -> String {
    format!(
        "\nServing on {scheme}://{address} until Ctrl-C (nothing is kept).\n  \
         API pages   {scheme}://{address}/docs\n  \
         health      {scheme}://{address}/health\n  \
         plans       curl '{scheme}://{address}/api/v1/plans/catalog?zip_code=78701&sort=price_1000'\n  \
         as a page   treebeard demo --once --report advice.html\n  \
         your own    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001\n"
    )
}
