//! `treebeard backup`: copies of the database, made beside a running service or without one.

use crate::app::backups::{Identities, Interruption, Made, Manifest, Reason, Shelf, Survey, Watch};
use crate::cli::progress::Progress;
use crate::cli::{Failure, SettingFlags, output};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
#[command(before_help = "Examples:\n  \
    treebeard backup create\n  \
    treebeard backup list\n  \
    treebeard backup verify --all\n  \
    treebeard backup prune --dry-run")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy the database as it is now, examine the copy and list it; also while the service runs
    Create(Create),
    /// List the backups, the newest first
    List(List),
    /// Look at backups again: their checksums, and the databases in them; and whether the archive has every commit
    Verify(Verify),
    /// Remove what the rule for daily, weekly and monthly backups does not keep
    Prune(Prune),
}

#[derive(Debug, Args)]
struct Create {
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct List {
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Verify {
    /// Names of backups [default: the newest]
    backups: Vec<String>,
    /// Every backup
    #[arg(long, conflicts_with = "backups")]
    all: bool,
    /// File with the age key that opens encrypted backups; without it only their checksums are compared
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Prune {
    /// Only say what would be removed
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let shelf = Shelf::of(&config);
    match arguments.command {
        Command::Create(create) => make(&shelf, create.json),
        Command::List(list) => print_list(&shelf, list.json),
        Command::Verify(wanted) => verify(&shelf, &wanted),
        Command::Prune(prune) => print_pruned(&shelf, &prune),
    }
}

/// Shown on a terminal while the work lasts.
pub fn watched() -> Watch {
    let progress = Progress::steps();
    Watch::new(move |what, done, all| {
        progress.say(what.to_owned());
        progress.reach(done, all);
    })
}

pub fn identities(file: Option<&PathBuf>) -> Result<Identities, Failure> {
    file.map_or_else(|| Ok(Identities::default()), |file| Identities::read(file).map_err(Failure::usage))
}

fn make(shelf: &Shelf, as_json: bool) -> Result<(), Failure> {
    let made = shelf.create(Reason::Asked, None, &watched()).map_err(Failure::failed)?;
    if as_json {
        output::print_json(&made)?;
    } else {
        output::print(&summary(&made))?;
    }
    match &made.second_fault {
        None => Ok(()),
        Some(fault) => Err(Failure::failed(format!("the backup is made, but has no second copy: {fault}"))),
    }
}

fn summary(made: &Made) -> String {
    let Manifest { name, bytes, rows, schema_version, sha256, took_milliseconds, .. } = &made.manifest;
    let mut text = format!(
        "{name}: {} in {} tables, {}, schema version {schema_version}, made and examined in {:.1} s\n  {}\n  sha256 {sha256}\n",
        counted(made.manifest.rows_total(), "row"),
        rows.len(),
        size(*bytes),
        *took_milliseconds as f64 / 1e3,
        made.folder.display(),
    );
    if let Some(second) = &made.second {
        text += &format!("  {}\n", second.display());
    }
    text
}

fn print_list(shelf: &Shelf, as_json: bool) -> Result<(), Failure> {
    let all = shelf.reachable().map_err(Failure::failed)?;
    if as_json {
        let items: Result<Vec<_>, _> = all
            .iter()
            .map(|manifest| {
                let mut item = serde_json::to_value(manifest)?;
                item["second_copy"] = json!(shelf.has_second(&manifest.name));
                Ok(item)
            })
            .collect();
        return output::print_json(&items.map_err(|error: serde_json::Error| Failure::failed(error))?);
    }
    if all.is_empty() {
        output::note(&format!(
            "there is no backup in {}; `treebeard backup create` makes one",
            shelf.folder().display()
        ));
        return Ok(());
    }
    let mut table = output::table(&["name", "made", "why", "size", "rows", "schema", "encrypted", "second copy"]);
    for manifest in &all {
        let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
        table.add_row([
            manifest.name.clone().into(),
            manifest.created_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string().into(),
            manifest.reason.as_str().into(),
            output::number(size(manifest.bytes)),
            output::number(manifest.rows_total()),
            output::number(manifest.schema_version),
            yes(manifest.encrypted).into(),
            yes(shelf.has_second(&manifest.name)).into(),
        ]);
    }
    output::print(&output::lines(&table))
}

fn verify(shelf: &Shelf, wanted: &Verify) -> Result<(), Failure> {
    let identities = identities(wanted.identity.as_ref())?;
    let names: Vec<String> = if wanted.backups.is_empty() {
        let all = shelf.reachable().map_err(Failure::failed)?;
        all.into_iter().map(|manifest| manifest.name).take(if wanted.all { usize::MAX } else { 1 }).collect()
    } else {
        wanted.backups.clone()
    };
    if names.is_empty() {
        return Err(Failure::failed(format!("there is no backup in {}", shelf.folder().display())));
    }
    let watch = watched();
    let found: Result<Vec<_>, _> = names.iter().map(|name| shelf.verify(name, &identities, &watch)).collect();
    let archive = shelf.survey_archive(&watch);
    drop(watch);
    let (found, archive) = (found.map_err(Failure::failed)?, archive.map_err(Failure::failed)?);
    if wanted.json {
        output::print_json(&json!({ "backups": found, "archive": archive }))?;
    } else {
        let line = |one: &crate::app::backups::Verified| match (one.faults.is_empty(), one.opened) {
            (true, true) => format!("{}: good: checksum and contents\n", one.name),
            (true, false) => format!("{}: good checksum; not opened, as it is encrypted\n", one.name),
            (false, _) => format!("{}: damaged: {}\n", one.name, one.faults.join("; ")),
        };
        let archive = archive.as_ref().map(archive_lines).unwrap_or_default();
        output::print(&(found.iter().map(line).collect::<String>() + &archive))?;
    }
    let is_whole = archive.is_none_or(|archive| archive.faults.is_empty());
    if is_whole && found.iter().all(|one| one.faults.is_empty()) { Ok(()) } else { Err(Failure::ChecksFailed) }
}

fn archive_lines(archive: &Survey) -> String {
    let Survey { commits, faults, interruptions, .. } = archive;
    let commits = counted(*commits, "commit");
    let mut lines = match (faults.is_empty(), archive.first_at, archive.last_at) {
        (true, Some(first), Some(last)) => format!("archive: good: {commits} from {first} to {last}\n"),
        (true, ..) => "archive: good: no commits yet\n".to_owned(),
        (false, ..) => format!("archive: damaged: {}\n", faults.join("; ")),
    };
    for Interruption { after, until } in interruptions {
        let after = after.map_or("the begin".to_owned(), |after| after.to_string());
        lines += &format!("  interrupted: what was written from {after} until {until} is missing\n");
    }
    lines
}

fn print_pruned(shelf: &Shelf, prune: &Prune) -> Result<(), Failure> {
    let pruned = shelf.prune(Timestamp::now(), prune.dry_run).map_err(Failure::failed)?;
    if prune.json {
        return output::print_json(&pruned);
    }
    let verb = if prune.dry_run { "would be removed" } else { "removed" };
    let lines = pruned.removed.iter().fold(String::new(), |lines, name| lines + "  " + name + "\n");
    output::print(&format!(
        "{} {verb}, {}; {} kept\n{lines}",
        counted(pruned.removed.len() as u64, "backup"),
        size(pruned.bytes_freed),
        pruned.kept.len()
    ))
}

/// `1 row`, `2 rows`
pub fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// In the unit that leaves few digits.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.0} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}
