//! A catalog file as an administrator sends it: read, compared with what is held, taken in or only looked at.

use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::app::once::Once;
use crate::app::usage::refused_file;
use crate::app::{App, Result, json};
use crate::formats::catalog::{self as format, CatalogFormat, CatalogImport, CatalogOptions};
use crate::formats::error::Rejection;
use crate::store::catalog::import::{Changes, ImportMode, ImportReport, compare, replace};
use crate::store::catalog::revision;
use crate::store::db::Tx;
use crate::store::error::StoreError;
use bytes::Bytes;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json as value};
use uuid::Uuid;

/// Keys of plans or suppliers that the log names of each import.
const KEYS_NOTED: usize = 200;

/// How a catalog file is to be read and taken in.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Found out from the content when absent.
    pub format: Option<CatalogFormat>,
    /// The day the file was fetched, which decides the delivery charges in force.
    pub retrieved: Option<Date>,
    /// Id of the utility all plans are sold under, where the file does not say.
    pub sold_under: Option<String>,
    /// Plans that are not in the file stay on sale; else they are retired.
    pub merge: bool,
    /// Only say what would change.
    pub dry_run: bool,
}

/// What an import changes, or would change.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "CatalogImportReport")]
pub struct IntakeReport {
    /// Nothing was changed.
    pub dry_run: bool,
    /// The format the file was read as.
    pub format: &'static str,
    /// Id of the market.
    pub market: String,
    /// Offers in the file.
    pub rows_read: u64,
    pub rows_rejected: u64,
    pub rejected: Vec<RejectedOffer>,
    /// What was assumed or is worth knowing.
    pub notes: Vec<String>,
    pub plans: KeyChanges,
    pub suppliers: KeyChanges,
    /// Whether the market or one of its utilities differs.
    pub territory_changed: bool,
}

/// An offer that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RejectedOffer {
    /// Line or record, and field.
    pub place: String,
    pub reason: String,
}

/// Keys, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct KeyChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    /// Held and not in the file: kept, no longer on sale.
    pub retired: Vec<String>,
    /// In the file, but deleted here: they stay deleted until they are restored.
    pub kept_deleted: Vec<String>,
    pub unchanged: u64,
}

impl App {
    /// Reads a catalog file and makes its market what it says, or says what that would change.
    pub async fn take_in_catalog(&self, actor: Uuid, file: Bytes, intake: Intake, once: Once) -> Result<Vec<u8>> {
        let (dry_run, mode) = (intake.dry_run, if intake.merge { ImportMode::Merge } else { ImportMode::Replace });
        let read = self.workbench.run(move || read(&file, &intake)).await?;
        let now = self.now();
        let take = move |tx: &mut Tx<'_>| {
            let CatalogImport { catalog, .. } = &read;
            let before = revision(tx)?;
            let report = if dry_run { compare(tx, catalog, mode) } else { replace(tx, catalog, mode, now) };
            let report = report.map_err(refused)?;
            if !dry_run {
                let detail = value!({
                    "act": "catalog_imported",
                    "market": catalog.market.id,
                    "format": read.format.as_str(),
                    "before": { "revision": before },
                    "after": { "revision": revision(tx)? },
                    "plans": noted(&report.plans),
                    "suppliers": noted(&report.suppliers),
                });
                note(tx, "authz_admin", Act { actor: Some(actor), subject: None, detail }, now)?;
            }
            let answer = json(&IntakeReport::of(&read, report, dry_run))?;
            once.keep(tx, &answer)?;
            Ok::<_, Error>(answer)
        };
        let answer = self.store.write(take).await?;
        self.refresh_catalog().await?;
        Ok(answer)
    }
}

/// What an import did, for the log: how many, and the first of them by name.
fn noted(changes: &Changes) -> Value {
    let told = |keys: &[String]| value!({ "count": keys.len(), "keys": &keys[..keys.len().min(KEYS_NOTED)] });
    value!({ "added": told(&changes.added), "changed": told(&changes.changed), "retired": told(&changes.retired) })
}

fn read(file: &[u8], intake: &Intake) -> Result<CatalogImport> {
    let options = CatalogOptions {
        format: intake.format,
        retrieved: intake.retrieved,
        utility: intake.sold_under.as_deref(),
        ..CatalogOptions::default()
    };
    let import = format::read(file, &options).map_err(|error| refused_file(&error))?;
    if import.catalog.plans.is_empty() {
        let why = import.rejected.first().map_or(String::new(), |rejection| format!(" ({rejection})"));
        return Err(Error::field("file", format!("holds no plan that can be used{why}"), "no_plans"));
    }
    Ok(import)
}

fn refused(error: StoreError) -> Error {
    match error {
        StoreError::Conflict(_) => {
            Error::Conflict("Two entries of the file have one key or id, or another market has that id.".to_owned())
        }
        StoreError::Dangling => Error::field("file", "has a plan of a supplier that is not in it", "unknown_supplier"),
        error => error.into(),
    }
}

impl IntakeReport {
    fn of(read: &CatalogImport, report: ImportReport, dry_run: bool) -> Self {
        IntakeReport {
            dry_run,
            format: read.format.as_str(),
            market: read.catalog.market.id.clone(),
            rows_read: read.rows_read,
            rows_rejected: read.rejected.len() as u64,
            rejected: read.rejected.iter().map(RejectedOffer::of).collect(),
            notes: read.notes.clone(),
            plans: report.plans.into(),
            suppliers: report.suppliers.into(),
            territory_changed: report.territory_changed,
        }
    }
}

impl RejectedOffer {
    fn of(rejection: &Rejection) -> Self {
        RejectedOffer { place: rejection.place.to_string(), reason: rejection.reason.clone() }
    }
}

impl From<Changes> for KeyChanges {
    fn from(changes: Changes) -> Self {
        let Changes { added, changed, retired, kept_deleted, unchanged } = changes;
        KeyChanges { added, changed, retired, kept_deleted, unchanged }
    }
}
