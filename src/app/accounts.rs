//! Accounts: opening one, signing in, the profile, the password, and everything about leaving.

use crate::app::audit::{Act, note, note_failure};
use crate::app::error::Error;
use crate::app::passwords::Verdict;
use crate::app::sessions::{Caller, Device, TokenPair, deactivated, unauthenticated};
use crate::app::tokens;
use crate::app::version::{Expected, Version};
use crate::app::{App, Result};
use crate::domain::catalog::PropertyType;
use crate::store::consents::{self, Consent};
use crate::store::error::StoreError;
use crate::store::users::{self, NewUser, Role, Status, User};
use crate::store::{password_resets, sessions};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

pub use crate::store::users::ProfileChange;

/// A checked request to open an account.
pub struct NewAccount {
    pub email: String,
    pub password: String,
    pub name: String,
    pub zip_code: String,
    pub property_type: PropertyType,
    /// Document and version.
    pub consents: Vec<(String, String)>,
}

/// What users see of their account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub zip_code: String,
    pub property_type: PropertyType,
    pub is_admin: bool,
    pub role: &'static str,
    pub created_at: Timestamp,
}

impl App {
    /// Opens an account and signs its user in.
    pub async fn register(&self, new: NewAccount, device: Device) -> Result<TokenPair> {
        self.passwords.check("password", &new.password)?;
        let name = not_blank("name", &new.name)?;
        let now = self.now();
        let consents = self.agreed(&new.consents, now)?;
        let user = NewUser {
            id: Uuid::now_v7(),
            email: new.email,
            password_hash: self.passwords.hash(&new.password).await?,
            name,
            zip_code: new.zip_code,
            property_type: new.property_type,
            role: Role::User,
            now,
        };
        let (session, token) = self.new_session(user.id, device, now)?;
        let (started, hash) = (session.clone(), tokens::hash_of(&token));
        let user = self
            .store
            .write(move |tx| {
                let user = users::create(tx, &user)?;
                consents.iter().try_for_each(|consent| consents::append(tx, user.id, consent))?;
                sessions::create(tx, &started, hash)?;
                note(tx, "user_created", Act::own(user.id, json!({ "ip": started.ip })), now)?;
                Ok::<_, StoreError>(user)
            })
            .await
            .map_err(email_taken)?;
        self.pair(&user, &session, token, now)
    }

    /// What a new user agrees to, checked against the documents in force.
    fn agreed(&self, given: &[(String, String)], now: Timestamp) -> Result<Vec<Consent>> {
        let agreed = given.iter().enumerate().map(|(n, (document, version))| {
            let (document, version) = self.documents.consented(document, Some(version), &format!("consents[{n}]."))?;
            let (document, version) = (document.to_owned(), version.to_owned());
            Ok(Consent { id: Uuid::now_v7(), document, version, granted: true, given_at: now })
        });
        agreed.collect()
    }

    /// Signs in. An unknown address and a wrong password take the same time and get the same answer.
    pub async fn login(&self, email: &str, password: &str, device: Device) -> Result<TokenPair> {
        tokio::time::sleep(self.slowdown.delay(email)).await;
        let wanted = email.to_owned();
        let user = self.store.read(move |conn| users::by_email(conn, &wanted)).await?;
        let verdict = self.passwords.verify(user.as_ref().map(|user| user.password_hash.as_str()), password).await?;
        let known = user.as_ref().map(|user| user.id);
        let (Some(user), Verdict::Right | Verdict::RightAndStale(_)) = (user, &verdict) else {
            self.slowdown.failed(email);
            let act = Act { actor: None, subject: known, detail: json!({ "ip": device.ip }) };
            self.note_refused("authn_login_fail", act).await?;
            tracing::info!(event = "authn_login_fail", ip = device.ip, "sign-in refused");
            return Err(unauthenticated("The e-mail address or the password is wrong."));
        };
        self.slowdown.succeeded(email);
        if user.status == Status::Deactivated {
            let detail = json!({ "ip": device.ip, "why": "deactivated" });
            self.note_refused("authn_login_fail", Act { actor: None, subject: Some(user.id), detail }).await?;
            return Err(deactivated());
        }
        let now = self.now();
        let (session, token) = self.new_session(user.id, device, now)?;
        let (started, hash, user_id) = (session.clone(), tokens::hash_of(&token), user.id);
        self.store
            .write(move |tx| {
                let detail = json!({ "ip": started.ip, "session_id": started.id });
                note(tx, "authn_login_success", Act::own(user_id, detail), now)?;
                if let Verdict::RightAndStale(fresh) = verdict {
                    users::set_password(tx, user_id, &fresh, false, now)?;
                }
                users::logged_in(tx, user_id, now)?;
                sessions::create(tx, &started, hash)
            })
            .await?;
        self.pair(&user, &session, token, now)
    }

    /// A password that was refused. Of a sign-in the row is written whether or not there is such an account, which
    /// takes the same time, and never holds the address that was tried.
    async fn note_refused(&self, event: &'static str, act: Act) -> Result<()> {
        let now = self.now();
        Ok(self.store.write(move |tx| note_failure(tx, event, act, now)).await?)
    }

    pub async fn profile(&self, user_id: Uuid) -> Result<Profile> {
        self.user(user_id).await.map(Profile::from)
    }

    /// Changes the account as it is `expected` to be.
    pub async fn change_profile(
        &self,
        user_id: Uuid,
        mut change: ProfileChange,
        expected: Expected,
    ) -> Result<Profile> {
        if let Some(name) = &change.name {
            change.name = Some(not_blank("name", name)?);
        }
        let (now, forgetting) = (self.now(), self.standings.forgetting(user_id));
        let change = self.store.write(move |tx| {
            expected.hold(tx, user_id)?;
            let present = users::by_id(tx, user_id)?.map(Profile::from);
            expected.check(present.as_ref().map(Version::of).as_ref())?;
            note(tx, "user_updated", Act::own(user_id, json!({ "fields": changed_fields(&change) })), now)?;
            let changed = users::change_profile(tx, user_id, &change, now).map_err(email_taken)?;
            Ok::<_, Error>((Profile::from(changed), forgetting))
        });
        let (changed, _forgetting) = change.await?;
        Ok(changed)
    }

    /// Sets a new password; every other session ends, and so does every access token.
    pub async fn change_password(&self, caller: Caller, current: &str, new: &str) -> Result<()> {
        self.demand_password(caller.user_id, "current_password", current, "authn_password_change_fail").await?;
        self.passwords.check("new_password", new)?;
        let hash = self.passwords.hash(new).await?;
        let now = self.now();
        self.store
            .write(move |tx| {
                note(tx, "authn_password_change", Act::own(caller.user_id, json!({})), now)?;
                users::set_password(tx, caller.user_id, &hash, true, now)?;
                password_resets::withdraw(tx, caller.user_id)?;
                sessions::revoke_all(tx, caller.user_id, Some(caller.session_id), now)
            })
            .await?;
        self.standings.forget(caller.user_id);
        Ok(())
    }

    pub(super) async fn user(&self, user_id: Uuid) -> Result<User> {
        let found = self.store.read(move |conn| users::by_id(conn, user_id)).await?;
        found.ok_or_else(|| unauthenticated("The account of this token does not exist any more."))
    }

    /// The password once more, for what a stolen access token must not be enough for. A wrong one is noted as `event`.
    pub(super) async fn demand_password(
        &self,
        user_id: Uuid,
        field: &str,
        password: &str,
        event: &'static str,
    ) -> Result<()> {
        let user = self.user(user_id).await?;
        match self.passwords.verify(Some(&user.password_hash), password).await? {
            Verdict::Wrong => {
                self.note_refused(event, Act::own(user_id, json!({ "asked": "again" }))).await?;
                Err(Error::field(field, "is not the password of this account", "wrong_password"))
            }
            Verdict::Right | Verdict::RightAndStale(_) => Ok(()),
        }
    }
}

impl From<User> for Profile {
    fn from(user: User) -> Self {
        Profile {
            id: user.id,
            email: user.email,
            name: user.name,
            zip_code: user.zip_code,
            property_type: user.property_type,
            is_admin: user.role == Role::Admin,
            role: user.role.as_str(),
            created_at: user.created_at,
        }
    }
}

pub(super) fn email_taken(error: StoreError) -> Error {
    if error.is_conflict(users::EMAIL_TAKEN) {
        return Error::Rule("This e-mail address is registered already. Sign in, or use another.".to_owned());
    }
    error.into()
}

/// Which fields a change is about; not what they are changed to.
fn changed_fields(change: &ProfileChange) -> Vec<&'static str> {
    let ProfileChange { email, name, zip_code, property_type } = change;
    let fields = [
        ("email", email.is_some()),
        ("name", name.is_some()),
        ("zip_code", zip_code.is_some()),
        ("property_type", property_type.is_some()),
    ];
    fields.into_iter().filter(|(_, is_changed)| *is_changed).map(|(name, _)| name).collect()
}

/// The text without blanks around it, which must not be all of it.
pub(super) fn not_blank(field: &str, text: &str) -> Result<String> {
    match text.trim() {
        "" => Err(Error::field(field, "must not be blank", "blank")),
        trimmed => Ok(trimmed.to_owned()),
    }
}
