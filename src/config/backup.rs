//! Copies of the database: when they are made, where they are kept, how many and for whom they are encrypted.

use crate::config::read::Reader;
use crate::config::{Checkpoint, Config};
use jiff::civil::Time;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Backups {
    /// Whether the service makes them by itself.
    pub enabled: bool,
    /// Time of day, UTC.
    pub time: Time,
    /// `None`: `backups` in the data directory.
    pub dir: Option<PathBuf>,
    /// Where each is copied to as well.
    pub second_dir: Option<PathBuf>,
    pub keep: Keep,
    /// Whether every commit is archived, so that any moment can be restored.
    pub archive: bool,
    /// `None`: `archive` in the data directory.
    pub archive_dir: Option<PathBuf>,
    /// Moments so far back can be restored.
    pub archive_days: u32,
    /// Public keys of age; none: not encrypted.
    pub recipients: Vec<Recipient>,
}

/// How many are kept: the newest of each of so many days, weeks and months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    pub daily: u32,
    pub weekly: u32,
    pub monthly: u32,
}

/// A public key that age knows.
#[derive(Debug, Clone)]
pub struct Recipient(pub age::x25519::Recipient);

impl std::str::FromStr for Recipient {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .map(Recipient)
            .map_err(|_| "is no public key of age: write age1... as `age-keygen` or `rage-keygen` prints it".to_owned())
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Config {
    /// The folder that gets every commit, where that is wanted.
    pub fn archive_folder(&self) -> Option<PathBuf> {
        // Without a backup to lay them over, commits are of no use.
        let is_wanted = self.backup.enabled && self.backup.archive && self.database.checkpoint == Checkpoint::Own;
        is_wanted.then(|| self.backup.archive_dir.clone().unwrap_or_else(|| self.data_dir.join("archive")))
    }
}

pub fn read(reader: &mut Reader) -> Backups {
    let folder = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
    Backups {
        enabled: reader.flag("backup.enabled"),
        time: reader.time_of_day("backup.time"),
        dir: folder(reader.text("backup.dir")),
        second_dir: folder(reader.text("backup.second_dir")),
        keep: Keep {
            daily: reader.number("backup.keep_daily", 1..=3_660),
            weekly: reader.number("backup.keep_weekly", 0..=520),
            monthly: reader.number("backup.keep_monthly", 0..=120),
        },
        archive: reader.flag("backup.archive"),
        archive_dir: folder(reader.text("backup.archive_dir")),
        archive_days: reader.number("backup.archive_days", 1..=3_660),
        recipients: reader.parsed_list("backup.recipients"),
    }
}
