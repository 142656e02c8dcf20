//! Answers that are documents and no JSON: a page to print, a table for a spreadsheet.

use crate::formats::report;
use crate::http::saved::{self, CSV};
use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaResponses, Registry};

const HTML: &str = "text/html; charset=utf-8";

/// A page of its own: no script, its style by hash, in nobody's frame.
pub struct ReportPage(pub String);

/// The 12-month comparison, to be saved.
pub struct ComparisonTable(pub Vec<u8>);

impl IntoResponse for ReportPage {
    fn into_response(self) -> Response {
        let policy = format!("{}; frame-ancestors 'none'", report::content_policy());
        let mut response = saved::private(HTML, self.0, "inline; filename=\"electricity-plan-report.html\"");
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

impl IntoResponse for ComparisonTable {
    fn into_response(self) -> Response {
        saved::private(CSV, self.0, "attachment; filename=\"electricity-plans.csv\"")
    }
}

impl ApiResponse for ReportPage {
    fn meta() -> MetaResponses {
        saved::described("The page", HTML)
    }
    fn register(_: &mut Registry) {}
}

impl ApiResponse for ComparisonTable {
    fn meta() -> MetaResponses {
        saved::described("The table", CSV)
    }
    fn register(_: &mut Registry) {}
}
