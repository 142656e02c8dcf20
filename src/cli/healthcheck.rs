//! `treebeard healthcheck`: whether the service is ready, said by the exit code.

use crate::cli::{Failure, SettingFlags, output};
use crate::config::{Config, Listen};
use crate::ops::healthcheck::{self, Place};
use clap::Args;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard healthcheck\n  \
    treebeard healthcheck --url https://127.0.0.1:8443\n  \
    treebeard healthcheck --url unix:/run/treebeard/http.sock")]
pub struct Arguments {
    /// Where it answers: http://HOST:PORT, https://HOST:PORT or unix:PATH [default: what server.listen says]
    #[arg(long, value_name = "URL", value_parser = place)]
    url: Option<Place>,
    /// How long to wait for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let place = match &arguments.url {
        Some(place) => place.clone(),
        None => of_settings(&settings.load(&[])?)?,
    };
    let name = match &place {
        Place::Url(url) => url.clone(),
        Place::Socket(path) => format!("unix:{}", path.display()),
    };
    match healthcheck::ask(&place, Duration::from_secs(arguments.timeout)) {
        Ok(200) => output::print(&format!("{name} is ready")),
        Ok(503) => Err(Failure::failed(format!("{name} is not ready: {name}/health says what is wrong"))),
        Ok(status) => Err(Failure::failed(format!("{name} answers with {status}, which TreeBeard does not"))),
        Err(reason) => Err(Failure::failed(format!("{name} does not answer: {reason}"))),
    }
}

fn place(text: &str) -> Result<Place, String> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Place::Socket(path.into()));
    }
    let host = text.strip_prefix("http://").or(text.strip_prefix("https://")).map(|rest| rest.trim_end_matches('/'));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@']) => {
            Ok(Place::Url(text.trim_end_matches('/').to_owned()))
        }
        _ => {
            Err("write it as http://HOST:PORT, https://HOST:PORT or unix:PATH, without a path after the port"
                .to_owned())
        }
    }
}

/// Where the service of these settings answers.
pub(super) fn of_settings(config: &Config) -> Result<Place, Failure> {
    let scheme = if config.tls.files.is_some() { "https" } else { "http" };
    match &config.server.listen {
        Listen::Unix(path) => Ok(Place::Socket(path.clone())),
        Listen::Tcp(address) if address.port() == 0 => {
            Err(Failure::usage("server.listen takes a free port (0), so where the service is must be said with --url"))
        }
        Listen::Tcp(address) => Ok(Place::Url(format!("{scheme}://{}", reachable(*address)))),
    }
}

/// All addresses of this machine are reached at its loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_origin_or_a_socket() {
        assert_eq!(place("http://127.0.0.1:8000/"), Ok(Place::Url("http://127.0.0.1:8000".to_owned())));
        assert_eq!(place("https://[::1]:8443"), Ok(Place::Url("https://[::1]:8443".to_owned())));
        assert_eq!(place("unix:/run/http.sock"), Ok(Place::Socket("/run/http.sock".into())));
        for bad in ["127.0.0.1:8000", "http://", "http://a/b", "ftp://a", "unix:", "http://me@a"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_service_on_all_addresses_is_asked_at_loopback() {
        for (listen, asked) in
            [("0.0.0.0:8000", "127.0.0.1:8000"), ("[::]:8000", "[::1]:8000"), ("192.0.2.1:80", "192.0.2.1:80")]
        {
            assert_eq!(reachable(listen.parse().expect("an address")).to_string(), asked);
        }
    }
}
