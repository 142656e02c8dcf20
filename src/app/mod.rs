//! The use cases: each loads, computes with the domain, saves, and knows nothing of HTTP or SQL.

pub mod error;
pub mod passwords;
pub mod tokens;

use crate::config::Config;
use error::Error;
use jiff::Timestamp;
use passwords::Passwords;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokens::{Refused, Tokens};
use uuid::Uuid;

pub type Result<T> = std::result::Result<T, Error>;

/// What every use case works with: settings, keys, the hashing pool and the clock. One per process.
pub struct App {
    pub config: Config,
    pub tokens: Tokens,
    pub passwords: Passwords,
    draining: AtomicBool,
}

impl App {
    pub fn new(config: Config) -> Result<Arc<Self>> {
        let key = config
            .signing_key()
            .map_err(|error| Error::Unavailable(format!("the signing key cannot be read or made: {error}")))?;
        let tokens = Tokens::new(&key, config.auth.secret_key_previous.as_ref(), config.auth.jwt_lifetime);
        let passwords = Passwords::new(&config.auth)?;
        Ok(Arc::new(App { config, tokens, passwords, draining: AtomicBool::new(false) }))
    }

    /// The clock of everything above the domain; below it, time is an argument.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The user an access token stands for, and whether they are an administrator.
    pub async fn authenticate(&self, token: &str) -> Result<(Uuid, bool)> {
        let claims = self.tokens.verify(token, self.now().as_second()).map_err(|refused| {
            let message = match refused {
                Refused::Expired => "The access token has expired. Refresh it or sign in again.",
                Refused::Invalid => "The access token is not valid. Sign in again.",
            };
            Error::Unauthenticated(message.to_owned())
        })?;
        Ok((claims.sub, claims.is_admin))
    }

    /// From now on the service is not ready for new work.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
