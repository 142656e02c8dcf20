//! What is written to the audit log, in the transaction of what it tells.

use crate::app::{self, App};
use crate::store::audit::{self, Event, Verdict};
use crate::store::db::{Conn, Tx};
use crate::store::error::StoreError;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// The event of staff having read what is personal.
pub(super) const PERSONAL_READ: &str = "sensitive_read";

/// Seals rows of the log; made from the signing key, so that the database alone cannot continue the chain.
#[derive(Clone)]
pub(super) struct Seal([u8; 32]);

impl App {
    pub(super) fn seal(&self) -> Seal {
        Seal(self.tokens.derived_key("audit log"))
    }

    /// Notes that staff read something personal, before it is given out: `what` says what it was.
    pub(super) async fn note_read(&self, actor: Uuid, subject: Option<Uuid>, what: Value) -> app::Result<()> {
        let (now, seal) = (self.now(), self.seal());
        let act = Act { actor: Some(actor), subject, detail: what };
        Ok(self.store.write(move |tx| seal.note(tx, PERSONAL_READ, act, now)).await?)
    }
}

/// Who did what to whom. Detail is personal: it is erased with its user.
pub(super) struct Act {
    /// `None`: nobody who is signed in.
    pub actor: Option<Uuid>,
    pub subject: Option<Uuid>,
    pub detail: Value,
}

impl Act {
    /// Something `user` did to their own account.
    pub fn own(user: Uuid, detail: Value) -> Self {
        Act { actor: Some(user), subject: Some(user), detail }
    }
}

impl Seal {
    /// Recomputes the chain.
    pub(super) fn verify(&self, conn: &mut Conn<'_>) -> Result<Verdict, StoreError> {
        audit::verify(conn, &self.0)
    }

    /// Writes a row about something that was done. Names are those of the OWASP logging vocabulary.
    pub(super) fn note(&self, tx: &mut Tx<'_>, event: &str, act: Act, now: Timestamp) -> Result<(), StoreError> {
        let event = Event {
            logged_at: now,
            event: event.to_owned(),
            actor_id: act.actor,
            subject_id: act.subject,
            success: true,
            detail: act.detail,
        };
        audit::append(tx, &self.0, &event).map(|_head| ())
    }
}
