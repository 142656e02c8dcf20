//! Headers that make browsers and caches careful with every answer, unless the answer says how it may be used.

use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderValue, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};

pub fn layer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> {
    endpoint.around(|endpoint, request: Request| async move {
        let mut response = match endpoint.call(request).await {
            Ok(output) => output.into_response(),
            Err(error) => error.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
        Ok(response)
    })
}

/// What was asked over https shall be asked so for the next `seconds`.
pub fn keep_to_https<E: Endpoint + 'static>(
    endpoint: E,
    seconds: impl Fn() -> u64 + Send + Sync + 'static,
) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, request: Request| {
        let (scheme, seconds) = (request.scheme().clone(), seconds());
        async move {
            let mut response = endpoint.call(request).await.map(IntoResponse::into_response)?;
            tell_https(response.headers_mut(), &scheme, seconds);
            Ok(response)
        }
    })
}

/// Over plain HTTP browsers must not believe it (RFC 6797, 7.2), so it is not said.
pub fn tell_https(headers: &mut HeaderMap, scheme: &Scheme, seconds: u64) {
    if *scheme == Scheme::HTTPS
        && seconds > 0
        && let Ok(value) = HeaderValue::from_str(&format!("max-age={seconds}"))
    {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}
