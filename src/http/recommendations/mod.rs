//! Recommendations: made, listed, read back, deleted.

mod documents;
mod request;
mod what_if_request;

use crate::app::App;
use crate::app::catalog::Page;
use crate::app::recommendations::{Asker, Deleted, Generated};
use crate::http::Tag;
use crate::http::body::StrictJson;
use crate::http::caller::{MaybeSignedIn, SignedIn};
use crate::http::once::IdempotencyKey;
use crate::http::plans::page_request;
use crate::http::problem::Result;
use crate::http::ready::{self, CacheStatus, Private};
use documents::{ComparisonTable, ReportPage};
use jiff::tz::TimeZone;
use poem::Request;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use request::GenerateRequest;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;
use what_if_request::WhatIfRequest;

pub struct Recommendations;

#[OpenApi(prefix_path = "/api/v1/recommendations", tag = "Tag::Recommendations")]
impl Recommendations {
    /// Recommend plans
    ///
    /// Ranks the plans on sale at the caller's ZIP for the coming twelve months. Every part of the body is optional
    /// that the account holds. The answer is kept and can be read again. Asked the same again, the ranking is not
    /// computed anew (`X-Cache-Status: HIT`) unless the request says `Cache-Control: no-cache`.
    ///
    /// Where the service is set to serve without an account, ZIP and usage must be stated, none of it is kept, and the
    /// answer carries a `claim_token`.
    #[oai(path = "/generate", method = "post", operation_id = "generate_recommendation")]
    async fn generate(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: MaybeSignedIn,
        /// Makes a retry safe: for 24 hours the same request under the same key takes no second effect but gets the
        /// first answer. The key with another request is refused with 422, and with 409 while the first is under way.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: IdempotencyKey,
        body: StrictJson<GenerateRequest>,
    ) -> Result<Private<Generated<'static>>> {
        let asked = body.0.checked(app.now().to_zoned(TimeZone::UTC).date())?;
        let user = caller.0.map(|caller| caller.user_id);
        let keyed = idempotency_key.of_guest(caller.0, request, &body.1)?;
        // A recommendation that was made before under the same key is not asked of the cache.
        let (fresh, status) = (ready::wants_fresh(request.headers()), OnceLock::new());
        let answer = app
            .once(keyed, |once| async {
                let made = app.generate(user, asked, once, fresh).await?;
                status.get_or_init(|| CacheStatus::of(fresh, made.reused));
                Ok(made.answer)
            })
            .await?;
        Ok(Private::new(answer).cached(status.into_inner().unwrap_or(CacheStatus::Bypass)))
    }

    /// List own recommendations
    ///
    /// The newest first.
    #[oai(path = "/", method = "get", operation_id = "list_recommendations")]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Private<Page<Generated<'static>>>> {
        let page = page_request(page.0, page_size.0);
        let (body, total_pages) = app.recommendations_of(caller.0.user_id, page).await?;
        Ok(Private::new(body).linked(ready::links(request, page.page, total_pages)))
    }

    /// Read one recommendation
    ///
    /// What `generate` answered. One's own, any for an administrator, or with its claim token the one it was given for.
    #[oai(path = "/:recommendation_id", method = "get", operation_id = "get_recommendation")]
    async fn one(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        recommendation_id: Path<Uuid>,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
    ) -> Result<Private<Generated<'static>>> {
        Ok(Private::new(app.recommendation(recommendation_id.0, asker(caller, claim)?).await?))
    }

    /// Read a user's newest recommendations
    ///
    /// Up to ten. One's own, or anybody's for an administrator.
    #[oai(path = "/user/:user_id", method = "get", operation_id = "list_user_recommendations")]
    async fn of_user(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Result<Private<Vec<Generated<'static>>>> {
        Ok(Private::new(app.newest_recommendations(user_id.0, caller.0).await?))
    }

    /// Ask what if
    ///
    /// The recommendation as it would be under a scenario: other usage, an electric car, solar panels, a heat pump, use
    /// moved between hours, other prices, other priorities. Its first warning says what was assumed. It is not kept.
    #[oai(path = "/:recommendation_id/what-if", method = "post", operation_id = "what_if")]
    async fn what_if(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        recommendation_id: Path<Uuid>,
        body: StrictJson<WhatIfRequest>,
    ) -> Result<Private<Generated<'static>>> {
        let scenario = body.0.checked()?;
        Ok(Private::new(app.what_if(recommendation_id.0, caller.0.into(), scenario).await?))
    }

    /// Print a recommendation
    ///
    /// One page of HTML with charts, for the screen and for paper; it has no script and loads nothing. One's own, any for
    /// an administrator, or with its claim token the one it was given for.
    #[oai(path = "/:recommendation_id/report", method = "get", operation_id = "get_recommendation_report")]
    async fn report(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        recommendation_id: Path<Uuid>,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
    ) -> Result<ReportPage> {
        Ok(ReportPage(app.report(recommendation_id.0, asker(caller, claim)?).await?))
    }

    /// Export a recommendation as CSV
    ///
    /// The twelve months: a row per month, a column per plan, and a last row with the year. Names are written so that
    /// no spreadsheet takes them for formulas. One's own, any for an administrator, or with its claim token the one it was
    /// given for.
    #[oai(path = "/:recommendation_id/export.csv", method = "get", operation_id = "export_recommendation")]
    async fn export(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        recommendation_id: Path<Uuid>,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
    ) -> Result<ComparisonTable> {
        Ok(ComparisonTable(app.comparison_csv(recommendation_id.0, asker(caller, claim)?).await?))
    }

    /// Delete a recommendation
    ///
    /// One's own, any for an administrator, or with its claim token the one it was given for.
    #[oai(path = "/:recommendation_id", method = "delete", operation_id = "delete_recommendation")]
    async fn delete(
        &self,
        app: Data<&Arc<App>>,
        caller: MaybeSignedIn,
        recommendation_id: Path<Uuid>,
        /// The `claim_token` of a recommendation made without an account.
        #[oai(name = "X-Claim-Token", validator(min_length = 1, max_length = 64))]
        claim: Header<Option<String>>,
    ) -> Result<Private<Deleted>> {
        Ok(Private::new(app.delete_recommendation(recommendation_id.0, asker(caller, claim)?).await?))
    }
}

/// A claim token counts before an account.
fn asker(caller: MaybeSignedIn, claim: Header<Option<String>>) -> Result<Asker> {
    match claim.0 {
        Some(claim) => Ok(Asker::holding(&claim)),
        None => Ok(caller.signed_in()?.0.into()),
    }
}
