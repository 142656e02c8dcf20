//! The last resort: any error that reaches the edge as plain text, a panic included, leaves as a problem document.

use crate::http::layers::request_id;
use crate::http::problem;
use poem::middleware::CatchPanic;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};

pub fn layer<E: Endpoint + 'static>(endpoint: E) -> impl Endpoint<Output = Response> {
    endpoint.with(CatchPanic::new()).around(|endpoint, request: Request| async move {
        let id = request_id::of(&request);
        let response = match endpoint.call(request).await {
            Ok(output) => output.into_response(),
            Err(error) if error.is_from_response() => error.into_response(),
            Err(error) => return Ok(problem::of_error(&error).into_response(&id)),
        };
        let status = response.status();
        // The framework refuses in plain text; JSON is an answer of ours, such as that of an unhealthy service.
        let ours = [problem::CONTENT_TYPE, "application/json"];
        if status.as_u16() < 400 || response.content_type().is_some_and(|media_type| ours.contains(&media_type)) {
            return Ok(response);
        }
        Ok(problem::of_status(status).into_response(&id))
    })
}
