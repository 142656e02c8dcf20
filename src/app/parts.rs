//! A long list written a part at a time: however much there is, only one part of it is in memory.

use crate::app::{App, Result};
use crate::store::db::Conn;
use crate::store::error::StoreError;
use futures_util::stream::{self, BoxStream, StreamExt};
use std::sync::Arc;

/// What is sent, in parts.
pub type Parts = BoxStream<'static, Result<Vec<u8>>>;

/// Rows of one part.
pub(super) const ROWS: u32 = 500;

/// Where the next part begins.
enum Place<C> {
    Start,
    After(C),
    End,
}

/// What `read` gives, at most [`ROWS`] rows after the last one's `cursor`, until it gives fewer. `write` makes a part of
/// them, and is told whether it is the first.
pub(super) fn in_parts<R, C, Read>(
    app: Arc<App>,
    read: Read,
    cursor: fn(&R) -> C,
    write: fn(&App, bool, Vec<R>) -> Result<Vec<u8>>,
) -> Parts
where
    R: Send + 'static,
    C: Send + 'static,
    Read: Fn(&mut Conn<'_>, Option<C>) -> std::result::Result<Vec<R>, StoreError> + Clone + Send + 'static,
{
    let next = move |place| {
        let (app, read) = (app.clone(), read.clone());
        async move {
            let after = match place {
                Place::Start => None,
                Place::After(cursor) => Some(cursor),
                Place::End => return Ok(None),
            };
            let is_first = after.is_none();
            let rows = app.store.read(move |conn| read(conn, after)).await?;
            let place = match rows.last() {
                Some(last) if rows.len() == ROWS as usize => Place::After(cursor(last)),
                _ => Place::End,
            };
            Ok(Some((write(&app, is_first, rows)?, place)))
        }
    };
    stream::try_unfold(Place::Start, next).boxed()
}
