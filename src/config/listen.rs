//! Where the service listens: an address and a port, or a socket in the file system, and with which certificate.

use crate::config::read::Reader;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some(path) if !path.is_empty() && !path.ends_with('/') => Ok(Listen::Unix(PathBuf::from(path))),
            Some(_) => Err("names no socket: write unix:/run/treebeard/http.sock".to_owned()),
            None => text.parse().map(Listen::Tcp).map_err(|_| {
                "must be an address and a port (127.0.0.1:8000, 0.0.0.0:8000 or [::]:8000) or unix:PATH".to_owned()
            }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => write!(f, "{address}"),
            Listen::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// `None`: plain HTTP.
    pub files: Option<TlsFiles>,
    /// Where plain HTTP is sent on to https.
    pub redirect_listen: Option<SocketAddr>,
    /// Zero: browsers are not told to keep to https.
    pub hsts: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub fn listen(reader: &mut Reader) -> Listen {
    reader.text("server.listen").parse().unwrap_or_else(|message: String| {
        reader.problem("server.listen", &message);
        Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))
    })
}

/// Permissions as `chmod` takes them, `0660`.
pub fn socket_mode(reader: &mut Reader) -> u32 {
    let text = reader.text("server.socket_mode");
    let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| (3..=4).contains(&text.len()) && *mode <= 0o777);
    mode.unwrap_or_else(|| {
        reader.problem("server.socket_mode", "must be permissions in octal, such as \"0660\"");
        0o600
    })
}

pub fn tls(reader: &mut Reader) -> Tls {
    let (certificate, key) = (reader.text("tls.certificate"), reader.text("tls.key"));
    let files = match (certificate.is_empty(), key.is_empty()) {
        (true, true) => None,
        (false, false) => Some(TlsFiles { certificate: certificate.into(), key: key.into() }),
        (true, false) => {
            reader.problem("tls.certificate", "must be given too: tls.key is");
            None
        }
        (false, true) => {
            reader.problem("tls.key", "must be given too: tls.certificate is");
            None
        }
    };
    let redirect = reader.text("tls.redirect_listen");
    let redirect_listen = redirect.parse().ok();
    if !redirect.is_empty() && redirect_listen.is_none() {
        reader.problem("tls.redirect_listen", "must be an address and a port: 0.0.0.0:80 or [::]:80");
    }
    if redirect_listen.is_some() && files.is_none() {
        reader
            .problem("tls.redirect_listen", "needs tls.certificate and tls.key: there is no https to send anybody to");
    }
    Tls { files, redirect_listen, hsts: reader.seconds("tls.hsts_seconds", 0..=315_360_000) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for text in ["127.0.0.1:8000", "[::]:443", "unix:/run/treebeard/http.sock", "unix:here.sock"] {
            assert_eq!(text.parse::<Listen>().map(|listen| listen.to_string()), Ok(text.to_owned()));
        }
        for wrong in ["", "8000", "localhost:8000", "unix:", "unix:/run/", "127.0.0.1"] {
            assert!(wrong.parse::<Listen>().is_err(), "{wrong}");
        }
    }
}
