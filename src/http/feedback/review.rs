//! Feedback as staff read it: analytics, search, export. It never says whose it was.

use crate::app::App;
use crate::app::error::Error;
use crate::app::feedback::{FeedbackAnalytics, FeedbackFilter, FeedbackFound};
use crate::domain::sentiment::Sentiment;
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::http::saved::{self, CSV};
use crate::http::values::DateValue;
use poem::web::Data;
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, Enum, OpenApi};
use std::sync::Arc;
use uuid::Uuid;

const LIMIT: u32 = 20;

pub struct Review;

#[OpenApi(prefix_path = "/api/v1/admin/feedback", tag = "Tag::Feedback")]
impl Review {
    /// Analyse feedback
    ///
    /// All of it in figures, the last 31 UTC days, the plans spoken of most, and the newest texts. Reading it is noted
    /// in the audit log.
    #[oai(path = "/analytics", method = "get", operation_id = "get_feedback_analytics")]
    async fn analytics(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Private<FeedbackAnalytics>> {
        Ok(Private::new(app.feedback_analytics(caller.0.user_id).await?))
    }

    /// Search feedback
    ///
    /// What passes every filter given, the newest first. Reading it is noted in the audit log.
    #[oai(path = "/search", method = "get", operation_id = "search_feedback")]
    #[allow(clippy::too_many_arguments)]
    async fn search(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        plan_id: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "5")))] min_rating: Query<Option<u8>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "5")))] max_rating: Query<Option<u8>>,
        has_text: Query<Option<bool>>,
        sentiment: Query<Option<SentimentAsked>>,
        /// The first UTC day.
        start_date: Query<Option<DateValue>>,
        /// The last UTC day.
        end_date: Query<Option<DateValue>>,
        /// 20 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u32>>,
        /// How many to leave out before the first one shown.
        #[oai(validator(maximum(value = "1000000000")))]
        offset: Query<Option<u32>>,
    ) -> Result<Private<FeedbackFound>> {
        let wanted =
            wanted(plan_id.0, (min_rating.0, max_rating.0), has_text.0, sentiment.0, (start_date.0, end_date.0))?;
        let (limit, offset) = (limit.0.unwrap_or(LIMIT), offset.0.unwrap_or(0));
        Ok(Private::new(app.search_feedback(caller.0.user_id, wanted, limit, offset).await?))
    }

    /// Export feedback as CSV
    ///
    /// What passes every filter given, the oldest first, sent while it is read. Texts are written so that no
    /// spreadsheet takes them for formulas. Reading it is noted in the audit log.
    #[oai(path = "/export", method = "get", operation_id = "export_feedback")]
    #[allow(clippy::too_many_arguments)]
    async fn export(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        plan_id: Query<Option<Uuid>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "5")))] min_rating: Query<Option<u8>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "5")))] max_rating: Query<Option<u8>>,
        has_text: Query<Option<bool>>,
        sentiment: Query<Option<SentimentAsked>>,
        /// The first UTC day.
        start_date: Query<Option<DateValue>>,
        /// The last UTC day.
        end_date: Query<Option<DateValue>>,
    ) -> Result<FeedbackTable> {
        let wanted =
            wanted(plan_id.0, (min_rating.0, max_rating.0), has_text.0, sentiment.0, (start_date.0, end_date.0))?;
        let parts = app.export_feedback(caller.0.user_id, wanted).await?;
        Ok(FeedbackTable(saved::streamed(parts).await?))
    }
}

#[derive(Debug, Clone, Copy, Enum)]
#[oai(rename_all = "snake_case")]
enum SentimentAsked {
    Positive,
    Neutral,
    Negative,
}

impl From<SentimentAsked> for Sentiment {
    fn from(asked: SentimentAsked) -> Self {
        match asked {
            SentimentAsked::Positive => Sentiment::Positive,
            SentimentAsked::Neutral => Sentiment::Neutral,
            SentimentAsked::Negative => Sentiment::Negative,
        }
    }
}

/// The filters that search and export share; a range that is turned round is told, not found empty.
fn wanted(
    plan_id: Option<Uuid>,
    (min_rating, max_rating): (Option<u8>, Option<u8>),
    has_text: Option<bool>,
    sentiment: Option<SentimentAsked>,
    (start, end): (Option<DateValue>, Option<DateValue>),
) -> Result<FeedbackFilter> {
    let (from, to) = (start.map(|day| day.0), end.map(|day| day.0));
    if min_rating.zip(max_rating).is_some_and(|(min, max)| max < min) {
        return Err(Error::field("max_rating", "must not be less than min_rating", "range").into());
    }
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return Err(Error::field("end_date", "must not lie before start_date", "range").into());
    }
    let sentiment = sentiment.map(Sentiment::from);
    Ok(FeedbackFilter { plan_id, min_rating, max_rating, has_text, sentiment, from, to, ..FeedbackFilter::default() })
}

/// The export, sent in parts.
struct FeedbackTable(Body);

impl IntoResponse for FeedbackTable {
    fn into_response(self) -> Response {
        saved::private(CSV, self.0, "attachment; filename=\"feedback.csv\"")
    }
}

impl ApiResponse for FeedbackTable {
    fn meta() -> MetaResponses {
        saved::described("The table", CSV)
    }
    fn register(_: &mut Registry) {}
}
