//! Monthly usage: one row per user and calendar month.

use crate::domain::calendar::Month;
use crate::domain::units::Energy;
use crate::domain::usage::readings::Quality;
use crate::store::db::value::{FromValue, Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthRow {
    pub month: Month,
    pub energy: Energy,
    /// Where it came from: `upload`, `import:green_button`, ...
    pub source: String,
    pub quality: Quality,
}

/// Months already held are replaced. A month may be given once only.
pub fn save(tx: &mut Tx<'_>, user_id: Uuid, months: &[MonthRow], now: Timestamp) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = months
        .iter()
        .map(|row| {
            let quality = quality_name(row.quality);
            vec![user_id.into(), row.month.into(), row.energy.into(), (&row.source).into(), quality.into(), now.into()]
        })
        .collect();
    tx.insert_all(
        "usage_history (user_id, month, energy, source, quality, updated_at)",
        &rows,
        "ON CONFLICT (user_id, month) DO UPDATE SET energy = excluded.energy, source = excluded.source, \
         quality = excluded.quality, updated_at = excluded.updated_at",
    )?;
    Ok(())
}

/// The newest `limit` months, newest first.
pub fn newest(conn: &mut Conn<'_>, user_id: Uuid, limit: u32) -> Result<Vec<MonthRow>, StoreError> {
    let sql =
        "SELECT month, energy, source, quality FROM usage_history WHERE user_id = $1 ORDER BY month DESC LIMIT $2";
    conn.query(sql, &[user_id.into(), limit.into()], |row: &mut Row| {
        Ok(MonthRow { month: row.take()?, energy: row.take()?, source: row.take()?, quality: row.take()? })
    })
}

/// Returns how many months were held.
pub fn delete(tx: &mut Tx<'_>, user_id: Uuid) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM usage_history WHERE user_id = $1", &[user_id.into()])
}

pub const fn quality_name(quality: Quality) -> &'static str {
    match quality {
        Quality::Actual => "actual",
        Quality::Estimated => "estimated",
        Quality::Filled => "filled",
        Quality::Missing => "missing",
    }
}

impl FromValue for Quality {
    fn from_value(value: Value) -> Result<Self, StoreError> {
        let text = String::from_value(value)?;
        [Quality::Actual, Quality::Estimated, Quality::Filled, Quality::Missing]
            .into_iter()
            .find(|quality| quality_name(*quality) == text)
            .ok_or_else(|| StoreError::internal("a stored quality is not one the code knows"))
    }
}
