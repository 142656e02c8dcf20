//! The figures that are not counted but looked up when somebody asks: limits, caches, store, passwords, process.

use crate::app::App;
use crate::http::quota::Limiter;
use crate::ops::process;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::fmt;
use std::sync::Arc;

pub struct Figures {
    pub app: Arc<App>,
    pub limiter: Arc<Limiter>,
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
        self.catalog(&mut page)?;
        self.store(&mut page)?;
        self.passwords(&mut page)?;
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

    fn catalog(&self, page: &mut Page) -> fmt::Result {
        let cache = self.app.catalog.cache_figures();
        let of = |value| [("catalog", value)];
        page.counters("cache_hits", "Answers that were kept ready", "cache", &of(cache.hits))?;
        page.counters("cache_misses", "Answers that had to be made", "cache", &of(cache.misses))?;
        page.gauges("cache_entries", "Answers kept ready", "cache", &of(cache.entries))?;
        page.gauges("cache_bytes", "Size of the answers kept ready", "cache", &of(cache.bytes))
    }

    fn store(&self, page: &mut Page) -> fmt::Result {
        let store = self.app.store.figures();
        let waiting = [("read", store.reads_waiting), ("write", store.writes_waiting)];
        page.gauges("store_waiting", "Work that waits for a database thread", "kind", &waiting)?;
        let finished = [("kept", store.writes_kept), ("refused", store.writes_refused)];
        page.counters("store_writes", "Write transactions, kept or rolled back", "outcome", &finished)?;
        page.counter("store_commits", "Commits; kept writes by commits are the mean batch", store.commits)?;
        page.gauge("store_largest_batch", "Most writes one commit has carried", store.largest_batch)?;
        page.counter("store_panics", "Database closures that panicked", store.panics)?;
        page.gauge(
            "store_pool_connections",
            "Database connections for reading",
            u64::from(self.app.config.database.pool_size),
        )
    }

    fn passwords(&self, page: &mut Page) -> fmt::Result {
        let hashing = self.app.passwords.figures();
        page.counter("password_hashes", "Passwords hashed or compared", hashing.computed)?;
        page.counter("password_hash_seconds", "Time spent hashing passwords", hashing.time.as_secs_f64())?;
        page.counter("password_hash_refusals", "Sign-ins sent away because hashing was busy", hashing.refused)?;
        page.gauge("password_hash_permits_free", "Hashes that could start now", hashing.permits_free)
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
