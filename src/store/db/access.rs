//! How a PostgreSQL server is reached: its address read, TLS as the address asks for it, the one function that connects.

use crate::store::db::postgres_types::{described, store_error};
use crate::store::db::server_certificate::{self, Trust};
use crate::store::error::{Cause, StoreError};
use postgres::config::{Host, SslMode as DriverMode};
use postgres::{Client, Config};
use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

/// After so long without a word from the server it is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What was sent and is not acknowledged for so long ends the connection.
const UNANSWERED_MAX: Duration = Duration::from_secs(30);
/// Parameters of an address that are read, beside `sslmode` and `sslrootcert`.
const KNOWN: [&str; 17] = [
    "user",
    "password",
    "dbname",
    "options",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "connect_timeout",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];
/// Others of PostgreSQL's own that people have in their addresses. What is in none of both lists is not repeated: it
/// may be part of a password.
const NOT_SUPPORTED: [&str; 12] = [
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "sslnegotiation",
    "ssl",
    "requiressl",
    "gssencmode",
    "service",
    "passfile",
    "replication",
];
const NOT_UNDERSTOOD: &str =
    "the PostgreSQL address is not understood; write postgres://USER:PASSWORD@HOST/DATABASE?sslmode=verify-full";

/// What an address asks of TLS, in PostgreSQL's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SslMode {
    Disable,
    /// TLS if the server offers it, with whatever certificate.
    Prefer,
    /// TLS with whatever certificate.
    Require,
    /// With a certificate of a known authority, for whatever name.
    VerifyCa,
    /// With a certificate of a known authority for the host's name.
    VerifyFull,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authorities {
    /// Those browsers believe.
    Public,
    /// Those in a PEM file.
    File(PathBuf),
}

/// What the TLS part of an address says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub mode: SslMode,
    pub authorities: Authorities,
}

/// An address understood: all that is needed to connect to it.
#[derive(Clone)]
pub struct Access {
    config: Config,
    tls: MakeRustlsConnect,
    asked: Asked,
}

/// How the session between this program and its server is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    pub asked: Asked,
    /// Over a socket file or the loopback address: no network is in between.
    pub stays_here: bool,
    /// `TLSv1.3`; `None`: what is sent can be read on the way.
    pub tls: Option<String>,
}

impl SslMode {
    const ALL: [SslMode; 5] =
        [SslMode::Disable, SslMode::Prefer, SslMode::Require, SslMode::VerifyCa, SslMode::VerifyFull];

    pub const fn as_str(self) -> &'static str {
        match self {
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }

    pub const fn verifies(self) -> bool {
        matches!(self, SslMode::VerifyCa | SslMode::VerifyFull)
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        SslMode::ALL.into_iter().find(|mode| mode.as_str() == word).ok_or_else(|| {
            let all: Vec<&str> = SslMode::ALL.iter().map(|mode| mode.as_str()).collect();
            refused(format_args!("sslmode in the PostgreSQL address must be one of {}", all.join(", ")))
        })
    }
}

impl Access {
    /// Reads an address and the certificates it names; nothing is connected yet.
    pub fn of(url: &str, connect_timeout: Duration) -> Result<Self, StoreError> {
        let (address, asked) = split(url)?;
        // The parser's message may repeat the password, so it is not passed on.
        let mut config: Config = address.parse().map_err(|_| refused(NOT_UNDERSTOOD))?;
        config.connect_timeout(connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("treebeard");
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNANSWERED_MAX);
        }
        if !address.contains("keepalives_idle=") {
            config.keepalives_idle(KEEPALIVE);
        }
        // As PostgreSQL's own programs do: a socket file needs no TLS, and the server has none there.
        let by_file = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(match asked.mode {
            _ if by_file && config.get_hostaddrs().is_empty() => DriverMode::Disable,
            SslMode::Disable => DriverMode::Disable,
            SslMode::Prefer => DriverMode::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverMode::Require,
        });
        let trust = match asked.mode {
            SslMode::VerifyFull => Trust::Named(&asked.authorities),
            SslMode::VerifyCa => Trust::Signed(&asked.authorities),
            SslMode::Disable | SslMode::Prefer | SslMode::Require => Trust::Anything,
        };
        let tls = MakeRustlsConnect::new(server_certificate::client(trust).map_err(StoreError::Refused)?);
        Ok(Access { config, tls, asked })
    }

    /// A new session. Blocks; not for a runtime thread, on which the session must not be dropped either.
    pub fn connect(&self) -> Result<Client, StoreError> {
        self.config.connect(self.tls.clone()).map_err(|error| self.told(&error))
    }

    /// How a session of it is protected.
    pub fn protection(&self, client: &mut Client) -> Result<Protection, StoreError> {
        let session = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl";
        let row = client.query_opt(session, &[]).map_err(|e| store_error(&e))?;
        let tls = row.map(|row| row.try_get(0)).transpose().map_err(|e| store_error(&e))?;
        let address = "SELECT coalesce(host(inet_client_addr()), '')";
        let row = client.query_one(address, &[]).map_err(|e| store_error(&e))?;
        let address: String = row.try_get(0).map_err(|e| store_error(&e))?;
        let loopback = address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        Ok(Protection { asked: self.asked.clone(), stays_here: address.is_empty() || loopback, tls })
    }

    fn told(&self, error: &postgres::Error) -> StoreError {
        if let Some(answer) = error.as_db_error() {
            return match store_error(error) {
                // Starting up, shutting down, too many sessions: another time.
                StoreError::Unavailable(cause) => StoreError::Unavailable(cause),
                // The server's own words: wrong password, unknown database, no entry in its pg_hba.conf.
                _ => refused(format_args!("PostgreSQL refuses the connection: {}", answer.message())),
            };
        }
        match fault_of_tls(error) {
            Some(fault) => refused(format_args!("{}: {}", self.hosts(), self.explained(fault))),
            None if offers_no_tls(error) => refused(format_args!(
                "{} offers no TLS, which sslmode={} asks for; set ssl = on in the server's postgresql.conf",
                self.hosts(),
                self.asked.mode.as_str()
            )),
            None => StoreError::Unavailable(Cause::new(described(error))),
        }
    }

    fn hosts(&self) -> String {
        let names: Vec<String> = (self.config.get_hosts().iter())
            .map(|host| match host {
                Host::Tcp(name) => name.clone(),
                Host::Unix(path) => path.display().to_string(),
            })
            .collect();
        format!("the PostgreSQL server {}", names.join(" or "))
    }

    fn explained(&self, fault: &TlsError) -> String {
        let known = match &self.asked.authorities {
            Authorities::Public => "a public authority; name the file of its authority with sslrootcert".to_owned(),
            Authorities::File(path) => format!("an authority in {} (sslrootcert)", path.display()),
        };
        match fault {
            TlsError::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature | CertificateError::Other(_),
            ) => format!("its certificate is not signed by {known}"),
            TlsError::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. }) => format!(
                "its certificate is for another name ({}); connect by the name in it, or have one made with the host's \
                 name as subject alternative name",
                if presented.is_empty() { "it has no subject alternative name".to_owned() } else { presented.join(", ") }
            ),
            TlsError::InvalidCertificate(CertificateError::NotValidForName) => {
                "its certificate is for another name; connect by the name in it".to_owned()
            }
            TlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                "its certificate has expired; give it a new one".to_owned()
            }
            TlsError::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
                "its certificate is not valid yet; compare the clocks of both machines".to_owned()
            }
            TlsError::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::HandshakeFailure) => {
                "it refuses TLS with this program; it must not ask for a certificate of its clients, and have TLS 1.2 or \
                 1.3"
                .to_owned()
            }
            other => format!("TLS with it fails: {other}"),
        }
    }
}

/// The address without what is ours to do, and that.
fn split(url: &str) -> Result<(String, Asked), StoreError> {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut authorities, mut kept) = (None, None, Vec::new());
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            "sslmode" => mode = Some(SslMode::parse(&decoded(value))?),
            "sslrootcert" => {
                authorities = Some(match decoded(value) {
                    path if path == "system" => Authorities::Public,
                    path => Authorities::File(PathBuf::from(path)),
                });
            }
            known if KNOWN.contains(&known) => kept.push(pair),
            other if NOT_SUPPORTED.contains(&other) => {
                return Err(refused(format_args!("{other} in the PostgreSQL address is not supported; leave it out")));
            }
            _ => return Err(refused(format_args!("{NOT_UNDERSTOOD}; it has an unknown parameter"))),
        }
    }
    let mode = match (mode, &authorities) {
        (None, None) => SslMode::Prefer,
        (None, Some(_)) => SslMode::VerifyFull,
        (Some(mode @ (SslMode::Disable | SslMode::Prefer)), Some(_)) => {
            return Err(refused(format_args!(
                "sslrootcert in the PostgreSQL address has no effect with sslmode={}; write sslmode=verify-full",
                mode.as_str()
            )));
        }
        // PostgreSQL's own programs do so: who names an authority wants it to count.
        (Some(SslMode::Require), Some(_)) => SslMode::VerifyCa,
        (Some(mode), _) => mode,
    };
    let address = if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
    Ok((address, Asked { mode, authorities: authorities.unwrap_or(Authorities::Public) }))
}

/// For PostgreSQL's own programs: the address without its TLS part, and that part.
pub fn for_programs(url: &str) -> Result<(String, Config, Asked), StoreError> {
    let (address, asked) = split(url)?;
    let config = address.parse().map_err(|_| refused(NOT_UNDERSTOOD))?;
    Ok((address, config, asked))
}

/// `%2F` is a slash; a plus sign is a plus sign.
fn decoded(value: &str) -> String {
    let one = format!("v={}", value.replace('+', "%2B"));
    form_urlencoded::parse(one.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn fault_of_tls(error: &postgres::Error) -> Option<&TlsError> {
    let mut next = error.source();
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(fault) = inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return Some(fault);
        }
        next = cause.source();
    }
    None
}

/// The driver has no other way to say so; a test sees to it that its words stay.
fn offers_no_tls(error: &postgres::Error) -> bool {
    error.source().is_some_and(|cause| cause.to_string() == "server does not support TLS")
}

fn refused(text: impl Display) -> StoreError {
    StoreError::Refused(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(url: &str) -> Result<(String, SslMode, Authorities), String> {
        split(url).map(|(address, asked)| (address, asked.mode, asked.authorities)).map_err(|error| error.to_string())
    }

    #[test]
    fn an_address_says_what_it_asks_of_tls() {
        let file = |path: &str| Authorities::File(PathBuf::from(path));
        for (parameters, rest, mode, authorities) in [
            ("", "", SslMode::Prefer, Authorities::Public),
            ("?sslmode=disable", "", SslMode::Disable, Authorities::Public),
            ("?port=1&sslmode=require&user=a", "?port=1&user=a", SslMode::Require, Authorities::Public),
            ("?sslmode=verify-full&sslrootcert=system", "", SslMode::VerifyFull, Authorities::Public),
            ("?sslmode=verify-ca&sslrootcert=/a%2Fb+c.pem", "", SslMode::VerifyCa, file("/a/b+c.pem")),
            ("?sslrootcert=ca.pem", "", SslMode::VerifyFull, file("ca.pem")),
            ("?sslmode=require&sslrootcert=ca.pem", "", SslMode::VerifyCa, file("ca.pem")),
        ] {
            let address = |parameters: &str| format!("postgres://a:b@c/d{parameters}");
            assert_eq!(asked(&address(parameters)), Ok((address(rest), mode, authorities)), "{parameters}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said_without_a_secret() {
        for (parameters, words) in [
            ("?sslmode=verify", "must be one of disable, prefer, require, verify-ca, verify-full"),
            ("?sslmode=allow", "must be one of"),
            ("?sslmode=prefer&sslrootcert=ca.pem", "no effect with sslmode=prefer"),
            ("?sslcert=mine.pem", "sslcert in the PostgreSQL address is not supported"),
            ("?password=a&secret=b", "has an unknown parameter"),
        ] {
            let error = asked(&format!("postgres://a:hidden@c/d{parameters}")).expect_err(parameters);
            assert!(error.contains(words), "{error}");
            assert!(!error.contains("hidden") && !error.contains("secret"), "{error}");
        }
    }
}
