//! The figures as text: OpenMetrics as the library writes it, and the older Prometheus format made from that.

use poem::http::{HeaderMap, header};
use std::fmt::Write;

/// Whether the client names OpenMetrics, as Prometheus itself does.
pub fn wants_openmetrics(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| range.trim().starts_with("application/openmetrics-text"))
}

/// The samples are the same in both formats; only families are named otherwise: a counter after its samples, `_total`
/// included, and build facts as a gauge.
pub fn classic(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len() + 1_024);
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(told) = line.strip_prefix("# HELP ") {
            help = told.split_once(' ').map(|(_, told)| told);
        } else if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap_or((family, "untyped"));
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            let help = help.take().unwrap_or_default();
            let _ = writeln!(text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_named_as_their_samples_are() {
        let openmetrics = "# HELP tree_requests Requests answered.\n# TYPE tree_requests counter\n\
                           tree_requests_total{route=\"none\"} 3\n# HELP tree_build The program.\n# TYPE tree_build info\n\
                           tree_build_info{version=\"1\"} 1\n# HELP tree_bytes Size.\n# TYPE tree_bytes gauge\n\
                           # UNIT tree_bytes bytes\ntree_bytes 7\n# EOF\n";
        let expected = "# HELP tree_requests_total Requests answered.\n# TYPE tree_requests_total counter\n\
                        tree_requests_total{route=\"none\"} 3\n# HELP tree_build_info The program.\n\
                        # TYPE tree_build_info gauge\ntree_build_info{version=\"1\"} 1\n# HELP tree_bytes Size.\n\
                        # TYPE tree_bytes gauge\ntree_bytes 7\n";
        assert_eq!(classic(openmetrics), expected);
    }
}
