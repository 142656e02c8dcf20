//! Suppliers and plans as an administrator reads and changes them, one by one. A change is checked as an import is,
//! told in the audit log with what was before and after, and served in the next answer.

use super::{Page, PageRequest, no_such};
use crate::app::audit::{Act, note};
use crate::app::error::{Error, FieldFault};
use crate::app::figures::moment;
use crate::app::once::Once;
use crate::app::version::{Expected, Version};
use crate::app::{App, Result, json};
use crate::domain::catalog::{CatalogFile, Plan, Supplier};
use crate::formats::catalog::check;
use crate::store::catalog::items::{self, Item, Stored};
use crate::store::catalog::{frame, lock, market_ids};
use crate::store::db::Tx;
use crate::store::db::value::json_text;
use crate::store::error::StoreError;
use crate::store::{plans, suppliers};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json as value;
use uuid::Uuid;

pub use crate::store::plans::PlanFilter;
pub use crate::store::suppliers::SupplierFilter;

/// A supplier or plan as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Kept{T}")]
pub struct Kept<T> {
    pub id: Uuid,
    /// Id of its market.
    pub market: String,
    /// Raised by every change; `If-Match` names it.
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// `null`: not deleted.
    pub deleted_at: Option<Timestamp>,
    /// Of a plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier_id: Option<Uuid>,
    /// Of a supplier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_plan_count: Option<u64>,
    /// What catalogs say of it.
    pub document: T,
}

/// What an administrator edits.
pub trait Edited: Item + JsonSchema {
    /// Puts this in a market's frame to be checked there, and says under which path faults of it are found.
    fn place(&self, frame: &mut CatalogFile) -> String;
    fn kept(stored: Stored<Self>) -> Kept<Self>;
}

impl Edited for Plan {
    fn place(&self, frame: &mut CatalogFile) -> String {
        frame.plans.push(self.clone());
        format!("plans[{}]", frame.plans.len() - 1)
    }
    fn kept(stored: Stored<Self>) -> Kept<Self> {
        Kept { supplier_id: Some(stored.related), ..plain(stored) }
    }
}

impl Edited for Supplier {
    fn place(&self, frame: &mut CatalogFile) -> String {
        frame.suppliers.retain(|supplier| supplier.key != self.key);
        frame.suppliers.push(self.clone());
        format!("suppliers[{}]", frame.suppliers.len() - 1)
    }
    fn kept(stored: Stored<Self>) -> Kept<Self> {
        Kept { active_plan_count: Some(stored.related), ..plain(stored) }
    }
}

fn plain<T: Item>(stored: Stored<T>) -> Kept<T> {
    Kept {
        id: stored.id,
        market: stored.market_id,
        version: stored.version,
        created_at: moment(stored.created_at),
        updated_at: moment(stored.updated_at),
        deleted_at: stored.deleted_at.map(moment),
        supplier_id: None,
        active_plan_count: None,
        document: stored.item,
    }
}

impl App {
    pub async fn kept_plans(&self, wanted: PlanFilter, page: PageRequest) -> Result<Page<Kept<Plan>>> {
        let found = self.store.read(move |conn| plans::list(conn, &wanted, page.into())).await?;
        Ok(Page::kept(page, found, Plan::kept))
    }

    pub async fn kept_suppliers(&self, wanted: SupplierFilter, page: PageRequest) -> Result<Page<Kept<Supplier>>> {
        let found = self.store.read(move |conn| suppliers::list(conn, &wanted, page.into())).await?;
        Ok(Page::kept(page, found, Supplier::kept))
    }

    /// Also one that is deleted.
    pub async fn kept_item<T: Edited>(&self, id: Uuid) -> Result<Kept<T>> {
        let found = self.store.read(move |conn| items::by_id::<T>(conn, id)).await?;
        found.map(T::kept).ok_or_else(|| no_such(T::KIND))
    }

    /// Adds an item to a market, which need not be named where there is one.
    pub async fn create_item<T: Edited>(
        &self,
        actor: Uuid,
        market: Option<String>,
        item: T,
        once: Once,
    ) -> Result<Vec<u8>> {
        let now = self.now();
        let create = move |tx: &mut Tx<'_>| {
            lock(tx)?;
            let market = market_or_only(tx, market)?;
            checked(tx, &market, &item)?;
            let id = item.id().unwrap_or_else(Uuid::now_v7);
            let created = items::create(tx, &market, id, &item, now).map_err(refused::<T>)?;
            let act = format!("{}_created", T::KIND);
            let detail = value!({ "act": act, "after": created.item });
            note(tx, "authz_admin", Act { actor: Some(actor), subject: Some(id), detail }, now)?;
            let answer = json(&T::kept(created))?;
            once.keep(tx, &answer)?;
            Ok::<_, Error>(answer)
        };
        let answer = self.store.write(create).await?;
        self.refresh_catalog().await?;
        Ok(answer)
    }

    /// Replaces what an item says, if it is as `expected`. Its key stays.
    pub async fn replace_item<T: Edited>(&self, actor: Uuid, id: Uuid, item: T, expected: Expected) -> Result<Kept<T>> {
        self.change_item::<T>(actor, id, "changed", expected, move |tx, before, now| {
            let mut faults = Vec::new();
            if item.key() != before.item.key() {
                faults.push(FieldFault::new("key", "cannot be changed: add a new one instead", "immutable"));
            }
            if item.id().is_some_and(|stated| stated != id) {
                faults.push(FieldFault::new("id", "is not the id in the path", "immutable"));
            }
            if !faults.is_empty() {
                return Err(Error::Invalid(faults));
            }
            checked(tx, &before.market_id, &item)?;
            items::update(tx, id, &item, Some(before.version), now).map_err(refused::<T>)
        })
        .await
    }

    /// Takes an item out of the catalog, or puts it back as it was.
    pub async fn set_item_deleted<T: Edited>(
        &self,
        actor: Uuid,
        id: Uuid,
        deleted: bool,
        expected: Expected,
    ) -> Result<Kept<T>> {
        let act = if deleted { "deleted" } else { "restored" };
        self.change_item::<T>(actor, id, act, expected, move |tx, before, now| {
            if before.deleted_at.is_some() == deleted {
                return Ok(before);
            }
            items::set_deleted(tx, id, deleted, Some(before.version), now).map_err(refused::<T>)
        })
        .await
    }

    async fn change_item<T: Edited>(
        &self,
        actor: Uuid,
        id: Uuid,
        act: &'static str,
        expected: Expected,
        work: impl FnOnce(&mut Tx<'_>, Stored<T>, Timestamp) -> Result<Stored<T>> + Send + 'static,
    ) -> Result<Kept<T>> {
        let now = self.now();
        let change = move |tx: &mut Tx<'_>| {
            lock(tx)?;
            let before = items::by_id::<T>(tx, id)?.ok_or_else(|| no_such(T::KIND))?;
            expected.check(Some(&Version::numbered(before.version)))?;
            let (old, was_deleted) = (before.item.clone(), before.deleted_at.map(moment));
            let after = work(tx, before, now)?;
            let told = |item: &T, deleted_at: Option<Timestamp>| value!({ "document": item, "deleted_at": deleted_at });
            let detail = value!({
                "act": format!("{}_{act}", T::KIND),
                "before": told(&old, was_deleted),
                "after": told(&after.item, after.deleted_at.map(moment)),
            });
            note(tx, "authz_admin", Act { actor: Some(actor), subject: Some(id), detail }, now)?;
            Ok::<_, Error>(after)
        };
        let changed = self.store.write(change).await?;
        self.refresh_catalog().await?;
        Ok(T::kept(changed))
    }
}

fn market_or_only(tx: &mut Tx<'_>, named: Option<String>) -> Result<String> {
    let known = market_ids(tx)?;
    let listed = known.join(", ");
    match (named, known.as_slice()) {
        (Some(named), _) if known.contains(&named) => Ok(named),
        (None, [only]) => Ok(only.clone()),
        (_, []) => Err(Error::Rule("There is no market yet. Import a catalog first.".to_owned())),
        (Some(_), _) => Err(Error::field("market", format!("is not one of {listed}"), "unknown_market")),
        (None, _) => Err(Error::field("market", format!("is needed: it is one of {listed}"), "required")),
    }
}

/// Faults an import would find in it, by their paths within it.
fn checked<T: Edited>(tx: &mut Tx<'_>, market: &str, item: &T) -> Result<()> {
    if json_text(item)?.contains("\\u0000") {
        return Err(Error::field("", "holds the character U+0000: remove it", "invalid"));
    }
    let mut frame = frame(tx, market)?.ok_or_else(|| no_such("market"))?;
    let place = item.place(&mut frame);
    let faults: Vec<FieldFault> = check(&frame)
        .into_iter()
        .filter_map(|fault| {
            let path = fault.path.strip_prefix(place.as_str())?.trim_start_matches('.').to_owned();
            Some(FieldFault::new(path, fault.message, "invalid"))
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

fn refused<T: Item>(error: StoreError) -> Error {
    if !error.is_conflict(&T::key_constraint()) {
        return error.into();
    }
    let kind = T::KIND;
    Error::Conflict(format!("The market has a {kind} with this key already; one that is deleted can be restored."))
}
