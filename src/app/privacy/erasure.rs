//! Leaving: what would be erased, and erasing it, after the password was asked for once more.

use crate::app::administration::another_admin_remains;
use crate::app::audit::{Act, note};
use crate::app::error::Error;
use crate::app::{App, Result};
use crate::store::erasure::{self, Fate};
use crate::store::error::StoreError;
use crate::store::users;
use serde_json::json;
use uuid::Uuid;

/// What an erasure would do to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub table: &'static str,
    pub rows: u64,
    /// The rows stay, without what ties them to anybody.
    pub anonymised: bool,
}

impl App {
    /// What [`App::erase`] would do, table by table; changes nothing.
    pub async fn erasure_preview(&self, user_id: Uuid, password: &str) -> Result<Vec<Effect>> {
        self.demand_password(user_id, "password", password, "authn_login_fail").await?;
        let counted = self.store.read(move |conn| erasure::preview(conn, user_id)).await?;
        let effects = counted.into_iter().map(|(step, rows)| Effect {
            table: step.table,
            rows,
            anonymised: step.fate == Fate::Anonymised,
        });
        Ok(effects.collect())
    }

    /// Erases the account and what belongs to it.
    pub async fn erase(&self, user_id: Uuid, password: &str) -> Result<()> {
        self.demand_password(user_id, "password", password, "authn_login_fail").await?;
        let (now, forgetting) = (self.now(), self.standings.forgetting(user_id));
        let _forgetting = self
            .store
            .write(move |tx| {
                let user = users::by_id(tx, user_id)?.ok_or(StoreError::NotFound)?;
                note(tx, "user_deleted", Act::own(user_id, json!({})), now)?;
                another_admin_remains(tx, &user)?;
                erasure::erase(tx, user_id, now)?;
                Ok::<_, Error>(forgetting)
            })
            .await?;
        self.forget_erased(user_id).await;
        Ok(())
    }

    /// What is left to do when an erasure is durable.
    pub(in crate::app) async fn forget_erased(&self, user_id: Uuid) {
        self.standings.forget(user_id);
        self.list_erased(erasure::trace_of(user_id), self.now()).await;
    }
}
