//! Answers: each kind of problem is one component, and every header an answer may carry is declared.

use super::{components, operations, statuses};
use crate::http::problem;
use poem::http::StatusCode;
use serde_json::{Map, Value, json};

const ID: &str = "X-Request-ID";
const PAGES: &str = "Link";
/// What the limits say on every answer of the API.
const LIMITS: [&str; 5] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-RateLimit-Limit-User",
    "X-RateLimit-Limit-IP",
];
/// The same in the form of the IETF draft: not on answers that a shared cache may keep.
const LIMIT_FIELDS: [&str; 2] = ["RateLimit", "RateLimit-Policy"];
/// What an answer to anybody carries, so that it need not be sent again.
const SHARED: [&str; 3] = ["ETag", "Vary", "X-Cache-Status"];

/// Characters of an answer that is a whole document.
const DOCUMENT_MAX: usize = 16 << 20;

pub fn complete(document: &mut Value) {
    let mut kinds = Vec::new();
    for ((path, method), operation) in operations(document) {
        statuses::narrow(&path, &method, operation);
        let is_paged = has_parameter(operation, "page");
        let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
        let is_shared = answers.contains_key("304");
        // Where the framework knows no problem, there are still these.
        for status in ["405", "500"] {
            answers.entry(status).or_insert_with(|| json!({ "content": { problem::CONTENT_TYPE: {} } }));
        }
        for (status, answer) in answers {
            match problem_status(status, answer) {
                Some(code) => {
                    kinds.push(code);
                    *answer = json!({ "$ref": format!("#/components/responses/{}", name(code)) });
                }
                None => declare_headers(&path, answer, is_shared, is_paged),
            }
        }
    }
    kinds.sort_unstable();
    kinds.dedup();
    for (header, described) in headers() {
        components(document, "headers").insert(header.to_owned(), described);
    }
    for code in kinds {
        components(document, "responses").insert(name(code), problem_answer(code));
    }
}

fn has_parameter(operation: &Map<String, Value>, name: &str) -> bool {
    let parameters = operation.get("parameters").and_then(Value::as_array);
    parameters.is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == name))
}

/// The status of an answer that is a problem document.
fn problem_status(status: &str, answer: &Value) -> Option<u16> {
    answer.get("content")?.get(problem::CONTENT_TYPE)?;
    status.parse().ok()
}

/// `TooManyRequests`
fn name(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason()).unwrap_or("Problem");
    reason.split([' ', '-']).collect()
}

/// Pages and tables are longer than a field may be.
fn widen(answer: &mut Value) {
    let contents = answer.get_mut("content").and_then(Value::as_object_mut);
    for (kind, content) in contents.into_iter().flatten() {
        let bound =
            content.pointer_mut("/schema/maxLength").filter(|_| kind != "application/json" && !kind.ends_with("+json"));
        if let Some(bound) = bound {
            *bound = Value::from(DOCUMENT_MAX);
        }
    }
}

fn declare_headers(path: &str, answer: &mut Value, is_shared: bool, is_paged: bool) {
    widen(answer);
    let Some(answer) = answer.as_object_mut() else { return };
    let stated = answer.shift_remove("headers").and_then(|headers| headers.as_object().cloned()).unwrap_or_default();
    let mut named = vec![ID];
    if path.starts_with("/api/") {
        named.extend(LIMITS);
        named.extend(LIMIT_FIELDS.iter().filter(|_| !is_shared));
    }
    named.extend(SHARED.iter().filter(|name| is_shared || stated.contains_key(**name)));
    let mut declared = references(named.into_iter().chain(is_paged.then_some(PAGES)));
    let own = stated.into_iter().filter(|(name, _)| name != PAGES && !SHARED.contains(&name.as_str()));
    declared.extend(own);
    answer.insert("headers".to_owned(), Value::Object(declared));
}

fn references<'a>(names: impl Iterator<Item = &'a str>) -> Map<String, Value> {
    names.map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))).collect()
}

fn problem_answer(code: u16) -> Value {
    let own = match code {
        401 => Some("WWW-Authenticate"),
        405 => Some("Allow"),
        429 | 503 => Some("Retry-After"),
        _ => None,
    };
    let headers = references([ID].into_iter().chain(LIMITS).chain(LIMIT_FIELDS).chain(own));
    json!({
        "description": problem::meaning(code),
        "headers": headers,
        "content": { problem::CONTENT_TYPE: {
            "schema": { "$ref": "#/components/schemas/Problem" },
            "example": problem::example(code),
        } },
    })
}

fn headers() -> [(&'static str, Value); 15] {
    let count = |description: &str, example: i64| {
        let schema =
            json!({ "type": "integer", "format": "int64", "minimum": 0, "maximum": 9_007_199_254_740_991_i64 });
        json!({ "description": description, "schema": schema, "example": example })
    };
    let text = |description: &str, example: &str| {
        let schema = json!({ "type": "string", "maxLength": 2000 });
        json!({ "description": description, "schema": schema, "example": example })
    };
    let mut id = text("Names the request in logs and problems; the client's own, if it sent a fit one", "018f3c7e-1");
    id["required"] = Value::Bool(true);
    id["schema"] = json!({ "type": "string", "maxLength": 128, "pattern": "^[A-Za-z0-9._-]{1,128}$" });
    let status = json!({
        "description": "Whether the answer came out of the service's cache",
        "schema": { "type": "string", "enum": ["HIT", "MISS", "BYPASS"] },
        "example": "HIT",
    });
    [
        (ID, id),
        (LIMITS[0], count("Requests the limit that is nearest allows", 100)),
        (LIMITS[1], count("Requests left under it", 57)),
        (LIMITS[2], count("When all of it is there again, seconds since 1970", 1_790_000_004)),
        (LIMITS[3], count("Requests a user may make in a minute", 100)),
        (LIMITS[4], count("Requests an address may make in an hour", 1000)),
        (LIMIT_FIELDS[0], text("What is left of each limit, by name", "\"ip\";r=40;t=4, \"user\";r=57;t=1")),
        (LIMIT_FIELDS[1], text("Each limit that was counted, by name", "\"ip\";q=1000;w=3600, \"user\";q=100;w=60")),
        (
            SHARED[0],
            text("Names what was answered: send it as If-None-Match, or as If-Match with a change", "\"b2xkLXN0b25l\""),
        ),
        (SHARED[1], text("The request headers the answer depends on", "Accept-Encoding")),
        (SHARED[2], status),
        (PAGES, text("Other pages of the list (RFC 8288)", "</api/v1/suppliers?page=2>; rel=\"next\"")),
        ("Retry-After", count("Seconds to wait before the next try", 5)),
        ("WWW-Authenticate", text("How to sign in", "Bearer")),
        ("Allow", text("The methods the address takes", "GET, HEAD")),
    ]
}
