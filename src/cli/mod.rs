//! The command line: one file per command; each parses its arguments, calls what does the work, and prints.

mod admin;
mod advice_table;
mod alerts;
mod audit;
mod backup;
mod bills;
mod catalog;
mod catalog_diff;
mod compare;
mod completions;
mod config;
mod copy;
mod database;
mod demo;
mod docs;
mod doctor;
mod failure;
mod healthcheck;
mod household;
mod input;
mod load;
mod maintain;
mod man;
mod meter_file;
mod migrate;
mod openapi;
mod output;
mod owner;
mod plan_file;
mod price;
mod privacy;
mod progress;
mod recommend;
mod reload;
mod report_file;
mod restore;
mod serve;
mod service;
mod smoke;
mod stored;
mod systemd;
mod tariff_file;
mod usage;
mod version;
mod what_if;

use crate::config::{Config, Loaded, Sources};
use clap::{Args, Parser, Subcommand};
pub use failure::Failure;
use reload::LoadAgain;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 data this version cannot use, \
                          4 a check found problems.";

/// Which electricity plan should this household be on, what will it cost, and why.
#[derive(Debug, Parser)]
#[command(name = "treebeard", version, propagate_version = true, max_term_width = 110)]
#[command(before_help = "Examples:\n  \
    treebeard demo\n  \
    treebeard recommend --catalog plans.csv --usage meter.csv --zip 75001\n  \
    treebeard price --tariff plan.json --usage meter.csv\n  \
    treebeard serve --listen 0.0.0.0:8000")]
#[command(after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Command,
}

/// Flags every command takes.
#[derive(Debug, Args)]
pub struct SettingFlags {
    /// Configuration file [default: treebeard.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Overrides one setting, as in server.listen=0.0.0.0:8000; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = assignment, help_heading = "Settings")]
    assignments: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: advice for an invented household, then the service on an invented market
    Demo(demo::Arguments),
    /// Serve the API over HTTP until told to stop
    Serve(serve::Arguments),
    /// Rank the plans of a catalog for one household, with costs, savings, reasons and risks
    Recommend(recommend::Arguments),
    /// Hold two to five plans against each other for one household
    Compare(compare::Arguments),
    /// Rank the plans for a household as it might be: an electric car, solar panels, other prices
    WhatIf(what_if::Arguments),
    /// Compute the bills of a tariff on the readings of a meter file
    Price(price::Arguments),
    /// Look into a meter file
    Usage(usage::Arguments),
    /// Check, list, convert and keep plan lists
    Catalog(catalog::Arguments),
    /// Make the first administrator, and look after accounts
    Admin(admin::Arguments),
    /// Check the audit log
    Audit(audit::Arguments),
    /// List the alerts, and try out where they go
    Alerts(alerts::Arguments),
    /// Tell what is held on people
    Privacy(privacy::Arguments),
    /// Make, list, check and thin out copies of the database
    Backup(backup::Arguments),
    /// Put a backup in the place of the database
    Restore(restore::Arguments),
    /// Remove what has expired, renew statistics, give free pages back; once a day the service does it, too
    Maintain(maintain::Arguments),
    /// Copy everything into an empty database of the other engine
    Copy(copy::Arguments),
    /// Bring the database's schema up to date
    Migrate(migrate::Arguments),
    /// Try out what the service depends on outside of itself
    Doctor(doctor::Arguments),
    /// Ask the service whether it is ready for work
    Healthcheck(healthcheck::Arguments),
    /// Install, upgrade and remove the service of systemd
    Service(systemd::Arguments),
    /// Go through the list after a deployment, against a running service
    Smoke(smoke::Arguments),
    /// Load a running service as its users would, and report
    Load(load::Arguments),
    /// Show and check the settings
    Config(config::Arguments),
    /// Read the guide: how to use and run all this
    Docs(docs::Arguments),
    /// Print the API document
    Openapi(openapi::Arguments),
    /// Print a completion script for a shell
    Completions(completions::Arguments),
    /// Print the manual page
    Man(man::Arguments),
    /// Print which build this is
    Version(version::Arguments),
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, such as server.listen=0.0.0.0:8000".to_owned()),
    }
}

/// Runs one command and says how it went.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Printing fails only when nobody reads any more.
            let _nobody_reads = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(parsed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let settings = arguments.settings;
    let command = arguments.command;
    let leaves_files = matches!(
        command,
        Command::Admin(_)
            | Command::Backup(_)
            | Command::Catalog(_)
            | Command::Copy(_)
            | Command::Doctor(_)
            | Command::Maintain(_)
            | Command::Migrate(_)
            | Command::Privacy(_)
            | Command::Restore(_)
    );
    let outcome = carry_out(command, &settings);
    if leaves_files {
        owner::hand_over(&settings);
    }
    outcome
}

fn carry_out(command: Command, settings: &SettingFlags) -> Result<(), Failure> {
    match command {
        Command::Demo(command) => demo::run(&command, settings),
        Command::Serve(command) => serve::run(&command, settings),
        Command::Recommend(command) => recommend::run(&command, settings),
        Command::Compare(command) => compare::run(&command, settings),
        Command::WhatIf(command) => what_if::run(&command, settings),
        Command::Price(command) => price::run(&command, settings),
        Command::Usage(command) => usage::run(&command),
        Command::Catalog(command) => catalog::run(&command, settings),
        Command::Admin(command) => admin::run(command, settings),
        Command::Backup(command) => backup::run(command, settings),
        Command::Restore(command) => restore::run(&command, settings),
        Command::Audit(command) => audit::run(&command, settings),
        Command::Alerts(command) => alerts::run(&command, settings),
        Command::Privacy(command) => privacy::run(&command, settings),
        Command::Maintain(command) => maintain::run(&command, settings),
        Command::Copy(command) => copy::run(&command, settings),
        Command::Migrate(command) => migrate::run(&command, settings),
        Command::Docs(command) => docs::run(&command),
        Command::Openapi(command) => openapi::run(&command),
        Command::Smoke(command) => smoke::run(&command, settings),
        Command::Load(command) => load::run(&command, settings),
        Command::Doctor(command) => doctor::run(&command, settings),
        Command::Config(command) => config::run(&command, settings),
        Command::Healthcheck(command) => healthcheck::run(&command, settings),
        Command::Service(command) => systemd::run(&command),
        Command::Completions(command) => completions::run(&command),
        Command::Man(command) => man::run(&command),
        Command::Version(command) => version::run(&command),
    }
}

impl SettingFlags {
    /// Loads the settings, with `more` as the values of a command's own flags, and prints the notices.
    pub fn load(&self, more: &[(&str, String)]) -> Result<Config, Failure> {
        let loaded = self.load_quietly(more)?;
        for notice in &loaded.notices {
            output::note(notice);
        }
        Ok(loaded.config)
    }

    /// Reads the same settings again, later.
    fn load_again(&self, more: Vec<(&str, String)>) -> LoadAgain {
        let own = more.into_iter().map(|(key, value)| (key.to_owned(), value));
        let flags: Vec<_> = self.assignments.iter().cloned().chain(own).collect();
        let file = self.config.clone();
        Box::new(move || Config::load(&Sources::of_process(file.clone(), flags.clone())))
    }

    fn load_quietly(&self, more: &[(&str, String)]) -> Result<Loaded, Failure> {
        let own = more.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let flags = self.assignments.iter().cloned().chain(own).collect();
        Config::load(&Sources::of_process(self.config.clone(), flags))
            .map_err(|error| Failure::usage(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
