//! Answers that are no JSON but something to keep or print: for their owner alone, with a name to save them under.

use crate::app::parts::Parts;
use crate::http::problem::Result;
use futures_util::{StreamExt, TryStreamExt, stream};
use poem::http::{HeaderValue, header};
use poem::{Body, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef};
use std::io;

pub const CSV: &str = "text/csv; charset=utf-8";

/// The answer; `disposition` says whether to show or to save it, and under which name.
pub fn private(content_type: &str, body: impl Into<Body>, disposition: &'static str) -> Response {
    let mut response = Response::builder().content_type(content_type).body(body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

/// A body that is sent while it is read. Its first part is awaited: what is wrong with the store still gets a status.
pub async fn streamed(mut parts: Parts) -> Result<Body> {
    let first = parts.next().await.transpose()?;
    let all = stream::iter(first.map(Ok)).chain(parts.map_err(io::Error::other));
    Ok(Body::from_bytes_stream(all))
}

/// What the API document says of it; its example stands with the others in `assets/api/`.
pub fn described(description: &'static str, content_type: &'static str) -> MetaResponses {
    let schema = MetaSchemaRef::Inline(Box::new(MetaSchema::new("string")));
    let response = MetaResponse {
        description,
        status: Some(200),
        status_range: None,
        content: vec![MetaMediaType { content_type, schema }],
        headers: Vec::new(),
    };
    MetaResponses { responses: vec![response] }
}
