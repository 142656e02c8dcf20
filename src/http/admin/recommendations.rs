//! Recommendations of everybody, listed without their text.

use super::listed;
use crate::app::App;
use crate::app::catalog::Page;
use crate::app::oversight::{RecommendationSummary, SummaryFilter};
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::plans::page_request;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::http::values::TimeValue;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use std::sync::Arc;
use uuid::Uuid;

pub struct AdminRecommendations;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminRecommendations {
    /// List recommendations
    ///
    /// The newest first, each with the plan in first place. Reading them is noted in the audit log.
    #[oai(path = "/recommendations", method = "get", operation_id = "admin_list_recommendations")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        user_id: Query<Option<Uuid>>,
        /// The plan in first place.
        plan_id: Query<Option<Uuid>>,
        /// Asked for without an account, or with one.
        anonymous: Query<Option<bool>>,
        /// Made at or after this instant.
        from: Query<Option<TimeValue>>,
        /// Made before this instant.
        to: Query<Option<TimeValue>>,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Private<Page<RecommendationSummary>>> {
        let wanted = SummaryFilter {
            user_id: user_id.0,
            plan_id: plan_id.0,
            anonymous: anonymous.0,
            from: from.0.map(|time| time.0),
            to: to.0.map(|time| time.0),
        };
        let page = page_request(page.0, page_size.0);
        listed(request, &app.recommendation_summaries(caller.0.user_id, wanted, page).await?)
    }
}
