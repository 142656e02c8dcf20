//! Generates the client with progenitor, which takes one kind of body and one kind of error for each operation.

use progenitor_impl::{GenerationSettings, Generator};
use serde_json::Value;
use std::{env, fs, path::Path};

const DOCUMENT: &str = "../../../assets/openapi.json";

fn main() {
    println!("cargo::rerun-if-changed={DOCUMENT}");
    let text = fs::read_to_string(DOCUMENT).expect("the API document");
    let mut document: Value = serde_json::from_str(&text).expect("JSON");
    let paths = document["paths"].as_object_mut().expect("paths");
    for operation in paths.values_mut().flat_map(|path| path.as_object_mut().expect("a path").values_mut()) {
        keep_one_kind_of_body(operation);
        keep_one_kind_of_success(operation);
        keep_one_kind_of_error(operation);
    }
    simplify(&mut document);
    let document = serde_json::from_value(document).expect("an OpenAPI 3.0 document");
    let code = Generator::new(&GenerationSettings::default()).generate_tokens(&document).expect("a client");
    let folder = env::var("OUT_DIR").expect("a folder for what is generated");
    fs::write(Path::new(&folder).join("client.rs"), code.to_string()).expect("the client can be written");
}

/// A text with a length becomes a type of its own, whose name may be taken: `detail` of `Problem` is no `ProblemDetail`.
/// An alternative that is only `null` is none that can be a type.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("type").is_some_and(|kind| kind == "string") {
                members.retain(|name, _| !["maxLength", "minLength", "pattern"].contains(&name.as_str()));
            }
            let alternatives = members.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
            if let [of, nothing] = alternatives.as_slice()
                && nothing["nullable"] == true
            {
                members.remove("anyOf");
                members.insert("allOf".to_owned(), Value::Array(vec![of.clone()]));
                members.insert("nullable".to_owned(), Value::Bool(true));
            }
            members.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// JSON, or else bytes.
fn keep_one_kind_of_body(operation: &mut Value) {
    let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) else { return };
    let is_file = content.values().any(|media| media["schema"]["format"] == "binary");
    let kept = if is_file { "application/octet-stream" } else { "application/json" };
    content.retain(|media, _| media == kept);
}

/// Erasing an account answers 204, and with `dry_run` what would go: the first is kept.
fn keep_one_kind_of_success(operation: &mut Value) {
    let answers = operation["responses"].as_object_mut().expect("answers");
    if answers.contains_key("204") {
        answers.retain(|status, _| status == "204" || !status.starts_with('2'));
    }
}

/// `/health` answers 503 with its report: the problems it has besides are left out.
fn keep_one_kind_of_error(operation: &mut Value) {
    let answers = operation["responses"].as_object_mut().expect("answers");
    let has_own = answers.iter().any(|(status, answer)| status.starts_with('5') && answer.get("$ref").is_none());
    if has_own {
        answers.retain(|_, answer| answer.get("$ref").is_none());
    }
}
