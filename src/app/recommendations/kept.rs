//! A recommendation as it is sent and kept: the advice with its id and times.

use crate::app::sessions::Caller;
use crate::app::{figures, tokens};
use crate::domain::advice::Recommendation;
use crate::store::recommendations::Recommendation as Kept;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// Prices change: after this many days the advice should be made anew.
const GOOD_FOR_DAYS: i64 = 7;

/// The answer of `generate`; its bytes are kept as they are sent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "GeneratedRecommendation")]
pub struct Generated<'a> {
    pub recommendation_id: Uuid,
    pub generated_at: Timestamp,
    /// Prices may have changed by then.
    pub expires_at: Timestamp,
    /// Given once, where there is no account: who holds it may read and delete the recommendation. It is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub claim_token: Option<&'a str>,
    #[serde(flatten)]
    pub advice: &'a Recommendation,
}

impl<'a> Generated<'a> {
    pub fn new(recommendation_id: Uuid, now: Timestamp, advice: &'a Recommendation) -> Self {
        let generated_at = figures::moment(now);
        Generated { recommendation_id, generated_at, expires_at: expires_at(generated_at), claim_token: None, advice }
    }
}

/// Who asks for what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    Account {
        user: Uuid,
        is_admin: bool,
    },
    /// Who holds the token of a recommendation made without an account: the hash of the token.
    Holder([u8; 32]),
}

impl Asker {
    pub fn holding(claim_token: &str) -> Self {
        Asker::Holder(tokens::hash_of(claim_token))
    }

    /// Another user's recommendation is as good as none.
    pub(super) fn may_have(self, kept: &Kept) -> bool {
        match self {
            Asker::Account { user, is_admin } => is_admin || kept.user_id == Some(user),
            Asker::Holder(claim) => kept.claim_hash == Some(claim),
        }
    }

    /// An administrator, where what is kept belongs to somebody else.
    pub(super) fn staff_at(self, owner: Option<Uuid>) -> Option<Uuid> {
        match self {
            Asker::Account { user, is_admin: true } if owner != Some(user) => Some(user),
            _ => None,
        }
    }
}

impl From<Caller> for Asker {
    fn from(caller: Caller) -> Self {
        Asker::Account { user: caller.user_id, is_admin: caller.is_admin }
    }
}

/// When advice of `made` should be made anew.
pub fn expires_at(made: Timestamp) -> Timestamp {
    made.saturating_add(SignedDuration::from_hours(24 * GOOD_FOR_DAYS)).unwrap_or(made)
}

/// A recommendation is gone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "DeletedRecommendation")]
pub struct Deleted {
    pub message: String,
    pub success: bool,
}

impl Default for Deleted {
    fn default() -> Self {
        Deleted { message: "The recommendation is deleted.".to_owned(), success: true }
    }
}
