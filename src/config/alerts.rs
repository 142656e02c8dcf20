//! Alerts told to a webhook of the operator's.

use crate::config::notifier::is_on_this_machine;
use crate::config::read::Reader;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Alerts {
    /// Between two looks at the rules.
    pub every: Duration,
    /// `None`: alerts are logged and shown only. Whoever knows it may post there, so it is a secret.
    pub webhook_url: Option<SecretString>,
    /// Signs them, if there is one.
    pub webhook_key: Option<SecretString>,
}

pub fn read(reader: &mut Reader) -> Alerts {
    let alerts = Alerts {
        every: reader.seconds("alerts.every_seconds", 1..=3_600),
        webhook_url: reader.secret("alerts.webhook_url"),
        webhook_key: reader.secret("alerts.webhook_key"),
    };
    if let Some(url) = alerts.webhook_url.as_ref().map(ExposeSecret::expose_secret) {
        let is_safe = url.starts_with("https://") || (url.starts_with("http://") && is_on_this_machine(url));
        if !is_safe {
            reader.problem("alerts.webhook_url", "must begin with https://; http:// is for this machine only");
        }
    } else if alerts.webhook_key.is_some() {
        reader.problem("alerts.webhook_key", "signs what is posted to alerts.webhook_url, which is not given");
    }
    alerts
}
