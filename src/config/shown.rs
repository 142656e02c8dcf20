//! The settings as `treebeard config show` prints them: what is in force, secrets masked.

use crate::config::{Config, DatabaseUrl, LogFormat, PasswordPolicy};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::path::Path;

impl Config {
    /// Every setting by key, in the order of `treebeard.toml`. No secret is in it.
    pub fn shown(&self) -> Vec<(&'static str, Value)> {
        let parts =
            [self.shown_of_server(), self.shown_of_data(), self.shown_of_accounts(), self.shown_of_operations()];
        parts.concat()
    }

    fn shown_of_server(&self) -> Vec<(&'static str, Value)> {
        let (server, tls) = (&self.server, &self.tls);
        vec![
            ("environment", json!(self.environment.as_str())),
            ("debug", json!(self.debug)),
            ("data_dir", json!(self.data_dir)),
            ("server.listen", json!(server.listen.to_string())),
            ("server.socket_mode", json!(format!("{:04o}", server.socket_mode))),
            ("server.public_url", json!(server.public_url.clone().unwrap_or_default())),
            ("server.worker_threads", json!(server.worker_threads.unwrap_or_default())),
            ("server.connections_max", json!(server.connections_max)),
            ("server.header_timeout_seconds", json!(server.header_timeout.as_secs())),
            ("server.body_timeout_seconds", json!(server.body_timeout.as_secs())),
            ("server.request_timeout_seconds", json!(server.request_timeout.as_secs())),
            ("server.idle_timeout_seconds", json!(server.idle_timeout.as_secs())),
            ("server.drain_delay_seconds", json!(server.drain_delay.as_secs())),
            ("server.drain_seconds", json!(server.drain.as_secs())),
            ("server.json_kilobytes_max", json!(server.json_bytes_max / 1_024)),
            ("server.upload_megabytes_max", json!(server.upload_bytes_max / 1_048_576)),
            ("server.cors_origins", json!(server.cors_origins)),
            ("server.trusted_proxies", json!(texts(&server.trusted_proxies))),
            ("tls.certificate", json!(tls.files.as_ref().map_or(Path::new(""), |files| &files.certificate))),
            ("tls.key", json!(tls.files.as_ref().map_or(Path::new(""), |files| &files.key))),
            ("tls.redirect_listen", json!(tls.redirect_listen.map_or(String::new(), |address| address.to_string()))),
            ("tls.hsts_seconds", json!(tls.hsts.as_secs())),
        ]
    }

    fn shown_of_data(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("database.url", json!(self.database.url.masked())),
            ("database.pool_size", json!(self.database.pool_size)),
            ("database.pool_timeout_seconds", json!(self.database.pool_timeout.as_secs())),
            ("database.statement_timeout_seconds", json!(self.database.statement_timeout.as_secs())),
            ("database.connect_timeout_seconds", json!(self.database.connect_timeout.as_secs())),
            ("database.checkpoint", json!(self.database.checkpoint.as_str())),
            ("database.maintenance_time", json!(self.database.maintenance_time.strftime("%H:%M").to_string())),
            ("backup.enabled", json!(self.backup.enabled)),
            ("backup.time", json!(self.backup.time.strftime("%H:%M").to_string())),
            ("backup.dir", json!(folder(self.backup.dir.as_deref()))),
            ("backup.second_dir", json!(folder(self.backup.second_dir.as_deref()))),
            ("backup.keep_daily", json!(self.backup.keep.daily)),
            ("backup.keep_weekly", json!(self.backup.keep.weekly)),
            ("backup.keep_monthly", json!(self.backup.keep.monthly)),
            ("backup.archive", json!(self.backup.archive)),
            ("backup.archive_dir", json!(folder(self.backup.archive_dir.as_deref()))),
            ("backup.archive_days", json!(self.backup.archive_days)),
            ("backup.recipients", json!(texts(&self.backup.recipients))),
        ]
    }

    fn shown_of_accounts(&self) -> Vec<(&'static str, Value)> {
        let (auth, limits) = (&self.auth, &self.limits);
        let mut all = vec![
            ("auth.secret_key", masked(auth.secret_key.as_ref())),
            ("auth.secret_key_previous", masked(auth.secret_key_previous.as_ref())),
            ("auth.jwt_expiration_minutes", json!(auth.jwt_lifetime.as_secs() / 60)),
            ("auth.refresh_days", json!(auth.refresh_lifetime.as_secs() / 86_400)),
            ("auth.session_days_max", json!(auth.session_age_max.as_secs() / 86_400)),
            ("auth.refresh_reuse_seconds", json!(auth.refresh_reuse.as_secs())),
            ("auth.password_policy", json!(policy(auth.password_policy))),
            ("auth.argon2_memory_kib", json!(auth.argon2_memory_kib)),
            ("auth.argon2_passes", json!(auth.argon2_passes)),
            ("auth.argon2_lanes", json!(auth.argon2_lanes)),
            ("limits.per_user_per_minute", json!(limits.per_user_per_minute)),
            ("limits.per_ip_per_hour", json!(limits.per_ip_per_hour)),
            ("limits.generate_per_minute", json!(limits.generate_per_minute)),
            ("limits.anonymous_generate_per_hour", json!(limits.anonymous_generate_per_hour)),
            ("limits.feedback_per_day", json!(limits.feedback_per_day)),
            ("limits.anonymous_feedback_per_day", json!(limits.anonymous_feedback_per_day)),
            ("limits.login_per_ip_per_minute", json!(limits.login_per_ip_per_minute)),
            ("limits.login_per_account_per_minute", json!(limits.login_per_account_per_minute)),
            ("limits.register_per_ip_per_hour", json!(limits.register_per_ip_per_hour)),
            ("limits.register_per_account_per_hour", json!(limits.register_per_account_per_hour)),
            ("limits.exempt_networks", json!(texts(&limits.exempt_networks))),
            ("limits.user_overrides", json!(texts(&limits.user_overrides))),
            ("limits.nodes", json!(limits.nodes)),
            ("features.admin", json!(self.features.admin)),
            ("features.ai", json!(self.features.ai)),
            ("features.registration", json!(self.features.registration)),
            ("features.anonymous", json!(self.features.anonymous)),
            ("features.feedback", json!(self.features.feedback)),
            ("features.docs", json!(self.features.docs)),
            ("notifier.smtp_url", masked(self.notifier.smtp_url.as_ref())),
            ("notifier.sender", json!(self.notifier.sender)),
            ("notifier.webhook_url", json!(self.notifier.webhook_url.clone().unwrap_or_default())),
            ("notifier.webhook_key", masked(self.notifier.webhook_key.as_ref())),
            ("privacy.operator", json!(self.privacy.operator)),
            ("privacy.contact", json!(self.privacy.contact)),
            ("privacy.documents_dir", json!(folder(self.privacy.documents_dir.as_deref()))),
        ];
        all.extend(self.retention.shown().map(|(key, number)| (key, json!(number))));
        all
    }

    /// The sections about what the service calls and tells.
    fn shown_of_operations(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("explanations.api_key", masked(self.explanations.api_key.as_ref())),
            ("explanations.model", json!(self.explanations.model)),
            ("explanations.base_url", json!(self.explanations.base_url)),
            ("explanations.deadline_milliseconds", json!(self.explanations.deadline.as_millis() as u64)),
            ("explanations.concurrency", json!(self.explanations.concurrency)),
            ("explanations.calls_per_day", json!(self.explanations.calls_per_day)),
            ("logging.level", json!(self.logging.level)),
            ("logging.format", json!(format(self.logging.format))),
            ("logging.slow_request_milliseconds", json!(self.logging.slow_request.as_millis() as u64)),
            ("logging.slow_query_milliseconds", json!(self.logging.slow_query.as_millis() as u64)),
            ("traces.endpoint", json!(self.traces.endpoint.as_deref().unwrap_or_default())),
            ("traces.sample_percent", json!(self.traces.sample_percent)),
            ("metrics.token", masked(self.metrics.token.as_ref())),
            ("metrics.listen", json!(self.metrics.listen.map_or(String::new(), |address| address.to_string()))),
            ("alerts.every_seconds", json!(self.alerts.every.as_secs())),
            ("alerts.webhook_url", masked(self.alerts.webhook_url.as_ref())),
            ("alerts.webhook_key", masked(self.alerts.webhook_key.as_ref())),
        ]
    }
}

impl DatabaseUrl {
    /// The URL with `***` for a password, also one given as a parameter.
    pub fn masked(&self) -> String {
        match self {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => masked_url(url.expose_secret()),
        }
    }
}

fn masked_url(url: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
    // A password may hold an @ that nobody escaped: the last one ends it.
    let address = match rest.rsplit_once('@') {
        Some((user, host)) => match user.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
            None => format!("{scheme}://{user}@{host}"),
        },
        None => address.to_owned(),
    };
    if parameters.is_empty() {
        return address;
    }
    let parameters: Vec<&str> = parameters
        .split('&')
        .map(|pair| if pair.to_lowercase().starts_with("password=") { "password=***" } else { pair })
        .collect();
    format!("{address}?{}", parameters.join("&"))
}

/// Empty where there is none.
fn folder(path: Option<&Path>) -> &Path {
    path.unwrap_or(Path::new(""))
}

fn texts(items: &[impl ToString]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

fn masked(secret: Option<&SecretString>) -> Value {
    json!(if secret.is_some() { "***" } else { "" })
}

const fn policy(policy: PasswordPolicy) -> &'static str {
    match policy {
        PasswordPolicy::Strict => "strict",
        PasswordPolicy::Nist => "nist",
        PasswordPolicy::Relaxed => "relaxed",
    }
}

const fn format(format: LogFormat) -> &'static str {
    match format {
        LogFormat::Auto => "auto",
        LogFormat::Text => "text",
        LogFormat::Json => "json",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://tree:ent@db/treebeard", "postgres://tree:***@db/treebeard"),
            ("postgres://tree:e@nt@db/treebeard", "postgres://tree:***@db/treebeard"),
            ("postgres://tree@db/treebeard", "postgres://tree@db/treebeard"),
            (
                "postgres://db/x?user=a&password=ent&sslmode=require",
                "postgres://db/x?user=a&password=***&sslmode=require",
            ),
        ] {
            assert_eq!(masked_url(url), shown);
        }
    }
}
