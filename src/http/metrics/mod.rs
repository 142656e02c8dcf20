//! `GET /metrics`: what the service does, as Prometheus reads it.

mod figures;
mod latencies;
mod text;

use crate::app::App;
use crate::http::Tag;
use crate::http::listener;
use crate::http::problem::{Problem, Result, of_status};
use crate::http::quota::Limiter;
use figures::Figures;
pub use latencies::Percentiles;
use latencies::{Latencies, Times};
use poem::http::{Method, StatusCode, header};
use poem::web::Data;
use poem::{IntoResponse, Request, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef};
use poem_openapi::{ApiResponse, OpenApi};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Upper bounds of the time classes, seconds. Alerts ask about 2 and 3.
const TIME_CLASSES: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0];

/// All figures of the service. One per process.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Answered, Histogram, fn() -> Histogram>,
    latencies: Latencies,
    app: Arc<App>,
}

/// What requests are counted by. The route is a template, so that there are no more series than routes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

/// The counters of one route and status; who keeps them need not look for them again.
pub struct Seen {
    requests: Counter,
    durations: Histogram,
    latencies: Arc<Times>,
    failed: bool,
}

impl Seen {
    /// Counts a finished request.
    pub fn add(&self, took: Duration) {
        self.requests.inc();
        self.durations.observe(took.as_secs_f64());
        self.latencies.observe(took, self.failed);
    }
}

impl Metrics {
    pub fn new(app: Arc<App>, limiter: Arc<Limiter>, listener: Arc<listener::Figures>) -> Self {
        let time_classes: fn() -> Histogram = || Histogram::new(TIME_CLASSES);
        let (requests, durations) = (Family::default(), Family::new_with_constructor(time_classes));
        let mut registry = Registry::with_prefix("treebeard");
        registry.register("http_requests", "Requests answered, by route template", requests.clone());
        registry.register("http_request_duration_seconds", "Time to the answer's first byte", durations.clone());
        let build = vec![("version", env!("CARGO_PKG_VERSION")), ("revision", env!("TREEBEARD_BUILT_FROM"))];
        registry.register("build", "The program that runs", Info::new(build));
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(app.now().as_millisecond() as f64 / 1e3);
        registry.register("process_start_time_seconds", "When the service started, seconds since 1970", started);
        registry.register_collector(Box::new(Figures { app: app.clone(), limiter, listener }));
        Metrics { registry, requests, durations, latencies: Latencies::default(), app }
    }

    /// Where requests so answered are counted.
    pub fn seen(&self, method: &Method, route: &str, status: StatusCode) -> Seen {
        let labels = Answered { method: method_name(method), route: route.to_owned(), status: status.as_u16() };
        Seen {
            requests: self.requests.get_or_create_owned(&labels),
            durations: self.durations.get_or_create_owned(&labels),
            latencies: self.latencies.of(route),
            failed: status.is_server_error(),
        }
    }

    /// How long answers took since the start: all of them, and those of each route.
    pub fn percentiles(&self) -> (Percentiles, Vec<(String, Percentiles)>) {
        self.latencies.percentiles()
    }

    /// The page, as OpenMetrics.
    pub fn text(&self) -> Option<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).ok().map(|()| text)
    }

    /// Whether the request may read the figures: anybody, or who sends the token there is.
    fn admits(&self, request: &Request) -> bool {
        let settings = self.app.current();
        let Some(token) = &settings.metrics.token else { return true };
        let sent = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let sent =
            sent.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        // Digests are compared: how long that takes says nothing of the token.
        sent.is_some_and(|(_, sent)| Sha256::digest(sent.trim()) == Sha256::digest(token.expose_secret()))
    }
}

/// A client may send any word as its method: only the usual ones become series.
fn method_name(method: &Method) -> &'static str {
    let usual = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];
    usual.into_iter().find(|name| *name == method.as_str()).unwrap_or("other")
}

pub struct MetricsPage;

#[OpenApi(tag = "Tag::Operations")]
impl MetricsPage {
    /// Read the metrics
    ///
    /// Figures for Prometheus, in its text format, or in OpenMetrics for a client that accepts it. Where a metrics
    /// token is set, it must be sent as a Bearer token.
    #[oai(path = "/metrics", method = "get", operation_id = "get_metrics")]
    async fn read(&self, metrics: Data<&Arc<Metrics>>, request: &Request) -> Result<MetricsText> {
        if !metrics.admits(request) {
            let message = "Send the metrics token of the service as: Authorization: Bearer TOKEN.";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, message));
        }
        let figures = metrics.text().ok_or_else(|| of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
        Ok(if text::wants_openmetrics(request.headers()) {
            MetricsText::OpenMetrics(figures)
        } else {
            MetricsText::Classic(text::classic(&figures))
        })
    }
}

const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One status in two forms: the framework would describe the second over the first.
enum MetricsText {
    Classic(String),
    OpenMetrics(String),
}

impl IntoResponse for MetricsText {
    fn into_response(self) -> Response {
        let (kind, text) = match self {
            MetricsText::Classic(text) => (CLASSIC, text),
            MetricsText::OpenMetrics(text) => (OPENMETRICS, text),
        };
        Response::builder().content_type(kind).body(text)
    }
}

impl ApiResponse for MetricsText {
    fn meta() -> MetaResponses {
        let schema = || MetaSchema::new("string");
        let text = |content_type| MetaMediaType { content_type, schema: MetaSchemaRef::Inline(Box::new(schema())) };
        let figures = MetaResponse {
            description: "The figures",
            status: Some(200),
            status_range: None,
            content: vec![text(CLASSIC), text(OPENMETRICS)],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![figures] }
    }
    fn register(_: &mut poem_openapi::registry::Registry) {}
}
