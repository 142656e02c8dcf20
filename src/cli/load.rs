//! `treebeard load`: how a running service bears users, in one report.

use crate::cli::progress::Progress;
use crate::cli::{Failure, SettingFlags, output};
use crate::load::client::Target;
use crate::load::{MIX, Operation, Plan, Report, Span};
use clap::Args;
use secrecy::ExposeSecret;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard serve --set limits.exempt_networks=127.0.0.0/8\n  \
    treebeard load --url http://127.0.0.1:8000\n  \
    treebeard load --url http://127.0.0.1:8000 --users 50 --duration 300 --json\n  \
    treebeard load --url http://127.0.0.1:8000 --mix list_plans=90,get_plan=10")]
#[command(after_help = "Each user opens an account, makes the calls of docs/load.md, and erases the account. All \
    come from one address, so the service must exempt it from its limits. Exit code 1 when a call failed.")]
pub struct Arguments {
    /// The service, as http://HOST:PORT
    #[arg(long, value_name = "URL")]
    url: Target,
    /// Users at once
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    users: u32,
    /// Users who begin each second
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    spawn_rate: u32,
    /// Seconds from the first user to the last call
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    duration: u32,
    /// Mean pause of a user between two calls, in milliseconds
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(10..=60_000))]
    pause: u32,
    /// Calls with their weights, such as list_plans=90,get_plan=10 [default: that of docs/load.md]
    #[arg(long, value_name = "CALL=WEIGHT,...", value_parser = mix)]
    mix: Option<Mix>,
    /// Allow a service on another machine: it is mine to load
    #[arg(long)]
    i_own_this_host: bool,
    #[arg(long)]
    json: bool,
}

/// Calls with their weights.
#[derive(Debug, Clone)]
struct Mix(Vec<(&'static str, u32)>);

fn mix(text: &str) -> Result<Mix, String> {
    crate::load::parse_mix(text).map(Mix)
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    if !arguments.url.is_loopback() && !arguments.i_own_this_host {
        return Err(Failure::usage(format!(
            "{} is not this machine; load only a service that is yours, and say so with --i-own-this-host",
            arguments.url
        )));
    }
    // The token is a secret and so no flag.
    let token = settings.load(&[])?.metrics.token;
    let plan = Plan {
        target: arguments.url.clone(),
        users: arguments.users as usize,
        spawn_per_second: f64::from(arguments.spawn_rate),
        duration: Duration::from_secs(arguments.duration.into()),
        pause: Duration::from_millis(arguments.pause.into()),
        mix: arguments.mix.as_ref().map_or_else(|| MIX.to_vec(), |mix| mix.0.clone()),
        metrics_token: token.map(|token| token.expose_secret().to_owned()),
    };
    let what = format!("{} users at {} for {} s", arguments.users, arguments.url, arguments.duration);
    let progress = Progress::working(what.clone());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(crate::load::run(plan, move |requests| {
        progress.say(format!("{what}: {requests} requests"));
    }));
    if arguments.json {
        output::print_json(&report)?;
    } else {
        output::print(&text(&report))?;
    }
    judge(&report)
}

fn judge(report: &Report) -> Result<(), Failure> {
    if report.requests == 0 {
        return Err(Failure::failed("no call was made: give more time with --duration"));
    }
    if report.errors == 0 {
        return Ok(());
    }
    let remedy = if report.statuses.contains_key("429") {
        "; 429 is the service's limit for this address: exempt it there with limits.exempt_networks"
    } else if report.statuses.contains_key("none") {
        "; calls without an answer: is the service there, and is its log quiet?"
    } else {
        ""
    };
    Err(Failure::failed(format!("{} of {} calls failed{remedy}", report.errors, report.requests)))
}

fn text(report: &Report) -> String {
    let mut table = output::table(&["operation", "calls", "failed", "p50 ms", "p95 ms", "p99 ms", "longest ms"]);
    let all = Operation {
        operation: "all".to_owned(),
        requests: report.requests,
        errors: report.errors,
        latency: report.latency,
        statuses: report.statuses.clone(),
    };
    for row in report.operations.iter().chain([&all]) {
        let latency = row.latency;
        let times = [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.max_ms];
        let mut cells = vec![comfy_table::Cell::new(&row.operation)];
        cells.extend([row.requests, row.errors].map(output::number));
        cells.extend(times.map(|milliseconds| output::number(format!("{milliseconds:.1}"))));
        table.add_row(cells);
    }
    let statuses: Vec<String> = report.statuses.iter().map(|(status, count)| format!("{status}: {count}")).collect();
    let hits = match report.cache.hit_percent {
        Some(percent) => {
            format!("{percent:.1} % of {}", report.cache.hits + report.cache.misses + report.cache.bypasses)
        }
        None => "no answer tells".to_owned(),
    };
    let mut text = output::lines(&table);
    text += &format!(
        "\nusers     {} for {:.0} s, {:.1} requests/s\nstatuses  {}\ncache     hits: {hits}\n",
        report.users,
        report.seconds,
        report.requests_per_second,
        statuses.join(", ")
    );
    match &report.server {
        Some(held) => {
            text += &format!(
                "memory    {}\n",
                span(held.resident_bytes, |bytes| format!("{:.1} MiB", bytes as f64 / 1_048_576.0))
            );
            text += &format!("files     {}\n", span(held.open_files, |files| files.to_string()));
        }
        None => text += "memory    the service does not tell: is TREEBEARD_METRICS__TOKEN set as it is there?\n",
    }
    text
}

fn span(span: Span, shown: impl Fn(u64) -> String) -> String {
    let [first, settled, end, peak] = [span.first, span.settled, span.end, span.peak].map(shown);
    format!("{first} at first, {settled} settled, {end} at the end, {peak} at most")
}
