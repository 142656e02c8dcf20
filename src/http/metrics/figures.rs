//! The figures that are not counted but looked up when somebody asks: limits, caches, store, passwords, process.

use crate::app::App;
use crate::app::catalog::CacheFigures;
use crate::app::health::BreakerState;
use crate::http::listener;
use crate::http::quota::Limiter;
use crate::ops::process;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::Arc;

pub struct Figures {
    pub app: Arc<App>,
    pub limiter: Arc<Limiter>,
    pub listener: Arc<listener::Figures>,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Figures")
    }
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut page = Page(encoder);
        self.limits(&mut page)?;
        self.caches(&mut page)?;
        self.store(&mut page)?;
        self.nodes(&mut page)?;
        self.disk(&mut page)?;
        self.passwords(&mut page)?;
        self.audit(&mut page)?;
        self.explanations(&mut page)?;
        self.listener(&mut page)?;
        self.backups(&mut page)?;
        self.maintenance(&mut page)?;
        process_figures(&mut page)
    }
}

impl Figures {
    fn limits(&self, page: &mut Page) -> fmt::Result {
        let figures: Vec<_> = self.limiter.figures().collect();
        let refusals = figures.iter().map(|(class, refusals, _)| (class.name(), *refusals)).collect::<Vec<_>>();
        page.counters("rate_limit_refusals", "Requests refused, by limit", "limit", &refusals)?;
        let keys = figures.iter().map(|(class, _, keys)| (class.name(), *keys)).collect::<Vec<_>>();
        page.gauges("rate_limit_keys", "Clients and accounts a limit keeps count of", "limit", &keys)
    }

    fn caches(&self, page: &mut Page) -> fmt::Result {
        let caches = [("catalog", self.app.catalog.cache_figures()), ("recommendations", self.app.rankings.figures())];
        let of = |figure: fn(&CacheFigures) -> u64| caches.map(|(name, figures)| (name, figure(&figures)));
        page.counters("cache_hits", "Answers that were kept ready", "cache", &of(|cache| cache.hits))?;
        page.counters("cache_misses", "Answers that had to be made", "cache", &of(|cache| cache.misses))?;
        page.gauges("cache_entries", "Answers kept ready", "cache", &of(|cache| cache.entries))?;
        page.gauges("cache_bytes", "Size of the answers kept ready", "cache", &of(|cache| cache.bytes))
    }

    fn store(&self, page: &mut Page) -> fmt::Result {
        let store = self.app.store.figures();
        let waiting = [("read", store.reads_waiting), ("write", store.writes_waiting)];
        page.gauges("store_waiting", "Work that waits for a database thread", "kind", &waiting)?;
        let finished = [("kept", store.writes_kept), ("refused", store.writes_refused)];
        page.counters("store_writes", "Write transactions, kept or rolled back", "outcome", &finished)?;
        page.counter("store_commits", "Commits; kept writes by commits are the mean batch", store.commits)?;
        page.gauge("store_largest_batch", "Most writes one commit has carried", store.largest_batch)?;
        page.histogram("store_batch_size", "Writes by transaction", store.batched as f64, &store.batches)?;
        page.counter("store_panics", "Database closures that panicked", store.panics)?;
        let idle = store.threads.saturating_sub(store.threads_busy);
        let threads = [("busy", store.threads_busy), ("idle", idle)];
        page.gauges("store_pool_connections", "Database connections, each with its thread", "state", &threads)?;
        self.app.store_answered().map_or(Ok(()), |answered| {
            page.gauge("store_up", "0 while the database does not answer", u64::from(answered))
        })
    }

    /// Nothing where there can be no other node.
    fn nodes(&self, page: &mut Page) -> fmt::Result {
        let Some(figures) = self.app.store.nodes().figures() else { return Ok(()) };
        page.gauge("node_leads", "1 on the node that does what is done once", u64::from(figures.leads))?;
        page.gauge("node_hears", "0 while changes made by other nodes are looked for", u64::from(figures.hears))?;
        page.counter("node_news", "Changes the nodes told each other", figures.heard)
    }

    /// Where the data lies.
    fn disk(&self, page: &mut Page) -> fmt::Result {
        let disk = self.app.disk();
        if let Some((free, size)) = disk.free_bytes.zip(disk.size_bytes) {
            page.gauge("disk_free_bytes", "Free where the data lies", free)?;
            page.gauge("disk_size_bytes", "Size of that file system", size)?;
        }
        Ok(())
    }

    fn listener(&self, page: &mut Page) -> fmt::Result {
        let listener = &self.listener;
        page.counter("connections_accepted", "Connections taken", listener.connections())?;
        page.gauge("connections_open", "Connections now", listener.open())?;
        let max = self.app.config.server.connections_max as u64;
        page.gauge("connections_max", "Connections served at once at most", max)?;
        let at_once = listener.answered_at_once();
        page.counter("http_requests_at_once", "Requests answered before any layer, with what was kept", at_once)?;
        page.counter("accept_faults", "Times the system gave no connection", listener.accept_faults())?;
        page.counter("slow_headers", "Requests given up as their headers did not come", listener.slow_headers())?;
        page.counter("tls_handshake_faults", "TLS handshakes that failed", listener.handshake_faults())?;
        let loads = [("used", listener.certificate_loads()), ("refused", listener.certificate_faults())];
        page.counters("tls_certificate_loads", "Certificates read, and whether they were good", "outcome", &loads)?;
        listener.certificate_expires().map_or(Ok(()), |at| {
            page.gauge("tls_certificate_expiry_timestamp_seconds", "When it expires, seconds since 1970", at)
        })
    }

    fn passwords(&self, page: &mut Page) -> fmt::Result {
        let hashing = self.app.passwords.figures();
        page.counter("password_hashes", "Passwords hashed or compared", hashing.computed)?;
        page.counter("password_hash_seconds", "Time spent hashing passwords", hashing.time.as_secs_f64())?;
        page.counter("password_hash_refusals", "Sign-ins sent away because hashing was busy", hashing.refused)?;
        page.gauge("password_hash_waiting", "Sign-ins that wait for their turn to be hashed", hashing.waiting)?;
        page.gauge("password_hash_permits_free", "Hashes that could start now", hashing.permits_free)
    }

    fn backups(&self, page: &mut Page) -> fmt::Result {
        let state = self.app.backup_state();
        let outcomes = [("made", state.made), ("failed", state.failures)];
        page.counters("backup_runs", "Backups since the start", "outcome", &outcomes)?;
        page.gauge("backup_ok", "0 while the last backup failed, has no second copy, or is old", {
            u64::from(!self.app.backups_are_late())
        })?;
        page.gauge("backups", "Backups that are there", state.count)?;
        if let Some(took) = state.last_took {
            page.gauge("backup_duration_seconds", "How long the last one took", took.as_secs_f64())?;
        }
        if let Some(archive) = self.app.store.archive() {
            let state = archive.state();
            let lag = state.waiting_since.map_or(0.0, |since| since.elapsed().as_secs_f64());
            page.counter("archive_commits", "Commits archived", state.commits)?;
            page.counter("archive_bytes", "Bytes written to the archive", state.bytes)?;
            page.counter("archive_interruptions", "Times commits may have been missed", state.interruptions)?;
            page.gauge("archive_ok", "0 while commits are not archived", u64::from(state.fault.is_none()))?;
            page.gauge("archive_lag_seconds", "Age of the oldest commit not on the archive's disk yet", lag)?;
        }
        state.newest_at.map_or(Ok(()), |at| {
            let at = at.as_millisecond() as f64 / 1e3;
            page.gauge("backup_bytes", "Size of the newest", state.newest_bytes)?;
            page.gauge("backup_last_success_timestamp_seconds", "When the newest was made, seconds since 1970", at)
        })
    }

    /// The hash as a number, so that it stays one series: its first six bytes, which a float holds exactly.
    fn audit(&self, page: &mut Page) -> fmt::Result {
        if let Some(intact) = self.app.audit_intact() {
            page.gauge("audit_chain_ok", "0 when a row did not fit at the last check", u64::from(intact))?;
        }
        let Some(head) = self.app.audit_head() else { return Ok(()) };
        let prefix = head.hash.iter().take(6).fold(0_u64, |number, byte| number * 256 + u64::from(*byte));
        page.gauge("audit_head_seq", "Number of the audit log's last row", u64::try_from(head.seq).unwrap_or(0))?;
        page.gauge("audit_head_hash_prefix", "First 6 of the 32 bytes of that row's hash, as a number", prefix)
    }

    fn maintenance(&self, page: &mut Page) -> fmt::Result {
        let state = self.app.maintenance_state();
        let outcomes = [("done", state.runs.saturating_sub(state.failures)), ("failed", state.failures)];
        page.counters("maintenance_runs", "Times the database was looked after", "outcome", &outcomes)?;
        let amounts: Vec<_> = state.steps.iter().map(|(step, (amount, _))| (*step, *amount)).collect();
        page.counters("maintenance_amount", "Rows, pages or bytes a step was about, by step", "step", &amounts)?;
        let milliseconds: Vec<_> =
            state.steps.iter().map(|(step, (_, took))| (*step, took.as_millis() as u64)).collect();
        page.gauges("maintenance_step_milliseconds", "How long a step took the last time", "step", &milliseconds)?;
        state.last_at.map_or(Ok(()), |at| {
            let at = at.as_millisecond() as f64 / 1e3;
            page.gauge("maintenance_last_success_timestamp_seconds", "When it was last done, seconds since 1970", at)
        })
    }

    /// Nothing where no key for the model is set.
    fn explanations(&self, page: &mut Page) -> fmt::Result {
        let Some(writer) = &self.app.writer else { return Ok(()) };
        let figures = writer.figures();
        let outcomes = [
            ("worded", figures.worded.saturating_sub(figures.from_cache)),
            ("cached", figures.from_cache),
            ("template", figures.fallbacks),
        ];
        page.counters("explanations", "Explanations, by where their words came from", "outcome", &outcomes)?;
        let calls =
            [("answered", figures.calls.saturating_sub(figures.failed_calls)), ("failed", figures.failed_calls)];
        page.counters("explanation_calls", "Calls of the model, retries included", "outcome", &calls)?;
        page.counter("explanation_retries", "Calls of the model that were second tries", figures.retries)?;
        page.counter(
            "explanation_texts_refused",
            "Texts of the model that did not pass the check",
            figures.refused_texts,
        )?;
        page.counter("explanation_texts_late", "Texts that came after their answer had left", figures.late)?;
        page.gauge(
            "explanation_calls_left",
            "Calls of the model left of the day's budget",
            u64::from(figures.calls_left_today),
        )?;
        let states =
            [("closed", BreakerState::Closed), ("half_open", BreakerState::HalfOpen), ("open", BreakerState::Open)];
        let states = states.map(|(name, state)| (name, u64::from(figures.breaker == state)));
        page.gauges("explanation_breaker", "1 for the state the breaker of the model is in", "state", &states)
    }
}

fn process_figures(page: &mut Page) -> fmt::Result {
    let process = process::read();
    if let Some(bytes) = process.resident_bytes {
        page.gauge("process_resident_memory_bytes", "Memory held", bytes)?;
    }
    if let Some(files) = process.open_files {
        page.gauge("process_open_fds", "Open files and sockets", files)?;
    }
    if let Some(seconds) = process.cpu_seconds {
        page.counter("process_cpu_seconds", "Processor time used", seconds)?;
    }
    if let Some(bytes) = process.memory_limit_bytes {
        page.gauge("process_memory_limit_bytes", "Memory it may have: its group's limit, or the machine's", bytes)?;
    }
    if let Some(processors) = process.processors {
        page.gauge("process_cpus", "Processors it may use", processors)?;
    }
    Ok(())
}

/// The answer being written. Counters get their `_total` from the format.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn counter<N: EncodeCounterValue>(&mut self, name: &str, help: &str, value: N) -> fmt::Result {
        ConstCounter::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Counter)?)
    }

    fn gauge<N: EncodeGaugeValue>(&mut self, name: &str, help: &str, value: N) -> fmt::Result {
        ConstGauge::new(value).encode(self.0.encode_descriptor(name, help, None, MetricType::Gauge)?)
    }

    /// `counted` has the upper bound of each class and how many fell into it.
    fn histogram(&mut self, name: &str, help: &str, sum: f64, counted: &[(u64, u64)]) -> fmt::Result {
        let count = counted.iter().map(|(_, count)| count).sum();
        let classes = counted.iter().map(|(bound, count)| (*bound as f64, *count));
        let classes: Vec<(f64, u64)> = classes.chain([(f64::INFINITY, 0)]).collect();
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &classes, None)
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        values
            .iter()
            .try_for_each(|(of, value)| ConstCounter::new(*value).encode(family.encode_family(&[(label, *of)])?))
    }

    fn gauges(&mut self, name: &str, help: &str, label: &str, values: &[(&str, u64)]) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        values.iter().try_for_each(|(of, value)| ConstGauge::new(*value).encode(family.encode_family(&[(label, *of)])?))
    }
}
