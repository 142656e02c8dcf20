//! Messages handed to a webhook: JSON, signed as the Standard Webhooks specification says, so that the receiver knows
//! it is ours and not an old one.

use crate::notifier::{Fault, Message, PATIENCE};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use ureq::{Agent, Error};
use uuid::Uuid;

pub struct Webhook {
    agent: Agent,
    url: SecretString,
    /// `None`: what is posted is not signed.
    key: Option<SecretString>,
}

impl Webhook {
    pub fn new(url: SecretString, key: Option<SecretString>) -> Self {
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            // A link to somebody's account goes to the configured address and nowhere else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("treebeard/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Webhook { agent, url, key }
    }

    pub fn send(&self, message: &Message) -> Result<(), Fault> {
        let body = serde_json::to_string(message).map_err(|_| Fault::Never("it cannot be written".to_owned()))?;
        self.post(message.id, &body)
    }

    /// JSON under an id that stays the same when it is tried again.
    pub fn post(&self, id: Uuid, body: &str) -> Result<(), Fault> {
        let (id, at) = (id.to_string(), Timestamp::now().as_second().to_string());
        let request = self
            .agent
            .post(self.url.expose_secret())
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &at);
        let request = match &self.key {
            Some(key) => request.header("webhook-signature", &signature(key.expose_secret(), &id, &at, body)),
            None => request,
        };
        match request.send(body).map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(status @ (408 | 429 | 500..)) => Err(Fault::Later(format!("the webhook answers {status}"))),
            Ok(status) => Err(Fault::Never(format!("the webhook refuses it with {status}"))),
            Err(Error::Timeout(_)) => Err(Fault::Later("the webhook does not answer in time".to_owned())),
            Err(_) => Err(Fault::Later("the webhook cannot be reached".to_owned())),
        }
    }
}

/// `v1,` and the HMAC-SHA-256 of id, time and body.
fn signature(key: &str, id: &str, at: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes keys of every length");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
