//! Every commit of a SQLite database, kept with its time, so that any moment can be restored.
//!
//! The one writer reads after each of its commits what that wrote to the write-ahead log and hands it to a thread that
//! appends it to files and makes them durable several times a second. A generation is an unbroken row of commits; with a
//! backup made in it, every moment after that backup can be restored. Where it is not certain that nothing was missed
//! (another program wrote the file while nobody looked, the disk was full), a new generation begins.

mod keeper;
pub mod replay;
pub mod sealing;
pub mod segment;
mod start;
pub mod survey;
pub mod wal;

pub use self::start::end;

use crate::store::archive::keeper::{Keeper, Message};
use crate::store::archive::wal::Tail;
use crate::store::backup::files::beside;
use crate::store::db::sqlite::store_error;
use crate::store::error::{Cause, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// A commit is on the disk of the archive after this many milliseconds at most.
pub const SYNC_MILLISECONDS: u64 = 300;

/// How the archive stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ArchiveState {
    /// The unbroken row of commits that is written now, by the time it began.
    pub generation: String,
    /// The file written now.
    pub segment: u64,
    /// Of the last record.
    pub number: u64,
    /// Times since the database was opened, and then, that commits may have been missed.
    pub interruptions: u64,
    /// Commits and bytes written since the database was opened.
    pub commits: u64,
    pub bytes: u64,
    /// The last commit's time.
    pub last_at: Option<Timestamp>,
    /// Since when something waits to be made durable.
    pub waiting_since: Option<Instant>,
    /// Why nothing is archived any more.
    pub fault: Option<String>,
}

/// Where a backup meets the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub generation: String,
    /// The file written then, and the last record before.
    pub segment: u64,
    pub number: u64,
}

/// What others may ask of the archive.
#[derive(Clone)]
pub struct Handle {
    state: Arc<Mutex<ArchiveState>>,
    queue: crossbeam_channel::Sender<Message>,
}

/// The writer's side.
pub struct Archive {
    database: PathBuf,
    tail: Tail,
    keeper: Keeper,
    /// SQLite's count of what others committed, from before the last look.
    others: Option<i64>,
}

impl Archive {
    /// Of the database at `database`, which nobody may write yet, in the folder `folder`. With `recipients`, public keys
    /// of age, only the holders of these keys can read it.
    pub fn open(database: &Path, folder: &Path, recipients: &[String], now: Timestamp) -> Result<Self, StoreError> {
        let unusable = |e: std::io::Error| {
            StoreError::Refused(format!("the archive in {} cannot be written: {e}", folder.display()))
        };
        let recipients: std::io::Result<Vec<_>> =
            recipients.iter().map(|one| one.parse().map_err(std::io::Error::other)).collect();
        let recipients = recipients.map_err(unusable)?;
        let mut tail = Tail::new(&beside(database, "-wal"));
        let start = start::find(database, folder, &mut tail, now).map_err(unusable)?;
        let keeper = Keeper::start(folder, start, recipients).map_err(unusable)?;
        Ok(Archive { database: database.to_owned(), tail, keeper, others: None })
    }

    pub fn handle(&self) -> Handle {
        self.keeper.handle()
    }

    /// Hands on what was committed since the last time. Never fails the commit: where it cannot, it says so in its
    /// state.
    pub fn take(&mut self, connection: &Connection) {
        // Looked up first: whoever commits from now on shows the next time.
        let others =
            connection.prepare_cached("PRAGMA data_version").and_then(|mut one| one.query_row([], |row| row.get(0)));
        let others: Option<i64> = others.map_err(store_error).ok();
        let read = match self.tail.read() {
            Ok(read) => read,
            Err(error) => {
                self.keeper.renew(&format!("the write-ahead log cannot be read: {error}"));
                self.tail = Tail::new(&beside(&self.database, "-wal"));
                return;
            }
        };
        if read.began_again && self.others.is_some() && self.others != others {
            self.keeper.renew("another program wrote to the database while its log began again");
        }
        self.others = others;
        let at = Timestamp::now();
        for commit in read.commits {
            self.keeper.keep(at, commit);
        }
    }

    /// Notes that the whole database is in its file, which the next start can then tell.
    pub fn rest(&mut self) {
        // Looked up anew: the log may have been removed, and our file with it.
        let mut log = Tail::new(&beside(&self.database, "-wal"));
        if matches!(log.is_empty(), Ok(true))
            && let Some(seal) = start::seal_of(&self.database)
        {
            self.keeper.rest(seal);
        }
    }
}

impl Handle {
    pub fn state(&self) -> ArchiveState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the next commits go.
    pub fn place(&self) -> Place {
        let state = self.state();
        Place { generation: state.generation, segment: state.segment, number: state.number }
    }

    /// Returns when all that was handed on is on the disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        let (reply, answer) = crossbeam_channel::bounded(1);
        let ended = || StoreError::Unavailable(Cause::new("the archive has ended"));
        self.queue.send(Message::Flush(reply)).map_err(|_| ended())?;
        answer.recv().map_err(|_| ended())?;
        match self.state().fault {
            None => Ok(()),
            Some(fault) => Err(StoreError::Unavailable(Cause::new(fault))),
        }
    }

    /// Begins a new generation, also after a fault.
    pub fn renew(&self) -> Result<(), StoreError> {
        let ended = |_| StoreError::Unavailable(Cause::new("the archive has ended"));
        self.queue.send(Message::Renew("a new one was asked for".to_owned())).map_err(ended)?;
        self.flush()
    }
}
