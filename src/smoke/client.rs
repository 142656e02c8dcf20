//! Requests to the service looked at, over HTTP or HTTPS; it remembers which answer took longest.

use crate::smoke::{Not, failed};
use serde_json::Value;
use std::time::{Duration, Instant};
use ureq::http::{HeaderMap, Response};
use ureq::tls::TlsConfig;
use ureq::{Agent, Body, Error};

/// A request that has no answer by then fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// No answer of ours is larger.
const ANSWER_BYTES_MAX: u64 = 32 << 20;
/// Of an answer that is not ours, so much is shown.
const SHOWN_MAX: usize = 120;

pub struct Client {
    agent: Agent,
    url: String,
    answers: u64,
    slowest: Option<(Duration, String)>,
}

/// What is sent.
#[derive(Clone, Copy, Default)]
pub struct Call<'a> {
    pub token: Option<&'a str>,
    /// With its media type.
    pub body: Option<(&'static str, &'a [u8])>,
}

/// An answer, read whole.
pub struct Answer {
    pub status: u16,
    headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(url: &str, check_certificate: bool) -> Self {
        let tls = TlsConfig::builder().disable_verification(!check_certificate).build();
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // What is looked at is this service, and no other that it names or that stands before it.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .tls_config(tls)
            .user_agent(concat!("treebeard-smoke/", env!("CARGO_PKG_VERSION")));
        Client { agent: config.build().new_agent(), url: url.to_owned(), answers: 0, slowest: None }
    }

    /// Whether there was no answer at all until now.
    pub fn found_nobody(&self) -> bool {
        self.answers == 0
    }

    pub fn is_https(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// The answer of the API that took longest, and what was asked.
    pub fn slowest(&self) -> Option<&(Duration, String)> {
        self.slowest.as_ref()
    }

    pub fn get(&mut self, path: &str) -> Result<Answer, Not> {
        self.send("GET", path, Call::default())
    }

    /// `method` is GET, POST or DELETE.
    pub fn send(&mut self, method: &str, path: &str, call: Call<'_>) -> Result<Answer, Not> {
        let (started, address) = (Instant::now(), format!("{}{path}", self.url));
        let (kind, bytes) = call.body.unwrap_or_default();
        let bearer = call.token.map(|token| format!("Bearer {token}"));
        let sent = match (method, call.body) {
            ("POST", _) | ("DELETE", Some(_)) => {
                let request = match method {
                    "POST" => self.agent.post(&address),
                    _ => self.agent.delete(&address).force_send_body(),
                };
                let request = if kind.is_empty() { request } else { request.header("content-type", kind) };
                let request = match &bearer {
                    Some(bearer) => request.header("authorization", bearer),
                    None => request,
                };
                request.send(bytes)
            }
            _ => {
                let request = if method == "DELETE" { self.agent.delete(&address) } else { self.agent.get(&address) };
                let request = match &bearer {
                    Some(bearer) => request.header("authorization", bearer),
                    None => request,
                };
                request.call()
            }
        };
        let answer = sent.and_then(Answer::read).or_else(|error| failed(no_answer(method, path, &error)))?;
        self.answers += 1;
        let took = started.elapsed();
        // Pages are made when they are first asked for; what is promised is the API's.
        let is_promised = path.starts_with("/api/") || path.starts_with("/health");
        if is_promised && self.slowest.as_ref().is_none_or(|(longest, _)| took > *longest) {
            self.slowest = Some((took, format!("{method} {}", path.split('?').next().unwrap_or_default())));
        }
        Ok(answer)
    }
}

impl Answer {
    fn read(response: Response<Body>) -> Result<Self, Error> {
        let (parts, mut body) = response.into_parts();
        let bytes = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `null` where it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// This answer, if it has the status it should.
    pub fn expect(self, status: u16) -> Result<Self, Not> {
        if self.status == status {
            return Ok(self);
        }
        let said = self.json()["message"].as_str().map_or_else(|| self.start(), str::to_owned);
        failed(format!("answered {} instead of {status}: {said}", self.status))
    }

    /// How its text begins, on one line.
    pub fn start(&self) -> String {
        let words: String = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown: String = words.chars().filter(|c| !c.is_control()).take(SHOWN_MAX).collect();
        if shown.is_empty() { "(nothing)".to_owned() } else { shown }
    }
}

fn no_answer(method: &str, path: &str, error: &Error) -> String {
    match error {
        Error::Timeout(_) => format!("{method} {path} has no answer within {} s", PATIENCE.as_secs()),
        error => format!("{method} {path} has no answer: {error}"),
    }
}
