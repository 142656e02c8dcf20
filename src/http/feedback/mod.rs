//! Feedback: given by everybody, summed up for staff.

mod request;
mod review;

use crate::app::App;
use crate::app::feedback::{FeedbackFigures, FeedbackTaken, Opinion};
use crate::http::Tag;
use crate::http::body::StrictJson;
use crate::http::caller::{MaybeSignedIn, SignedIn};
use crate::http::once::IdempotencyKey;
use crate::http::problem::Result;
use crate::http::ready::{Created, Private};
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Header;
use request::{PlanFeedback, RecommendationFeedback};
pub use review::Review;
use std::sync::Arc;

pub struct Feedback;

#[OpenApi(prefix_path = "/api/v1/feedback", tag = "Tag::Feedback")]
impl Feedback {
    /// Give feedback on a plan
    ///
    /// Also without an account. An account may give 10 pieces of feedback in 24 hours (429 after that), whoever has
    /// none 10 by network address. A recommendation that is named must be the caller's own, else 404. The same feedback
    /// again within 24 hours is kept once.
    #[oai(path = "/plan", method = "post", operation_id = "rate_plan")]
    async fn on_plan(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: MaybeSignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key gets the first answer. It needs an
        /// account. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
        body: StrictJson<PlanFeedback>,
    ) -> Result<Created<FeedbackTaken>> {
        give(&app, request, caller, idempotency_key, &body.1, body.0.opinion(claim.0)).await
    }

    /// Give feedback on a recommendation
    ///
    /// On the whole of it, or on one plan of it; otherwise like feedback on a plan. Of a recommendation made without an
    /// account its claim token makes the caller the owner.
    #[oai(path = "/recommendation", method = "post", operation_id = "rate_recommendation")]
    async fn on_recommendation(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: MaybeSignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key gets the first answer. It needs an
        /// account. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
        body: StrictJson<RecommendationFeedback>,
    ) -> Result<Created<FeedbackTaken>> {
        give(&app, request, caller, idempotency_key, &body.1, body.0.opinion(claim.0)).await
    }

    /// Sum up feedback
    ///
    /// All of it, by rating, sentiment and type. For staff.
    #[oai(path = "/stats", method = "get", operation_id = "get_feedback_stats")]
    async fn stats(&self, app: Data<&Arc<App>>, _caller: SignedIn) -> Result<Private<FeedbackFigures>> {
        Ok(Private::new(app.feedback_figures().await?))
    }
}

async fn give(
    app: &Arc<App>,
    request: &Request,
    caller: MaybeSignedIn,
    key: IdempotencyKey,
    body: &[u8],
    opinion: Opinion,
) -> Result<Created<FeedbackTaken>> {
    let keyed = key.of_guest(caller.0, request, body)?;
    let user = caller.0.map(|caller| caller.user_id);
    let answer = app.once(keyed, |once| app.give_feedback(user, opinion, once)).await?;
    Ok(Created(Private::new(answer)))
}
