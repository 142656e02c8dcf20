//! One look at the metrics page, with what the rules need of it; and how figures changed over several.

use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};

/// How far back a rule can look.
const KEPT: SignedDuration = SignedDuration::from_mins(31);

/// Our name, the series' name, and the label whose value must begin so.
type Figure = (&'static str, &'static str, Option<(&'static str, &'static str)>);

/// What is taken from the page.
const FIGURES: [Figure; 23] = [
    ("requests", "treebeard_http_requests_total", None),
    ("failures", "treebeard_http_requests_total", Some(("status", "5"))),
    ("store_up", "treebeard_store_up", None),
    ("connections", "treebeard_store_pool_connections", None),
    ("connections_busy", "treebeard_store_pool_connections", Some(("state", "busy"))),
    ("writes_waiting", "treebeard_store_waiting", Some(("kind", "write"))),
    ("refusals", "treebeard_rate_limit_refusals_total", None),
    ("cache_hits", "treebeard_cache_hits_total", None),
    ("cache_misses", "treebeard_cache_misses_total", None),
    ("disk_free", "treebeard_disk_free_bytes", None),
    ("disk_size", "treebeard_disk_size_bytes", None),
    ("memory", "treebeard_process_resident_memory_bytes", None),
    ("memory_limit", "treebeard_process_memory_limit_bytes", None),
    ("cpu_seconds", "treebeard_process_cpu_seconds_total", None),
    ("cpus", "treebeard_process_cpus", None),
    ("backup_ok", "treebeard_backup_ok", None),
    ("backup_at", "treebeard_backup_last_success_timestamp_seconds", None),
    ("certificate_expires", "treebeard_tls_certificate_expiry_timestamp_seconds", None),
    ("model_calls", "treebeard_explanation_calls_total", None),
    ("model_failures", "treebeard_explanation_calls_total", Some(("outcome", "failed"))),
    ("breaker_open", "treebeard_explanation_breaker", Some(("state", "open"))),
    ("audit_ok", "treebeard_audit_chain_ok", None),
    ("audit_rows", "treebeard_audit_head_seq", None),
];
const BUCKETS: &str = "treebeard_http_request_duration_seconds_bucket";

/// What the page said at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    pub at: Timestamp,
    figures: BTreeMap<&'static str, f64>,
    /// Upper bounds of the time classes in seconds, and how many answers came by then.
    times: Vec<(f64, f64)>,
}

impl Reading {
    /// Of the page in either of its two forms. What it does not have is not there.
    pub fn of(page: &str, at: Timestamp) -> Self {
        let mut figures: BTreeMap<&'static str, f64> = BTreeMap::new();
        let mut times: Vec<(f64, f64)> = Vec::new();
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let Ok(value) = value.parse::<f64>() else { continue };
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            if name == BUCKETS {
                let bound = label(labels, "le").and_then(|bound| match bound {
                    "+Inf" => Some(f64::INFINITY),
                    bound => bound.parse().ok(),
                });
                if let Some(bound) = bound {
                    add(&mut times, bound, value);
                }
            }
            for (figure, _, _) in FIGURES.iter().filter(|(_, series, wanted)| {
                *series == name
                    && wanted
                        .is_none_or(|(key, start)| label(labels, key).is_some_and(|value| value.starts_with(start)))
            }) {
                *figures.entry(figure).or_default() += value;
            }
        }
        Reading { at, figures, times }
    }

    pub fn get(&self, figure: &str) -> Option<f64> {
        debug_assert!(FIGURES.iter().any(|(known, _, _)| *known == figure), "{figure} is read");
        self.figures.get(figure).copied()
    }
}

/// The value of a label in `a="1",b="2"}`. Ours hold no quotes.
fn label<'a>(labels: &'a str, key: &str) -> Option<&'a str> {
    let rest = labels.match_indices(key).find_map(|(at, _)| {
        let begins = at == 0 || labels[..at].ends_with([',', '{']);
        labels[at + key.len()..].strip_prefix("=\"").filter(|_| begins)
    })?;
    rest.split('"').next()
}

fn add(times: &mut Vec<(f64, f64)>, bound: f64, count: f64) {
    match times.binary_search_by(|(known, _)| known.total_cmp(&bound)) {
        Ok(place) => times[place].1 += count,
        Err(place) => times.insert(place, (bound, count)),
    }
}

/// The readings of the last half hour.
#[derive(Debug, Clone, Default)]
pub struct Window(VecDeque<Reading>);

impl Window {
    pub fn push(&mut self, reading: Reading) {
        let at = reading.at;
        self.0.push_back(reading);
        while self.0.front().is_some_and(|oldest| at.duration_since(oldest.at) > KEPT) {
            self.0.pop_front();
        }
    }

    pub fn newest(&self) -> Option<&Reading> {
        self.0.back()
    }

    pub fn now(&self, figure: &str) -> Option<f64> {
        self.newest()?.get(figure)
    }

    /// The first reading of the last `minutes`, if it is not the newest.
    fn oldest_within(&self, minutes: i64) -> Option<&Reading> {
        let newest = self.newest()?;
        let within = SignedDuration::from_mins(minutes);
        let oldest = self.0.iter().find(|reading| newest.at.duration_since(reading.at) <= within)?;
        (oldest.at < newest.at).then_some(oldest)
    }

    /// By how much a counter grew in the last `minutes`. One that was not there before began at 0.
    pub fn increase(&self, figure: &str, minutes: i64) -> Option<f64> {
        let before = self.oldest_within(minutes)?.get(figure).unwrap_or(0.0);
        Some((self.now(figure)? - before).max(0.0))
    }

    /// The same in a second.
    pub fn rate(&self, figure: &str, minutes: i64) -> Option<f64> {
        let took = self.newest()?.at.duration_since(self.oldest_within(minutes)?.at).as_secs_f64();
        Some(self.increase(figure, minutes)? / took)
    }

    /// How much smaller a figure is than it was at most in the last `minutes`; 0: it only grew.
    pub fn shrank(&self, figure: &str, minutes: i64) -> Option<f64> {
        let newest = self.newest()?;
        let within = SignedDuration::from_mins(minutes);
        let recent = self.0.iter().filter(|reading| newest.at.duration_since(reading.at) <= within);
        let most = recent.filter_map(|reading| reading.get(figure)).fold(f64::NEG_INFINITY, f64::max);
        Some((most - newest.get(figure)?).max(0.0))
    }

    /// The time by which so many of the answers of the last `minutes` had come, as Prometheus interpolates it.
    pub fn quantile(&self, share: f64, minutes: i64) -> Option<f64> {
        let (newest, oldest) = (self.newest()?, self.oldest_within(minutes)?);
        let before = |bound: f64| {
            oldest.times.iter().find(|(known, _)| known.total_cmp(&bound).is_eq()).map_or(0.0, |(_, count)| *count)
        };
        let counts: Vec<(f64, f64)> =
            newest.times.iter().map(|(bound, count)| (*bound, count - before(*bound))).collect();
        let all = counts.last()?.1;
        if all <= 0.0 {
            return None;
        }
        let rank = all * share;
        let place = counts.iter().position(|(_, count)| *count >= rank)?;
        let (upper, up_to) = counts[place];
        let (lower, below) = if place == 0 { (0.0, 0.0) } else { counts[place - 1] };
        // Longer than every class: at least the last bound.
        if upper.is_infinite() || up_to <= below {
            return Some(lower);
        }
        Some(lower + (upper - lower) * (rank - below) / (up_to - below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a time")
    }

    #[test]
    fn figures_are_summed_over_their_series() {
        let page = "# TYPE treebeard_http_requests_total counter\n\
                    treebeard_http_requests_total{method=\"GET\",route=\"/a\",status=\"200\"} 7\n\
                    treebeard_http_requests_total{method=\"GET\",route=\"/a\",status=\"503\"} 2\n\
                    treebeard_http_requests_total{method=\"GET\",route=\"/status=5\",status=\"404\"} 1\n\
                    treebeard_store_up 1\n# EOF\n";
        let reading = Reading::of(page, at(0));
        assert_eq!((reading.get("requests"), reading.get("failures")), (Some(10.0), Some(2.0)));
        assert_eq!((reading.get("store_up"), reading.get("audit_ok")), (Some(1.0), None));
    }

    #[test]
    fn counters_grow_between_the_first_and_the_last_reading_of_the_time() {
        let mut window = Window::default();
        for (seconds, count) in [(0, 100), (60, 130), (300, 190), (360, 220)] {
            window
                .push(Reading::of(&format!("treebeard_http_requests_total{{status=\"200\"}} {count}\n"), at(seconds)));
        }
        assert_eq!(window.increase("requests", 5), Some(90.0));
        assert_eq!(window.rate("requests", 5), Some(0.3));
        assert_eq!(window.increase("failures", 5), None, "there is no such series");
        assert_eq!(window.shrank("requests", 5), Some(0.0));
        window.push(Reading::of("treebeard_http_requests_total{status=\"500\"} 50\n", at(361)));
        assert_eq!(window.increase("failures", 5), Some(50.0), "a new series began at 0");
        assert_eq!(window.shrank("requests", 5), Some(170.0));
        window.push(Reading::of("", at(10_000)));
        assert_eq!(window.increase("requests", 5), None, "what is old is forgotten");
    }

    #[test]
    fn a_quantile_is_that_of_the_answers_of_the_time() {
        let page = |counts: [u32; 4]| {
            let bounds = ["1.0", "2.0", "3.0", "+Inf"];
            let line = |(bound, count)| format!("{BUCKETS}{{route=\"/a\",le=\"{bound}\"}} {count}\n");
            bounds.iter().zip(counts).map(line).collect::<String>()
        };
        let mut window = Window::default();
        window.push(Reading::of(&page([1_000, 1_000, 1_000, 1_000]), at(0)));
        assert_eq!(window.quantile(0.95, 5), None, "one reading tells no time");
        window.push(Reading::of(&page([1_080, 1_090, 1_100, 1_100]), at(60)));
        assert_eq!(window.quantile(0.95, 5), Some(2.5));
        assert_eq!(window.quantile(0.5, 5), Some(0.625));
        window.push(Reading::of(&page([1_080, 1_090, 1_100, 1_900]), at(120)));
        assert_eq!(window.quantile(0.95, 5), Some(3.0), "more than the last bound");
    }
}
