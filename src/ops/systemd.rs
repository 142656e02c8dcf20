//! What systemd is told: ready, reloading, stopping, and that the store still answers. Without systemd nobody listens.

use crate::app::App;
use sd_notify::NotifyState;
use std::sync::Arc;

pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Until the next [`ready`].
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now, NotifyState::Status("Reading the settings again")]),
        Err(error) => tracing::warn!(error = %error, "the clock systemd asks for cannot be read"),
    }
}

pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Finishing requests under way")]);
}

/// Feeds the watchdog, where there is one, for as long as reads of the store are answered.
pub async fn keep_watch(app: Arc<App>) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    loop {
        if app.schema_versions().await.is_some() {
            tell(&[NotifyState::Watchdog]);
        }
        tokio::time::sleep(interval / 3).await;
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(error = %error, "systemd cannot be told");
    }
}
