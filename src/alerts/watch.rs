//! What of the rules is broken, since when, and what of that is news.

use crate::alerts::reading::{Reading, Window};
use crate::alerts::rules::{RULES, RULES_COUNT, Rule};
use jiff::{SignedDuration, Timestamp};

/// What lasts is told again after this.
const TOLD_AGAIN: SignedDuration = SignedDuration::from_hours(4);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Quiet,
    /// The limit is broken, but not long enough.
    Pending,
    Firing,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Quiet => "quiet",
            State::Pending => "pending",
            State::Firing => "firing",
        }
    }
}

/// How one rule stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    pub state: State,
    /// At the last look; `None` where there is nothing to judge.
    pub value: Option<f64>,
    /// Since when its limit is broken.
    pub since: Option<Timestamp>,
    told_at: Option<Timestamp>,
}

const QUIET: Standing = Standing { state: State::Quiet, value: None, since: None, told_at: None };

/// Something to tell.
pub struct Change {
    pub rule: &'static Rule,
    /// It fires, or it fires no more.
    pub firing: bool,
    /// Now; `None`: there is nothing to judge any more.
    pub value: Option<f64>,
    /// When its limit was first broken.
    pub since: Timestamp,
    pub at: Timestamp,
}

/// Looks at readings one after the other.
#[derive(Debug, Clone)]
pub struct Watch {
    window: Window,
    standings: [Standing; RULES_COUNT],
}

impl Default for Watch {
    fn default() -> Self {
        Watch { window: Window::default(), standings: [QUIET; RULES_COUNT] }
    }
}

impl Watch {
    /// What is news after this reading.
    pub fn look(&mut self, reading: Reading) -> Vec<Change> {
        let at = reading.at;
        self.window.push(reading);
        let mut changes = Vec::new();
        for (rule, standing) in RULES.iter().zip(&mut self.standings) {
            let value = (rule.value)(&self.window);
            let broken = value.is_some_and(|value| rule.limit.is_broken_by(value));
            let before = *standing;
            *standing = next(before, rule, broken, at);
            standing.value = value;
            let is_news = standing.state == State::Firing
                && before.told_at.is_none_or(|told| at.duration_since(told) >= TOLD_AGAIN);
            if is_news {
                standing.told_at = Some(at);
                changes.push(Change { rule, firing: true, value, since: standing.since.unwrap_or(at), at });
            } else if let (State::Firing, State::Quiet, Some(since)) = (before.state, standing.state, before.since) {
                changes.push(Change { rule, firing: false, value, since, at });
            }
        }
        changes
    }

    /// Every rule with how it stands, in the order of the table.
    pub fn standings(&self) -> impl Iterator<Item = (&'static Rule, Standing)> {
        RULES.iter().zip(self.standings)
    }
}

fn next(before: Standing, rule: &Rule, broken: bool, at: Timestamp) -> Standing {
    if !broken {
        return QUIET;
    }
    let since = before.since.unwrap_or(at);
    let lasts = at.duration_since(since) >= SignedDuration::from_mins(rule.minutes);
    let state = if lasts || before.state == State::Firing { State::Firing } else { State::Pending };
    Standing { state, since: Some(since), ..before }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page on which all is well, `seconds` after its beginning.
    fn well(seconds: i64) -> Vec<(&'static str, f64)> {
        let grown = seconds as f64;
        vec![
            ("treebeard_http_requests_total{status=\"200\"}", 100.0 * grown),
            ("treebeard_http_requests_total{status=\"500\"}", grown),
            ("treebeard_http_request_duration_seconds_bucket{le=\"1.0\"}", 80.0 * grown),
            ("treebeard_http_request_duration_seconds_bucket{le=\"2.0\"}", 101.0 * grown),
            ("treebeard_http_request_duration_seconds_bucket{le=\"3.0\"}", 101.0 * grown),
            ("treebeard_http_request_duration_seconds_bucket{le=\"5.0\"}", 101.0 * grown),
            ("treebeard_http_request_duration_seconds_bucket{le=\"+Inf\"}", 101.0 * grown),
            ("treebeard_store_up", 1.0),
            ("treebeard_store_pool_connections{state=\"busy\"}", 4.0),
            ("treebeard_store_pool_connections{state=\"idle\"}", 4.0),
            ("treebeard_store_waiting{kind=\"write\"}", 10.0),
            ("treebeard_rate_limit_refusals_total{limit=\"ip\"}", 0.5 * grown),
            ("treebeard_cache_hits_total{cache=\"catalog\"}", 80.0 * grown),
            ("treebeard_cache_misses_total{cache=\"catalog\"}", 20.0 * grown),
            ("treebeard_disk_free_bytes", 500.0),
            ("treebeard_disk_size_bytes", 1_000.0),
            ("treebeard_process_resident_memory_bytes", 500.0),
            ("treebeard_process_memory_limit_bytes", 1_000.0),
            ("treebeard_process_cpu_seconds_total", 0.5 * grown),
            ("treebeard_process_cpus", 2.0),
            ("treebeard_backup_ok", 1.0),
            ("treebeard_backup_last_success_timestamp_seconds", 1e9),
            ("treebeard_tls_certificate_expiry_timestamp_seconds", 1e9 + 90.0 * 86_400.0),
            ("treebeard_explanation_calls_total{outcome=\"answered\"}", grown),
            ("treebeard_explanation_calls_total{outcome=\"failed\"}", 0.0),
            ("treebeard_explanation_breaker{state=\"open\"}", 0.0),
            ("treebeard_audit_chain_ok", 1.0),
            ("treebeard_audit_head_seq", 1_000.0 + grown),
        ]
    }

    /// A series, and its value after so many seconds.
    type Fault = (&'static str, fn(f64) -> f64);

    /// What breaks each rule.
    const FAULTS: [(&str, Fault); 21] = [
        ("HighErrorRate", ("treebeard_http_requests_total{status=\"500\"}", |seconds| 3.0 * seconds)),
        ("VeryHighErrorRate", ("treebeard_http_requests_total{status=\"500\"}", |seconds| 6.0 * seconds)),
        ("SlowAnswers", ("treebeard_http_request_duration_seconds_bucket{le=\"2.0\"}", |seconds| 90.0 * seconds)),
        ("VerySlowAnswers", ("treebeard_http_request_duration_seconds_bucket{le=\"+Inf\"}", |seconds| 110.0 * seconds)),
        ("StoreDown", ("treebeard_store_up", |_| 0.0)),
        ("PoolSaturated", ("treebeard_store_pool_connections{state=\"busy\"}", |_| 400.0)),
        ("WriterSaturated", ("treebeard_store_waiting{kind=\"write\"}", |_| 101.0)),
        ("ManyRefusals", ("treebeard_rate_limit_refusals_total{limit=\"ip\"}", |seconds| 2.0 * seconds)),
        ("LowHitRate", ("treebeard_cache_misses_total{cache=\"catalog\"}", |seconds| 80.0 * seconds)),
        ("DiskLow", ("treebeard_disk_free_bytes", |_| 99.0)),
        ("DiskFull", ("treebeard_disk_free_bytes", |_| 29.0)),
        ("HighMemory", ("treebeard_process_resident_memory_bytes", |_| 801.0)),
        ("HighCpu", ("treebeard_process_cpu_seconds_total", |seconds| 1.5 * seconds)),
        ("BackupFailed", ("treebeard_backup_ok", |_| 0.0)),
        ("BackupOld", ("treebeard_backup_last_success_timestamp_seconds", |_| 1e9 - 36.0 * 3_600.0 - 60.0)),
        ("CertificateExpires", ("treebeard_tls_certificate_expiry_timestamp_seconds", |_| 1e9 + 13.0 * 86_400.0)),
        ("CertificateExpiresSoon", ("treebeard_tls_certificate_expiry_timestamp_seconds", |_| 1e9 + 2.0 * 86_400.0)),
        ("ModelFailing", ("treebeard_explanation_calls_total{outcome=\"failed\"}", |seconds| 2.0 * seconds)),
        ("ModelLeftAlone", ("treebeard_explanation_breaker{state=\"open\"}", |_| 1.0)),
        ("AuditChainBroken", ("treebeard_audit_chain_ok", |_| 0.0)),
        ("AuditLogShrank", ("treebeard_audit_head_seq", |seconds| 1_000.0 - seconds)),
    ];

    /// Looks every half minute for an hour; says what was told, with the minute.
    fn watched(fault: Option<Fault>, ends_after: i64) -> Vec<(i64, &'static str, bool)> {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for seconds in (30..=3_600).step_by(30) {
            let mut page = String::new();
            for (series, value) in well(seconds) {
                let broken = fault.filter(|(name, _)| *name == series && seconds <= ends_after);
                let value = broken.map_or(value, |(_, value)| value(seconds as f64));
                page += &format!("{series} {value}\n");
            }
            let at = Timestamp::from_second(1_000_000_000 + seconds).expect("a time");
            let changes = watch.look(Reading::of(&page, at));
            told.extend(changes.iter().map(|change| (seconds / 60, change.rule.name, change.firing)));
        }
        told
    }

    #[test]
    fn nothing_is_told_while_all_is_well() {
        assert_eq!(watched(None, 0), []);
    }

    #[test]
    fn every_rule_fires_when_its_limit_is_broken_long_enough_and_is_told_once() {
        for (name, fault) in FAULTS {
            let told = watched(Some(fault), i64::MAX);
            let rule = RULES.iter().find(|rule| rule.name == name).expect("a rule");
            let firing: Vec<i64> = told.iter().filter(|news| news.1 == name && news.2).map(|news| news.0).collect();
            assert_eq!(firing.len(), 1, "{name}: {told:?}");
            assert!(
                (rule.minutes..=rule.minutes + 11).contains(&firing[0]),
                "{name} fired after {} minutes",
                firing[0]
            );
            // The weaker rule of a pair fires with the stronger one; nothing else does.
            let severer =
                [("HighErrorRate", "VeryHighErrorRate"), ("SlowAnswers", "VerySlowAnswers"), ("DiskLow", "DiskFull")];
            let with = |other: &str| {
                severer.contains(&(other, name)) || (other, name) == ("CertificateExpires", "CertificateExpiresSoon")
            };
            assert!(told.iter().all(|news| news.1 == name || with(news.1)), "{name}: {told:?}");
        }
        assert_eq!(FAULTS.map(|fault| fault.0), RULES.each_ref().map(|rule| rule.name), "each rule has a fault");
    }

    #[test]
    fn what_is_over_is_told_and_what_was_short_is_not() {
        let down: Fault = ("treebeard_store_up", |_| 0.0);
        assert_eq!(watched(Some(down), 600), [(0, "StoreDown", true), (10, "StoreDown", false)]);
        let busy: Fault = ("treebeard_store_waiting{kind=\"write\"}", |_| 500.0);
        assert_eq!(watched(Some(busy), 240), []);
    }

    #[test]
    fn what_lasts_is_told_again_after_four_hours() {
        let mut watch = Watch::default();
        let mut told = Vec::new();
        for minute in 0..=600 {
            let at = Timestamp::from_second(minute * 60).expect("a time");
            let changes = watch.look(Reading::of("treebeard_store_up 0\n", at));
            told.extend(changes.iter().map(|change| (minute, change.since.as_second())));
        }
        assert_eq!(told, [(0, 0), (240, 0), (480, 0)]);
    }
}
