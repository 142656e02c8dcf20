//! `treebeard serve`: the service until it is told to stop.

use crate::app::App;
use crate::app::first_admin::GOOD_FOR_MINUTES;
use crate::cli::{Failure, SettingFlags, database, output, service};
use crate::config::Listen;
use crate::http::listener::Inherited;
use crate::ops::traces::Traces;
use crate::ops::{logging, process};
use crate::store::Migrations;
use clap::Args;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard serve\n  \
    treebeard serve --listen 0.0.0.0:8000\n  \
    treebeard serve --listen unix:/run/treebeard/http.sock\n  \
    DATABASE_URL=postgres://tree@db/treebeard treebeard serve")]
pub struct Arguments {
    /// Address and port, or unix:PATH, to listen on; the same as --set server.listen=...
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<Listen>,
    /// Writes one commit carries at most (SQLite); for benches/load.sh, which turns group commit off with 1
    #[arg(long, value_name = "NUMBER", hide = true, value_parser = clap::value_parser!(u64).range(1..))]
    writes_per_commit: Option<u64>,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    // Before there is any other thread: it changes the environment.
    let inherited = Inherited::of_process();
    let own: Vec<(&str, String)> =
        arguments.listen.iter().map(|address| ("server.listen", address.to_string())).collect();
    let config = settings.load(&own)?;
    // Dropped last, when what is left of them is sent.
    let traces = Traces::start(&config.traces).map_err(Failure::failed)?;
    logging::start(&config.logging, config.debug, traces.as_ref());
    // Each connection is a file, and many systems begin with few of them.
    let _told_by_the_doctor = process::raise_open_files();
    let environment = config.environment.as_str();
    let database = config.database.url.masked();
    let store = match arguments.writes_per_commit {
        Some(batch_max) => database::open_grouped(&config, batch_max)?,
        None => database::open(&config, Migrations::Apply)?,
    };
    let app = App::new(config, store).map_err(Failure::failed)?;
    let mut first_admin = app.first_admin_token_blocking().map_err(Failure::failed)?;
    app.replay_erasures_blocking().map_err(Failure::failed)?;
    let load_again = settings.load_again(own);
    let serving = app.clone();
    service::run(serving, inherited, Some(load_again), |scheme, address| {
        let version = env!("CARGO_PKG_VERSION");
        tracing::info!(address, scheme, environment, database, version, "listening on {scheme}://{address}");
        if let Some(token) = first_admin.take() {
            let link = app.first_admin_link(&token);
            tracing::info!(
                "there is no administrator yet: the link on standard output makes one, or treebeard admin create EMAIL"
            );
            // Not through the log, which goes to more places. Where nobody reads, the command is left.
            let _nobody_reads = output::print(&format!(
                "There is no administrator yet. Who opens this link becomes one; it is good for {GOOD_FOR_MINUTES} minutes and one use:\n{link}\n"
            ));
        }
    })
}
