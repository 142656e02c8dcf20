//! The one error shape of every route: RFC 9457 problem documents with the members older clients read.

use crate::app::error::{Error, FieldFault};
use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError};
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Response, error};
use poem_openapi::error::{ContentTypeError, ParseParamError, ParsePathError, ParseRequestPayloadError};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use poem_openapi::{ApiResponse, Object};
use std::fmt;

pub const CONTENT_TYPE: &str = "application/problem+json";
/// The problem type of draft-ietf-httpapi-ratelimit-headers-10, 5.1.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// What each status of a problem means.
const MEANINGS: [(u16, &str); 13] = [
    (400, "Malformed request, or a business rule that names no field"),
    (401, "No, an expired, a revoked or a wrong-type token; wrong credentials"),
    (403, "Authenticated, but not allowed"),
    (404, "No such thing, or it belongs to another user"),
    (405, "The path does not take this method"),
    (408, "The body did not arrive in time"),
    (409, "In conflict with the present state"),
    (413, "The body is too large"),
    (415, "The media type is not accepted"),
    (422, "Well-formed but invalid field values"),
    (429, "Too many requests"),
    (500, "A fault of the service"),
    (503, "Not available right now"),
];

/// Wrong fields told at once: more than a request can reasonably have, fewer than one can be made to have.
const DETAILS_MAX: usize = 1_000;

/// What a handler answers when it cannot do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub message: String,
    pub details: Vec<FieldFault>,
    /// Seconds, for 429 and 503.
    pub retry_after: Option<u32>,
    /// The methods the path does have, for 405.
    pub allow: Option<String>,
    /// The limits that were exceeded, for 429.
    pub violated: Vec<&'static str>,
}

/// Every handler's result.
pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Problem {
            status,
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            allow: None,
            violated: Vec::new(),
        }
    }

    /// 422 with every fault found.
    pub fn invalid(faults: Vec<FieldFault>) -> Self {
        Error::Invalid(faults).into()
    }

    /// The body, tagged with the request it belongs to.
    fn document(&self, request_id: &str) -> Document {
        Document {
            r#type: if self.violated.is_empty() { "about:blank" } else { QUOTA_EXCEEDED }.to_owned(),
            title: title(self.status).to_owned(),
            status: self.status.as_u16(),
            detail: self.message.clone(),
            error: title(self.status).to_owned(),
            message: self.message.clone(),
            details: (!self.details.is_empty()).then(|| self.details.iter().cloned().map(Detail::from).collect()),
            violated_policies: (!self.violated.is_empty())
                .then(|| self.violated.iter().map(ToString::to_string).collect()),
            request_id: request_id.to_owned(),
        }
    }

    /// The answer, tagged with the request it belongs to.
    pub fn into_response(self, request_id: &str) -> Response {
        let body = serde_json::to_vec(&self.document(request_id)).unwrap_or_default();
        let mut response = Response::builder().status(self.status).content_type(CONTENT_TYPE).body(body);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.allow.and_then(|methods| HeaderValue::from_str(&methods).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

/// The problem an error of the framework or of a handler stands for. Texts of the framework are not passed on: they
/// quote submitted values.
pub fn of_error(error: &error::Error) -> Problem {
    if let Some(problem) = error.downcast_ref::<Problem>() {
        return problem.clone();
    }
    if error.is::<NotFoundError>() {
        return of_status(StatusCode::NOT_FOUND);
    }
    if error.is::<MethodNotAllowedError>() {
        return of_status(StatusCode::METHOD_NOT_ALLOWED);
    }
    if let Some(wrong) = error.downcast_ref::<ParseParamError>() {
        return Problem::invalid(vec![FieldFault::new(
            wrong.name,
            "is not a valid value for this parameter",
            "invalid",
        )]);
    }
    if error.is::<ParsePathError>() {
        return of_status(StatusCode::NOT_FOUND);
    }
    if let Some(error) = error.downcast_ref::<ReadBodyError>() {
        return of_status(error.status());
    }
    if error.is::<ContentTypeError>() {
        return of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if error.is::<ParseRequestPayloadError>() {
        return Problem::new(StatusCode::BAD_REQUEST, "The request body could not be read in its stated format.");
    }
    let status = error.status();
    if status.is_server_error() {
        tracing::error!(error = %error, "request failed");
    }
    of_status(status)
}

/// The plain sentence for a bare status.
pub fn of_status(status: StatusCode) -> Problem {
    let message = match status {
        StatusCode::BAD_REQUEST => "The request could not be understood. Check its syntax.",
        StatusCode::UNAUTHORIZED => "Sign in and send the access token as a Bearer token.",
        StatusCode::FORBIDDEN => "You are not allowed to do this.",
        StatusCode::NOT_FOUND => "There is nothing at this address. See /docs for the list of routes.",
        StatusCode::METHOD_NOT_ALLOWED => {
            "This address does not take that method. The Allow header lists those it does."
        }
        StatusCode::REQUEST_TIMEOUT => "The request took too long to arrive. Send it again.",
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is larger than this service accepts. Send less at a time.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "The body's media type is not accepted here. Send application/json.",
        StatusCode::UNPROCESSABLE_ENTITY => "The request has invalid values.",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests. Wait for the seconds in Retry-After.",
        StatusCode::SERVICE_UNAVAILABLE => "The service is not available right now. Try again shortly.",
        _ if status.is_server_error() => "Something went wrong on our side. Quote the request id when you report it.",
        _ => "The request could not be handled.",
    };
    let mut problem = Problem::new(status, message);
    if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
        problem.retry_after = Some(5);
    }
    problem
}

/// What a status means, in the API document.
pub fn meaning(code: u16) -> &'static str {
    MEANINGS.iter().find(|(status, _)| *status == code).map_or("A problem", |(_, meaning)| meaning)
}

/// A problem of a status, as the API document shows it.
pub fn example(code: u16) -> serde_json::Value {
    let mut problem = of_status(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    if code == 422 {
        problem = Problem::invalid(vec![FieldFault::new("zip_code", "must have at least 5 characters", "min_length")]);
    }
    if code == 429 {
        "Too many requests of this user: 100 a minute are allowed. Try again in 5 seconds."
            .clone_into(&mut problem.message);
        problem.violated = vec!["user"];
    }
    serde_json::to_value(problem.document("018f3c7e-1")).unwrap_or_default()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::Invalid(mut details) => {
                details.truncate(DETAILS_MAX);
                Problem { details, ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, message) }
            }
            Error::Rule(_) => Problem::new(StatusCode::BAD_REQUEST, message),
            Error::Unauthenticated(_) => Problem::new(StatusCode::UNAUTHORIZED, message),
            Error::Forbidden(_) => Problem::new(StatusCode::FORBIDDEN, message),
            Error::NotFound(_) => Problem::new(StatusCode::NOT_FOUND, message),
            Error::Conflict(_) => Problem::new(StatusCode::CONFLICT, message),
            Error::Busy { retry_after_seconds, .. } => Problem {
                retry_after: Some(retry_after_seconds),
                ..Problem::new(StatusCode::SERVICE_UNAVAILABLE, message)
            },
            Error::Exceeded { limit, retry_after_seconds, .. } => Problem {
                retry_after: Some(retry_after_seconds),
                violated: vec![limit],
                ..Problem::new(StatusCode::TOO_MANY_REQUESTS, message)
            },
            Error::Unavailable(_) => {
                tracing::error!(error = %message, "storage failed");
                of_status(StatusCode::SERVICE_UNAVAILABLE)
            }
            Error::Internal(_) => {
                tracing::error!(error = %message, "request failed");
                of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }
    fn as_response(&self) -> Response {
        self.clone().into_response("")
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Object, serde::Serialize)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
struct Document {
    /// What kind of problem; `about:blank` means the status says it all.
    #[oai(validator(max_length = 200))]
    r#type: String,
    /// The short name of the status.
    #[oai(validator(max_length = 100))]
    title: String,
    /// The HTTP status.
    #[oai(validator(minimum(value = "400"), maximum(value = "599")))]
    status: u16,
    /// One sentence that says what to do.
    #[oai(validator(max_length = 2000))]
    detail: String,
    /// Same as `title`.
    #[oai(validator(max_length = 100))]
    error: String,
    /// Same as `detail`.
    #[oai(validator(max_length = 2000))]
    message: String,
    /// Every wrong field, or the first thousand, for status 422.
    #[oai(validator(max_items = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Vec<Detail>>,
    /// The names of the limits that were exceeded, for status 429.
    #[oai(rename = "violated-policies", validator(max_items = 10))]
    #[serde(rename = "violated-policies", skip_serializing_if = "Option::is_none")]
    violated_policies: Option<Vec<String>>,
    /// The `X-Request-ID` of the answer; quote it in reports.
    #[oai(validator(max_length = 128))]
    request_id: String,
}

/// One wrong field.
#[derive(Debug, Object, serde::Serialize)]
#[oai(rename = "ProblemDetail")]
struct Detail {
    /// Where: `usage_data[3].kwh`; empty for the body as a whole.
    #[oai(validator(max_length = 500))]
    field: String,
    /// What is expected there.
    #[oai(validator(max_length = 1000))]
    message: String,
    /// A stable short name of the rule.
    #[oai(validator(max_length = 50))]
    code: String,
}

impl From<FieldFault> for Detail {
    fn from(fault: FieldFault) -> Self {
        Detail { field: fault.field, message: fault.message, code: fault.code.to_owned() }
    }
}

/// The schema of the answers above, for the document.
struct ProblemJson;

impl Payload for ProblemJson {
    const CONTENT_TYPE: &'static str = CONTENT_TYPE;
    fn check_content_type(_: &str) -> bool {
        true
    }
    fn schema_ref() -> MetaSchemaRef {
        Document::schema_ref()
    }
    fn register(registry: &mut Registry) {
        Document::register(registry);
    }
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        let responses = MEANINGS.into_iter().map(|(status, description)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType { content_type: CONTENT_TYPE, schema: ProblemJson::schema_ref() }],
            headers: Vec::new(),
        });
        MetaResponses { responses: responses.collect() }
    }
    fn register(registry: &mut Registry) {
        ProblemJson::register(registry);
    }
}

fn title(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_errors_has_every_status_and_what_it_means() {
        let page = include_str!("../../docs/errors.md");
        let (_, table) = page.split_once("| status | means | what to do |").expect("the table of statuses");
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        assert_eq!(rows.len(), MEANINGS.len());
        for (row, (status, meaning)) in rows.iter().zip(MEANINGS) {
            let name = title(StatusCode::from_u16(status).expect("a status"));
            let begins = format!("| {status} {name} | {meaning} | ");
            assert!(row.starts_with(&begins), "{row} does not begin with {begins}");
        }
    }
}
