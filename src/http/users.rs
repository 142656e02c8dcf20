//! The signed-in user: profile, preferences, the plan they are on.

use crate::app::App;
use crate::app::accounts::ProfileChange;
use crate::app::error::Error;
use crate::app::household::SavedPriorities;
use crate::app::version::Version;
use crate::domain::advice::{CurrentPlan, Priorities};
use crate::domain::catalog::PropertyType;
use crate::http::Tag;
use crate::http::auth::User;
use crate::http::body::{Done, StrictJson};
use crate::http::caller::SignedIn;
use crate::http::conditional::{IfMatch, Kept, Versioned};
use crate::http::current_plan::PlanOnNow;
use crate::http::lane::Lasting;
use crate::http::problem::Result;
use crate::http::values::{Email, TimeValue};
use poem::web::Data;
use poem_openapi::{Object, OpenApi};
use std::sync::Arc;

pub struct Users;

#[OpenApi(prefix_path = "/api/v1/users", tag = "Tag::Users")]
impl Users {
    /// Get the profile
    ///
    /// The caller's own account.
    #[oai(path = "/profile", method = "get", operation_id = "get_profile")]
    async fn profile(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Kept<User>> {
        let user = caller.0.user_id;
        let lasting = Lasting::Own { user, change: app.standings.change_of(user) };
        let profile = app.profile(user).await?;
        let version = Version::of(&profile);
        Ok(Kept(Versioned(profile.into(), version), lasting))
    }

    /// Change the profile
    ///
    /// Only the fields that are given change. An e-mail that another account has is refused with 400.
    #[oai(path = "/profile", method = "put", operation_id = "update_profile")]
    async fn update_profile(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: StrictJson<ProfileRequest>,
    ) -> Result<Versioned<ProfileChanged>> {
        let request = body.0;
        let change = ProfileChange {
            name: request.name,
            email: request.email.map(|email| email.0),
            zip_code: request.zip_code,
            property_type: request.property_type,
        };
        let profile = app.change_profile(caller.0.user_id, change, if_match.0).await?;
        let (message, version) = ("The profile is saved.".to_owned(), Version::of(&profile));
        Ok(Versioned(ProfileChanged { message, success: true, data: profile.into() }, version))
    }

    /// Get the preferences
    ///
    /// The weights recommendations use unless a request brings its own. None saved: 40, 30, 20, 10 and no
    /// `updated_at`.
    #[oai(path = "/preferences", method = "get", operation_id = "get_preferences")]
    async fn preferences(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Versioned<Preferences>> {
        let saved = app.priorities(caller.0.user_id).await?;
        Ok(Versioned(saved.into(), Version::of(&saved)))
    }

    /// Save the preferences
    ///
    /// Four whole numbers that sum to 100; another sum is refused with 400.
    #[oai(path = "/preferences", method = "post", operation_id = "save_preferences")]
    async fn save_preferences(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: StrictJson<PreferencesRequest>,
    ) -> Result<Versioned<Preferences>> {
        let PreferencesRequest { cost_priority, flexibility_priority, renewable_priority, rating_priority } = body.0;
        let priorities = [cost_priority, flexibility_priority, renewable_priority, rating_priority];
        let saved = app.save_priorities(caller.0.user_id, priorities, if_match.0).await?;
        Ok(Versioned(saved.into(), Version::of(&saved)))
    }

    /// Get the current plan
    ///
    /// The plan the caller said they are on; 404 when none is saved.
    #[oai(path = "/current-plan", method = "get", operation_id = "get_current_plan")]
    async fn current_plan(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Versioned<PlanOnNow>> {
        let saved = app.current_plan(caller.0.user_id).await?;
        let saved = saved.ok_or_else(|| Error::NotFound("No current plan is saved. Save one first.".to_owned()))?;
        let version = Version::of(&saved);
        Ok(Versioned(PlanOnNow::of(saved), version))
    }

    /// Save the current plan
    ///
    /// Replaces the one saved before. Every field is optional; savings are computed from the best of what is given.
    #[oai(path = "/current-plan", method = "put", operation_id = "save_current_plan")]
    async fn save_current_plan(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        /// The `ETag` of what the change was made from: where that is not what is held any more, 409.
        #[oai(name = "If-Match")]
        if_match: IfMatch,
        body: StrictJson<PlanOnNow>,
    ) -> Result<Versioned<PlanOnNow>> {
        let plan = CurrentPlan::try_from(body.0)?;
        let saved = app.save_current_plan(caller.0.user_id, plan, if_match.0).await?;
        let version = Version::of(&saved);
        Ok(Versioned(PlanOnNow::of(saved), version))
    }

    /// Delete the current plan
    ///
    /// Deleting what is not there is done, too.
    #[oai(path = "/current-plan", method = "delete", operation_id = "delete_current_plan")]
    async fn delete_current_plan(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Done> {
        app.delete_current_plan(caller.0.user_id).await?;
        Ok(Done::NoContent)
    }
}

/// Changes of an account.
#[derive(Object)]
struct ProfileRequest {
    #[oai(validator(min_length = 1, max_length = 255))]
    name: Option<String>,
    email: Option<Email>,
    /// ZIP or ZIP+4.
    #[oai(validator(pattern = r"^\d{5}(-\d{4})?$", max_length = 10))]
    zip_code: Option<String>,
    property_type: Option<PropertyType>,
}

/// The account after the change.
#[derive(Object)]
struct ProfileChanged {
    #[oai(validator(max_length = 200))]
    message: String,
    success: bool,
    data: User,
}

/// What matters, in percent; the four sum to 100.
#[derive(Object)]
struct PreferencesRequest {
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    cost_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    flexibility_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    renewable_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    rating_priority: u8,
}

/// What matters, in percent.
#[derive(Object)]
struct Preferences {
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    cost_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    flexibility_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    renewable_priority: u8,
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    rating_priority: u8,
    /// `null`: never saved, these are the defaults.
    #[oai(nullable)]
    updated_at: Option<TimeValue>,
}

impl From<SavedPriorities> for Preferences {
    fn from(saved: SavedPriorities) -> Self {
        let Priorities { cost, flexibility, renewable, rating } = saved.priorities;
        Preferences {
            cost_priority: cost,
            flexibility_priority: flexibility,
            renewable_priority: renewable,
            rating_priority: rating,
            updated_at: saved.updated_at.map(TimeValue),
        }
    }
}
