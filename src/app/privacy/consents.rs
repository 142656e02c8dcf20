//! Consents: what users said to which version of which document, never changed, only added to.

use crate::app::audit::{Act, note};
use crate::app::{App, Result};
use crate::store::consents;
pub use crate::store::consents::Consent;
use crate::store::error::StoreError;
use serde_json::json;
use uuid::Uuid;

/// A document and how its user stands to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub document: &'static str,
    pub title: String,
    /// The version in force.
    pub version: String,
    /// What was said last, whichever version it was about; none: nothing yet.
    pub last: Option<Consent>,
}

impl Standing {
    /// Whether the version in force is agreed to.
    pub fn agreed(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.granted && last.version == self.version)
    }
}

impl App {
    /// How a user stands to each document, and everything they said, oldest first.
    pub async fn consents(&self, user_id: Uuid) -> Result<(Vec<Standing>, Vec<Consent>)> {
        let said = self.store.read(move |conn| consents::of_user(conn, user_id)).await?;
        let documents = self.documents.all().iter().filter(|document| document.takes_consent);
        let standings = documents.map(|document| Standing {
            document: document.name,
            title: document.title.clone(),
            version: document.version.clone(),
            last: said.iter().rev().find(|said| said.document == document.name).cloned(),
        });
        Ok((standings.collect(), said))
    }

    /// Adds what a user says to the version in force. Saying the same again adds nothing.
    pub async fn consent(
        &self,
        user_id: Uuid,
        document: &str,
        version: Option<&str>,
        granted: bool,
    ) -> Result<Consent> {
        let (document, version) = self.documents.consented(document, version, "")?;
        let now = self.now();
        let new = Consent {
            id: Uuid::now_v7(),
            document: document.to_owned(),
            version: version.to_owned(),
            granted,
            given_at: now,
        };
        let said = self.store.write(move |tx| {
            let last = consents::latest(tx, user_id, &new.document)?;
            if let Some(same) = last.filter(|last| last.version == new.version && last.granted == new.granted) {
                return Ok(same);
            }
            let detail = json!({ "document": new.document, "version": new.version, "granted": new.granted });
            note(tx, "user_consent_changed", Act::own(user_id, detail), now)?;
            consents::append(tx, user_id, &new)?;
            Ok::<_, StoreError>(new)
        });
        Ok(said.await?)
    }
}
