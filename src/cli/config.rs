//! `treebeard config`: what is in force, where it came from, and whether it would do.

use crate::cli::database::fault_of_address;
use crate::cli::{Failure, SettingFlags, output};
use crate::config::ConfigError;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard config show --origin\n  treebeard config check\n  \
                         treebeard config example > treebeard.toml")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print every setting in force; secrets are masked
    Show {
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
        #[arg(long)]
        json: bool,
    },
    /// Check the settings without starting anything
    Check {
        #[arg(long)]
        json: bool,
    },
    /// Print a configuration file with every setting, its default and a comment
    Example,
    /// Print docs/configuration.md: every setting in tables
    Reference,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    match arguments.command {
        Command::Show { origin, json } => show(settings, origin, json),
        Command::Check { json } => check(settings, json),
        Command::Example => output::print(&crate::config::settings::example_file()),
        Command::Reference => output::print(&crate::config::reference::page()),
    }
}

fn show(settings: &SettingFlags, with_origin: bool, as_json: bool) -> Result<(), Failure> {
    let loaded = settings.load_quietly(&[])?;
    let origin_of = |key: &str| loaded.origins.get(key).map_or(String::new(), ToString::to_string);
    if as_json {
        let values: Map<String, Value> = loaded
            .config
            .shown()
            .into_iter()
            .map(|(key, value)| {
                let value = if with_origin { json!({"value": value, "origin": origin_of(key)}) } else { value };
                (key.to_owned(), value)
            })
            .collect();
        return output::print_json(&values);
    }
    let mut table = output::table(if with_origin { &["setting", "value", "origin"] } else { &["setting", "value"] });
    for (key, value) in loaded.config.shown() {
        let mut row = vec![key.to_owned(), readable(&value)];
        if with_origin {
            row.push(origin_of(key));
        }
        table.add_row(row);
    }
    output::print(&output::lines(&table))
}

fn readable(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(readable).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn check(settings: &SettingFlags, as_json: bool) -> Result<(), Failure> {
    let flags = settings.assignments.clone();
    let sources = crate::config::Sources::of_process(settings.config.clone(), flags);
    let loaded = crate::config::Config::load(&sources).and_then(|loaded| match fault_of_address(&loaded.config) {
        None => Ok(loaded),
        Some(fault) => Err(ConfigError { problems: vec![format!("database.url: {fault}")] }),
    });
    match loaded {
        Ok(loaded) if as_json => output::print_json(&json!({"ok": true, "problems": [], "notices": loaded.notices})),
        Ok(loaded) => {
            for notice in &loaded.notices {
                output::note(notice);
            }
            output::print(&format!("The configuration is good for {}.", loaded.config.environment.as_str()))
        }
        Err(error) if as_json => {
            output::print_json(&json!({"ok": false, "problems": error.problems, "notices": []}))?;
            Err(Failure::ChecksFailed)
        }
        Err(error) => {
            output::error(&error.to_string());
            Err(Failure::ChecksFailed)
        }
    }
}
