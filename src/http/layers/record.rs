//! One log line and one count for every request, by its route's template: a path or a query may hold what is
//! nobody's business.

use crate::app::App;
use crate::http::layers::request_id;
use crate::http::metrics::Metrics;
use crate::ops::traces;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::Arc;
use std::time::Instant;
use tracing::field::display;

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
            metrics.answered(&method, route, status, took);
            let (status, milliseconds) = (status.as_u16(), (took.as_secs_f64() * 1e6).round() / 1e3);
            traces::finish(&method, route, status, facts.user());
            let user_id = facts.user().map(display);
            if took > settings.logging.slow_request {
                tracing::warn!(%method, route, status, milliseconds, user_id, slow = true, "answered");
            } else {
                tracing::info!(%method, route, status, milliseconds, user_id, "answered");
            }
            Ok(response)
        }
    })
}
