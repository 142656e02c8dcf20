//! The service itself: its figures, its caches, its jobs.

use super::answer;
use crate::app::App;
use crate::app::catalog::CacheFigures;
use crate::app::figures::moment;
use crate::app::jobs::JobState;
use crate::domain::market::Sort;
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::metrics::{Metrics, Percentiles};
use crate::http::problem::Result;
use crate::http::ready::Private;
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::OpenApi;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

pub struct AdminService;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminService {
    /// Read the figures
    ///
    /// How much of everything there is, how long answers took since the start and how often a cache had them. New is
    /// what came in the last seven days.
    #[oai(path = "/stats", method = "get", operation_id = "admin_get_stats")]
    async fn stats(
        &self,
        app: Data<&Arc<App>>,
        metrics: Data<&Arc<Metrics>>,
        _caller: SignedIn,
    ) -> Result<Private<ServiceStats>> {
        let overview = app.overview().await?;
        let (counts, snapshot) = (overview.counts, app.catalog.snapshot());
        let (all, routes) = metrics.percentiles();
        answer(&ServiceStats {
            generated_at: moment(app.now()),
            users: UserCounts {
                total: counts.users,
                new: counts.users_new,
                deactivated: counts.users_deactivated,
                administrators: counts.administrators,
                support: counts.support,
                open_sessions: counts.open_sessions,
            },
            catalog: CatalogCounts {
                revision: snapshot.revision,
                markets: snapshot.markets().len() as u64,
                suppliers: snapshot.suppliers().len() as u64,
                plans: snapshot.listings().len() as u64,
                active_plans: snapshot.on_sale(Sort::Name).len() as u64,
            },
            recommendations: RecommendationCounts {
                total: counts.recommendations,
                new: counts.recommendations_new,
                anonymous: counts.recommendations_anonymous,
            },
            feedback: FeedbackCounts {
                total: overview.feedback.total,
                mean_rating: overview.feedback.mean_rating.map(|mean| (mean * 100.0).round() / 100.0),
            },
            audit_rows: counts.audit_rows,
            requests: RequestFigures::of(&all),
            routes: routes.iter().map(RouteFigures::of).collect(),
            caches: overview.caches.map(|(name, figures)| CacheItem::of(name, figures)).into(),
        })
    }

    /// Clear the caches
    ///
    /// Every answer kept ready is made anew when it is next asked for.
    #[oai(path = "/cache/clear", method = "post", operation_id = "admin_clear_caches")]
    async fn clear(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Private<CachesCleared>> {
        let cleared = app.clear_caches(caller.0.user_id).await?;
        let message = "The caches are empty.".to_owned();
        answer(&CachesCleared { message, success: true, answers: cleared.answers, rankings: cleared.rankings })
    }

    /// List the jobs
    ///
    /// What the service does by itself, and how each job went last. A job that has not run yet is not listed.
    #[oai(path = "/jobs", method = "get", operation_id = "admin_list_jobs")]
    async fn jobs(&self, app: Data<&Arc<App>>, _caller: SignedIn) -> Result<Private<Vec<JobState>>> {
        answer(&app.jobs.list())
    }
}

/// The service in figures.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ServiceStats {
    generated_at: Timestamp,
    users: UserCounts,
    catalog: CatalogCounts,
    recommendations: RecommendationCounts,
    feedback: FeedbackCounts,
    /// Rows of the audit log ever written.
    audit_rows: u64,
    /// All requests since the start.
    requests: RequestFigures,
    /// The same by route template.
    routes: Vec<RouteFigures>,
    caches: Vec<CacheItem>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct UserCounts {
    total: u64,
    new: u64,
    deactivated: u64,
    administrators: u64,
    support: u64,
    open_sessions: u64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct CatalogCounts {
    /// Raised by every change.
    revision: i64,
    markets: u64,
    suppliers: u64,
    /// Those no longer offered too.
    plans: u64,
    active_plans: u64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct RecommendationCounts {
    total: u64,
    new: u64,
    /// Asked for without an account.
    anonymous: u64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct FeedbackCounts {
    total: u64,
    /// `null`: there is none.
    mean_rating: Option<f64>,
}

/// Times are within 5 percent.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct RequestFigures {
    count: u64,
    /// Answered with 500 or above.
    failures: u64,
    p50_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct RouteFigures {
    route: String,
    #[serde(flatten)]
    figures: RequestFigures,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
struct CacheItem {
    cache: String,
    hits: u64,
    misses: u64,
    /// 0 to 1; `null`: not asked yet.
    hit_rate: Option<f64>,
    entries: u64,
    bytes: u64,
}

/// What was forgotten.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct CachesCleared {
    message: String,
    success: bool,
    answers: u64,
    rankings: u64,
}

impl RequestFigures {
    fn of(found: &Percentiles) -> Self {
        let milliseconds = |time: Duration| (time.as_secs_f64() * 1e6).round() / 1e3;
        RequestFigures {
            count: found.count,
            failures: found.failures,
            p50_ms: milliseconds(found.p50),
            p95_ms: milliseconds(found.p95),
            p99_ms: milliseconds(found.p99),
        }
    }
}

impl RouteFigures {
    fn of((route, found): &(String, Percentiles)) -> Self {
        RouteFigures { route: route.clone(), figures: RequestFigures::of(found) }
    }
}

impl CacheItem {
    fn of(cache: &str, figures: CacheFigures) -> Self {
        let CacheFigures { hits, misses, entries, bytes } = figures;
        let asked = hits + misses;
        let hit_rate = (asked > 0).then(|| (hits as f64 / asked as f64 * 1e4).round() / 1e4);
        CacheItem { cache: cache.to_owned(), hits, misses, hit_rate, entries, bytes }
    }
}
