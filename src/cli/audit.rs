//! `treebeard audit`: checking the log's chain of hashes, also beside a running service.

use crate::app::audit::{Checked, check, hex};
use crate::app::tokens::from_hex;
use crate::cli::{Failure, SettingFlags, database, output};
use clap::{Args, Subcommand};
use serde_json::json;

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "Examples:\n  \
    treebeard audit verify\n  \
    treebeard audit verify --expect 5f2c...9e\n  \
    treebeard audit verify --json")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recompute the whole chain; a changed, missing or moved row is named, and ends with exit code 4
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// The hash of the last row as it was noted before: the log must still hold it
    #[arg(long, value_name = "HASH")]
    expect: Option<String>,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let Command::Verify(verify) = &arguments.command;
    let digits = "--expect takes the 64 hex digits that audit verify prints as the hash of the last row";
    let read = |text: &str| from_hex(text.trim()).ok_or_else(|| Failure::usage(digits));
    let expected = verify.expect.as_deref().map(read).transpose()?;
    let config = settings.load(&[])?;
    if database::status(&config)?.applied == 0 {
        return Err(Failure::failed(format!("there is no database at {} yet", config.database.url.masked())));
    }
    let store = database::open_beside(&config)?;
    let checked = store.read_blocking(move |conn| check(conn, expected)).map_err(|error| database::failure(&error))?;
    if verify.json {
        output::print_json(&json!({
            "intact": checked.is_intact(),
            "broken_at": checked.broken_at,
            "head_seq": checked.head.seq,
            "head_hash": hex(&checked.head.hash),
            "holds_expected": checked.holds_expected,
        }))?;
    } else {
        output::print(&words(&checked))?;
    }
    if checked.is_intact() { Ok(()) } else { Err(Failure::ChecksFailed) }
}

fn words(checked: &Checked) -> String {
    let (seq, hash) = (checked.head.seq, hex(&checked.head.hash));
    let mut text = match checked.broken_at {
        None => format!("The audit log is whole up to row {seq}. The hash of that row is {hash}.\n"),
        Some(row) => format!("Row {row} of the audit log was changed, moved or removed.\n"),
    };
    if checked.holds_expected == Some(false) {
        text += "The row that --expect names is not in it: it has expired, or the log was cut or made anew.\n";
    }
    text
}
