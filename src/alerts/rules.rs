//! The rules: the same as in packaging/prometheus, all but that the service is down, which it cannot tell itself.

use crate::alerts::reading::Window;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Warning,
    Critical,
}

impl Severity {
    pub const fn as_str(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// When a value is worth an alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    Above(f64),
    Below(f64),
}

impl Limit {
    pub fn is_broken_by(self, value: f64) -> bool {
        match self {
            Limit::Above(most) => value > most,
            Limit::Below(least) => value < least,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 1, shown in percent.
    Share,
    Seconds,
    Days,
    PerSecond,
    Count,
    /// 1 or 0.
    YesOrNo,
}

impl Unit {
    pub fn shown(self, value: f64) -> String {
        match self {
            Unit::Share => format!("{:.1} %", value * 100.0),
            Unit::Seconds => format!("{value:.1} s"),
            Unit::Days => format!("{:.1} days", value / 86_400.0),
            Unit::PerSecond => format!("{value:.1} a second"),
            Unit::Count => format!("{value:.0}"),
            Unit::YesOrNo => if value > 0.0 { "yes" } else { "no" }.to_owned(),
        }
    }
}

pub struct Rule {
    pub name: &'static str,
    pub severity: Severity,
    /// What its value is.
    pub measures: &'static str,
    pub limit: Limit,
    pub unit: Unit,
    /// Minutes for which the limit must be broken; 0: at once.
    pub minutes: i64,
    /// What to do first.
    pub remedy: &'static str,
    /// `None` where there is nothing to judge.
    pub value: fn(&Window) -> Option<f64>,
}

impl Rule {
    /// `over 2.0 %`.
    pub fn limit_shown(&self) -> String {
        match (self.limit, self.unit) {
            (Limit::Above(_), Unit::YesOrNo) => "should be no".to_owned(),
            (Limit::Below(_), Unit::YesOrNo) => "should be yes".to_owned(),
            (Limit::Above(most), unit) => format!("over {}", unit.shown(most)),
            (Limit::Below(least), unit) => format!("under {}", unit.shown(least)),
        }
    }
}

use Limit::{Above, Below};
use Severity::{Critical, Warning};

/// Fewer calls or look-ups than these are too few to judge a share by.
const LOOKUPS_MIN: f64 = 1_000.0;
const CALLS_MIN: f64 = 5.0;

#[rustfmt::skip]
#[allow(clippy::too_many_arguments)] // One row of the table below.
const fn rule(
    name: &'static str, severity: Severity, measures: &'static str, limit: Limit, unit: Unit, minutes: i64,
    remedy: &'static str, value: fn(&Window) -> Option<f64>,
) -> Rule {
    Rule { name, severity, measures, limit, unit, minutes, remedy, value }
}

const ERRORS: &str = "/status shows the errors by fingerprint";
const TIMES: &str = "/status shows the times by route and the slow queries";
const RENEW: &str = "renew it; the new file is taken without a restart";
const MODEL: &str = "treebeard doctor --ai; until then explanations come from templates";

pub const RULES_COUNT: usize = 21;

/// In the order of packaging/prometheus/treebeard.rules.yml.
#[rustfmt::skip]
pub static RULES: [Rule; RULES_COUNT] = [
    rule("HighErrorRate", Warning, "requests that fail, of 5 minutes", Above(0.02), Unit::Share, 5, ERRORS, failing),
    rule("VeryHighErrorRate", Critical, "requests that fail, of 5 minutes", Above(0.05), Unit::Share, 2, ERRORS, failing),
    rule("SlowAnswers", Warning, "time of the slowest twentieth of the answers", Above(2.0), Unit::Seconds, 5, TIMES, p95),
    rule("VerySlowAnswers", Critical, "time of the slowest twentieth of the answers", Above(3.0), Unit::Seconds, 2, TIMES, p95),
    rule("StoreDown", Critical, "the database answers", Below(1.0), Unit::YesOrNo, 0,
        "its log says why; is PostgreSQL up, is the disk full", |window| window.now("store_up")),
    rule("PoolSaturated", Warning, "database connections at work", Above(0.9), Unit::Share, 5,
        "/status shows the slow queries; database.pool_size",
        |window| share(window.now("connections_busy")?, window.now("connections")?)),
    rule("WriterSaturated", Warning, "writes that wait for the database", Above(100.0), Unit::Count, 5,
        "is the disk slow; does an import run", |window| window.now("writes_waiting")),
    rule("ManyRefusals", Warning, "requests refused by limits", Above(1.0), Unit::PerSecond, 5,
        "an attack, or a limit too low: the log has the requests answered with 429", |window| window.rate("refusals", 5)),
    rule("LowHitRate", Warning, "answers the caches had, of 30 minutes", Below(0.6), Unit::Share, 15,
        "does the catalog change all the time; /status shows each cache", hit_rate),
    rule("DiskLow", Warning, "free part of the disk", Below(0.1), Unit::Share, 5,
        "treebeard backup prune, or a larger disk", disk_free),
    rule("DiskFull", Critical, "free part of the disk", Below(0.03), Unit::Share, 1,
        "writes fail soon: treebeard backup prune, or a larger disk", disk_free),
    rule("HighMemory", Warning, "memory held, of what it may have", Above(0.8), Unit::Share, 10,
        "server.connections_max, or more memory", |window| share(window.now("memory")?, window.now("memory_limit")?)),
    rule("HighCpu", Warning, "processors used, of 5 minutes", Above(0.7), Unit::Share, 10,
        "/status shows which routes are asked most", |window| share(window.rate("cpu_seconds", 5)?, window.now("cpus")?)),
    rule("BackupFailed", Critical, "the last backup went well, has its copy and is not old", Below(1.0), Unit::YesOrNo, 10,
        "treebeard backup create says why", |window| window.now("backup_ok")),
    rule("BackupOld", Critical, "age of the newest backup", Above(1.5 * DAY), Unit::Days, 10,
        "treebeard backup create; is backup.enabled on", |window| Some(seconds(window)? - window.now("backup_at")?)),
    rule("CertificateExpires", Warning, "time until the certificate expires", Below(14.0 * DAY), Unit::Days, 10, RENEW, certificate),
    rule("CertificateExpiresSoon", Critical, "time until the certificate expires", Below(3.0 * DAY), Unit::Days, 10, RENEW, certificate),
    rule("ModelFailing", Warning, "calls of the Claude API that fail, of 15 minutes", Above(0.5), Unit::Share, 5, MODEL, model),
    rule("ModelLeftAlone", Warning, "the Claude API is asked no more, as it kept failing", Above(0.0), Unit::YesOrNo, 5, MODEL,
        |window| window.now("breaker_open")),
    rule("AuditChainBroken", Critical, "the chain of the audit log holds", Below(1.0), Unit::YesOrNo, 0,
        "treebeard audit verify names the row; keep a copy of the database before anything else", |window| window.now("audit_ok")),
    rule("AuditLogShrank", Critical, "rows gone from the end of the audit log", Above(0.0), Unit::Count, 0,
        "was a backup restored? If not, keep a copy of the database before anything else", |window| window.shrank("audit_rows", 10)),
];

const DAY: f64 = 86_400.0;

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn failing(window: &Window) -> Option<f64> {
    share(window.increase("failures", 5).unwrap_or(0.0), window.increase("requests", 5)?)
}

fn p95(window: &Window) -> Option<f64> {
    window.quantile(0.95, 5)
}

fn hit_rate(window: &Window) -> Option<f64> {
    let (hits, misses) = (window.increase("cache_hits", 30)?, window.increase("cache_misses", 30)?);
    share(hits, hits + misses).filter(|_| hits + misses > LOOKUPS_MIN)
}

fn disk_free(window: &Window) -> Option<f64> {
    share(window.now("disk_free")?, window.now("disk_size")?)
}

fn certificate(window: &Window) -> Option<f64> {
    Some(window.now("certificate_expires")? - seconds(window)?)
}

fn model(window: &Window) -> Option<f64> {
    let calls = window.increase("model_calls", 15)?;
    share(window.increase("model_failures", 15).unwrap_or(0.0), calls).filter(|_| calls > CALLS_MIN)
}

/// Seconds since 1970.
fn seconds(window: &Window) -> Option<f64> {
    Some(window.newest()?.at.as_millisecond() as f64 / 1e3)
}
