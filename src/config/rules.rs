//! What production refuses: signing keys that can be guessed, and origins that let anyone in.

use std::collections::BTreeMap;

/// Bytes an acceptable signing key has at least: the output size of HMAC-SHA-256 (RFC 7518, 3.2).
pub const KEY_BYTES_MIN: usize = 32;

/// Bits of entropy by letter frequency. A random hexadecimal key of 32 characters has about 110, of 64 about 240.
const KEY_BITS_MIN: f64 = 90.0;

/// Words that stand in keys nobody has changed.
const PLACEHOLDERS: &[&str] = &[
    "change",
    "secret-key",
    "secret_key",
    "your-",
    "your_",
    "example",
    "default",
    "password",
    "insecure",
    "placeholder",
];

/// Why a key must not sign anything in production; `None` for a good one. Never repeats the key.
pub fn key_weakness(key: &str) -> Option<String> {
    if key.len() < KEY_BYTES_MIN {
        return Some(format!("is {} bytes long and needs at least {KEY_BYTES_MIN}", key.len()));
    }
    let lower = key.to_lowercase();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
        return Some("is a placeholder out of a manual".to_owned());
    }
    (entropy_bits(key) < KEY_BITS_MIN).then(|| "has too little variety to be random".to_owned())
}

/// Shannon's estimate over the characters, a repeated unit counted once and runs (abcd, 1234) not at all.
fn entropy_bits(key: &str) -> f64 {
    let all: Vec<char> = key.chars().collect();
    let unit = (1..=all.len()).find(|size| all.iter().zip(all.iter().skip(*size)).all(|(one, next)| one == next));
    let unit = &all[..unit.unwrap_or(all.len())];
    let steps = unit.windows(2).filter(|pair| (pair[1] as i64 - pair[0] as i64).abs() == 1).count();
    let counted = (unit.len() - steps) as f64;
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    for letter in unit {
        *counts.entry(*letter).or_default() += 1;
    }
    let per_letter: f64 = counts
        .values()
        .map(|count| {
            let share = f64::from(*count) / unit.len() as f64;
            -share * share.log2()
        })
        .sum();
    per_letter * counted
}

/// Why an origin is no origin at all, in any environment.
pub fn origin_fault(origin: &str) -> Option<String> {
    if origin == "*" {
        return None;
    }
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ', '*']) => None,
        _ => Some(format!("\"{origin}\" is not an origin: write scheme and host, such as https://app.example.org")),
    }
}

/// Whether an origin admits every site, or pages served from the visitor's own machine.
pub fn origin_is_open(origin: &str) -> bool {
    let host = origin.split_once("://").map_or(origin, |(_, host)| host).to_lowercase();
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or(bracketed),
        None => host.split(':').next().unwrap_or(&host),
    };
    let loopback = name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
    origin == "*" || loopback || name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_pass_and_guessable_ones_do_not() {
        let good = [
            "9f86d081884c7d659a2feaa0c55ad015",
            "q7Rr2ZV0m1XcW9sT5uYb8NaKdHf3JgLeP4oIxQvBzCk=",
            "7d0f5f3c8a4b4a1e9c2f6b8d1e3a5c7f9b0d2e4f6a8c1b3d5e7f9a0b2c4d6e8f",
        ];
        for key in good {
            assert_eq!(key_weakness(key), None, "{key}");
        }
        let weak = [
            "short",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabcabcabcabcabcabcabc",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "9f86d0819f86d0819f86d0819f86d0819f86d081",
            "your-secret-key-change-in-production-please",
        ];
        for key in weak {
            assert!(key_weakness(key).is_some(), "{key}");
        }
    }

    #[test]
    fn open_origins_are_known_by_every_spelling() {
        for open in [
            "*",
            "http://localhost:3000",
            "https://LOCALHOST",
            "http://127.0.0.1:8000",
            "http://[::1]:3000",
            "http://0.0.0.0",
        ] {
            assert!(origin_is_open(open), "{open}");
        }
        for closed in ["https://app.example.org", "https://localhost.example.org", "http://10.0.0.1:8080"] {
            assert!(!origin_is_open(closed), "{closed}");
        }
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for right in ["https://app.example.org", "http://10.0.0.1:8080", "*"] {
            assert_eq!(origin_fault(right), None);
        }
        for wrong in ["app.example.org", "https://app.example.org/", "ftp://x", "https://*.example.org", "https://"] {
            assert!(origin_fault(wrong).is_some(), "{wrong}");
        }
    }
}
