//! Who is signed in: pairs of tokens, their renewal, and the check of every access token.

use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::app::tokens::{self, Pass, Refused};
use crate::app::{App, Result};
use crate::store::db::{Conn, Engine, Tx};
use crate::store::error::StoreError;
pub use crate::store::sessions::Session;
use crate::store::sessions::{self, Rotation};
pub use crate::store::users::Role;
use crate::store::users::{self, Status, User};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// A change of role, password or status made by another process beside the service is seen within this time.
const STANDING_LIVES: Duration = Duration::from_secs(3);
/// Of many nodes each hears of such a change at once. It is seen within this time when that is not heard.
const STANDING_LIVES_AMONG_NODES: Duration = Duration::from_millis(900);
const STANDINGS_MAX: u64 = 100_000;
const CHANGES: usize = 1_024;

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
    pub role: Role,
    pub is_admin: bool,
}

/// What access tokens are checked against, of the users and sessions seen lately.
pub struct Standings {
    /// Role, status and token version.
    users: Cache<Uuid, Option<(Role, Status, i64)>>,
    /// Whether it is open.
    sessions: Cache<Uuid, bool>,
    /// How often users were forgotten: some share a number.
    changes: Box<[AtomicU64]>,
}

/// Of a user and of one of their sessions: role, status and token version, and whether the session is open.
type Standing = (Option<(Role, Status, i64)>, bool);

impl Standings {
    pub fn new(engine: Engine) -> Self {
        let lives = match engine {
            Engine::Sqlite => STANDING_LIVES,
            Engine::Postgres => STANDING_LIVES_AMONG_NODES,
        };
        Standings {
            users: Cache::builder().max_capacity(STANDINGS_MAX).time_to_live(lives).build(),
            sessions: Cache::builder().max_capacity(STANDINGS_MAX).time_to_live(lives).build(),
            changes: (0..CHANGES).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The next check reads the user's row again, and nothing is given again that was made from it.
    pub fn forget(&self, user: Uuid) {
        self.change(user).fetch_add(1, Ordering::Release);
        self.users.invalidate(&user);
    }

    /// Forgets the user when it is dropped. Part of what a transaction returns, it is dropped after the commit, whether
    /// or not anybody still waits for that.
    pub fn forgetting(self: &Arc<Self>, user: Uuid) -> Forgetting {
        Forgetting(self.clone(), user)
    }

    /// Another number whenever the user's row has changed. Who keeps what was made from the row reads it before.
    pub fn change_of(&self, user: Uuid) -> u64 {
        self.change(user).load(Ordering::Acquire)
    }

    fn change(&self, user: Uuid) -> &AtomicU64 {
        // The last bits of an id are random.
        &self.changes[user.as_u128() as usize % CHANGES]
    }

    /// As it was at most a few seconds ago.
    fn held(&self, pass: &Pass) -> Option<Standing> {
        Some((self.users.get(&pass.user)?, self.sessions.get(&pass.session)?))
    }

    /// The next check reads the session's row again.
    pub fn forget_session(&self, session: Uuid) {
        self.sessions.invalidate(&session);
    }

    /// Every check reads its rows again.
    pub fn clear(&self) {
        for change in &self.changes {
            change.fetch_add(1, Ordering::Release);
        }
        self.users.invalidate_all();
        self.sessions.invalidate_all();
    }
}

/// See [`Standings::forgetting`].
pub struct Forgetting(Arc<Standings>, Uuid);

impl Drop for Forgetting {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

/// A session as its user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    pub session: Session,
    /// The one that asks.
    pub is_current: bool,
}

impl App {
    /// Who an access token stands for, if it still stands for anybody.
    pub async fn authenticate(&self, token: &str) -> Result<Caller> {
        let pass = self.tokens.verify(token, self.now().as_second()).map_err(|refused| {
            unauthenticated(match refused {
                Refused::Expired => "The access token has expired. Refresh it or sign in again.",
                Refused::Invalid => "The access token is not valid. Sign in again.",
            })
        })?;
        let standing = match self.standings.held(&pass) {
            Some(standing) => standing,
            None => self.standing(&pass).await?,
        };
        caller_of(&pass, standing)
    }

    /// The same where nothing needs to be looked up or refused for it; else `None`.
    pub fn caller_at_once(&self, token: &str) -> Option<Caller> {
        let pass = self.tokens.verify(token, self.now().as_second()).ok()?;
        caller_of(&pass, self.standings.held(&pass)?).ok()
    }

    async fn standing(&self, pass: &Pass) -> Result<Standing> {
        let (user, session) = (pass.user, pass.session);
        let look = move |conn: &mut Conn<'_>| {
            Ok::<_, StoreError>((users::standing(conn, user)?, sessions::is_open(conn, session)?))
        };
        let (standing, is_open) = self.store.read(look).await?;
        self.standings.users.insert(user, standing);
        self.standings.sessions.insert(session, is_open);
        Ok((standing, is_open))
    }

    /// Whether every change of an account is made here.
    pub fn is_the_only_node(&self) -> bool {
        self.store.engine() == Engine::Sqlite
    }

    /// The caller's sessions that are still good, last used first.
    pub async fn own_sessions(&self, caller: Caller) -> Result<Vec<OwnSession>> {
        let now = self.now();
        let found = self.store.read(move |conn| sessions::of_user(conn, caller.user_id, now)).await?;
        let own = |session: Session| OwnSession { is_current: session.id == caller.session_id, session };
        Ok(found.into_iter().map(own).collect())
    }

    /// Ends one of the caller's sessions, and the access tokens made in it.
    pub async fn end_session(&self, caller: Caller, session: Uuid) -> Result<()> {
        let now = self.now();
        let ended = self.store.write(move |tx| sessions::revoke_own(tx, caller.user_id, session, now)).await?;
        self.standings.forget_session(session);
        if ended { Ok(()) } else { Err(Error::NotFound("There is no such session. List yours first.".to_owned())) }
    }

    /// The successor of a refresh token, with a new access token.
    pub async fn refresh(&self, presented: &str) -> Result<TokenPair> {
        let refused = || unauthenticated("The refresh token is not valid any more. Sign in again.");
        let now = self.now();
        let (hash, successor) = (tokens::hash_of(presented), self.tokens.successor(presented));
        let (offered, expires_at) = (tokens::hash_of(&successor), self.refresh_expiry(now));
        let leeway = SignedDuration::try_from(self.config.auth.refresh_reuse).unwrap_or_default();
        let age_max = SignedDuration::try_from(self.config.auth.session_age_max).unwrap_or(SignedDuration::MAX);
        let outcome = self
            .store
            .write(move |tx| {
                let rotation = sessions::rotate(tx, hash, offered, now, expires_at, leeway, age_max)?;
                let user = match &rotation {
                    Rotation::Rotated(session) | Rotation::Repeated { session, .. } => {
                        users::by_id(tx, session.user_id)?
                    }
                    Rotation::Reused(session) => {
                        let detail = json!({ "session_id": session.id });
                        note(tx, "authn_token_reuse", Act::own(session.user_id, detail), now)?;
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
                self.standings.forget_session(session.id);
                tracing::warn!(event = "authn_token_reuse", %user_id, "a spent refresh token came back: session ended");
                Err(refused())
            }
            _ => Err(refused()),
        }
    }

    /// Ends the session of a refresh token; an unknown token is as good as signed out.
    pub async fn logout(&self, refresh_token: &str) -> Result<()> {
        let (hash, now) = (tokens::hash_of(refresh_token), self.now());
        let end = move |tx: &mut Tx<'_>| {
            let found = sessions::by_token(tx, hash)?;
            if let Some(session) = &found {
                sessions::revoke(tx, session.id, now)?;
            }
            Ok::<_, StoreError>(found)
        };
        if let Some(session) = self.store.write(end).await? {
            self.standings.forget_session(session.id);
        }
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
        let token = tokens::new_opaque().map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
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

fn caller_of(pass: &Pass, (standing, is_open): Standing) -> Result<Caller> {
    match standing {
        Some((_, Status::Deactivated, _)) => Err(deactivated()),
        Some((role, Status::Active, version)) if is_open && version == pass.version => {
            Ok(Caller { user_id: pass.user, session_id: pass.session, role, is_admin: role == Role::Admin })
        }
        _ => Err(unauthenticated("The access token has been revoked. Sign in again.")),
    }
}

pub(super) fn unauthenticated(message: &str) -> Error {
    Error::Unauthenticated(message.to_owned())
}

pub(super) fn deactivated() -> Error {
    Error::Forbidden("This account is deactivated. Ask the operator of the service.".to_owned())
}
