//! What an operator does to accounts: the first administrator, roles, deactivation, deletion. Each act is written to
//! the audit log in its transaction, and the last active administrator stays.

use crate::app::accounts::{email_taken, not_blank};
use crate::app::audit::{Act, PERSONAL_READ, note};
use crate::app::error::Error;
use crate::app::first_admin::spent;
use crate::app::{App, Result};
use crate::domain::catalog::PropertyType;
use crate::store::db::Tx;
use crate::store::db::filter::{Page, Paged};
use crate::store::error::StoreError;
use crate::store::first_admin::{self, TokenHash};
use crate::store::{erasure, password_resets, sessions, users};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

pub use crate::store::users::{Activity, Role, Status, User, UserFilter};

/// A checked request for an administrator's account.
pub struct NewAdmin {
    pub email: String,
    pub password: String,
    pub name: String,
    pub zip_code: String,
}

impl NewAdmin {
    /// Where none is given.
    pub const NAME: &str = "Administrator";
    /// Of nowhere: plans are not looked for.
    pub const ZIP_CODE: &str = "00000";
}

/// Who acts: an administrator through the API, or nobody the service knows, on its own machine.
pub type Actor = Option<Uuid>;

impl App {
    /// Opens an account with the role of an administrator.
    pub async fn create_admin(&self, new: NewAdmin) -> Result<User> {
        self.open_admin(new, None).await
    }

    /// The same, by the operator or with the link that a service without an administrator prints.
    pub(super) async fn open_admin(&self, new: NewAdmin, link: Option<TokenHash>) -> Result<User> {
        self.passwords.check("password", &new.password)?;
        let now = self.now();
        let user = users::NewUser {
            id: Uuid::now_v7(),
            email: new.email.trim().to_owned(),
            password_hash: self.passwords.hash(&new.password).await?,
            name: not_blank("name", &new.name)?,
            zip_code: new.zip_code,
            property_type: PropertyType::Residential,
            role: Role::Admin,
            now,
        };
        let create = move |tx: &mut Tx<'_>| {
            let by = if link.is_some() { "first link" } else { "command line" };
            let detail = json!({ "role": Role::Admin.as_str(), "by": by });
            // It comes first, and locks the log until the end: of two links used at once one is too late.
            note(tx, "user_created", Act { actor: None, subject: Some(user.id), detail }, now)?;
            if let Some(link) = link {
                let is_first = users::count_active_admins(tx)? == 0;
                if !is_first || !first_admin::spend(tx, link, now)? {
                    return Err(spent());
                }
            }
            users::create(tx, &user).map_err(email_taken)
        };
        self.store.write(create).await
    }

    /// Whether anybody could administer the service.
    pub fn has_admin_blocking(&self) -> Result<bool> {
        Ok(self.store.read_blocking(users::count_active_admins)? > 0)
    }

    /// The newest first. That they were read is noted, though not what was searched for: it may be an address.
    pub async fn users(&self, actor: Actor, wanted: UserFilter, page: Page) -> Result<Paged<User>> {
        let now = self.now();
        let read = move |tx: &mut Tx<'_>| {
            let found = users::list(tx, &wanted, page)?;
            let detail = json!({ "read": "users", "from": page.offset, "rows": found.items.len() });
            note(tx, PERSONAL_READ, Act { actor, subject: None, detail }, now)?;
            Ok::<_, StoreError>(found)
        };
        Ok(self.store.write(read).await?)
    }

    /// One account and how much is held on it; noted as read.
    pub async fn read_user(&self, actor: Actor, id: Uuid) -> Result<(User, Activity)> {
        let now = self.now();
        let read = move |tx: &mut Tx<'_>| {
            let user = users::by_id(tx, id)?.ok_or_else(no_such_user)?;
            let detail = json!({ "read": "user" });
            note(tx, PERSONAL_READ, Act { actor, subject: Some(id), detail }, now)?;
            Ok::<_, Error>((user, users::activity(tx, id, now)?))
        };
        self.store.write(read).await
    }

    /// The user with this id, or else with this e-mail address.
    pub async fn find_user(&self, who: &str) -> Result<User> {
        let (id, email) = (who.trim().parse::<Uuid>().ok(), who.to_owned());
        let found = self.store.read(move |conn| match id {
            Some(id) => users::by_id(conn, id),
            None => users::by_email(conn, &email),
        });
        found.await?.ok_or_else(no_such_user)
    }

    /// The user's access tokens end: they carry the role.
    pub async fn set_role(&self, actor: Actor, id: Uuid, role: Role) -> Result<User> {
        not_oneself(actor, id, "role")?;
        let detail = move |before: &User| json!({ "before": before.role.as_str(), "after": role.as_str() });
        let admin_stays = role == Role::Admin;
        let change = move |tx: &mut Tx<'_>, now| Ok(users::set_role(tx, id, role, now)?);
        self.change(actor, id, "privilege_permissions_changed", admin_stays, detail, change).await
    }

    /// A deactivated user is signed out everywhere and cannot sign in.
    pub async fn set_status(&self, actor: Actor, id: Uuid, status: Status) -> Result<User> {
        not_oneself(actor, id, "status")?;
        let event = if status == Status::Active { "user_enabled" } else { "user_disabled" };
        let detail = move |before: &User| json!({ "before": before.status.as_str(), "after": status.as_str() });
        let change = move |tx: &mut Tx<'_>, now| {
            if status == Status::Deactivated {
                sessions::revoke_all(tx, id, None, now)?;
                password_resets::withdraw(tx, id)?;
            }
            Ok(users::set_status(tx, id, status, now)?)
        };
        self.change(actor, id, event, status == Status::Active, detail, change).await
    }

    /// Erases the account as its owner would.
    pub async fn delete_user(&self, actor: Actor, id: Uuid) -> Result<()> {
        not_oneself(actor, id, "account")?;
        let erase = move |tx: &mut Tx<'_>, now| Ok(erasure::erase(tx, id, now)?);
        self.change(actor, id, "user_deleted", false, |_| json!({}), erase).await?;
        self.forget_erased(id).await;
        Ok(())
    }

    /// One act on one account. The note comes first: it locks the log until the end, so that two acts at once cannot
    /// each take away what the other counts on.
    async fn change<T: Send + 'static>(
        &self,
        actor: Actor,
        id: Uuid,
        event: &'static str,
        admin_stays: bool,
        detail: impl FnOnce(&User) -> Value + Send + 'static,
        work: impl FnOnce(&mut Tx<'_>, Timestamp) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let now = self.now();
        let forgetting = self.standings.forgetting(id);
        let changed = self.store.write(move |tx| {
            let found = users::by_id(tx, id)?;
            let before = found.ok_or_else(no_such_user)?;
            note(tx, event, Act { actor, subject: Some(id), detail: detail(&before) }, now)?;
            if !admin_stays {
                another_admin_remains(tx, &before)?;
            }
            Ok::<_, Error>((work(tx, now)?, forgetting))
        });
        let (changed, _forgetting) = changed.await?;
        Ok(changed)
    }
}

/// Refuses to take the last administrator away.
pub(super) fn another_admin_remains(tx: &mut Tx<'_>, leaving: &User) -> Result<()> {
    let counts = leaving.role == Role::Admin && leaving.status == Status::Active;
    if counts && users::count_active_admins(tx)? <= 1 {
        let message = "This is the last administrator. Appoint another one first.";
        return Err(Error::Rule(message.to_owned()));
    }
    Ok(())
}

fn no_such_user() -> Error {
    Error::NotFound("There is no such user.".to_owned())
}

fn not_oneself(actor: Actor, id: Uuid, what: &str) -> Result<()> {
    if actor == Some(id) {
        return Err(Error::Rule(format!("You cannot change your own {what} here. Ask another administrator.")));
    }
    Ok(())
}
