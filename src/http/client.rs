//! Where a request came from: the peer, unless the peer is a proxy of ours, then the last address it vouches for.

use crate::app::sessions::Device;
use crate::config::Network;
use poem::http::{HeaderMap, header};
use poem::{Addr, FromRequest, Request, RequestBody};
use std::net::IpAddr;
use std::sync::Arc;

const FORWARDED: &str = "x-forwarded-for";
const USER_AGENT_CHARS_MAX: usize = 200;

/// The client's address; `None` where there is none (a Unix socket).
pub fn address(request: &Request, proxies: &[Network]) -> Option<IpAddr> {
    match &request.remote_addr().0 {
        Addr::SocketAddr(peer) => Some(behind_proxies(peer.ip(), request.headers(), proxies)),
        _ => None,
    }
}

fn behind_proxies(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let peer = peer.to_canonical();
    if !is_proxy(peer) {
        return peer;
    }
    let fields = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = fields.flat_map(|list| list.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        // What stands left of something unreadable is worth nothing.
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        nearest = address.to_canonical();
        if !is_proxy(nearest) {
            break;
        }
    }
    nearest
}

/// What a session remembers of the client that began it.
pub struct From(pub Device);

impl<'a> FromRequest<'a> for From {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let proxies = request.data::<Arc<crate::app::App>>().map(|app| app.config.server.trusted_proxies.clone());
        let ip = address(request, &proxies.unwrap_or_default()).map(|address| address.to_string());
        let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let user_agent =
            agent.map(|agent| agent.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect());
        Ok(From(Device { ip, user_agent }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;
    #[test]
    fn only_our_own_proxies_are_believed_and_only_up_to_the_last_foreign_hop() {
        let proxies: Vec<Network> = vec!["10.0.0.0/8".parse().expect("a network")];
        let cases: [(&str, &[&'static str], &str); 6] = [
            ("203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.2.2.2"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense, 10.2.2.2"], "10.2.2.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ];
        for (peer, forwarded, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED, HeaderValue::from_static(value));
            }
            let seen = behind_proxies(peer.parse().expect("an address"), &headers, &proxies);
            assert_eq!(seen.to_string(), expected, "{peer} {forwarded:?}");
        }
    }
}
