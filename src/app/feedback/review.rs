//! What staff see of feedback: figures, a month of days, the plans spoken of most, and a search. Never whose it was.

use crate::app::audit::{Act, PERSONAL_READ, note};
use crate::app::figures::{moment, rounded};
use crate::app::{App, Result, json};
use crate::domain::market::Snapshot;
use crate::domain::sentiment::Sentiment;
use crate::store::db::Tx;
use crate::store::db::filter::Page;
use crate::store::error::StoreError;
use crate::store::feedback::{self, Feedback, FeedbackDay, FeedbackFilter, FeedbackKind, FeedbackStats, RatedPlan};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Days of the series, today among them.
const DAYS: usize = 31;
const TOP_PLANS: u32 = 10;
const RECENT_TEXTS: u32 = 10;

/// All feedback in figures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FeedbackFigures {
    total: u64,
    /// To 2 decimals; null without feedback.
    average_rating: Option<f64>,
    with_text: u64,
    /// From 1 to 5.
    #[schemars(length(min = 5, max = 5))]
    by_rating: Vec<RatingCount>,
    by_sentiment: SentimentCounts,
    by_type: TypeCounts,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct RatingCount {
    #[schemars(range(min = 1, max = 5))]
    rating: u8,
    count: u64,
}

/// How many were content, and how many not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct SentimentCounts {
    positive: u64,
    neutral: u64,
    negative: u64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "FeedbackTypeCounts")]
struct TypeCounts {
    helpful: u64,
    not_helpful: u64,
    selected: u64,
    did_not_select: u64,
    other: u64,
}

/// Figures, the last 31 days, the plans spoken of most, and the newest texts.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FeedbackAnalytics {
    stats: FeedbackFigures,
    /// UTC days, the oldest first, also those without feedback.
    #[schemars(length(min = 31, max = 31))]
    daily: Vec<DayOfFeedback>,
    /// Most feedback first.
    #[schemars(length(max = 10))]
    top_plans: Vec<PlanRated>,
    /// The newest first.
    #[schemars(length(max = 10))]
    recent_texts: Vec<FeedbackItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct DayOfFeedback {
    date: Date,
    count: u64,
    /// To 2 decimals; null on a day without feedback.
    average_rating: Option<f64>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct PlanRated {
    plan_id: Uuid,
    /// Null where the catalog does not have it any more.
    #[schemars(length(max = 500))]
    plan_name: Option<String>,
    count: u64,
    average_rating: f64,
}

/// One piece of feedback. It does not say whose.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct FeedbackItem {
    pub feedback_id: Uuid,
    pub created_at: Timestamp,
    pub plan_id: Option<Uuid>,
    /// Null without a plan, and where the catalog does not have it any more.
    #[schemars(length(max = 500))]
    pub plan_name: Option<String>,
    pub recommendation_id: Option<Uuid>,
    #[schemars(range(min = 1, max = 5))]
    pub rating: u8,
    pub feedback_type: FeedbackKind,
    pub sentiment: Sentiment,
    #[schemars(length(max = 500))]
    pub feedback_text: Option<String>,
}

/// Some of the feedback that was searched for, the newest first.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FeedbackFound {
    #[schemars(length(max = 100))]
    items: Vec<FeedbackItem>,
    /// How many there are in all.
    total: u64,
    #[schemars(range(min = 1, max = 100))]
    limit: u32,
    offset: u32,
}

impl App {
    pub async fn feedback_figures(&self) -> Result<Vec<u8>> {
        let stats = self.store.read(|conn| feedback::stats(conn, &FeedbackFilter::default())).await?;
        json(&FeedbackFigures::of(&stats))
    }

    /// Texts may be personal: that they were read is noted.
    pub async fn feedback_analytics(&self, actor: Uuid) -> Result<Vec<u8>> {
        let now = self.now();
        let today = now.to_zoned(TimeZone::UTC).date();
        let read = move |tx: &mut Tx<'_>| {
            let everything = FeedbackFilter::default();
            let written = FeedbackFilter { has_text: Some(true), ..FeedbackFilter::default() };
            let month = FeedbackFilter { from: last_days(today).next(), ..FeedbackFilter::default() };
            let texts = feedback::search(tx, &written, Page { limit: RECENT_TEXTS, offset: 0 })?.items;
            let detail = serde_json::json!({ "read": "feedback analytics", "rows": texts.len() });
            note(tx, PERSONAL_READ, Act { actor: Some(actor), subject: None, detail }, now)?;
            let days = feedback::by_day(tx, &month)?;
            let top = feedback::top_plans(tx, &everything, TOP_PLANS)?;
            Ok::<_, StoreError>((feedback::stats(tx, &everything)?, days, top, texts))
        };
        let (stats, days, top, texts) = self.store.write(read).await?;
        let market = self.catalog.snapshot();
        json(&FeedbackAnalytics {
            stats: FeedbackFigures::of(&stats),
            daily: every_day(today, &days),
            top_plans: top.iter().map(|plan| PlanRated::of(plan, &market)).collect(),
            recent_texts: texts.into_iter().map(|given| FeedbackItem::of(given, &market)).collect(),
        })
    }

    /// At most `limit` of those that are wanted, after `offset` of them; noted as read.
    pub async fn search_feedback(
        &self,
        actor: Uuid,
        wanted: FeedbackFilter,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<u8>> {
        let now = self.now();
        let read = move |tx: &mut Tx<'_>| {
            let found = feedback::search(tx, &wanted, Page { limit, offset })?;
            let detail = serde_json::json!({ "read": "feedback", "from": offset, "rows": found.items.len() });
            note(tx, PERSONAL_READ, Act { actor: Some(actor), subject: None, detail }, now)?;
            Ok::<_, StoreError>(found)
        };
        let found = self.store.write(read).await?;
        let market = self.catalog.snapshot();
        let items = found.items.into_iter().map(|given| FeedbackItem::of(given, &market)).collect();
        json(&FeedbackFound { items, total: found.total, limit, offset })
    }
}

impl FeedbackFigures {
    fn of(stats: &FeedbackStats) -> Self {
        let [positive, neutral, negative] = stats.by_sentiment;
        let [helpful, not_helpful, selected, did_not_select, other] = stats.by_kind;
        FeedbackFigures {
            total: stats.total,
            average_rating: stats.mean_rating.map(|mean| rounded(mean, 2)),
            with_text: stats.with_text,
            by_rating: (1..).zip(stats.by_rating).map(|(rating, count)| RatingCount { rating, count }).collect(),
            by_sentiment: SentimentCounts { positive, neutral, negative },
            by_type: TypeCounts { helpful, not_helpful, selected, did_not_select, other },
        }
    }
}

impl PlanRated {
    fn of(plan: &RatedPlan, market: &Snapshot) -> Self {
        let average_rating = rounded(plan.mean_rating, 2);
        PlanRated { plan_id: plan.plan_id, plan_name: name_of(plan.plan_id, market), count: plan.count, average_rating }
    }
}

impl FeedbackItem {
    pub(super) fn of(given: Feedback, market: &Snapshot) -> Self {
        FeedbackItem {
            feedback_id: given.id,
            created_at: moment(given.created_at),
            plan_id: given.plan_id,
            plan_name: given.plan_id.and_then(|id| name_of(id, market)),
            recommendation_id: given.recommendation_id,
            rating: given.rating,
            feedback_type: given.kind,
            sentiment: given.sentiment,
            feedback_text: given.text,
        }
    }
}

fn name_of(plan: Uuid, market: &Snapshot) -> Option<String> {
    market.plan(plan).map(|listing| listing.plan.name.clone())
}

/// The days of the series, oldest first.
fn last_days(today: Date) -> impl Iterator<Item = Date> {
    (0..DAYS).rev().filter_map(move |ago| today.checked_sub((ago as i64).days()).ok())
}

/// The series with the days that have none.
fn every_day(today: Date, given: &[FeedbackDay]) -> Vec<DayOfFeedback> {
    let of_day = |date| {
        let held = given.iter().find(|day| day.day == date);
        let (count, mean) = held.map_or((0, None), |day| (day.count, Some(rounded(day.mean_rating, 2))));
        DayOfFeedback { date, count, average_rating: mean }
    };
    last_days(today).map(of_day).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_series_has_31_days_and_zero_where_nothing_was_given() {
        let given = [
            FeedbackDay { day: date(2026, 2, 2), count: 3, mean_rating: 11.0 / 3.0 },
            FeedbackDay { day: date(2026, 3, 3), count: 1, mean_rating: 1.0 },
        ];
        let days = every_day(date(2026, 3, 4), &given);
        assert_eq!((days.len(), days[0].date, days[30].date), (31, date(2026, 2, 2), date(2026, 3, 4)));
        let filled: Vec<_> =
            days.iter().filter(|day| day.count > 0).map(|day| (day.date, day.average_rating)).collect();
        assert_eq!(filled, [(date(2026, 2, 2), Some(3.67)), (date(2026, 3, 3), Some(1.0))]);
        assert_eq!(days[30], DayOfFeedback { date: date(2026, 3, 4), count: 0, average_rating: None });
    }
}
