//! `treebeard copy`: everything from one database into an empty one of the other engine.

use crate::cli::progress::Progress;
use crate::cli::{Failure, SettingFlags, database, output};
use crate::config::{Config, DatabaseUrl};
use crate::store::transfer::{self, Copied};
use crate::store::{Migrations, Options, Store};
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::json;
use std::time::Instant;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard copy --from sqlite:data/treebeard.db --to postgres://treebeard@/treebeard\n  \
    DATABASE_URL=postgres://... treebeard copy --from sqlite:data/treebeard.db")]
pub struct Arguments {
    /// The database that is read; it must not be in use [default: database.url]
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    from: Option<String>,
    /// The database that is filled: a new one, or one an earlier copy was cut off at [default: database.url]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let config = settings.load(&[])?;
    let started = Instant::now();
    let source = open(&config, arguments.from.as_deref(), "--from", Migrations::Require)?;
    let target = open(&config, arguments.to.as_deref(), "--to", Migrations::Apply)?;
    let progress = Progress::steps();
    let watch = move |table: &'static str, done, all| {
        progress.say(format!("copying {table}"));
        progress.reach(done, all);
        true
    };
    let copied = transfer::copy(&source, &target, Box::new(watch)).map_err(|error| database::failure(&error))?;
    let rows: u64 = copied.iter().map(|table| table.rows).sum();
    let took = started.elapsed();
    if arguments.json {
        return output::print_json(
            &json!({ "tables": copied, "rows": rows, "took_milliseconds": took.as_millis() as u64 }),
        );
    }
    let mut table = output::table(&["table", "rows", "copied now", "checksum on both sides"]);
    for Copied { table: name, rows, copied, checksum } in &copied {
        table.add_row([(*name).into(), output::number(rows), output::number(copied), checksum.into()]);
    }
    output::print(&format!(
        "{}{rows} rows in {:.1} s, the same on both sides\n",
        output::lines(&table),
        took.as_secs_f64()
    ))
}

/// The database at a URL, or the configured one.
fn open(config: &Config, url: Option<&str>, flag: &str, migrations: Migrations) -> Result<Store, Failure> {
    let url = match url {
        None => config.database.url.reveal(),
        Some(url) => match DatabaseUrl::parse(url).map_err(|why| Failure::usage(format!("{flag} {why}")))? {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.expose_secret().to_owned(),
        },
    };
    let missing = url.strip_prefix("sqlite:").filter(|path| flag == "--from" && !std::path::Path::new(path).exists());
    if let Some(path) = missing {
        return Err(Failure::failed(format!("there is no database in {path}")));
    }
    // Of SQLite: not beside a service, which would go on writing.
    Store::open(&url, Options { migrations, ..Options::default() }).map_err(|error| database::failure(&error))
}
