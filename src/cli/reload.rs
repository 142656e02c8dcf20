//! What a running service takes up without a restart: settings, on SIGHUP, and a certificate whose files have changed.

use crate::app::App;
use crate::config::{Config, ConfigError, Loaded};
use crate::http::Service;
use crate::http::listener::Certificates;
use crate::ops::{logging, systemd};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::Signal;
use tokio::task::spawn_blocking;
use tokio::time;

/// Reads the settings from where they came from at the start.
pub type LoadAgain = Box<dyn Fn() -> Result<Loaded, ConfigError> + Send + Sync>;

/// How often the certificate's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The parts that follow changed settings.
pub struct Running {
    pub app: Arc<App>,
    pub api: Service,
    pub certificates: Option<Arc<Certificates>>,
}

/// Each hang-up signal puts in force what can change, here and on the other nodes. Settings with a fault change nothing.
pub async fn on_hangup(mut hangup: Signal, running: Arc<Running>, load_again: LoadAgain, status: String) {
    let load_again = Arc::new(load_again);
    loop {
        let signalled = tokio::select! {
            Some(()) = hangup.recv() => true,
            () = running.app.told.settings.notified() => false,
        };
        systemd::reloading();
        let (load_again, reloading) = (load_again.clone(), running.clone());
        let reloaded = spawn_blocking(move || match load_again() {
            Ok(loaded) => reloading.adopt(&loaded),
            Err(error) => tracing::error!(error = %error, "the settings stay as they were"),
        });
        if reloaded.await.is_err() {
            tracing::error!("reloading was broken off");
        }
        systemd::ready(&status);
        if signalled {
            running.app.tell_settings().await;
        }
    }
}

/// Watches the certificate's files; a file notifier would miss what is renamed or mounted over them.
pub async fn on_new_certificate(running: Arc<Running>) {
    let Some(certificates) = running.certificates.clone() else { return };
    loop {
        time::sleep(LOOK_EVERY).await;
        let (certificates, now) = (certificates.clone(), running.app.now());
        let looked = spawn_blocking(move || {
            if certificates.have_changed() {
                // The fault is logged and counted where it is found.
                let _faulty = certificates.reload(None, now);
            }
        });
        if looked.await.is_err() {
            tracing::error!("the certificate could not be looked at");
        }
    }
}

impl Running {
    fn adopt(&self, loaded: &Loaded) {
        let changes = self.app.adopt(&loaded.config);
        let settings: &Config = &self.app.current();
        self.api.follow(settings);
        logging::adopt(&settings.logging, settings.debug);
        if let Some(certificates) = &self.certificates {
            let _faulty = certificates.reload(settings.tls.files.as_ref(), self.app.now());
        }
        for notice in &loaded.notices {
            tracing::warn!("{notice}");
        }
        tracing::info!(changed = changes.taken.join(", "), "settings reloaded");
        if !changes.need_restart.is_empty() {
            tracing::warn!(settings = changes.need_restart.join(", "), "these settings need a restart to take effect");
        }
    }
}
