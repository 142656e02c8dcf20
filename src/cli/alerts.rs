//! `treebeard alerts`: the rules, a trial of the webhook, and the look a running service takes at itself.

use crate::alerts::{Change, RULES};
use crate::cli::reload::Running;
use crate::cli::{Failure, SettingFlags, output};
use crate::config;
use crate::notifier::{self, Alarm, AlarmRoute, Alarms};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard alerts list\n  treebeard alerts test")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Post one trial alert to alerts.webhook_url, and say whether it was taken
    Test,
    /// Print the rules the service looks after
    List {
        #[arg(long)]
        json: bool,
    },
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    match arguments.command {
        Command::Test => test(&settings.load(&[])?),
        Command::List { json } => list(json),
    }
}

fn test(config: &config::Config) -> Result<(), Failure> {
    let route = route(&config.alerts).ok_or_else(|| {
        Failure::usage("alerts.webhook_url is not set: there is nowhere to post an alert (docs/monitoring.md)")
    })?;
    let body = body(&config.public_url(), "Test", "warning", "test", "this is a trial: all is well", Timestamp::now());
    let alarm = Alarm { id: Uuid::now_v7(), name: "Test", body };
    notifier::try_out(route, &alarm)
        .map_err(|fault| Failure::failed(format!("the trial alert was not taken: {fault}")))?;
    output::print("The trial alert was posted to alerts.webhook_url and taken.")
}

fn list(as_json: bool) -> Result<(), Failure> {
    if as_json {
        let rules = RULES.iter().map(|rule| {
            json!({ "alert": rule.name, "severity": rule.severity.as_str(), "measures": rule.measures,
                "limit": rule.limit_shown(), "minutes": rule.minutes, "remedy": rule.remedy })
        });
        return output::print_json(&rules.collect::<Vec<_>>());
    }
    let mut table = output::table(&["alert", "severity", "what", "limit", "for"]);
    for rule in &RULES {
        let minutes = if rule.minutes == 0 { "-".to_owned() } else { format!("{} min", rule.minutes) };
        table.add_row([rule.name, rule.severity.as_str(), rule.measures, &rule.limit_shown(), &minutes]);
    }
    output::print(&output::lines(&table))
}

/// `None` where nothing is to be posted.
fn route(settings: &config::Alerts) -> Option<AlarmRoute> {
    Some(AlarmRoute { url: settings.webhook_url.clone()?, key: settings.webhook_key.clone() })
}

/// What posts alerts from now on, where that is wanted.
pub fn alarms(settings: &config::Alerts) -> Result<Option<Alarms>, Failure> {
    route(settings).map(Alarms::start).transpose().map_err(Failure::failed)
}

/// Looks at the rules again and again; what is news goes to the log and to the webhook.
pub async fn keep_looking(running: Arc<Running>, alarms: Option<Alarms>) {
    let config = &running.app.config;
    loop {
        tokio::time::sleep(config.alerts.every).await;
        for change in running.api.look_after_alerts(running.app.now()) {
            let Change { rule, firing, .. } = change;
            let (status, value) = if firing { ("firing", shown(&change)) } else { ("resolved", "over".to_owned()) };
            if firing {
                tracing::warn!(event = "alert", alert = rule.name, status, value, "{}", rule.measures);
            } else {
                tracing::info!(event = "alert", alert = rule.name, status, "{}", rule.measures);
            }
            if let Some(alarms) = &alarms {
                let says = format!("{}: {value}", rule.measures);
                let mut body =
                    body(&running.app.public_url(), rule.name, rule.severity.as_str(), status, &says, change.at);
                body["since"] = json!(change.since);
                body["limit"] = json!(rule.limit_shown());
                body["remedy"] = json!(rule.remedy);
                alarms.send(Alarm { id: Uuid::now_v7(), name: rule.name, body });
            }
        }
    }
}

fn shown(change: &Change) -> String {
    let value = change.value.map(|value| change.rule.unit.shown(value)).unwrap_or_default();
    format!("{value} ({})", change.rule.limit_shown())
}

/// `text` is what chat services show of a message.
fn body(service: &str, alert: &str, severity: &str, status: &str, says: &str, at: Timestamp) -> Value {
    json!({
        "type": "alert",
        "status": status,
        "alert": alert,
        "severity": severity,
        "summary": says,
        "service": service,
        // Each of many nodes tells of itself.
        "node": rustix::system::uname().nodename().to_string_lossy(),
        "version": env!("CARGO_PKG_VERSION"),
        "at": at,
        "text": format!("[{status}] {alert} ({severity}) at {service}: {says}"),
    })
}
