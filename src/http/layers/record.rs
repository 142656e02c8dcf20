//! One log line and one count for every request, by its route's template: a path or a query may hold what is
//! nobody's business.

use crate::app::App;
use crate::http::layers::request_id;
use crate::http::metrics::Metrics;
use crate::ops::traces;
use poem::http::{Method, StatusCode};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Level;
use tracing::field::display;
use uuid::Uuid;

/// A request that takes longer than `logging.slow_request_milliseconds` is logged as a warning.
pub fn layer<E: Endpoint + 'static>(
    endpoint: E,
    metrics: Arc<Metrics>,
    app: Arc<App>,
) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, request: Request| {
        let (metrics, settings) = (metrics.clone(), app.current());
        async move {
            let (method, facts, started) = (request.method().clone(), request_id::facts(&request), Instant::now());
            let response = match endpoint.call(request).await {
                Ok(output) => output.into_response(),
                Err(error) => error.into_response(),
            };
            let (took, status, route) = (started.elapsed(), response.status(), facts.route());
            metrics.seen(&method, route, status).add(took);
            traces::finish(&method, route, status.as_u16(), facts.user());
            let is_slow = took > settings.logging.slow_request;
            tell(&Told { method: &method, route, status, took, user: facts.user(), is_slow });
            Ok(response)
        }
    })
}

/// What the log line of a request says.
pub struct Told<'a> {
    pub method: &'a Method,
    pub route: &'a str,
    pub status: StatusCode,
    pub took: Duration,
    pub user: Option<Uuid>,
    pub is_slow: bool,
}

/// Writes the line; to be called in the span of the request.
pub fn tell(told: &Told) {
    let Told { method, route, status, took, user, is_slow } = told;
    let (status, milliseconds) = (status.as_u16(), (took.as_secs_f64() * 1e6).round() / 1e3);
    let user_id = user.map(display);
    if *is_slow {
        tracing::warn!(%method, route, status, milliseconds, user_id, slow = true, "answered");
    } else {
        tracing::info!(%method, route, status, milliseconds, user_id, "answered");
    }
}

/// Whether there will be a line at all.
pub fn is_told(is_slow: bool) -> bool {
    is_slow || tracing::enabled!(Level::INFO)
}
