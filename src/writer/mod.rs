//! Explanations worded by Claude, where a key is configured: an extra over the templates that can never do harm.
//!
//! What is sent, to the configured address only: for each plan shown its fact sheet (`domain/explain`), which is the
//! plan's and the supplier's name, type, cost, range, savings, terms, marks and risks, the household's projected kWh a
//! year, the kind of its usage and the order of its priorities. No name, e-mail address, postal address, ZIP code,
//! account, meter reading or current plan is ever sent.
//!
//! All plans of an answer are asked for at once and waited for until one deadline. Whatever is not there by then, does
//! not pass the check or may not be asked for (breaker, daily budget, full queue) is left to the template; a text that
//! comes late is kept for the next who asks the same. The calls block threads of their own, few of them: no thread of
//! the runtime and no database connection waits for them.

mod breaker;
mod budget;
mod call;
mod desk;
mod figures;
mod prompt;

pub use breaker::BreakerState;
pub use call::Fault;
pub use figures::Figures;

use crate::domain::explain::FactSheet;
use crate::domain::market::Snapshot;
use call::Client;
use crossbeam_channel::{Receiver, Sender, bounded};
use desk::{Desk, Job, Key};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::unbounded_channel;

/// Jobs that may wait for a thread; more are left to the template at once.
const QUEUE_MAX: usize = 100;
/// How long a call may take, the answer's deadline or not: a late text is still worth keeping.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone)]
pub struct Settings {
    pub api_key: SecretString,
    pub model: String,
    /// Without a slash at its end.
    pub base_url: String,
    /// Of all texts of an answer.
    pub deadline: Duration,
    /// Calls at once.
    pub concurrency: usize,
    pub calls_per_day: u32,
}

pub struct Writer {
    desk: Arc<Desk>,
    queue: Sender<Job>,
    model: String,
    deadline: Duration,
}

impl Writer {
    /// Starts the threads. They end with the writer, each after the call it is at.
    pub fn start(settings: Settings) -> std::io::Result<Writer> {
        let client = Client::new(&settings.base_url, settings.api_key, PATIENCE.max(settings.deadline));
        let desk = Arc::new(Desk::new(client, settings.calls_per_day));
        let (queue, jobs) = bounded(QUEUE_MAX);
        for _ in 0..settings.concurrency.max(1) {
            let (desk, jobs): (_, Receiver<Job>) = (desk.clone(), jobs.clone());
            std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
                for job in jobs {
                    desk.work(&job);
                }
            })?;
        }
        Ok(Writer { desk, queue, model: settings.model, deadline: settings.deadline })
    }

    /// A text for each sheet, or `None` where the template has to do; after the deadline at the latest.
    pub async fn write(&self, sheets: Vec<FactSheet>, snapshot: &Arc<Snapshot>) -> Vec<Option<Arc<str>>> {
        let deadline = Instant::now() + self.deadline;
        let mut texts: Vec<Option<Arc<str>>> = vec![None; sheets.len()];
        let counters = &self.desk.counters;
        counters.asked.add_many(sheets.len());
        let (reply, mut replies) = unbounded_channel();
        for (plan, facts) in sheets.into_iter().enumerate() {
            let request = prompt::request(&self.model, &facts);
            let key: Key = Sha256::digest(&request).into();
            if let Some(known) = self.desk.texts.get(&key) {
                counters.from_cache.add_many(usize::from(known.is_some()));
                texts[plan] = known;
            } else if self.desk.join(key, (plan, reply.clone())) {
                // It may have come between the look and the joining.
                if let Some(known) = self.desk.texts.get(&key) {
                    self.desk.leave(&key, Some(&known));
                    continue;
                }
                let job = Job { key, request, facts, snapshot: snapshot.clone(), deadline };
                if self.queue.try_send(job).is_err() {
                    self.desk.leave(&key, None);
                }
            }
        }
        // Ours is none of those that are waited for: when they all are gone, nothing comes any more.
        drop(reply);
        while let Ok(Some((plan, text))) = tokio::time::timeout_at(deadline.into(), replies.recv()).await {
            texts[plan] = text;
        }
        let worded = texts.iter().flatten().count();
        counters.worded.add_many(worded);
        counters.fallbacks.add_many(texts.len() - worded);
        texts
    }

    pub fn figures(&self) -> Figures {
        let counters = &self.desk.counters;
        Figures {
            asked: counters.asked.get(),
            worded: counters.worded.get(),
            from_cache: counters.from_cache.get(),
            fallbacks: counters.fallbacks.get(),
            calls: counters.calls.get(),
            failed_calls: counters.failed_calls.get(),
            retries: counters.retries.get(),
            refused_texts: counters.refused_texts.get(),
            late: counters.late.get(),
            calls_left_today: self.desk.budget.left(desk::today()),
            breaker: self.desk.breaker.state(Instant::now()),
        }
    }
}

/// One tiny call, to see whether address, key and model are good. Blocks.
pub fn try_out(settings: &Settings) -> Result<(), Fault> {
    let client = Client::new(&settings.base_url, settings.api_key.clone(), PATIENCE);
    let body = client.send(&prompt::trial(&settings.model))?;
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(answer) if answer.get("content").is_some() => Ok(()),
        _ => Err(Fault::Unusable("not of the API's shape")),
    }
}
