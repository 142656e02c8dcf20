//! Backups and the archive together: from which backup a moment can be reached, and what of the archive is needed.

use super::manifest::ArchivePlace;
use super::{Manifest, Shelf, Watch, cannot};
use crate::app::error::Error;
use crate::store::Store;
use crate::store::archive::survey::{Survey, survey};
use crate::store::archive::{Place, segment};
use crate::store::error::StoreError;
use jiff::{SignedDuration, Timestamp};

/// Where a backup that is being made meets the archive.
pub(super) struct Meeting<'a> {
    store: Option<&'a Store>,
    /// The archive leads on from here; `None`: there is none, or it has a fault.
    pub place: Option<ArchivePlace>,
    /// The moment of the data.
    pub at: Timestamp,
}

impl<'a> Meeting<'a> {
    /// Before the copy begins: what is archived from here on may be in the copy already, which does no harm.
    pub fn before(store: Option<&'a Store>) -> Self {
        let place = store.and_then(Store::archive).map(|archive| archive.place());
        let place = place.map(|place| ArchivePlace {
            generation: place.generation,
            segment: place.segment,
            number: place.number,
        });
        Meeting { store, place, at: Timestamp::now() }
    }

    /// The copy's moment is fixed. All that is in it goes through the archive before the backup is listed: otherwise
    /// older pages could be laid over it.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        if let (Some(store), Some(place)) = (self.store, self.place.take())
            && let Some(archive) = store.archive()
        {
            // Whatever is committed has its time when the writer comes to this.
            store.write_blocking(|_| Ok::<_, StoreError>(()))?;
            let is_kept = archive.flush().is_ok() && archive.place().generation == place.generation;
            self.place = is_kept.then_some(place);
        }
        self.at = Timestamp::now();
        Ok(())
    }
}

impl From<&ArchivePlace> for Place {
    fn from(place: &ArchivePlace) -> Self {
        Place { generation: place.generation.clone(), segment: place.segment, number: place.number }
    }
}

impl Shelf {
    /// Reads the whole archive again; `None`: there is none.
    pub fn survey_archive(&self, watch: &Watch) -> Result<Option<Survey>, Error> {
        if !self.archive.exists() {
            return Ok(None);
        }
        let mut counting = watch.counting("reading the archive", 0);
        survey(&self.archive, &mut counting).map(Some).map_err(cannot("read", &self.archive))
    }

    /// Whether some backup was made in this generation of the archive.
    pub(super) fn leads_on(&self, generation: &str) -> Result<bool, Error> {
        let all = self.list()?;
        Ok(all.iter().any(|one| one.archive.as_ref().is_some_and(|place| place.generation == generation)))
    }

    /// The newest backup from which the archive leads to `at`.
    pub(super) fn base_of(&self, at: Timestamp) -> Result<String, Error> {
        let leads = |one: &Manifest| one.archive.is_some() && one.created_at <= at;
        let found = self.reachable()?.into_iter().find(leads);
        found.map(|one| one.name).ok_or_else(|| {
            Error::NotFound(format!("No backup from {at} or before leads on in the archive: choose a later moment."))
        })
    }

    /// Removes what no wanted moment needs: all before the newest backup that is older than the days to reach back.
    pub(super) fn prune_archive(&self, now: Timestamp) -> Result<(), Error> {
        let bases: Vec<Manifest> = self.reachable()?.into_iter().filter(|one| one.archive.is_some()).collect();
        let back = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(self.archive_days)));
        let back = back.unwrap_or(Timestamp::MIN);
        let needed = bases.iter().find(|one| one.created_at <= back).or(bases.last());
        let Some(needed) = needed.and_then(|one| one.archive.as_ref()) else { return Ok(()) };
        let unusable = cannot("removed", &self.archive);
        for generation in segment::generations(&self.archive).map_err(&unusable)? {
            let folder = self.archive.join(&generation);
            if generation < needed.generation {
                std::fs::remove_dir_all(&folder).map_err(&unusable)?;
            } else if generation == needed.generation {
                let mut old = segment::list(&folder).map_err(&unusable)?;
                // The last one tells how far it was written.
                old.pop();
                for (_, path) in old.into_iter().filter(|(number, _)| *number < needed.segment) {
                    std::fs::remove_file(path).map_err(&unusable)?;
                }
            }
        }
        Ok(())
    }
}
