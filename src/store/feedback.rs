//! What people thought of plans and answers, and the figures an administrator sees of it.

use crate::domain::sentiment::Sentiment;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{FromValue, Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// On a plan, an answer, or a plan of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feedback {
    pub id: Uuid,
    /// None: given without an account, or by one that was erased.
    pub user_id: Option<Uuid>,
    pub plan_id: Option<Uuid>,
    pub recommendation_id: Option<Uuid>,
    /// 1..=5.
    pub rating: u8,
    /// At most 500 characters.
    pub text: Option<String>,
    pub kind: FeedbackKind,
    pub sentiment: Sentiment,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "FeedbackType")]
pub enum FeedbackKind {
    Helpful,
    NotHelpful,
    Selected,
    DidNotSelect,
    Other,
}

impl FeedbackKind {
    pub const ALL: [FeedbackKind; 5] = [
        FeedbackKind::Helpful,
        FeedbackKind::NotHelpful,
        FeedbackKind::Selected,
        FeedbackKind::DidNotSelect,
        FeedbackKind::Other,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            FeedbackKind::Helpful => "helpful",
            FeedbackKind::NotHelpful => "not_helpful",
            FeedbackKind::Selected => "selected",
            FeedbackKind::DidNotSelect => "did_not_select",
            FeedbackKind::Other => "other",
        }
    }
}

/// Which feedback a search shows; dates are UTC days, both included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedbackFilter {
    pub plan_id: Option<Uuid>,
    pub recommendation_id: Option<Uuid>,
    pub min_rating: Option<u8>,
    pub max_rating: Option<u8>,
    pub has_text: Option<bool>,
    pub sentiment: Option<Sentiment>,
    pub from: Option<Date>,
    pub to: Option<Date>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeedbackStats {
    pub total: u64,
    /// None without feedback.
    pub mean_rating: Option<f64>,
    /// How often 1, 2, 3, 4 and 5 were given.
    pub by_rating: [u64; 5],
    pub with_text: u64,
    /// In the order of [`Sentiment::ALL`].
    pub by_sentiment: [u64; 3],
    /// In the order of [`FeedbackKind::ALL`].
    pub by_kind: [u64; 5],
}

/// One day of a series; days without feedback are not in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedbackDay {
    pub day: Date,
    pub count: u64,
    pub mean_rating: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatedPlan {
    pub plan_id: Uuid,
    pub count: u64,
    pub mean_rating: f64,
}

const COLUMNS: &str =
    "id, user_id, plan_id, recommendation_id, rating, feedback_text, feedback_type, sentiment, created_at";
const MEAN_RATING: &str = "CAST(avg(rating) AS DOUBLE PRECISION)";

fn feedback(row: &mut Row) -> Result<Feedback, StoreError> {
    Ok(Feedback {
        id: row.take()?,
        user_id: row.take()?,
        plan_id: row.take()?,
        recommendation_id: row.take()?,
        rating: row.take()?,
        text: row.take()?,
        kind: row.take()?,
        sentiment: row.take()?,
        created_at: row.take()?,
    })
}

pub fn create(tx: &mut Tx<'_>, new: &Feedback) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO feedback ({COLUMNS}, created_on) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let values: [Value; 10] = [
        new.id.into(),
        new.user_id.into(),
        new.plan_id.into(),
        new.recommendation_id.into(),
        new.rating.into(),
        new.text.as_deref().into(),
        new.kind.as_str().into(),
        new.sentiment.as_str().into(),
        new.created_at.into(),
        new.created_at.to_zoned(TimeZone::UTC).date().into(),
    ];
    tx.execute_one(&sql, &values)
}

/// Makes whoever else writes feedback of this user wait until the transaction ends, so that a count stays true.
pub fn one_at_a_time(tx: &mut Tx<'_>, user_id: Uuid) -> Result<(), StoreError> {
    tx.execute_one("UPDATE users SET role = role WHERE id = $1", &[user_id.into()])
}

/// What a user gave after `since`, newest first and at most `limit`.
pub fn newest_of(
    conn: &mut Conn<'_>,
    user_id: Uuid,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Feedback>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM feedback WHERE user_id = $1 AND created_at > $2 \
         ORDER BY created_at DESC, id DESC LIMIT {limit}"
    );
    conn.query(&sql, &[user_id.into(), since.into()], feedback)
}

/// What a user gave, oldest first.
pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<Feedback>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM feedback WHERE user_id = $1 ORDER BY created_at, id");
    conn.query(&sql, &[user_id.into()], feedback)
}

/// Newest first.
pub fn search(conn: &mut Conn<'_>, wanted: &FeedbackFilter, page: Page) -> Result<Paged<Feedback>, StoreError> {
    conditions(wanted).page(conn, (COLUMNS, "feedback", "created_at DESC, id"), page, feedback)
}

/// In the order of their ids, which is that of time: at most `limit` after `after`.
pub fn following(
    conn: &mut Conn<'_>,
    wanted: &FeedbackFilter,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Feedback>, StoreError> {
    let mut filter = conditions(wanted);
    filter.and_some("id > ?", after);
    filter.query(conn, (COLUMNS, "feedback", &format!("ORDER BY id LIMIT {limit}")), feedback)
}

pub fn stats(conn: &mut Conn<'_>, wanted: &FeedbackFilter) -> Result<FeedbackStats, StoreError> {
    let mut stats = FeedbackStats::default();
    let mut sum = 0;
    let select = "rating, feedback_type, sentiment, count(*), count(feedback_text)";
    let rest = "GROUP BY rating, feedback_type, sentiment";
    let groups = conditions(wanted).query(conn, (select, "feedback", rest), |row: &mut Row| {
        Ok((
            row.take::<u8>()?,
            row.take::<FeedbackKind>()?,
            row.take::<Sentiment>()?,
            row.take::<u64>()?,
            row.take::<u64>()?,
        ))
    })?;
    for (rating, kind, sentiment, count, with_text) in groups {
        let slot = stats.by_rating.get_mut(usize::from(rating).wrapping_sub(1));
        *slot.ok_or_else(|| StoreError::internal("a stored rating is not 1 to 5"))? += count;
        stats.by_kind[kind as usize] += count;
        stats.by_sentiment[sentiment as usize] += count;
        stats.total += count;
        stats.with_text += with_text;
        sum += u64::from(rating) * count;
    }
    stats.mean_rating = (stats.total > 0).then(|| sum as f64 / stats.total as f64);
    Ok(stats)
}

/// In order of days.
pub fn by_day(conn: &mut Conn<'_>, wanted: &FeedbackFilter) -> Result<Vec<FeedbackDay>, StoreError> {
    let select = format!("created_on, count(*), {MEAN_RATING}");
    conditions(wanted).query(conn, (&select, "feedback", "GROUP BY created_on ORDER BY created_on"), |row: &mut Row| {
        Ok(FeedbackDay { day: row.take()?, count: row.take()?, mean_rating: row.take()? })
    })
}

/// The plans with most feedback.
pub fn top_plans(conn: &mut Conn<'_>, wanted: &FeedbackFilter, limit: u32) -> Result<Vec<RatedPlan>, StoreError> {
    let mut filter = conditions(wanted);
    filter.and_always("plan_id IS NOT NULL");
    let select = format!("plan_id, count(*), {MEAN_RATING}");
    let rest = format!("GROUP BY plan_id ORDER BY count(*) DESC, plan_id LIMIT {limit}");
    filter.query(conn, (&select, "feedback", &rest), |row: &mut Row| {
        Ok(RatedPlan { plan_id: row.take()?, count: row.take()?, mean_rating: row.take()? })
    })
}

fn conditions(wanted: &FeedbackFilter) -> Filter {
    let mut filter = Filter::default();
    filter.and_some("plan_id = ?", wanted.plan_id);
    filter.and_some("recommendation_id = ?", wanted.recommendation_id);
    filter.and_some("rating >= ?", wanted.min_rating);
    filter.and_some("rating <= ?", wanted.max_rating);
    filter.and_some("created_on >= ?", wanted.from);
    filter.and_some("created_on <= ?", wanted.to);
    filter.and_some("sentiment = ?", wanted.sentiment.map(Sentiment::as_str));
    match wanted.has_text {
        Some(true) => filter.and_always("feedback_text IS NOT NULL"),
        Some(false) => filter.and_always("feedback_text IS NULL"),
        None => {}
    }
    filter
}

impl FromValue for FeedbackKind {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        FeedbackKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| StoreError::internal("a stored kind of feedback is not one the code knows"))
    }
}

impl FromValue for Sentiment {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        Sentiment::ALL
            .into_iter()
            .find(|sentiment| sentiment.as_str() == text)
            .ok_or_else(|| StoreError::internal("a stored sentiment is not one the code knows"))
    }
}
