//! The service over HTTP. This page lists every route and, below, every layer a request passes, in order.

mod admin;
mod auth;
pub mod body;
pub mod caller;
mod client;
mod compare_request;
mod conditional;
mod current_plan;
mod described;
mod docs;
mod document;
mod encoding;
mod feedback;
mod fields;
pub mod guide;
mod lane;
pub mod layers;
pub mod listener;
mod login;
mod markets;
mod metrics;
mod once;
mod operations;
mod own_data;
pub mod permissions;
mod plans;
mod price_request;
pub mod problem;
mod quota;
mod ready;
mod recommendations;
mod routes;
mod saved;
mod schema;
mod upload;
mod usage;
mod users;
pub mod values;

use crate::alerts::{Change, Reading, Watch};
use crate::app::App;
use crate::config;
use jiff::Timestamp;
use listener::Served;
use poem::{EndpointExt, Request};
use poem_openapi::{ContactObject, LicenseObject, OpenApiService, Tags};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The groups of the API document.
#[derive(Tags)]
pub enum Tag {
    /// Accounts, tokens and sessions.
    Auth,
    /// The signed-in user's own data.
    Users,
    /// What the caller uses: months, meter files, analysis.
    Usage,
    /// What is on sale, and what it would cost.
    Plans,
    /// Where customers choose their supplier.
    Markets,
    /// Which plan to take, and why.
    Recommendations,
    /// Accounts, the catalog and the service, for its staff.
    Admin,
    /// What people thought of plans and recommendations.
    Feedback,
    /// Whether the service is well, and what it is.
    Operations,
}

/// Every operation of the API. The paths stand with the operations, one file per tag.
#[rustfmt::skip]
fn api() -> impl poem_openapi::OpenApi + 'static {
    (
        auth::Auth,             // /api/v1/auth: POST /register, /login, /refresh, /logout, /logout-all, /password, /password/forgot,
                                //   /password/reset, /first-admin; GET /me, /sessions;
                                //   DELETE /sessions/{id}
        users::Users,           // /api/v1/users: GET PUT /profile; GET POST /preferences; GET PUT DELETE /current-plan
        own_data::OwnData,      // /api/v1: GET /legal; /users: GET POST /consents; GET /me/export; DELETE /me
        usage::Usage,           // /api/v1/usage: POST /upload, /import; GET /history, /intervals, /profile; DELETE /
        plans::Plans,           // /api/v1: GET /plans/catalog, /plans/{id}, /suppliers, /suppliers/{id};
                                //   POST /plans/{id}/price, /plans/compare
        markets::Markets,       // /api/v1/markets: GET /{zip_code}
        recommendations::Recommendations, // /api/v1/recommendations: POST /generate, /{id}/what-if;
                                //   GET /, /{id}, /{id}/report, /{id}/export.csv, /user/{id}; DELETE /{id}
        admin::operations(),    // /api/v1/admin: the table stands in admin/mod.rs
        feedback::Feedback,     // /api/v1/feedback: POST /plan, /recommendation; GET /stats
        feedback::Review,       // /api/v1/admin/feedback: GET /analytics, /search, /export
        operations::Operations, // GET /health, /health/live, /health/ready, /version
        metrics::MetricsPage,   // GET /metrics
    )
}

/// The whole service, and what follows changed settings.
pub struct Service {
    pub served: Served,
    /// What is served at the address of the metrics alone.
    pub for_metrics: Served,
    limiter: Arc<quota::Limiter>,
    metrics: Arc<metrics::Metrics>,
    alerts: Arc<Mutex<Watch>>,
}

impl Service {
    /// Follows settings that `App::adopt` has put in force.
    pub fn follow(&self, settings: &config::Config) {
        self.limiter.adopt(&settings.limits);
    }

    /// Looks at the rules of alerts, and says what is news.
    pub fn look_after_alerts(&self, now: Timestamp) -> Vec<Change> {
        let page = self.metrics.text().unwrap_or_default();
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner).look(Reading::of(&page, now))
    }
}

/// Routes inside, layers around them. Beside the API there are pages: `docs.rs` lists them.
pub fn build(app: Arc<App>, listener: Arc<listener::Figures>) -> Service {
    let limiter = Arc::new(quota::Limiter::new(&app.config.limits));
    let metrics = Arc::new(metrics::Metrics::new(app.clone(), limiter.clone(), listener));
    let alerts = Arc::<Mutex<Watch>>::default();
    let served = service(routes::Guarded(api())).data(app.clone()).data(metrics.clone()).data(alerts.clone());
    let routes = docs::beside(served, app.config.features, &app.documents);

    // From the inside out: a request meets the last one first.
    let behind = layers::doors::layer(routes, app.config.metrics.listen.is_some());
    let bounded = layers::bounds::layer(behind, app.clone());
    let safe = layers::fallback::layer(bounded);
    // Boxed once: the type of so many layers is more than the compiler unrolls.
    let limited = layers::limits::layer(safe, app.clone(), limiter.clone()).boxed();
    let smaller = layers::compression::layer(limited);
    let shared = layers::cors::layer(smaller, app.clone());
    let hardened = layers::security_headers::layer(shared);
    let settings = app.clone();
    let kept = layers::security_headers::keep_to_https(hardened, move || settings.current().tls.hsts.as_secs());
    let recorded = layers::record::layer(kept, metrics.clone(), app.clone());
    // What is finished and lasts is given from here the next time, before any of the layers.
    let lane = Arc::new(lane::Lane::new(app, limiter.clone(), metrics.clone()));
    let remembered = lane::layer(recorded, lane.clone());
    let endpoint = Arc::new(layers::request_id::layer(remembered).boxed());
    let for_metrics = Arc::new(layers::doors::for_metrics(endpoint.clone()).boxed());
    Service {
        served: Served { endpoint, lane: Some(lane) },
        for_metrics: Served { endpoint: for_metrics, lane: None },
        limiter,
        metrics,
        alerts,
    }
}

/// The API document, as `/openapi.json` serves it.
pub fn openapi_document() -> String {
    docs::openapi_document()
}

fn service<A: poem_openapi::OpenApi>(api: A) -> OpenApiService<A, ()> {
    OpenApiService::new(api, "TreeBeard", env!("CARGO_PKG_VERSION"))
        .description("Which electricity plan should this household be on, what will it cost, and why.")
        .license(LicenseObject::new("MIT").url("https://opensource.org/license/mit"))
        .contact(ContactObject::new().name("TreeBeard"))
        .server("/")
}

/// The most one request may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub json_bytes_max: usize,
    pub upload_bytes_max: usize,
    pub answer_within: Duration,
}

impl Limits {
    fn of_settings(server: &config::Server) -> Self {
        Limits {
            json_bytes_max: server.json_bytes_max,
            upload_bytes_max: server.upload_bytes_max,
            answer_within: server.request_timeout,
        }
    }

    /// The limits in force for a request that came through the layers.
    pub fn of(request: &Request) -> Self {
        request.data::<Limits>().copied().unwrap_or(Limits {
            json_bytes_max: 1 << 20,
            upload_bytes_max: 32 << 20,
            answer_within: Duration::from_secs(30),
        })
    }
}
