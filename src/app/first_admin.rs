//! The first administrator of a service that has none: whoever starts it is shown a link, good for an hour and one use.

use crate::app::administration::NewAdmin;
use crate::app::error::Error;
use crate::app::{App, Result, tokens};
use crate::store::first_admin::{self, TokenHash};
use crate::store::users::User;
use jiff::SignedDuration;

/// How long a link is good.
pub const GOOD_FOR_MINUTES: i64 = 60;

impl App {
    /// The token of a new link where nobody could administer the service; the one before is good no more.
    pub fn first_admin_token_blocking(&self) -> Result<Option<String>> {
        if !self.config.features.admin || self.has_admin_blocking()? {
            return Ok(None);
        }
        let token = tokens::new_opaque().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let (hash, now) = (tokens::hash_of(&token), self.now());
        let expires_at = now.saturating_add(SignedDuration::from_mins(GOOD_FOR_MINUTES)).unwrap_or(now);
        self.store.write_blocking(move |tx| first_admin::replace(tx, hash, expires_at))?;
        Ok(Some(token))
    }

    /// The link with such a token.
    pub fn first_admin_link(&self, token: &str) -> String {
        format!("{}/first-admin#{token}", self.public_url())
    }

    /// Opens the account with the token of a link.
    pub async fn create_first_admin(&self, token: &str, new: NewAdmin) -> Result<User> {
        let (hash, now): (TokenHash, _) = (tokens::hash_of(token), self.now());
        // Before anything is hashed: a made-up token must not cost a core.
        if !self.store.read(move |conn| first_admin::is_good(conn, hash, now)).await? {
            return Err(spent());
        }
        self.open_admin(new, Some(hash)).await
    }
}

pub(super) fn spent() -> Error {
    let message = "is no link's that is still good: start the service again for a new link, if it has no administrator";
    Error::field("token", message, "invalid_token")
}
