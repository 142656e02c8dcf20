//! Checks of the backups: are there any, are they new, can the newest be opened, has the archive every commit.

use super::Finding;
use crate::app::backups::{Identities, Reason, Shelf, Watch};
use crate::app::error::Error;
use crate::config::{Config, DatabaseUrl};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// They are made once a day.
const OLD: SignedDuration = SignedDuration::from_hours(36);
const NAMES: [&str; 3] = ["backup_age", "backup_whole", "backup_second"];

pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = copies(config);
    findings.push(archive("archive", config));
    findings
}

/// Nothing is missing in the rows of commits that are kept.
fn archive(name: &'static str, config: &Config) -> Finding {
    if config.archive_folder().is_none() || super::sqlite_file(config).is_none() {
        return Finding::skipped(name, "commits are not archived");
    }
    let remedy =
        "Let the service make a backup (POST /api/v1/admin/backups): from then on every moment can be restored.";
    match Shelf::of(config).survey_archive(&Watch::quiet(Arc::default())) {
        Ok(None) => Finding::skipped(name, "there is no archive yet"),
        Ok(Some(found)) if !found.faults.is_empty() => Finding::problem(name, found.faults.join("; "), remedy),
        Ok(Some(found)) => match found.interruptions.last() {
            Some(last) => {
                let after = last.after.map_or("the begin".to_owned(), |after| after.to_string());
                let told = format!("what was written from {after} until {} is not in it", last.until);
                Finding::warning(name, told, remedy)
            }
            None => Finding::ok(name, format!("{} commits without a gap", found.commits)),
        },
        Err(error) => Finding::problem(name, told(&error), "Let the service's account read the folder."),
    }
}

fn copies(config: &Config) -> Vec<Finding> {
    let skipped = |why: &str| NAMES.map(|name| Finding::skipped(name, why)).into();
    if matches!(config.database.url, DatabaseUrl::Postgres(_)) {
        return skipped("of PostgreSQL they are made by whoever runs it");
    }
    let shelf = Shelf::of(config);
    if super::sqlite_file(config).is_some_and(|path| !path.exists()) {
        return skipped("there is no database yet");
    }
    let [age, whole, second] = NAMES;
    let list = match shelf.list() {
        Ok(list) => list,
        Err(error) => {
            let unreadable = Finding::problem(age, error.to_string(), "Let the service's account read the folder.");
            return [unreadable].into_iter().chain([whole, second].map(|name| Finding::skipped(name, ""))).collect();
        }
    };
    let Some(newest) = list.first() else {
        let none = Finding::warning(age, "there is no backup", "treebeard backup create").mended_by(make(shelf));
        return [none].into_iter().chain([whole, second].map(|n| Finding::skipped(n, "there is no backup"))).collect();
    };
    let (at, now) = (newest.created_at, Timestamp::now());
    let aged = if now.duration_since(at) > OLD {
        let why = if config.backup.enabled { "" } else { ", and backup.enabled is false" };
        let remedy = "treebeard backup create, and see in the log why the service makes none";
        Finding::warning(age, format!("the newest is of {at}{why}"), remedy).mended_by(make(shelf.clone()))
    } else {
        Finding::ok(age, format!("the newest is of {at}"))
    };
    vec![aged, opened(whole, &shelf, &newest.name), second_disk(second, config, &shelf, &newest.name)]
}

fn make(shelf: Shelf) -> impl FnOnce() -> Result<(), String> {
    move || {
        let made = shelf.create(Reason::Asked, None, &Watch::quiet(Arc::default()));
        made.map(|_| ()).map_err(|error| error.to_string())
    }
}

fn opened(name: &'static str, shelf: &Shelf, backup: &str) -> Finding {
    let remedy =
        "treebeard backup create; keep the damaged one until `treebeard backup verify --all` has found a good one";
    match shelf.verify(backup, &Identities::default(), &Watch::quiet(Arc::default())) {
        Ok(found) if found.faults.is_empty() && found.opened => Finding::ok(name, format!("{backup} can be restored")),
        Ok(found) if found.faults.is_empty() => {
            Finding::ok(name, format!("{backup} is as it was written; it is encrypted and was not opened"))
        }
        Ok(found) => Finding::problem(name, format!("{backup}: {}", found.faults.join("; ")), remedy),
        Err(error) => Finding::problem(name, told(&error), remedy),
    }
}

fn second_disk(name: &'static str, config: &Config, shelf: &Shelf, backup: &str) -> Finding {
    let Some(folder) = &config.backup.second_dir else {
        return Finding::skipped(name, "backup.second_dir is not set: disk and backups go together");
    };
    if !folder.is_dir() {
        let told = format!("{} is not there, so nothing is copied to it", folder.display());
        return Finding::problem(name, told, "Mount the disk, or correct backup.second_dir.");
    }
    if shelf.has_second(backup) {
        return Finding::ok(name, format!("{} has {backup}, too", folder.display()));
    }
    let told = format!("{} does not have {backup}", folder.display());
    Finding::warning(name, told, "See that it has room, then run `treebeard backup create`.")
}

fn told(error: &Error) -> String {
    error.to_string()
}
