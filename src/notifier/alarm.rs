//! Alerts for whoever runs the service, posted to a webhook: tried again for minutes, and never waited for.

use crate::notifier::webhook::Webhook;
use crate::notifier::{Fault, Unusable};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use secrecy::SecretString;
use serde_json::Value;
use std::thread;
use std::time::Duration;
use uuid::Uuid;

/// Alerts that may wait; more are dropped, and stay in the log.
const QUEUE_MAX: usize = 64;
/// Whoever is told of trouble may have some, too: an alert is tried again after these.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];

/// Where alerts go.
pub struct AlarmRoute {
    pub url: SecretString,
    /// Signs them, if there is one.
    pub key: Option<SecretString>,
}

/// One alert.
pub struct Alarm {
    pub id: Uuid,
    pub name: &'static str,
    pub body: Value,
}

/// The thread that sends.
pub struct Alarms {
    queue: Sender<Alarm>,
}

impl Alarms {
    pub fn start(route: AlarmRoute) -> Result<Self, Unusable> {
        let webhook = Webhook::new(route.url, route.key);
        let (queue, waiting) = bounded(QUEUE_MAX);
        let thread = thread::Builder::new().name("alarms".to_owned());
        let started = thread.spawn(move || deliver(&webhook, &waiting));
        started.map_err(|error| Unusable(format!("no thread can be started: {error}")))?;
        Ok(Alarms { queue })
    }

    /// Takes the alert over; says in the log when there is no room for it.
    pub fn send(&self, alarm: Alarm) {
        if let Err(TrySendError::Full(alarm) | TrySendError::Disconnected(alarm)) = self.queue.try_send(alarm) {
            tracing::warn!(alert = alarm.name, "too many alerts wait: one is not sent");
        }
    }
}

/// Sends one alert once, and says how that went.
pub fn try_out(route: AlarmRoute, alarm: &Alarm) -> Result<(), Fault> {
    Webhook::new(route.url, route.key).post(alarm.id, &alarm.body.to_string())
}

/// Until the alarms are dropped.
fn deliver(webhook: &Webhook, waiting: &Receiver<Alarm>) {
    for alarm in waiting {
        let (mut pauses, body) = (PAUSES.iter(), alarm.body.to_string());
        loop {
            match (webhook.post(alarm.id, &body), pauses.next()) {
                (Ok(()), _) => {
                    tracing::info!(alert = alarm.name, "alert sent");
                    break;
                }
                (Err(Fault::Later(_)), Some(pause)) => thread::sleep(*pause),
                (Err(fault), _) => {
                    tracing::warn!(alert = alarm.name, %fault, "alert not sent");
                    break;
                }
            }
        }
    }
}
