//! Copies of a PostgreSQL database, made and read by PostgreSQL's own `pg_dump` and `pg_restore`.

use crate::store::audit::Head;
use crate::store::backup::examine::Examination;
use crate::store::db::access::{self, Authorities};
use crate::store::db::postgres::{self, PostgresOptions};
use crate::store::db::postgres_types::store_error;
use crate::store::error::{Cause, StoreError};
use crate::store::migrate;
use ::postgres::Client;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Between two looks at whether a program has ended, and whether to go on.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Of what a program complains about, so much is told.
const COMPLAINT_CHARS: usize = 600;
/// Where Debian has the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Where Debian and its kin have the authorities that browsers believe.
const PUBLIC_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Says whether to go on.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

/// Dumps the database at `url` into the new file `target`: the moment, and what is in it. What is counted and what is
/// dumped are of one moment; nobody waits for it.
pub fn dump(url: &str, target: &Path, go_on: GoOn<'_>) -> Result<(Timestamp, Examination), StoreError> {
    postgres::look(url, PostgresOptions::default(), |client| {
        let begin =
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0";
        client.batch_execute(begin).map_err(|e| store_error(&e))?;
        let snapshot: String = one(client, "SELECT pg_export_snapshot()")?;
        let at = Timestamp::now();
        let found = examine(client)?;
        let mut command = over("pg_dump", url)?;
        command.args(["--format=custom", "--no-owner", "--no-privileges"]);
        command.arg(format!("--snapshot={snapshot}")).arg("--file").arg(target);
        run("pg_dump", command, go_on)?;
        client.batch_execute("COMMIT").map_err(|e| store_error(&e))?;
        Ok((at, found))
    })
}

/// Reads a dump to its end, as a restore would.
pub fn read_through(dump: &Path, go_on: GoOn<'_>) -> Result<(), StoreError> {
    let mut command = Command::new(program("pg_restore"));
    command.args(["--file", "/dev/null"]).arg(dump);
    run("pg_restore", command, go_on)
}

/// Fills the empty database at `url` from a dump, wholly or not at all: what is in it then.
pub fn restore(url: &str, dump: &Path, go_on: GoOn<'_>) -> Result<Examination, StoreError> {
    let mut command = over("pg_restore", url)?;
    command.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]).arg(dump);
    run("pg_restore", command, go_on)?;
    postgres::look(url, PostgresOptions::default(), examine)
}

/// Bytes of the database at `url`, and its number of tables.
pub fn size(url: &str) -> Result<(u64, u64), StoreError> {
    postgres::look(url, PostgresOptions::default(), |client| {
        let bytes: i64 = one(client, "SELECT pg_database_size(current_database())")?;
        Ok((bytes.max(0) as u64, tables(client)?.len() as u64))
    })
}

fn examine(client: &mut Client) -> Result<Examination, StoreError> {
    let status = migrate::status_postgres(client)?;
    let mut rows = BTreeMap::new();
    for table in tables(client)? {
        let count: i64 = one(client, &format!("SELECT count(*) FROM \"{}\"", table.replace('"', "\"\"")))?;
        rows.insert(table, count.max(0) as u64);
    }
    let audit_head = if rows.contains_key("audit_head") {
        let row = client.query_one("SELECT seq, hash FROM audit_head WHERE id = 1", &[]);
        let (seq, hash) = row.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?))).map_err(|e| store_error(&e))?;
        let hash: Vec<u8> = hash;
        let hash = hash.try_into().map_err(|_| StoreError::internal("a hash of the audit log is not 32 bytes long"))?;
        Some(Head { seq, hash })
    } else {
        None
    };
    Ok(Examination { faults: Vec::new(), schema_version: status.applied, schema_known: status.known, rows, audit_head })
}

fn tables(client: &mut Client) -> Result<Vec<String>, StoreError> {
    let tables = "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1";
    let rows = client.query(tables, &[]).map_err(|e| store_error(&e))?;
    rows.iter().map(|row| row.try_get(0).map_err(|e| store_error(&e))).collect()
}

fn one<T: for<'a> ::postgres::types::FromSql<'a>>(client: &mut Client, sql: &str) -> Result<T, StoreError> {
    client.query_one(sql, &[]).and_then(|row| row.try_get(0)).map_err(|e| store_error(&e))
}

/// The newest version Debian has installed, else what the search path has.
fn program(name: &str) -> PathBuf {
    let folders = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = folders
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(name))))
        .filter(|(_, path)| path.is_file())
        .collect();
    versions.sort();
    versions.pop().map_or_else(|| PathBuf::from(name), |(_, path)| path)
}

/// A program that works on the database at `url`; the password is in its environment, where others do not see it.
fn over(name: &str, url: &str) -> Result<Command, StoreError> {
    let (address, config, asked) = access::for_programs(url)?;
    let mut command = Command::new(program(name));
    command.arg("--no-password").arg("--dbname").arg(without_password(&address));
    if let Some(password) = config.get_password() {
        command.env("PGPASSWORD", String::from_utf8_lossy(password).as_ref());
    }
    command.env("PGSSLMODE", asked.mode.as_str());
    match asked.authorities {
        Authorities::File(path) => command.env("PGSSLROOTCERT", path),
        Authorities::Public if asked.mode.verifies() => command.env("PGSSLROOTCERT", PUBLIC_AUTHORITIES),
        Authorities::Public => &mut command,
    };
    Ok(command)
}

fn without_password(url: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    // A password may hold an @ that nobody escaped: the last one ends it.
    let address = match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}@{host}", user.split(':').next().unwrap_or(user)),
        None => format!("{scheme}://{rest}"),
    };
    let kept: Vec<&str> = parameters
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.to_lowercase().starts_with("password="))
        .collect();
    if kept.is_empty() { address } else { format!("{address}?{}", kept.join("&")) }
}

fn run(name: &str, mut command: Command, go_on: GoOn<'_>) -> Result<(), StoreError> {
    let failed = |e: std::io::Error| StoreError::Unavailable(Cause::new(format_args!("{name}: {e}")));
    // A file and not a pipe, which could fill up.
    let mut complaints = tempfile::tempfile().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints.try_clone().map_err(failed)?);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => StoreError::Refused(format!(
            "{name} is not installed: install PostgreSQL's client programs, of the server's version or newer (on Debian \
             postgresql-client)"
        )),
        _ => failed(error),
    })?;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        if !go_on() {
            // It may have ended just now.
            let _ended = child.kill();
            child.wait().map_err(failed)?;
            return Err(StoreError::Busy(Cause::new("the copy was stopped")));
        }
        std::thread::sleep(LOOK_EVERY);
    };
    if status.success() {
        return Ok(());
    }
    let mut told = String::new();
    complaints.rewind().and_then(|()| complaints.read_to_string(&mut told)).map_err(failed)?;
    let told: String = told.trim().chars().take(COMPLAINT_CHARS).collect();
    Err(StoreError::Refused(format!("{name} failed: {told}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_among_the_arguments() {
        for (url, expected) in [
            ("postgres://a:secret@host:5432/db", "postgres://a@host:5432/db"),
            ("postgresql://a:se@cret@host/db?port=1", "postgresql://a@host/db?port=1"),
            ("postgres://a@/db?host=/run/postgresql&password=secret", "postgres://a@/db?host=/run/postgresql"),
            ("postgres://host/db?Password=secret", "postgres://host/db"),
        ] {
            assert_eq!(without_password(url), expected);
        }
        let url = "postgres://a:s%20ecret@host/db?sslmode=verify-full&sslrootcert=%2Fca.pem";
        let command = over("pg_dump", url).expect("an address");
        let arguments: Vec<_> = command.get_args().map(|one| one.to_string_lossy().into_owned()).collect();
        assert_eq!(arguments, ["--no-password", "--dbname", "postgres://a@host/db"]);
        let environment: Vec<_> = command
            .get_envs()
            .map(|(name, value)| (name.to_string_lossy(), value.unwrap_or_default().to_string_lossy()))
            .collect();
        let expected = [("PGPASSWORD", "s ecret"), ("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "/ca.pem")];
        assert_eq!(environment, expected.map(|(name, value)| (name.into(), value.into())));
    }
}
