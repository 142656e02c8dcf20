//! What is on sale: imports, what they change, and plans changed one by one.

use crate::world::{at, catalog, id, plan};
use treebeard::domain::catalog::{CatalogFile, Plan};
use treebeard::store::catalog::import::{self, Changes, ImportMode, ImportReport};
use treebeard::store::catalog::items;
use treebeard::store::catalog::{self as held, STALE};
use treebeard::store::db::filter::Page;
use treebeard::store::error::StoreError;
use treebeard::store::plans::{self, PlanFilter};
use treebeard::store::suppliers::{self, SupplierFilter};
use treebeard::store::{Store, catalog::revision};

const ALL: Page = Page { limit: 100, offset: 0 };

fn import(store: &Store, file: &CatalogFile, mode: ImportMode) -> Result<ImportReport, StoreError> {
    let file = file.clone();
    store.write_blocking(move |tx| import::replace(tx, &file, mode, at(0)))
}

/// The market as it is held.
fn loaded(store: &Store, market: &'static str) -> Option<CatalogFile> {
    let (files, _) = store.read_blocking(held::load).unwrap();
    files.into_iter().find(|file| file.market.id == market)
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

pub fn a_catalog_comes_back_as_it_was_imported(store: &Store) {
    let file = catalog("texas");
    let before = store.read_blocking(revision).unwrap();
    let preview = file.clone();
    let preview = store.read_blocking(move |conn| import::compare(conn, &preview, ImportMode::Replace)).unwrap();
    let report = import(store, &file, ImportMode::Replace).unwrap();
    let expected = ImportReport {
        plans: Changes { added: keys(&["steady", "free", "month"]), ..Changes::default() },
        suppliers: Changes { added: keys(&["zephyr", "acorn"]), ..Changes::default() },
        territory_changed: true,
    };
    assert_eq!((&preview, &report), (&expected, &expected));
    assert_eq!(loaded(store, "texas"), Some(file.clone()));
    assert_eq!(store.read_blocking(revision).unwrap(), before + 1);

    let again = import(store, &file, ImportMode::Replace).unwrap();
    assert!(again.is_empty(), "{again:?}");
    assert_eq!(again.plans.unchanged, 3);
    assert_eq!(store.read_blocking(revision).unwrap(), before + 1, "nothing changed");
    assert_eq!(store.read_blocking(|conn| held::market(conn, "texas")).unwrap(), Some(file.market));
}

pub fn an_import_changes_what_differs_and_nothing_else(store: &Store) {
    let mut file = catalog("ohio");
    import(store, &file, ImportMode::Replace).unwrap();
    // Another order, one plan changed, one gone, one new.
    file.plans.reverse();
    "Month by Month".clone_into(&mut file.plans[0].name);
    let gone = file.plans.remove(1);
    file.plans.push(serde_json::from_value(plan("new", "New 6", "zephyr", 6)).unwrap());
    let report = import(store, &file, ImportMode::Replace).unwrap();
    let expected = Changes {
        added: keys(&["new"]),
        changed: keys(&["month"]),
        retired: keys(&["free"]),
        kept_deleted: vec![],
        unchanged: 1,
    };
    assert_eq!(report.plans, expected);
    let held = loaded(store, "ohio").unwrap();
    let (active, retired): (Vec<Plan>, Vec<Plan>) = held.plans.into_iter().partition(|plan| plan.active);
    assert_eq!((active, retired), (file.plans.clone(), vec![Plan { active: false, ..gone.clone() }]));

    // What a merge does not name stays; what was retired comes back when it is named.
    let merged = CatalogFile { plans: vec![gone.clone()], suppliers: vec![], utilities: vec![], ..file.clone() };
    let report = import(store, &merged, ImportMode::Merge).unwrap();
    assert_eq!((report.plans.changed, report.plans.retired), (keys(&["free"]), vec![]));
    let held = loaded(store, "ohio").unwrap();
    assert_eq!((held.utilities.len(), held.suppliers.len(), held.plans.len()), (2, 2, 4));
    assert!(held.plans.iter().all(|plan| plan.active));

    // A deleted plan stays deleted, whatever a file says.
    let free = file.market.plan_id(&gone);
    store.write_blocking(move |tx| items::set_deleted::<Plan>(tx, free, true, None, at(1))).unwrap();
    let report = import(store, &merged, ImportMode::Merge).unwrap();
    assert_eq!(report.plans, Changes { kept_deleted: keys(&["free"]), ..Changes::default() });
    assert_eq!(loaded(store, "ohio").unwrap().plans.len(), 3);
}

pub fn a_refused_import_changes_nothing(store: &Store) {
    let file = catalog("utopia");
    let mut twice = file.clone();
    twice.plans.push(twice.plans[0].clone());
    let refused = import(store, &twice, ImportMode::Replace).unwrap_err();
    assert!(refused.is_conflict("plan_catalog_market_id_key_key"), "{refused:?}");
    let mut orphan = file.clone();
    "nobody".clone_into(&mut orphan.plans[2].supplier);
    assert_eq!(import(store, &orphan, ImportMode::Replace), Err(StoreError::Dangling));
    let mut foreign = file;
    let taken = catalog("texas").market;
    foreign.plans[1].id = Some(taken.derived_id("plan", "steady"));
    let refused = import(store, &foreign, ImportMode::Replace).unwrap_err();
    assert!(refused.is_conflict("plan_catalog_pkey"), "{refused:?}");
    assert_eq!(loaded(store, "utopia"), None);
}

pub fn single_plans_are_changed_by_version(store: &Store) {
    let file = catalog("iowa");
    import(store, &file, ImportMode::Replace).unwrap();
    let (new_id, new) = (id(), serde_json::from_value::<Plan>(plan("extra", "Extra 3", "acorn", 3)).unwrap());
    let before = store.read_blocking(revision).unwrap();
    let wanted = new.clone();
    let created = store.write_blocking(move |tx| items::create(tx, "iowa", new_id, &wanted, at(1))).unwrap();
    assert_eq!((created.version, created.item.clone()), (1, Plan { id: Some(new_id), ..new.clone() }));
    assert_eq!(store.read_blocking(revision).unwrap(), before + 1);
    let twin = new.clone();
    let refused = store.write_blocking(move |tx| items::create(tx, "iowa", id(), &twin, at(1))).unwrap_err();
    assert!(refused.is_conflict("plan_catalog_market_id_key_key"), "{refused:?}");

    let dearer = Plan { name: "Extra 3 plus".to_owned(), ..new };
    let change = |version| {
        let wanted = dearer.clone();
        store.write_blocking(move |tx| items::update(tx, new_id, &wanted, version, at(2)))
    };
    let changed = change(Some(1)).unwrap();
    assert_eq!((changed.version, changed.item.name.as_str(), changed.updated_at), (2, "Extra 3 plus", at(2)));
    assert!(change(Some(1)).unwrap_err().is_conflict(STALE));
    assert_eq!(change(None).unwrap().version, 3);

    let deleted = store.write_blocking(move |tx| items::set_deleted::<Plan>(tx, new_id, true, Some(3), at(3))).unwrap();
    assert_eq!(deleted.deleted_at, Some(at(3)));
    let wanted = PlanFilter { market_id: Some("iowa".to_owned()), min_renewable: Some(40.0), ..PlanFilter::default() };
    let list = store.read_blocking(move |conn| plans::list(conn, &wanted, ALL)).unwrap();
    let names: Vec<&str> = list.items.iter().map(|plan| plan.item.name.as_str()).collect();
    assert_eq!((list.total, names), (3, vec!["Free Nights", "Monthly", "Steady 12"]));
    store.write_blocking(move |tx| items::set_deleted::<Plan>(tx, new_id, false, None, at(4))).unwrap();
    let wanted = PlanFilter { text: Some("PLUS".to_owned()), max_term_months: Some(3), ..PlanFilter::default() };
    assert_eq!(store.read_blocking(move |conn| plans::list(conn, &wanted, ALL)).unwrap().items[0].id, new_id);

    let wanted = SupplierFilter {
        market_id: Some("iowa".to_owned()),
        text: Some("acorn".to_owned()),
        ..SupplierFilter::default()
    };
    let acorn = store.read_blocking(move |conn| suppliers::list(conn, &wanted, ALL)).unwrap().items.remove(0);
    assert_eq!((acorn.related, acorn.version, acorn.item.clone()), (3, 1, file.suppliers[1].clone()));
    let renamed = treebeard::domain::catalog::Supplier { name: "Oak".to_owned(), ..acorn.item };
    let renamed = store.write_blocking(move |tx| items::update(tx, acorn.id, &renamed, Some(1), at(5))).unwrap();
    assert_eq!((renamed.version, renamed.item.name.as_str()), (2, "Oak"));
}
