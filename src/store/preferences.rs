//! What a user values, as four priorities that sum to 100.

use crate::store::db::value::Row;
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use uuid::Uuid;

/// The constraint that is violated when the four do not sum to 100.
pub const SUM_IS_100: &str = "user_preferences_sum";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preferences {
    /// Each 0..=100.
    pub cost: u8,
    pub flexibility: u8,
    pub renewable: u8,
    pub rating: u8,
    pub updated_at: Timestamp,
}

pub fn save(tx: &mut Tx<'_>, user_id: Uuid, new: &Preferences) -> Result<(), StoreError> {
    tx.execute_one(
        "INSERT INTO user_preferences (user_id, cost_priority, flexibility_priority, renewable_priority, rating_priority, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (user_id) DO UPDATE SET \
         cost_priority = excluded.cost_priority, flexibility_priority = excluded.flexibility_priority, \
         renewable_priority = excluded.renewable_priority, rating_priority = excluded.rating_priority, \
         updated_at = excluded.updated_at",
        &[
            user_id.into(),
            new.cost.into(),
            new.flexibility.into(),
            new.renewable.into(),
            new.rating.into(),
            new.updated_at.into(),
        ],
    )
}

pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Option<Preferences>, StoreError> {
    let sql = "SELECT cost_priority, flexibility_priority, renewable_priority, rating_priority, updated_at \
               FROM user_preferences WHERE user_id = $1";
    conn.find(sql, &[user_id.into()], |row: &mut Row| {
        Ok(Preferences {
            cost: row.take()?,
            flexibility: row.take()?,
            renewable: row.take()?,
            rating: row.take()?,
            updated_at: row.take()?,
        })
    })
}
