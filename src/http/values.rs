//! Text values with a published format: dates, times, months, e-mail addresses.

use crate::domain::calendar::Month;
use jiff::Timestamp;
use jiff::civil::Date;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseFromParameter, ParseResult, ToJSON, Type};
use serde_json::Value;
use std::borrow::Cow;

/// `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateValue(pub Date);

/// RFC 3339 in UTC, with `Z`, to the millisecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeValue(pub Timestamp);

/// Read as `YYYY-MM` or any date of the month, written as its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthValue(pub Month);

/// Five digits, or ZIP+4. As a type, because a pattern given to a parameter is compiled anew for every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZipCode(pub String);

/// An e-mail address, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(pub String);

/// One `@` with something before it and a dotted name behind it; no spaces or control characters; at most 254 bytes.
/// Whether it exists is found out by writing to it, not by a pattern.
pub fn looks_like_email(text: &str) -> bool {
    let Some((local, host)) = text.rsplit_once('@') else { return false };
    let local_fits = (1..=64).contains(&local.len()) && !local.contains('@');
    let labels_fit = host.contains('.') && host.split('.').all(|label| !label.is_empty() && label.len() <= 63);
    let clean = !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c));
    text.len() <= 254 && local_fits && labels_fit && clean
}

fn written_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// What poem-openapi needs to know of a value that is a text in JSON.
macro_rules! text_value {
    ($type:ident, $format:literal, $longest:literal, $parse:expr, $write:expr) => {
        text_value!($type, $format, $longest, None, $parse, $write);
    };
    ($type:ident, $format:literal, $longest:literal, $pattern:expr, $parse:expr, $write:expr) => {
        impl Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;
            fn name() -> Cow<'static, str> {
                concat!("string_", $format).into()
            }
            fn schema_ref() -> MetaSchemaRef {
                let mut schema = MetaSchema::new_with_format("string", $format);
                schema.max_length = Some($longest);
                schema.pattern = $pattern;
                MetaSchemaRef::Inline(Box::new(schema))
            }
            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }
            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
        impl ParseFromJSON for $type {
            fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
                match value.unwrap_or_default() {
                    Value::String(text) => Self::parse_from_parameter(&text).map_err(|error| error.propagate()),
                    other => Err(ParseError::expected_type(other)),
                }
            }
        }
        impl ParseFromParameter for $type {
            fn parse_from_parameter(text: &str) -> ParseResult<Self> {
                let parse: fn(&str) -> Option<$type> = $parse;
                parse(text).ok_or_else(|| ParseError::custom(concat!("is not a valid ", $format)))
            }
        }
        impl ToJSON for $type {
            fn to_json(&self) -> Option<Value> {
                let write: fn(&$type) -> String = $write;
                Some(Value::String(write(self)))
            }
        }
    };
}

text_value!(DateValue, "date", 10, |text| text.parse().ok().map(DateValue), |date| date.0.to_string());
text_value!(TimeValue, "date-time", 40, |text| text.parse().ok().map(TimeValue), |time| written_time(time.0));
text_value!(MonthValue, "month", 10, |text| text.parse().ok().map(MonthValue), |month| month.0.first_day().to_string());
text_value!(Email, "email", 254, |text| looks_like_email(text).then(|| Email(text.to_owned())), |email| email
    .0
    .clone());

text_value!(
    ZipCode,
    "zip-code",
    10,
    Some(r"^\d{5}(-\d{4})?$".to_owned()),
    |text| looks_like_zip(text).then(|| ZipCode(text.to_owned())),
    |zip| zip.0.clone()
);

fn looks_like_zip(text: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((zip, extension)) => digits(zip, 5) && digits(extension, 4),
        None => digits(text, 5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_needs_one_at_and_a_dotted_host() {
        for good in ["a@b.c", "test@example.com", "first.last+tag@mail.example.org", "ü@exämple.de"] {
            assert!(looks_like_email(good), "{good}");
        }
        for bad in ["", "a", "a@b", "@b.c", "a@", "a@b..c", "a b@c.d", "a@b@c.d", "a@.c", "<a@b.c>"] {
            assert!(!looks_like_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_zip_is_what_the_published_pattern_matches() {
        let schema = ZipCode::schema_ref();
        let pattern = schema.unwrap_inline().pattern.clone().expect("a pattern is published");
        let pattern = regex::Regex::new(&pattern).expect("a regular expression");
        for text in ["78701", "78701-1234", "7870", "787011", "78701-", "78701-123", "78701 1234", "7870a", "", "-1234"]
        {
            assert_eq!(looks_like_zip(text), pattern.is_match(text), "{text}");
        }
    }

    #[test]
    fn times_are_written_in_utc_to_the_millisecond() {
        let time = TimeValue("2026-11-23T02:00:00.123456+01:00".parse().expect("a timestamp"));
        assert_eq!(time.to_json(), Some(Value::String("2026-11-23T01:00:00.123Z".to_owned())));
    }
}
