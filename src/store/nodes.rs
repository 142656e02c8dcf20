//! Many nodes on one PostgreSQL: what they tell each other, which are alive, and the one that leads.
//!
//! Each node keeps one session beside its pool. On it the node hears of changes, holds a lock that says it is alive, and
//! tries for the lock of the one that does what is to be done once. The server frees both as soon as the session ends,
//! however it ends.

use crate::store::db::postgres_types::store_error;
use crate::store::db::{Engine, Tx};
use crate::store::error::{Cause, StoreError};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use uuid::Uuid;

/// The channel on which changes are told, with the commit that makes them.
const CHANNEL: &str = "treebeard";
/// First halves of the advisory locks; the second half is the number of the node that is alive, or 0.
const ALIVE: i32 = 0x5472_6565;
const LEADS: i32 = 0x4265_6172;
/// A session that says nothing for longer is ended by the server: its node is frozen, or cut off.
const SILENT_MAX: &str = "5s";
/// How often a node asks whether its session still stands, and whether the lead is free.
const TICK: Duration = Duration::from_millis(500);
/// No answer in this time: the session stands no more.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(250);
/// News that nobody has read yet; more wait in the server.
const UNREAD_MAX: usize = 1024;

/// What a change means to the other nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// There is a new revision of what is on sale.
    Catalog,
    /// Role, status or tokens of a user changed, or the user is no more.
    User(Uuid),
    /// A session ended.
    Session(Uuid),
    /// Answers that are kept ready are to be made anew.
    Caches,
    /// Settings are to be read again, says this node.
    Settings(i64),
    /// Something may have been told and not heard.
    Missed,
}

/// Opens a session of its own, outside of the pool.
pub type Dial = Arc<dyn Fn() -> Result<Client, StoreError> + Send + Sync>;

/// This node among the others.
pub struct Nodes {
    /// Drawn at random at the start.
    pub number: i64,
    /// `None`: there are no others.
    dial: Option<Dial>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    leads: AtomicBool,
    hears: AtomicBool,
    heard: AtomicU64,
}

/// How this node stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFigures {
    pub leads: bool,
    /// Whether it hears of changes; else it finds out by looking.
    pub hears: bool,
    pub heard: u64,
}

/// Tells the other nodes, with the commit. On SQLite there are none.
pub fn tell(tx: &mut Tx<'_>, news: News) -> Result<(), StoreError> {
    if tx.engine() == Engine::Sqlite {
        return Ok(());
    }
    let values = [CHANNEL.into(), news.to_string().into()];
    tx.query("SELECT CAST(pg_notify($1, $2) AS TEXT)", &values, |_| Ok(())).map(|_| ())
}

/// The condition that the node whose number is in `column` is not alive and not the one of parameter `own`.
pub fn is_gone(engine: Engine, column: &str, own: &str) -> String {
    match engine {
        // Whoever has the file is the only one.
        Engine::Sqlite => format!("{column} <> {own}"),
        Engine::Postgres => format!(
            "{column} <> {own} AND NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND classid = {ALIVE} AND CAST(objid AS BIGINT) = {column} AND objsubid = 2)"
        ),
    }
}

impl Nodes {
    pub fn new(dial: Option<Dial>) -> Result<Self, StoreError> {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(StoreError::internal)?;
        // Half of an advisory lock, and not below zero.
        let number = i64::from(u32::from_le_bytes(bytes) >> 1);
        Ok(Nodes { number, dial, state: Arc::default() })
    }

    /// Whether this node does what is to be done once.
    pub fn leads(&self) -> bool {
        self.dial.is_none() || self.state.leads.load(Ordering::Relaxed)
    }

    /// `None`: there are no others.
    pub fn figures(&self) -> Option<NodeFigures> {
        self.dial.as_ref()?;
        let hears = self.state.hears.load(Ordering::Relaxed);
        Some(NodeFigures { leads: self.leads(), hears, heard: self.state.heard.load(Ordering::Relaxed) })
    }

    /// From now on this node is one of the nodes, until the receiver is dropped. `None`: there are no others.
    pub fn join(&self) -> Result<Option<Receiver<News>>, StoreError> {
        let Some(dial) = self.dial.clone() else { return Ok(None) };
        let (sender, receiver) = channel(UNREAD_MAX);
        let (number, state) = (self.number as i32, self.state.clone());
        let attend = move || attend(&dial, number, &state, &sender);
        let thread = std::thread::Builder::new().name("nodes".to_owned()).spawn(attend);
        thread.map(|_| Some(receiver)).map_err(|error| StoreError::Unavailable(Cause::new(error)))
    }
}

/// Keeps a session with the server, another one when it ends.
fn attend(dial: &Dial, number: i32, state: &State, news: &Sender<News>) {
    let mut told = false;
    while !news.is_closed() {
        let ended = dial().and_then(|mut client| hear(&mut client, number, state, news));
        state.leads.store(false, Ordering::Relaxed);
        let heard_before = state.hears.swap(false, Ordering::Relaxed);
        if let Err(error) = ended
            && (heard_before || !told)
        {
            told = true;
            let cause = error.cause().unwrap_or_default();
            tracing::warn!(%error, cause, "changes made by other nodes are not heard of; they are looked for");
        }
        std::thread::sleep(TRY_AGAIN_AFTER);
    }
}

/// Passes on what is told, for as long as the session stands and somebody listens.
fn hear(client: &mut Client, number: i32, state: &State, news: &Sender<News>) -> Result<(), StoreError> {
    let fault = |error: postgres::Error| store_error(&error);
    let settings =
        format!("SET idle_session_timeout = '{SILENT_MAX}'; SET statement_timeout = '{SILENT_MAX}'; LISTEN {CHANNEL}");
    client.batch_execute(&settings).map_err(fault)?;
    // Shared, as the session before may not have ended for the server yet.
    client.execute("SELECT pg_advisory_lock_shared($1, $2)", &[&ALIVE, &number]).map_err(fault)?;
    state.hears.store(true, Ordering::Relaxed);
    let mut leads = false;
    if news.blocking_send(News::Missed).is_err() {
        return Ok(());
    }
    loop {
        if !leads {
            let tried = client.query_one("SELECT pg_try_advisory_lock($1, 0)", &[&LEADS]);
            leads = tried.and_then(|row| row.try_get(0)).map_err(fault)?;
            state.leads.store(leads, Ordering::Relaxed);
            if leads {
                tracing::info!(event = "node_leads", "this node does what is done once among the nodes");
            }
        }
        if !pass_on(client, state, news).map_err(fault)? {
            return Ok(());
        }
        client.is_valid(ANSWERS_WITHIN).map_err(fault)?;
    }
}

/// What is told in one tick. False: nobody listens any more.
fn pass_on(client: &mut Client, state: &State, news: &Sender<News>) -> Result<bool, postgres::Error> {
    let end = Instant::now() + TICK;
    let mut told = client.notifications();
    let mut told = told.timeout_iter(TICK);
    while let Some(note) = told.next()? {
        state.heard.fetch_add(1, Ordering::Relaxed);
        if news.blocking_send(News::of(note.payload())).is_err() {
            return Ok(false);
        }
        if Instant::now() >= end {
            break;
        }
    }
    Ok(!news.is_closed())
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            News::Catalog => f.write_str("catalog"),
            News::User(id) => write!(f, "user {id}"),
            News::Session(id) => write!(f, "session {id}"),
            News::Caches => f.write_str("caches"),
            News::Settings(node) => write!(f, "settings {node}"),
            News::Missed => f.write_str("missed"),
        }
    }
}

impl News {
    /// What a newer version may tell beside these is taken for having missed something.
    fn of(text: &str) -> News {
        let (word, of) = text.split_once(' ').unwrap_or((text, ""));
        let found = match word {
            "catalog" => Some(News::Catalog),
            "user" => of.parse().ok().map(News::User),
            "session" => of.parse().ok().map(News::Session),
            "caches" => Some(News::Caches),
            "settings" => of.parse().ok().map(News::Settings),
            _ => None,
        };
        found.unwrap_or(News::Missed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_arrive_as_they_were_told_and_what_is_unknown_means_that_something_was_missed() {
        let id = Uuid::from_u128(7);
        let all = [
            (News::Catalog, "catalog"),
            (News::User(id), "user 00000000-0000-0000-0000-000000000007"),
            (News::Session(id), "session 00000000-0000-0000-0000-000000000007"),
            (News::Caches, "caches"),
            (News::Settings(12), "settings 12"),
            (News::Missed, "missed"),
        ];
        for (news, text) in all {
            assert_eq!((news.to_string().as_str(), News::of(text)), (text, news));
        }
        for text in ["", "user", "user x", "prices 9"] {
            assert_eq!(News::of(text), News::Missed, "{text}");
        }
    }
}
