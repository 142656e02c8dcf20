//! Who is asking: the bearer token of a request, checked once, here.
//!
//! [`SignedIn`] demands a valid token. [`MaybeSignedIn`] takes a request without one, but a token that is present and
//! bad is refused there too: nobody is taken for anonymous by accident.

use crate::app::App;
use crate::app::error::Error;
pub use crate::app::sessions::Caller;
use crate::http::problem::Problem;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::sync::Arc;

const SCHEME: &str = "bearer";

/// The caller, who must be signed in.
pub struct SignedIn(pub Caller);

/// The caller, if signed in.
pub struct MaybeSignedIn(pub Option<Caller>);

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_scheme(registry);
    }
    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }
    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        match caller_of(request).await? {
            Some(caller) => Ok(SignedIn(caller)),
            None => Err(crate::http::problem::of_status(StatusCode::UNAUTHORIZED).into()),
        }
    }
}

impl<'a> ApiExtractor<'a> for MaybeSignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_scheme(registry);
    }
    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }
    fn has_security_fallback() -> bool {
        true
    }
    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(MaybeSignedIn(caller_of(request).await?))
    }
}

impl MaybeSignedIn {
    /// The caller, where the rest of the request asks for one after all.
    pub fn signed_in(self) -> Result<SignedIn, Problem> {
        self.0.map(SignedIn).ok_or_else(|| crate::http::problem::of_status(StatusCode::UNAUTHORIZED))
    }
}

/// What came of the credential of a request, for whoever asks later in it.
#[derive(Clone)]
pub struct Identity(pub Result<Option<Caller>, Problem>);

/// Who asks, if anybody; a credential that is present and bad is an error.
pub async fn caller_of(request: &Request) -> Result<Option<Caller>, Problem> {
    if let Some(known) = request.data::<Identity>() {
        return known.0.clone();
    }
    let app = request.data::<Arc<App>>().ok_or_else(|| Error::Internal("no application in the request".to_owned()))?;
    identify(app, request.headers()).await
}

/// `None` only when no credential was sent.
pub async fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let Some(token) = token_in(value) else {
        let message = "Send the access token as: Authorization: Bearer TOKEN.".to_owned();
        return Err(Error::Unauthenticated(message).into());
    };
    Ok(Some(app.authenticate(token).await?))
}

/// The same where nothing needs to be looked up or refused for it: the outer `None` says that something does.
pub fn identify_at_once(app: &App, headers: &HeaderMap) -> Option<Option<Caller>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Some(None) };
    app.caller_at_once(token_in(value)?).map(Some)
}

fn token_in(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

fn register_scheme(registry: &mut Registry) {
    let scheme = MetaSecurityScheme {
        ty: "http",
        description: Some("The access token that sign-in answers."),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    };
    registry.create_security_scheme(SCHEME, scheme);
}
