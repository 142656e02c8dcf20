//! Operations: is the service well, is it ready for work, and which build is it.

use crate::app::App;
use crate::app::health::{BreakerState, ExplanationsHealth, Health, Level};
use crate::http::Tag;
use crate::http::body::Answer;
use crate::http::problem::{Problem, Result, of_status};
use crate::http::values::TimeValue;
use jiff::Timestamp;
use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};
use std::sync::Arc;

pub struct Operations;

#[OpenApi(tag = "Tag::Operations")]
impl Operations {
    /// How is the service
    ///
    /// Looks at the database, its schema and the disk. `degraded` still serves everything; `unhealthy` is answered
    /// with 503.
    #[oai(path = "/health", method = "get", operation_id = "get_health")]
    async fn health(&self, app: Data<&Arc<App>>) -> HealthAnswer {
        let health = app.health().await;
        let report = Answer(Report::of(&health, app.config.environment.as_str()));
        match health.level {
            Level::Unhealthy => HealthAnswer::Unhealthy(report),
            Level::Healthy | Level::Degraded => HealthAnswer::Serving(report),
        }
    }

    /// Is the process alive
    ///
    /// Answers as long as the process can answer at all; looks at nothing else.
    #[oai(path = "/health/live", method = "get", operation_id = "get_liveness")]
    #[allow(clippy::unused_async)] // An operation is async whether it waits or not.
    async fn live(&self) -> Result<Answer<State>> {
        Ok(Answer(State { status: "alive".to_owned() }))
    }

    /// Is it ready for work
    ///
    /// 503 while the service is stopping or the database cannot be reached.
    #[oai(path = "/health/ready", method = "get", operation_id = "get_readiness")]
    async fn ready(&self, app: Data<&Arc<App>>) -> Result<Answer<State>> {
        if app.is_ready().await {
            return Ok(Answer(State { status: "ready".to_owned() }));
        }
        let message = if app.is_draining() {
            "The service is stopping. Try again shortly, or another node."
        } else {
            "The database cannot be reached. Try again shortly."
        };
        Err(Problem { message: message.to_owned(), ..of_status(StatusCode::SERVICE_UNAVAILABLE) })
    }

    /// Which build is this
    ///
    /// Release builds say their source revision and time; others say `unknown`.
    #[oai(path = "/version", method = "get", operation_id = "get_version")]
    async fn version(&self, app: Data<&Arc<App>>) -> Result<Answer<Version>> {
        let built_at = env!("TREEBEARD_BUILT_AT").parse().ok().and_then(|at| Timestamp::from_second(at).ok());
        Ok(Answer(Version {
            name: "treebeard".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_revision: env!("TREEBEARD_BUILT_FROM").to_owned(),
            build_time: built_at.map(TimeValue),
            schema_version: app.schema_versions().await.map(|(applied, _)| applied),
        }))
    }
}

#[derive(ApiResponse)]
enum HealthAnswer {
    /// The service serves
    #[oai(status = 200)]
    Serving(Answer<Report>),
    /// It does not
    #[oai(status = 503)]
    Unhealthy(Answer<Report>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "HealthStatus", rename_all = "snake_case")]
enum Status {
    Healthy,
    Degraded,
    Unhealthy,
}

/// How the service is.
#[derive(Object)]
#[oai(rename = "Health")]
struct Report {
    status: Status,
    timestamp: TimeValue,
    #[oai(validator(max_length = 40))]
    version: String,
    /// `development`, `staging`, `production` or `test`.
    #[oai(validator(max_length = 20))]
    environment: String,
    checks: Checks,
}

/// What was looked at.
#[derive(Object)]
#[oai(rename = "HealthChecks")]
struct Checks {
    database: DatabaseCheck,
    cache: CacheCheck,
    migrations: MigrationsCheck,
    disk: DiskCheck,
    explanations: ExplanationsCheck,
    backups: BackupsCheck,
}

#[derive(Object)]
struct DatabaseCheck {
    status: Status,
    /// `sqlite` or `postgres`.
    #[oai(validator(max_length = 20))]
    r#type: String,
    /// Milliseconds one read took.
    latency_ms: f64,
}

#[derive(Object)]
struct CacheCheck {
    status: Status,
    /// `in_process`: there is no cache beside the service.
    #[oai(validator(max_length = 20))]
    r#type: String,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct MigrationsCheck {
    status: Status,
    /// The newest migration of the database.
    version: Option<i64>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct DiskCheck {
    status: Status,
    /// Where the data lies.
    free_bytes: Option<u64>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct ExplanationsCheck {
    status: Status,
    /// `ai`, or `template` when no key for it is set or the breaker is open.
    #[oai(validator(max_length = 20))]
    source: String,
    /// `closed`, `open` or `half_open`: open while the model is left alone because it keeps failing. Missing without a
    /// key.
    #[oai(validator(max_length = 20))]
    breaker: Option<String>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct BackupsCheck {
    /// `degraded` while the last one failed, or the newest is older than 36 hours.
    status: Status,
    /// Age of the newest; missing where there is none yet, and on PostgreSQL, whose own tools make them.
    age_seconds: Option<i64>,
    /// Whether the last one since the start went well.
    last_succeeded: Option<bool>,
}

/// One word on the state of the service.
#[derive(Object)]
#[oai(rename = "ServiceState")]
struct State {
    /// `alive` or `ready`.
    #[oai(validator(max_length = 20))]
    status: String,
}

/// A build.
#[derive(Object)]
#[oai(rename = "ServiceVersion", skip_serializing_if_is_none)]
struct Version {
    #[oai(validator(max_length = 20))]
    name: String,
    #[oai(validator(max_length = 40))]
    version: String,
    #[oai(validator(max_length = 64))]
    git_revision: String,
    build_time: Option<TimeValue>,
    /// The newest migration of the database; missing when it cannot be asked.
    schema_version: Option<i64>,
}

impl Report {
    fn of(health: &Health, environment: &str) -> Self {
        let latency_ms = (health.database.latency.as_secs_f64() * 1e6).round() / 1e3;
        Report {
            status: health.level.into(),
            timestamp: TimeValue(health.at),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            environment: environment.to_owned(),
            checks: Checks {
                database: DatabaseCheck {
                    status: health.database.level.into(),
                    r#type: health.database.kind.to_owned(),
                    latency_ms,
                },
                cache: CacheCheck { status: Status::Healthy, r#type: "in_process".to_owned() },
                migrations: MigrationsCheck {
                    status: health.migrations.level.into(),
                    version: health.migrations.applied,
                },
                disk: DiskCheck { status: health.disk.level.into(), free_bytes: health.disk.free_bytes },
                explanations: explanations(&health.explanations),
                backups: BackupsCheck {
                    status: health.backups.level.into(),
                    age_seconds: health.backups.newest_at.map(|at| health.at.duration_since(at).as_secs().max(0)),
                    last_succeeded: health.backups.last_succeeded,
                },
            },
        }
    }
}

fn explanations(health: &ExplanationsHealth) -> ExplanationsCheck {
    let (source, breaker) = match health.breaker {
        None => ("template", None),
        Some(BreakerState::Closed) => ("ai", Some("closed")),
        Some(BreakerState::HalfOpen) => ("ai", Some("half_open")),
        Some(BreakerState::Open) => ("template", Some("open")),
    };
    ExplanationsCheck { status: health.level.into(), source: source.to_owned(), breaker: breaker.map(str::to_owned) }
}

impl From<Level> for Status {
    fn from(level: Level) -> Self {
        match level {
            Level::Healthy => Status::Healthy,
            Level::Degraded => Status::Degraded,
            Level::Unhealthy => Status::Unhealthy,
        }
    }
}
