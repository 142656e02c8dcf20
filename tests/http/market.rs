//! A service over the invented market that ships with it.

use crate::support::{Reply, Server, engine};
use jiff::Timestamp;
use tempfile::TempDir;
use treebeard::domain::catalog::CatalogFile;
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::{Options, Store};

pub struct Market {
    pub server: Server,
    _folder: TempDir,
}

impl Market {
    pub fn open() -> Self {
        Self::of(catalog())
    }

    pub fn of(catalog: CatalogFile) -> Self {
        Self::with(catalog, &[])
    }

    /// With more settings, by their environment names.
    pub fn with(catalog: CatalogFile, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let address = engine::database(folder.path(), "market.db");
        let store = Store::open(&address, Options::default()).expect("a new store");
        store
            .write_blocking(move |tx| replace(tx, &catalog, ImportMode::Replace, Timestamp::UNIX_EPOCH))
            .expect("the catalog is stored");
        drop(store);
        let environment = [&[("DATABASE_URL", address.as_str())], environment].concat();
        Market { server: Server::with(&environment), _folder: folder }
    }

    /// A POST by the user of `bearer`.
    pub fn post(&self, bearer: &str, path: &str, body: &str) -> Reply {
        self.server.post(path, &[("authorization", bearer)], body)
    }

    /// A GET by the user of `bearer`.
    pub fn get(&self, bearer: &str, path: &str) -> Reply {
        self.server.get(path, &[("authorization", bearer)])
    }
}

pub fn catalog() -> CatalogFile {
    serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog")
}
