//! The list an operator goes through after a deployment, against a running service: each line is tried over HTTP as a
//! user would, and passes or fails. What it makes it erases again.

mod account;
mod client;
mod public;

use client::Client;
use serde::Serialize;
use std::time::{Duration, Instant};

/// What to look at.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Scheme, host and port.
    pub url: String,
    /// Where the household of the trial lives.
    pub zip: String,
    /// A year of readings, as a meter file.
    pub meter_file: &'static [u8],
    /// What `GET /metrics` asks for, if it does.
    pub metrics_token: Option<String>,
    /// This address is never limited there, so answers carry no limits.
    pub exempt: bool,
    /// How long each answer of the API may take.
    pub within: Duration,
    /// Whether a certificate must be one that is trusted.
    pub check_certificate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    pub check: &'static str,
    pub outcome: Outcome,
    /// What was found, or what is wrong and what to do.
    pub says: String,
    pub took_ms: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    pub url: String,
    /// Of the service, where it tells.
    pub version: Option<String>,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub seconds: f64,
    pub lines: Vec<Line>,
}

/// Why a line did not pass.
enum Not {
    Failed(String),
    Skipped(String),
}

type Found = Result<String, Not>;

fn failed<T>(why: impl Into<String>) -> Result<T, Not> {
    Err(Not::Failed(why.into()))
}

fn skipped<T>(why: impl Into<String>) -> Result<T, Not> {
    Err(Not::Skipped(why.into()))
}

/// What the lines before have made and found out.
struct Visit<'a> {
    plan: &'a Plan,
    client: Client,
    version: Option<String>,
    account: Option<account::Account>,
    recommendation: Option<String>,
}

/// A check by name, and what makes it.
type Check = (&'static str, fn(&mut Visit<'_>) -> Found);

/// The list, in order.
const LIST: [Check; 23] = [
    ("alive", public::alive),
    ("ready", public::ready),
    ("health", public::health),
    ("version", public::version),
    ("API document", public::document),
    ("API pages", public::pages),
    ("security headers", public::security_headers),
    ("error shape", public::error_shape),
    ("token asked for", public::token_asked_for),
    ("plans on sale", public::plans_on_sale),
    ("open an account", account::open),
    ("limit headers", account::limit_headers),
    ("sign in", account::sign_in),
    ("renew the tokens", account::renew),
    ("own profile", account::profile),
    ("import a meter file", account::import),
    ("usage history", account::history),
    ("recommendation", account::recommend),
    ("read it again", account::read_again),
    ("staff only", account::staff_only),
    ("metrics", public::metrics),
    ("erase the account", account::erase),
    ("answer times", public::answer_times),
];

/// Goes through the list; `say` is told each line as it is done.
pub fn run(plan: &Plan, mut say: impl FnMut(&Line)) -> Report {
    let started = Instant::now();
    let client = Client::new(&plan.url, plan.check_certificate);
    let mut visit = Visit { plan, client, version: None, account: None, recommendation: None };
    let mut lines: Vec<Line> = Vec::with_capacity(LIST.len());
    for (check, look) in LIST {
        let began = Instant::now();
        // Where nobody is, waiting for each line tells nothing more.
        let found = if visit.client.found_nobody() && !lines.is_empty() {
            skipped("the service does not answer")
        } else {
            look(&mut visit)
        };
        let (outcome, says) = match found {
            Ok(says) => (Outcome::Passed, says),
            Err(Not::Failed(says)) => (Outcome::Failed, says),
            Err(Not::Skipped(says)) => (Outcome::Skipped, says),
        };
        let line = Line { check, outcome, says, took_ms: milliseconds(began.elapsed()) };
        say(&line);
        lines.push(line);
    }
    let count = |outcome| lines.iter().filter(|line| line.outcome == outcome).count();
    Report {
        url: plan.url.clone(),
        version: visit.version,
        passed: count(Outcome::Passed),
        failed: count(Outcome::Failed),
        skipped: count(Outcome::Skipped),
        seconds: (started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        lines,
    }
}

fn milliseconds(took: Duration) -> f64 {
    (took.as_secs_f64() * 1e4).round() / 10.0
}
