//! Feedback as CSV, a part at a time: however much there is, only one part of it is in memory.

use super::FeedbackFilter;
use super::review::FeedbackItem;
use crate::app::App;
use crate::app::Result;
use crate::app::audit::{Act, PERSONAL_READ};
use crate::app::error::Error;
use crate::formats::spreadsheet::text_cell;
use crate::store::feedback;
use csv::{Terminator, WriterBuilder};
use std::sync::Arc;
use uuid::Uuid;

/// Rows read from the store at once.
const ROWS: u32 = 500;

const HEADER: [&str; 9] = [
    "feedback_id",
    "created_at",
    "plan_id",
    "plan_name",
    "recommendation_id",
    "rating",
    "feedback_type",
    "sentiment",
    "feedback_text",
];

/// An export under way. Rows are in the order they were given.
pub struct FeedbackExport {
    app: Arc<App>,
    wanted: FeedbackFilter,
    at: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Start,
    After(Uuid),
    End,
}

impl FeedbackExport {
    /// Texts may be personal: that they were exported is noted first.
    pub async fn begin(app: &Arc<App>, actor: Uuid, wanted: FeedbackFilter) -> Result<Self> {
        let (now, seal) = (app.now(), app.seal());
        let detail = serde_json::json!({ "read": "feedback export" });
        let act = Act { actor: Some(actor), subject: None, detail };
        app.store.write(move |tx| seal.note(tx, PERSONAL_READ, act, now)).await?;
        Ok(FeedbackExport { app: app.clone(), wanted, at: Place::Start })
    }

    /// The next part; the first has the header. None: that was all.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let (first, after) = match self.at {
            Place::Start => (true, None),
            Place::After(id) => (false, Some(id)),
            Place::End => return Ok(None),
        };
        let wanted = self.wanted.clone();
        let rows = self.app.store.read(move |conn| feedback::following(conn, &wanted, after, ROWS)).await?;
        self.at = match rows.last() {
            Some(last) if rows.len() == ROWS as usize => Place::After(last.id),
            _ => Place::End,
        };
        let market = self.app.catalog.snapshot();
        let items: Vec<_> = rows.into_iter().map(|given| FeedbackItem::of(given, &market)).collect();
        let part = written(first, &items).map_err(|error| Error::Internal(format!("writing CSV: {error}")))?;
        Ok(Some(part))
    }
}

fn written(with_header: bool, items: &[FeedbackItem]) -> std::io::Result<Vec<u8>> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if with_header {
        writer.write_record(HEADER)?;
    }
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    for item in items {
        writer.write_record([
            item.feedback_id.to_string().as_str(),
            &format!("{:.3}", item.created_at),
            &id(item.plan_id),
            &text_cell(item.plan_name.as_deref().unwrap_or_default()),
            &id(item.recommendation_id),
            &item.rating.to_string(),
            item.feedback_type.as_str(),
            item.sentiment.as_str(),
            &text_cell(item.feedback_text.as_deref().unwrap_or_default()),
        ])?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}
