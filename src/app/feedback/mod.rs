//! Feedback: taken from everybody within limits, on what exists and is the giver's own; read by staff.

mod export;
mod review;

pub use crate::store::feedback::{FeedbackFilter, FeedbackKind};
pub use review::{FeedbackAnalytics, FeedbackFigures, FeedbackFound};

use crate::app::catalog::no_such;
use crate::app::error::Error;
use crate::app::once::Once;
use crate::app::{App, Result, json, tokens};
use crate::domain::sentiment::Sentiment;
use crate::store::db::{Conn, Tx};
use crate::store::feedback::{self, Feedback};
use crate::store::recommendations;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// What `limits.feedback_per_day` counts in: any 24 hours, so that no midnight doubles it.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// The limit's name, as a refusal gives it.
const LIMIT: &str = "feedback";

/// What somebody thought of a plan, a recommendation, or a plan of a recommendation.
#[derive(Debug, Clone)]
pub struct Opinion {
    pub plan_id: Option<Uuid>,
    pub recommendation_id: Option<Uuid>,
    /// 1..=5.
    pub rating: u8,
    /// At most 500 characters.
    pub text: Option<String>,
    pub kind: FeedbackKind,
    /// The claim token of a recommendation made without an account.
    pub claim: Option<String>,
}

/// The answer to feedback.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FeedbackTaken {
    success: bool,
    #[schemars(length(max = 200))]
    message: String,
    feedback_id: Uuid,
}

impl App {
    /// Keeps an opinion; of a user at most so many in 24 hours. The same one again is kept once and answered alike.
    pub async fn give_feedback(&self, user: Option<Uuid>, opinion: Opinion, once: Once) -> Result<Vec<u8>> {
        if opinion.plan_id.is_some_and(|id| self.catalog.snapshot().plan(id).is_none()) {
            return Err(no_such("plan"));
        }
        let limit = self.current().limits.feedback_per_day;
        let claim = opinion.claim.as_deref().map(tokens::hash_of);
        let text = opinion.text.as_deref().and_then(readable);
        let given = Feedback {
            id: Uuid::now_v7(),
            user_id: user,
            plan_id: opinion.plan_id,
            recommendation_id: opinion.recommendation_id,
            rating: opinion.rating,
            sentiment: Sentiment::of(text.as_deref(), opinion.rating),
            text,
            kind: opinion.kind,
            created_at: self.now(),
        };
        let keep = move |tx: &mut Tx<'_>| -> Result<Vec<u8>> {
            if let Some(id) = given.recommendation_id {
                check_own(tx, id, user, claim)?;
            }
            let same = match user {
                Some(user) => same_within_limit(tx, user, &given, limit)?,
                None => None,
            };
            if same.is_none() {
                feedback::create(tx, &given)?;
            }
            let message = "Thank you for your feedback.".to_owned();
            let body = json(&FeedbackTaken { success: true, message, feedback_id: same.unwrap_or(given.id) })?;
            once.keep(tx, &body)?;
            Ok(body)
        };
        self.store.write(keep).await
    }
}

/// The text as a person sees it: no blanks around it and no control characters in it; nothing if that is nothing.
fn readable(text: &str) -> Option<String> {
    let shown: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Feedback is given on one's own recommendation; another one is as good as none.
fn check_own(conn: &mut Conn<'_>, id: Uuid, user: Option<Uuid>, claim: Option<[u8; 32]>) -> Result<()> {
    let kept = recommendations::by_id(conn, id)?;
    let own = kept.is_some_and(|kept| {
        let claimed = claim.is_some() && kept.claim_hash == claim;
        claimed || (user.is_some() && kept.user_id == user)
    });
    if own { Ok(()) } else { Err(no_such("recommendation")) }
}

/// What the user gave already in the last 24 hours that says the same; an error where they gave all they may.
fn same_within_limit(tx: &mut Tx<'_>, user: Uuid, given: &Feedback, limit: u32) -> Result<Option<Uuid>> {
    feedback::one_at_a_time(tx, user)?;
    let since = given.created_at.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
    let recent = feedback::newest_of(tx, user, since, limit)?;
    if let Some(same) = recent.iter().find(|held| says_the_same(held, given)) {
        return Ok(Some(same.id));
    }
    match recent.last() {
        Some(oldest) if recent.len() >= limit as usize => Err(too_many(limit, oldest.created_at, given.created_at)),
        _ => Ok(None),
    }
}

fn says_the_same(one: &Feedback, other: &Feedback) -> bool {
    let subject = |of: &Feedback| (of.plan_id, of.recommendation_id);
    let said = |of: &Feedback| (of.rating, of.kind);
    subject(one) == subject(other) && said(one) == said(other) && one.text == other.text
}

/// The next is admitted when the oldest of those that count is a day old.
fn too_many(limit: u32, oldest: Timestamp, now: Timestamp) -> Error {
    let free = oldest.saturating_add(DAY).unwrap_or(Timestamp::MAX);
    let wait = free.duration_since(now).as_secs().max(0) + 1;
    let hours = (wait + 3_599).div_euclid(3_600);
    let plural = if hours == 1 { "" } else { "s" };
    Error::Exceeded {
        limit: LIMIT,
        message: format!("Your account may give feedback {limit} times a day. Try again in {hours} hour{plural}."),
        retry_after_seconds: u32::try_from(wait).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_as_a_person_sees_it() {
        let cases = [
            (" Good price.\n", Some("Good price.")),
            ("two\nlines\tand\u{0} no\u{7} bells", Some("two\nlines\tand no bells")),
            (" \u{0}\r\n", None),
            ("", None),
        ];
        for (text, kept) in cases {
            assert_eq!(readable(text).as_deref(), kept, "{text:?}");
        }
    }

    #[test]
    fn the_wait_ends_when_the_oldest_is_a_day_old() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().expect("a time");
        let oldest = now.saturating_sub(SignedDuration::from_mins(23 * 60 + 30)).expect("a time");
        let Error::Exceeded { limit, message, retry_after_seconds } = too_many(10, oldest, now) else {
            panic!("another error")
        };
        assert_eq!((limit, retry_after_seconds), ("feedback", 1_801));
        assert_eq!(message, "Your account may give feedback 10 times a day. Try again in 1 hour.");
    }
}
