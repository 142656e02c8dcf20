//! Gives every request an id, puts it on the answer and on every log line, and logs the request when it is done.

use poem::http::HeaderValue;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

pub const HEADER: &str = "x-request-id";

#[derive(Clone)]
struct RequestId(String);

/// The id of a request that came through [`layer`]; empty otherwise.
pub fn of(request: &Request) -> String {
    request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default()
}

pub fn layer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> {
    endpoint.around(|endpoint, mut request: Request| async move {
        let id = acceptable(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
        request.extensions_mut().insert(RequestId(id.clone()));
        let span = tracing::info_span!("request", request_id = %id);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let started = Instant::now();
        let answer = async {
            let mut response = match endpoint.call(request).await {
                Ok(output) => output.into_response(),
                Err(error) => error.into_response(),
            };
            if let Ok(value) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(HEADER, value);
            }
            let milliseconds = started.elapsed().as_secs_f64() * 1e3;
            tracing::info!(%method, path = %path.escape_debug(), status = response.status().as_u16(), milliseconds, "answered");
            response
        };
        Ok(answer.instrument(span).await)
    })
}

/// The client's own id, if it is one that is safe to repeat in headers and logs.
fn acceptable(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let fits = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    fits.then(|| id.to_owned())
}
