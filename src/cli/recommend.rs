//! `treebeard recommend`: ranked plans for one household, from a catalog and a meter file.

use crate::app::recommendations::Generated;
use crate::cli::household::{self, HouseholdFlags};
use crate::cli::report_file::{self, ReportFlags};
use crate::cli::{Failure, SettingFlags, advice_table, output};
use crate::domain::advice;
use clap::Args;
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --utility oncor --priorities 50,20,20,10 --json\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001 --current-rate 14.9 --report advice.html")]
pub struct Arguments {
    #[command(flatten)]
    household: HouseholdFlags,
    /// Print the answer as JSON, as the API gives it
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "Files to write")]
    files: ReportFlags,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let now = Timestamp::now();
    let household = household::read(&arguments.household, settings, now)?;
    let advice = advice::recommend(&household.snapshot, &household.request).map_err(Failure::failed)?;
    let answer = Generated::new(Uuid::now_v7(), now, &advice);
    report_file::write(&arguments.files, &answer, household.request.priorities, &household.readings)?;
    if arguments.json { output::print_json(&answer) } else { output::print(&advice_table::text(&advice)) }
}
