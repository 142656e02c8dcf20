//! The audit log: listed, counted, exported, verified.

use super::{answer, listed};
use crate::app::App;
use crate::app::catalog::Page;
use crate::app::oversight::{AuditEntry, AuditFilter, AuditStats, AuditVerdict};
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::plans::page_request;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::http::saved;
use crate::http::values::TimeValue;
use poem::web::Data;
use poem::{Body, IntoResponse, Request, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{MetaResponses, Registry};
use poem_openapi::{ApiResponse, OpenApi};
use std::sync::Arc;
use uuid::Uuid;

const LINES: &str = "application/x-ndjson";

pub struct AdminAuditLogs;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminAuditLogs {
    /// List the audit log
    ///
    /// The newest first. Reading it is noted in it.
    #[oai(path = "/audit-logs", method = "get", operation_id = "admin_list_audit_logs")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        #[oai(validator(max_length = 100))] event: Query<Option<String>>,
        actor_id: Query<Option<Uuid>>,
        subject_id: Query<Option<Uuid>>,
        success: Query<Option<bool>>,
        /// At or after this instant.
        from: Query<Option<TimeValue>>,
        /// Before this instant.
        to: Query<Option<TimeValue>>,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Private<Page<AuditEntry>>> {
        let wanted = AuditFilter {
            event: event.0,
            actor_id: actor_id.0,
            subject_id: subject_id.0,
            success: success.0,
            from: from.0.map(|time| time.0),
            to: to.0.map(|time| time.0),
        };
        listed(request, &app.audit_log(caller.0.user_id, wanted, page_request(page.0, page_size.0)).await?)
    }

    /// Count the audit log
    ///
    /// How often each event happened, and where the chain ends.
    #[oai(path = "/audit-logs/stats", method = "get", operation_id = "admin_get_audit_stats")]
    async fn stats(
        &self,
        app: Data<&Arc<App>>,
        _caller: SignedIn,
        /// At or after this instant.
        from: Query<Option<TimeValue>>,
        /// Before this instant.
        to: Query<Option<TimeValue>>,
    ) -> Result<Private<AuditStats>> {
        answer(&app.audit_stats(between(from.0, to.0)).await?)
    }

    /// Export the audit log
    ///
    /// One JSON object a line, the oldest first, sent while it is read. With `after` only what is new since an earlier
    /// export. Reading it is noted in it.
    #[oai(path = "/audit-logs/export", method = "get", operation_id = "admin_export_audit_logs")]
    async fn export(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// Rows after this number; all when absent.
        #[oai(validator(minimum(value = "0"), maximum(value = "1000000000000")))]
        after: Query<Option<u64>>,
        /// At or after this instant.
        from: Query<Option<TimeValue>>,
        /// Before this instant.
        to: Query<Option<TimeValue>>,
    ) -> Result<Lines> {
        let after = i64::try_from(after.0.unwrap_or_default()).unwrap_or(i64::MAX);
        let parts = app.export_audit_log(caller.0.user_id, between(from.0, to.0), after).await?;
        Ok(Lines(saved::streamed(parts).await?))
    }

    /// Verify the audit log
    ///
    /// Recomputes the whole chain: a changed, missing or reordered row and a cut end show. Compare `head_hash` with one
    /// noted elsewhere to be sure that nobody has made the chain anew.
    #[oai(path = "/audit-logs/verify", method = "get", operation_id = "admin_verify_audit_logs")]
    async fn verify(&self, app: Data<&Arc<App>>, _caller: SignedIn) -> Result<Private<AuditVerdict>> {
        answer(&app.audit_verdict().await?)
    }
}

fn between(from: Option<TimeValue>, to: Option<TimeValue>) -> AuditFilter {
    AuditFilter { from: from.map(|time| time.0), to: to.map(|time| time.0), ..AuditFilter::default() }
}

/// One JSON object a line, sent in parts.
struct Lines(Body);

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        saved::private(LINES, self.0, "attachment; filename=\"audit-log.ndjson\"")
    }
}

impl ApiResponse for Lines {
    fn meta() -> MetaResponses {
        saved::described("The rows, one JSON object a line", LINES)
    }
    fn register(_: &mut Registry) {}
}
