//! A copy of a SQLite database at one moment, made page by page while others read and write it.
//!
//! SQLite's backup interface keeps the page numbers (`VACUUM INTO` does not), so the archive of commits can be laid
//! over the copy. The one read transaction it holds stops nobody: in the write-ahead log writers go on.

use crate::store::backup::files;
use crate::store::db::sqlite::{self, store_error};
use crate::store::error::{Cause, StoreError};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;

const PAGES_AT_ONCE: i32 = 64;
/// Steps after which the copy is made durable as far as it is: whatever gathered in memory would be written at once in
/// the end, and a commit meanwhile would wait for all of it.
const STEPS_PER_SYNC: u32 = 8;

/// Copies the database at `source` into the new file `target` and makes it durable. `begun` is called when the moment
/// is fixed; `watch` is told the pages done and the pages there are, may rest, and says whether to go on.
pub fn copy(
    source: &Path,
    target: &Path,
    begun: impl FnOnce() -> Result<(), StoreError>,
    watch: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<(), StoreError> {
    let unusable = |e: std::io::Error| StoreError::Unavailable(Cause::new(format_args!("{}: {e}", target.display())));
    let from = sqlite::open_reading(source)?;
    from.execute_batch("BEGIN").map_err(store_error)?;
    // The snapshot is taken by the first read.
    from.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())).map_err(store_error)?;
    begun()?;
    let file = files::create_file(target).map_err(unusable)?;
    let mut to = Connection::open(target).map_err(store_error)?;
    // A copy that is cut off is thrown away, and a whole one is made durable below.
    to.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(())).map_err(store_error)?;
    to.execute_batch("PRAGMA synchronous = OFF").map_err(store_error)?;
    let backup = Backup::new(&from, &mut to).map_err(store_error)?;
    for steps in 1_u32.. {
        let step = backup.step(PAGES_AT_ONCE).map_err(store_error)?;
        if steps.is_multiple_of(STEPS_PER_SYNC) {
            file.sync_data().map_err(unusable)?;
        }
        let pages = backup.progress();
        let all = u64::try_from(pages.pagecount).unwrap_or(0);
        if !watch(all.saturating_sub(u64::try_from(pages.remaining).unwrap_or(0)), all) {
            return Err(StoreError::Busy(Cause::new("the copy was stopped")));
        }
        if step == StepResult::Done {
            break;
        }
    }
    drop(backup);
    drop(to);
    file.sync_all().map_err(unusable)
}
