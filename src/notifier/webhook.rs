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

pub struct Webhook {
    agent: Agent,
    url: String,
    key: SecretString,
}

impl Webhook {
    pub fn new(url: String, key: SecretString) -> Self {
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
        let (id, at) = (message.id.to_string(), Timestamp::now().as_second().to_string());
        let signature = signature(self.key.expose_secret(), &id, &at, &body);
        let sent = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", &at)
            .header("webhook-signature", &signature)
            .send(&body);
        match sent.map(|answer| answer.status().as_u16()) {
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
