//! Which content coding a client wants (RFC 9110, 12.5.3).

use crate::app::coding::Coding;
use poem::http::{HeaderMap, header};

/// What `Accept-Encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The coding to use; `None`: the bytes as they are.
    pub coding: Option<Coding>,
    /// Whether the bytes as they are were refused (`identity;q=0`).
    pub must: bool,
}

/// The coding with the greatest weight. A client that refuses everything gets the bytes as they are.
pub fn wanted(headers: &HeaderMap) -> Wanted {
    let mut weights: [Option<u32>; 3] = [None; 3];
    let (mut identity, mut others) = (None, None);
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for entry in listed.flat_map(|list| list.split(',')) {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(weight).unwrap_or(1_000);
        match name.as_str() {
            "identity" => identity = Some(weight),
            "*" => others = Some(weight),
            "x-gzip" => weights[Coding::Gzip as usize] = Some(weight),
            _ => {
                if let Some(coding) = Coding::ALL.into_iter().find(|coding| coding.name() == name) {
                    weights[coding as usize] = Some(weight);
                }
            }
        }
    }
    let weight_of = |coding: Coding| weights[coding as usize].or(others).unwrap_or(0);
    // The first of the greatest.
    let best = Coding::ALL.into_iter().rev().max_by_key(|coding| weight_of(*coding));
    let best = best.filter(|coding| weight_of(*coding) > 0);
    let plain = identity.or(others.filter(|weight| *weight == 0)).unwrap_or(1);
    // A client that lists identity above a coding wants no coding.
    let coding = best.filter(|coding| weight_of(*coding) >= plain || identity.is_none());
    Wanted { coding, must: plain == 0 && coding.is_some() }
}

/// `q=0.5` in thousandths. What is no weight counts as none given.
fn weight(parameter: &str) -> Option<u32> {
    let (name, value) = parameter.split_once('=')?;
    let value: f64 = value.trim().parse().ok()?;
    (name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&value)).then(|| (value * 1e3).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    fn of(text: &str) -> Wanted {
        let mut headers = HeaderMap::new();
        for value in text.split('|').filter(|value| !value.is_empty()) {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_str(value).expect("a value"));
        }
        wanted(&headers)
    }

    #[test]
    fn the_weights_decide_and_then_our_own_order() {
        let (br, zstd, gzip) = (Some(Coding::Brotli), Some(Coding::Zstd), Some(Coding::Gzip));
        for (text, coding, must) in [
            ("", None, false),
            ("gzip", gzip, false),
            ("gzip, deflate, br, zstd", br, false),
            ("gzip|zstd", zstd, false),
            ("br;q=0.5, gzip;q=0.8", gzip, false),
            ("br; Q=0.1, zstd;q=0.2", zstd, false),
            ("GZIP", gzip, false),
            ("x-gzip", gzip, false),
            ("*", br, false),
            ("*, br;q=0", zstd, false),
            ("gzip;q=0", None, false),
            ("*;q=0", None, false),
            ("identity", None, false),
            ("identity, gzip;q=0.5", None, false),
            ("identity;q=0.5, gzip;q=0.5", gzip, false),
            ("identity;q=0, gzip", gzip, true),
            ("*;q=0, gzip;q=0.1", gzip, true),
            ("identity;q=0", None, false),
            ("compress, deflate", None, false),
            ("gzip;q=nonsense", gzip, false),
        ] {
            assert_eq!(of(text), Wanted { coding, must }, "{text}");
        }
    }
}
