//! The one table of settings: key, environment name, default and comment. Everything about a setting starts here.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `section.key`, or a bare key at the top of the file.
    pub key: &'static str,
    /// The environment name other deployments already use; it works beside the `TREEBEARD_` name.
    pub classic: Option<&'static str>,
    /// As TOML.
    pub default: &'static str,
    /// Never printed; may also come from a file named by `<NAME>_FILE`.
    pub secret: bool,
    /// SIGHUP puts a new value in force; the others want a restart.
    pub reloadable: bool,
    pub comment: &'static str,
}

impl Setting {
    /// `TREEBEARD_SERVER__LISTEN` for `server.listen`.
    pub fn variable(&self) -> String {
        format!("TREEBEARD_{}", self.key.replace('.', "__").to_uppercase())
    }
    /// Empty for the settings above the first section.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }
    pub fn name(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, name)| name)
    }
}

pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

const fn plain(key: &'static str, default: &'static str, comment: &'static str) -> Setting {
    Setting { key, classic: None, default, secret: false, reloadable: false, comment }
}

const fn classic(key: &'static str, name: &'static str, default: &'static str, comment: &'static str) -> Setting {
    Setting { key, classic: Some(name), default, secret: false, reloadable: false, comment }
}

const fn secret(key: &'static str, name: Option<&'static str>, comment: &'static str) -> Setting {
    Setting { key, classic: name, default: "\"\"", secret: true, reloadable: false, comment }
}

impl Setting {
    const fn reloadable(self) -> Setting {
        Setting { reloadable: true, ..self }
    }
}

/// All settings, in the order of `treebeard.toml`.
pub const SETTINGS: &[Setting] = &[
    classic(
        "environment",
        "ENVIRONMENT",
        "\"development\"",
        "development, staging, production or test. Production refuses weak secrets, debug and open origins.",
    ),
    classic("debug", "DEBUG", "false", "Log more. Refused in production.").reloadable(),
    plain("data_dir", "\"data\"", "Where the database, its backups and the generated signing key are kept."),
    plain(
        "server.listen",
        "\"127.0.0.1:8000\"",
        "Address and port to listen on (port 0 takes a free one), or a Unix socket: unix:/run/treebeard/http.sock.",
    ),
    plain(
        "server.socket_mode",
        "\"0660\"",
        "Who may connect to a Unix socket; the peer's X-Forwarded-For is believed.",
    ),
    plain(
        "server.public_url",
        "\"\"",
        "Where users reach the service, such as https://trees.example.org: links begin with it. Empty: server.listen.",
    ),
    classic("server.worker_threads", "WORKER_THREADS", "0", "Threads that serve requests. 0: one for each processor."),
    plain("server.connections_max", "1024", "Connections served at once; more wait to be accepted."),
    plain(
        "server.header_timeout_seconds",
        "10",
        "How long a client may take to send its request headers; over it 408.",
    ),
    plain(
        "server.body_timeout_seconds",
        "10",
        "How long a client may pause while it sends a body (over it 408) or takes an answer.",
    )
    .reloadable(),
    plain(
        "server.request_timeout_seconds",
        "30",
        "How long one request may take before it is answered with 503, or 408 while its body is still coming.",
    )
    .reloadable(),
    plain("server.idle_timeout_seconds", "75", "How long a connection without requests is kept open."),
    plain("server.drain_delay_seconds", "0", "How long connections are still taken after SIGTERM, while not ready."),
    plain("server.drain_seconds", "20", "How long requests under way may take after that."),
    plain("server.json_kilobytes_max", "1024", "Largest JSON body, in KiB; over it 413.").reloadable(),
    classic("server.upload_megabytes_max", "MAX_UPLOAD_SIZE_MB", "32", "Largest uploaded file, in MiB; over it 413.")
        .reloadable(),
    classic(
        "server.cors_origins",
        "CORS_ORIGINS",
        "[]",
        "Web origins that may call the API from a browser, such as [\"https://app.example.org\"].",
    )
    .reloadable(),
    plain("server.trusted_proxies", "[]", "Addresses or networks (10.0.0.0/8) whose X-Forwarded-For is believed.")
        .reloadable(),
    plain(
        "tls.certificate",
        "\"\"",
        "PEM file of the certificate and its chain; read again when it changes. Empty: plain HTTP.",
    )
    .reloadable(),
    plain("tls.key", "\"\"", "PEM file of the certificate's private key.").reloadable(),
    plain("tls.redirect_listen", "\"\"", "Address where plain HTTP is answered with 308 to https. Empty: none."),
    plain(
        "tls.hsts_seconds",
        "31536000",
        "How long browsers shall use https only (Strict-Transport-Security). 0: not said.",
    )
    .reloadable(),
    secret(
        "database.url",
        Some("DATABASE_URL"),
        "sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full. Empty: sqlite:treebeard.db in data_dir.",
    ),
    classic(
        "database.pool_size",
        "DATABASE_POOL_SIZE",
        "8",
        "Database connections: on SQLite for reading, on PostgreSQL for all.",
    ),
    plain("database.pool_timeout_seconds", "10", "A request that waits longer for a connection is answered with 503."),
    plain(
        "database.statement_timeout_seconds",
        "30",
        "A statement that takes longer is cancelled and answered with 503 (PostgreSQL).",
    ),
    plain("database.connect_timeout_seconds", "5", "How long connecting to PostgreSQL may take."),
    plain(
        "database.checkpoint",
        "\"own\"",
        "Who folds SQLite's write-ahead log into the file: own, or external for Litestream (no archive then).",
    ),
    plain("database.maintenance_time", "\"03:30\"", "Time of day (UTC) at which the service looks after the database."),
    plain("backup.enabled", "true", "Whether the service makes a backup a day, and one at once where there is none."),
    plain("backup.time", "\"03:00\"", "Time of day of the backup, UTC."),
    plain("backup.dir", "\"\"", "Folder of the backups. Empty: backups in data_dir."),
    plain("backup.second_dir", "\"\"", "Folder on another disk that gets a copy of each backup. Empty: none."),
    plain("backup.keep_daily", "7", "The newest backup of each of so many days is kept."),
    plain("backup.keep_weekly", "4", "The newest backup of each of so many weeks is kept."),
    plain("backup.keep_monthly", "6", "The newest backup of each of so many months is kept."),
    plain(
        "backup.archive",
        "true",
        "Whether every commit is archived (SQLite), so that any moment can be restored; with backup.enabled.",
    ),
    plain("backup.archive_dir", "\"\"", "Folder of the archive, better on another disk. Empty: archive in data_dir."),
    plain("backup.archive_days", "7", "Moments of so many days can be restored; what is older is removed."),
    plain(
        "backup.recipients",
        "[]",
        "Public keys of age (\"age1...\") that backups and archive are encrypted for. Empty: they are not.",
    ),
    secret(
        "auth.secret_key",
        Some("SECRET_KEY"),
        "Signs access tokens; 32 random bytes or more. Empty outside production: made once and kept in data_dir.",
    ),
    secret(
        "auth.secret_key_previous",
        None,
        "The signing key before this one; its tokens stay valid until they expire.",
    ),
    classic("auth.jwt_expiration_minutes", "JWT_EXPIRATION_MINUTES", "1440", "Lifetime of an access token."),
    plain("auth.refresh_days", "7", "Lifetime of a refresh token."),
    plain("auth.session_days_max", "90", "A session ends after this many days, however often it is renewed."),
    plain(
        "auth.refresh_reuse_seconds",
        "30",
        "How long a spent refresh token still answers its successor; later it ends the session. 0: never.",
    ),
    plain(
        "auth.password_policy",
        "\"\"",
        "strict (8 characters, not common), nist (15, not common) or relaxed (6). Empty: strict in production, else relaxed.",
    ),
    plain("auth.argon2_memory_kib", "19456", "Memory one password hash takes, in KiB."),
    plain("auth.argon2_passes", "2", "Passes over that memory."),
    plain("auth.argon2_lanes", "1", "Lanes of one password hash."),
    classic("limits.per_user_per_minute", "RATE_LIMIT_PER_USER", "100", "Requests of one account a minute.")
        .reloadable(),
    classic(
        "limits.per_ip_per_hour",
        "RATE_LIMIT_PER_IP",
        "1000",
        "Requests of one address an hour; of one /64 network with IPv6.",
    )
    .reloadable(),
    classic(
        "limits.generate_per_minute",
        "RECOMMENDATION_RATE_LIMIT_PER_MINUTE",
        "10",
        "Recommendations one account may ask for a minute.",
    )
    .reloadable(),
    plain(
        "limits.anonymous_generate_per_hour",
        "10",
        "Recommendations without an account that one address may ask for an hour.",
    )
    .reloadable(),
    plain("limits.feedback_per_day", "10", "Feedback one account may give in 24 hours.").reloadable(),
    plain("limits.anonymous_feedback_per_day", "10", "Feedback one address may give without an account in 24 hours.")
        .reloadable(),
    plain("limits.login_per_ip_per_minute", "30", "Sign-ins one address may try a minute.").reloadable(),
    plain("limits.login_per_account_per_minute", "10", "Sign-ins that may be tried to one account a minute.")
        .reloadable(),
    plain("limits.register_per_ip_per_hour", "60", "Accounts one address may open an hour.").reloadable(),
    plain("limits.register_per_account_per_hour", "10", "Registrations with one e-mail address an hour.").reloadable(),
    plain("limits.exempt_networks", "[]", "Addresses or networks (10.0.0.0/8) that are never limited.").reloadable(),
    plain("limits.user_overrides", "[]", "Requests a minute of single accounts: [\"USER-ID=600\"].").reloadable(),
    plain("limits.nodes", "1", "Nodes that share the work: each gives this part of what is counted in its memory.")
        .reloadable(),
    classic("features.admin", "ADMIN_API_ENABLED", "true", "The /api/v1/admin routes; off, they answer 404."),
    plain("features.ai", "true", "Explanations worded by Claude, where a key is set; off, they come from templates."),
    plain(
        "features.registration",
        "true",
        "Whether anybody may open an account; off, POST /auth/register answers 404.",
    ),
    plain("features.anonymous", "false", "Recommendations without an account: nothing personal is kept."),
    plain("features.feedback", "true", "Feedback on plans and recommendations; off, its routes answer 404."),
    plain("features.docs", "true", "The /docs, /redoc, /guide and /openapi.json pages."),
    secret(
        "notifier.smtp_url",
        None,
        "Mail for forgotten passwords: smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST:587?tls=required.",
    ),
    plain("notifier.sender", "\"\"", "Whom that mail is from: \"TreeBeard <noreply@example.org>\"."),
    plain("notifier.webhook_url", "\"\"", "Instead of mail: where messages are posted as signed JSON."),
    secret("notifier.webhook_key", None, "Signs them (HMAC-SHA-256, the webhook-signature header)."),
    plain("privacy.operator", "\"the operator of this service\"", "Who runs the service, as /legal/terms says it."),
    plain("privacy.contact", "\"its administrator\"", "Where to write about one's data, as /legal/privacy says it."),
    plain(
        "privacy.documents_dir",
        "\"\"",
        "Folder of your own terms.html, privacy.html, marketing.html or disclaimer.html. Empty: those of the program.",
    ),
    plain("retention.every_hours", "24", "How often data that was kept long enough is removed. 0: only by command."),
    plain(
        "retention.inactive_account_days",
        "0",
        "Accounts whose user was not there for so many days are erased; not those of staff. 0: never.",
    ),
    plain("retention.session_days", "30", "Sessions, so many days after they ended. 0: kept as long as the account."),
    plain("retention.usage_days", "0", "Usage of days and months so long ago. 0: kept as long as the account."),
    plain(
        "retention.recommendation_days",
        "730",
        "Recommendations, so many days after they expired. 0: kept as long as the account.",
    ),
    plain(
        "retention.anonymous_recommendation_days",
        "30",
        "The same of those made without an account. 0: until who made them deletes them.",
    ),
    plain("retention.feedback_text_days", "730", "Texts of feedback so old; ratings stay. 0: as long as the account."),
    plain("retention.audit_detail_days", "365", "Personal details of the audit log so old. 0: as long as the account."),
    plain("retention.audit_days", "2555", "Rows of the audit log so old; the chain goes on behind them. 0: never."),
    secret(
        "explanations.api_key",
        Some("CLAUDE_API_KEY"),
        "Key of the Claude API. Empty: explanations are written from templates.",
    ),
    plain("explanations.model", "\"claude-haiku-4-5\"", "Model that words the explanations."),
    plain("explanations.base_url", "\"https://api.anthropic.com\"", "Where the Claude API answers."),
    plain(
        "explanations.deadline_milliseconds",
        "1500",
        "How long an answer waits for worded explanations before the templates are used.",
    ),
    plain("explanations.concurrency", "8", "Calls of the Claude API under way at once."),
    plain("explanations.calls_per_day", "5000", "Calls of the Claude API a day (UTC); past it the templates are used."),
    classic(
        "logging.level",
        "LOG_LEVEL",
        "\"info\"",
        "error, warn, info, debug or trace, also by part: \"info,treebeard::store=debug\".",
    )
    .reloadable(),
    plain("logging.format", "\"auto\"", "text, json, or auto: text on a terminal, JSON otherwise."),
    plain("logging.slow_request_milliseconds", "1000", "A request that takes longer is logged as a warning.")
        .reloadable(),
    plain(
        "logging.slow_query_milliseconds",
        "250",
        "A database statement that takes longer is logged as a warning, without its values.",
    ),
    classic(
        "traces.endpoint",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "\"\"",
        "Collector of traces, such as \"http://127.0.0.1:4318\" (OTLP, JSON over HTTP). Empty: no traces.",
    ),
    plain("traces.sample_percent", "100", "Share of the traces we begin that are sent; callers decide on theirs."),
    secret("metrics.token", None, "Bearer token that GET /metrics asks for. Empty: anybody may read the metrics.")
        .reloadable(),
    plain(
        "metrics.listen",
        "\"\"",
        "Address that serves /metrics and /health and nothing else, such as \"127.0.0.1:9000\"; /metrics is then nowhere else. Empty: with the API.",
    ),
    plain("alerts.every_seconds", "30", "How often the service looks whether something is worth an alert."),
    secret("alerts.webhook_url", None, "Where alerts are posted as JSON. Empty: they are logged and on /status only."),
    secret("alerts.webhook_key", None, "Signs them (HMAC-SHA-256, the webhook-signature header). Empty: not signed."),
];

/// The text of `treebeard.toml`: every setting with its default and one comment.
pub fn example_file() -> String {
    let mut text = String::from(
        "# Every setting of TreeBeard with its default. Delete what you do not change; an unknown key is refused.\n\
         # Later wins: these defaults, this file, the environment, flags (--set section.key=value).\n\
         # Environment: TREEBEARD_<SECTION>__<KEY>, or the older name in brackets; secrets also as <NAME>_FILE.\n\
         # (reload): SIGHUP puts a new value in force without a restart.\n",
    );
    let mut section = "";
    for setting in SETTINGS {
        if setting.section() != section {
            section = setting.section();
            text += &["\n[", section, "]\n"].concat();
        } else if section.is_empty() {
            text.push('\n');
        }
        let classic = setting.classic.map_or(String::new(), |name| format!(" [{name}]"));
        let reload = if setting.reloadable { " (reload)" } else { "" };
        text += &["# ", setting.comment, &classic, reload, "\n", setting.name(), " = ", setting.default, "\n"].concat();
    }
    text
}
