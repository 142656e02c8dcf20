//! The fast lane: answers that are finished already leave here, before a request has walked through the layers.
//!
//! The ordinary way answers first. An answer that says how long it stays the same ([`Lasting`]) is kept as it left the
//! layers, and the next request of that kind gets it at once, with what each layer does for every single request: the
//! same limits, the same counts, the same log line, the same headers. `tests/http/lane.rs` compares the two header by
//! header. Whatever is not as usual (nothing kept, a fresh answer wanted, a limit exceeded, traces) takes the ordinary
//! way, so that nothing is said here that is not said there.

use crate::app::App;
use crate::app::coding::Coding;
use crate::app::sessions::Caller;
use crate::http::layers::{cors, record, request_id, security_headers};
use crate::http::metrics::{Metrics, Seen};
use crate::http::quota::{Limiter, Visit};
use crate::http::ready::{self, CACHE_STATUS, CacheStatus};
use crate::http::{caller, client, encoding};
use crate::ops::traces;
use bytes::Bytes;
use moka::sync::Cache;
use poem::http::uri::Scheme;
use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use poem::web::RemoteAddr;
use poem::{Body, Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Kept for each coding at most.
const CATALOG_BYTES: u64 = 4 << 20;
const OWN_MAX: u64 = 10_000;
/// A command beside the service may change an account, too: then this long.
const OWN_LIVES: Duration = Duration::from_secs(3);
/// Where answers lie that are of one user alone.
const OWN: &str = "/api/v1/users/";
/// What an answer takes beside its body and its address, about.
const KEPT_BYTES: usize = 2_048;

/// The headers a kept answer may have. One with any other is not kept: it could be of one request alone.
const KEPT: [HeaderName; 11] = [
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
    header::CACHE_CONTROL,
    header::VARY,
    header::ETAG,
    header::LINK,
    header::X_CONTENT_TYPE_OPTIONS,
    header::REFERRER_POLICY,
    header::CONTENT_SECURITY_POLICY,
    CACHE_STATUS,
    request_id::HEADER,
];
/// Those that layers write for each request; they are left out and written anew.
const WRITTEN_ANEW: [&str; 10] = [
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-limit-user",
    "x-ratelimit-limit-ip",
    "ratelimit",
    "ratelimit-policy",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "strict-transport-security",
];

/// Put on an answer by who made it: for whom it is, and while what it stays the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// For everybody who wants this coding, while the catalog has this edition.
    Catalog { edition: u64, wanted: Option<Coding> },
    /// For this user, while nothing of the account has changed since.
    Own { user: Uuid, change: u64 },
}

/// Every answer that is kept. One per process.
pub struct Lane {
    app: Arc<App>,
    limiter: Arc<Limiter>,
    metrics: Arc<Metrics>,
    /// By path and query: without a coding, and in each.
    catalog: [Cache<Arc<str>, Arc<Kept>>; 1 + Coding::ALL.len()],
    /// The last one of a user.
    own: Cache<Uuid, Arc<Kept>>,
}

/// An answer as it left the layers.
struct Kept {
    lasting: Lasting,
    path_and_query: Arc<str>,
    route: Box<str>,
    whole: Side,
    /// For who has it already.
    unchanged: Option<Side>,
    /// Between its quotes.
    etag: Box<str>,
}

/// What is sent, and where it is counted.
struct Side {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    seen: OnceLock<Seen>,
}

impl Lane {
    pub fn new(app: Arc<App>, limiter: Arc<Limiter>, metrics: Arc<Metrics>) -> Self {
        let weigh = |path: &Arc<str>, kept: &Arc<Kept>| (path.len() * 2 + kept.whole.body.len() + KEPT_BYTES) as u32;
        let catalog = std::array::from_fn(|_| Cache::builder().max_capacity(CATALOG_BYTES).weigher(weigh).build());
        let own = Cache::builder().max_capacity(OWN_MAX).time_to_live(OWN_LIVES).build();
        Lane { app, limiter, metrics, catalog, own }
    }

    /// The answer to a request that needs nothing but one; else `None`, and the request takes the ordinary way.
    pub fn answer<B: hyper::body::Body>(
        &self,
        request: &mut hyper::Request<B>,
        peer: &RemoteAddr,
        scheme: &Scheme,
    ) -> Option<hyper::Response<Bytes>> {
        let (started, headers) = (Instant::now(), request.headers());
        if request.method() != Method::GET || !request.body().is_end_stream() || traces::are_sent() {
            return None;
        }
        let caller = caller::identify_at_once(&self.app, headers)?;
        let kept = self.find(request.uri(), headers, caller)?;
        let settings = self.app.current();
        let address = client::address(peer, headers, &settings.server.trusted_proxies);
        let (visit, user) = (Visit::new(self.limiter.clone(), address), caller.map(|caller| caller.user_id));
        if !visit.is_admitted(user) {
            request.extensions_mut().insert(Arc::new(visit));
            return None;
        }
        let is_known = kept.unchanged.as_ref().filter(|_| ready::is_known(headers, &kept.etag));
        let side = is_known.unwrap_or(&kept.whole);
        let mut answer = hyper::Response::new(side.body.clone());
        *answer.status_mut() = side.status;
        // As the layers do, from the inside out.
        let written = answer.headers_mut();
        written.clone_from(&side.headers);
        visit.describe(written, self.app.now().as_second());
        if let Some(admitted) = cors::admitted(&settings.server.cors_origins, headers) {
            cors::tell(written, admitted);
        }
        security_headers::tell_https(written, scheme, settings.tls.hsts.as_secs());
        let id = request_id::for_request(headers);
        if let Ok(value) = HeaderValue::from_str(&id) {
            written.insert(request_id::HEADER, value);
        }
        if matches!(kept.lasting, Lasting::Catalog { .. }) {
            self.app.catalog.count_hit();
        }
        let (method, route, status) = (request.method(), &*kept.route, side.status);
        let took = started.elapsed();
        side.seen.get_or_init(|| self.metrics.seen(method, route, status)).add(took);
        let is_slow = took > settings.logging.slow_request;
        if record::is_told(is_slow) {
            let told = record::Told { method, route, status, took, user, is_slow };
            traces::request_span(&id, headers).in_scope(|| record::tell(&told));
        }
        Some(answer)
    }

    /// What is kept for the request and still holds.
    fn find(&self, uri: &Uri, headers: &HeaderMap, caller: Option<Caller>) -> Option<Arc<Kept>> {
        let asked = uri.path_and_query()?.as_str();
        if ready::wants_fresh(headers) {
            return None;
        }
        let found = if asked.starts_with(OWN) {
            self.own.get(&caller?.user_id).filter(|kept| *kept.path_and_query == *asked)?
        } else {
            self.catalog_in(encoding::wanted(headers).coding).get(asked)?
        };
        let holds = match found.lasting {
            Lasting::Catalog { edition, .. } => edition == self.app.catalog.edition(),
            Lasting::Own { user, change } => change == self.app.standings.change_of(user),
        };
        holds.then_some(found)
    }

    fn catalog_in(&self, wanted: Option<Coding>) -> &Cache<Arc<str>, Arc<Kept>> {
        &self.catalog[wanted.map_or(0, |coding| 1 + coding as usize)]
    }

    /// Keeps an answer of the ordinary way, and gives it on.
    async fn keep(&self, uri: &Uri, route: &str, lasting: Lasting, response: Response) -> poem::Result<Response> {
        let (mut parts, body) = response.into_parts();
        let body = body.into_bytes().await?;
        if let Some(kept) = Kept::of(uri, route, lasting, &parts.headers, &body) {
            match lasting {
                Lasting::Catalog { wanted, .. } => {
                    self.catalog_in(wanted).insert(kept.path_and_query.clone(), Arc::new(kept));
                }
                // Of what another node changes we hear after its writer does.
                Lasting::Own { user, .. } if self.app.is_the_only_node() => {
                    self.own.insert(user, Arc::new(kept));
                }
                Lasting::Own { .. } => {}
            }
        }
        parts.extensions.clear();
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

impl Kept {
    /// `None` where it has a header that may be of its request alone.
    fn of(uri: &Uri, route: &str, lasting: Lasting, sent: &HeaderMap, body: &Bytes) -> Option<Self> {
        let mut headers = sent.clone();
        for name in WRITTEN_ANEW {
            headers.remove(name);
        }
        if headers.keys().any(|name| !KEPT.contains(name)) {
            return None;
        }
        if headers.contains_key(CACHE_STATUS) {
            headers.insert(CACHE_STATUS, HeaderValue::from_static(CacheStatus::Hit.as_str()));
        }
        // A place for the next one.
        headers.insert(request_id::HEADER, HeaderValue::from_static(""));
        let etag = headers.get(header::ETAG)?.to_str().ok()?.trim_matches('"').into();
        let unchanged = matches!(lasting, Lasting::Catalog { .. }).then(|| {
            let mut headers = headers.clone();
            headers.remove(header::CONTENT_TYPE);
            headers.remove(header::CONTENT_ENCODING);
            Side { status: StatusCode::NOT_MODIFIED, headers, body: Bytes::new(), seen: OnceLock::new() }
        });
        let whole = Side { status: StatusCode::OK, headers, body: body.clone(), seen: OnceLock::new() };
        let path_and_query = uri.path_and_query()?.as_str().into();
        Some(Kept { lasting, path_and_query, route: route.into(), whole, unchanged, etag })
    }
}

/// Keeps what the ordinary way answers and says that it lasts. Outside of every layer but the one that gives requests
/// their ids.
pub fn layer<E: Endpoint + 'static>(endpoint: E, lane: Arc<Lane>) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, request: Request| {
        let lane = lane.clone();
        async move {
            let (is_get, uri) = (request.method() == Method::GET, request.uri().clone());
            let facts = request_id::facts(&request);
            let response = endpoint.call(request).await.map(IntoResponse::into_response)?;
            match response.data::<Lasting>().copied() {
                Some(lasting) if is_get && response.status() == StatusCode::OK => {
                    lane.keep(&uri, facts.route(), lasting, response).await
                }
                _ => Ok(response),
            }
        }
    })
}
