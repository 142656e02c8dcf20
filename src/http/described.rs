//! The bridge from serde types to the OpenAPI document: a type that derives `JsonSchema` is described as it is.
//!
//! Answers are written by serde (poem-openapi's own serialiser costs a third more) and domain types know nothing of
//! HTTP, so both are described from their JSON Schema. [`described!`] makes such types usable wherever poem-openapi
//! wants its own.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

/// Where the generator's references point; the document's own place for schemas.
const DEFINITIONS: &str = "#/components/schemas/";

/// A reference to `T`'s schema, or the schema itself where it is a plain one.
pub fn schema_ref<T: JsonSchema>() -> MetaSchemaRef {
    if !T::inline_schema() {
        return MetaSchemaRef::Reference(T::schema_name().into_owned());
    }
    reference_or_inline(&generator().subschema_for::<T>().to_value())
}

/// Adds `T`'s schema, and all it refers to, to the document.
pub fn register<T: JsonSchema>(registry: &mut Registry) {
    let mut generator = generator();
    generator.subschema_for::<T>();
    for (name, schema) in generator.take_definitions(true) {
        let schema = meta(&schema);
        let held = registry.schemas.entry(name.clone()).or_insert_with(|| schema.clone());
        // A half-made entry stands for a type that is being described right now.
        let is_same = held.ty == "fake" || shape(held) == shape(&schema);
        assert!(is_same, "two types have the name `{name}` in the API document: rename one of them");
    }
}

/// What two descriptions of one type agree on, whoever wrote them.
fn shape(schema: &MetaSchema) -> (&str, Vec<String>, Vec<&str>) {
    let mut values: Vec<String> = schema.enum_items.iter().map(ToString::to_string).collect();
    values.sort_unstable();
    let mut names: Vec<&str> = schema.properties.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    (schema.ty, values, names)
}

fn generator() -> SchemaGenerator {
    SchemaSettings::openapi3().into_generator()
}

fn reference_or_inline(schema: &Value) -> MetaSchemaRef {
    match schema.get("$ref") {
        Some(target) => reference(target),
        None => MetaSchemaRef::Inline(Box::new(meta(schema))),
    }
}

fn reference(target: &Value) -> MetaSchemaRef {
    let target = target.as_str().unwrap_or_default();
    MetaSchemaRef::Reference(target.strip_prefix(DEFINITIONS).unwrap_or(target).to_owned())
}

/// The one alternative to `null` of a schema that has just these two.
fn other_than_null(schema: &Map<String, Value>) -> Option<&Value> {
    let is_null =
        |of: &&Value| of.get("enum").and_then(Value::as_array).is_some_and(|of| of.iter().all(Value::is_null));
    match schema.get("anyOf")?.as_array()?.as_slice() {
        [other, null] | [null, other] if is_null(&null) && !is_null(&other) => Some(other),
        _ => None,
    }
}

/// One JSON Schema (OpenAPI 3.0 dialect) as the registry's form of it.
fn meta(schema: &Value) -> MetaSchema {
    let Some(schema) = schema.as_object() else { return MetaSchema::ANY };
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let size = |key: &str| schema.get(key).and_then(Value::as_u64).map(|value| value as usize);
    let list = |key: &str| {
        schema
            .get(key)
            .and_then(Value::as_array)
            .map_or_else(Vec::new, |of| of.iter().map(reference_or_inline).collect())
    };
    let one = |key: &str| schema.get(key).filter(|of| of.is_object()).map(|of| Box::new(reference_or_inline(of)));
    if let Some(target) = schema.get("$ref") {
        // A reference in a place that wants a whole schema.
        return MetaSchema { all_of: vec![reference(target)], ..MetaSchema::ANY };
    }
    if let Some(other) = other_than_null(schema) {
        // What serde takes for `null` or a `T`.
        let description = schema.get("description").and_then(Value::as_str).map(kept);
        return MetaSchema { all_of: vec![reference_or_inline(other)], nullable: true, description, ..MetaSchema::ANY };
    }
    MetaSchema {
        ty: schema_type(schema),
        format: schema.get("format").and_then(Value::as_str).map(format_name),
        description: schema.get("description").and_then(Value::as_str).map(kept),
        default: schema.get("default").filter(|value| !value.is_null()).cloned(),
        required: names(schema.get("required")),
        properties: properties(schema),
        items: one("items"),
        additional_properties: one("additionalProperties"),
        enum_items: schema.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
        deprecated: schema.get("deprecated").and_then(Value::as_bool).unwrap_or_default(),
        nullable: nullable(schema),
        any_of: list("anyOf"),
        one_of: list("oneOf"),
        all_of: list("allOf"),
        example: schema.get("example").cloned(),
        maximum: number("maximum").or_else(|| largest(schema.get("format")?.as_str()?)),
        minimum: number("minimum"),
        max_length: size("maxLength"),
        min_length: size("minLength"),
        pattern: schema.get("pattern").and_then(Value::as_str).map(str::to_owned),
        max_items: size("maxItems"),
        min_items: size("minItems"),
        unique_items: schema.get("uniqueItems").and_then(Value::as_bool),
        ..MetaSchema::ANY
    }
}

fn schema_type(schema: &Map<String, Value>) -> &'static str {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    match named {
        Some("object") => "object",
        Some("array") => "array",
        Some("string") => "string",
        Some("number") => "number",
        Some("integer") => "integer",
        Some("boolean") => "boolean",
        _ => "",
    }
}

fn nullable(schema: &Map<String, Value>) -> bool {
    let said = schema.get("nullable").and_then(Value::as_bool).unwrap_or_default();
    said || schema.get("type").and_then(Value::as_array).is_some_and(|names| names.contains(&Value::from("null")))
}

/// OpenAPI knows two sizes of integer.
fn format_name(format: &str) -> &'static str {
    match format {
        "uint8" | "uint16" | "int8" | "int16" | "int32" => "int32",
        "uint" | "uint32" | "uint64" | "int64" | "int" => "int64",
        other => kept(other),
    }
}

/// OpenAPI has no name for integers without a sign: what does not fit is outside of their bounds.
fn largest(format: &str) -> Option<f64> {
    match format {
        "uint8" => Some(f64::from(u8::MAX)),
        "uint16" => Some(f64::from(u16::MAX)),
        "uint32" => Some(f64::from(u32::MAX)),
        _ => None,
    }
}

fn properties(schema: &Map<String, Value>) -> Vec<(&'static str, MetaSchemaRef)> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(name, schema)| (kept(name), reference_or_inline(schema))).collect()
}

fn names(list: Option<&Value>) -> Vec<&'static str> {
    list.and_then(Value::as_array)
        .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).map(kept).collect())
}

/// The registry wants texts that live as long as the program; the document is built once.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Makes serde types with a `JsonSchema` usable as poem-openapi types.
macro_rules! described {
    ($($name:ty),+ $(,)?) => {$(
        impl poem_openapi::types::Type for $name {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> std::borrow::Cow<'static, str> {
                <$name as schemars::JsonSchema>::schema_name()
            }
            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                $crate::http::described::schema_ref::<$name>()
            }
            fn register(registry: &mut poem_openapi::registry::Registry) {
                $crate::http::described::register::<$name>(registry);
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }
        impl poem_openapi::types::ParseFromJSON for $name {
            fn parse_from_json(value: Option<serde_json::Value>) -> poem_openapi::types::ParseResult<Self> {
                $crate::domain::from_json::read(value.unwrap_or_default()).map_err(poem_openapi::types::ParseError::custom)
            }
        }
    )+};
}
pub(crate) use described;
