//! The API document as it is published: what the framework writes, completed in one place. Bounds everywhere, one
//! component for each kind of problem, headers, security, and the examples of `assets/api/examples.json`.

mod answers;
mod examples;
mod schemas;
mod statuses;

use serde_json::{Map, Value};

/// The methods of a path that are operations.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

/// `written` by the framework, completed.
pub fn finished(written: &str) -> String {
    let mut document: Value = serde_json::from_str(written).expect("the framework writes JSON");
    schemas::complete(&mut document);
    answers::complete(&mut document);
    examples::add(&mut document);
    for (_, operation) in operations(&mut document) {
        // Said for each: an operation without it is open to everybody.
        operation.entry("security").or_insert_with(|| Value::Array(Vec::new()));
    }
    serde_json::to_string_pretty(&document).expect("a value can be written")
}

/// Every operation, with its path and method.
fn operations(document: &mut Value) -> impl Iterator<Item = ((String, String), &mut Map<String, Value>)> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let of_path = methods.as_object_mut().into_iter().flatten();
        let operations = of_path.filter(|(method, _)| METHODS.contains(&method.as_str()));
        operations.filter_map(|(method, operation)| Some(((path.clone(), method.clone()), operation.as_object_mut()?)))
    })
}

/// The components of one kind, `schemas` or `headers`, made if there are none.
fn components<'a>(document: &'a mut Value, kind: &str) -> &'a mut Map<String, Value> {
    let all = document
        .as_object_mut()
        .expect("the document is an object")
        .entry("components")
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
        .expect("components are an object");
    let of_kind = all.entry(kind).or_insert_with(|| Value::Object(Map::new()));
    of_kind.as_object_mut().expect("components of a kind are an object")
}
