//! Checks of the settings: what they say, where they come from, who can read them.

use super::{Finding, private};
use crate::app::privacy::documents::Documents;
use crate::config::{Config, Listen, Loaded, Origin, key_weakness, origin_is_open, settings};
use crate::http::listener::{Certificates, Figures};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// A certificate with less left is worth a warning.
const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(24 * 14);

pub fn check(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let mut findings = vec![
        Finding::ok("settings", format!("they are good for {}", config.environment.as_str())),
        notices(loaded),
        private("secret_files", "files with a secret", secret_files(loaded)),
        private("settings_file", "the settings file, which holds a secret", settings_files(loaded)),
        signing_key(config),
        private("signing_key_file", "the key made here", vec![config.data_dir.join("secret_key")]),
        trusted_proxies(config),
        exposure(config),
        origins(config),
        metrics(config),
        links(config),
        documents(config),
    ];
    findings.extend(certificate(config));
    findings
}

fn notices(loaded: &Loaded) -> Finding {
    match loaded.notices.as_slice() {
        [] => Finding::ok("notices", "no variable is unknown, no setting is weak"),
        notices => Finding::warning("notices", notices.join("; "), "Correct or remove what is named."),
    }
}

/// Files named by `..._FILE` variables.
fn secret_files(loaded: &Loaded) -> Vec<PathBuf> {
    let named = loaded.origins.values().filter_map(|origin| match origin {
        Origin::SecretFile(variable) => std::env::var_os(variable).map(PathBuf::from),
        _ => None,
    });
    named.collect()
}

/// The settings file, if a secret stands in it.
fn settings_files(loaded: &Loaded) -> Vec<PathBuf> {
    let secrets = settings::SETTINGS.iter().filter(|setting| setting.secret);
    let mut files: Vec<PathBuf> = secrets
        .filter_map(|setting| match loaded.origins.get(setting.key) {
            Some(Origin::File(path)) => Some(path.clone()),
            _ => None,
        })
        .collect();
    files.dedup();
    files
}

fn signing_key(config: &Config) -> Finding {
    let name = "signing_key";
    let Some(key) = &config.auth.secret_key else {
        return Finding::ok(name, "none is given: the installation makes its own and keeps it");
    };
    match key_weakness(key.expose_secret()) {
        None => Finding::ok(name, "it is long and varied enough"),
        Some(weakness) => Finding::problem(
            name,
            format!("auth.secret_key {weakness}"),
            "Make a good one with `openssl rand -hex 32`; whoever is signed in has to sign in again.",
        ),
    }
}

fn trusted_proxies(config: &Config) -> Finding {
    let name = "trusted_proxies";
    let everybody: Vec<IpAddr> = ["192.0.2.1", "203.0.113.1"].iter().filter_map(|text| text.parse().ok()).collect();
    let trusts_all =
        everybody.iter().all(|ip| config.server.trusted_proxies.iter().any(|network| network.contains(*ip)));
    if trusts_all {
        return Finding::problem(
            name,
            "every address is trusted to say who its caller is, so limits by address can be evaded",
            "Name only your own proxies in server.trusted_proxies.",
        );
    }
    Finding::ok(name, format!("{} trusted", config.server.trusted_proxies.len()))
}

/// Whether others than this machine reach the listener itself.
fn is_public(config: &Config) -> bool {
    matches!(&config.server.listen, Listen::Tcp(address) if !address.ip().is_loopback())
}

fn exposure(config: &Config) -> Finding {
    let name = "encryption";
    if is_public(config) && config.tls.files.is_none() && config.server.trusted_proxies.is_empty() {
        return Finding::warning(
            name,
            format!("passwords come unencrypted over the network to {}", config.server.listen),
            "Set tls.certificate and tls.key, or listen on 127.0.0.1 behind a proxy that has them.",
        );
    }
    Finding::ok(name, format!("listening on {}", config.server.listen))
}

fn origins(config: &Config) -> Finding {
    let name = "cors_origins";
    match config.server.cors_origins.iter().find(|origin| origin_is_open(origin)) {
        Some(origin) => Finding::warning(
            name,
            format!("pages of \"{origin}\" may use the API from a visitor's browser"),
            "Name the origins of your own pages in server.cors_origins before others use the service.",
        ),
        None => Finding::ok(name, format!("{} allowed", config.server.cors_origins.len())),
    }
}

fn metrics(config: &Config) -> Finding {
    let name = "metrics_token";
    let at_an_own_address = config.metrics.listen.is_some_and(|address| address.ip().is_loopback());
    if is_public(config) && config.metrics.token.is_none() && !at_an_own_address {
        return Finding::warning(name, "everybody may read the metrics", "Set metrics.token, or metrics.listen.");
    }
    Finding::ok(name, "the metrics are not open to everybody")
}

fn links(config: &Config) -> Finding {
    let name = "public_url";
    let tells = config.notifier.smtp_url.is_some() || config.notifier.webhook_url.is_some();
    if tells && config.server.public_url.is_none() {
        let url = config.public_url();
        return Finding::warning(
            name,
            format!("links sent to users begin with {url}"),
            "Set server.public_url to the address users know.",
        );
    }
    Finding::ok(name, format!("links begin with {}", config.public_url()))
}

fn documents(config: &Config) -> Finding {
    match Documents::load(&config.privacy, &config.retention) {
        Ok(_) => Finding::ok("documents", "terms and privacy policy can be shown"),
        Err(error) => Finding::problem("documents", error.to_string(), "Correct the files in privacy.documents_dir."),
    }
}

fn certificate(config: &Config) -> Vec<Finding> {
    let names = ["tls_certificate", "tls_expiry", "tls_key_file"];
    let Some(files) = &config.tls.files else {
        return names.map(|name| Finding::skipped(name, "no certificate is set")).into();
    };
    let (figures, now) = (Arc::<Figures>::default(), Timestamp::now());
    let key = private(names[2], "the certificate's key", vec![files.key.clone()]);
    if let Err(fault) = Certificates::load(files, figures.clone(), now) {
        let loaded = Finding::problem(names[0], fault.to_string(), "Put a certificate with its key in place.");
        return vec![loaded, Finding::skipped(names[1], "the certificate cannot be used"), key];
    }
    let until = figures.certificate_expires().and_then(|at| Timestamp::from_second(at).ok()).unwrap_or(now);
    let expiry = if until.duration_since(now) < EXPIRES_SOON {
        let remedy = "Renew it; the service takes a new one up by itself within a minute.";
        Finding::warning(names[1], format!("it expires at {until}"), remedy)
    } else {
        Finding::ok(names[1], format!("it is valid until {until}"))
    };
    vec![Finding::ok(names[0], format!("{} fits its key", files.certificate.display())), expiry, key]
}
