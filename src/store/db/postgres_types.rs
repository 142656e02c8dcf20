//! Values in PostgreSQL's binary formats, and what its errors mean.

use crate::store::db::value::{Row, Value};
use crate::store::error::{Cause, StoreError};
use bytes::{BufMut, BytesMut};
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use postgres::error::SqlState;
use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use std::error::Error;
use uuid::Uuid;

/// PostgreSQL counts days and microseconds from 2000-01-01.
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
const EPOCH: Date = date(2000, 1, 1);

type Fault = Box<dyn Error + Sync + Send>;

/// A value on its way to the server, in the type the statement wants there.
#[derive(Debug)]
pub struct Parameter<'a>(pub &'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        match (self.0, kind) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Bool(value), &Type::BOOL) => out.put_u8(u8::from(*value)),
            (Value::Int(value), &Type::INT8) => out.put_i64(*value),
            (Value::Int(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Value::Int(value), &Type::INT2) => out.put_i16(i16::try_from(*value)?),
            (Value::Int(value), &Type::FLOAT8) => out.put_f64(*value as f64),
            (Value::Real(value), &Type::FLOAT8) => out.put_f64(*value),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR | &Type::JSON) => out.put_slice(value.as_bytes()),
            (Value::Bytes(value), &Type::BYTEA) => out.put_slice(value),
            (Value::Uuid(value), &Type::UUID) => out.put_slice(value.as_bytes()),
            (Value::Timestamp(value), &Type::TIMESTAMPTZ) => out.put_i64(value.as_microsecond() - EPOCH_MICROSECONDS),
            (Value::Date(value), &Type::DATE) => out.put_i32(EPOCH.until(*value)?.get_days()),
            (value, kind) => return Err(format!("a {kind} is wanted where the code gives {value:?}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value on its way from the server.
struct Column(Value);

impl<'a> FromSql<'a> for Column {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        let value = match *kind {
            Type::BOOL => Value::Bool(bool::from_sql(kind, raw)?),
            Type::INT8 => Value::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Value::Int(i64::from(i32::from_sql(kind, raw)?)),
            Type::INT2 => Value::Int(i64::from(i16::from_sql(kind, raw)?)),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, raw)?),
            Type::TEXT | Type::VARCHAR | Type::JSON => Value::Text(std::str::from_utf8(raw)?.to_owned()),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            Type::UUID => Value::Uuid(Uuid::from_slice(raw)?),
            Type::TIMESTAMPTZ => {
                let micros = i64::from_be_bytes(raw.try_into()?);
                let micros = micros.checked_add(EPOCH_MICROSECONDS).ok_or("a timestamp out of range")?;
                Value::Timestamp(Timestamp::from_microsecond(micros)?)
            }
            Type::DATE => Value::Date(EPOCH.checked_add(i32::from_be_bytes(raw.try_into()?).days())?),
            ref other => return Err(format!("a {other} came from the server, which the code does not read").into()),
        };
        Ok(Column(value))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Fault> {
        Ok(Column(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

pub fn row_of(row: &postgres::Row) -> Result<Row, StoreError> {
    let column = |n| row.try_get::<_, Column>(n).map(|column| column.0).map_err(|e| store_error(&e));
    (0..row.len()).map(column).collect::<Result<Vec<Value>, StoreError>>().map(Row::new)
}

pub fn store_error(error: &postgres::Error) -> StoreError {
    let cause = Cause::new(described(error));
    let Some(answer) = error.as_db_error() else {
        let unreachable = error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>());
        return if unreachable { StoreError::Unavailable(cause) } else { StoreError::Internal(cause) };
    };
    let constraint = || answer.constraint().or(answer.column()).unwrap_or("a constraint").to_owned();
    let code = answer.code();
    match *code {
        SqlState::UNIQUE_VIOLATION => StoreError::Conflict(constraint()),
        SqlState::FOREIGN_KEY_VIOLATION => StoreError::Dangling,
        SqlState::CHECK_VIOLATION => StoreError::Rejected(constraint()),
        SqlState::NOT_NULL_VIOLATION => {
            let (table, column) = (answer.table().unwrap_or(""), answer.column().unwrap_or(""));
            StoreError::Rejected(format!("{table}.{column}"))
        }
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED => StoreError::Busy(cause),
        SqlState::DISK_FULL => StoreError::Full(cause),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => StoreError::Corrupt(cause),
        // Insufficient resources, operator intervention (shutting down), system error, connection exception.
        _ if ["53", "57", "58", "08"].iter().any(|class| code.code().starts_with(class)) => {
            StoreError::Unavailable(cause)
        }
        _ => StoreError::Internal(cause),
    }
}

/// The error with what it came from: the driver's own text is only "db error".
pub fn described(error: &postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(answer), _) => format!("{} ({})", answer.message(), answer.code().code()),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
