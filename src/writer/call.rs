//! One call of the messages API over HTTP: bounded in time and size, and never a key in an error.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::time::Duration;
use ureq::http::HeaderValue;
use ureq::{Agent, Error};

/// The version of the API these requests and answers are of.
const API_VERSION: &str = "2023-06-01";
/// Most bytes of an answer that are read; a good one has two thousand.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// Why there is no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// 429, 529 or another 5xx: later perhaps.
    #[error("the service answers {status}")]
    Busy { status: u16, retry_after: Option<Duration> },
    /// Another status: the key, the model or the request is refused.
    #[error("the service refuses with {0}")]
    Refused(u16),
    /// No connection, a broken one, or no whole answer in time.
    #[error("the service cannot be reached: {0}")]
    Unreachable(&'static str),
    /// An answer without a whole text.
    #[error("the service's answer is {0}")]
    Unusable(&'static str),
}

impl Fault {
    /// Whether the same call may go well in a moment.
    pub fn may_pass(&self) -> bool {
        matches!(self, Fault::Busy { .. } | Fault::Unreachable("no connection"))
    }
}

pub struct Client {
    agent: Agent,
    url: String,
    key: SecretString,
}

#[derive(Deserialize)]
struct Message {
    content: Vec<Part>,
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    #[serde(default)]
    text: String,
}

impl Client {
    /// `patience` bounds a whole call, also one whose bytes come one by one.
    pub fn new(base_url: &str, key: SecretString, patience: Duration) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(patience))
            .timeout_connect(Some(CONNECT_MAX.min(patience)))
            .http_status_as_error(false)
            // The key goes to the configured address and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("treebeard/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client { agent, url: format!("{base_url}/v1/messages"), key }
    }

    /// The text the service answers with.
    pub fn text(&self, request: &[u8]) -> Result<String, Fault> {
        let body = self.send(request)?;
        let message: Message = serde_json::from_slice(&body).map_err(|_| Fault::Unusable("not of the API's shape"))?;
        if message.stop_reason.as_deref() != Some("end_turn") {
            return Err(Fault::Unusable("not finished"));
        }
        let parts: String =
            message.content.iter().filter(|part| part.r#type == "text").map(|part| part.text.as_str()).collect();
        Ok(parts.trim().to_owned())
    }

    /// The body of an answer of success.
    pub fn send(&self, request: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut key = HeaderValue::from_str(self.key.expose_secret()).map_err(|_| Fault::Refused(401))?;
        key.set_sensitive(true);
        let sent = self
            .agent
            .post(&self.url)
            .header("x-api-key", key)
            .header("anthropic-version", API_VERSION)
            .header("content-type", "application/json")
            .send(request);
        let mut answer = sent.map_err(|error| fault(&error))?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            let retry_after = answer.headers().get("retry-after").and_then(retry_after);
            let busy = status == 429 || status >= 500;
            return Err(if busy { Fault::Busy { status, retry_after } } else { Fault::Refused(status) });
        }
        answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(|error| fault(&error))
    }
}

/// Seconds, or an HTTP date; a date that is past means at once.
fn retry_after(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let wait = at.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// In words of our own: what a library says of a request could hold parts of it.
fn fault(error: &Error) -> Fault {
    match error {
        Error::BodyExceedsLimit(_) => Fault::Unusable("too long"),
        Error::Timeout(_) => Fault::Unreachable("no answer in time"),
        Error::HostNotFound => Fault::Unreachable("its host is not known"),
        Error::Tls(_) | Error::Rustls(_) => Fault::Unreachable("no trusted TLS connection"),
        Error::Io(_) | Error::ConnectionFailed => Fault::Unreachable("no connection"),
        Error::BadUri(_) | Error::Http(_) => Fault::Unreachable("its address is not valid"),
        _ => Fault::Unreachable("no proper HTTP answer"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let read = |text: &'static str| retry_after(&HeaderValue::from_static(text));
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert!(read("Wed, 01 Jan 2200 00:00:00 GMT").is_some_and(|wait| wait > Duration::from_secs(3_600)));
        assert_eq!(read("soon"), None);
    }
}
