//! Answers that are documents and no JSON: a page to print, a table for a spreadsheet.

use crate::formats::report;
use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use serde_json::Value;

const HTML: &str = "text/html; charset=utf-8";
const CSV: &str = "text/csv; charset=utf-8";

/// A page of its own: no script, its style by hash, in nobody's frame.
pub struct ReportPage(pub String);

/// The 12-month comparison, to be saved.
pub struct ComparisonTable(pub Vec<u8>);

impl IntoResponse for ReportPage {
    fn into_response(self) -> Response {
        let policy = format!("{}; frame-ancestors 'none'", report::content_policy());
        let mut response = private(HTML, self.0.into_bytes(), "inline; filename=\"electricity-plan-report.html\"");
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

impl IntoResponse for ComparisonTable {
    fn into_response(self) -> Response {
        private(CSV, self.0, "attachment; filename=\"electricity-plans.csv\"")
    }
}

fn private(content_type: &str, body: Vec<u8>, disposition: &'static str) -> Response {
    let mut response = Response::builder().content_type(content_type).body(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

impl ApiResponse for ReportPage {
    fn meta() -> MetaResponses {
        document("The page", HTML, "<!DOCTYPE html><html lang=\"en\">...</html>")
    }
    fn register(_: &mut Registry) {}
}

impl ApiResponse for ComparisonTable {
    fn meta() -> MetaResponses {
        let example = "month,kwh,kwh_p10,kwh_p90,\"current plan, USD\",\"Steady 12 of Acorn Power, USD\",\
                       \"Steady 12 of Acorn Power, p10\",\"Steady 12 of Acorn Power, p90\"\r\n\
                       2026-12,980.000,901.500,1060.200,131.20,110.40,102.10,119.00\r\n";
        document("The table", CSV, example)
    }
    fn register(_: &mut Registry) {}
}

fn document(description: &'static str, content_type: &'static str, example: &str) -> MetaResponses {
    let schema = MetaSchema { example: Some(Value::from(example)), ..MetaSchema::new("string") };
    let response = MetaResponse {
        description,
        status: Some(200),
        status_range: None,
        content: vec![MetaMediaType { content_type, schema: MetaSchemaRef::Inline(Box::new(schema)) }],
        headers: Vec::new(),
    };
    MetaResponses { responses: vec![response] }
}
