//! Retail suppliers as rows of the catalog, and which of them a list shows.

use crate::domain::catalog::Supplier;
use crate::store::catalog::items::{self, Item, Stored};
use crate::store::db::Conn;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::Value;
use crate::store::error::StoreError;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupplierFilter {
    pub market_id: Option<String>,
    pub active: Option<bool>,
    /// Deleted ones too.
    pub deleted: bool,
    /// A part of the name.
    pub text: Option<String>,
}

impl Item for Supplier {
    const KIND: &'static str = "supplier";
    const TABLE: &'static str = "suppliers";
    const OWN: &'static [&'static str] = &["key", "name", "active"];
    const RELATED: &'static str = "(SELECT count(*) FROM plan_catalog WHERE supplier_id = suppliers.id \
                                    AND plan_catalog.active AND plan_catalog.deleted_at IS NULL)";
    type Related = u64;

    fn key(&self) -> &str {
        &self.key
    }
    fn id(&self) -> Option<Uuid> {
        self.id
    }
    fn with_id(&self, id: Option<Uuid>) -> Self {
        Supplier { id, ..self.clone() }
    }
    fn own(&self, _suppliers: &HashMap<String, Uuid>) -> Result<Vec<Value>, StoreError> {
        Ok(vec![(&self.key).into(), (&self.name).into(), self.active.into()])
    }
}

/// By name.
pub fn list(conn: &mut Conn<'_>, wanted: &SupplierFilter, page: Page) -> Result<Paged<Stored<Supplier>>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("market_id = ?", wanted.market_id.as_deref());
    filter.and_some("active = ?", wanted.active);
    if !wanted.deleted {
        filter.and_always("deleted_at IS NULL");
    }
    filter.and_contains(&["name"], wanted.text.as_deref());
    items::list(conn, filter, page)
}

/// Ids of all suppliers of a market, deleted ones included.
pub fn ids_by_key(conn: &mut Conn<'_>, market_id: &str) -> Result<HashMap<String, Uuid>, StoreError> {
    let sql = "SELECT key, id FROM suppliers WHERE market_id = $1";
    Ok(conn.query(sql, &[market_id.into()], |row| Ok((row.take()?, row.take()?)))?.into_iter().collect())
}
