//! Values read from JSON: what does not fit is told by its full path, also inside objects one field of which names
//! their form.
//!
//! serde reads such an object (`{"kind": "fixed", "value": 4.95}`) into a buffer before it knows its form, and tells
//! every fault of the buffer at the object. Types declared with [`tagged!`] read the buffer themselves and hand the
//! path on in the text of the error, `⟨blocks.prices[0]⟩ has more than 9 decimals`, until [`read`] joins the parts.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::{Map, Number, Value};
use serde_path_to_error::Segment;
use std::fmt;

/// The one place where a value does not fit its type, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfit {
    /// `plans[3].rate.charges[2].amount.price`; empty for the value as a whole.
    pub path: String,
    /// A sentence without its subject where we or the type say it: `has more than 9 decimals`.
    pub message: String,
}

impl Misfit {
    /// Of the text of an error, which may carry the rest of the path.
    fn at(path: &str, text: &str) -> Self {
        match text.strip_prefix('⟨').and_then(|text| text.split_once("⟩ ")) {
            Some((rest, message)) => Misfit { path: join(path, rest), message: message.to_owned() },
            None => Misfit { path: path.to_owned(), message: in_words(text) },
        }
    }

    /// The misfit an error's text carries, whatever was put before it.
    pub fn carried(text: &str) -> Option<Self> {
        text.find('⟨').map(|start| Misfit::at("", &text[start..]))
    }
}

/// The form in which a path is handed on through the errors of others.
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "⟨{}⟩ {}", self.path, self.message)
    }
}

/// Reads a value; the first thing that does not fit is told by its path.
pub fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, Misfit> {
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| Misfit::at(&path(error.path().iter()), &error.inner().to_string()))
}

/// Reads a text that is JSON and nothing more.
pub fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, Misfit> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = read(&mut json)?;
    json.end().map_err(|error| Misfit { path: String::new(), message: format!("is followed by more: {error}") })?;
    Ok(value)
}

/// The path of what lies at `rest` below `path`.
pub fn join(path: &str, rest: &str) -> String {
    match (path, rest) {
        ("", path) | (path, "") => path.to_owned(),
        (path, rest) if rest.starts_with('[') => format!("{path}{rest}"),
        (path, rest) => format!("{path}.{rest}"),
    }
}

/// A JSON value no object of which has a key twice.
pub struct Unrepeated(pub Value);

/// Implements serde's traits for an enum that is derived as `#[serde(remote = "Self")]`, so that a member of the object
/// names the form: serde's `tag`, with paths.
macro_rules! tagged {
    ($name:ident, $tag:literal) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let form = $name::serialize(self, serde_json::value::Serializer);
                $crate::domain::from_json::write_tagged($tag, form, serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Form($name);
                impl<'de> serde::Deserialize<'de> for Form {
                    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                        $name::deserialize(deserializer).map(Form)
                    }
                }
                $crate::domain::from_json::read_tagged::<Form, D>($tag, deserializer).map(|form| form.0)
            }
        }
    };
}
pub(crate) use tagged;

/// Writes `{"flat": {"fee": 5}}` as `{"kind": "flat", "fee": 5}`, and `"none"` as `{"kind": "none"}`.
pub fn write_tagged<S: Serializer>(
    tag: &'static str,
    form: Result<Value, serde_json::Error>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (kind, members) = match form.map_err(serde::ser::Error::custom)? {
        Value::Object(form) => form.into_iter().next().unwrap_or_default(),
        plain => (plain.as_str().unwrap_or_default().to_owned(), Value::Null),
    };
    let mut object = Map::new();
    object.insert(tag.to_owned(), Value::String(kind));
    if let Value::Object(members) = members {
        object.extend(members);
    }
    object.serialize(serializer)
}

/// Reads an object whose member `tag` names its form.
pub fn read_tagged<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    tag: &'static str,
    deserializer: D,
) -> Result<T, D::Error> {
    let Value::Object(mut members) = Unrepeated::deserialize(deserializer)?.0 else {
        return Err(D::Error::custom(format!("is not an object with a field `{tag}`")));
    };
    let kind = match members.shift_remove(tag) {
        Some(Value::String(kind)) => kind,
        Some(_) => return Err(D::Error::custom(Misfit { path: tag.to_owned(), message: "is not a text".to_owned() })),
        None => return Err(D::Error::missing_field(tag)),
    };
    let form = Form { kind: &kind, members: &members };
    T::deserialize(form).or_else(|_| serde_path_to_error::deserialize(form)).map_err(|error| {
        // The first part of the path is the form, which is no field; without it, it is the form that is not known.
        let mut parts = error.path().iter();
        let path = if parts.next().is_some() { path(parts) } else { tag.to_owned() };
        D::Error::custom(Misfit::at(&path, &error.inner().to_string()))
    })
}

fn path<'a>(segments: impl Iterator<Item = &'a Segment>) -> String {
    segments.fold(String::new(), |path, segment| match segment {
        Segment::Seq { index } => join(&path, &format!("[{index}]")),
        Segment::Map { key } | Segment::Enum { variant: key } => join(&path, key),
        Segment::Unknown => path,
    })
}

/// What serde expected, in plain words. What it found is left out: that may be all of the file.
fn in_words(text: &str) -> String {
    let quotes = text.starts_with("invalid type: ") || text.starts_with("invalid value: ");
    let Some((_, expected)) = text.rsplit_once(", expected ").filter(|_| quotes) else { return text.to_owned() };
    let (expected, place) = expected.split_once(" at line ").unwrap_or((expected, ""));
    let words = match expected {
        "f64" => "a number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "a string" | "a borrowed string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        other => other,
    };
    if place.is_empty() { format!("is not {words}") } else { format!("is not {words} at line {place}") }
}

/// A buffered object as serde reads enums: its form, then the other members.
#[derive(Clone, Copy)]
struct Form<'de> {
    kind: &'de str,
    members: &'de Map<String, Value>,
}

impl<'de> Deserializer<'de> for Form<'de> {
    type Error = serde_json::Error;
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_enum(self)
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> EnumAccess<'de> for Form<'de> {
    type Error = serde_json::Error;
    type Variant = Self;
    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Self::Error> {
        let kind: StrDeserializer<'_, Self::Error> = self.kind.into_deserializer();
        Ok((seed.deserialize(kind)?, self))
    }
}

impl<'de> VariantAccess<'de> for Form<'de> {
    type Error = serde_json::Error;
    fn unit_variant(self) -> Result<(), Self::Error> {
        match self.members.keys().next() {
            Some(name) => Err(Self::Error::unknown_field(name, &[])),
            None => Ok(()),
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Self::Error> {
        seed.deserialize(self.members)
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::invalid_type(Unexpected::Map, &visitor))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Self::Error> {
        self.members.deserialize_map(visitor)
    }
}

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnrepeatedVisitor).map(Unrepeated)
    }
}

struct UnrepeatedVisitor;

impl<'de> Visitor<'de> for UnrepeatedVisitor {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Unrepeated>()? {
            list.push(item.0);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Unrepeated>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            map.insert(name, value.0);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::ExitFee;
    use crate::domain::tariff::RateStructure;

    #[test]
    fn what_does_not_fit_is_told_by_its_path_however_deep() {
        let energy = |amount: &str| {
            format!(r#"{{"type":"tariff","charges":[{{"id":"e","label":"E","tags":["energy"],"amount":{amount}}}]}}"#)
        };
        let decimals = "has more than 9 decimals".to_owned();
        let cases = [
            (energy(r#"{"kind":"fixed","value":1e-10,"per":"day"}"#), "charges[0].amount.value", decimals.clone()),
            (energy(r#"{"value":1e-10,"per":"day","kind":"fixed"}"#), "charges[0].amount.value", decimals.clone()),
            (
                energy(r#"{"kind":"energy","blocks":{"bounds":[5],"prices":[1,1e-10]}}"#),
                "charges[0].amount.blocks.prices[1]",
                decimals,
            ),
            (
                energy(r#"{"kind":"fixed","value":"1","per":"day"}"#),
                "charges[0].amount.value",
                "is not a number".into(),
            ),
            (energy(r#"{"kind":"fixed","value":1}"#), "charges[0].amount", "missing field `per`".into()),
            (energy(r#"{"kind":7}"#), "charges[0].amount.kind", "is not a text".into()),
            (energy("{}"), "charges[0].amount", "missing field `kind`".into()),
            (r#"{"type":"fixed","rate_per_kwh":1e300}"#.to_owned(), "rate_per_kwh", "is outside the range".into()),
            (r#"{"type":"tiered","tiers":[7]}"#.to_owned(), "tiers[0]", "is not an object".into()),
            (r#"{"type":"flat"}"#.to_owned(), "type", "unknown variant `flat`".into()),
            ("7".to_owned(), "", "is not an object with a field `type`".into()),
        ];
        for (json, path, message) in cases {
            let misfit = read_text::<RateStructure>(&json).expect_err(&json);
            assert_eq!(misfit.path, path, "{json}");
            assert!(misfit.message.starts_with(&message), "{json}: {}", misfit.message);
        }
    }

    #[test]
    fn every_form_is_written_as_it_is_read() {
        for text in [r#"{"kind":"none"}"#, r#"{"kind":"flat","fee":150.0}"#, r#"{"kind":"declining","fee":0.5}"#] {
            let fee: ExitFee = read_text(text).expect("an exit fee");
            assert_eq!(serde_json::to_string(&fee).expect("plain data"), text);
        }
    }

    #[test]
    fn nothing_is_given_twice_and_nothing_beside_a_form_without_members() {
        let twice = read_text::<ExitFee>(r#"{"kind":"flat","fee":1,"fee":2}"#).expect_err("twice");
        assert!(twice.message.starts_with("duplicate field `fee`"), "{twice}");
        let beside = read_text::<ExitFee>(r#"{"kind":"none","fee":1}"#).expect_err("beside");
        assert!(beside.message.starts_with("unknown field `fee`"), "{beside}");
        assert!(
            read_text::<ExitFee>(r#"{"kind":"none"} {}"#).is_err_and(|more| more.message.starts_with("is followed"))
        );
    }
}
