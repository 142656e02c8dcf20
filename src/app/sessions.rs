//! Who is signed in: pairs of tokens, their renewal, and the check of every access token.

use crate::app::error::Error;
use crate::app::tokens::{self, Refused};
use crate::app::{App, Result};
use crate::store::sessions::{self, Rotation, Session};
use crate::store::users::{self, Role, Status, User};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// A change of role, password or status reaches every node's access tokens within this time.
const STANDING_LIVES: Duration = Duration::from_secs(3);
const STANDINGS_MAX: u64 = 100_000;

/// What a session remembers of the client that began it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// What a signed-in user holds.
#[derive(Clone)]
pub struct TokenPair {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_in_seconds: u32,
}

/// Who an access token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user_id: Uuid,
    pub session_id: Uuid,
    pub is_admin: bool,
}

/// Role, status and token version of the users seen lately.
pub struct Standings(Cache<Uuid, Option<(Role, Status, i64)>>);

impl Default for Standings {
    fn default() -> Self {
        Standings(Cache::builder().max_capacity(STANDINGS_MAX).time_to_live(STANDING_LIVES).build())
    }
}

impl Standings {
    /// The next check reads the user's row again.
    pub fn forget(&self, user: Uuid) {
        self.0.invalidate(&user);
    }
}

impl App {
    /// Who an access token stands for, if it still stands for anybody.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let claims = self.tokens.verify(token, self.now().as_second()).map_err(|refused| {
            unauthenticated(match refused {
                Refused::Expired => "The access token has expired. Refresh it or sign in again.",
                Refused::Invalid => "The access token is not valid. Sign in again.",
            })
        })?;
        let standing = match self.standings.0.get(&claims.sub) {
            Some(standing) => standing,
            None => {
                let found = self.store.read(move |conn| users::standing(conn, claims.sub)).await?;
                self.standings.0.insert(claims.sub, found);
                found
            }
        };
        match standing {
            Some((_, Status::Deactivated, _)) => Err(deactivated()),
            Some((role, Status::Active, version)) if version == claims.ver => {
                Ok(Caller { user_id: claims.sub, session_id: claims.sid, is_admin: role == Role::Admin })
            }
            _ => Err(unauthenticated("The access token has been revoked. Sign in again.")),
        }
    }

    /// The successor of a refresh token, with a new access token.
    pub async fn refresh(&self, presented: &str) -> Result<TokenPair> {
        let refused = || unauthenticated("The refresh token is not valid any more. Sign in again.");
        let now = self.now();
        let (hash, successor) = (tokens::hash_of(presented), self.tokens.successor(presented));
        let (offered, expires_at) = (tokens::hash_of(&successor), self.refresh_expiry(now));
        let (seal, leeway) =
            (self.seal(), SignedDuration::try_from(self.config.auth.refresh_reuse).unwrap_or_default());
        let outcome = self
            .store
            .write(move |tx| {
                let rotation = sessions::rotate(tx, hash, offered, now, expires_at, leeway)?;
                let user = match &rotation {
                    Rotation::Rotated(session) | Rotation::Repeated { session, .. } => {
                        users::by_id(tx, session.user_id)?
                    }
                    Rotation::Reused(session) => {
                        let detail = json!({ "session_id": session.id });
                        seal.note(tx, "authn_token_reuse", session.user_id, detail, now)?;
                        None
                    }
                    Rotation::Refused => None,
                };
                Ok::<_, Error>((rotation, user))
            })
            .await?;
        match outcome {
            (Rotation::Rotated(session), Some(user)) => self.pair(&user, &session, successor, now),
            // After a change of the signing key the one stored may not be the one derived now.
            (Rotation::Repeated { session, successor: stored }, Some(user)) if stored == offered => {
                self.pair(&user, &session, successor, now)
            }
            (Rotation::Reused(session), _) => {
                let user_id = session.user_id;
                tracing::warn!(event = "authn_token_reuse", %user_id, "a spent refresh token came back: session ended");
                Err(refused())
            }
            _ => Err(refused()),
        }
    }

    /// Ends the session of a refresh token; an unknown token is as good as signed out.
    pub async fn logout(&self, refresh_token: &str) -> Result<()> {
        let (hash, now) = (tokens::hash_of(refresh_token), self.now());
        self.store
            .write(move |tx| match sessions::by_token(tx, hash)? {
                Some(session) => sessions::revoke(tx, session.id, now),
                None => Ok(()),
            })
            .await?;
        Ok(())
    }

    /// Ends every session of a user, and every access token issued so far.
    pub async fn logout_all(&self, user_id: Uuid) -> Result<()> {
        let now = self.now();
        self.store
            .write(move |tx| {
                sessions::revoke_all(tx, user_id, None, now)?;
                users::end_tokens(tx, user_id)
            })
            .await?;
        self.standings.forget(user_id);
        Ok(())
    }

    /// A session about to begin, and its first refresh token.
    pub(super) fn new_session(&self, user_id: Uuid, device: Device, now: Timestamp) -> Result<(Session, String)> {
        let token = tokens::new_refresh_token().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
        let session = Session {
            id: Uuid::now_v7(),
            user_id,
            created_at: now,
            last_used_at: now,
            expires_at: self.refresh_expiry(now),
            ip: device.ip,
            user_agent: device.user_agent,
            revoked_at: None,
        };
        Ok((session, token))
    }

    pub(super) fn pair(&self, user: &User, session: &Session, refresh: String, now: Timestamp) -> Result<TokenPair> {
        if user.status == Status::Deactivated {
            return Err(deactivated());
        }
        let is_admin = user.role == Role::Admin;
        let access_token = self
            .tokens
            .sign(user.id, session.id, is_admin, user.token_version, now.as_second())
            .map_err(|error| Error::Internal(format!("signing a token: {error}")))?;
        let expires_in_seconds = u32::try_from(self.tokens.lifetime.as_secs()).unwrap_or(u32::MAX);
        Ok(TokenPair { access_token, refresh_token: refresh, expires_in_seconds })
    }

    fn refresh_expiry(&self, now: Timestamp) -> Timestamp {
        let lifetime = SignedDuration::try_from(self.config.auth.refresh_lifetime).unwrap_or(SignedDuration::MAX);
        now.saturating_add(lifetime).unwrap_or(Timestamp::MAX)
    }
}

pub(super) fn unauthenticated(message: &str) -> Error {
    Error::Unauthenticated(message.to_owned())
}

pub(super) fn deactivated() -> Error {
    Error::Forbidden("This account is deactivated. Ask the operator of the service.".to_owned())
}
