//! Examples: one for every parameter, request and answer, from `assets/api/examples.json`. What it says is tried on the
//! running service, and its answers are what that service answered: see `tests/http/examples.rs`.

use super::operations;
use rust_embed::RustEmbed;
use serde_json::{Map, Value};

/// By operation: `parameters` by name, `request` for every media type or `requests` by media type, `answers` by status,
/// and `more` calls with other parameters.
/// Part of the binary; a debug build reads the folder, so that a new example needs no new build.
#[derive(RustEmbed)]
#[folder = "assets/api/"]
struct Examples;

pub fn add(document: &mut Value) {
    let file = Examples::get("examples.json").expect("assets/api/examples.json is part of the binary");
    let examples: Map<String, Value> = serde_json::from_slice(&file.data).expect("assets/api/examples.json is JSON");
    for (_, operation) in operations(document) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        let Some(own) = examples.get(id) else { continue };
        for more in own["more"].as_array().into_iter().flatten() {
            add_to_parameters(operation, &more["parameters"]);
        }
        add_to_parameters(operation, &own["parameters"]);
        let contents = operation.get_mut("requestBody").and_then(|body| body.get_mut("content"));
        for (media, content) in contents.and_then(Value::as_object_mut).into_iter().flatten() {
            let example = own["requests"].get(media).or_else(|| own.get("request"));
            set(content, example);
        }
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, answer) in answers.into_iter().flatten() {
            let contents = answer.get_mut("content").and_then(Value::as_object_mut);
            for content in contents.into_iter().flatten().map(|(_, content)| content) {
                // The example is of the form that is shown: of one that is bytes there is none.
                if content["schema"]["format"] != "binary" {
                    set(content, own["answers"].get(status));
                }
            }
        }
    }
}

fn add_to_parameters(operation: &mut Map<String, Value>, examples: &Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let example = parameter["name"].as_str().and_then(|name| examples.get(name)).cloned();
        set(parameter, example.as_ref());
    }
}

fn set(place: &mut Value, example: Option<&Value>) {
    if let (Some(place), Some(example)) = (place.as_object_mut(), example) {
        place.insert("example".to_owned(), example.clone());
    }
}
