//! A forgotten password: a link is sent to the account's address, good for half an hour and one use.
//!
//! Whoever asks is answered before anything is looked up, so neither the answer nor its time tells whether there is
//! such an account.

use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::app::{App, Result, tokens};
use crate::config::Config;
use crate::notifier::{Message, Route};
use crate::store::db::Tx;
use crate::store::users::{self, Status, User};
use crate::store::{password_resets, sessions};
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// How long a link is good.
pub const GOOD_FOR_MINUTES: i64 = 30;
/// An account is sent one link in this time, however often it is asked for.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Where messages go; `None` when no notifier is set.
pub(super) fn route(config: &Config) -> Option<Route> {
    let set = &config.notifier;
    if let Some(url) = &set.smtp_url {
        return Some(Route::Mail { url: url.clone(), sender: set.sender.clone() });
    }
    let (url, key) = (set.webhook_url.clone()?, set.webhook_key.clone()?);
    Some(Route::Webhook { url, key })
}

impl App {
    /// Has a link sent, if there is such an account. Returns at once.
    pub fn forgot(self: &Arc<Self>, email: String) {
        let Ok(permit) = self.errands.clone().try_acquire_owned() else {
            return tracing::warn!("too many password resets are asked for at once: one is dropped");
        };
        let app = self.clone();
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = app.send_link(&email).await {
                tracing::error!(%error, "no link could be made for a forgotten password");
            }
        });
    }

    async fn send_link(&self, email: &str) -> Result<()> {
        let Some(notifier) = &self.notifier else {
            tracing::warn!(
                "a password reset was asked for and cannot be sent: set notifier.smtp_url or notifier.webhook_url"
            );
            return Ok(());
        };
        if let Some((user, link)) = self.link(email, PAUSE).await? {
            notifier.send(message(&user, link));
        }
        Ok(())
    }

    /// A link for the operator to hand over.
    pub async fn reset_link(&self, email: &str) -> Result<String> {
        let made = self.link(email, SignedDuration::ZERO).await?;
        let none = || Error::NotFound("There is no active account with this e-mail address.".to_owned());
        made.map(|(_, link)| link).ok_or_else(none)
    }

    /// A new link for an active account that was not given one in the last `pause`.
    async fn link(&self, email: &str, pause: SignedDuration) -> Result<Option<(User, String)>> {
        let token = tokens::new_opaque().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let (wanted, hash, now) = (email.to_owned(), tokens::hash_of(&token), self.now());
        let expires_at = now.saturating_add(SignedDuration::from_mins(GOOD_FOR_MINUTES)).unwrap_or(now);
        let earliest = now.saturating_sub(pause).unwrap_or(now);
        let make = move |tx: &mut Tx<'_>| {
            let active = users::by_email(tx, &wanted)?.filter(|user| user.status == Status::Active);
            let Some(user) = active else { return Ok(None) };
            if !password_resets::replace(tx, user.id, hash, (now, expires_at), earliest)? {
                return Ok(None);
            }
            let act = Act { actor: None, subject: Some(user.id), detail: json!({}) };
            note(tx, "authn_password_reset_link", act, now)?;
            Ok::<_, Error>(Some(user))
        };
        let user = self.store.write(make).await?;
        Ok(user.map(|user| (user, format!("{}/reset-password#{token}", self.public_url()))))
    }

    /// Sets a new password with the token of a link; every session of the user ends.
    pub async fn reset_password(&self, token: &str, new: &str) -> Result<()> {
        let (hash, now) = (tokens::hash_of(token), self.now());
        // Before anything is hashed: a made-up token must not cost a core.
        let held = self.store.read(move |conn| password_resets::is_good(conn, hash, now)).await?;
        if !held {
            return Err(spent());
        }
        self.passwords.check("new_password", new)?;
        let password = self.passwords.hash(new).await?;
        let set = move |tx: &mut Tx<'_>| {
            let user = password_resets::spend(tx, hash, now)?.ok_or_else(spent)?;
            note(tx, "authn_password_change", Act::own(user, json!({ "by": "reset link" })), now)?;
            users::set_password(tx, user, &password, true, now)?;
            sessions::revoke_all(tx, user, None, now)?;
            Ok::<_, Error>(user)
        };
        let user = self.store.write(set).await?;
        self.standings.forget(user);
        Ok(())
    }
}

fn spent() -> Error {
    Error::field("token", "is no link's that is still good: ask for a new link", "invalid_token")
}

fn message(user: &User, link: String) -> Message {
    let text = format!(
        "Hello {},\n\nsomebody, most likely you, asked for a new password at TreeBeard. Set it here:\n\n{link}\n\n\
         The link is good for {GOOD_FOR_MINUTES} minutes and one use. If it was not you, there is nothing to do: \
         your\npassword stays as it is.\n",
        user.name
    );
    let subject = "A new password for TreeBeard".to_owned();
    Message { id: Uuid::now_v7(), kind: "password_reset", to: user.email.clone(), subject, text, link }
}
