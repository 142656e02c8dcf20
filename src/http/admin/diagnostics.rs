//! What went wrong lately, and which alerts fire.

use super::answer;
use crate::alerts::{Rule, Standing, Watch};
use crate::app::App;
use crate::app::figures::moment;
use crate::config::Features;
use crate::http::Tag;
use crate::http::caller::SignedIn;
use crate::http::problem::Result;
use crate::http::ready::Private;
use crate::ops::troubles::{self, ErrorSeen, SlowQuery};
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::OpenApi;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};

pub struct AdminDiagnostics;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminDiagnostics {
    /// Read what went wrong
    ///
    /// Errors by fingerprint and slow statements since the start, every alert with how it stands, and which features
    /// are on. Of this process alone.
    #[oai(path = "/diagnostics", method = "get", operation_id = "admin_get_diagnostics")]
    async fn read(
        &self,
        app: Data<&Arc<App>>,
        alerts: Data<&Arc<Mutex<Watch>>>,
        _caller: SignedIn,
    ) -> Result<Private<Diagnostics>> {
        let alerts = alerts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        answer(&Diagnostics {
            generated_at: moment(app.now()),
            alerts: alerts.standings().map(|(rule, standing)| AlertItem::of(rule, standing)).collect(),
            errors: troubles::errors().into_iter().map(rounded).collect(),
            slow_queries: troubles::slow_queries().into_iter().map(rounded_query).collect(),
            features: FeatureItem::all(app.config.features),
        })
    }
}

/// What wants attention.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Diagnostics {
    generated_at: Timestamp,
    alerts: Vec<AlertItem>,
    /// The most recent first.
    errors: Vec<ErrorSeen>,
    /// Those that took the most time in all first.
    slow_queries: Vec<SlowQuery>,
    features: Vec<FeatureItem>,
}

/// One rule, and how it stands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct AlertItem {
    alert: &'static str,
    /// `warning` or `critical`.
    severity: &'static str,
    /// `quiet`, `pending` (not for long enough yet) or `firing`.
    state: &'static str,
    /// What is measured.
    measures: &'static str,
    /// `null`: there is nothing to judge.
    value: Option<String>,
    limit: String,
    /// Since when the limit is broken.
    since: Option<Timestamp>,
    /// What to do first.
    remedy: &'static str,
}

/// A part that can be switched off.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct FeatureItem {
    feature: &'static str,
    on: bool,
}

impl AlertItem {
    fn of(rule: &Rule, standing: Standing) -> Self {
        AlertItem {
            alert: rule.name,
            severity: rule.severity.as_str(),
            state: standing.state.as_str(),
            measures: rule.measures,
            value: standing.value.map(|value| rule.unit.shown(value)),
            limit: rule.limit_shown(),
            since: standing.since.map(moment),
            remedy: rule.remedy,
        }
    }
}

impl FeatureItem {
    fn all(features: Features) -> Vec<FeatureItem> {
        let Features { admin, ai, registration, anonymous, feedback, docs } = features;
        let all = [
            ("admin", admin),
            ("ai", ai),
            ("registration", registration),
            ("anonymous", anonymous),
            ("feedback", feedback),
            ("docs", docs),
        ];
        all.map(|(feature, on)| FeatureItem { feature, on }).into()
    }
}

fn rounded(seen: ErrorSeen) -> ErrorSeen {
    ErrorSeen { first_at: moment(seen.first_at), last_at: moment(seen.last_at), ..seen }
}

fn rounded_query(query: SlowQuery) -> SlowQuery {
    SlowQuery { last_at: moment(query.last_at), ..query }
}
