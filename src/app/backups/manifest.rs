//! What is written beside a backup: what it is, what is in it, and how to tell that it is still the same.

use crate::app::error::Error;
use crate::store::backup::examine::Examination;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

pub const FILE_NAME: &str = "manifest.json";
/// Raised when an older program could not read it.
const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// The name of the backup's folder.
    pub name: String,
    /// The moment of its data.
    pub created_at: Timestamp,
    pub reason: Reason,
    /// Version of the program that made it.
    pub program: String,
    pub engine: BackupOf,
    pub schema_version: i64,
    /// In the backup's folder.
    pub file: String,
    pub encrypted: bool,
    pub bytes: u64,
    /// Of the file, in hex.
    pub sha256: String,
    /// Of the database in it, where that is encrypted.
    pub plain_sha256: String,
    pub plain_bytes: u64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// The end of the audit chain.
    pub audit_head: Option<AuditHead>,
    /// From where the archive leads to later moments; `None`: it does not.
    #[serde(default)]
    pub archive: Option<ArchivePlace>,
    pub took_milliseconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    pub seq: i64,
    /// In hex.
    pub hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchivePlace {
    pub generation: String,
    /// The file written then, and the last record before.
    pub segment: u64,
    pub number: u64,
}

/// What the database in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupOf {
    /// A file of SQLite.
    Sqlite,
    /// A dump that `pg_restore` reads.
    Postgresql,
}

impl BackupOf {
    pub const fn name(self) -> &'static str {
        match self {
            BackupOf::Sqlite => "SQLite",
            BackupOf::Postgresql => "PostgreSQL",
        }
    }
}

/// Why it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// By the service, by the clock.
    Scheduled,
    /// Somebody asked for it.
    Asked,
    /// A newer program was about to migrate the database.
    Migration,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::Scheduled => "scheduled",
            Reason::Asked => "asked",
            Reason::Migration => "migration",
        }
    }
}

impl Manifest {
    /// All but what is known only when the file is written.
    pub fn of(name: String, created_at: Timestamp, reason: Reason, engine: BackupOf, found: &Examination) -> Self {
        let hex = |bytes: &[u8]| crate::store::backup::files::hex(bytes);
        Manifest {
            format: FORMAT,
            name,
            created_at,
            reason,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            engine,
            schema_version: found.schema_version,
            file: String::new(),
            encrypted: false,
            bytes: 0,
            sha256: String::new(),
            plain_sha256: String::new(),
            plain_bytes: 0,
            rows: found.rows.clone(),
            audit_head: found.audit_head.map(|head| AuditHead { seq: head.seq, hash: hex(&head.hash) }),
            archive: None,
            took_milliseconds: 0,
        }
    }

    /// The manifest of the backup in `folder`.
    pub fn read(folder: &Path) -> Result<Manifest, Error> {
        let path = folder.join(FILE_NAME);
        let unreadable = |what: String| Error::Unavailable(format!("{} cannot be read: {what}", path.display()));
        let text = std::fs::read(&path).map_err(|error| unreadable(error.to_string()))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        if manifest.format > FORMAT {
            return Err(unreadable(format!("it has format {}, this program knows {FORMAT}", manifest.format)));
        }
        // The file's name is joined to the folder's: it must not lead out of it.
        if manifest.file.contains('/') || manifest.file.starts_with('.') {
            return Err(unreadable("it names no file of its folder".to_owned()));
        }
        Ok(manifest)
    }

    pub fn rows_total(&self) -> u64 {
        self.rows.values().sum()
    }
}
