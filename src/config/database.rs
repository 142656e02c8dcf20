//! Where the database is.

use crate::config::read::Reader;
use jiff::civil::Time;
use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Database {
    pub url: DatabaseUrl,
    pub pool_size: u32,
    /// A request that waits longer for one of them is refused.
    pub pool_timeout: Duration,
    /// PostgreSQL: a statement that takes longer is cancelled.
    pub statement_timeout: Duration,
    /// PostgreSQL: how long a new connection may take.
    pub connect_timeout: Duration,
    /// Who folds SQLite's write-ahead log into the file.
    pub checkpoint: Checkpoint,
    /// Time of day, UTC.
    pub maintenance_time: Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checkpoint {
    Own,
    /// Another program, such as Litestream.
    External,
}

impl Checkpoint {
    pub const fn as_str(self) -> &'static str {
        match self {
            Checkpoint::Own => "own",
            Checkpoint::External => "external",
        }
    }
}

#[derive(Debug, Clone)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    /// The whole URL; it may hold a password.
    Postgres(SecretString),
}

pub fn read(reader: &mut Reader, data_dir: &Path) -> Database {
    Database {
        url: database_url(reader, data_dir),
        pool_size: reader.number("database.pool_size", 1..=256),
        pool_timeout: reader.seconds("database.pool_timeout_seconds", 1..=300),
        statement_timeout: reader.seconds("database.statement_timeout_seconds", 1..=3_600),
        connect_timeout: reader.seconds("database.connect_timeout_seconds", 1..=60),
        checkpoint: reader
            .choice("database.checkpoint", &[("own", Checkpoint::Own), ("external", Checkpoint::External)]),
        maintenance_time: reader.time_of_day("database.maintenance_time"),
    }
}

fn database_url(reader: &mut Reader, data_dir: &Path) -> DatabaseUrl {
    let url = reader.text("database.url");
    if url.is_empty() {
        return DatabaseUrl::Sqlite(data_dir.join("treebeard.db"));
    }
    DatabaseUrl::parse(&url).unwrap_or_else(|message| {
        reader.problem("database.url", &message);
        DatabaseUrl::Sqlite(PathBuf::new())
    })
}

impl DatabaseUrl {
    /// `sqlite:PATH`, `sqlite:///PATH`, `postgres://...` and `postgresql://...`; a driver named after a plus sign, as
    /// other frameworks write it, is dropped. The message never repeats the URL.
    pub fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", ""));
        let scheme = scheme.split('+').next().unwrap_or(scheme);
        match scheme {
            "sqlite" => match rest.strip_prefix("///").map_or_else(|| PathBuf::from(rest), three_slashes) {
                path if path.as_os_str().is_empty() => Err("names no file: write sqlite:PATH".to_owned()),
                path if path.as_os_str() == ":memory:" => {
                    Err("must name a file: a database in memory would lose every account".to_owned())
                }
                path => Ok(DatabaseUrl::Sqlite(path)),
            },
            "postgres" | "postgresql" if rest.starts_with("//") && rest.len() > 2 => {
                Ok(DatabaseUrl::Postgres(SecretString::from(format!("postgres:{rest}"))))
            }
            _ => Err("must be sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()),
        }
    }

    /// The address the store opens. It may hold a password: never to be shown.
    pub fn reveal(&self) -> String {
        match self {
            DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => url.expose_secret().to_owned(),
        }
    }
}

/// `sqlite:///PATH` means a relative path to some programs and an absolute one to others: it is relative unless only
/// the absolute path's folder exists.
fn three_slashes(path: &str) -> PathBuf {
    let (relative, absolute) = (PathBuf::from(path), PathBuf::from(format!("/{path}")));
    let is_in_a_folder =
        |path: &Path| path.parent().is_some_and(|folder| folder.as_os_str().is_empty() || folder.is_dir());
    if !is_in_a_folder(&relative) && is_in_a_folder(&absolute) { absolute } else { relative }
}
