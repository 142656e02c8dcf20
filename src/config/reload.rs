//! What a running service takes over from settings that have changed, and what has to wait for a restart.

use crate::config::Config;
use crate::config::settings::find;
use secrecy::{ExposeSecret, SecretString};

/// The settings whose values differ, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In force now.
    pub taken: Vec<&'static str>,
    pub need_restart: Vec<&'static str>,
}

impl Config {
    /// These settings with what can change while the service runs taken from `new`.
    pub fn reloaded(&self, new: &Config) -> (Config, Changes) {
        let mut config = self.clone();
        config.debug = new.debug;
        config.server.body_timeout = new.server.body_timeout;
        config.server.request_timeout = new.server.request_timeout;
        config.server.json_bytes_max = new.server.json_bytes_max;
        config.server.upload_bytes_max = new.server.upload_bytes_max;
        config.server.cors_origins.clone_from(&new.server.cors_origins);
        config.server.trusted_proxies.clone_from(&new.server.trusted_proxies);
        // Whether a socket speaks TLS is decided when it is opened.
        if self.tls.files.is_some() && new.tls.files.is_some() {
            config.tls.files.clone_from(&new.tls.files);
        }
        config.tls.hsts = new.tls.hsts;
        config.limits = new.limits.clone();
        config.logging.level.clone_from(&new.logging.level);
        config.logging.slow_request = new.logging.slow_request;
        config.metrics.token.clone_from(&new.metrics.token);
        let mut changes = Changes::default();
        for key in self.differences(new) {
            let waits = config.differences(new).contains(&key);
            if waits {
                changes.need_restart.push(key);
            } else {
                changes.taken.push(key);
            }
            debug_assert!(waits || find(key).is_some_and(|setting| setting.reloadable), "{key} is marked reloadable");
        }
        (config, changes)
    }

    /// The settings that are not the same in both, secrets compared by their values.
    fn differences(&self, other: &Config) -> Vec<&'static str> {
        let (mine, theirs) = (self.shown(), other.shown());
        let (secrets, others) = (self.secrets(), other.secrets());
        let plain = mine.iter().zip(&theirs).filter(|(one, other)| one != other).map(|(one, _)| one.0);
        let secret = secrets.iter().zip(&others).filter(|(one, other)| one.1 != other.1).map(|(one, _)| one.0);
        let mut keys: Vec<&'static str> = plain.chain(secret).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn secrets(&self) -> [(&'static str, Option<String>); 9] {
        let text = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        [
            ("database.url", Some(self.database.url.reveal())),
            ("auth.secret_key", text(&self.auth.secret_key)),
            ("auth.secret_key_previous", text(&self.auth.secret_key_previous)),
            ("notifier.smtp_url", text(&self.notifier.smtp_url)),
            ("notifier.webhook_key", text(&self.notifier.webhook_key)),
            ("explanations.api_key", text(&self.explanations.api_key)),
            ("metrics.token", text(&self.metrics.token)),
            ("alerts.webhook_url", text(&self.alerts.webhook_url)),
            ("alerts.webhook_key", text(&self.alerts.webhook_key)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;
    use crate::config::settings::SETTINGS;

    /// Another good value for every setting that a plain one from below does not fit.
    const OTHER: &[(&str, &str)] = &[
        ("environment", "staging"),
        ("debug", "true"),
        ("data_dir", "elsewhere"),
        ("server.listen", "unix:/run/other.sock"),
        ("server.socket_mode", "0600"),
        ("server.cors_origins", "https://app.example.org"),
        ("server.trusted_proxies", "10.0.0.0/8"),
        ("tls.certificate", "other.pem"),
        ("tls.key", "other.key"),
        ("tls.redirect_listen", "127.0.0.1:80"),
        ("metrics.listen", "127.0.0.1:9000"),
        ("database.url", "sqlite:other.db"),
        ("database.checkpoint", "external"),
        ("database.maintenance_time", "05:30"),
        ("backup.time", "04:30"),
        ("backup.recipients", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"),
        ("auth.password_policy", "nist"),
        ("auth.argon2_memory_kib", "8192"),
        ("limits.exempt_networks", "10.0.0.0/8"),
        ("limits.user_overrides", "00000000-0000-0000-0000-000000000007=600"),
        ("server.public_url", "https://trees.example.org"),
        ("notifier.smtp_url", "smtps://b:c@mail.example.org"),
        ("notifier.sender", "other@example.org"),
        ("explanations.base_url", "https://ai.example.org"),
        ("logging.level", "debug"),
        ("traces.endpoint", "http://127.0.0.1:4318"),
        ("alerts.webhook_url", "https://alerts.example.org/other"),
        ("logging.format", "text"),
    ];

    const FILES: [(&str, &str); 2] = [("tls.certificate", "a.pem"), ("tls.key", "a.key")];

    fn config(more: &[(&str, &str)]) -> Config {
        of(&[&FILES[..], more].concat())
    }

    fn of(values: &[(&str, &str)]) -> Config {
        let variable = |key: &str| format!("TREEBEARD_{}", key.replace('.', "__").to_uppercase());
        // The data directory would change the first too.
        let database = [("database.url", "sqlite:a.db")];
        let mail = [("notifier.smtp_url", "smtps://a:b@mail.example.org"), ("notifier.sender", "trees@example.org")];
        let alerts = [("alerts.webhook_url", "https://alerts.example.org/one")];
        let all = database.iter().chain(&mail).chain(&alerts).chain(values);
        let environment = all.map(|(key, value)| (variable(key), (*value).to_owned())).collect();
        Config::load(&Sources { environment, ..Sources::default() }).expect("the settings are valid").config
    }

    #[test]
    fn what_the_table_calls_reloadable_is_taken_over_and_nothing_else() {
        let before = config(&[]);
        // Mail and a webhook exclude each other, so one of them cannot change alone.
        for setting in SETTINGS.iter().filter(|setting| setting.key != "notifier.webhook_url") {
            let listed = OTHER.iter().find(|(key, _)| *key == setting.key).map(|(_, value)| *value);
            let plain = if setting.default.parse::<u32>().is_ok() { "7" } else { "another-value" };
            let value = listed.unwrap_or(match setting.default {
                "true" => "false",
                "false" => "true",
                // A number that is 7 already.
                "7" => "8",
                _ => plain,
            });
            let (config, changes) = before.reloaded(&config(&[(setting.key, value)]));
            let (taken, waiting) = (vec![setting.key], Vec::new());
            let expected = if setting.reloadable {
                Changes { taken, need_restart: waiting }
            } else {
                Changes { taken: waiting, need_restart: taken }
            };
            assert_eq!(changes, expected, "{}", setting.key);
            assert_eq!(config.differences(&before).is_empty(), !setting.reloadable, "{}", setting.key);
        }
    }

    #[test]
    fn every_secret_is_compared_by_its_value() {
        let compared = config(&[]).secrets().map(|(key, _)| key);
        let all: Vec<&str> = SETTINGS.iter().filter(|setting| setting.secret).map(|setting| setting.key).collect();
        assert_eq!(compared.as_slice(), all);
        let (one, other) = (config(&[("metrics.token", "one")]), config(&[("metrics.token", "other")]));
        assert_eq!(one.differences(&other), ["metrics.token"]);
    }

    #[test]
    fn tls_is_neither_begun_nor_ended_by_a_reload() {
        let (with, without) = (config(&[]), of(&[]));
        for (before, after) in [(&with, &without), (&without, &with)] {
            let (config, changes) = before.reloaded(after);
            assert_eq!(config.tls, before.tls);
            assert_eq!(changes, Changes { taken: Vec::new(), need_restart: vec!["tls.certificate", "tls.key"] });
        }
    }
}
