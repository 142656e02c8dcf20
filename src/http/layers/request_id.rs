//! Gives every request an id, puts it on the answer and on every log line, and keeps what becomes known of the request
//! on its way for those who report about it.

use crate::ops::traces;
use poem::http::HeaderValue;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::{Arc, OnceLock};
use tracing::Instrument;
use uuid::Uuid;

pub const HEADER: &str = "x-request-id";
/// Answered before a route was found: refused by a limit, or at no address of ours.
const NO_ROUTE: &str = "none";

/// What is known of a request.
#[derive(Debug, Default)]
pub struct Facts {
    id: String,
    route: OnceLock<Arc<str>>,
    user: OnceLock<Uuid>,
}

impl Facts {
    /// The template of the route, as the API document writes it.
    pub fn route(&self) -> &str {
        self.route.get().map_or(NO_ROUTE, |route| route)
    }
    pub fn set_route(&self, route: impl Into<Arc<str>>) {
        self.route.get_or_init(|| route.into());
    }
    /// Who is signed in.
    pub fn user(&self) -> Option<Uuid> {
        self.user.get().copied()
    }
    pub fn set_user(&self, user: Uuid) {
        self.user.get_or_init(|| user);
    }
}

/// The id of a request that came through [`layer`]; empty otherwise.
pub fn of(request: &Request) -> String {
    facts(request).id.clone()
}

/// The facts of a request that came through [`layer`]; nobody else's otherwise.
pub fn facts(request: &Request) -> Arc<Facts> {
    request.extensions().get::<Arc<Facts>>().cloned().unwrap_or_default()
}

pub fn layer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> {
    endpoint.around(|endpoint, mut request: Request| async move {
        let id = acceptable(&request).unwrap_or_else(|| Uuid::now_v7().to_string());
        request.extensions_mut().insert(Arc::new(Facts { id: id.clone(), ..Facts::default() }));
        let span = traces::request_span(&id, request.headers());
        let mut response = match endpoint.call(request).instrument(span).await {
            Ok(output) => output.into_response(),
            Err(error) => error.into_response(),
        };
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(HEADER, value);
        }
        Ok(response)
    })
}

/// The client's own id, if it is one that is safe to repeat in headers and logs.
fn acceptable(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let fits = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    fits.then(|| id.to_owned())
}
