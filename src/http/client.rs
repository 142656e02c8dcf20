//! Where a request came from: the peer, unless the peer is a proxy of ours, then the last address it vouches for.

use crate::app::sessions::Device;
use crate::config::Network;
use poem::http::{HeaderMap, header};
use poem::web::RemoteAddr;
use poem::{Addr, FromRequest, Request, RequestBody};
use std::net::IpAddr;
use std::sync::Arc;

const FORWARDED: &str = "x-forwarded-for";
const USER_AGENT_CHARS_MAX: usize = 200;

/// The client's address; `None` where there is none: a peer on a Unix socket has none of its own, and is a proxy of
/// ours, for the file's permissions say who may be one.
pub fn address(peer: &RemoteAddr, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    match &peer.0 {
        Addr::SocketAddr(peer) => behind_proxies(Some(peer.ip()), headers, proxies),
        Addr::Unix(_) => behind_proxies(None, headers, proxies),
        Addr::Custom(..) => None,
    }
}

fn behind_proxies(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[Network]) -> Option<IpAddr> {
    let is_proxy = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut nearest = peer.map(|peer| peer.to_canonical());
    if nearest.is_some_and(|peer| !is_proxy(peer)) {
        return nearest;
    }
    let fields = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = fields.flat_map(|list| list.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        // What stands left of something unreadable is worth nothing.
        let Ok(address) = hop.parse::<IpAddr>() else { break };
        nearest = Some(address.to_canonical());
        if !is_proxy(address.to_canonical()) {
            break;
        }
    }
    nearest
}

/// What a session remembers of the client that began it.
pub struct From(pub Device);

impl<'a> FromRequest<'a> for From {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let proxies = request.data::<Arc<crate::app::App>>().map(|app| app.current().server.trusted_proxies.clone());
        let ip = address(request.remote_addr(), request.headers(), &proxies.unwrap_or_default())
            .map(|address| address.to_string());
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
        let cases: [(Option<&str>, &[&'static str], Option<&str>); 9] = [
            (Some("203.0.113.9"), &["198.51.100.1"], Some("203.0.113.9")),
            (Some("10.0.0.1"), &["198.51.100.1"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["6.6.6.6, 198.51.100.1, 10.2.2.2"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["6.6.6.6", "198.51.100.1"], Some("198.51.100.1")),
            (Some("10.0.0.1"), &["198.51.100.1, nonsense, 10.2.2.2"], Some("10.2.2.2")),
            (Some("10.0.0.1"), &[], Some("10.0.0.1")),
            // On a Unix socket.
            (None, &["6.6.6.6, 198.51.100.1"], Some("198.51.100.1")),
            (None, &["6.6.6.6, 10.2.2.2"], Some("6.6.6.6")),
            (None, &[], None),
        ];
        for (peer, forwarded, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED, HeaderValue::from_static(value));
            }
            let address = peer.map(|peer| peer.parse().expect("an address"));
            let seen = behind_proxies(address, &headers, &proxies);
            assert_eq!(seen.map(|address| address.to_string()).as_deref(), expected, "{peer:?} {forwarded:?}");
        }
    }
}
