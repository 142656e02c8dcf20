//! Checks of the database: can it be used, is it whole, is what is in it up to date.

use super::{Finding, private, sqlite_file};
use crate::app::audit;
use crate::app::privacy::erasure_list;
use crate::cli::database;
use crate::config::Config;
use crate::store::Store;
use crate::store::backup::files::beside;
use crate::store::db::access::Protection;
use crate::store::db::guard;
use crate::store::inspect::{self, Ages, Inspection};
use crate::store::migrate::Status;
use jiff::{SignedDuration, Timestamp};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Beyond what the service cuts its write-ahead log to.
const LOG_BYTES_MAX: u64 = 64 << 20;
const CATALOG_OLD: SignedDuration = SignedDuration::from_hours(24 * 30);
/// Clocks of two machines differ by less.
const CLOCK_LEEWAY: SignedDuration = SignedDuration::from_mins(5);
/// So many sign-ins from one address are no accident.
const SIGN_INS: u64 = 5;
/// Before this program was written.
const EARLIEST: &str = "2026-01-01T00:00:00Z";

const OF_THE_FILE: [&str; 5] = ["database_mode", "schema", "integrity", "references", "log_size"];
const OF_THE_ROWS: [&str; 5] = ["audit_log", "catalog", "catalog_age", "administrator", "proxy_seen"];

pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![erased(config)];
    let file = sqlite_file(config);
    if file.is_some_and(|path| !path.exists()) {
        findings.push(Finding::ok("database", "there is none yet; the service makes it"));
        findings.push(clock(None));
        let rest = ["database_encryption", "migrations"].into_iter().chain(OF_THE_FILE).chain(OF_THE_ROWS);
        findings.extend(rest.map(|name| Finding::skipped(name, "there is no database yet")));
        return findings;
    }
    let status = match Store::schema_status(&config.database.url.reveal()) {
        Ok(status) => status,
        Err(error) => {
            let why = error.cause().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            let remedy = "Start the database or correct database.url; restore a backup of a damaged file.";
            findings.push(Finding::problem("database", why, remedy));
            findings.push(clock(None));
            let rest = ["database_encryption", "migrations"].into_iter().chain(OF_THE_FILE).chain(OF_THE_ROWS);
            findings.extend(rest.map(|name| Finding::skipped(name, "the database cannot be read")));
            return findings;
        }
    };
    findings.push(Finding::ok("database", format!("{} can be read", config.database.url.masked())));
    let is_current = status.pending.is_empty() && status.refuse_strange().is_ok();
    findings.push(encryption(config));
    findings.push(migrations(config, &status));
    findings.extend(match file {
        Some(path) => of_the_file(config, path, is_current),
        None => OF_THE_FILE.map(|name| Finding::skipped(name, "PostgreSQL looks after this itself")).into(),
    });
    findings.extend(of_the_rows(config, is_current));
    findings
}

fn erased(config: &Config) -> Finding {
    let (name, path) = ("erased_list", erasure_list::path_of(config));
    match erasure_list::read(&path) {
        Ok(list) => Finding::ok(name, format!("{} erased accounts are noted for the time after a restore", list.len())),
        Err(error) => Finding::problem(
            name,
            format!("{} cannot be read: {error}", path.display()),
            "Give it to the account the service runs as; without it a restored backup brings erased people back.",
        ),
    }
}

fn encryption(config: &Config) -> Finding {
    let name = "database_encryption";
    match database::protection(config) {
        None => Finding::skipped(name, "there is no way to a database that is a file"),
        Some(Err(error)) => Finding::skipped(name, error.to_string()),
        Some(Ok(found)) => way(name, found),
    }
}

fn way(name: &'static str, found: Protection) -> Finding {
    let mode = found.asked.mode;
    match (found.tls, found.stays_here) {
        (Some(version), _) if mode.verifies() => {
            Finding::ok(name, format!("{version}, and the server is known by its certificate ({})", mode.as_str()))
        }
        (_, true) => Finding::ok(name, "what is said to PostgreSQL stays on this machine"),
        (Some(version), false) => Finding::warning(
            name,
            format!("{version}, but nobody looks whose certificate it is (sslmode={})", mode.as_str()),
            "Add sslmode=verify-full&sslrootcert=FILE to database.url, FILE being the certificate of its authority.",
        ),
        (None, false) => Finding::warning(
            name,
            "what is said to PostgreSQL can be read on the way",
            "Set ssl = on in the server's postgresql.conf and add sslmode=verify-full&sslrootcert=FILE to database.url.",
        ),
    }
}

fn migrations(config: &Config, status: &Status) -> Finding {
    let name = "migrations";
    if let Err(error) = status.refuse_strange() {
        return Finding::problem(name, error.to_string(), "Use the program that made it, or restore a backup.");
    }
    if status.pending.is_empty() {
        return Finding::ok(name, format!("schema version {}", status.applied));
    }
    let config = config.clone();
    let told = format!("{} are not applied yet, first {}", status.pending.len(), status.pending[0]);
    Finding::warning(name, told, "treebeard migrate, which makes a backup before; the next start does it, too")
        .mended_by(move || database::migrate(&config).map(|_| ()).map_err(|failure| failure.to_string()))
}

fn of_the_file(config: &Config, path: &Path, is_current: bool) -> Vec<Finding> {
    let parts: Vec<PathBuf> =
        ["", "-wal", "-shm"].iter().map(|part| beside(path, part)).chain([erasure_list::path_of(config)]).collect();
    let [mode, schema, integrity, references, log] = OF_THE_FILE;
    let mut findings = vec![private(mode, "the database", parts)];
    match inspect::inspect(path) {
        Ok(found) => {
            findings.push(schema_finding(schema, &found, is_current));
            let remedy = "Stop the service and run `treebeard restore latest`.";
            findings.push(of_list(integrity, &found.damage, "the file is whole", remedy));
            findings.push(of_list(references, &found.dangling, "every row refers to one that is there", remedy));
        }
        Err(error) => {
            let remedy = "Stop the service and run `treebeard restore latest`.";
            findings.push(Finding::problem(integrity, format!("{error}"), remedy));
            findings.extend([schema, references].map(|name| Finding::skipped(name, "the file cannot be read")));
        }
    }
    findings.push(log_size(log, path));
    findings
}

fn schema_finding(name: &'static str, found: &Inspection, is_current: bool) -> Finding {
    if !is_current {
        return Finding::skipped(name, "the migrations come first");
    }
    if found.schema.is_empty() {
        let others = match found.others.as_slice() {
            [] => String::new(),
            others => format!("; {} are not ours and left alone", others.join(", ")),
        };
        return Finding::ok(name, format!("it is that of a new database{others}"));
    }
    let remedy = "Undo what was changed by hand, or restore a backup.";
    Finding::problem(name, found.schema.join(", "), remedy)
}

fn of_list(name: &'static str, found: &[String], good: &str, remedy: &str) -> Finding {
    if found.is_empty() { Finding::ok(name, good) } else { Finding::problem(name, found.join("; "), remedy) }
}

fn log_size(name: &'static str, path: &Path) -> Finding {
    let size = std::fs::metadata(beside(path, "-wal")).map_or(0, |data| data.len());
    if size <= LOG_BYTES_MAX {
        return Finding::ok(name, format!("the write-ahead log has {} MiB", size >> 20));
    }
    let told = format!("the write-ahead log has {} MiB", size >> 20);
    let remedy = "End whatever reads the database for long, such as a shell left open; a restart folds the log.";
    let path = path.to_owned();
    Finding::warning(name, told, remedy).mended_by(move || {
        let _alone = guard::lock(&path).map_err(|error| error.to_string())?;
        inspect::fold(&path).map_err(|error| error.to_string())
    })
}

fn of_the_rows(config: &Config, is_current: bool) -> Vec<Finding> {
    if !is_current {
        let skipped = OF_THE_ROWS.map(|name| Finding::skipped(name, "the migrations come first"));
        return skipped.into_iter().chain([clock(None)]).collect();
    }
    let url = config.database.url.reveal();
    let [log, rest @ ..] = OF_THE_ROWS;
    let mut findings = vec![match Store::look(&url, |conn| audit::check(conn, None)) {
        Ok(checked) if checked.is_intact() => Finding::ok(log, format!("the chain of {} rows holds", checked.head.seq)),
        Ok(checked) => Finding::problem(
            log,
            format!("row {} does not fit the one before", checked.broken_at.unwrap_or_default()),
            "Keep the file as it is, find out who changed it, and compare with a backup.",
        ),
        Err(error) => Finding::problem(log, error.to_string(), "See what the check of the database says."),
    }];
    match Store::look(&url, inspect::ages) {
        Ok(ages) => {
            findings.extend(of_ages(config, &ages, Timestamp::now()));
            findings.push(clock(ages.logged_at));
        }
        Err(error) => {
            findings.push(clock(None));
            findings.extend(rest.map(|name| Finding::skipped(name, error.to_string())));
        }
    }
    findings
}

fn of_ages(config: &Config, ages: &Ages, now: Timestamp) -> [Finding; 4] {
    let [_, catalog, age, administrator, proxy] = OF_THE_ROWS;
    let is_old = now.duration_since(ages.catalog_changed_at) > CATALOG_OLD;
    let import = "treebeard catalog import FILE";
    let changed = ages.catalog_changed_at;
    [
        match ages.plans {
            0 => Finding::warning(catalog, "no plan is on sale, so nothing can be recommended", import),
            plans => Finding::ok(catalog, format!("{plans} plans")),
        },
        match ages.plans {
            0 => Finding::skipped(age, "there is no catalog"),
            _ if is_old => Finding::warning(age, format!("the catalog was last changed at {changed}"), import),
            _ => Finding::ok(age, format!("the catalog was last changed at {changed}")),
        },
        match ages.administrators {
            0 => Finding::warning(
                administrator,
                "nobody administers the service",
                "treebeard admin create EMAIL, or open the link the service prints when it starts",
            ),
            count => Finding::ok(administrator, format!("{count} administrators")),
        },
        proxy_seen(proxy, config, ages),
    ]
}

/// Behind a proxy that is not named every caller has its address, and all share one limit.
fn proxy_seen(name: &'static str, config: &Config, ages: &Ages) -> Finding {
    let only = ages.address.as_ref().filter(|_| ages.sessions >= SIGN_INS && ages.addresses == 1);
    let Some(only) = only.filter(|_| config.server.trusted_proxies.is_empty()) else {
        return Finding::ok(name, "sign-ins do not look as if they came through an unknown proxy");
    };
    let is_inside = match only.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        Err(_) => false,
    };
    if !is_inside {
        return Finding::ok(name, "sign-ins do not look as if they came through an unknown proxy");
    }
    Finding::warning(
        name,
        format!("all {} sign-ins came from {only}, as through a proxy, so all callers share one limit", ages.sessions),
        format!("If it is a proxy of yours, set server.trusted_proxies = [\"{only}\"]."),
    )
}

/// What was logged was logged before now.
fn clock(logged_at: Option<Timestamp>) -> Finding {
    let (name, now) = ("clock", Timestamp::now());
    let remedy = "Set the clock, and keep it right with NTP (`timedatectl set-ntp true`).";
    let earliest: Timestamp = EARLIEST.parse().unwrap_or(Timestamp::UNIX_EPOCH);
    if now < earliest {
        return Finding::problem(name, format!("the clock says {now}, which is past"), remedy);
    }
    match logged_at {
        Some(at) if at.duration_since(now) > CLOCK_LEEWAY => {
            Finding::problem(name, format!("the clock says {now}, and the log has a row of {at}"), remedy)
        }
        _ => Finding::ok(name, format!("it says {now}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Status;
    use crate::store::db::access::{Asked, Authorities, SslMode};

    #[test]
    fn a_way_to_the_database_that_can_be_listened_to_is_a_warning() {
        let v13 = Some("TLSv1.3");
        for (mode, stays_here, tls, expected) in [
            (SslMode::VerifyFull, false, v13, Status::Ok),
            (SslMode::VerifyCa, false, v13, Status::Ok),
            (SslMode::Require, false, v13, Status::Warning),
            (SslMode::Prefer, false, v13, Status::Warning),
            (SslMode::Prefer, false, None, Status::Warning),
            (SslMode::Disable, false, None, Status::Warning),
            (SslMode::Disable, true, None, Status::Ok),
        ] {
            let asked = Asked { mode, authorities: Authorities::Public };
            let found = way("way", Protection { asked, stays_here, tls: tls.map(str::to_owned) });
            assert_eq!(found.status, expected, "{mode:?} {stays_here} {tls:?}");
        }
    }
}
