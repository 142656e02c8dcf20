//! `treebeard restore`: a backup in the place of the database, which is kept.

use crate::app::App;
use crate::app::backups::{Restored, Shelf, Wanted};
use crate::cli::backup::{counted, identities, watched};
use crate::cli::{Failure, SettingFlags, database, output};
use crate::config::Config;
use crate::store::Migrations;
use clap::Args;
use jiff::Timestamp;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard restore latest --dry-run\n  \
    treebeard restore latest\n  \
    treebeard restore latest --at 2026-11-23T09:30:00Z\n  \
    treebeard restore 20261123T030000Z\n  \
    treebeard restore /mnt/backup/20261123T030000Z --identity key.txt")]
pub struct Arguments {
    /// Name or folder of a backup, or `latest`
    backup: String,
    /// Bring the data to this moment, in the time zone given (2026-11-23T09:30:00Z), or as near as there is: `now`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<At>,
    /// File with the age key that opens an encrypted backup
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Make it ready and examine it, but leave the database as it is: the drill
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy)]
enum At {
    Now,
    Moment(Timestamp),
}

fn moment(text: &str) -> Result<At, String> {
    if text == "now" {
        return Ok(At::Now);
    }
    let moment = text.parse().map(At::Moment);
    moment
        .map_err(|_| "write a time with its zone, such as 2026-11-23T09:30:00Z or 2026-11-23T10:30:00+01:00".to_owned())
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let shelf = Shelf::of(&config);
    let backup = (arguments.backup != "latest").then(|| arguments.backup.clone());
    let now = Timestamp::now();
    let at = arguments.at.map(|at| match at {
        At::Now => now,
        At::Moment(moment) => moment,
    });
    let wanted = Wanted { backup, at, dry_run: arguments.dry_run };
    let (found, known) = shelf.schema_of(&wanted, now).map_err(Failure::failed)?;
    if found > known {
        return Err(Failure::Incompatible(format!(
            "the backup has schema version {found}, this program knows up to {known}; use a newer program"
        )));
    }
    let identities = identities(arguments.identity.as_ref())?;
    let restored = shelf.restore(&wanted, &identities, now, &watched()).map_err(Failure::failed)?;
    let erased_again = if arguments.dry_run { 0 } else { erase_again(config, &restored)? };
    if arguments.json {
        let mut answer = serde_json::to_value(&restored).map_err(Failure::failed)?;
        answer["erased_again"] = erased_again.into();
        return output::print_json(&answer);
    }
    output::print(&summary(&restored, erased_again))
}

/// Whoever was erased after the backup was made is erased again, now and not only when the service starts.
fn erase_again(config: Config, restored: &Restored) -> Result<u64, Failure> {
    let open = || {
        let store = database::open(&config, Migrations::Apply)?;
        let app = App::new(config.clone(), store).map_err(Failure::failed)?;
        app.replay_erasures_blocking().map_err(Failure::failed)
    };
    open().map_err(|failure| match failure {
        Failure::Failed(why) => Failure::failed(format!(
            "{} is in place, but who was erased after it could not be erased again yet: {why}. The service does it when it starts",
            restored.backup
        )),
        other => other,
    })
}

fn summary(restored: &Restored, erased_again: u64) -> String {
    let verb = if restored.dry_run { "can be restored" } else { "is restored" };
    let mut text = format!(
        "{} {verb}: {}, data of {}, schema version {}, in {:.1} s\n",
        restored.backup,
        counted(restored.rows, "row"),
        restored.data_of.strftime("%Y-%m-%d %H:%M:%S UTC"),
        restored.schema_version,
        restored.took_milliseconds as f64 / 1e3
    );
    if restored.commits > 0 {
        text += &format!("{} of the archive laid over it\n", counted(restored.commits, "commit"));
    }
    if let Some(since) = restored.interrupted_at {
        text +=
            &format!("the archive was interrupted: what was written after its last commit until {since} is missing\n");
    }
    if let Some(file) = &restored.cut_off {
        text += &format!("{} cannot be read to its end: later commits are missing\n", file.display());
    }
    for (table, (before, after)) in &restored.changed {
        let before = before.map_or("none".to_owned(), |rows| rows.to_string());
        text += &format!("  {table}: {before} -> {after}\n");
    }
    if erased_again > 0 {
        text += &format!("{} erased after the backup, erased again\n", counted(erased_again, "account"));
    }
    if let Some(kept) = &restored.kept {
        text += &format!("the database before is kept in {}; delete it when you do not need it\n", kept.display());
    }
    text
}
