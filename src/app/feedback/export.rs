//! Feedback as CSV, for spreadsheets, without anything they would take for a formula.

use super::FeedbackFilter;
use super::review::FeedbackItem;
use crate::app::error::Error;
use crate::app::parts::{Parts, ROWS, in_parts};
use crate::app::{App, Result};
use crate::formats::spreadsheet::text_cell;
use crate::store::db::Conn;
use crate::store::feedback::{self, Feedback};
use csv::{Terminator, WriterBuilder};
use std::sync::Arc;
use uuid::Uuid;

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

impl App {
    /// In the order it was given. Texts may be personal: that they were exported is noted first.
    pub async fn export_feedback(self: &Arc<Self>, actor: Uuid, wanted: FeedbackFilter) -> Result<Parts> {
        self.note_read(actor, None, serde_json::json!({ "read": "feedback export" })).await?;
        let read = move |conn: &mut Conn<'_>, after| feedback::following(conn, &wanted, after, ROWS);
        Ok(in_parts(self.clone(), read, |given: &Feedback| given.id, part))
    }
}

fn part(app: &App, is_first: bool, rows: Vec<Feedback>) -> Result<Vec<u8>> {
    let market = app.catalog.snapshot();
    let items: Vec<_> = rows.into_iter().map(|given| FeedbackItem::of(given, &market)).collect();
    written(is_first, &items).map_err(|error| Error::Internal(format!("writing CSV: {error}")))
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
