//! Checks of the machine and of who else is there: the service itself, limits, other services it calls.

use super::{Finding, sqlite_file};
use crate::cli::{healthcheck, systemd};
use crate::config::{Config, Listen};
use crate::ops::{healthcheck as health, process};
use crate::store::db::guard::{self, Held};
use secrecy::ExposeSecret;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Of a service that is asked whether it is there.
const PATIENCE: Duration = Duration::from_secs(3);
/// Files open beside connections: the database's, logs, connections to others.
const FILES_BESIDE: u64 = 128;

pub fn check(config: &Config) -> Vec<Finding> {
    let (runs, running) = service(config);
    vec![
        running,
        address(config, runs),
        open_files(config),
        memory(config),
        unit(Path::new("/")),
        ai(config),
        mail(config),
        traces(config),
    ]
}

/// Whether a process has the database, and whether it is ready.
fn service(config: &Config) -> (bool, Finding) {
    let name = "service";
    let holder = match sqlite_file(config).filter(|path| path.exists()).map(guard::hold) {
        Some(Err(Held::ByAnother(holder))) => holder,
        Some(Err(Held::NotAtAll(error))) => {
            let remedy = "Give the lock file to the account the service runs as.";
            return (false, Finding::problem(name, error.to_string(), remedy));
        }
        Some(Ok(_)) | None => return (false, Finding::skipped(name, "it does not run, as far as can be seen here")),
    };
    let Ok(place) = healthcheck::of_settings(config) else {
        return (true, Finding::ok(name, format!("{holder} has the database")));
    };
    match health::ask(&place, PATIENCE) {
        Ok(200) => (true, Finding::ok(name, format!("{holder} is ready"))),
        Ok(status) => {
            let told = format!("{holder} has the database and answers {status}");
            (true, Finding::problem(name, told, "See its /health and its log."))
        }
        Err(error) => {
            let told = format!("{holder} has the database and does not answer: {error}");
            (true, Finding::problem(name, told, "See its log; stop it and start it again."))
        }
    }
}

/// Whether the service could listen.
fn address(config: &Config, runs: bool) -> Finding {
    let name = "address";
    if runs {
        return Finding::skipped(name, "the service has it");
    }
    let taken = match &config.server.listen {
        Listen::Tcp(address) if address.port() == 0 => return Finding::ok(name, "any free port will do"),
        Listen::Tcp(address) => TcpListener::bind(address).err(),
        Listen::Unix(path) => UnixStream::connect(path).ok().map(|_| ErrorKind::AddrInUse.into()),
    };
    match taken {
        None => Finding::ok(name, format!("{} is free", config.server.listen)),
        Some(error) if error.kind() == ErrorKind::AddrInUse => Finding::problem(
            name,
            format!("another program listens on {}", config.server.listen),
            "Stop it, or choose another address in server.listen.",
        ),
        Some(error) => Finding::problem(
            name,
            format!("{} cannot be listened on: {error}", config.server.listen),
            "Choose an address of this machine and a port from 1024 on in server.listen.",
        ),
    }
}

fn open_files(config: &Config) -> Finding {
    let name = "open_files";
    let Some(allowed) = process::open_files_max() else {
        return Finding::ok(name, "as many as wanted");
    };
    let wanted = config.server.connections_max as u64 + u64::from(config.database.pool_size) + FILES_BESIDE;
    if allowed < wanted {
        return Finding::warning(
            name,
            format!("{allowed} may be open, and server.connections_max wants {wanted}"),
            "Raise LimitNOFILE in the unit or `ulimit -Hn`, or lower server.connections_max.",
        );
    }
    Finding::ok(name, format!("{allowed} may be open"))
}

/// What all cores take that check passwords at once.
fn memory(config: &Config) -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    memory_of(cores, u64::from(config.auth.argon2_memory_kib) * cores, process::available_kib(&text))
}

fn memory_of(cores: u64, wanted: u64, available: Option<u64>) -> Finding {
    let name = "password_memory";
    let Some(available) = available else {
        return Finding::skipped(name, "the system does not tell how much memory there is");
    };
    let told = format!("{cores} sign-ins at once take {} MiB of {} MiB available", wanted >> 10, available >> 10);
    if wanted > available / 2 {
        let remedy = "Lower auth.argon2_memory_kib and raise auth.argon2_passes, or add memory.";
        return Finding::warning(name, told, remedy);
    }
    Finding::ok(name, told)
}

/// The unit in the file system at `root` is the one this program carries, which is hardened.
fn unit(root: &Path) -> Finding {
    let name = "unit";
    match systemd::installed_unit(root) {
        None => Finding::skipped(name, "it is not installed as a service of systemd"),
        Some((path, true)) => Finding::ok(name, format!("{} is this program's", path.display())),
        Some((path, false)) => Finding::warning(
            name,
            format!("{} is not as this program would write it, and may be less hardened", path.display()),
            "treebeard service install; keep changes of your own in `systemctl edit treebeard.service`",
        ),
    }
}

fn ai(config: &Config) -> Finding {
    let name = "ai_host";
    if config.explanations.api_key.is_none() {
        return Finding::skipped(name, "no key is set: explanations come from templates");
    }
    let remedy = "Let the service out to it, or correct explanations.base_url; `treebeard doctor --ai` tries the key.";
    reached(name, &config.explanations.base_url, remedy)
}

fn mail(config: &Config) -> Finding {
    let name = "notifier_host";
    let smtp = config.notifier.smtp_url.as_ref().map(|url| url.expose_secret().to_owned());
    match smtp.or_else(|| config.notifier.webhook_url.clone()) {
        Some(url) => reached(name, &url, "Let the service out to it, or correct the section notifier."),
        None => Finding::skipped(name, "no way to users is set"),
    }
}

fn traces(config: &Config) -> Finding {
    let name = "traces_host";
    match &config.traces.endpoint {
        Some(url) => reached(name, url, "Start the collector, or correct traces.endpoint."),
        None => Finding::skipped(name, "no collector is set"),
    }
}

fn reached(name: &'static str, url: &str, remedy: &str) -> Finding {
    let Some(host) = host_of(url) else { return Finding::problem(name, "its address has no host", remedy) };
    let connected = host.to_socket_addrs().and_then(|addresses| {
        let mut last = std::io::Error::from(ErrorKind::NotFound);
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    });
    match connected {
        Ok(()) => Finding::ok(name, format!("{host} answers")),
        Err(error) => Finding::problem(name, format!("{host} cannot be reached: {error}"), remedy),
    }
}

/// `HOST:PORT` of a URL, without whoever signs in there.
fn host_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match scheme {
        "https" => 443,
        "smtps" => 465,
        "smtp" => 25,
        _ => 80,
    };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let host = if has_port { host.to_owned() } else { format!("{host}:{port}") };
    (!host.starts_with(':')).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn hosts_are_found_without_who_signs_in() {
        for (url, host) in [
            ("https://api.example.org/v1", "api.example.org:443"),
            ("smtp://tree:p%40ss@mail.example.org:587?tls=required", "mail.example.org:587"),
            ("smtps://mail.example.org", "mail.example.org:465"),
            ("http://[::1]:4318", "[::1]:4318"),
            ("http://[::1]/x", "[::1]:80"),
        ] {
            assert_eq!(host_of(url).as_deref(), Some(host), "{url}");
        }
        assert_eq!(host_of("nothing"), None);
    }

    #[test]
    fn hashing_that_takes_more_than_half_the_memory_is_told() {
        assert_eq!(memory_of(2, 40_000, Some(80_000)).status, Status::Ok);
        assert_eq!(memory_of(2, 40_001, Some(80_000)).status, Status::Warning);
        assert_eq!(memory_of(2, 40_000, None).status, Status::Skipped);
    }

    #[test]
    fn a_unit_that_was_changed_is_told() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(unit(root.path()).status, Status::Skipped);
        let folder = root.path().join("etc/systemd/system");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("treebeard.service"), systemd::service_unit()).expect("written");
        assert_eq!(unit(root.path()).status, Status::Ok);
        std::fs::write(folder.join("treebeard.service"), "[Service]\nUser=root\n").expect("written");
        let changed = unit(root.path());
        assert_eq!((changed.status, changed.fixable), (Status::Warning, false));
    }
}
