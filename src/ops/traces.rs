//! Traces over OTLP: a span for each request and each piece of database work, sent in batches to a collector.
//!
//! Spans carry what the log line of a request carries: method, route template, status, user id; nothing a client sent.
//! Without an endpoint nothing here costs anything: no layer asks for the spans, so none are made.

use crate::config;
use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Status, TraceContextExt, TracerProvider};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use std::time::Duration;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// Spans of this target go to the collector, and to no log.
const TARGET: &str = "treebeard::trace";
/// Those of this one go to both.
const REQUEST: &str = "treebeard::request";
const PATH: &str = "v1/traces";
/// How long one batch may take to be sent; the thread that sends has nothing else to do.
const SENT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// What sends the spans; the last of them leave when it is dropped.
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// `None` without an endpoint.
    pub fn start(settings: &config::Traces) -> Result<Option<Traces>, String> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let base = endpoint.trim_end_matches('/');
        let url = if base.ends_with(PATH) { base.to_owned() } else { format!("{base}/{PATH}") };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(Protocol::HttpJson)
            .with_endpoint(url)
            .with_timeout(SENT_WITHIN)
            .build()
            .map_err(|error| format!("traces.endpoint cannot be used: {error}"))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder_empty().with_service_name("treebeard").with_attribute(version).build();
        let share = f64::from(settings.sample_percent) / 100.0;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share))))
            .build();
        Ok(Some(Traces { provider }))
    }

    /// What turns our spans into the collector's.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = Targets::new().with_target(TARGET, LevelFilter::INFO).with_target(REQUEST, LevelFilter::ERROR);
        let layer = tracing_opentelemetry::layer().with_tracer(self.provider.tracer("treebeard"));
        layer.with_location(false).with_threads(false).with_level(false).with_target(false).with_filter(ours)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(SENT_WITHIN) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// The log's filter without the spans that are for the collector.
pub fn keep_out_of(filter: EnvFilter) -> EnvFilter {
    let off = format!("{TARGET}=off").parse();
    filter.add_directive(off.expect("a target and a level"))
}

/// Whether there is a collector.
pub fn are_sent() -> bool {
    tracing::enabled!(target: TARGET, Level::INFO)
}

/// The span of a request. Its id is on every log line of it; for a collector it is part of the client's trace, where
/// that sent a `traceparent` (W3C Trace Context).
pub fn request_span(id: &str, headers: &HeaderMap) -> Span {
    // An error's span: the id is on the lines of a log that tells errors only, too.
    if !are_sent() {
        return tracing::error_span!(target: REQUEST, "request", request_id = id);
    }
    let span = tracing::error_span!(target: REQUEST, "request", request_id = id, otel.kind = "server");
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // It fails only for a span that is disabled, or under way already.
    let _new_and_enabled = span.set_parent(parent);
    span
}

/// What became known of a request on its way.
pub fn finish(method: &Method, route: &str, status: u16, user: Option<uuid::Uuid>) {
    if !are_sent() {
        return;
    }
    let span = Span::current();
    span.context().span().update_name(format!("{method} {route}"));
    span.set_attribute("http.request.method", method.to_string());
    span.set_attribute("http.route", route.to_owned());
    span.set_attribute("http.response.status_code", i64::from(status));
    if let Some(user) = user {
        span.set_attribute("enduser.id", user.to_string());
    }
    if status >= 500 {
        span.set_status(Status::error("the service failed"));
    }
}

/// Sends over the blocking client the program has anyway: batches leave from a thread of their own.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(SENT_WITHIN))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Client(config.into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, mut body) = self.0.run(request.map(|body| body.to_vec()))?.into_parts();
        let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Response::from_parts(parts, bytes.into()))
    }
}
