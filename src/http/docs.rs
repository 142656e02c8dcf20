//! The pages of the binary: the API document, its two readers, the guide and the landing page. Each is rendered once, on
//! first use, asks no other host for anything, and says by hash which of its scripts may run.

use crate::app::coding::Coding;
use crate::app::privacy::documents::{Document, Documents};
use crate::config::Features;
use crate::http::layers::request_id;
use crate::http::problem::{self, Problem};
use crate::http::{document, encoding, guide};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, EndpointExt, IntoResponse, Request, Response};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, OnceLock};

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document::finished(&super::service(super::api()).spec()));

/// The API document.
pub fn openapi_document() -> String {
    DOCUMENT.clone()
}

static LANDING: LazyLock<Page> = LazyLock::new(|| Page::html(include_str!("../../assets/index.html")));
static RESET: LazyLock<Page> = LazyLock::new(|| Page::html(include_str!("../../assets/reset-password.html")));
static FIRST_ADMIN: LazyLock<Page> = LazyLock::new(|| Page::html(include_str!("../../assets/first-admin.html")));
static STATUS: LazyLock<Page> = LazyLock::new(|| Page::html(include_str!("../../assets/status.html")));
static JSON: LazyLock<Page> = LazyLock::new(|| Page::new("application/json", DOCUMENT.clone()));
static SWAGGER_UI: LazyLock<Page> = LazyLock::new(|| Page::html(&super::service(super::api()).swagger_ui_html()));
static REDOC: LazyLock<Page> = LazyLock::new(|| Page::html(&super::service(super::api()).redoc_html()));
/// By address.
static GUIDE: LazyLock<HashMap<String, Page>> =
    LazyLock::new(|| guide::rendered().into_iter().map(|(address, html)| (address, Page::html(&html))).collect());

/// Answers the pages itself and leaves every other address to `endpoint`. The documentation can be switched off,
/// and the page for staff goes with administration.
pub fn beside<E: Endpoint + 'static>(
    endpoint: E,
    features: Features,
    legal: &Documents,
) -> impl Endpoint<Output = Response> + use<E> {
    let legal = legal.all().iter().map(|document| (address_of(document), Page::html(&document.html)));
    let legal: Arc<HashMap<String, Page>> = Arc::new(legal.collect());
    endpoint.around(move |endpoint, request: Request| {
        let legal = legal.clone();
        async move { answer(&*endpoint, request, features, &legal).await }
    })
}

/// Where a legal document is read.
pub fn address_of(document: &Document) -> String {
    format!("/legal/{}", document.name)
}

async fn answer<E: Endpoint>(
    endpoint: &E,
    request: Request,
    features: Features,
    legal: &HashMap<String, Page>,
) -> poem::Result<Response> {
    let page: &Page = match request.uri().path() {
        "/" => &LANDING,
        "/reset-password" => &RESET,
        "/first-admin" => &FIRST_ADMIN,
        "/status" if features.admin => &STATUS,
        "/docs" if features.docs => &SWAGGER_UI,
        "/redoc" if features.docs => &REDOC,
        "/openapi.json" if features.docs => &JSON,
        path => {
            let in_guide = features.docs && path.starts_with(guide::ADDRESS);
            match if in_guide { GUIDE.get(path) } else { legal.get(path) } {
                Some(page) => page,
                None => return endpoint.call(request).await.map(IntoResponse::into_response),
            }
        }
    };
    request_id::facts(&request).set_route(request.uri().path());
    Ok(page.answer(&request))
}

/// Finished bytes, plain and compressed, with the headers that go with them.
struct Page {
    content_type: &'static str,
    plain: Bytes,
    /// In the order of [`Coding::ALL`], each made when it is first asked for.
    coded: [OnceLock<Bytes>; 3],
    /// Without quotes and without the suffix of the compressed form.
    tag: String,
    policy: Option<String>,
}

impl Page {
    fn new(content_type: &'static str, text: String) -> Self {
        let tag = URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..12]);
        Page { content_type, plain: Bytes::from(text), coded: Default::default(), tag, policy: None }
    }

    fn html(text: &str) -> Self {
        let text = without_outside_links(text);
        let policy = Some(content_policy(&text));
        Page { policy, ..Page::new("text/html; charset=utf-8", text) }
    }

    fn in_coding(&self, coding: Coding) -> Bytes {
        let made = || coding.compress(&self.plain).expect("writing to memory does not fail");
        self.coded[coding as usize].get_or_init(made).clone()
    }

    fn answer(&self, request: &Request) -> Response {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let problem = problem::of_status(StatusCode::METHOD_NOT_ALLOWED);
            let problem = Problem { allow: Some("GET, HEAD".to_owned()), ..problem };
            return problem.into_response(&request_id::of(request));
        }
        let coding = encoding::wanted(request.headers()).coding;
        let tag = coding.map_or(format!("\"{}\"", self.tag), |coding| format!("\"{}-{}\"", self.tag, coding.name()));
        let fresh = request.headers().get(header::IF_NONE_MATCH).is_some_and(|known| lists(known, &tag));
        let body = coding.map_or(self.plain.clone(), |coding| self.in_coding(coding));
        let mut response = if fresh {
            Response::builder().status(StatusCode::NOT_MODIFIED).finish()
        } else {
            Response::builder().content_type(self.content_type).body(body)
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        if let Some(coding) = coding.filter(|_| !fresh) {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        if let Some(policy) = self.policy.as_ref().and_then(|policy| HeaderValue::from_str(policy).ok()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// Takes out what a browser would fetch from elsewhere: font style sheets and a logo's host.
fn without_outside_links(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for line in html.lines() {
        let is_link = line.trim_start().starts_with("<link") && line.contains("href=\"http");
        if !is_link {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.replace("https://cdn.redoc.ly/", "/")
}

/// Nothing but this page's own scripts, by their hashes, and calls to this service.
fn content_policy(html: &str) -> String {
    let hashes: Vec<_> = inline_scripts(html)
        .map(|script| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(script.as_bytes()))))
        .collect();
    let scripts = if hashes.is_empty() { "'none'".to_owned() } else { hashes.join(" ") };
    format!(
        "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src 'self' data:; \
         connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let start = rest.find("<script")?;
        let body = start + rest[start..].find('>')? + 1;
        let end = body + rest[body..].find("</script>")?;
        let script = &rest[body..end];
        rest = &rest[end + "</script>".len()..];
        Some(script)
    })
}

fn lists(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known.split(',').map(str::trim).any(|entry| entry == "*" || entry.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_ask_no_other_host() {
        let service = super::super::service(super::super::api());
        for html in [service.swagger_ui_html(), service.redoc_html()] {
            let page = without_outside_links(&html);
            for fetched in ["src=\"http", "href=\"http", "@import", "https://cdn."] {
                let outside = page.lines().take(60).any(|line| line.len() < 400 && line.contains(fetched));
                assert!(!outside, "{fetched}");
            }
            assert!(!page.contains("fonts.googleapis.com"), "the style sheet link is gone");
        }
    }

    #[test]
    fn every_inline_script_is_found() {
        let html = "<p><script>one()</script><script charset=\"UTF-8\">two()</script></p>";
        assert_eq!(inline_scripts(html).collect::<Vec<_>>(), ["one()", "two()"]);
    }
}
