//! The plain HTTP beside https: whatever is asked, the answer is where to ask it.

use crate::http::layers;
use crate::http::layers::request_id;
use crate::http::listener::Served;
use crate::http::problem::Problem;
use poem::endpoint::make;
use poem::http::{StatusCode, header};
use poem::{EndpointExt, Request, Response};
use std::sync::Arc;

/// Sends everybody on to the same path and query on https at `port`.
pub fn redirect(port: u16) -> Served {
    let answer = make(move |request: Request| async move { Ok::<_, poem::Error>(answer(&request, port)) });
    let hardened = layers::security_headers::layer(answer);
    let identified = layers::request_id::layer(hardened);
    Served { endpoint: Arc::new(identified.map_to_response().boxed()), lane: None }
}

fn answer(request: &Request, port: u16) -> Response {
    match host(request) {
        // 308: a POST stays a POST.
        Some(host) => Response::builder()
            .status(StatusCode::PERMANENT_REDIRECT)
            .header(header::LOCATION, location(host, port, request))
            .finish(),
        None => {
            let message = "This port only leads to https, and the request names no host. Ask at the https address.";
            Problem::new(StatusCode::BAD_REQUEST, message).into_response(&request_id::of(request))
        }
    }
}

fn location(host: &str, port: u16, request: &Request) -> String {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    // `*` is asked with OPTIONS only; it is no path.
    let path = if path.starts_with('/') { path } else { "/" };
    if port == 443 { format!("https://{host}{path}") } else { format!("https://{host}:{port}{path}") }
}

/// The name the client knows us by, without a port.
fn host(request: &Request) -> Option<&str> {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().host())?;
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bracketed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let fits = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)),
    };
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::Uri;

    #[test]
    fn the_way_leads_to_the_same_page_under_the_same_name() {
        for (host_header, port, path, expected) in [
            ("app.example.org", 443, "/a/b?c=d&e=%20", Some("https://app.example.org/a/b?c=d&e=%20")),
            ("app.example.org:80", 8443, "/", Some("https://app.example.org:8443/")),
            ("[::1]:80", 443, "/x", Some("https://[::1]/x")),
            ("127.0.0.1", 443, "/x", Some("https://127.0.0.1/x")),
            ("evil.example/\\@x", 443, "/x", None),
            ("", 443, "/x", None),
            ("[nonsense]", 443, "/x", None),
        ] {
            let request = Request::builder().uri(Uri::from_static(path)).header(header::HOST, host_header).finish();
            let found = host(&request).map(|host| location(host, port, &request));
            assert_eq!(found.as_deref(), expected, "{host_header}");
        }
    }
}
