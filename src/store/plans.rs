//! Plans as rows of the catalog, and which of them a list shows.

use crate::domain::catalog::{Plan, PlanKind};
use crate::store::catalog::items::{self, Item, Stored};
use crate::store::db::Conn;
use crate::store::db::filter::{Filter, Page, Paged};
use crate::store::db::value::Value;
use crate::store::error::StoreError;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanFilter {
    pub market_id: Option<String>,
    pub supplier_id: Option<Uuid>,
    pub kind: Option<PlanKind>,
    /// 0..=100.
    pub min_renewable: Option<f64>,
    pub max_term_months: Option<u32>,
    pub active: Option<bool>,
    /// Deleted ones too.
    pub deleted: bool,
    /// A part of the name.
    pub text: Option<String>,
}

impl Item for Plan {
    const KIND: &'static str = "plan";
    const TABLE: &'static str = "plan_catalog";
    const OWN: &'static [&'static str] =
        &["key", "supplier_id", "name", "kind", "term_months", "renewable_percentage", "active"];
    const RELATED: &'static str = "supplier_id";
    type Related = Uuid;

    fn key(&self) -> &str {
        &self.key
    }
    fn id(&self) -> Option<Uuid> {
        self.id
    }
    fn with_id(&self, id: Option<Uuid>) -> Self {
        Plan { id, ..self.clone() }
    }
    fn own(&self, suppliers: &HashMap<String, Uuid>) -> Result<Vec<Value>, StoreError> {
        let supplier_id = suppliers.get(&self.supplier).copied().ok_or(StoreError::Dangling)?;
        Ok(vec![
            (&self.key).into(),
            supplier_id.into(),
            (&self.name).into(),
            self.kind.as_str().into(),
            self.term_months.into(),
            self.renewable.percent().into(),
            self.active.into(),
        ])
    }
}

/// By name.
pub fn list(conn: &mut Conn<'_>, wanted: &PlanFilter, page: Page) -> Result<Paged<Stored<Plan>>, StoreError> {
    let mut filter = Filter::default();
    filter.and_some("market_id = ?", wanted.market_id.as_deref());
    filter.and_some("supplier_id = ?", wanted.supplier_id);
    filter.and_some("kind = ?", wanted.kind.map(PlanKind::as_str));
    filter.and_some("renewable_percentage >= ?", wanted.min_renewable);
    filter.and_some("term_months <= ?", wanted.max_term_months);
    filter.and_some("active = ?", wanted.active);
    if !wanted.deleted {
        filter.and_always("deleted_at IS NULL");
    }
    filter.and_contains(&["name"], wanted.text.as_deref());
    items::list(conn, filter, page)
}
