//! Which door a request came through: where the metrics have an address of their own, they are there with the health of
//! the service, and nothing else is; and nowhere else are they.

use crate::http::problem;
use poem::http::StatusCode;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};

const METRICS: &str = "/metrics";
const HEALTH: [&str; 3] = ["/health", "/health/live", "/health/ready"];

/// The mark of a request that came to the metrics' own address.
#[derive(Debug, Clone, Copy)]
struct ForMetrics;

/// Marks every request.
pub fn for_metrics<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = E::Output> {
    endpoint.before(|mut request| async move {
        request.set_data(ForMetrics);
        Ok(request)
    })
}

/// Lets a request on to what lies behind its door. `apart`: the metrics have an address of their own.
pub fn layer<E: Endpoint + 'static>(endpoint: E, apart: bool) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, request: Request| async move {
        let path = request.uri().path();
        let is_there = match request.data::<ForMetrics>() {
            Some(_) => path == METRICS || HEALTH.contains(&path),
            None => !(apart && path == METRICS),
        };
        if is_there {
            return endpoint.call(request).await.map(IntoResponse::into_response);
        }
        Err(problem::of_status(StatusCode::NOT_FOUND).into())
    })
}
