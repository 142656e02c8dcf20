//! Backups of the database: which there are, how they stand, and one more at once.

use super::answer;
use crate::app::App;
use crate::app::backups::{ArchiveState, BackupState, Manifest};
use crate::app::figures::moment;
use crate::http::Tag;
use crate::http::body::Answer;
use crate::http::caller::SignedIn;
use crate::http::problem::Result;
use crate::http::ready::Private;
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

pub struct AdminBackups;

#[OpenApi(prefix_path = "/api/v1/admin", tag = "Tag::Admin")]
impl AdminBackups {
    /// List the backups
    ///
    /// The newest first, and how they stand. A backup is listed when its copy was read to its end and found whole. On
    /// PostgreSQL they are dumps, made when they are asked for.
    #[oai(path = "/backups", method = "get", operation_id = "admin_list_backups")]
    async fn list(&self, app: Data<&Arc<App>>, _caller: SignedIn) -> Result<Private<Backups>> {
        let items = app.backups().await?;
        let archive = app.store.archive().map(|archive| ArchiveItem::of(archive.state()));
        answer(&Backups::of(&app.backup_state(), archive, items))
    }

    /// Make a backup
    ///
    /// It is begun at once and listed when it is done; while one is under way: 409.
    #[oai(path = "/backups", method = "post", operation_id = "admin_create_backup")]
    async fn create(&self, app: Data<&Arc<App>>, caller: SignedIn) -> Result<Begun> {
        app.start_backup(caller.0.user_id).await?;
        let message = "A backup is under way. It is listed when it is done.".to_owned();
        Ok(Begun::Accepted(Answer(BackupBegun { message, success: true })))
    }
}

#[derive(ApiResponse)]
enum Begun {
    /// It is under way
    #[oai(status = 202)]
    Accepted(Answer<BackupBegun>),
}

/// What became of the wish.
#[derive(Object)]
struct BackupBegun {
    #[oai(validator(max_length = 200))]
    message: String,
    success: bool,
}

/// The backups and how they stand.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct Backups {
    under_way: bool,
    /// Since the service started.
    made: u64,
    failures: u64,
    /// Why the last one failed, or has no second copy; `null`: all is well.
    fault: Option<String>,
    /// `null`: commits are not archived.
    archive: Option<ArchiveItem>,
    items: Vec<BackupItem>,
}

/// The archive of commits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct ArchiveItem {
    /// The unbroken row of commits written now, by the time it began.
    generation: String,
    /// Since the service started.
    commits: u64,
    bytes: u64,
    last_commit_at: Option<Timestamp>,
    /// Times since the service started, and then, that commits may have been missed.
    interruptions: u64,
    /// Why commits are not archived any more; `null`: all is well.
    fault: Option<String>,
}

/// One backup.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct BackupItem {
    name: String,
    /// The moment of its data.
    created_at: Timestamp,
    /// `scheduled` or `asked`.
    reason: &'static str,
    bytes: u64,
    /// Of its file, in hex.
    sha256: String,
    encrypted: bool,
    /// Whether the second folder has it too.
    second_copy: bool,
    schema_version: i64,
    /// Rows of all tables.
    rows: u64,
    /// Number and hash of the last row of the audit log in it.
    audit_seq: Option<i64>,
    audit_hash: Option<String>,
    took_ms: u64,
}

impl Backups {
    fn of(state: &BackupState, archive: Option<ArchiveItem>, items: Vec<(Manifest, bool)>) -> Self {
        let items = items.into_iter().map(|(manifest, second_copy)| BackupItem::of(manifest, second_copy));
        Backups {
            under_way: state.under_way,
            made: state.made,
            failures: state.failures,
            fault: state.fault.clone(),
            archive,
            items: items.collect(),
        }
    }
}

impl ArchiveItem {
    fn of(state: ArchiveState) -> Self {
        ArchiveItem {
            generation: state.generation,
            commits: state.commits,
            bytes: state.bytes,
            last_commit_at: state.last_at.map(moment),
            interruptions: state.interruptions,
            fault: state.fault,
        }
    }
}

impl BackupItem {
    fn of(manifest: Manifest, second_copy: bool) -> Self {
        let rows = manifest.rows_total();
        let (audit_seq, audit_hash) = manifest.audit_head.map(|head| (head.seq, head.hash)).unzip();
        BackupItem {
            name: manifest.name,
            created_at: moment(manifest.created_at),
            reason: manifest.reason.as_str(),
            bytes: manifest.bytes,
            sha256: manifest.sha256,
            encrypted: manifest.encrypted,
            second_copy,
            schema_version: manifest.schema_version,
            rows,
            audit_seq,
            audit_hash,
            took_ms: manifest.took_milliseconds,
        }
    }
}
