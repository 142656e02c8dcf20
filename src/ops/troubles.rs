//! What went wrong lately, for staff to see without the log: errors by fingerprint, and slow statements by their text.
//!
//! Both are taken from the events that go to the log, whatever its level, and hold nothing that is not in it. They are
//! bounded, and gone with the process.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Kinds of errors, and statements, that are kept; of more, those seen longest ago go.
const KEPT_MAX: usize = 200;
/// Bytes of the fingerprint, and characters of an error's own words.
const FINGERPRINT_BYTES: usize = 6;
const DETAIL_MAX: usize = 300;

/// Errors of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ErrorSeen {
    /// The same for the same message from the same part of the program.
    pub fingerprint: String,
    /// The part of the program.
    pub part: String,
    pub message: String,
    /// What the last one said of itself.
    pub detail: Option<String>,
    pub count: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// The request the last one happened in.
    pub last_request_id: Option<String>,
}

/// One statement that took longer than `logging.slow_query_milliseconds`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SlowQuery {
    pub fingerprint: String,
    /// Its text, which names its values `$1` and so on.
    pub sql: String,
    /// How often it was slow.
    pub count: u64,
    pub mean_ms: f64,
    pub longest_ms: f64,
    pub last_at: Timestamp,
}

#[derive(Default)]
struct Kept {
    errors: HashMap<String, ErrorSeen>,
    slow: HashMap<String, SlowQuery>,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

fn kept() -> MutexGuard<'static, Kept> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The most recent first.
pub fn errors() -> Vec<ErrorSeen> {
    let mut all: Vec<ErrorSeen> = kept().errors.values().cloned().collect();
    all.sort_by(|one, other| other.last_at.cmp(&one.last_at).then_with(|| one.fingerprint.cmp(&other.fingerprint)));
    all
}

/// Those that took the most time in all first.
pub fn slow_queries() -> Vec<SlowQuery> {
    let mut all: Vec<SlowQuery> = kept().slow.values().cloned().collect();
    let total = |query: &SlowQuery| query.mean_ms * query.count as f64;
    all.sort_by(|one, other| total(other).total_cmp(&total(one)));
    all
}

/// What takes note of them.
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    Notes.with_filter(LevelFilter::WARN)
}

struct Notes;

/// The id of the request a span belongs to.
struct RequestId(String);

impl<S> Layer<S> for Notes
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut said = Said::default();
        attributes.record(&mut said);
        if let (Some(span), Some(request)) = (context.span(id), said.request_id) {
            span.extensions_mut().insert(RequestId(request));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let (metadata, now) = (event.metadata(), Timestamp::now());
        if let (Some(sql), Some(milliseconds)) = (&said.sql, said.milliseconds) {
            note_slow(sql, milliseconds, now);
        } else if *metadata.level() == Level::ERROR {
            let mut scope = context.event_scope(event).into_iter().flatten();
            let request = scope.find_map(|span| span.extensions().get::<RequestId>().map(|id| id.0.clone()));
            note_error(metadata.target(), said, request, now);
        }
    }
}

/// The fields that are looked at.
#[derive(Default)]
struct Said {
    message: String,
    /// Where it panicked.
    place: Option<String>,
    error: Option<String>,
    sql: Option<String>,
    milliseconds: Option<f64>,
    request_id: Option<String>,
}

impl Said {
    fn take(&mut self, name: &str, value: String) {
        match name {
            "message" => self.message = value,
            "place" => self.place = Some(value),
            "error" | "fault" | "words" => self.error = Some(value.chars().take(DETAIL_MAX).collect()),
            "sql" => self.sql = Some(value),
            "request_id" => self.request_id = Some(value),
            _ => {}
        }
    }
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "milliseconds" {
            self.milliseconds = Some(value);
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field.name(), value.to_owned());
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field.name(), format!("{value:?}"));
    }
}

fn note_error(part: &str, said: Said, request: Option<String>, now: Timestamp) {
    let message = match said.place {
        Some(place) => format!("{} ({place})", said.message),
        None => said.message,
    };
    let fingerprint = fingerprint(&[part, &message]);
    let mut kept = kept();
    make_room(&mut kept.errors, &fingerprint, |seen| seen.last_at);
    let seen = kept.errors.entry(fingerprint.clone()).or_insert_with(|| ErrorSeen {
        fingerprint,
        part: part.to_owned(),
        message,
        detail: None,
        count: 0,
        first_at: now,
        last_at: now,
        last_request_id: None,
    });
    (seen.count, seen.last_at, seen.detail, seen.last_request_id) = (seen.count + 1, now, said.error, request);
}

fn note_slow(sql: &str, milliseconds: f64, now: Timestamp) {
    let fingerprint = fingerprint(&[sql]);
    let mut kept = kept();
    make_room(&mut kept.slow, &fingerprint, |query| query.last_at);
    let query = kept.slow.entry(fingerprint.clone()).or_insert_with(|| SlowQuery {
        fingerprint,
        sql: sql.to_owned(),
        count: 0,
        mean_ms: 0.0,
        longest_ms: 0.0,
        last_at: now,
    });
    query.count += 1;
    query.mean_ms += (milliseconds - query.mean_ms) / query.count as f64;
    query.mean_ms = (query.mean_ms * 1e3).round() / 1e3;
    (query.longest_ms, query.last_at) = (query.longest_ms.max(milliseconds), now);
}

/// Where one that is new would be too many, the one that was seen longest ago goes.
fn make_room<T>(held: &mut HashMap<String, T>, new: &str, seen_at: impl Fn(&T) -> Timestamp) {
    if held.len() < KEPT_MAX || held.contains_key(new) {
        return;
    }
    let oldest = held.iter().min_by_key(|(_, one)| seen_at(one)).map(|(name, _)| name.clone());
    if let Some(oldest) = oldest {
        held.remove(&oldest);
    }
}

fn fingerprint(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\n").as_bytes());
    let number = hash.iter().take(FINGERPRINT_BYTES).fold(0_u64, |number, byte| number * 256 + u64::from(*byte));
    format!("{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn errors_are_counted_by_message_and_statements_by_text() {
        let subscriber = tracing_subscriber::registry().with(layer());
        tracing::subscriber::with_default(subscriber, || {
            let request = tracing::error_span!("request", request_id = "r-7");
            let _within = request.enter();
            for number in 0..3 {
                tracing::error!(target: "trees", error = %format!("number {number}"), "an oak fell");
            }
            tracing::warn!(target: "trees", "a twig fell");
            for milliseconds in [300.0, 500.0] {
                tracing::warn!(target: "trees", milliseconds, sql = "SELECT $1 FROM oaks", slow = true, "slow query");
            }
        });
        let seen: Vec<_> = errors().into_iter().filter(|seen| seen.part == "trees").collect();
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert_eq!((seen[0].message.as_str(), seen[0].count), ("an oak fell", 3));
        assert_eq!(seen[0].detail.as_deref(), Some("number 2"));
        assert_eq!(seen[0].last_request_id.as_deref(), Some("r-7"));
        let slow = slow_queries().into_iter().find(|query| query.sql == "SELECT $1 FROM oaks").expect("it is kept");
        assert_eq!((slow.count, slow.mean_ms, slow.longest_ms), (2, 400.0, 500.0));
    }

    #[test]
    fn however_many_kinds_there_are_so_many_are_kept() {
        for kind in 0..KEPT_MAX as i64 + 50 {
            let said = Said { message: format!("kind {kind}"), ..Said::default() };
            note_error("flood", said, None, Timestamp::from_second(kind).expect("a time"));
        }
        let seen = errors();
        assert!(seen.len() <= KEPT_MAX, "{}", seen.len());
        assert!(seen.iter().any(|seen| seen.message == "kind 249"), "the newest is among them");
    }
}
