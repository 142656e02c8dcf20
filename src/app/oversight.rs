//! What staff see of the service as a whole: recommendations made, how much of everything there is, the audit log.
//! Looking at what is personal is noted itself.

use crate::app::audit::{Act, PERSONAL_READ, note};
use crate::app::catalog::{CacheFigures, Page, PageRequest};
use crate::app::figures::moment;
use crate::app::parts::{Parts, ROWS, in_parts};
use crate::app::{self, App, Result};
use crate::store::audit;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::feedback::{self, FeedbackFilter, FeedbackStats};
use crate::store::nodes::{News, tell};
use crate::store::overview::{self, Counts, EventCount};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

pub use crate::store::audit::AuditFilter;
pub use crate::store::overview::SummaryFilter;

/// What counts as new in the figures.
const NEW_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A recommendation somebody got.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecommendationSummary {
    pub recommendation_id: Uuid,
    /// `null`: asked without an account.
    pub user_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub catalog_revision: i64,
    pub algorithm_version: String,
    /// `null`: nothing could be recommended.
    pub best_plan: Option<RecommendedPlan>,
}

/// The plan in first place.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecommendedPlan {
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_name: String,
    pub projected_annual_cost: f64,
}

/// One row of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditEntry {
    /// Its number in the chain, without gaps.
    pub seq: i64,
    pub logged_at: Timestamp,
    /// A name of the OWASP logging vocabulary.
    pub event: String,
    /// Who did it; `null`: nobody signed in, or the service itself.
    pub actor_id: Option<Uuid>,
    /// What it was done to.
    pub subject_id: Option<Uuid>,
    pub success: bool,
    /// `null`: erased with its user; the chain still holds.
    pub detail: Option<Value>,
    /// Seals this row and the one before, hexadecimal.
    pub hash: String,
}

/// How often each event happened.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditStats {
    pub total: u64,
    pub failures: u64,
    /// The most frequent first.
    pub events: Vec<AuditEventCount>,
    /// The newest row's number; 0: there is none.
    pub head_seq: i64,
    /// The newest row's hash.
    pub head_hash: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditEventCount {
    pub event: String,
    pub count: u64,
    pub failures: u64,
    pub last_at: Timestamp,
}

/// What came of recomputing the chain.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AuditVerdict {
    pub intact: bool,
    /// The first row that does not fit; `null` when all do.
    pub broken_at: Option<i64>,
    /// The newest row's number.
    pub head_seq: i64,
    pub head_hash: String,
}

/// How much there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    pub counts: Counts,
    pub feedback: FeedbackStats,
    pub caches: [(&'static str, CacheFigures); 2],
}

/// How many answers and rankings were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    pub answers: u64,
    pub rankings: u64,
}

impl App {
    /// The newest first.
    pub async fn recommendation_summaries(
        &self,
        actor: Uuid,
        wanted: SummaryFilter,
        page: PageRequest,
    ) -> Result<Page<RecommendationSummary>> {
        let found = self
            .noted_read(actor, "recommendations", move |conn| {
                let found = overview::recommendations(conn, &wanted, page.into())?;
                Ok((found.items.len(), found))
            })
            .await?;
        Ok(Page::kept(page, found, RecommendationSummary::of))
    }

    /// The newest first.
    pub async fn audit_log(&self, actor: Uuid, wanted: AuditFilter, page: PageRequest) -> Result<Page<AuditEntry>> {
        let found = self
            .noted_read(actor, "audit log", move |conn| {
                let found = audit::list(conn, &wanted, page.into())?;
                Ok((found.items.len(), found))
            })
            .await?;
        Ok(Page::kept(page, found, AuditEntry::of))
    }

    /// The rows after row `after`, the oldest first, each as one line of JSON; that they were exported is noted first.
    pub async fn export_audit_log(self: &Arc<Self>, actor: Uuid, wanted: AuditFilter, after: i64) -> Result<Parts> {
        self.note_read(actor, None, json!({ "read": "audit log export" })).await?;
        let read =
            move |conn: &mut Conn<'_>, last: Option<i64>| audit::after(conn, &wanted, last.unwrap_or(after), ROWS);
        Ok(in_parts(self.clone(), read, |entry: &audit::Entry| entry.seq, lines))
    }

    /// Nothing of it is personal.
    pub async fn audit_stats(&self, wanted: AuditFilter) -> Result<AuditStats> {
        let read = move |conn: &mut Conn<'_>| -> Result<_> {
            Ok((overview::audit_events(conn, &wanted)?, audit::head(conn)?))
        };
        let (events, head) = self.store.read(read).await?;
        Ok(AuditStats {
            total: events.iter().map(|event| event.count).sum(),
            failures: events.iter().map(|event| event.failures).sum(),
            events: events.into_iter().map(AuditEventCount::of).collect(),
            head_seq: head.seq,
            head_hash: audit::hex(&head.hash),
        })
    }

    /// Recomputes the whole chain.
    pub async fn audit_verdict(&self) -> Result<AuditVerdict> {
        let found = self.verify_audit(None).await?;
        Ok(AuditVerdict {
            intact: found.is_intact(),
            broken_at: found.broken_at,
            head_seq: found.head.seq,
            head_hash: audit::hex(&found.head.hash),
        })
    }

    pub async fn overview(&self) -> Result<Overview> {
        let now = self.now();
        let since = now.saturating_sub(NEW_FOR).unwrap_or(now);
        let read = move |conn: &mut Conn<'_>| -> Result<_> {
            Ok((overview::counts(conn, since, now)?, feedback::stats(conn, &FeedbackFilter::default())?))
        };
        let (counts, feedback) = self.store.read(read).await?;
        let caches = [("catalog", self.catalog.cache_figures()), ("recommendations", self.rankings.figures())];
        Ok(Overview { counts, feedback, caches })
    }

    /// Forgets every answer and ranking kept ready; each is made anew when it is asked for. It is noted first.
    pub async fn clear_caches(&self, actor: Uuid) -> Result<Cleared> {
        let now = self.now();
        let held = |answers: u64, rankings: u64| json!({ "answers": answers, "rankings": rankings });
        let before = held(self.catalog.cache_figures().entries, self.rankings.figures().entries);
        let detail = json!({ "act": "caches_cleared", "before": before, "after": held(0, 0) });
        let act = Act { actor: Some(actor), subject: None, detail };
        let clear = move |tx: &mut Tx<'_>| {
            note(tx, "authz_admin", act, now)?;
            tell(tx, News::Caches)
        };
        // Counted before this node hears of it as every other does.
        let cleared = Cleared { answers: self.catalog.clear(), rankings: self.rankings.clear() };
        self.store.write(clear).await?;
        Ok(cleared)
    }

    /// Reads, and notes in the same transaction who read how many rows of what. What was searched for is not noted: it
    /// may name somebody.
    async fn noted_read<T: Send + 'static>(
        &self,
        actor: Uuid,
        what: &'static str,
        read: impl FnOnce(&mut Conn<'_>) -> std::result::Result<(usize, T), StoreError> + Send + 'static,
    ) -> Result<T> {
        let now = self.now();
        let noted = move |tx: &mut Tx<'_>| {
            let (rows, found) = read(tx)?;
            let detail = json!({ "read": what, "rows": rows });
            note(tx, PERSONAL_READ, Act { actor: Some(actor), subject: None, detail }, now)?;
            Ok::<_, StoreError>(found)
        };
        Ok(self.store.write(noted).await?)
    }
}

fn lines(_: &App, _: bool, rows: Vec<audit::Entry>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for row in rows {
        text.extend(app::json(&AuditEntry::of(row))?);
        text.push(b'\n');
    }
    Ok(text)
}

impl RecommendationSummary {
    fn of(kept: overview::Summary) -> Self {
        RecommendationSummary {
            recommendation_id: kept.id,
            user_id: kept.user_id,
            created_at: moment(kept.created_at),
            expires_at: moment(kept.expires_at),
            catalog_revision: kept.catalog_revision,
            algorithm_version: kept.algorithm_version,
            best_plan: kept.best.map(|best| RecommendedPlan {
                plan_id: best.plan_id,
                plan_name: best.plan_name,
                supplier_name: best.supplier_name,
                projected_annual_cost: best.annual_cost_cents as f64 / 100.0,
            }),
        }
    }
}

impl AuditEntry {
    fn of(entry: audit::Entry) -> Self {
        AuditEntry {
            seq: entry.seq,
            logged_at: moment(entry.logged_at),
            event: entry.event,
            actor_id: entry.actor_id,
            subject_id: entry.subject_id,
            success: entry.success,
            detail: entry.detail,
            hash: audit::hex(&entry.hash),
        }
    }
}

impl AuditEventCount {
    fn of(count: EventCount) -> Self {
        let EventCount { event, count, failures, last_at } = count;
        AuditEventCount { event, count, failures, last_at: moment(last_at) }
    }
}
