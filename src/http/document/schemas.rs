//! Schemas: bounds on every field, `null` said so that every reader understands it, unknown request fields refused.

use crate::domain::calendar::MONTH_PATTERN;
use crate::http::schema::{LIST_MAX, NUMBER_MAX, TEXT_MAX};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

const PREFIX: &str = "#/components/schemas/";
/// Formats that say how long a text may be.
const SELF_BOUNDED: [&str; 6] = ["uuid", "date", "date-time", "month", "email", "binary"];
/// The largest whole number every JSON reader keeps exactly.
const EXACT_MAX: i64 = 9_007_199_254_740_991;

/// What a schema may hold where it states no bound of its own.
#[derive(Clone, Copy)]
struct Most {
    items: usize,
    number: f64,
}

const OF_A_REQUEST: Most = Most { items: LIST_MAX, number: NUMBER_MAX };
/// Three months of a meter's readings and more; any amount of money there is, since 128 bits of 10⁻¹⁵ end before it.
const OF_AN_ANSWER: Most = Most { items: 100_000, number: 1e24 };

pub fn complete(document: &mut Value) {
    let types: HashMap<String, String> = super::components(document, "schemas")
        .iter()
        .filter_map(|(name, schema)| Some((name.clone(), schema.get("type")?.as_str()?.to_owned())))
        .collect();
    let requested = requested(document);
    for (name, schema) in super::components(document, "schemas") {
        let is_requested = requested.contains(name);
        let most = if is_requested { OF_A_REQUEST } else { OF_AN_ANSWER };
        each(schema, &|schema| complete_one(schema, &types, most));
        if is_requested {
            each(schema, &|schema| close(schema, &types));
        }
        resolve_bare(schema);
    }
    if let Some(paths) = document.get_mut("paths") {
        each_below(paths, &|schema| complete_one(schema, &types, OF_AN_ANSWER));
    }
}

fn complete_one(schema: &mut Map<String, Value>, types: &HashMap<String, String>, most: Most) {
    drop_bare_parts(schema);
    // No generator of clients can write a whole object as a default.
    if schema.get("default").is_some_and(Value::is_object) {
        schema.shift_remove("default");
    }
    say_null(schema, types);
    name_integer_size(schema);
    // A format of our own, which only a pattern tells to others.
    if schema.get("format").is_some_and(|format| format == "month") {
        schema.insert("pattern".to_owned(), MONTH_PATTERN.into());
    }
    // What is made of others has their bounds.
    if !schema.contains_key("allOf") {
        bound(schema, most);
    }
}

/// The framework says what it knows of a wrapper a second time, as a part of it, which is no schema of anything.
fn drop_bare_parts(schema: &mut Map<String, Value>) {
    let is_bare = |part: &Value| {
        let part = part.as_object();
        part.is_some_and(|part| part.keys().all(|name| name == "description" || name == "nullable"))
    };
    let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) else { return };
    let admits_null = parts.iter().any(|part| is_bare(part) && part.get("nullable").is_some());
    parts.retain(|part| !is_bare(part));
    if admits_null {
        schema.insert("nullable".to_owned(), Value::Bool(true));
    }
}

/// A wrapper that admits `null` needs a type of its own (OpenAPI 3.0.3, `nullable`), or an alternative that is `null`.
fn say_null(schema: &mut Map<String, Value>, types: &HashMap<String, String>) {
    if schema.get("nullable") != Some(&Value::Bool(true)) || schema.contains_key("type") {
        return;
    }
    let Some(target) = schema.get("allOf").and_then(|parts| parts.get(0)).cloned() else { return };
    match target_of(&target).and_then(|name| types.get(name)) {
        Some(kind) => {
            schema.insert("type".to_owned(), Value::from(kind.as_str()));
        }
        None => {
            schema.shift_remove("allOf");
            schema.shift_remove("nullable");
            let nothing = json!({ "type": "object", "nullable": true, "enum": [null] });
            schema.insert("anyOf".to_owned(), json!([target, nothing]));
        }
    }
}

/// A wrapper that has come to say nothing of its own is what it wraps.
fn resolve_bare(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(resolve_bare);
            let only = members.get("allOf").filter(|_| members.len() == 1).and_then(Value::as_array);
            if let Some([only]) = only.map(Vec::as_slice) {
                *value = only.clone();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(resolve_bare),
        _ => {}
    }
}

/// OpenAPI knows two sizes of integer.
fn name_integer_size(schema: &mut Map<String, Value>) {
    let (size, most) = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => ("int32", i64::from(u8::MAX)),
        Some("uint16") => ("int32", i64::from(u16::MAX)),
        Some("uint32") => ("int64", i64::from(u32::MAX)),
        Some("uint64") => ("int64", EXACT_MAX),
        _ => return,
    };
    schema.insert("format".to_owned(), Value::from(size));
    schema.entry("minimum").or_insert_with(|| Value::from(0));
    schema.entry("maximum").or_insert_with(|| Value::from(most));
}

/// The bounds that hold where a type states none.
fn bound(schema: &mut Map<String, Value>, most: Most) {
    let text = |name: &str| schema.get(name).and_then(Value::as_str).unwrap_or_default();
    let whole = if text("format") == "int32" { i64::from(i32::MAX) } else { EXACT_MAX };
    let bounds: Vec<(&str, Value)> = match text("type") {
        "string" if schema.contains_key("enum") || SELF_BOUNDED.contains(&text("format")) => Vec::new(),
        "string" => vec![("maxLength", TEXT_MAX.into())],
        "array" => vec![("maxItems", most.items.into())],
        "integer" => vec![("minimum", (-whole).into()), ("maximum", whole.into())],
        "number" => vec![("minimum", (-most.number).into()), ("maximum", most.number.into())],
        _ => Vec::new(),
    };
    for (name, bound) in bounds {
        schema.entry(name).or_insert(bound);
    }
}

/// Fields that are not named are refused. In the framework's own objects, which alone have a title, `null` is as good as
/// leaving an optional field out; serde's types say themselves where it is.
fn close(schema: &mut Map<String, Value>, types: &HashMap<String, String>) {
    if !schema.contains_key("properties") || schema.contains_key("allOf") || schema.contains_key("additionalProperties")
    {
        return;
    }
    schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    if !schema.contains_key("title") {
        return;
    }
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if !required.contains(&Value::from(name.as_str())) {
            admit_null(property, types);
        }
    }
}

fn admit_null(property: &mut Value, types: &HashMap<String, String>) {
    if target_of(property).is_some() {
        *property = json!({ "allOf": [property.take()] });
    }
    let Some(property) = property.as_object_mut() else { return };
    if property.contains_key("enum") || !(property.contains_key("type") || property.contains_key("allOf")) {
        return;
    }
    property.insert("nullable".to_owned(), Value::Bool(true));
    say_null(property, types);
}

/// The schemas that request bodies are made of.
fn requested(document: &mut Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = Vec::new();
    for (_, operation) in super::operations(document) {
        references(operation.get("requestBody").unwrap_or(&Value::Null), &mut open);
    }
    let schemas = super::components(document, "schemas");
    while let Some(name) = open.pop() {
        if let Some(schema) = schemas.get(&name).filter(|_| found.insert(name)) {
            references(schema, &mut open);
        }
    }
    found
}

/// The names of the schemas `value` refers to.
fn references(value: &Value, found: &mut Vec<String>) {
    found.extend(target_of(value).map(str::to_owned));
    match value {
        Value::Object(members) => members.values().for_each(|member| references(member, found)),
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn target_of(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(PREFIX)
}

/// `change` on a schema and on every schema within it.
fn each(schema: &mut Value, change: &dyn Fn(&mut Map<String, Value>)) {
    let Some(schema) = schema.as_object_mut() else { return };
    if schema.contains_key("$ref") {
        return;
    }
    change(schema);
    for (name, member) in schema.iter_mut() {
        match (name.as_str(), member) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(|of| each(of, change)),
            ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => parts.iter_mut().for_each(|of| each(of, change)),
            ("items" | "additionalProperties" | "not", member) => each(member, change),
            _ => {}
        }
    }
}

/// `change` on every schema a parameter, a body or an answer states in its place.
fn each_below(value: &mut Value, change: &dyn Fn(&mut Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "schema" { each(member, change) } else { each_below(member, change) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_below(item, change)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(schema: Value) -> Value {
        let mut document = json!({
            "paths": {},
            "components": { "schemas": {
                "Thing": schema,
                "Choice": { "oneOf": [] },
                "Name": { "type": "string", "maxLength": 9 },
            } },
        });
        complete(&mut document);
        document["components"]["schemas"]["Thing"].take()
    }

    #[test]
    fn every_field_has_its_bounds_and_every_null_a_form_that_is_understood() {
        let name = format!("{PREFIX}Name");
        let choice = format!("{PREFIX}Choice");
        let nothing = json!({ "type": "object", "nullable": true, "enum": [null] });
        let cases = [
            (json!({ "type": "string" }), json!({ "type": "string", "maxLength": TEXT_MAX })),
            (json!({ "type": "string", "format": "uuid" }), json!({ "type": "string", "format": "uuid" })),
            (
                json!({ "type": "integer", "format": "uint8", "maximum": 9 }),
                json!({ "type": "integer", "format": "int32", "maximum": 9, "minimum": 0 }),
            ),
            (
                json!({ "type": "array", "items": { "type": "number" } }),
                json!({
                    "type": "array",
                    "items": { "type": "number", "minimum": -1e24, "maximum": 1e24 },
                    "maxItems": 100_000,
                }),
            ),
            (
                json!({ "nullable": true, "allOf": [{ "$ref": name }] }),
                json!({ "nullable": true, "allOf": [{ "$ref": name }], "type": "string" }),
            ),
            (
                json!({ "nullable": true, "allOf": [{ "$ref": choice }] }),
                json!({ "anyOf": [{ "$ref": choice }, nothing] }),
            ),
        ];
        for (written, expected) in cases {
            assert_eq!(completed(written.clone()), expected, "{written}");
        }
    }
}
