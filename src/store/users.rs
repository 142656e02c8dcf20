//! Accounts.

use crate::domain::catalog::PropertyType;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::{FromValue, Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use crate::store::nodes::{News, tell};
use jiff::Timestamp;
use std::fmt;
use uuid::Uuid;

/// The constraint that is violated when an e-mail address is taken.
pub const EMAIL_TAKEN: &str = "users_email_folded_key";

#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub id: Uuid,
    /// As typed; compared by [`fold_email`].
    pub email: String,
    pub password_hash: String,
    pub name: String,
    pub zip_code: String,
    pub property_type: PropertyType,
    pub role: Role,
    pub status: Status,
    /// Access tokens that carry a smaller one are no longer valid.
    pub token_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub last_login_at: Option<Timestamp>,
}

/// Without what is personal or secret.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({}, {:?}, {:?}, token version {})", self.id, self.role, self.status, self.token_version)
    }
}

pub struct NewUser {
    pub id: Uuid,
    pub email: String,
    pub password_hash: String,
    pub name: String,
    pub zip_code: String,
    pub property_type: PropertyType,
    pub role: Role,
    pub now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    User,
    /// Reads what an administrator reads, changes nothing.
    Support,
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Active,
    Deactivated,
}

/// How much the service holds on a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    pub open_sessions: u64,
    pub recommendations: u64,
    pub last_recommendation_at: Option<Timestamp>,
    pub usage_months: u64,
    pub usage_days: u64,
    pub feedback: u64,
    pub consents: u64,
}

/// What a user may change about themselves; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    pub email: Option<String>,
    pub name: Option<String>,
    pub zip_code: Option<String>,
    pub property_type: Option<PropertyType>,
}

/// Which users a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    pub role: Option<Role>,
    pub status: Option<Status>,
    /// A part of e-mail or name.
    pub text: Option<String>,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Support => "support",
            Role::Admin => "admin",
        }
    }
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Deactivated => "deactivated",
        }
    }
}

/// The form in which e-mail addresses are compared.
pub fn fold_email(email: &str) -> String {
    email.trim().to_lowercase()
}

const COLUMNS: &str = "id, email, password_hash, name, zip_code, property_type, role, status, token_version, created_at, \
                       updated_at, last_login_at";

fn user(row: &mut Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.take()?,
        email: row.take()?,
        password_hash: row.take()?,
        name: row.take()?,
        zip_code: row.take()?,
        property_type: row.take()?,
        role: row.take()?,
        status: row.take()?,
        token_version: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        last_login_at: row.take()?,
    })
}

/// Fails with a conflict on [`EMAIL_TAKEN`] when the address is in use.
pub fn create(tx: &mut Tx<'_>, new: &NewUser) -> Result<User, StoreError> {
    let sql = format!(
        "INSERT INTO users (id, email, email_folded, password_hash, name, zip_code, property_type, role, status, \
         token_version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'active', 0, $9, $9) \
         RETURNING {COLUMNS}"
    );
    let values: [Value; 9] = [
        new.id.into(),
        (&new.email).into(),
        fold_email(&new.email).into(),
        (&new.password_hash).into(),
        (&new.name).into(),
        (&new.zip_code).into(),
        new.property_type.as_str().into(),
        new.role.as_str().into(),
        new.now.into(),
    ];
    tx.one(&sql, &values, user)
}

pub fn by_id(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<User>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM users WHERE id = $1"), &[id.into()], user)
}

pub fn by_email(conn: &mut Conn<'_>, email: &str) -> Result<Option<User>, StoreError> {
    conn.find(&format!("SELECT {COLUMNS} FROM users WHERE email_folded = $1"), &[fold_email(email).into()], user)
}

/// What an access token is checked against: role, status, token version. Much lighter than the whole row.
pub fn standing(conn: &mut Conn<'_>, id: Uuid) -> Result<Option<(Role, Status, i64)>, StoreError> {
    conn.find("SELECT role, status, token_version FROM users WHERE id = $1", &[id.into()], |row| {
        Ok((row.take()?, row.take()?, row.take()?))
    })
}

/// Newest first.
pub fn list(conn: &mut Conn<'_>, wanted: &UserFilter, page: Page) -> Result<Paged<User>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("role = ?", wanted.role.map(Role::as_str));
    filter.and_some("status = ?", wanted.status.map(Status::as_str));
    filter.and_contains(&["email", "name"], wanted.text.as_deref());
    filter.page(conn, (COLUMNS, "users", "created_at DESC, id"), page, user)
}

pub fn activity(conn: &mut Conn<'_>, id: Uuid, now: Timestamp) -> Result<Activity, StoreError> {
    let sql = "SELECT \
        (SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2), \
        (SELECT count(*) FROM recommendations WHERE user_id = $1), \
        (SELECT max(created_at) FROM recommendations WHERE user_id = $1), \
        (SELECT count(*) FROM usage_history WHERE user_id = $1), \
        (SELECT count(*) FROM usage_days WHERE user_id = $1), \
        (SELECT count(*) FROM feedback WHERE user_id = $1), \
        (SELECT count(*) FROM consents WHERE user_id = $1)";
    conn.one(sql, &[id.into(), now.into()], |row: &mut Row| {
        Ok(Activity {
            open_sessions: row.take()?,
            recommendations: row.take()?,
            last_recommendation_at: row.take()?,
            usage_months: row.take()?,
            usage_days: row.take()?,
            feedback: row.take()?,
            consents: row.take()?,
        })
    })
}

pub fn count_active_admins(conn: &mut Conn<'_>) -> Result<u64, StoreError> {
    conn.one("SELECT count(*) FROM users WHERE role = 'admin' AND status = 'active'", &[], Row::take)
}

pub fn change_profile(tx: &mut Tx<'_>, id: Uuid, change: &ProfileChange, now: Timestamp) -> Result<User, StoreError> {
    let sql = format!(
        "UPDATE users SET email = coalesce($2, email), email_folded = coalesce($3, email_folded), \
         name = coalesce($4, name), zip_code = coalesce($5, zip_code), property_type = coalesce($6, property_type), \
         updated_at = $7 WHERE id = $1 RETURNING {COLUMNS}"
    );
    let values: [Value; 7] = [
        id.into(),
        change.email.as_deref().into(),
        change.email.as_deref().map(fold_email).into(),
        change.name.as_deref().into(),
        change.zip_code.as_deref().into(),
        change.property_type.map(PropertyType::as_str).into(),
        now.into(),
    ];
    tx.one(&sql, &values, user)
}

/// Keeps everybody else from changing what is this user's, until the transaction ends; what is read from now on stays so.
pub fn lock(tx: &mut Tx<'_>, id: Uuid) -> Result<(), StoreError> {
    tx.execute("UPDATE users SET role = role WHERE id = $1", &[id.into()]).map(|_| ())
}

/// Changes the password. With `end_tokens` (a new password, not a re-hash of the same) access tokens become invalid.
pub fn set_password(tx: &mut Tx<'_>, id: Uuid, hash: &str, end_tokens: bool, now: Timestamp) -> Result<(), StoreError> {
    tx.execute_one(
        "UPDATE users SET password_hash = $2, token_version = token_version + $3, updated_at = $4 WHERE id = $1",
        &[id.into(), hash.into(), i64::from(end_tokens).into(), now.into()],
    )?;
    if end_tokens { tell(tx, News::User(id)) } else { Ok(()) }
}

/// Makes every access token issued so far invalid; returns the new version.
pub fn end_tokens(tx: &mut Tx<'_>, id: Uuid) -> Result<i64, StoreError> {
    tell(tx, News::User(id))?;
    tx.one(
        "UPDATE users SET token_version = token_version + 1 WHERE id = $1 RETURNING token_version",
        &[id.into()],
        Row::take,
    )
}

/// Also ends the user's access tokens, which carry the role.
pub fn set_role(tx: &mut Tx<'_>, id: Uuid, role: Role, now: Timestamp) -> Result<User, StoreError> {
    let sql = format!(
        "UPDATE users SET role = $2, token_version = token_version + 1, updated_at = $3 WHERE id = $1 RETURNING {COLUMNS}"
    );
    tell(tx, News::User(id))?;
    tx.one(&sql, &[id.into(), role.as_str().into(), now.into()], user)
}

/// Also ends the user's access tokens.
pub fn set_status(tx: &mut Tx<'_>, id: Uuid, status: Status, now: Timestamp) -> Result<User, StoreError> {
    let sql = format!(
        "UPDATE users SET status = $2, token_version = token_version + 1, updated_at = $3 WHERE id = $1 RETURNING {COLUMNS}"
    );
    tell(tx, News::User(id))?;
    tx.one(&sql, &[id.into(), status.as_str().into(), now.into()], user)
}

pub fn logged_in(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    tx.execute_one("UPDATE users SET last_login_at = $2 WHERE id = $1", &[id.into(), now.into()])
}

fn unknown(what: &str) -> StoreError {
    StoreError::internal(format_args!("a stored {what} is not one the code knows"))
}

impl FromValue for Role {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        [Role::User, Role::Support, Role::Admin]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| unknown("role"))
    }
}

impl FromValue for Status {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        [Status::Active, Status::Deactivated]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| unknown("user status"))
    }
}

impl FromValue for PropertyType {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        [PropertyType::Residential, PropertyType::Commercial]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| unknown("property type"))
    }
}
