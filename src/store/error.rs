//! What can go wrong in the store, in terms the application can act on.

use std::fmt;
use std::sync::Arc;

/// A storage fault or a refused change. The texts are safe to show; what the driver said is in [`StoreError::cause`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("there is no such row")]
    NotFound,
    /// A unique constraint, by its name on both engines: `users_email_folded_key`, `plan_catalog_pkey`.
    #[error("a row with the same {0} exists already")]
    Conflict(String),
    /// A CHECK or NOT NULL constraint, by its name.
    #[error("the value breaks the rule {0}")]
    Rejected(String),
    /// The row refers to another row that does not exist (a deleted user, an unknown supplier).
    #[error("the row it belongs to does not exist")]
    Dangling,
    #[error("the database is busy, try again shortly")]
    Busy(Cause),
    #[error("the disk is full; reading goes on, writing resumes as soon as there is space")]
    Full(Cause),
    #[error("the database cannot be reached")]
    Unavailable(Cause),
    #[error("the database file is damaged; restore a backup")]
    Corrupt(Cause),
    /// The database cannot be opened as configured; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The program is older than the database.
    #[error("the database has schema version {found}, this program knows up to {known}; use a newer program")]
    NewerSchema { found: i64, known: i64 },
    /// The database's history is not this program's.
    #[error("the database was made by other migrations than this program's ({0}); use the program that made it")]
    AlteredSchema(String),
    /// A defect of the program: wrong SQL, an unreadable stored value, a panic.
    #[error("the store failed unexpectedly")]
    Internal(Cause),
}

/// What the driver said, for logs only; never part of a shown text.
#[derive(Clone, PartialEq, Eq)]
pub struct Cause(Arc<str>);

impl Cause {
    pub fn new(text: impl fmt::Display) -> Self {
        Cause(text.to_string().into())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StoreError {
    pub fn internal(text: impl fmt::Display) -> Self {
        StoreError::Internal(Cause::new(text))
    }

    /// The driver's own words, for the log.
    pub fn cause(&self) -> Option<&str> {
        match self {
            StoreError::Busy(cause)
            | StoreError::Full(cause)
            | StoreError::Unavailable(cause)
            | StoreError::Corrupt(cause)
            | StoreError::Internal(cause) => Some(&cause.0),
            _ => None,
        }
    }

    /// Whether the same request may succeed later without anybody changing it: answered 503, never 401, 404 or 500.
    pub const fn is_storage_fault(&self) -> bool {
        matches!(self, StoreError::Busy(_) | StoreError::Full(_) | StoreError::Unavailable(_) | StoreError::Corrupt(_))
    }

    /// Whether this is the violation of the unique constraint `name`.
    pub fn is_conflict(&self, name: &str) -> bool {
        matches!(self, StoreError::Conflict(constraint) if constraint == name)
    }
}
