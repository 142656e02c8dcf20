//! The bodies of giving feedback.

use crate::app::feedback::{FeedbackKind, Opinion};
use crate::http::described::described;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

described!(PlanFeedback, RecommendationFeedback);

/// What somebody thought of a plan.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanFeedback {
    plan_id: Uuid,
    /// The recommendation that named the plan: the caller's own.
    #[serde(default)]
    recommendation_id: Option<Uuid>,
    /// 1 is the worst, 5 the best.
    #[schemars(range(min = 1, max = 5))]
    rating: u8,
    /// Control characters are left out, and blanks around it.
    #[serde(default)]
    #[schemars(length(max = 500))]
    feedback_text: Option<String>,
    /// `other` when absent.
    #[serde(default)]
    feedback_type: Option<FeedbackKind>,
}

/// What somebody thought of a recommendation.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecommendationFeedback {
    /// The caller's own.
    recommendation_id: Uuid,
    /// The plan of it that is meant; the whole of it when absent.
    #[serde(default)]
    plan_id: Option<Uuid>,
    /// 1 is the worst, 5 the best.
    #[schemars(range(min = 1, max = 5))]
    rating: u8,
    /// Control characters are left out, and blanks around it.
    #[serde(default)]
    #[schemars(length(max = 500))]
    feedback_text: Option<String>,
    /// `other` when absent.
    #[serde(default)]
    feedback_type: Option<FeedbackKind>,
}

impl PlanFeedback {
    pub fn opinion(self, claim: Option<String>) -> Opinion {
        Opinion {
            plan_id: Some(self.plan_id),
            recommendation_id: self.recommendation_id,
            rating: self.rating,
            text: self.feedback_text,
            kind: self.feedback_type.unwrap_or(FeedbackKind::Other),
            claim,
        }
    }
}

impl RecommendationFeedback {
    pub fn opinion(self, claim: Option<String>) -> Opinion {
        Opinion {
            plan_id: self.plan_id,
            recommendation_id: Some(self.recommendation_id),
            rating: self.rating,
            text: self.feedback_text,
            kind: self.feedback_type.unwrap_or(FeedbackKind::Other),
            claim,
        }
    }
}
