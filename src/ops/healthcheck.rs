//! One question to a running service, for those who keep it running: are you ready for work.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Scheme, host and port, without a path.
    Url(String),
    Socket(PathBuf),
}

const PATH: &str = "/health/ready";
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// The status of its answer to "are you ready", or why there is none.
pub fn ask(place: &Place, patience: Duration) -> Result<u16, String> {
    match place {
        Place::Url(url) => ask_url(url, patience),
        Place::Socket(path) => ask_socket(path, patience).map_err(|error| error.to_string()),
    }
}

fn ask_url(url: &str, patience: Duration) -> Result<u16, String> {
    // It is asked by an address that its certificate does not name, and nothing secret is said.
    let tls = ureq::tls::TlsConfig::builder().disable_verification(true).build();
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .tls_config(tls)
        .build();
    let answer = ureq::Agent::new_with_config(config).get(format!("{url}{PATH}")).call();
    answer.map(|answer| answer.status().as_u16()).map_err(|error| error.to_string())
}

fn ask_socket(path: &Path, patience: Duration) -> io::Result<u16> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    write!(stream, "GET {PATH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it does not speak HTTP"))
}
