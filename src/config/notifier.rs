//! How users are told something outside of the API: mail, a webhook, or not at all.

use crate::config::read::Reader;
use secrecy::{ExposeSecret, SecretString};

#[derive(Debug, Clone)]
pub struct Notifier {
    pub smtp_url: Option<SecretString>,
    /// `TreeBeard <noreply@example.org>`
    pub sender: String,
    pub webhook_url: Option<String>,
    pub webhook_key: Option<SecretString>,
}

pub fn read(reader: &mut Reader) -> Notifier {
    let webhook_url = reader.text("notifier.webhook_url");
    let notifier = Notifier {
        smtp_url: reader.secret("notifier.smtp_url"),
        sender: reader.text("notifier.sender"),
        webhook_url: (!webhook_url.is_empty()).then_some(webhook_url),
        webhook_key: reader.secret("notifier.webhook_key"),
    };
    if let Some(url) = &notifier.smtp_url {
        if let Some(fault) = smtp_fault(url.expose_secret()) {
            reader.problem("notifier.smtp_url", fault);
        }
        if !notifier.sender.contains('@') {
            reader.problem("notifier.sender", "must be an address such as \"TreeBeard <noreply@example.org>\"");
        }
    }
    if let Some(url) = &notifier.webhook_url {
        let is_safe = url.starts_with("https://") || (url.starts_with("http://") && is_on_this_machine(url));
        if !is_safe {
            reader.problem("notifier.webhook_url", "must begin with https://; http:// is for this machine only");
        }
        if notifier.webhook_key.is_none() {
            reader.problem("notifier.webhook_key", "must be given with notifier.webhook_url: it signs the messages");
        }
        if notifier.smtp_url.is_some() {
            reader.problem("notifier.webhook_url", "and notifier.smtp_url are two ways: keep one");
        }
    }
    notifier
}

/// Passwords and links go over the network encrypted or not at all.
fn smtp_fault(url: &str) -> Option<&'static str> {
    let encrypted = url.starts_with("smtps://") || (url.starts_with("smtp://") && url.contains("tls=required"));
    if encrypted || (url.starts_with("smtp://") && is_on_this_machine(url)) {
        return None;
    }
    Some("must be smtps://USER:PASSWORD@HOST, or smtp://USER:PASSWORD@HOST:587?tls=required for STARTTLS")
}

pub(super) fn is_on_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_leaves_the_machine_encrypted_or_not_at_all() {
        for good in [
            "smtps://u:p@mail.example.org",
            "smtp://u:p@mail.example.org:587?tls=required",
            "smtp://127.0.0.1:2525",
            "smtp://u:p@localhost",
            "smtp://[::1]:25",
        ] {
            assert_eq!(smtp_fault(good), None, "{good}");
        }
        for bad in [
            "smtp://u:p@mail.example.org",
            "smtp://mail.example.org?tls=opportunistic",
            "smtp://127.0.0.1@mail.example.org",
            "mail.example.org",
        ] {
            assert!(smtp_fault(bad).is_some(), "{bad}");
        }
    }
}
