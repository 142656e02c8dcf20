//! The use cases: each loads, computes with the domain, saves, and knows nothing of HTTP or SQL.

pub mod accounts;
pub mod administration;
pub mod audit;
pub mod backups;
pub mod catalog;
pub mod coding;
mod comparing;
pub mod error;
pub mod explanations;
pub mod feedback;
pub mod figures;
pub mod first_admin;
mod hashers;
pub mod health;
pub mod household;
pub mod jobs;
pub mod maintenance;
mod nodes;
pub mod once;
pub mod outlook;
pub mod oversight;
pub mod parts;
pub mod passwords;
pub mod pricing;
pub mod privacy;
pub mod recommendations;
mod resets;
pub mod sessions;
pub mod slowdown;
pub mod tokens;
pub mod usage;
pub mod version;
pub mod workbench;

use crate::config::{Changes, Config};
use crate::notifier::Notifier;
use crate::store::Store;
use crate::store::audit::Head;
use crate::writer::Writer;
use arc_swap::ArcSwap;
use catalog::Catalog;
use error::Error;
use health::Probe;
use jiff::Timestamp;
use jobs::Jobs;
use nodes::Told;
use passwords::Passwords;
use privacy::documents::Documents;
use recommendations::Rankings;
use sessions::Standings;
use slowdown::Slowdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokens::Tokens;
use tokio::sync::Semaphore;
use workbench::Workbench;

const ERRANDS_MAX: usize = 64;

pub type Result<T> = std::result::Result<T, Error>;

/// What every use case works with: settings, keys, the hashing pool and the clock. One per process.
pub struct App {
    /// As they were at the start; see [`App::current`] for what can change.
    pub config: Config,
    current: ArcSwap<Config>,
    address: OnceLock<String>,
    pub store: Store,
    pub tokens: Tokens,
    pub passwords: Passwords,
    pub standings: Arc<Standings>,
    pub slowdown: Slowdown,
    pub catalog: Catalog,
    pub rankings: Rankings,
    pub jobs: Jobs,
    pub workbench: Workbench,
    /// Terms, privacy policy and the like.
    pub documents: Documents,
    /// `None` without a key: explanations come from templates.
    pub writer: Option<Writer>,
    /// `None` where no way to users is set: forgotten passwords wait for the operator.
    pub notifier: Option<Notifier>,
    /// Work that nobody waits for, so many at once.
    errands: Arc<Semaphore>,
    audit_head: Mutex<Option<Head>>,
    /// Whether the chain of the audit log held when it was last checked.
    audit_intact: Mutex<Option<bool>>,
    probe: Probe,
    backups: backups::Backups,
    maintenance: Mutex<maintenance::MaintenanceState>,
    draining: AtomicBool,
    /// By other nodes.
    pub told: Told,
}

impl App {
    /// Loads and compiles the catalog; blocks, so call it before a runtime is started or outside of it.
    pub fn new(config: Config, store: Store) -> Result<Arc<Self>> {
        let key = config
            .signing_key()
            .map_err(|error| Error::Unavailable(format!("the signing key cannot be read or made: {error}")))?;
        let tokens = Tokens::new(&key, config.auth.secret_key_previous.as_ref(), config.auth.jwt_lifetime);
        let passwords = Passwords::new(&config.auth)?;
        let catalog = Catalog::load_blocking(&store, Timestamp::now())?;
        let (standings, workbench, draining) =
            (Arc::new(Standings::new(store.engine())), Workbench::start()?, AtomicBool::new(false));
        let writer = explanations::writer_settings(&config).map(Writer::start).transpose();
        let writer = writer.map_err(|error| Error::Unavailable(format!("no thread for explanations: {error}")))?;
        let (rankings, probe) = (Rankings::default(), Probe::default());
        let documents = Documents::load(&config.privacy, &config.retention)?;
        let notifier = resets::route(&config).map(Notifier::start).transpose();
        let notifier = notifier.map_err(|error| Error::Unavailable(error.to_string()))?;
        let current = ArcSwap::from_pointee(config.clone());
        Ok(Arc::new(App {
            config,
            current,
            address: OnceLock::new(),
            store,
            tokens,
            passwords,
            standings,
            catalog,
            slowdown: Slowdown::default(),
            rankings,
            jobs: Jobs::default(),
            workbench,
            documents,
            writer,
            notifier,
            errands: Arc::new(Semaphore::new(ERRANDS_MAX)),
            audit_head: Mutex::default(),
            audit_intact: Mutex::default(),
            probe,
            backups: backups::Backups::default(),
            maintenance: Mutex::default(),
            draining,
            told: Told::default(),
        }))
    }

    /// The clock of everything above the domain; below it, time is an argument.
    pub fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// The settings in force now: a reload changes some of them.
    pub fn current(&self) -> Arc<Config> {
        self.current.load_full()
    }

    /// Puts in force what can change while the service runs, and says what did and what has to wait.
    pub fn adopt(&self, new: &Config) -> Changes {
        let (config, changes) = self.current().reloaded(new);
        self.current.store(Arc::new(config));
        changes
    }

    /// Tells where the service listens, as a URL without its path: the settings may have left the port to the system.
    pub fn listens_at(&self, address: String) {
        // The first socket is the one that is told.
        let _told_already = self.address.set(address);
    }

    /// What links to this service begin with: what the settings say, else where it listens.
    pub fn public_url(&self) -> String {
        match (&self.config.server.public_url, self.address.get()) {
            (None, Some(address)) => address.clone(),
            _ => self.config.public_url(),
        }
    }

    /// From now on the service is not ready for new work.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
        self.stop_backups();
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

/// An answer as it is sent.
fn json(answer: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(answer).map_err(|error| Error::Internal(format!("an answer cannot be written: {error}")))
}
