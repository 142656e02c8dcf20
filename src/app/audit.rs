//! What is written to the audit log, in the transaction of what it tells; the names it uses; whether it is whole.

use crate::app::{App, Result};
use crate::store::audit::{self, Event, Hash, Head, Verdict};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::PoisonError;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub use crate::store::audit::hex;

/// The event of staff having read what is personal.
pub(super) const PERSONAL_READ: &str = "sensitive_read";

/// Events of the service's own jobs.
pub(super) const BACKUP_RUN: &str = "sys_backup_run";
pub(super) const MAINTENANCE_RUN: &str = "sys_maintenance_run";

/// Every event, and what it tells. Those of the OWASP logging vocabulary come first; for what it has no name for, ours
/// are made after its pattern.
pub const EVENTS: &[(&str, &str)] = &[
    ("authn_login_success", "somebody signed in: from which address, into which session"),
    (
        "authn_login_fail",
        "a sign-in or a password asked for once more was refused; the address that was tried is not kept",
    ),
    ("authn_password_change", "a new password was set"),
    ("authn_password_change_fail", "the present password was wrong"),
    ("authn_token_reuse", "a spent refresh token came back: its session ended"),
    ("authz_admin", "staff changed the catalog or the service, or deleted a recommendation: what was before and after"),
    ("privilege_permissions_changed", "a role was changed: before and after"),
    ("sensitive_read", "staff read what is personal, or somebody exported what is held on them"),
    ("user_created", "an account was opened"),
    ("user_updated", "a profile was changed: which fields"),
    ("user_deleted", "an account was erased"),
    ("authn_password_reset_link", "a link for a new password was made"),
    ("user_consent_changed", "a document was agreed to or a consent was taken back"),
    ("user_disabled", "an account was deactivated"),
    ("user_enabled", "an account was made active again"),
    ("user_deleted_again", "an erased account came back with a restored backup, and was erased again"),
    ("data_expired", "data was removed that had been kept as long as the settings say: how many rows of what"),
    ("backup_asked", "staff asked for a backup"),
    ("sys_retention_run", "a search for such data ended"),
    (BACKUP_RUN, "the service made a backup, or failed to: its name and why it was made"),
    (MAINTENANCE_RUN, "the database was looked after: what each step was about"),
    (audit::EXPIRED, "rows expired: up to which one, and its hash, after which the chain begins now"),
];

/// How often the end of the log is looked up for the metrics.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often the whole chain is checked.
const CHECK_EVERY: Duration = Duration::from_secs(24 * 3_600);
/// How many looks go by between two log lines about it: an hour.
const LOOKS_BETWEEN_LINES: u32 = 720;

/// Who did what to whom. Detail is about the subject, and is erased with it.
pub(super) struct Act {
    /// `None`: nobody who is signed in.
    pub actor: Option<Uuid>,
    pub subject: Option<Uuid>,
    pub detail: Value,
}

/// What came of checking the whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The end of the log: what to note elsewhere.
    pub head: Head,
    /// The first row that does not fit; none: all do.
    pub broken_at: Option<i64>,
    /// Whether the log still holds the row whose hash was noted elsewhere, if one was given.
    pub holds_expected: Option<bool>,
}

impl Checked {
    pub fn is_intact(&self) -> bool {
        self.broken_at.is_none() && self.holds_expected != Some(false)
    }
}

/// Checks every row of the log, and that it holds the row whose hash is `expected`.
pub fn check(conn: &mut Conn<'_>, expected: Option<Hash>) -> std::result::Result<Checked, StoreError> {
    let head = audit::head(conn)?;
    let broken_at = match audit::verify(conn)? {
        Verdict::Intact(_) => None,
        Verdict::BrokenAt(row) => Some(row),
    };
    let holds_expected = expected.map(|hash| audit::holds(conn, hash)).transpose()?;
    Ok(Checked { head, broken_at, holds_expected })
}

impl App {
    /// Notes that staff read something personal, before it is given out: `what` says what it was.
    pub(super) async fn note_read(&self, actor: Uuid, subject: Option<Uuid>, what: Value) -> Result<()> {
        let now = self.now();
        let act = Act { actor: Some(actor), subject, detail: what };
        Ok(self.store.write(move |tx| note(tx, PERSONAL_READ, act, now)).await?)
    }

    /// [`check`] of the log as it is now.
    pub async fn verify_audit(&self, expected: Option<Hash>) -> Result<Checked> {
        let checked = self.store.read(move |conn| check(conn, expected)).await?;
        *self.audit_intact.lock().unwrap_or_else(PoisonError::into_inner) = Some(checked.broken_at.is_none());
        Ok(checked)
    }

    /// Whether the chain held when it was last checked; `None`: it was not checked yet, or another node tells.
    pub fn audit_intact(&self) -> Option<bool> {
        self.audit_intact.lock().unwrap_or_else(PoisonError::into_inner).filter(|_| self.leads())
    }

    /// Checks the whole chain now and once a day, on one node.
    pub async fn keep_checking_audit(&self) {
        loop {
            self.until_leading().await;
            let (started, clock) = (self.now(), Instant::now());
            let checked = self.verify_audit(None).await;
            self.jobs.ran("audit_check", CHECK_EVERY, started, clock.elapsed(), checked.is_ok());
            match checked {
                Ok(Checked { broken_at: Some(row), .. }) => {
                    tracing::error!(event = "audit_chain_broken", row, "the audit log was changed: a row does not fit");
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the audit log could not be checked"),
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    }

    /// The end of the log as it was a few seconds ago; `None`: another node tells.
    pub fn audit_head(&self) -> Option<Head> {
        self.audit_head.lock().unwrap_or_else(PoisonError::into_inner).filter(|_| self.leads())
    }

    /// Looks up the end of the log again and again, for the metrics, and logs it now and then: a copy that whoever
    /// changes the database does not reach.
    pub async fn follow_audit(&self) {
        let (mut looks, mut told) = (0, None);
        loop {
            if let Ok(head) = self.store.read(audit::head).await {
                *self.audit_head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head);
                if looks % LOOKS_BETWEEN_LINES == 0 && told != Some(head) {
                    tell_head(head);
                    told = Some(head);
                }
            }
            looks = looks.wrapping_add(1);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Logs the end of the log when the service ends. Blocks.
    pub fn tell_audit_head_blocking(&self) {
        if let Ok(head) = self.store.read_blocking(audit::head) {
            tell_head(head);
        }
    }
}

fn tell_head(head: Head) {
    tracing::info!(event = "audit_head", seq = head.seq, hash = hex(&head.hash), "the audit log ends here");
}

impl Act {
    /// Something `user` did to their own account.
    pub fn own(user: Uuid, detail: Value) -> Self {
        Act { actor: Some(user), subject: Some(user), detail }
    }
}

/// Has the row written that tells of a job's run. Without it the job was done all the same.
pub(super) fn job_row(
    event: &'static str,
    success: bool,
    detail: Value,
    now: Timestamp,
) -> impl FnOnce(&mut Tx<'_>) -> Noted + Send + 'static {
    move |tx| write(tx, event, Act { actor: None, subject: None, detail }, success, now)
}

/// What became of [`job_row`].
pub(super) fn tell_unnoted(event: &str, noted: Noted) {
    if let Err(error) = noted {
        tracing::warn!(%error, event, "the run is not in the audit log");
    }
}

type Noted = std::result::Result<(), StoreError>;

/// Writes a row about something that was done.
pub(super) fn note(tx: &mut Tx<'_>, event: &str, act: Act, now: Timestamp) -> Noted {
    write(tx, event, act, true, now)
}

/// Writes a row about something that was tried in vain.
pub(super) fn note_failure(tx: &mut Tx<'_>, event: &str, act: Act, now: Timestamp) -> Noted {
    write(tx, event, act, false, now)
}

fn write(tx: &mut Tx<'_>, event: &str, act: Act, success: bool, now: Timestamp) -> Noted {
    if !EVENTS.iter().any(|(known, _)| *known == event) {
        return Err(StoreError::internal(format_args!("{event} is not in the table of audit events")));
    }
    let event = Event {
        logged_at: now,
        event: event.to_owned(),
        actor_id: act.actor,
        subject_id: act.subject,
        success,
        detail: act.detail,
    };
    audit::append(tx, &event).map(|_head| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_every_event_and_no_other() {
        let page = include_str!("../../docs/audit.md");
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<String> = EVENTS.iter().map(|(event, tells)| format!("| `{event}` | {tells} |")).collect();
        assert_eq!(rows, expected);
    }
}
