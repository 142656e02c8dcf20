//! One keep-alive HTTP/1.1 connection to one address, opened again when the service closes it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time;

/// A call that has no answer by then counts as unanswered.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the service is, looked up once: a name cannot lead elsewhere later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub address: SocketAddr,
    /// As it was written, for the `Host` header.
    pub authority: String,
}

impl Target {
    /// Whether the load stays on this machine.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let Some(authority) = url.strip_prefix("http://") else {
            return Err("write it as http://HOST:PORT; TLS is not spoken, so measure behind what ends it".to_owned());
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.is_empty() || authority.contains(['/', '?', '#', '@']) {
            return Err("write it as http://HOST:PORT, without a path or a name to sign in as".to_owned());
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let place = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let found: Vec<SocketAddr> =
            place.to_socket_addrs().map_err(|error| format!("{authority} is not found: {error}"))?.collect();
        // An address on this machine only counts if the name means no other.
        let chosen = found.iter().find(|address| !address.ip().is_loopback()).or(found.first());
        let address = *chosen.ok_or_else(|| format!("{authority} has no address"))?;
        Ok(Target { address, authority: authority.to_owned() })
    }
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: Method,
    pub path: String,
    /// A whole `Authorization` header.
    pub bearer: Option<String>,
    /// JSON.
    pub body: Option<String>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Call { method: Method::GET, path: path.into(), bearer: None, body: None }
    }

    pub fn json(method: Method, path: impl Into<String>, body: &serde_json::Value) -> Self {
        Call { method, path: path.into(), bearer: None, body: Some(body.to_string()) }
    }

    pub fn signed(self, bearer: &str) -> Self {
        Call { bearer: Some(bearer.to_owned()), ..self }
    }
}

/// One answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// From handing the request over to the last byte of the answer.
    pub took: Duration,
}

/// A connection, or the wish to have one.
pub struct Client {
    target: Target,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn new(target: Target) -> Self {
        Client { target, sender: None }
    }

    /// `None`: no connection, no whole answer, or none in time. Nothing is sent twice.
    pub async fn send(&mut self, call: Call) -> Option<Answer> {
        let started = Instant::now();
        let answer = time::timeout(PATIENCE, self.exchange(call)).await.ok().flatten();
        if answer.is_none() {
            self.sender = None;
        }
        let (status, headers, body) = answer?;
        Some(Answer { status, headers, body, took: started.elapsed() })
    }

    async fn exchange(&mut self, call: Call) -> Option<(u16, HeaderMap, Bytes)> {
        let request = self.request(call)?;
        let usable = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = Some(connect(self.target.address).await?);
        }
        let response = match self.sender.as_mut()?.try_send_request(request).await {
            Ok(response) => response,
            // The service had closed the connection, and not a byte was sent: a restart behind its socket looks so.
            Err(mut unsent) => {
                let request = unsent.take_message()?;
                self.sender = Some(connect(self.target.address).await?);
                self.sender.as_mut()?.send_request(request).await.ok()?
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        Some((head.status.as_u16(), head.headers, body))
    }

    fn request(&self, call: Call) -> Option<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(call.method).uri(call.path);
        request = request.header(header::HOST, self.target.authority.as_str());
        if let Some(bearer) = &call.bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        if call.body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        request.body(Full::new(Bytes::from(call.body.unwrap_or_default()))).ok()
    }
}

async fn connect(address: SocketAddr) -> Option<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    // Ends with the sender, or when the service closes; either shows at the next call.
    tokio::spawn(connection);
    Some(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_looked_up_and_anything_else_is_refused() {
        let address =
            |url: &str| url.parse::<Target>().map(|target| (target.address.to_string(), target.is_loopback()));
        assert_eq!(address("http://127.0.0.1:8000/"), Ok(("127.0.0.1:8000".to_owned(), true)));
        assert_eq!(address("http://[::1]:9"), Ok(("[::1]:9".to_owned(), true)));
        assert_eq!(address("http://[::1]"), Ok(("[::1]:80".to_owned(), true)));
        assert_eq!(address("http://192.0.2.1"), Ok(("192.0.2.1:80".to_owned(), false)));
        for bad in ["https://127.0.0.1", "127.0.0.1:8000", "http://", "http://127.0.0.1/api", "http://me@127.0.0.1"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
