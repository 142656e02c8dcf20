//! The most a request may take: time to be answered, and bytes of body, whether its length is stated or not.

use crate::http::layers::request_id;
use crate::http::problem::Problem;
use crate::http::{Limits, body};
use http_body_util::{BodyExt, Limited};
use poem::http::{StatusCode, header};
use poem::{Body, Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::io;

type BoxBody = http_body_util::combinators::BoxBody<bytes::Bytes, io::Error>;

pub fn layer<E: Endpoint + 'static>(endpoint: E, limits: Limits) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, mut request: Request| async move {
        let id = request_id::of(&request);
        if stated_length(&request).is_some_and(|length| length > limits.upload_bytes_max as u64) {
            return Ok(body::too_large(limits.upload_bytes_max).into_response(&id));
        }
        cap(&mut request, limits.upload_bytes_max);
        request.set_data(limits);
        match tokio::time::timeout(limits.answer_within, endpoint.call(request)).await {
            Ok(answer) => answer.map(IntoResponse::into_response),
            Err(_) => {
                let message = "The request took too long and was given up. Try again, or ask for less at a time.";
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, message);
                Ok(Problem { retry_after: Some(5), ..problem }.into_response(&id))
            }
        }
    })
}

/// Whatever reads the body, a chunked one included, meets an end at the limit.
fn cap(request: &mut Request, bytes_max: usize) {
    let unbounded: BoxBody = request.take_body().into();
    let bounded = Limited::new(unbounded, bytes_max).map_err(io::Error::other).boxed();
    request.set_body(Body::from(bounded));
}

fn stated_length(request: &Request) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
