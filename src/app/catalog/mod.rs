//! What is on sale, as held in memory: the compiled snapshot, and answers about it as finished bytes.

mod editing;
mod intake;
mod item;
mod lifecycle;
mod page;
mod query;

pub use editing::{Edited, Kept, PlanFilter, SupplierFilter};
pub use intake::{Intake, IntakeReport};
pub use item::{PlanItem, SupplierItem, ZipAnswer};
pub use page::{Page, PageRequest};
pub use query::PlanQuery;

use crate::app::coding::Coded;
use crate::app::error::Error;
use crate::app::json;
use crate::domain::market::Snapshot;
use arc_swap::ArcSwap;
use bytes::Bytes;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// Bytes of finished answers kept at most.
const CACHE_BYTES: u64 = 16 << 20;

/// The current snapshot and the answers made from it. Swapping in another one is all it takes to change every answer:
/// cache keys carry the revision, so an answer about an older catalog is never found again.
pub struct Catalog {
    snapshot: ArcSwap<Snapshot>,
    answers: Cache<(i64, Question), Finished>,
    hits: AtomicU64,
    misses: AtomicU64,
    edition: AtomicU64,
}

/// How well answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheFigures {
    pub hits: u64,
    pub misses: u64,
    pub entries: u64,
    pub bytes: u64,
}

/// A question anybody may ask about the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    Plans(PlanQuery),
    Plan(Uuid),
    Suppliers(PageRequest),
    Supplier(Uuid),
    Zip(String),
}

/// JSON ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub body: Bytes,
    /// The same, compressed, where that is worth it.
    pub coded: Option<Coded>,
    /// Strong: names exactly these bytes.
    pub etag: Arc<str>,
    /// Of a paged list; else 0.
    pub total_pages: u32,
}

impl Catalog {
    pub fn new(snapshot: Snapshot) -> Self {
        let weigh = |key: &(i64, Question), answer: &Finished| {
            let text = match &key.1 {
                Question::Plans(query) => query.text.as_ref().map_or(0, String::len),
                _ => 0,
            };
            (answer.body.len() + answer.coded.as_ref().map_or(0, Coded::size) + text + 256)
                .try_into()
                .unwrap_or(u32::MAX)
        };
        let answers = Cache::builder().max_capacity(CACHE_BYTES).weigher(weigh).build();
        Catalog {
            snapshot: ArcSwap::from_pointee(snapshot),
            answers,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            edition: AtomicU64::new(0),
        }
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    pub fn cache_figures(&self) -> CacheFigures {
        CacheFigures {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries: self.answers.entry_count(),
            bytes: self.answers.weighted_size(),
        }
    }

    /// Forgets every finished answer; how many there were.
    pub fn clear(&self) -> u64 {
        self.answers.run_pending_tasks();
        let held = self.answers.entry_count();
        self.answers.invalidate_all();
        self.edition.fetch_add(1, Ordering::Release);
        held
    }

    /// Every answer from now on is about `snapshot`, unless a newer one is in place already.
    pub fn replace(&self, snapshot: Snapshot) {
        let new = Arc::new(snapshot);
        self.snapshot.rcu(|held| if held.revision > new.revision { held.clone() } else { new.clone() });
        self.edition.fetch_add(1, Ordering::Release);
    }

    /// Another number whenever an answer made before is not to be given again. Who keeps an answer reads it before the
    /// answer is made.
    pub fn edition(&self) -> u64 {
        self.edition.load(Ordering::Acquire)
    }

    /// Counts an answer that somebody else has kept.
    pub fn count_hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// The answer, and whether it was there already. `fresh` makes it anew.
    pub fn answer(&self, question: Question, fresh: bool) -> Result<(Finished, bool), Error> {
        let snapshot = self.snapshot.load();
        let key = (snapshot.revision, question);
        if let Some(answer) = self.answers.get(&key).filter(|_| !fresh) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok((answer, true));
        }
        self.misses.fetch_add(u64::from(!fresh), Ordering::Relaxed);
        let answer = answer(&snapshot, &key.1)?;
        self.answers.insert(key, answer.clone());
        Ok((answer, false))
    }
}

fn answer(snapshot: &Snapshot, question: &Question) -> Result<Finished, Error> {
    match question {
        Question::Plans(query) => paged(&query::page_of(snapshot, query)),
        Question::Plan(id) => {
            let listing = snapshot.plan(*id).ok_or_else(|| no_such("plan"))?;
            finished(&PlanItem::new(snapshot, listing, None))
        }
        Question::Suppliers(page) => paged(&suppliers(snapshot, *page)),
        Question::Supplier(id) => {
            let entry = snapshot.supplier(*id).ok_or_else(|| no_such("supplier"))?;
            finished(&SupplierItem::new(snapshot, entry))
        }
        Question::Zip(zip) => finished(&ZipAnswer::new(snapshot, zip)),
    }
}

/// Active suppliers by name.
fn suppliers(snapshot: &Snapshot, page: PageRequest) -> Page<SupplierItem<'_>> {
    let mut found: Vec<_> = snapshot.suppliers().iter().filter(|entry| entry.supplier.active).collect();
    found.sort_by_cached_key(|entry| (entry.supplier.name.to_lowercase(), entry.id));
    let total = found.len();
    let shown = found.into_iter().skip(page.skip()).take(page.size());
    Page::of(page, total, shown.map(|entry| SupplierItem::new(snapshot, entry)).collect())
}

/// The sentence for an id nobody has.
pub fn no_such(what: &str) -> Error {
    Error::NotFound(format!("There is no {what} with this id. List them to see which there are."))
}

fn paged<T: serde::Serialize>(page: &Page<T>) -> Result<Finished, Error> {
    Ok(Finished { total_pages: page.total_pages, ..finished(page)? })
}

fn finished<T: serde::Serialize>(answer: &T) -> Result<Finished, Error> {
    let body = json(answer)?;
    let mut etag = String::with_capacity(32);
    for byte in &Sha256::digest(&body)[..16] {
        let _ = write!(etag, "{byte:02x}");
    }
    let coded = Coded::of(&body).map_err(|error| Error::Internal(format!("compressing: {error}")))?;
    Ok(Finished { coded, body: body.into(), etag: etag.into(), total_pages: 0 })
}
