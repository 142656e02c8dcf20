//! Many nodes on one database: what the others tell this one, and waiting for the lead.

use crate::app::App;
use crate::store::db::Engine;
use crate::store::nodes::{self, News};
use std::time::Duration;
use tokio::sync::Notify;

/// How often who does not lead looks whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Wakes who takes up what was told.
#[derive(Default)]
pub struct Told {
    pub catalog: Notify,
    /// Settings are to be read again, said another node.
    pub settings: Notify,
}

impl App {
    /// Whether this node does what is to be done once among all of them.
    pub fn leads(&self) -> bool {
        self.store.nodes().leads()
    }

    /// Returns when this node leads.
    pub async fn until_leading(&self) {
        while !self.leads() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Takes up what other nodes tell, for as long as the service runs. On SQLite there are none.
    pub async fn follow_nodes(&self) {
        let mut news = match self.store.nodes().join() {
            Ok(Some(news)) => news,
            Ok(None) => return,
            Err(error) => return tracing::error!(%error, "this node does not hear of what others change"),
        };
        while let Some(one) = news.recv().await {
            match one {
                News::Catalog => self.told.catalog.notify_one(),
                News::User(id) => self.standings.forget(id),
                News::Session(id) => self.standings.forget_session(id),
                News::Caches => {
                    self.catalog.clear();
                    self.rankings.clear();
                }
                News::Settings(node) if node == self.store.nodes().number => {}
                News::Settings(_) => self.told.settings.notify_one(),
                News::Missed => {
                    self.standings.clear();
                    self.told.catalog.notify_one();
                }
            }
        }
    }

    /// Has the other nodes read their settings again.
    pub async fn tell_settings(&self) {
        if self.store.engine() == Engine::Sqlite {
            return;
        }
        let news = News::Settings(self.store.nodes().number);
        if let Err(error) = self.store.write(move |tx| nodes::tell(tx, news)).await {
            tracing::warn!(%error, "other nodes were not told to read their settings again");
        }
    }
}
