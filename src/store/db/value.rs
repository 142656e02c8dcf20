//! Values as they go into and come out of either database, and rows of them.

use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// One column's value. SQLite keeps `Bool` as 0/1, `Uuid` as 16 bytes, `Timestamp` as microseconds since 1970 UTC and
/// `Date` as `YYYY-MM-DD`; PostgreSQL keeps each in its own type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    /// Text, and JSON as it was written.
    Text(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
    /// To the microsecond; finer parts are cut off.
    Timestamp(Timestamp),
    Date(Date),
}

/// One row of a result; its columns are taken from left to right.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub fn new(values: Vec<Value>) -> Self {
        Row(values.into_iter())
    }

    /// The next column.
    pub fn take<T: FromValue>(&mut self) -> Result<T, StoreError> {
        let value = self.0.next().ok_or_else(|| StoreError::internal("a row has fewer columns than the code reads"))?;
        T::from_value(value)
    }

    /// The next column, a JSON document.
    pub fn take_json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        json_value(&self.take::<String>()?)
    }

    /// The next column, a JSON document or null.
    pub fn take_optional_json<T: DeserializeOwned>(&mut self) -> Result<Option<T>, StoreError> {
        self.take::<Option<String>>()?.map(|text| json_value(&text)).transpose()
    }
}

/// JSON text of a document to be stored.
pub fn json_text(document: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(document).map_err(|e| StoreError::internal(format_args!("a document to store: {e}")))
}

fn json_value<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::internal(format_args!("a stored document: {e}")))
}

/// What a column can be read as.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self, StoreError>;
}

fn mismatch(wanted: &str, found: &Value) -> StoreError {
    // The kind only: the value may be personal.
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Int(_) => "an integer",
        Value::Real(_) => "a float",
        Value::Text(_) => "a text",
        Value::Bytes(_) => "bytes",
        Value::Uuid(_) => "a uuid",
        Value::Timestamp(_) => "a timestamp",
        Value::Date(_) => "a date",
    };
    StoreError::internal(format_args!("a column holds {found} where the code reads {wanted}"))
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        Ok(value)
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Int(value) => Ok(value),
            other => Err(mismatch("an integer", &other)),
        }
    }
}

fn narrow<T: TryFrom<i64>>(value: Value) -> Result<T, StoreError> {
    let wide = i64::from_value(value)?;
    T::try_from(wide).map_err(|_| StoreError::internal("a stored integer is out of its range"))
}

impl FromValue for u8 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        narrow(value)
    }
}

impl FromValue for u16 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        narrow(value)
    }
}

impl FromValue for u32 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        narrow(value)
    }
}

impl FromValue for u64 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        narrow(value)
    }
}

impl FromValue for f64 {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Real(value) => Ok(value),
            Value::Int(value) => Ok(value as f64),
            other => Err(mismatch("a float", &other)),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Bool(value) => Ok(value),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            other => Err(mismatch("a bool", &other)),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Text(value) => Ok(value),
            other => Err(mismatch("a text", &other)),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Bytes(value) => Ok(value),
            other => Err(mismatch("bytes", &other)),
        }
    }
}

/// A stored SHA-256.
impl FromValue for [u8; 32] {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let bytes = Vec::<u8>::from_value(value)?;
        bytes.try_into().map_err(|_| StoreError::internal("a stored hash is not 32 bytes"))
    }
}

impl FromValue for Uuid {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Uuid(value) => Ok(value),
            Value::Bytes(bytes) => Uuid::from_slice(&bytes).map_err(StoreError::internal),
            other => Err(mismatch("a uuid", &other)),
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Timestamp(value) => Ok(value),
            Value::Int(micros) => Timestamp::from_microsecond(micros).map_err(StoreError::internal),
            other => Err(mismatch("a timestamp", &other)),
        }
    }
}

impl FromValue for Date {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        match value {
            Value::Date(value) => Ok(value),
            Value::Text(text) => text.parse().map_err(StoreError::internal),
            other => Err(mismatch("a date", &other)),
        }
    }
}

/// A month is kept as its first day.
impl FromValue for Month {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        Date::from_value(value).map(Month::of)
    }
}

/// Energy is kept in milliwatt-hours.
impl FromValue for Energy {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        i64::from_value(value).map(Energy::from_mwh_thousandths)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Value::Int(i64::from(value))
    }
}
impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Value::Int(i64::from(value))
    }
}
impl From<u8> for Value {
    fn from(value: u8) -> Self {
        Value::Int(i64::from(value))
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Real(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}
impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Value::Text(value.clone())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}
impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Value::Bytes(value.to_vec())
    }
}
impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Value::Bytes(value)
    }
}
impl From<[u8; 32]> for Value {
    fn from(value: [u8; 32]) -> Self {
        Value::Bytes(value.to_vec())
    }
}
impl From<Uuid> for Value {
    fn from(value: Uuid) -> Self {
        Value::Uuid(value)
    }
}
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Value::Timestamp(value)
    }
}
impl From<Date> for Value {
    fn from(value: Date) -> Self {
        Value::Date(value)
    }
}
impl From<Month> for Value {
    fn from(value: Month) -> Self {
        Value::Date(value.first_day())
    }
}
impl From<Energy> for Value {
    fn from(value: Energy) -> Self {
        Value::Int(value.mwh_thousandths())
    }
}
