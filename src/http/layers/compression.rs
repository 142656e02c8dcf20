//! Compresses answers that are made for one request. Those kept ready come compressed already. Answers that hold
//! tokens stay as they are: their compressed length would tell of what is in them.

use crate::app::coding::{Coding, WORTH_COMPRESSING};
use crate::http::encoding;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use poem::error::InternalServerError;
use poem::http::{HeaderMap, HeaderValue, Method, header};
use poem::{Body, Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::io;

type BoxBody = http_body_util::combinators::BoxBody<Bytes, io::Error>;

const TOKENS: &str = "/api/v1/auth/";
/// Longer ones would keep too much memory; nothing we send is.
const BYTES_MAX: u64 = 64 << 20;
/// Up to here compressing takes less than a millisecond, and a thread of the runtime can do it.
const BYTES_AT_ONCE: usize = 32 << 10;

pub fn layer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> {
    endpoint.around(|endpoint, request: Request| async move {
        let wanted = encoding::wanted(request.headers());
        let fits = request.method() != Method::HEAD && !request.uri().path().starts_with(TOKENS);
        let response = match endpoint.call(request).await {
            Ok(output) => output.into_response(),
            Err(error) => error.into_response(),
        };
        if !fits || !is_ours_to_compress(&response) {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let body: BoxBody = body.into();
        let length = body.size_hint().exact().filter(|length| *length <= BYTES_MAX);
        let worth = length.is_some_and(|length| length >= WORTH_COMPRESSING as u64);
        let forced = wanted.must && length.is_some_and(|length| length > 0);
        if worth || forced {
            vary(&mut parts.headers);
        }
        let body = match wanted.coding {
            Some(coding) if worth || forced => {
                // Its length is known, so it is in memory already.
                let plain = body.collect().await.map_err(InternalServerError)?.to_bytes();
                match compressed(coding, plain.clone()).await {
                    Some(bytes) if forced || bytes.len() < plain.len() => {
                        parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
                        Body::from(bytes)
                    }
                    _ => Body::from(plain),
                }
            }
            _ => Body::from(body),
        };
        Ok(Response::from_parts(parts, body))
    })
}

/// Not what is compressed already, is named by its exact bytes, or would not shrink.
fn is_ours_to_compress(response: &Response) -> bool {
    let headers = response.headers();
    let is_text = response.content_type().is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim_end();
        kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml") || kind.ends_with("-text")
    });
    is_text && !headers.contains_key(header::CONTENT_ENCODING) && !headers.contains_key(header::ETAG)
}

fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
}

/// `None` when it could not be done.
async fn compressed(coding: Coding, plain: Bytes) -> Option<Bytes> {
    if plain.len() <= BYTES_AT_ONCE {
        return coding.compress(&plain).ok();
    }
    tokio::task::spawn_blocking(move || coding.compress(&plain).ok()).await.ok().flatten()
}
