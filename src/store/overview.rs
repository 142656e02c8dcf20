//! How much of everything there is, and lists for people who look after the service.

use crate::store::audit::{AuditFilter, filter_of};
use crate::store::db::Conn;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::Row;
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub users: u64,
    pub users_deactivated: u64,
    pub administrators: u64,
    pub support: u64,
    /// Opened since the instant asked for.
    pub users_new: u64,
    pub open_sessions: u64,
    pub recommendations: u64,
    /// Made since the instant asked for.
    pub recommendations_new: u64,
    pub recommendations_anonymous: u64,
    pub audit_rows: u64,
}

/// Counts as of `now`; what is new is new since `since`.
pub fn counts(conn: &mut Conn<'_>, since: Timestamp, now: Timestamp) -> Result<Counts, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM users), \
        (SELECT count(*) FROM users WHERE status = 'deactivated'), \
        (SELECT count(*) FROM users WHERE role = 'admin'), \
        (SELECT count(*) FROM users WHERE role = 'support'), \
        (SELECT count(*) FROM users WHERE created_at >= $1), \
        (SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND expires_at > $2), \
        (SELECT count(*) FROM recommendations), \
        (SELECT count(*) FROM recommendations WHERE created_at >= $1), \
        (SELECT count(*) FROM recommendations WHERE user_id IS NULL), \
        (SELECT seq FROM audit_head)";
    conn.one(sql, &[since.into(), now.into()], |row: &mut Row| {
        Ok(Counts {
            users: row.take()?,
            users_deactivated: row.take()?,
            administrators: row.take()?,
            support: row.take()?,
            users_new: row.take()?,
            open_sessions: row.take()?,
            recommendations: row.take()?,
            recommendations_new: row.take()?,
            recommendations_anonymous: row.take()?,
            audit_rows: row.take()?,
        })
    })
}

/// A kept recommendation without its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    pub id: Uuid,
    /// None: asked without an account.
    pub user_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub catalog_revision: i64,
    pub algorithm_version: String,
    /// None: nothing could be recommended.
    pub best: Option<BestPlan>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BestPlan {
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_name: String,
    pub annual_cost_cents: i64,
}

/// Which recommendations a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SummaryFilter {
    pub user_id: Option<Uuid>,
    /// Recommended in first place.
    pub plan_id: Option<Uuid>,
    /// Whether they were asked for without an account.
    pub anonymous: Option<bool>,
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
}

/// Newest first.
pub fn recommendations(conn: &mut Conn<'_>, wanted: &SummaryFilter, page: Page) -> Result<Paged<Summary>, StoreError> {
    const COLUMNS: &str = "recommendations.id, user_id, created_at, expires_at, catalog_revision, algorithm_version, \
                           plan_id, plan_name, supplier_name, annual_cost_cents";
    const TABLES: &str = "recommendations LEFT JOIN recommendation_plans \
                          ON recommendation_id = recommendations.id AND rank = 1";
    let mut filter = Filter::default();
    filter.and_some("user_id = ?", wanted.user_id);
    filter.and_some("plan_id = ?", wanted.plan_id);
    filter.and_some("created_at >= ?", wanted.from);
    filter.and_some("created_at < ?", wanted.to);
    match wanted.anonymous {
        Some(true) => filter.and_always("user_id IS NULL"),
        Some(false) => filter.and_always("user_id IS NOT NULL"),
        None => {}
    }
    filter.page(conn, (COLUMNS, TABLES, "created_at DESC, recommendations.id"), page, |row: &mut Row| {
        Ok(Summary {
            id: row.take()?,
            user_id: row.take()?,
            created_at: row.take()?,
            expires_at: row.take()?,
            catalog_revision: row.take()?,
            algorithm_version: row.take()?,
            best: best(row)?,
        })
    })
}

fn best(row: &mut Row) -> Result<Option<BestPlan>, StoreError> {
    let Some(plan_id) = row.take::<Option<Uuid>>()? else { return Ok(None) };
    let (plan_name, supplier_name, annual_cost_cents) = (row.take()?, row.take()?, row.take()?);
    Ok(Some(BestPlan { plan_id, plan_name, supplier_name, annual_cost_cents }))
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCount {
    pub event: String,
    pub count: u64,
    pub failures: u64,
    pub last_at: Timestamp,
}

/// The most frequent first.
pub fn audit_events(conn: &mut Conn<'_>, wanted: &AuditFilter) -> Result<Vec<EventCount>, StoreError> {
    let select = "event, count(*), count(CASE WHEN success THEN NULL ELSE 1 END), max(logged_at)";
    let rest = "GROUP BY event ORDER BY count(*) DESC, event";
    filter_of(wanted).query(conn, (select, "audit_logs", rest), |row: &mut Row| {
        Ok(EventCount { event: row.take()?, count: row.take()?, failures: row.take()?, last_at: row.take()? })
    })
}
