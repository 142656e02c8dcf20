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
use crate::http::values::TimeValue;
use poem::http::{HeaderValue, header};
use poem::web::Data;
use poem::{IntoResponse, Request, Response};
use poem_openapi::param::Query;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, OpenApi};
use std::sync::Arc;
use uuid::Uuid;

/// Rows of one export; the next one goes on after the last of them.
const EXPORTED_MAX: u32 = 10_000;
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
    /// One JSON object a line, the oldest first, at most 10,000 rows: ask again after the last row's number for the
    /// next ones. Reading it is noted in it.
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
        let rows = app.audit_rows(caller.0.user_id, between(from.0, to.0), after, EXPORTED_MAX).await?;
        let mut text = Vec::new();
        for row in &rows {
            text.extend(super::written(row)?);
            text.push(b'\n');
        }
        Ok(Lines(text))
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

/// One JSON object a line, as a file to keep.
struct Lines(Vec<u8>);

impl IntoResponse for Lines {
    fn into_response(self) -> Response {
        let mut response = Response::builder().content_type(LINES).body(self.0);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        let name = HeaderValue::from_static("attachment; filename=\"audit-log.ndjson\"");
        headers.insert(header::CONTENT_DISPOSITION, name);
        response
    }
}

impl ApiResponse for Lines {
    fn meta() -> MetaResponses {
        let lines = MetaResponse {
            description: "The rows, one JSON object a line",
            status: Some(200),
            status_range: None,
            content: vec![MetaMediaType { content_type: LINES, schema: String::schema_ref() }],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![lines] }
    }
    fn register(_: &mut Registry) {}
}
