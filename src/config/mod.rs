//! The settings: defaults, then `treebeard.toml`, the environment and flags, checked as a whole before anything starts.

mod alerts;
mod backup;
mod database;
mod install_key;
mod layers;
mod listen;
mod network;
mod notifier;
mod privacy;
mod read;
pub mod reference;
mod reload;
mod retention;
mod rules;
pub mod settings;
mod shown;
mod telling;
mod user_limit;

pub use alerts::Alerts;
pub use backup::{Backups, Keep};
pub use database::{Checkpoint, Database, DatabaseUrl};
use install_key::install_key;
pub use layers::{Origin, Sources, nearest};
pub use listen::{Listen, Tls, TlsFiles};
pub use network::Network;
pub use notifier::Notifier;
pub use privacy::Privacy;
use read::Reader;
pub use reload::Changes;
pub use retention::Retention;
pub use rules::{key_weakness, origin_is_open};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
pub use user_limit::UserLimit;

#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    pub debug: bool,
    pub data_dir: PathBuf,
    pub server: Server,
    pub tls: Tls,
    pub database: Database,
    pub backup: Backups,
    pub auth: Auth,
    pub limits: Limits,
    pub features: Features,
    pub notifier: Notifier,
    pub privacy: Privacy,
    pub retention: Retention,
    pub explanations: Explanations,
    pub logging: Logging,
    pub traces: Traces,
    pub metrics: Metrics,
    pub alerts: Alerts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Development,
    Staging,
    Production,
    Test,
}

impl Environment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Staging => "staging",
            Environment::Production => "production",
            Environment::Test => "test",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Server {
    pub listen: Listen,
    /// Permissions of a Unix socket.
    pub socket_mode: u32,
    /// Without a slash at its end; see [`Config::public_url`].
    pub public_url: Option<String>,
    /// `None`: one for each processor.
    pub worker_threads: Option<usize>,
    pub connections_max: usize,
    pub header_timeout: Duration,
    /// The longest pause in a request body or in taking an answer.
    pub body_timeout: Duration,
    pub request_timeout: Duration,
    pub idle_timeout: Duration,
    /// From SIGTERM until no more connections are taken.
    pub drain_delay: Duration,
    /// From then until requests under way are cut off.
    pub drain: Duration,
    pub json_bytes_max: usize,
    pub upload_bytes_max: usize,
    pub cors_origins: Vec<String>,
    pub trusted_proxies: Vec<Network>,
}

#[derive(Debug, Clone)]
pub struct Auth {
    /// `None`: see [`Config::signing_key`].
    pub secret_key: Option<SecretString>,
    pub secret_key_previous: Option<SecretString>,
    pub jwt_lifetime: Duration,
    pub refresh_lifetime: Duration,
    /// However often it is renewed, a session ends after this.
    pub session_age_max: Duration,
    /// A spent refresh token may be presented again for this long.
    pub refresh_reuse: Duration,
    pub password_policy: PasswordPolicy,
    pub argon2_memory_kib: u32,
    pub argon2_passes: u32,
    pub argon2_lanes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordPolicy {
    /// 8 characters, not on the list of common passwords.
    Strict,
    /// 15 characters, not on the list of common passwords.
    Nist,
    /// 6 characters.
    Relaxed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub per_user_per_minute: u32,
    pub per_ip_per_hour: u32,
    pub generate_per_minute: u32,
    pub anonymous_generate_per_hour: u32,
    pub feedback_per_day: u32,
    pub anonymous_feedback_per_day: u32,
    pub login_per_ip_per_minute: u32,
    pub login_per_account_per_minute: u32,
    pub register_per_ip_per_hour: u32,
    pub register_per_account_per_hour: u32,
    /// Never limited.
    pub exempt_networks: Vec<Network>,
    pub user_overrides: Vec<UserLimit>,
    /// That share the work: each gives its part of what is counted in memory.
    pub nodes: u32,
}

impl Limits {
    /// This node's part of what all of them may give; at least one.
    pub const fn share(&self, all: u32) -> u32 {
        all.div_ceil(self.nodes)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    pub admin: bool,
    pub ai: bool,
    pub registration: bool,
    pub anonymous: bool,
    pub feedback: bool,
    pub docs: bool,
}

#[derive(Debug, Clone)]
pub struct Explanations {
    /// `None`: templates only.
    pub api_key: Option<SecretString>,
    pub model: String,
    pub base_url: String,
    pub deadline: Duration,
    /// Calls at once.
    pub concurrency: usize,
    pub calls_per_day: u32,
}

#[derive(Debug, Clone)]
pub struct Logging {
    /// A filter as tracing-subscriber reads it.
    pub level: String,
    pub format: LogFormat,
    /// Requests that take longer are logged as warnings.
    pub slow_request: Duration,
    /// A database statement that takes longer is logged.
    pub slow_query: Duration,
}

#[derive(Debug, Clone)]
pub struct Traces {
    /// `None`: no traces are made.
    pub endpoint: Option<String>,
    /// Of the traces that begin here.
    pub sample_percent: u32,
}

#[derive(Debug, Clone)]
pub struct Metrics {
    /// `None`: anybody who reaches the service may read them.
    pub token: Option<SecretString>,
    /// Where they are served, and nowhere else then. `None`: with the API.
    pub listen: Option<SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    Text,
    Json,
}

/// A checked configuration, where each value came from, and what is worth telling the operator.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    pub origins: BTreeMap<&'static str, Origin>,
    pub notices: Vec<String>,
}

/// Everything that is wrong with the settings, in one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration has {}:\n  - {}", counted(.problems.len()), .problems.join("\n  - "))]
pub struct ConfigError {
    pub problems: Vec<String>,
}

fn counted(problems: usize) -> String {
    if problems == 1 { "a problem".to_owned() } else { format!("{problems} problems") }
}

impl Config {
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
        let merged = layers::merge(sources);
        let origins = merged.values.iter().map(|(key, raw)| (*key, raw.origin.clone())).collect();
        let mut reader = Reader::new(merged);
        let config = build(&mut reader);
        check(&config, &mut reader);
        let (problems, notices) = reader.finish();
        if problems.is_empty() { Ok(Loaded { config, origins, notices }) } else { Err(ConfigError { problems }) }
    }

    /// What links to this service begin with.
    pub fn public_url(&self) -> String {
        let scheme = if self.tls.files.is_some() { "https" } else { "http" };
        self.server.public_url.clone().unwrap_or_else(|| match &self.server.listen {
            Listen::Tcp(address) => format!("{scheme}://{address}"),
            // Nobody reaches it but through a proxy, whose name we do not know.
            Listen::Unix(_) => "http://localhost".to_owned(),
        })
    }

    /// The key that signs access tokens: the configured one, else the installation's own, made on first use.
    pub fn signing_key(&self) -> std::io::Result<SecretString> {
        match &self.auth.secret_key {
            Some(key) => Ok(key.clone()),
            None => install_key(&self.data_dir),
        }
    }
}

fn build(reader: &mut Reader) -> Config {
    let environment = reader.choice(
        "environment",
        &[
            ("development", Environment::Development),
            ("staging", Environment::Staging),
            ("production", Environment::Production),
            ("test", Environment::Test),
        ],
    );
    let data_dir = PathBuf::from(reader.text("data_dir"));
    if data_dir.as_os_str().is_empty() {
        reader.problem("data_dir", "must name a folder");
    }
    let server = server(reader);
    let explanations = explanations(reader);
    if explanations.api_key.is_some() && explanations.deadline >= server.request_timeout {
        reader.problem("explanations.deadline_milliseconds", "must be shorter than server.request_timeout_seconds");
    }
    Config {
        environment,
        debug: reader.flag("debug"),
        server,
        tls: listen::tls(reader),
        database: database::read(reader, &data_dir),
        backup: backup::read(reader),
        auth: auth(reader, environment),
        limits: limits(reader),
        features: Features {
            admin: reader.flag("features.admin"),
            ai: reader.flag("features.ai"),
            registration: reader.flag("features.registration"),
            anonymous: reader.flag("features.anonymous"),
            feedback: reader.flag("features.feedback"),
            docs: reader.flag("features.docs"),
        },
        notifier: notifier::read(reader),
        privacy: privacy::read(reader),
        retention: retention::read(reader),
        explanations,
        logging: telling::logging(reader),
        traces: telling::traces(reader),
        metrics: telling::metrics(reader),
        alerts: alerts::read(reader),
        data_dir,
    }
}

fn server(reader: &mut Reader) -> Server {
    let public_url = reader.text("server.public_url").trim_end_matches('/').to_owned();
    let public_url = (!public_url.is_empty()).then_some(public_url);
    if public_url.as_ref().is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
        reader.problem("server.public_url", "must begin with https:// or http://");
    }
    let cors_origins = reader.list("server.cors_origins");
    for fault in cors_origins.iter().filter_map(|origin| rules::origin_fault(origin)) {
        reader.problem("server.cors_origins", &format!("holds a wrong entry: {fault}"));
    }
    Server {
        listen: listen::listen(reader),
        socket_mode: listen::socket_mode(reader),
        public_url,
        worker_threads: Some(reader.number("server.worker_threads", 0..=1_024) as usize).filter(|number| *number > 0),
        connections_max: reader.number("server.connections_max", 1..=100_000) as usize,
        header_timeout: reader.seconds("server.header_timeout_seconds", 1..=300),
        body_timeout: reader.seconds("server.body_timeout_seconds", 1..=3_600),
        request_timeout: reader.seconds("server.request_timeout_seconds", 1..=3_600),
        idle_timeout: reader.seconds("server.idle_timeout_seconds", 1..=86_400),
        drain_delay: reader.seconds("server.drain_delay_seconds", 0..=600),
        drain: reader.seconds("server.drain_seconds", 0..=3_600),
        json_bytes_max: reader.number("server.json_kilobytes_max", 1..=65_536) as usize * 1_024,
        upload_bytes_max: reader.number("server.upload_megabytes_max", 1..=2_048) as usize * 1_048_576,
        cors_origins,
        trusted_proxies: reader.parsed_list("server.trusted_proxies"),
    }
}

fn limits(reader: &mut Reader) -> Limits {
    let mut minute = |key| reader.limit(key, "minute", 1..=1_000_000);
    let per_user_per_minute = minute("limits.per_user_per_minute");
    let generate_per_minute = minute("limits.generate_per_minute");
    let login_per_ip_per_minute = minute("limits.login_per_ip_per_minute");
    let login_per_account_per_minute = minute("limits.login_per_account_per_minute");
    let mut hour = |key| reader.limit(key, "hour", 1..=100_000_000);
    Limits {
        per_user_per_minute,
        per_ip_per_hour: hour("limits.per_ip_per_hour"),
        generate_per_minute,
        anonymous_generate_per_hour: hour("limits.anonymous_generate_per_hour"),
        login_per_ip_per_minute,
        login_per_account_per_minute,
        register_per_ip_per_hour: hour("limits.register_per_ip_per_hour"),
        register_per_account_per_hour: hour("limits.register_per_account_per_hour"),
        feedback_per_day: reader.limit("limits.feedback_per_day", "day", 1..=1_000),
        anonymous_feedback_per_day: reader.limit("limits.anonymous_feedback_per_day", "day", 1..=1_000_000),
        exempt_networks: reader.parsed_list("limits.exempt_networks"),
        user_overrides: reader.parsed_list("limits.user_overrides"),
        nodes: reader.number("limits.nodes", 1..=1_000),
    }
}

fn auth(reader: &mut Reader, environment: Environment) -> Auth {
    let minutes = reader.number("auth.jwt_expiration_minutes", 1..=525_600);
    let days = reader.number("auth.refresh_days", 1..=365);
    let default = match environment {
        Environment::Production => PasswordPolicy::Strict,
        Environment::Development | Environment::Staging | Environment::Test => PasswordPolicy::Relaxed,
    };
    Auth {
        secret_key: reader.secret("auth.secret_key"),
        secret_key_previous: reader.secret("auth.secret_key_previous"),
        jwt_lifetime: Duration::from_secs(u64::from(minutes) * 60),
        refresh_lifetime: Duration::from_secs(u64::from(days) * 86_400),
        session_age_max: Duration::from_secs(u64::from(reader.number("auth.session_days_max", 1..=3_650)) * 86_400),
        refresh_reuse: reader.seconds("auth.refresh_reuse_seconds", 0..=300),
        password_policy: reader.choice(
            "auth.password_policy",
            &[
                ("", default),
                ("strict", PasswordPolicy::Strict),
                ("nist", PasswordPolicy::Nist),
                ("relaxed", PasswordPolicy::Relaxed),
            ],
        ),
        // RFC 9106, 3.1: at least 8 KiB for each lane.
        argon2_memory_kib: reader.number("auth.argon2_memory_kib", 64..=4_194_304),
        argon2_passes: reader.number("auth.argon2_passes", 1..=64),
        argon2_lanes: reader.number("auth.argon2_lanes", 1..=8),
    }
}

fn explanations(reader: &mut Reader) -> Explanations {
    let base_url = reader.text("explanations.base_url").trim_end_matches('/').to_owned();
    if !base_url.starts_with("https://") && !base_url.starts_with("http://") {
        reader.problem("explanations.base_url", "must begin with https:// or http://");
    }
    let deadline = reader.number("explanations.deadline_milliseconds", 1..=60_000);
    Explanations {
        api_key: reader.secret("explanations.api_key"),
        model: reader.text("explanations.model"),
        base_url,
        deadline: Duration::from_millis(u64::from(deadline)),
        concurrency: reader.number("explanations.concurrency", 1..=64) as usize,
        calls_per_day: reader.number("explanations.calls_per_day", 1..=10_000_000),
    }
}

/// The rules that need more than one value.
fn check(config: &Config, reader: &mut Reader) {
    let key = config.auth.secret_key.as_ref().map(ExposeSecret::expose_secret);
    let weakness = key.and_then(rules::key_weakness);
    if config.environment != Environment::Production {
        if let Some(weakness) = weakness {
            reader.notice(format!("auth.secret_key {weakness}; production would refuse it"));
        }
        return;
    }
    match (key, weakness) {
        (None, _) => reader.problem("auth.secret_key", "must be given in production: openssl rand -hex 32 makes one"),
        (Some(_), Some(weakness)) => {
            reader.problem("auth.secret_key", &format!("{weakness}: openssl rand -hex 32 makes a good one"));
        }
        (Some(_), None) => {}
    }
    if config.debug {
        reader.problem("debug", "must be false in production");
    }
    for origin in config.server.cors_origins.iter().filter(|origin| rules::origin_is_open(origin)) {
        reader.problem("server.cors_origins", &format!("must not hold \"{origin}\" in production"));
    }
}
