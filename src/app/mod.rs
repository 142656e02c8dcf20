//! The use cases: each loads, computes with the domain, saves, and knows nothing of HTTP or SQL.

pub mod accounts;
pub mod error;
pub mod household;
pub mod passwords;
pub mod sessions;
pub mod tokens;

use crate::config::Config;
use crate::store::Store;
use error::Error;
use jiff::Timestamp;
use passwords::Passwords;
use sessions::Standings;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokens::Tokens;

pub type Result<T> = std::result::Result<T, Error>;

/// What every use case works with: settings, keys, the hashing pool and the clock. One per process.
pub struct App {
    pub config: Config,
    pub store: Store,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub standings: Standings,
    draining: AtomicBool,
}

impl App {
    pub fn new(config: Config, store: Store) -> Result<Arc<Self>> {
        let key = config
            .signing_key()
            .map_err(|error| Error::Unavailable(format!("the signing key cannot be read or made: {error}")))?;
        let tokens = Tokens::new(&key, config.auth.secret_key_previous.as_ref(), config.auth.jwt_lifetime);
        let passwords = Passwords::new(&config.auth)?;
        let (standings, draining) = (Standings::default(), AtomicBool::new(false));
        Ok(Arc::new(App { config, store, tokens, passwords, standings, draining }))
    }

    /// The clock of everything above the domain; below it, time is an argument.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// From now on the service is not ready for new work.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
