//! Bounds of every number a catalog can hold: what is beyond is refused by its whole path, what is at a bound is not.

#[path = "../support/number_fields.rs"]
mod table;

use serde_json::Value;
use std::collections::BTreeSet;
use table::{catalog, number_fields};
use treebeard::formats::catalog::{CatalogFormat, CatalogOptions, read, schema};

/// The fields an import of the catalog complains about.
fn refused(catalog: &Value) -> Vec<String> {
    let options = CatalogOptions { format: Some(CatalogFormat::Json), ..CatalogOptions::default() };
    let Err(error) = read(catalog.to_string().as_bytes(), &options) else { return Vec::new() };
    let rows = error.rejected.iter().map(|row| &row.place).chain([&error.place]);
    rows.filter_map(|place| place.field.clone()).collect()
}

#[test]
fn a_number_beyond_its_bounds_or_too_fine_is_refused_by_its_whole_path() {
    assert_eq!(refused(&catalog()), Vec::<String>::new());
    for field in number_fields() {
        for value in field.wrong() {
            let found = refused(&field.set(value.clone()));
            assert!(found.iter().any(|path| path == field.path), "{} = {value}: told at {found:?}", field.path);
        }
    }
}

#[test]
fn a_number_at_a_bound_is_taken() {
    for field in number_fields() {
        for value in field.bounds() {
            let found = refused(&field.set(value.clone()));
            assert!(!found.iter().any(|path| path == field.path), "{} = {value} is refused", field.path);
        }
    }
}

/// Paths of all numbers in a value.
fn numbers(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Number(_) => {
            found.insert(path.to_owned());
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| numbers(item, &format!("{path}[{n}]"), found));
        }
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            numbers(member, if path.is_empty() { name.clone() } else { format!("{path}.{name}") }.as_str(), found);
        }),
        _ => {}
    }
}

/// Names of all fields of the schema that are numbers or lists of numbers.
fn number_names(schema: &Value, whole: &Value, found: &mut BTreeSet<String>) {
    let is_number = |schema: &Value| {
        let named = schema["$ref"].as_str().and_then(|name| whole["$defs"].get(name.strip_prefix("#/$defs/")?));
        let schema = schema["anyOf"].get(0).unwrap_or(named.unwrap_or(schema));
        let schema =
            schema["$ref"].as_str().map_or(schema, |name| &whole["$defs"][name.trim_start_matches("#/$defs/")]);
        let kind = schema["type"].to_string();
        kind.contains("number") || kind.contains("integer")
    };
    match schema {
        Value::Object(members) => {
            for (name, property) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if is_number(property) || is_number(&property["items"]) {
                    found.insert(name.clone());
                }
            }
            members.values().for_each(|member| number_names(member, whole, found));
        }
        Value::Array(items) => items.iter().for_each(|item| number_names(item, whole, found)),
        _ => {}
    }
}

#[test]
fn no_number_field_of_the_model_is_left_out() {
    let mut held = BTreeSet::new();
    numbers(&catalog(), "", &mut held);
    let alike =
        |path: &&String| path.starts_with("market.monthly_shape[") && path.as_str() != "market.monthly_shape[0]";
    let held: BTreeSet<String> = held.iter().filter(|path| !alike(path)).cloned().collect();
    let listed: BTreeSet<String> = number_fields().map(|field| field.path.to_owned()).collect();
    assert_eq!(listed, held);

    let schema: Value = serde_json::from_str(&schema()).expect("the schema is JSON");
    let mut named = BTreeSet::new();
    number_names(&schema, &schema, &mut named);
    let last = |path: &String| {
        let name = path.rsplit('.').next().unwrap_or(path);
        name.split('[').next().unwrap_or(name).to_owned()
    };
    let held: BTreeSet<String> = held.iter().map(last).collect();
    assert_eq!(named, held);
}
