//! `treebeard migrate`: the database's schema, brought up to date or looked at.

use crate::cli::{Failure, SettingFlags, database, output};
use crate::store::Migrations;
use clap::Args;
use serde_json::json;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard migrate --status\n  treebeard migrate")]
pub struct Arguments {
    /// Say which migrations are applied and which are not, and change nothing
    #[arg(long)]
    status: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let before = database::status(&config)?;
    if !arguments.status {
        database::open(&config, Migrations::Apply)?;
    }
    let now = if arguments.status { before.clone() } else { database::status(&config)? };
    if arguments.json {
        return output::print_json(&json!({
            "database": config.database.url.masked(),
            "schema_version": now.applied,
            "newest_version": now.known,
            "pending": now.pending,
            "applied_now": if arguments.status { Vec::new() } else { before.pending },
        }));
    }
    let mut text = format!("{}: schema version {} of {}\n", config.database.url.masked(), now.applied, now.known);
    for name in &now.pending {
        text += &["  pending: ", name, "\n"].concat();
    }
    if !arguments.status {
        for name in &before.pending {
            text += &["  applied: ", name, "\n"].concat();
        }
    }
    output::print(&text)
}
