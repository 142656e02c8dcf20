//! Statuses: of all the problems there are, each operation declares those it can answer.

use serde_json::{Map, Value};

/// Leaves `operation` the problems it can answer.
pub fn narrow(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let holds = |operation: &Map<String, Value>, key: &str| {
        operation.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty())
    };
    let is_api = path.starts_with("/api/");
    let has_body = operation.contains_key("requestBody");
    let has_parameters = holds(operation, "parameters");
    // Those that give tokens and take them back judge what is sent in place of one.
    let asks_who = holds(operation, "security") || path.starts_with("/api/v1/auth/");
    let can_answer = |status: &str| match status {
        "400" => is_api && (has_body || has_parameters),
        // Metrics may be kept behind a token of their own.
        "401" => asks_who || path == "/metrics",
        "403" => asks_who,
        "404" => is_api && (asks_who || has_body || has_parameters),
        "408" | "413" | "415" => has_body,
        "409" => is_api && method != "get",
        // A parameter that is not known is refused everywhere.
        "422" | "429" => is_api,
        _ => true,
    };
    if let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        answers.retain(|status, _| can_answer(status));
    }
}

#[cfg(test)]
mod tests {
    use crate::http::openapi_document;
    use serde_json::Value;

    #[test]
    fn an_operation_declares_what_it_can_answer() {
        let document: Value = serde_json::from_str(&openapi_document()).expect("JSON");
        let cases = [
            ("/version", "get", "200 405 500 503"),
            ("/metrics", "get", "200 401 405 500 503"),
            ("/api/v1/legal", "get", "200 405 422 429 500 503"),
            ("/api/v1/suppliers", "get", "200 304 400 404 405 422 429 500 503"),
            ("/api/v1/auth/me", "get", "200 401 403 404 405 422 429 500 503"),
            ("/api/v1/usage", "delete", "200 401 403 404 405 409 422 429 500 503"),
            ("/api/v1/auth/login", "post", "200 400 401 403 404 405 408 409 413 415 422 429 500 503"),
        ];
        for (path, method, expected) in cases {
            let answers = document["paths"][path][method]["responses"].as_object().expect("answers");
            let mut statuses: Vec<&str> = answers.keys().map(String::as_str).collect();
            statuses.sort_unstable();
            assert_eq!(statuses.join(" "), expected, "{method} {path}");
        }
    }
}
