//! `treebeard recommend`: ranked plans for one household, from a catalog and a meter file.

use crate::app::recommendations::Generated;
use crate::cli::household::{self, HouseholdFlags};
use crate::cli::{Failure, SettingFlags, advice_table, output};
use crate::domain::advice;
use clap::Args;
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --utility oncor --priorities 50,20,20,10 --json\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001 --current-rate 14.9 --contract-end 2027-03-31")]
pub struct Arguments {
    #[command(flatten)]
    household: HouseholdFlags,
    /// Print the answer as JSON, as the API gives it
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let now = Timestamp::now();
    let (snapshot, request) = household::request(&arguments.household, settings, now)?;
    let advice = advice::recommend(&snapshot, &request).map_err(Failure::failed)?;
    if arguments.json {
        output::print_json(&Generated::new(Uuid::now_v7(), now, &advice))
    } else {
        output::print(&advice_table::text(&advice))
    }
}
