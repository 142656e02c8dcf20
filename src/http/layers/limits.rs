//! Counts every request to the API against its limits before anything is done for it, and says on the answer what is
//! left. Health, metrics and pages lie outside the API and are not counted, nor are preflights.

use crate::app::App;
use crate::http::caller::{self, Identity};
use crate::http::client;
use crate::http::layers::request_id;
use crate::http::problem::{self, Problem};
use crate::http::quota::{Class, Limiter, Visit};
use poem::http::Method;
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use std::sync::Arc;

const API: &str = "/api/";
const LOGIN: &str = "/api/v1/auth/login";
/// Both stand for a password: guessing at them is counted with signing in.
const FORGOT: &str = "/api/v1/auth/password/forgot";
const RESET: &str = "/api/v1/auth/password/reset";
const REGISTER: &str = "/api/v1/auth/register";
const GENERATE: &str = "/api/v1/recommendations/generate";
const FEEDBACK: [&str; 2] = ["/api/v1/feedback/plan", "/api/v1/feedback/recommendation"];

pub fn layer<E: Endpoint + 'static>(
    endpoint: E,
    app: Arc<App>,
    limiter: Arc<Limiter>,
) -> impl Endpoint<Output = Response> {
    endpoint.around(move |endpoint, mut request: Request| {
        let (app, limiter) = (app.clone(), limiter.clone());
        async move {
            if !request.uri().path().starts_with(API) || request.method() == Method::OPTIONS {
                return endpoint.call(request).await.map(IntoResponse::into_response);
            }
            // The fast lane has begun to count the request that it could not answer.
            let visit = request.extensions().get::<Arc<Visit>>().cloned().unwrap_or_else(|| {
                let proxies = &app.current().server.trusted_proxies;
                Arc::new(Visit::new(limiter, client::address(request.remote_addr(), request.headers(), proxies)))
            });
            let id = request_id::of(&request);
            let mut response = match admit(&visit, &mut request, &app).await {
                Ok(()) => {
                    request.set_data(visit.clone());
                    match endpoint.call(request).await {
                        Ok(output) => output.into_response(),
                        Err(error) => problem::of_error(&error).into_response(&id),
                    }
                }
                Err(refusal) => refusal.into_response(&id),
            };
            visit.describe(response.headers_mut(), app.now().as_second());
            Ok(response)
        }
    })
}

/// The cheapest limit first: a flood is turned away before a token is looked at.
async fn admit(visit: &Visit, request: &mut Request, app: &App) -> Result<(), Problem> {
    visit.of_network(Class::Ip)?;
    let posted = (request.method() == Method::POST).then(|| request.uri().path().to_owned());
    match posted.as_deref() {
        Some(LOGIN | FORGOT | RESET) => visit.of_network(Class::LoginIp)?,
        Some(REGISTER) => visit.of_network(Class::RegisterIp)?,
        _ => {}
    }
    let identity = caller::identify(app, request.headers()).await;
    if let Ok(Some(caller)) = &identity {
        request_id::facts(request).set_user(caller.user_id);
    }
    let generates = posted.as_deref() == Some(GENERATE);
    let gives_feedback = posted.as_deref().is_some_and(|path| FEEDBACK.contains(&path));
    let counted = match &identity {
        Ok(Some(caller)) => {
            let user = caller.user_id;
            let all = visit.of_user(Class::User, user);
            if generates { all.and_then(|()| visit.of_user(Class::Generate, user)) } else { all }
        }
        Ok(None) if generates && app.config.features.anonymous => visit.of_network(Class::AnonymousGenerate),
        Ok(None) if gives_feedback && app.config.features.feedback => visit.of_network(Class::AnonymousFeedback),
        // A bad credential is refused by whatever asks for one.
        Ok(None) | Err(_) => Ok(()),
    };
    request.set_data(Identity(identity));
    counted
}
