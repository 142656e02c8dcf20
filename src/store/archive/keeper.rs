//! The thread that writes the archive: it appends commits to the file of the hour and makes them durable.
//!
//! The writer only queues. When the disk is too slow the queue fills and the writer waits; when the disk is full or
//! broken, archiving ends with a fault in the state, and the service goes on.

use crate::store::archive::segment::{self, Encoder, Record};
use crate::store::archive::start::{self, Seal, Start};
use crate::store::archive::wal::Commit;
use crate::store::archive::{ArchiveState, Handle, SYNC_MILLISECONDS};
use crate::store::backup::files;
use crate::store::db::workers::join;
use age::x25519::Recipient;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use jiff::Timestamp;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Commits that may wait for the thread.
const QUEUE_LIMIT: usize = 128;
const SYNC_EVERY: Duration = Duration::from_millis(SYNC_MILLISECONDS);
/// A file gets no more after this many bytes, or after this time.
const SEGMENT_BYTES: u64 = 64 << 20;
const SEGMENT_TIME: Duration = Duration::from_secs(3600);
/// Archiving ends when less than this is free: what is left is for the database.
const FREE_BYTES_MIN: u64 = 200 << 20;

pub enum Message {
    Keep(Timestamp, Commit),
    /// The database's file has everything that was kept until now.
    Rest(Seal),
    /// Something may be missing, and why.
    Renew(String),
    Flush(Sender<()>),
    /// Others may still hold a way to the thread.
    End,
}

/// The thread and the way to it.
pub struct Keeper {
    /// None only while being dropped.
    queue: Option<Sender<Message>>,
    thread: Option<JoinHandle<()>>,
    state: Arc<Mutex<ArchiveState>>,
}

impl Keeper {
    pub fn start(archive: &Path, start: Start, recipients: Vec<Recipient>) -> io::Result<Self> {
        let (queue, messages) = bounded(QUEUE_LIMIT);
        let state = Arc::<Mutex<ArchiveState>>::default();
        let mut desk = Desk::open(archive, start, Encoder::new(recipients)?, state.clone());
        let thread = std::thread::Builder::new().name("archive".to_owned()).spawn(move || desk.work(&messages))?;
        Ok(Keeper { queue: Some(queue), thread: Some(thread), state })
    }

    pub fn handle(&self) -> Handle {
        // The queue is there until the drop, and then nobody asks.
        let queue = self.queue.clone().unwrap_or_else(|| bounded(0).0);
        Handle { state: self.state.clone(), queue }
    }

    pub fn keep(&self, at: Timestamp, commit: Commit) {
        self.send(Message::Keep(at, commit));
    }

    pub fn rest(&self, seal: Seal) {
        self.send(Message::Rest(seal));
    }

    pub fn renew(&self, why: &str) {
        self.send(Message::Renew(why.to_owned()));
    }

    fn send(&self, message: Message) {
        if let Some(queue) = &self.queue {
            // The thread ends only after the queue does.
            let _always_taken = queue.send(message);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.send(Message::End);
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            join(thread);
        }
    }
}

/// What the thread works with.
struct Desk {
    archive: PathBuf,
    generation: String,
    segment: u64,
    /// Of the last record.
    number: u64,
    /// Time never runs back in a generation.
    last_at: Timestamp,
    /// `None` until there is a record for it, and after a fault.
    file: Option<Segment>,
    encoder: Encoder,
    unsynced_since: Option<Instant>,
    state: Arc<Mutex<ArchiveState>>,
}

struct Segment {
    file: File,
    bytes: u64,
    opened: Instant,
}

impl Desk {
    fn open(archive: &Path, start: Start, encoder: Encoder, state: Arc<Mutex<ArchiveState>>) -> Self {
        let desk = Desk {
            archive: archive.to_owned(),
            generation: start.generation,
            segment: start.segment,
            number: start.number,
            last_at: Timestamp::MIN,
            file: None,
            encoder,
            unsynced_since: None,
            state,
        };
        if start.interrupted {
            tracing::warn!(event = "archive_interrupted", "commits may be missing in the archive; it begins anew");
        }
        desk.tell(|state| state.interruptions = u64::from(start.interrupted));
        desk
    }

    fn work(&mut self, messages: &Receiver<Message>) {
        loop {
            let wait = self
                .unsynced_since
                .map_or(Duration::from_secs(3600), |since| SYNC_EVERY.saturating_sub(since.elapsed()));
            let message = messages.recv_timeout(wait);
            let done = match message {
                Ok(Message::Keep(at, commit)) => self.keep(at, commit),
                Ok(Message::Rest(seal)) => self.rest(seal),
                Ok(Message::Renew(why)) => self.renew(&why),
                Ok(Message::Flush(reply)) => {
                    let synced = self.sync();
                    self.note(synced);
                    // Who asked may have gone.
                    let _gone = reply.send(());
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => self.sync(),
                Ok(Message::End) | Err(RecvTimeoutError::Disconnected) => break,
            };
            self.note(done);
            if self.unsynced_since.is_some_and(|since| since.elapsed() >= SYNC_EVERY) {
                let synced = self.sync();
                self.note(synced);
            }
        }
        let synced = self.sync();
        self.note(synced);
    }

    fn keep(&mut self, at: Timestamp, commit: Commit) -> io::Result<()> {
        if self.state().fault.is_some() {
            return Ok(());
        }
        self.last_at = self.last_at.max(at);
        let record = Record {
            number: self.number + 1,
            at: self.last_at,
            page_bytes: commit.page_bytes,
            database_pages: commit.database_pages,
            position: commit.end,
            pages: commit.pages,
            sealed: false,
        };
        // Each file has a key of its own.
        self.segment_for_more()?;
        let bytes = self.encoder.encode(&record)?;
        let segment = self.file.as_mut().ok_or_else(|| io::Error::other("there is no file"))?;
        segment.file.write_all(&bytes)?;
        segment.bytes += bytes.len() as u64;
        self.number += 1;
        let since = *self.unsynced_since.get_or_insert_with(Instant::now);
        let last_at = self.last_at;
        self.tell(|state| {
            state.commits += 1;
            state.bytes += bytes.len() as u64;
            state.last_at = Some(last_at);
            state.waiting_since = Some(since);
        });
        Ok(())
    }

    /// Has the file to write to: the one there is, or the next.
    fn segment_for_more(&mut self) -> io::Result<()> {
        let is_full = |one: &Segment| one.bytes >= SEGMENT_BYTES || one.opened.elapsed() >= SEGMENT_TIME;
        if self.file.as_ref().is_some_and(is_full) {
            self.sync()?;
            self.file = None;
            self.segment += 1;
        }
        if self.file.is_none() {
            self.require_space()?;
            let folder = self.archive.join(&self.generation);
            let mut file = files::create_file(&segment::path_of(&folder, self.segment))?;
            files::sync_folder(&folder)?;
            let begin = self.encoder.begin_file()?;
            file.write_all(&begin)?;
            self.file = Some(Segment { file, bytes: begin.len() as u64, opened: Instant::now() });
            self.tell(|_| {});
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.unsynced_since.take().is_some()
            && let Some(segment) = &self.file
        {
            segment.file.sync_data()?;
            self.require_space()?;
        }
        self.tell(|state| state.waiting_since = None);
        Ok(())
    }

    fn require_space(&self) -> io::Result<()> {
        let free = files::free_bytes(&self.archive)?;
        if free < FREE_BYTES_MIN {
            return Err(io::Error::other(format!("only {} MiB are free", free >> 20)));
        }
        Ok(())
    }

    fn rest(&mut self, seal: Seal) -> io::Result<()> {
        self.sync()?;
        if self.state().fault.is_none() {
            start::write_rest(&self.archive.join(&self.generation), self.number, seal)?;
        }
        Ok(())
    }

    fn renew(&mut self, why: &str) -> io::Result<()> {
        self.require_space()?;
        tracing::warn!(why, event = "archive_renewed", "the archive begins a new generation");
        let start = start::fresh(&self.archive, Timestamp::now())?;
        (self.generation, self.segment, self.number) = (start.generation, start.segment, start.number);
        (self.file, self.unsynced_since) = (None, None);
        self.tell(|state| {
            state.interruptions += 1;
            (state.fault, state.waiting_since) = (None, None);
        });
        Ok(())
    }

    /// After a fault nothing more is written: a row of commits with a hole would restore nonsense.
    fn note(&mut self, done: io::Result<()>) {
        let Err(error) = done else { return };
        tracing::error!(%error, event = "archive_failed", "commits are not archived any more");
        (self.file, self.unsynced_since) = (None, None);
        self.tell(|state| (state.fault, state.waiting_since) = (Some(error.to_string()), None));
    }

    fn tell(&self, change: impl FnOnce(&mut ArchiveState)) {
        let mut state = self.state();
        change(&mut state);
        state.generation.clone_from(&self.generation);
        (state.segment, state.number) = (self.segment, self.number);
    }

    fn state(&self) -> MutexGuard<'_, ArchiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::archive::wal::Position;

    fn commit(page: u8) -> Commit {
        Commit { page_bytes: 512, database_pages: 1, pages: vec![page; 516], end: Position::default() }
    }

    #[test]
    fn after_a_fault_nothing_is_written_until_a_new_generation_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Timestamp::now();
        let start = start::fresh(folder.path(), now).expect("a generation");
        let first = folder.path().join(&start.generation);
        let keeper = Keeper::start(folder.path(), start, Vec::new()).expect("it starts");
        let handle = keeper.handle();
        std::fs::remove_dir(&first).expect("the disk is gone");
        keeper.keep(now, commit(1));
        assert!(handle.flush().is_err());
        assert!(handle.state().fault.is_some());
        files::create_folder(&first).expect("it is back");
        keeper.keep(now, commit(2));
        assert!(handle.flush().is_err(), "what came between is missing");
        assert_eq!(segment::last(&first).expect("read"), None);
        handle.renew().expect("it can be written again");
        keeper.keep(now, commit(3));
        handle.flush().expect("it is written");
        let place = handle.place();
        assert!(first < folder.path().join(&place.generation));
        let last = segment::last(&folder.path().join(&place.generation)).expect("read").expect("a record");
        assert_eq!((last.number, handle.state().commits, handle.state().fault), (1, 1, None));
    }

    #[test]
    fn time_does_not_run_back_when_the_clock_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Timestamp::from_second(1_700_000_000).expect("a time");
        let earlier = Timestamp::from_second(1_600_000_000).expect("a time");
        let start = start::fresh(folder.path(), now).expect("a generation");
        let generation = folder.path().join(&start.generation);
        let keeper = Keeper::start(folder.path(), start, Vec::new()).expect("it starts");
        keeper.keep(now, commit(1));
        keeper.keep(earlier, commit(2));
        drop(keeper);
        let last = segment::last(&generation).expect("read").expect("a record");
        assert_eq!((last.number, last.at), (2, now));
    }
}
