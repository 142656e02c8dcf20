//! Finished JSON bytes as answers: described by the schema of the type they were written from.

use crate::app::catalog::Finished;
use crate::app::coding::Coding;
use crate::app::version::Version;
use crate::http::described;
use crate::http::encoding;
use crate::http::lane::Lasting;
use bytes::Bytes;
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use poem::{IntoResponse, Request, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use schemars::JsonSchema;
use std::fmt::Write;
use std::marker::PhantomData;

const JSON: &str = "application/json";
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("x-cache-status");

/// The JSON of a `T` for its owner alone: kept by no cache.
pub struct Private<T> {
    body: Bytes,
    link: Option<String>,
    status: Option<CacheStatus>,
    etag: Option<String>,
    of: PhantomData<fn() -> T>,
}

/// The same of something that was made just now: 201.
pub struct Created<T>(pub Private<T>);

impl<T> Private<T> {
    pub fn new(body: impl Into<Bytes>) -> Self {
        Private { body: body.into(), link: None, status: None, etag: None, of: PhantomData }
    }
    /// With the `Link` header of a paged list.
    pub fn linked(self, link: String) -> Self {
        Private { link: (!link.is_empty()).then_some(link), ..self }
    }
    /// With the name of the state it tells, for `If-Match`.
    pub fn versioned(self, version: &Version) -> Self {
        Private { etag: Some(format!("\"{version}\"")), ..self }
    }
    /// What it was made from came out of a cache, or did not.
    pub fn cached(self, status: CacheStatus) -> Self {
        Private { status: Some(status), ..self }
    }
}

/// The JSON of a `T` that anybody may see: it carries its ETag, and is not sent again to who has it.
pub struct Public<T> {
    body: Option<Bytes>,
    coding: Option<Coding>,
    etag: String,
    status: CacheStatus,
    link: Option<String>,
    lasting: Lasting,
    of: PhantomData<fn() -> T>,
}

/// Whether the bytes came out of our cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheStatus {
    Hit,
    Miss,
    /// Never kept, or the client asked for a fresh one.
    Bypass,
}

impl CacheStatus {
    /// Of an answer that was `held` already, or made because a `fresh` one was wanted.
    pub const fn of(fresh: bool, held: bool) -> Self {
        match (fresh, held) {
            (true, _) => CacheStatus::Bypass,
            (false, true) => CacheStatus::Hit,
            (false, false) => CacheStatus::Miss,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            CacheStatus::Hit => "HIT",
            CacheStatus::Miss => "MISS",
            CacheStatus::Bypass => "BYPASS",
        }
    }
}

impl<T> Public<T> {
    /// `edition`: of the catalog, read before the answer was made.
    pub fn new(request: &Request, answer: Finished, status: CacheStatus, edition: u64) -> Self {
        let wanted = encoding::wanted(request.headers()).coding;
        let coding = wanted.filter(|_| answer.coded.is_some());
        // A strong tag names bytes, so the compressed ones have their own.
        let tag = coding.map_or(answer.etag.to_string(), |coding| format!("{}-{}", answer.etag, coding.name()));
        let known = is_known(request.headers(), &tag);
        let coded = coding.and_then(|coding| Some(answer.coded.as_ref()?.in_coding(coding)));
        let body = (!known).then(|| coded.unwrap_or(answer.body));
        let lasting = Lasting::Catalog { edition, wanted };
        Public { body, coding, etag: format!("\"{tag}\""), status, link: None, lasting, of: PhantomData }
    }
    /// With the `Link` header of a paged list.
    pub fn linked(self, link: String) -> Self {
        Public { link: (!link.is_empty()).then_some(link), ..self }
    }
}

/// Whether the client asks for an answer that comes out of no cache.
pub fn wants_fresh(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(',').any(|part| matches!(part.trim(), "no-cache" | "no-store")))
}

/// Whether `If-None-Match` names the tag (RFC 9110 13.1.2: compared weakly).
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let names = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    names.flat_map(|names| names.split(',')).any(|name| {
        let name = name.trim();
        name == "*" || name.trim_start_matches("W/").trim_matches('"') == etag
    })
}

/// The `Link` header of page `page` of `total_pages`: first, previous, next and last.
pub fn links(request: &Request, page: u32, total_pages: u32) -> String {
    links_from(request.original_uri(), page, total_pages)
}

fn links_from(uri: &Uri, page: u32, total_pages: u32) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty() && !part.starts_with("page="))
        .collect();
    let mut link = String::new();
    let mut add = |target: u32, rel: &str| {
        let parts: Vec<String> = kept.iter().map(ToString::to_string).chain([format!("page={target}")]).collect();
        let comma = if link.is_empty() { "" } else { ", " };
        let _ = write!(link, "{comma}<{}?{}>; rel=\"{rel}\"", uri.path(), parts.join("&"));
    };
    if total_pages > 0 {
        add(1, "first");
        if page > 1 {
            add((page - 1).min(total_pages), "prev");
        }
        if page < total_pages {
            add(page + 1, "next");
        }
        add(total_pages, "last");
    }
    link
}

impl<T> IntoResponse for Private<T> {
    fn into_response(self) -> Response {
        let mut response = Response::builder().content_type(JSON).body(self.body);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        add_text(headers, header::LINK, self.link.as_deref());
        add_text(headers, CACHE_STATUS, self.status.map(CacheStatus::as_str));
        add_text(headers, header::ETAG, self.etag.as_deref());
        response
    }
}

impl<T> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        self.0.with_status(StatusCode::CREATED).into_response()
    }
}

impl<T> IntoResponse for Public<T> {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => Response::builder().content_type(JSON).body(body),
            None => Response::builder().status(StatusCode::NOT_MODIFIED).finish(),
        };
        response.set_data(self.lasting);
        let sent = response.status() == StatusCode::OK;
        let headers = response.headers_mut();
        if let Some(coding) = self.coding.filter(|_| sent) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        // Checked again every time: a changed catalog shows in the next read.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CACHE_STATUS, HeaderValue::from_static(self.status.as_str()));
        add_text(headers, header::ETAG, Some(&self.etag));
        add_text(headers, header::LINK, self.link.as_deref());
        response
    }
}

fn add_text(headers: &mut HeaderMap, name: HeaderName, text: Option<&str>) {
    if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(name, value);
    }
}

impl<T: JsonSchema> ApiResponse for Private<T> {
    fn meta() -> MetaResponses {
        let headers = vec![
            text_header("Link", "Other pages of a list (RFC 8288)"),
            text_header("X-Cache-Status", "HIT, MISS or BYPASS, where a cache is asked"),
            text_header("ETag", "Names this state where it can be changed; send it as If-Match with the change"),
        ];
        MetaResponses { responses: vec![answer::<T>(headers)] }
    }
    fn register(registry: &mut Registry) {
        described::register::<T>(registry);
    }
}

impl<T: JsonSchema> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let mut meta = Private::<T>::meta();
        meta.responses.iter_mut().for_each(|answer| answer.status = Some(StatusCode::CREATED.as_u16()));
        meta
    }
    fn register(registry: &mut Registry) {
        described::register::<T>(registry);
    }
}

impl<T: JsonSchema> ApiResponse for Public<T> {
    fn meta() -> MetaResponses {
        let headers = || {
            vec![
                text_header("ETag", "Names these bytes; send it as If-None-Match"),
                text_header("X-Cache-Status", "HIT, MISS or BYPASS"),
                text_header("Link", "Other pages of a list (RFC 8288)"),
            ]
        };
        let unchanged = MetaResponse {
            description: "What If-None-Match names is still the answer",
            status: Some(304),
            status_range: None,
            content: Vec::new(),
            headers: headers(),
        };
        MetaResponses { responses: vec![answer::<T>(headers()), unchanged] }
    }
    fn register(registry: &mut Registry) {
        described::register::<T>(registry);
    }
}

fn answer<T: JsonSchema>(headers: Vec<MetaHeader>) -> MetaResponse {
    MetaResponse {
        description: "Done",
        status: Some(200),
        status_range: None,
        content: vec![MetaMediaType { content_type: JSON, schema: described::schema_ref::<T>() }],
        headers,
    }
}

pub fn text_header(name: &str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_keep_the_question_and_change_the_page() {
        let uri = Uri::from_static("/api/v1/plans/catalog?q=a%20b&page=2&page_size=5");
        let base = "/api/v1/plans/catalog?q=a%20b&page_size=5";
        assert_eq!(
            links_from(&uri, 2, 3),
            format!(
                "<{base}&page=1>; rel=\"first\", <{base}&page=1>; rel=\"prev\", <{base}&page=3>; rel=\"next\", \
                 <{base}&page=3>; rel=\"last\""
            )
        );
        assert_eq!(links_from(&uri, 1, 0), "");
    }

    #[test]
    fn a_known_answer_is_not_sent_again() {
        for (names, known) in
            [("\"a\"", true), ("W/\"a\"", true), ("\"b\", \"a\"", true), ("*", true), ("\"b\"", false)]
        {
            let request = Request::builder().header(header::IF_NONE_MATCH, names).finish();
            let finished = Finished { body: Bytes::from_static(b"1"), coded: None, etag: "a".into(), total_pages: 0 };
            let answer = Public::<String>::new(&request, finished, CacheStatus::Hit, 0).into_response();
            let expected = if known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
            assert_eq!(answer.status(), expected, "{names}");
            assert_eq!(answer.headers()[header::ETAG], "\"a\"");
        }
    }
}
