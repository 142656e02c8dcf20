//! Checks a JSON value against the schema the API document publishes, and tells every fault with its path.
//!
//! What a client reads in the document is what is enforced: there is no second description of a request body.

use crate::app::error::FieldFault;
use crate::domain::calendar::{MONTH_PATTERN, Month};
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// More than this many faults in one body help nobody.
const FAULTS_MAX: usize = 100;

/// The longest text, the longest list and the largest number where a type states no bound of its own. The API document
/// says the same.
pub const TEXT_MAX: usize = 10_000;
pub const LIST_MAX: usize = 1_000;
pub const NUMBER_MAX: f64 = 1e12;

/// Every fault of `value`, in the order of the schema; empty when it conforms.
pub fn faults(schema: &MetaSchemaRef, registry: &Registry, value: &Value) -> Vec<FieldFault> {
    let mut check = Check { registry, faults: Vec::new() };
    check.any(schema, value, "");
    check.faults
}

struct Check<'a> {
    registry: &'a Registry,
    faults: Vec<FieldFault>,
}

impl Check<'_> {
    fn fault(&mut self, path: &str, message: impl Into<String>, code: &'static str) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(FieldFault::new(path, message, code));
        }
    }

    fn any(&mut self, schema: &MetaSchemaRef, value: &Value, path: &str) {
        let registry = self.registry;
        match schema {
            MetaSchemaRef::Inline(schema) => self.schema(schema, value, path),
            MetaSchemaRef::Reference(name) => {
                if let Some(schema) = registry.schemas.get(name) {
                    self.schema(schema, value, path);
                }
            }
        }
    }

    fn schema(&mut self, schema: &MetaSchema, value: &Value, path: &str) {
        if value.is_null() && schema.nullable {
            return;
        }
        for part in &schema.all_of {
            self.any(part, value, path);
        }
        self.one_of(schema, value, path);
        if !schema.enum_items.is_empty() {
            if !schema.enum_items.contains(value) {
                let names: Vec<_> = schema.enum_items.iter().map(plain).collect();
                self.fault(path, format!("must be one of {}", names.join(", ")), "enum");
            }
            return;
        }
        match (schema.ty, value) {
            ("object", Value::Object(members)) => self.object(schema, members, path),
            ("array", Value::Array(items)) => self.array(schema, items, path),
            ("string", Value::String(text)) => self.string(schema, text, path),
            ("integer", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.bounds(schema, number.as_f64().unwrap_or(f64::NAN), path);
            }
            ("number", Value::Number(number)) => self.bounds(schema, number.as_f64().unwrap_or(f64::NAN), path),
            ("boolean", Value::Bool(_)) | ("", _) => {}
            (expected, _) => self.fault(path, format!("must be {}", article(expected)), "type"),
        }
    }

    /// Of the alternatives only the one that the value names is checked: by the discriminator, else by its label.
    fn one_of(&mut self, schema: &MetaSchema, value: &Value, path: &str) {
        let Some(discriminator) = &schema.discriminator else {
            return self.labelled(&schema.one_of, value, path);
        };
        let name = discriminator.property_name;
        let Some(Value::String(kind)) = value.get(name) else {
            return self.fault(&join(path, name), "is missing: it says which form this is", "required");
        };
        let chosen = discriminator.mapping.iter().find(|(label, _)| label == kind);
        match chosen {
            Some((_, reference)) => {
                let target = reference.rsplit('/').next().unwrap_or(reference).to_owned();
                self.any(&MetaSchemaRef::Reference(target), value, path);
            }
            None => {
                let names: Vec<_> = discriminator.mapping.iter().map(|(label, _)| label.as_str()).collect();
                self.fault(&join(path, name), format!("must be one of {}", names.join(", ")), "enum");
            }
        }
    }

    /// Alternatives that are texts of few values, or objects that each have another single value in one member.
    /// Where they are neither, parsing decides.
    fn labelled(&mut self, alternatives: &[MetaSchemaRef], value: &Value, path: &str) {
        let registry = self.registry;
        let forms: Vec<&MetaSchema> = alternatives.iter().filter_map(|form| resolved(form, registry)).collect();
        let Some(first) = forms.first() else { return };
        let one_of = |values: &[&Value]| {
            let names: Vec<_> = values.iter().map(|value| plain(value)).collect();
            format!("must be one of {}", names.join(", "))
        };
        if forms.iter().all(|form| form.ty == "string" && !form.enum_items.is_empty()) {
            let texts: Vec<_> = forms.iter().flat_map(|form| &form.enum_items).collect();
            if !texts.contains(&value) {
                self.fault(path, one_of(&texts), "enum");
            }
            return;
        }
        let names_all = |name: &&str| forms.iter().all(|form| label(form, name).is_some());
        let Some(name) = first.properties.iter().map(|(name, _)| *name).find(names_all) else {
            return self.tagged(&forms, value, path);
        };
        let Value::Object(members) = value else { return self.fault(path, "must be an object", "type") };
        let Some(stated) = members.get(name) else {
            return self.fault(&join(path, name), "is missing: it says which form this is", "required");
        };
        match forms.iter().find(|form| label(form, name) == Some(stated)) {
            Some(form) => self.schema(form, value, path),
            None => {
                let labels: Vec<_> = forms.iter().filter_map(|form| label(form, name)).collect();
                self.fault(&join(path, name), one_of(&labels), "enum");
            }
        }
    }

    /// Objects with one member each, beside texts of few values: an object is checked as the form its member names.
    fn tagged(&mut self, forms: &[&MetaSchema], value: &Value, path: &str) {
        let Value::Object(members) = value else { return };
        let has_its_own = |form: &&&MetaSchema| form.required.iter().any(|name| members.contains_key(*name));
        if let Some(form) = forms.iter().find(has_its_own) {
            self.schema(form, value, path);
        }
    }

    fn object(&mut self, schema: &MetaSchema, members: &Map<String, Value>, path: &str) {
        for (name, member) in &schema.properties {
            match members.get(*name) {
                Some(Value::Null) | None if schema.required.contains(name) => {
                    self.fault(&join(path, name), "is required", "required");
                }
                Some(Value::Null) | None => {}
                Some(value) => self.any(member, value, &join(path, name)),
            }
        }
        if schema.properties.is_empty() || schema.additional_properties.is_some() {
            return;
        }
        for name in members.keys().filter(|name| !schema.properties.iter().any(|(known, _)| known == name)) {
            self.fault(&join(path, &shorten(name)), "is not a known field: remove it", "unknown_field");
        }
    }

    fn array(&mut self, schema: &MetaSchema, items: &[Value], path: &str) {
        if let Some(least) = schema.min_items.filter(|least| items.len() < *least) {
            self.fault(path, format!("must have at least {least} entries"), "min_items");
        }
        if let Some(most) = Some(schema.max_items.unwrap_or(LIST_MAX)).filter(|most| items.len() > *most) {
            self.fault(path, format!("must have at most {most} entries"), "max_items");
            return;
        }
        let Some(item_schema) = &schema.items else { return };
        for (index, item) in items.iter().enumerate() {
            self.any(item_schema, item, &format!("{path}[{index}]"));
        }
    }

    fn string(&mut self, schema: &MetaSchema, text: &str, path: &str) {
        let length = text.chars().count();
        if let Some(least) = schema.min_length.filter(|least| length < *least) {
            self.fault(path, format!("must have at least {least} characters"), "min_length");
        } else if let Some(most) = Some(schema.max_length.unwrap_or(TEXT_MAX)).filter(|most| length > *most) {
            self.fault(path, format!("must have at most {most} characters"), "max_length");
        } else if let Some(pattern) = &schema.pattern
            && compiled(pattern).is_some_and(|regex| !regex.is_match(text))
        {
            self.fault(path, described(pattern), "pattern");
        } else if let Some(message) = schema.format.and_then(|format| format_fault(format, text)) {
            self.fault(path, message, "format");
        }
    }

    fn bounds(&mut self, schema: &MetaSchema, number: f64, path: &str) {
        let integer_range = match schema.format {
            Some("int32") => Some((f64::from(i32::MIN), f64::from(i32::MAX))),
            Some("uint32") => Some((0.0, f64::from(u32::MAX))),
            Some("uint16") => Some((0.0, f64::from(u16::MAX))),
            Some("uint8") => Some((0.0, f64::from(u8::MAX))),
            Some("uint64") => Some((0.0, u64::MAX as f64)),
            _ => None,
        };
        let least = schema.minimum.or(integer_range.map(|range| range.0));
        let most = schema
            .maximum
            .or(integer_range.map(|range| range.1))
            .or(Some(NUMBER_MAX).filter(|_| schema.ty == "number"));
        let least = least.or(Some(-NUMBER_MAX).filter(|_| schema.ty == "number"));
        if let Some(least) = least {
            let exclusive = schema.exclusive_minimum == Some(true);
            if number < least || (exclusive && number <= least) {
                let words = if exclusive { "must be more than" } else { "must be at least" };
                return self.fault(path, format!("{words} {least}"), "minimum");
            }
        }
        if let Some(most) = most {
            let exclusive = schema.exclusive_maximum == Some(true);
            if number > most || (exclusive && number >= most) {
                let words = if exclusive { "must be less than" } else { "must be at most" };
                self.fault(path, format!("{words} {most}"), "maximum");
            }
        }
    }
}

fn resolved<'a>(schema: &'a MetaSchemaRef, registry: &'a Registry) -> Option<&'a MetaSchema> {
    match schema {
        MetaSchemaRef::Inline(schema) => Some(schema),
        MetaSchemaRef::Reference(name) => registry.schemas.get(name),
    }
}

/// The one value that a form allows in member `name`.
fn label<'a>(form: &'a MetaSchema, name: &str) -> Option<&'a Value> {
    let (_, member) = form.properties.iter().find(|(known, _)| *known == name)?;
    match member {
        MetaSchemaRef::Inline(member) if member.enum_items.len() == 1 => member.enum_items.first(),
        _ => None,
    }
}

/// What is wrong with a text of a published string format; `None` for those that are only hints.
fn format_fault(format: &str, text: &str) -> Option<&'static str> {
    let (conforms, message) = match format {
        "uuid" => (text.parse::<uuid::Uuid>().is_ok(), "must be a UUID"),
        "date" => (text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(), "must be a date, YYYY-MM-DD"),
        "month" => (
            compiled(MONTH_PATTERN).is_some_and(|pattern| pattern.is_match(text)) && text.parse::<Month>().is_ok(),
            "must be a month between 1900-01 and 2199-12, YYYY-MM or any date in it",
        ),
        "date-time" => {
            (text.parse::<jiff::Timestamp>().is_ok(), "must be an RFC 3339 date and time, 2026-01-31T12:00:00Z")
        }
        "email" => (crate::http::values::looks_like_email(text), "must be an e-mail address"),
        _ => return None,
    };
    (!conforms).then_some(message)
}

/// The document's patterns, compiled once: building one costs more than the rest of a request's check. As many as the
/// document has. Shared, for a clone of an expression has to learn its first texts anew.
static PATTERNS: LazyLock<RwLock<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(RwLock::default);

fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    if let Some(known) = PATTERNS.read().unwrap_or_else(PoisonError::into_inner).get(pattern) {
        return known.clone();
    }
    let regex = Regex::new(pattern).ok().map(Arc::new);
    PATTERNS.write().unwrap_or_else(PoisonError::into_inner).insert(pattern.to_owned(), regex.clone());
    regex
}

/// A pattern in words.
fn described(pattern: &str) -> String {
    match pattern {
        r"^\d{5}(-\d{4})?$" => "must be a ZIP code, such as 78701 or 78701-1234".to_owned(),
        other => format!("must have the form {other}"),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// A name a client made up, fit to be told back.
fn shorten(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(64).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn article(kind: &str) -> &'static str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "of another type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A list of at most two points whose `x` is required, 0..=9, and whose `tag` is short or null.
    fn points() -> MetaSchemaRef {
        let x = MetaSchema { minimum: Some(0.0), maximum: Some(9.0), ..MetaSchema::new("integer") };
        let tag = MetaSchema { max_length: Some(3), nullable: true, ..MetaSchema::new("string") };
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let point = MetaSchema {
            required: vec!["x"],
            properties: vec![("x", inline(x)), ("tag", inline(tag))],
            ..MetaSchema::new("object")
        };
        inline(MetaSchema { max_items: Some(2), items: Some(Box::new(inline(point))), ..MetaSchema::new("array") })
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let cases = [
            (json!([{ "x": 1 }, { "x": 9, "tag": "äöü" }]), vec![]),
            (json!([{ "x": 0, "tag": null }]), vec![]),
            (json!({}), vec![("", "type")]),
            (
                json!([{}, { "x": 10, "y": 1 }]),
                vec![("[0].x", "required"), ("[1].x", "maximum"), ("[1].y", "unknown_field")],
            ),
            (json!([{ "x": 1.5, "tag": "long" }]), vec![("[0].x", "type"), ("[0].tag", "max_length")]),
            (json!([{ "x": null }, 7]), vec![("[0].x", "required"), ("[1]", "type")]),
            (json!([1, 2, 3]), vec![("", "max_items")]),
        ];
        for (value, expected) in cases {
            let found = faults(&points(), &Registry::new(), &value);
            let found: Vec<_> = found.iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn an_alternative_is_known_by_its_label_and_checked_within() {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let text = |name: &str| MetaSchema { enum_items: vec![json!(name)], ..MetaSchema::new("string") };
        let form = |name: &str, member: &'static str| {
            let properties = vec![("kind", inline(text(name))), (member, inline(MetaSchema::new("number")))];
            inline(MetaSchema { required: vec!["kind", member], properties, ..MetaSchema::new("object") })
        };
        let forms = inline(MetaSchema { one_of: vec![form("flat", "rate"), form("two", "peak")], ..MetaSchema::ANY });
        let names = inline(MetaSchema { one_of: vec![inline(text("a")), inline(text("b"))], ..MetaSchema::ANY });
        let cases = [
            (&forms, json!({ "kind": "flat", "rate": 1 }), vec![]),
            (&forms, json!({ "kind": "two", "peak": "x" }), vec![("peak", "type")]),
            (&forms, json!({ "kind": "two", "rate": 1 }), vec![("peak", "required"), ("rate", "unknown_field")]),
            (&forms, json!({ "kind": "three" }), vec![("kind", "enum")]),
            (&forms, json!({ "rate": 1 }), vec![("kind", "required")]),
            (&forms, json!(7), vec![("", "type")]),
            (&names, json!("b"), vec![]),
            (&names, json!("c"), vec![("", "enum")]),
        ];
        for (schema, value, expected) in cases {
            let found = faults(schema, &Registry::new(), &value);
            let found: Vec<_> = found.iter().map(|fault| (fault.field.as_str(), fault.code)).collect();
            assert_eq!(found, expected, "{value}");
        }
    }

    #[test]
    fn a_hostile_body_gets_a_bounded_answer() {
        let members: serde_json::Map<_, _> = (0..10_000).map(|n| (format!("field{n}"), Value::Null)).collect();
        let value = json!([members]);
        assert_eq!(faults(&points(), &Registry::new(), &value).len(), FAULTS_MAX);
    }
}
