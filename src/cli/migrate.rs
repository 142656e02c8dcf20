//! `treebeard migrate`: the database's schema, brought up to date, tried out on a copy, or looked at.

use crate::cli::{Failure, SettingFlags, database, output};
use crate::config::Config;
use crate::store::migrate::Status;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(before_help = "Examples:\n  treebeard migrate status\n  treebeard migrate --dry-run\n  treebeard migrate")]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Try it out on a copy, which is checked and thrown away, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say which migrations are applied and which are not, and change nothing
    Status {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    match arguments.command {
        Some(Command::Status { json }) => look(&config, json),
        None if arguments.dry_run => rehearse(&config, arguments.json),
        None => migrate(&config, arguments.json),
    }
}

/// Prints how it stands also where that is no good.
fn look(config: &Config, as_json: bool) -> Result<(), Failure> {
    let status = database::status(config)?;
    if as_json {
        output::print_json(&described(config, &status))?;
    } else {
        let mut text = headline(config, &status);
        for step in &status.steps {
            let at = step.applied_at.as_deref().map_or("pending".to_owned(), |at| format!("applied {at}"));
            text += &format!("  {}  {at}  checksum {}\n", step.name, step.checksum);
        }
        output::print(&text)?;
    }
    status.refuse_strange().map_err(|error| database::failure(&error))
}

fn rehearse(config: &Config, as_json: bool) -> Result<(), Failure> {
    let rehearsal = database::rehearse(config)?;
    let milliseconds = rehearsal.took.as_millis() as u64;
    if as_json {
        let mut answer = described(config, &rehearsal.status);
        answer["faults"] = json!(rehearsal.faults);
        answer["took_milliseconds"] = milliseconds.into();
        output::print_json(&answer)?;
    } else {
        let mut text = headline(config, &rehearsal.status);
        let verb = if rehearsal.faults.is_empty() { "can be applied" } else { "cannot be applied" };
        for name in &rehearsal.status.pending {
            text += &format!("  {verb}: {name}\n");
        }
        for fault in &rehearsal.faults {
            text += &format!("  fault: {fault}\n");
        }
        output::print(&format!("{text}tried out in {milliseconds} ms, nothing is changed\n"))?;
    }
    if rehearsal.faults.is_empty() { Ok(()) } else { Err(Failure::ChecksFailed) }
}

fn migrate(config: &Config, as_json: bool) -> Result<(), Failure> {
    let before = database::status(config)?;
    let backup = database::migrate(config)?;
    let now = database::status(config)?;
    if as_json {
        let mut answer = described(config, &now);
        answer["applied_now"] = json!(before.pending);
        answer["backup"] = json!(backup);
        return output::print_json(&answer);
    }
    let mut text = headline(config, &now);
    if let Some(name) = &backup {
        text += &format!("  backup made before: {name}\n");
    }
    for name in &before.pending {
        text += &["  applied: ", name, "\n"].concat();
    }
    output::print(&text)
}

fn headline(config: &Config, status: &Status) -> String {
    format!("{}: schema version {} of {}\n", config.database.url.masked(), status.applied, status.known)
}

fn described(config: &Config, status: &Status) -> Value {
    let step = |step: &crate::store::migrate::Step| json!({"name": step.name, "checksum": step.checksum, "applied_at": step.applied_at});
    json!({
        "database": config.database.url.masked(),
        "schema_version": status.applied,
        "newest_version": status.known,
        "pending": status.pending,
        "altered": status.altered,
        "migrations": status.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
