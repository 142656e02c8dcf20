//! The imported catalog: put into the database, and taken out of it for other commands.

use crate::cli::progress::Progress;
use crate::cli::tariff_file::{self, Priced};
use crate::cli::{Failure, SettingFlags, catalog, database, output};
use crate::config::{Config, DatabaseUrl};
use crate::domain::catalog::CatalogFile;
use crate::domain::market::Snapshot;
use crate::formats::catalog::CatalogImport;
use crate::store::Store;
use crate::store::catalog::import::{Changes, ImportMode, ImportReport, compare, replace};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

/// How an import treats the database.
#[derive(Debug, Clone, Copy)]
pub struct ImportManner {
    pub dry_run: bool,
    /// Plans that are not in the file stay on sale.
    pub merge: bool,
    pub json: bool,
}

/// Writes what differs, all of it or nothing, and says what became of it.
pub fn import(settings: &SettingFlags, import: CatalogImport, manner: ImportManner) -> Result<(), Failure> {
    if import.catalog.plans.is_empty() {
        let why = import.rejected.first().map_or(String::new(), |rejection| format!(" ({rejection})"));
        return Err(Failure::failed(format!("the file holds no plan that can be used{why}; nothing was changed")));
    }
    let store = database::open_beside(&settings.load(&[])?)?;
    let (text, mut facts) = (catalog::summary_text(&import), catalog::summary(&import));
    let count = import.catalog.plans.len();
    let file = import.catalog;
    let mode = if manner.merge { ImportMode::Merge } else { ImportMode::Replace };
    let progress = Progress::working(format!("writing {count} plans"));
    let report: ImportReport = if manner.dry_run {
        store.read_blocking(move |conn| compare(conn, &file, mode))
    } else {
        store.write_blocking(move |tx| replace(tx, &file, mode, Timestamp::now()))
    }
    .map_err(|error| database::failure(&error))?;
    drop(progress);
    if manner.json {
        facts["dry_run"] = json!(manner.dry_run);
        facts["changes"] = json!({
            "plans": changes(&report.plans),
            "suppliers": changes(&report.suppliers),
            "territory_changed": report.territory_changed,
        });
        return output::print_json(&facts);
    }
    let done = if manner.dry_run { "Nothing was changed; an import would have these effects" } else { "Imported" };
    output::print(&format!("{text}{done}: plans {}; suppliers {}\n", words(&report.plans), words(&report.suppliers)))
}

/// What an import of `file` would change, and every catalog that is held. Creates nothing.
pub fn compared(
    settings: &SettingFlags,
    file: &CatalogFile,
    mode: ImportMode,
) -> Result<(ImportReport, Vec<CatalogFile>), Failure> {
    let Some(store) = open_existing(&settings.load(&[])?)? else {
        let added = |keys: Vec<&String>| Changes { added: keys.into_iter().cloned().collect(), ..Changes::default() };
        let report = ImportReport {
            plans: added(file.plans.iter().map(|plan| &plan.key).collect()),
            suppliers: added(file.suppliers.iter().map(|supplier| &supplier.key).collect()),
            territory_changed: true,
        };
        return Ok((report, Vec::new()));
    };
    let file = file.clone();
    let read = move |conn: &mut Conn<'_>| {
        Ok::<_, StoreError>((compare(conn, &file, mode)?, crate::store::catalog::load(conn)?.0))
    };
    store.read_blocking(read).map_err(|error| database::failure(&error))
}

fn changes(changes: &Changes) -> Value {
    json!({
        "added": changes.added,
        "changed": changes.changed,
        "retired": changes.retired,
        "kept_deleted": changes.kept_deleted,
        "unchanged": changes.unchanged,
    })
}

fn words(changes: &Changes) -> String {
    let mut text = format!(
        "{} added, {} changed, {} retired, {} unchanged",
        changes.added.len(),
        changes.changed.len(),
        changes.retired.len(),
        changes.unchanged
    );
    if !changes.kept_deleted.is_empty() {
        text += &format!(", {} stay deleted", changes.kept_deleted.len());
    }
    text
}

/// Every imported market, compiled.
pub fn snapshot(settings: &SettingFlags, as_of: Date) -> Result<Snapshot, Failure> {
    let (catalogs, revision) = catalogs(settings)?;
    if catalogs.is_empty() {
        return Err(nothing_imported());
    }
    Ok(Snapshot::build(catalogs, revision, as_of))
}

/// One imported market.
pub fn market(settings: &SettingFlags, id: Option<&str>) -> Result<CatalogFile, Failure> {
    let (catalogs, _) = catalogs(settings)?;
    let names: Vec<String> = catalogs.iter().map(|catalog| catalog.market.id.clone()).collect();
    let mut fitting = catalogs.into_iter().filter(|catalog| id.is_none_or(|id| catalog.market.id == id));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            let names = names.join(", ");
            Err(Failure::usage(format!("several markets are imported: choose one with --market, of {names}")))
        }
        (None, _) if names.is_empty() => Err(nothing_imported()),
        (None, _) => Err(Failure::usage(format!("that market is not imported; {} is", names.join(", ")))),
    }
}

/// One plan of the imported catalogs, by key, id or name.
pub fn plan(settings: &SettingFlags, name: &str, utility: Option<&str>) -> Result<Priced, Failure> {
    let (catalogs, _) = catalogs(settings)?;
    if catalogs.is_empty() {
        return Err(nothing_imported());
    }
    let found = catalogs.iter().find_map(|catalog| {
        let plan = catalog.plans.iter().find(|plan| tariff_file::is_called(catalog, plan, name))?;
        Some((catalog, plan))
    });
    let (catalog, plan) = found.ok_or_else(|| {
        Failure::usage(format!("no imported plan is called {name}: treebeard catalog list shows them"))
    })?;
    tariff_file::priced(catalog, plan, utility)
}

fn nothing_imported() -> Failure {
    Failure::failed("no catalog is imported yet: treebeard catalog import FILE does that")
}

fn catalogs(settings: &SettingFlags) -> Result<(Vec<CatalogFile>, i64), Failure> {
    let config = settings.load(&[])?;
    match open_existing(&config)? {
        Some(store) => {
            let load = |conn: &mut crate::store::db::Conn<'_>| crate::store::catalog::load(conn);
            store.read_blocking(load).map_err(|error: StoreError| database::failure(&error))
        }
        None => Ok((Vec::new(), 0)),
    }
}

/// Looking must not create a database that is not there.
fn open_existing(config: &Config) -> Result<Option<Store>, Failure> {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) if !path.exists() => Ok(None),
        DatabaseUrl::Sqlite(_) | DatabaseUrl::Postgres(_) => database::open_beside(config).map(Some),
    }
}
