//! `treebeard smoke`: the list after a deployment, line by line, against a running service.

use crate::cli::{Failure, SettingFlags, demo, output};
use crate::smoke::{Line, Outcome, Plan, Report};
use clap::Args;
use secrecy::ExposeSecret;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard smoke --url http://127.0.0.1:8000\n  \
    treebeard smoke --url https://trees.example.org --json\n  \
    treebeard smoke --url https://127.0.0.1:8443 --insecure\n  \
    TREEBEARD_METRICS__TOKEN=... treebeard smoke --url https://trees.example.org --zip 78701")]
#[command(
    after_help = "It opens an account, imports a year of readings, asks for a recommendation and erases all of it \
    again. A line is passed, failed or skipped (then it says why). Exit code 4 when a line failed."
)]
pub struct Arguments {
    /// The service, as http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL", value_parser = url)]
    url: String,
    /// Where the household of the trial lives; the catalog must have plans there
    #[arg(long, value_name = "ZIP", default_value = "75001", value_parser = zip)]
    zip: String,
    /// The service never limits this address (limits.exempt_networks), so do not look for limits on its answers
    #[arg(long)]
    exempt: bool,
    /// How long each answer of the API may take
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    within: u32,
    /// Take any certificate, also one nobody trusts
    #[arg(long)]
    insecure: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    // The token is a secret and so no flag.
    let token = settings.load(&[])?.metrics.token;
    let plan = Plan {
        url: arguments.url.clone(),
        zip: arguments.zip.clone(),
        meter_file: demo::HOUSEHOLD,
        metrics_token: token.map(|token| token.expose_secret().to_owned()),
        exempt: arguments.exempt,
        within: Duration::from_millis(arguments.within.into()),
        check_certificate: !arguments.insecure,
    };
    let mut printed = Ok(());
    let report = crate::smoke::run(&plan, |line| {
        if !arguments.json && printed.is_ok() {
            printed = output::print(&text(line));
        }
    });
    printed?;
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&summary(&report))?;
    }
    if report.failed == 0 && report.passed > 0 { Ok(()) } else { Err(Failure::ChecksFailed) }
}

fn text(line: &Line) -> String {
    let word = match line.outcome {
        Outcome::Passed => "pass",
        Outcome::Failed => "FAIL",
        Outcome::Skipped => "skip",
    };
    format!("{word} {:>8.1} ms  {:<20} {}", line.took_ms, line.check, line.says)
}

fn summary(report: &Report) -> String {
    let version = report.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    format!(
        "{} passed, {} failed, {} skipped in {:.1} s: TreeBeard{version} at {}",
        report.passed, report.failed, report.skipped, report.seconds, report.url
    )
}

fn url(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let host = text.strip_prefix("http://").or(text.strip_prefix("https://")).unwrap_or_default();
    if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) {
        return Err("write it as http://HOST:PORT or https://HOST:PORT, without a path after the port".to_owned());
    }
    Ok(text.to_owned())
}

fn zip(text: &str) -> Result<String, String> {
    let is_zip = text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_zip { Ok(text.to_owned()) } else { Err("write five digits, such as 75001".to_owned()) }
}
