//! Telling a user something outside of the API: by mail, or by handing it to a webhook of the operator's; and telling
//! the operator of alerts.
//!
//! One thread sends, from a queue that is bounded: nobody waits for a mail server, and a flood of requests is dropped
//! where it arrives. Where it goes to is the operator's setting and nothing else.

mod alarm;
mod mail;
mod webhook;

pub use alarm::{Alarm, AlarmRoute, Alarms, try_out};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mail::Mail;
use secrecy::SecretString;
use serde::Serialize;
use std::fmt;
use std::io;
use std::thread;
use std::time::Duration;
use uuid::Uuid;
use webhook::Webhook;

/// Messages that may wait; more are dropped.
const QUEUE_MAX: usize = 256;
/// What one message may take, connection and all.
const PATIENCE: Duration = Duration::from_secs(15);
/// A message that could not be sent is tried again after these.
const PAUSES: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];

/// How messages leave.
pub enum Route {
    Mail {
        /// `smtps://USER:PASSWORD@HOST` or `smtp://...?tls=required`.
        url: SecretString,
        /// `TreeBeard <noreply@example.org>`
        sender: String,
    },
    Webhook {
        url: String,
        /// Signs what is sent.
        key: SecretString,
    },
}

/// What a user is told.
#[derive(Clone, Serialize)]
pub struct Message {
    pub id: Uuid,
    /// `password_reset`
    pub kind: &'static str,
    pub to: String,
    pub subject: String,
    pub text: String,
    /// The address the text leads to.
    pub link: String,
}

/// Who it is for and what it says is nobody else's business.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({}, {})", self.id, self.kind)
    }
}

/// Why a message was not sent, in words that quote nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Perhaps later.
    #[error("{0}")]
    Later(String),
    #[error("{0}")]
    Never(String),
}

/// The settings that make no notifier.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// The thread that sends.
pub struct Notifier {
    queue: Sender<Message>,
}

enum Carrier {
    Mail(Mail),
    Webhook(Webhook),
}

impl Notifier {
    pub fn start(route: Route) -> Result<Self, Unusable> {
        let carrier = match route {
            Route::Mail { url, sender } => Carrier::Mail(Mail::new(&url, &sender)?),
            Route::Webhook { url, key } => Carrier::Webhook(Webhook::new(url.into(), Some(key))),
        };
        let (queue, waiting) = bounded(QUEUE_MAX);
        let thread = thread::Builder::new().name("notifier".to_owned());
        let started: io::Result<_> = thread.spawn(move || deliver(&carrier, &waiting));
        started.map_err(|error| Unusable(format!("no thread can be started: {error}")))?;
        Ok(Notifier { queue })
    }

    /// Takes the message over; says in the log when there is no room for it.
    pub fn send(&self, message: Message) {
        if let Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) = self.queue.try_send(message) {
            tracing::warn!(message_id = %message.id, kind = message.kind, "too many messages wait: one is dropped");
        }
    }
}

/// Until the notifier is dropped.
fn deliver(carrier: &Carrier, waiting: &Receiver<Message>) {
    for message in waiting {
        let mut pauses = PAUSES.iter();
        loop {
            let sent = match carrier {
                Carrier::Mail(mail) => mail.send(&message),
                Carrier::Webhook(webhook) => webhook.send(&message),
            };
            match (sent, pauses.next()) {
                (Ok(()), _) => {
                    tracing::info!(message_id = %message.id, kind = message.kind, "message sent");
                    break;
                }
                (Err(Fault::Later(_)), Some(pause)) => thread::sleep(*pause),
                (Err(fault), _) => {
                    tracing::warn!(message_id = %message.id, kind = message.kind, %fault, "message not sent");
                    break;
                }
            }
        }
    }
}
