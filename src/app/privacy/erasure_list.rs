//! Who was erased, in a file beside the database: a restored backup knows less than this file, and is brought to
//! forget the same people again when the service starts.
//!
//! One line for each: the SHA-256 of the user's id, in hex, and the time.

use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::app::tokens::from_hex;
use crate::app::{App, Result};
use crate::config::{Config, DatabaseUrl};
use crate::store::audit::hex;
use crate::store::db::Tx;
use crate::store::erasure::{self, Trace};
use crate::store::error::StoreError;
use jiff::Timestamp;
use serde_json::json;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Where the list is: beside the SQLite file, or in `data_dir`.
pub fn path_of(config: &Config) -> PathBuf {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => path.with_extension("erased"),
        DatabaseUrl::Postgres(_) => config.data_dir.join("treebeard.erased"),
    }
}

/// Adds lines, and returns when they are on the disk.
pub fn append(path: &Path, entries: &[(Trace, Timestamp)]) -> std::io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let lines: Vec<String> = entries.iter().map(|(trace, at)| format!("{} {at}\n", hex(trace))).collect();
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines.concat().as_bytes())?;
    file.sync_all()
}

/// All lines; none where there is no file. A line that a crash cut short is left out.
pub fn read(path: &Path) -> std::io::Result<HashMap<Trace, Timestamp>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(error),
    };
    let lines = BufReader::new(file).lines().collect::<std::io::Result<Vec<_>>>()?;
    Ok(lines.iter().filter_map(|line| entry(line)).collect())
}

impl App {
    /// Notes an erasure in the file. The database has it already; where the file cannot be written now, the next start
    /// makes up for it.
    pub(super) async fn list_erased(&self, trace: Trace, at: Timestamp) {
        let path = path_of(&self.config);
        let written = tokio::task::spawn_blocking(move || append(&path, &[(trace, at)])).await;
        if let Ok(Err(error)) = written {
            tracing::warn!(%error, "an erasure is not in the list beside the database yet");
        }
    }

    /// Accounts that were erased as nobody had been there. Blocks.
    pub(super) fn list_expired(&self, accounts: &[Uuid], at: Timestamp) {
        let entries: Vec<_> = accounts.iter().map(|id| (erasure::trace_of(*id), at)).collect();
        if let Err(error) = append(&path_of(&self.config), &entries) {
            tracing::warn!(%error, "erasures are not in the list beside the database yet");
        }
        for id in accounts {
            self.standings.forget(*id);
        }
    }

    /// Brings file and database to say the same, and erases whoever a restored backup brought back: how many. Blocks;
    /// for the start of the service, and after a restore.
    pub fn replay_erasures_blocking(&self) -> Result<u64> {
        let path = path_of(&self.config);
        let unreadable = |error| Error::Unavailable(format!("the list of the erased, {}: {error}", path.display()));
        let filed = read(&path).map_err(unreadable)?;
        let held: HashMap<Trace, Timestamp> = self.store.read_blocking(erasure::listed)?.into_iter().collect();
        let mut missing: Vec<_> =
            held.iter().filter(|(trace, _)| !filed.contains_key(*trace)).map(|(t, at)| (*t, *at)).collect();
        missing.sort_by_key(|(_, at)| *at);
        append(&path, &missing).map_err(unreadable)?;
        let unheld: HashMap<Trace, Timestamp> =
            filed.into_iter().filter(|(trace, _)| !held.contains_key(trace)).collect();
        if unheld.is_empty() {
            return Ok(0);
        }
        let now = self.now();
        let replay = move |tx: &mut Tx<'_>| {
            let everybody = erasure::everybody(tx)?;
            let back: Vec<_> =
                everybody.into_iter().filter(|id| unheld.contains_key(&erasure::trace_of(*id))).collect();
            for id in &back {
                let act = Act { actor: None, subject: Some(*id), detail: json!({}) };
                note(tx, "user_deleted_again", act, now)?;
                erasure::erase(tx, *id, now)?;
            }
            unheld.iter().try_for_each(|(trace, at)| erasure::list(tx, trace, *at))?;
            Ok::<_, StoreError>(back.len() as u64)
        };
        let count = self.store.write_blocking(replay)?;
        if count > 0 {
            tracing::warn!(
                count,
                event = "user_deleted_again",
                "accounts that were erased came back, and are erased again"
            );
        }
        Ok(count)
    }
}

fn entry(line: &str) -> Option<(Trace, Timestamp)> {
    let (digits, at) = line.split_once(' ')?;
    Some((from_hex(digits)?, at.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_read_again_and_half_a_line_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data/list.erased");
        assert_eq!(read(&path).expect("no file is an empty list"), HashMap::new());
        let entries =
            [([7; 32], Timestamp::UNIX_EPOCH), ([0xab; 32], Timestamp::from_second(1_700_000_000).expect("a time"))];
        append(&path, &entries).expect("written");
        OpenOptions::new().append(true).open(&path).expect("it is there").write_all(b"0707").expect("written");
        assert_eq!(read(&path).expect("read"), HashMap::from(entries));
    }
}
