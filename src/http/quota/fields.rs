//! The limits on an answer: the `X-RateLimit-*` headers older clients read, and the `RateLimit` and `RateLimit-Policy`
//! fields of draft-ietf-httpapi-ratelimit-headers-10.

use crate::http::quota::Standing;
use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::time::Duration;

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const LIMIT_USER: HeaderName = HeaderName::from_static("x-ratelimit-limit-user");
const LIMIT_IP: HeaderName = HeaderName::from_static("x-ratelimit-limit-ip");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// Whole seconds that are not too few.
pub fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Writes nothing where no limit was met. `now` is in seconds since 1970.
pub fn write(headers: &mut HeaderMap, standings: &[Standing], user_limit: u32, ip_limit: u32, now: i64) {
    // Whoever reads one limit only should read the one met first.
    let Some(tightest) = standings.iter().min_by_key(|standing| (standing.taken.admitted, standing.taken.remaining))
    else {
        return;
    };
    let wait = seconds(tightest.taken.wait);
    headers.insert(LIMIT, tightest.taken.limit.into());
    headers.insert(REMAINING, tightest.taken.remaining.into());
    headers.insert(RESET, now.saturating_add_unsigned(wait).into());
    headers.insert(LIMIT_USER, user_limit.into());
    headers.insert(LIMIT_IP, ip_limit.into());
    if is_shared(headers) {
        return;
    }
    let policies = standings.iter().map(|Standing { class, taken }| {
        format!("\"{}\";q={};w={}", class.name(), taken.limit, class.window().as_secs())
    });
    let states = standings.iter().map(|Standing { class, taken }| {
        format!("\"{}\";r={};t={}", class.name(), taken.remaining, seconds(taken.wait))
    });
    for (name, items) in [(POLICY, policies.collect::<Vec<_>>()), (STATE, states.collect())] {
        if let Ok(value) = HeaderValue::from_str(&items.join(", ")) {
            headers.insert(name, value);
        }
    }
}

/// Whether a shared cache may hand the answer to somebody else, whose limits are others.
fn is_shared(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(',').any(|part| part.trim() == "public")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::quota::Class;
    use crate::http::quota::bucket::Taken;

    fn standing(class: Class, limit: u32, remaining: u32, wait_ms: u64) -> Standing {
        let taken = Taken { admitted: true, limit, remaining, wait: Duration::from_millis(wait_ms) };
        Standing { class, taken }
    }

    fn written(headers: &HeaderMap) -> Vec<(&str, &str)> {
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().expect("a text"))).collect()
    }

    #[test]
    fn the_limit_that_is_met_first_is_the_one_in_the_old_headers() {
        let standings = [standing(Class::Ip, 1_000, 40, 3_600), standing(Class::User, 100, 57, 600)];
        let mut headers = HeaderMap::new();
        write(&mut headers, &standings, 100, 1_000, 1_790_000_000);
        let expected = [
            ("x-ratelimit-limit", "1000"),
            ("x-ratelimit-remaining", "40"),
            ("x-ratelimit-reset", "1790000004"),
            ("x-ratelimit-limit-user", "100"),
            ("x-ratelimit-limit-ip", "1000"),
            ("ratelimit-policy", "\"ip\";q=1000;w=3600, \"user\";q=100;w=60"),
            ("ratelimit", "\"ip\";r=40;t=4, \"user\";r=57;t=1"),
        ];
        assert_eq!(written(&headers), expected);
    }

    #[test]
    fn an_answer_a_shared_cache_may_keep_has_no_rate_limit_fields() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0"));
        write(&mut headers, &[standing(Class::Ip, 10, 9, 1)], 1, 10, 0);
        assert!(headers.contains_key(REMAINING));
        assert!(!headers.contains_key(STATE) && !headers.contains_key(POLICY));
    }
}
