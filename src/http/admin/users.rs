//! Accounts: list, detail with activity, role, deactivate, reactivate, delete.

use super::{answer, listed};
use crate::app::App;
use crate::app::administration::{Activity, Role, Status, User, UserFilter};
use crate::app::catalog::Page;
use crate::app::figures::moment;
use crate::domain::catalog::PropertyType;
use crate::http::Tag;
use crate::http::body::{Done, StrictJson};
use crate::http::caller::SignedIn;
use crate::http::plans::page_request;
use crate::http::problem::Result;
use crate::http::ready::Private;
use jiff::Timestamp;
use poem::Request;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Enum, Object, OpenApi};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;

pub struct AdminUsers;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminUsers {
    /// List accounts
    ///
    /// The newest first. Reading them is noted in the audit log.
    #[oai(path = "/users", method = "get", operation_id = "admin_list_users")]
    #[allow(clippy::too_many_arguments)]
    async fn list(
        &self,
        app: Data<&Arc<App>>,
        request: &Request,
        caller: SignedIn,
        role: Query<Option<UserRole>>,
        status: Query<Option<UserStatus>>,
        /// A part of the e-mail address or name.
        #[oai(validator(max_length = 200))]
        q: Query<Option<String>>,
        #[oai(validator(minimum(value = "1")))] page: Query<Option<u32>>,
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))] page_size: Query<Option<u32>>,
    ) -> Result<Private<Page<UserItem>>> {
        let wanted = UserFilter { role: role.0.map(Role::from), status: status.0.map(Status::from), text: q.0 };
        let page = page_request(page.0, page_size.0);
        let found = app.users(Some(caller.0.user_id), wanted, page.into()).await?;
        listed(request, &Page::kept(page, found, UserItem::of))
    }

    /// Read one account
    ///
    /// With how much is held on it, not what. Reading it is noted in the audit log.
    #[oai(path = "/users/:user_id", method = "get", operation_id = "admin_get_user")]
    async fn read(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Result<Private<UserDetail>> {
        let (user, activity) = app.read_user(Some(caller.0.user_id), user_id.0).await?;
        answer(&UserDetail { user: UserItem::of(user), activity: activity.into() })
    }

    /// Change a role
    ///
    /// The account's access tokens end, since they carry the role. One's own role and that of the last administrator
    /// stay: 400.
    #[oai(path = "/users/:user_id/role", method = "put", operation_id = "admin_set_user_role")]
    async fn set_role(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
        body: StrictJson<RoleRequest>,
    ) -> Result<Private<UserItem>> {
        let changed = app.set_role(Some(caller.0.user_id), user_id.0, body.0.role.into()).await?;
        answer(&UserItem::of(changed))
    }

    /// Deactivate an account
    ///
    /// It is signed out everywhere and cannot sign in until it is reactivated.
    #[oai(path = "/users/:user_id/deactivate", method = "post", operation_id = "admin_deactivate_user")]
    async fn deactivate(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Result<Private<UserItem>> {
        let changed = app.set_status(Some(caller.0.user_id), user_id.0, Status::Deactivated).await?;
        answer(&UserItem::of(changed))
    }

    /// Reactivate an account
    ///
    /// It can sign in again.
    #[oai(path = "/users/:user_id/reactivate", method = "post", operation_id = "admin_reactivate_user")]
    async fn reactivate(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        user_id: Path<Uuid>,
    ) -> Result<Private<UserItem>> {
        let changed = app.set_status(Some(caller.0.user_id), user_id.0, Status::Active).await?;
        answer(&UserItem::of(changed))
    }

    /// Delete an account
    ///
    /// Erases what is held on it, as its owner's own deletion would; it cannot be undone. Never one's own account, and
    /// never the last administrator's: 400.
    #[oai(path = "/users/:user_id", method = "delete", operation_id = "admin_delete_user")]
    async fn delete(&self, app: Data<&Arc<App>>, caller: SignedIn, user_id: Path<Uuid>) -> Result<Done> {
        app.delete_user(Some(caller.0.user_id), user_id.0).await?;
        Ok(Done::NoContent)
    }
}

/// An account as staff see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AdminUser")]
struct UserItem {
    id: Uuid,
    email: String,
    name: String,
    zip_code: String,
    property_type: PropertyType,
    /// `user`, `support` or `admin`.
    role: &'static str,
    /// `active` or `deactivated`.
    status: &'static str,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// `null`: never signed in since it was opened.
    last_login_at: Option<Timestamp>,
}

/// An account and how much the service holds on it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AdminUserDetail")]
struct UserDetail {
    #[serde(flatten)]
    user: UserItem,
    activity: ActivityItem,
}

/// Counts of what is held.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "UserActivity")]
struct ActivityItem {
    open_sessions: u64,
    recommendations: u64,
    last_recommendation_at: Option<Timestamp>,
    usage_months: u64,
    /// Days with interval readings.
    usage_days: u64,
    feedback: u64,
    consents: u64,
}

/// Another role.
#[derive(Object)]
struct RoleRequest {
    role: UserRole,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum UserRole {
    User,
    Support,
    Admin,
}

/// Whether an account can sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum UserStatus {
    Active,
    Deactivated,
}

impl UserItem {
    fn of(user: User) -> Self {
        UserItem {
            id: user.id,
            email: user.email,
            name: user.name,
            zip_code: user.zip_code,
            property_type: user.property_type,
            role: user.role.as_str(),
            status: user.status.as_str(),
            created_at: moment(user.created_at),
            updated_at: moment(user.updated_at),
            last_login_at: user.last_login_at.map(moment),
        }
    }
}

impl From<Activity> for ActivityItem {
    fn from(held: Activity) -> Self {
        ActivityItem {
            open_sessions: held.open_sessions,
            recommendations: held.recommendations,
            last_recommendation_at: held.last_recommendation_at.map(moment),
            usage_months: held.usage_months,
            usage_days: held.usage_days,
            feedback: held.feedback,
            consents: held.consents,
        }
    }
}

impl From<UserRole> for Role {
    fn from(role: UserRole) -> Self {
        match role {
            UserRole::User => Role::User,
            UserRole::Support => Role::Support,
            UserRole::Admin => Role::Admin,
        }
    }
}

impl From<UserStatus> for Status {
    fn from(status: UserStatus) -> Self {
        match status {
            UserStatus::Active => Status::Active,
            UserStatus::Deactivated => Status::Deactivated,
        }
    }
}
