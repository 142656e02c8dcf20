//! Accounts and tokens: register, sign in, refresh, sign out, change the password, who am I.

use crate::app::App;
use crate::app::accounts::{NewAccount, Profile};
use crate::app::administration::NewAdmin;
use crate::app::sessions::{OwnSession, TokenPair};
use crate::domain::catalog::PropertyType;
use crate::http::body::{Answer, Done, StrictJson};
use crate::http::caller::SignedIn;
use crate::http::described::described;
use crate::http::login::LoginBody;
use crate::http::problem::Result;
use crate::http::quota::AccountGuard;
use crate::http::values::{Email, TimeValue};
use crate::http::{Tag, client};
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

pub struct Auth;

#[OpenApi(prefix_path = "/api/v1/auth", tag = "Tag::Auth")]
impl Auth {
    /// Open an account
    ///
    /// Answers tokens, so the new user is signed in. An e-mail that is registered already is refused with 400,
    /// whatever its case.
    #[oai(path = "/register", method = "post", operation_id = "register_user")]
    async fn register(
        &self,
        app: Data<&Arc<App>>,
        from: client::From,
        guard: AccountGuard,
        body: StrictJson<RegisterRequest>,
    ) -> Result<Registered> {
        let request = body.0;
        guard.register(&request.email.0)?;
        let consents = request.consents.unwrap_or_default();
        let account = NewAccount {
            email: request.email.0,
            password: request.password,
            name: request.name,
            zip_code: request.zip_code,
            property_type: request.property_type.unwrap_or_default(),
            consents: consents.into_iter().map(|consent| (consent.document, consent.version)).collect(),
        };
        Ok(Registered::Created(Answer(app.register(account, from.0).await?.into())))
    }

    /// Sign in
    ///
    /// Takes an HTML form (the OAuth2 password form) or the same fields as JSON; `username` is the e-mail address.
    /// A wrong password and an unknown address are answered alike.
    #[oai(path = "/login", method = "post", operation_id = "login_user")]
    async fn login(
        &self,
        app: Data<&Arc<App>>,
        from: client::From,
        guard: AccountGuard,
        body: LoginBody,
    ) -> Result<Answer<Tokens>> {
        guard.sign_in(&body.0.username)?;
        let pair = app.login(&body.0.username, &body.0.password, from.0).await?;
        guard.signed_in(&body.0.username);
        Ok(Answer(pair.into()))
    }

    /// Get a new pair of tokens
    ///
    /// Spends the refresh token. Presented again within half a minute it answers the same successor, so that two tabs
    /// or a retry do no harm; later it counts as stolen, and the whole session ends.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh_tokens")]
    async fn refresh(&self, app: Data<&Arc<App>>, body: StrictJson<RefreshRequest>) -> Result<Answer<Tokens>> {
        Ok(Answer(app.refresh(&body.0.refresh_token).await?.into()))
    }

    /// Sign out
    ///
    /// Ends the session the refresh token belongs to. A token that is unknown or spent is as good as signed out.
    #[oai(path = "/logout", method = "post", operation_id = "logout_user")]
    async fn logout(&self, app: Data<&Arc<App>>, body: StrictJson<RefreshRequest>) -> Result<Done> {
        app.logout(&body.0.refresh_token).await?;
        Ok(Done::NoContent)
    }

    /// Sign out everywhere
    ///
    /// Ends all sessions of the caller and revokes every access token issued so far.
    #[oai(path = "/logout-all", method = "post", operation_id = "logout_all_sessions")]
    async fn logout_all(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Done> {
        app.logout_all(caller.0.user_id).await?;
        Ok(Done::NoContent)
    }

    /// List own sessions
    ///
    /// Those that are still good, the last used first: each began with a sign-in or a registration.
    #[oai(path = "/sessions", method = "get", operation_id = "list_sessions")]
    async fn sessions(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Answer<Vec<SessionSeen>>> {
        Ok(Answer(app.own_sessions(caller.0).await?.into_iter().map(SessionSeen::from).collect()))
    }

    /// End a session
    ///
    /// Its refresh token is good no more, and its access tokens end within 5 seconds. 404 for a session that is not
    /// the caller's or has ended already.
    #[oai(path = "/sessions/:session_id", method = "delete", operation_id = "end_session")]
    async fn end_session(&self, app: Data<&Arc<App>>, caller: SignedIn, session_id: Path<Uuid>) -> Result<Done> {
        app.end_session(caller.0, session_id.0).await?;
        Ok(Done::NoContent)
    }

    /// Change the password
    ///
    /// Asks for the present one. Every other session ends, and every access token with it: get a new one with the
    /// refresh token.
    #[oai(path = "/password", method = "post", operation_id = "change_password")]
    async fn change_password(
        &self,
        app: Data<&Arc<App>>,
        caller: SignedIn,
        body: StrictJson<PasswordRequest>,
    ) -> Result<Done> {
        app.change_password(caller.0, &body.0.current_password, &body.0.new_password).await?;
        Ok(Done::NoContent)
    }

    /// Ask for a new password
    ///
    /// Always answered alike and at once. If there is an account with the address, a link is sent there, good for 30
    /// minutes and one use; an account is sent one link a minute at most.
    #[oai(path = "/password/forgot", method = "post", operation_id = "forgot_password")]
    async fn forgot_password(&self, app: Data<&Arc<App>>, body: StrictJson<ForgotRequest>) -> Result<Noted> {
        app.forgot(body.0.email.0);
        let message = "If there is an account with this address, a link is on its way to it.".to_owned();
        Ok(Noted::Accepted(Answer(ResetNoted { message, success: true })))
    }

    /// Set a new password with a link
    ///
    /// The token stands behind the `#` of the link. Every session of the account ends.
    #[oai(path = "/password/reset", method = "post", operation_id = "reset_password")]
    async fn reset_password(&self, app: Data<&Arc<App>>, body: StrictJson<ResetRequest>) -> Result<Done> {
        app.reset_password(&body.0.token, &body.0.new_password).await?;
        Ok(Done::NoContent)
    }

    /// Open the first administrator's account
    ///
    /// With the token behind the `#` of the link that a service prints when it starts and has no administrator. The
    /// link is good for an hour and one use, and no more when there is an administrator.
    #[oai(path = "/first-admin", method = "post", operation_id = "create_first_admin")]
    async fn first_admin(
        &self,
        app: Data<&Arc<App>>,
        guard: AccountGuard,
        body: StrictJson<FirstAdminRequest>,
    ) -> Result<Done> {
        let FirstAdminRequest { token, email, password, name } = body.0;
        guard.register(&email.0)?;
        let new = NewAdmin {
            email: email.0,
            password,
            name: name.unwrap_or_else(|| NewAdmin::NAME.to_owned()),
            zip_code: NewAdmin::ZIP_CODE.to_owned(),
        };
        app.create_first_admin(&token, new).await?;
        Ok(Done::NoContent)
    }

    /// Who am I
    ///
    /// The account the access token belongs to.
    #[oai(path = "/me", method = "get", operation_id = "get_me")]
    async fn me(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Answer<User>> {
        Ok(Answer(app.profile(caller.0.user_id).await?.into()))
    }
}

#[derive(ApiResponse)]
enum Registered {
    /// The account is open, and its user signed in
    #[oai(status = 201)]
    Created(Answer<Tokens>),
}

#[derive(ApiResponse)]
enum Noted {
    /// Noted, whether there is such an account or not
    #[oai(status = 202)]
    Accepted(Answer<ResetNoted>),
}

/// Whose password is forgotten.
#[derive(Object)]
struct ForgotRequest {
    email: Email,
}

/// What became of the question.
#[derive(Object)]
struct ResetNoted {
    #[oai(validator(max_length = 200))]
    message: String,
    success: bool,
}

/// The token of a link, and the password it is for.
#[derive(Object)]
struct ResetRequest {
    #[oai(validator(min_length = 1, max_length = 512))]
    token: String,
    #[oai(validator(min_length = 1, max_length = 1024))]
    new_password: String,
}

/// The token of a link, and the account it is for.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct FirstAdminRequest {
    #[oai(validator(min_length = 1, max_length = 512))]
    token: String,
    email: Email,
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
    /// `Administrator` when left out.
    #[oai(validator(min_length = 1, max_length = 255))]
    name: Option<String>,
}

/// A new account.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct RegisterRequest {
    email: Email,
    /// At least 6 characters, or more where the service is set to be strict.
    #[oai(validator(min_length = 1, max_length = 1024))]
    password: String,
    #[oai(validator(min_length = 1, max_length = 255))]
    name: String,
    /// ZIP or ZIP+4.
    #[oai(validator(pattern = r"^\d{5}(-\d{4})?$", max_length = 10))]
    zip_code: String,
    /// `residential` when left out.
    property_type: Option<PropertyType>,
    /// Documents the user agrees to.
    #[oai(validator(max_items = 20))]
    consents: Option<Vec<ConsentGiven>>,
}

/// Agreement to one version of a document.
#[derive(Object)]
struct ConsentGiven {
    /// `terms`, `privacy`, `marketing`.
    #[oai(validator(min_length = 1, max_length = 64))]
    document: String,
    #[oai(validator(min_length = 1, max_length = 64))]
    version: String,
}

described!(PropertyType);

impl ToJSON for PropertyType {
    fn to_json(&self) -> Option<Value> {
        Some(Value::from(self.as_str()))
    }
}

/// A refresh token.
#[derive(Object)]
struct RefreshRequest {
    #[oai(validator(min_length = 1, max_length = 512))]
    refresh_token: String,
}

/// The present password and the one to replace it.
#[derive(Object)]
struct PasswordRequest {
    #[oai(validator(min_length = 1, max_length = 1024))]
    current_password: String,
    #[oai(validator(min_length = 1, max_length = 1024))]
    new_password: String,
}

/// Tokens of a signed-in user.
#[derive(Object)]
struct Tokens {
    /// Sent as `Authorization: Bearer`.
    #[oai(validator(max_length = 2048))]
    access_token: String,
    /// Good for one use at `/auth/refresh`.
    #[oai(validator(max_length = 512))]
    refresh_token: String,
    /// `bearer`
    #[oai(validator(max_length = 10))]
    token_type: String,
    /// Seconds the access token lives.
    expires_in: u32,
}

/// A session of the caller.
#[derive(Object)]
#[oai(rename = "Session", skip_serializing_if_is_none)]
struct SessionSeen {
    id: Uuid,
    created_at: TimeValue,
    /// When its tokens were last renewed.
    last_used_at: TimeValue,
    /// It ends then, unless its tokens are renewed before.
    expires_at: TimeValue,
    /// Where it began.
    #[oai(validator(max_length = 64))]
    ip: Option<String>,
    #[oai(validator(max_length = 200))]
    user_agent: Option<String>,
    /// Whether the request was made in it.
    is_current: bool,
}

/// An account.
#[derive(Object)]
pub struct User {
    id: Uuid,
    email: Email,
    #[oai(validator(max_length = 255))]
    name: String,
    #[oai(validator(max_length = 16))]
    zip_code: String,
    property_type: PropertyType,
    is_admin: bool,
    /// `user`, `support` or `admin`.
    #[oai(validator(max_length = 20))]
    role: String,
    created_at: TimeValue,
}

impl From<OwnSession> for SessionSeen {
    fn from(OwnSession { session, is_current }: OwnSession) -> Self {
        SessionSeen {
            id: session.id,
            created_at: TimeValue(session.created_at),
            last_used_at: TimeValue(session.last_used_at),
            expires_at: TimeValue(session.expires_at),
            ip: session.ip,
            user_agent: session.user_agent,
            is_current,
        }
    }
}

impl From<TokenPair> for Tokens {
    fn from(pair: TokenPair) -> Self {
        Tokens {
            access_token: pair.access_token,
            refresh_token: pair.refresh_token,
            token_type: "bearer".to_owned(),
            expires_in: pair.expires_in_seconds,
        }
    }
}

impl From<Profile> for User {
    fn from(profile: Profile) -> Self {
        User {
            id: profile.id,
            email: Email(profile.email),
            name: profile.name,
            zip_code: profile.zip_code,
            property_type: profile.property_type,
            is_admin: profile.is_admin,
            role: profile.role.to_owned(),
            created_at: TimeValue(profile.created_at),
        }
    }
}
