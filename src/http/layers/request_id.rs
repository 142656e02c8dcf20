//! Gives every request an id, puts it on the answer and on every log line, and keeps what becomes known of the request
//! on its way for those who report about it.

use crate::ops::traces;
use poem::http::{HeaderMap, HeaderName, HeaderValue};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use rand::RngCore;
use rand_pcg::Pcg64Mcg;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::Instrument;
use uuid::{Builder, Uuid};

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");
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
        let id = for_request(request.headers());
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

/// The client's own id, if it is one that is safe to repeat in headers and logs, or a new one.
pub fn for_request(headers: &HeaderMap) -> String {
    acceptable(headers).unwrap_or_else(|| fresh().to_string())
}

thread_local! {
    /// Ids have to be different, not secret: the system is asked for randomness once a thread, not once a request.
    static RANDOM: RefCell<Pcg64Mcg> = RefCell::new(Pcg64Mcg::new(Uuid::new_v4().as_u128()));
}

/// Version 7: its time comes first.
fn fresh() -> Uuid {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut random = [0; 10];
    RANDOM.with_borrow_mut(|generator| generator.fill_bytes(&mut random));
    Builder::from_unix_timestamp_millis(since_1970.as_millis() as u64, &random).into_uuid()
}

fn acceptable(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(HEADER)?.to_str().ok()?;
    let fits = (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    fits.then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread;

    #[test]
    fn ids_are_of_version_7_and_all_different() {
        let made = || (0..1_000).map(|_| fresh()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| thread::spawn(made)).collect();
        let ids: Vec<Uuid> = threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect();
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4_000);
    }
}
