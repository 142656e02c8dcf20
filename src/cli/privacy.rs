//! `treebeard privacy`: what is held on people, as a page, and removing what was kept long enough.

use crate::app::App;
use crate::app::privacy::map;
use crate::app::privacy::retention::Expired;
use crate::cli::{Failure, SettingFlags, database, output};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "Examples:\n  \
    treebeard privacy retention --dry-run\n  \
    treebeard privacy map > docs/privacy.md")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Remove what was kept as long as the retention settings say; also beside a running service
    Retention(Retention),
    /// Print what is held on people, why, and what they may ask for, as Markdown
    Map,
}

#[derive(Debug, Args)]
struct Retention {
    /// Say what would be removed, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    match &arguments.command {
        Command::Retention(wanted) => retention(wanted, settings),
        Command::Map => output::print(&map::page()),
    }
}

fn retention(wanted: &Retention, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let store = database::open_beside(&config)?;
    let app = App::new(config, store).map_err(Failure::failed)?;
    let expired = if wanted.dry_run { app.expiring_blocking() } else { app.expire_blocking() };
    let expired = expired.map_err(Failure::failed)?;
    if wanted.json {
        let rows = expired.iter().map(
            |one| json!({ "class": one.class, "table": one.table, "before": one.before.to_string(), "rows": one.rows }),
        );
        return output::print_json(&json!({ "dry_run": wanted.dry_run, "expired": rows.collect::<Vec<_>>() }));
    }
    output::print(&words(&expired, wanted.dry_run))
}

fn words(expired: &[Expired], dry_run: bool) -> String {
    let what = if dry_run { "would be removed" } else { "were removed" };
    let lines = expired.iter().filter(|one| one.rows > 0).map(|one| {
        let (rows, table, day) = (one.rows, one.table, one.before.strftime("%Y-%m-%d"));
        format!("{rows:>9}  {table}, from before {day} ({})\n", one.class)
    });
    let text: String = lines.collect();
    if text.is_empty() { "Nothing has been kept too long.\n".to_owned() } else { format!("Rows that {what}:\n{text}") }
}
