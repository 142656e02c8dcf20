//! `treebeard maintain`: looks after the database now, also beside a running service.

use crate::app::App;
use crate::cli::progress::Progress;
use crate::cli::{Failure, SettingFlags, database, output};
use clap::Args;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard maintain\n  treebeard maintain --json")]
pub struct Arguments {
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let store = database::open_beside(&config)?;
    let app = App::new(config, store).map_err(Failure::failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let progress = Progress::working("maintaining the database".to_owned());
    let mut steps = vec![app.retain_blocking().map_err(Failure::failed)?];
    steps.extend(runtime.block_on(app.maintain()).map_err(Failure::failed)?);
    drop(progress);
    if arguments.json {
        return output::print_json(&steps);
    }
    let mut table = output::table(&["step", "amount", "of", "milliseconds"]);
    for step in steps {
        let milliseconds = format!("{:.1}", step.took_milliseconds);
        table.add_row([step.step.into(), output::number(step.amount), step.unit.into(), output::number(milliseconds)]);
    }
    output::print(&output::lines(&table))
}
