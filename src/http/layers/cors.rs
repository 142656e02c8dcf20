//! Cross-origin requests: exact origins from the settings, preflights answered here.

use crate::app::App;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::Arc;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE, OPTIONS");
const REQUEST_HEADERS: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, if-match, if-none-match, x-request-id");
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "etag, link, retry-after, x-cache-status, x-request-id, x-ratelimit-limit, x-ratelimit-remaining, \
     x-ratelimit-reset, x-ratelimit-limit-user, x-ratelimit-limit-ip, ratelimit, ratelimit-policy",
);
/// Seconds a browser may keep a preflight's answer.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Origins are compared exactly; `*` admits every origin, without credentials.
pub fn layer<E: Endpoint + 'static>(endpoint: E, app: Arc<App>) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, request: Request| {
        let settings = app.current();
        async move {
            let admitted = admitted(&settings.server.cors_origins, request.headers());
            let is_preflight = request.method() == Method::OPTIONS
                && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
            let mut response = if is_preflight && admitted.is_some() {
                preflight()
            } else {
                match endpoint.call(request).await {
                    Ok(output) => output.into_response(),
                    Err(error) => error.into_response(),
                }
            };
            let headers = response.headers_mut();
            add_vary(headers);
            if let Some(admitted) = admitted {
                tell(headers, admitted);
            }
            Ok(response)
        }
    })
}

/// What to call the origin of a request that may read the answer.
pub fn admitted(origins: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    if origins.iter().any(|allowed| allowed == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()).then(|| origin.clone())
}

/// Lets the `admitted` origin read the answer.
pub fn tell(headers: &mut HeaderMap, admitted: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, admitted);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
}

fn preflight() -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}

fn add_vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}
