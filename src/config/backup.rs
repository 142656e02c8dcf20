//! Copies of the database: when they are made, where they are kept, how many and for whom they are encrypted.

use crate::config::read::Reader;
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

pub fn read(reader: &mut Reader) -> Backups {
    let folder = |text: String| (!text.is_empty()).then(|| PathBuf::from(text));
    let time = reader.text("backup.time");
    let time = match time.len() {
        5 => time.parse::<Time>().ok(),
        _ => None,
    };
    if time.is_none() {
        reader.problem("backup.time", "must be a time of day (UTC) such as 03:00");
    }
    Backups {
        enabled: reader.flag("backup.enabled"),
        time: time.unwrap_or_default(),
        dir: folder(reader.text("backup.dir")),
        second_dir: folder(reader.text("backup.second_dir")),
        keep: Keep {
            daily: reader.number("backup.keep_daily", 1..=3_660),
            weekly: reader.number("backup.keep_weekly", 0..=520),
            monthly: reader.number("backup.keep_monthly", 0..=120),
        },
        recipients: reader.parsed_list("backup.recipients"),
    }
}
