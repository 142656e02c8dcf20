//! A recommendation as something to read, print and keep: one page of HTML, and the twelve months as CSV.
//!
//! The page asks for nothing: its style stands inside, its charts are drawn as SVG, it has no script, and its content
//! policy allows no other. Markup is written with `maud`, which escapes every name. The charts are drawn here too: the
//! chart crates write fixed colours and no titles, and one drawing has to serve light and dark screens, paper and
//! screen readers, which takes classes of the page's style and text beside every curve.

mod breakdown;
mod comparison;
mod drawing;
mod hours;
mod monthly;
mod page;
mod plans;
mod savings;
mod usage;
mod words;

pub use comparison::csv;
pub use page::{content_policy, html};

use crate::domain::advice::{Priorities, Recommendation};
use crate::domain::usage::week::HourOfWeek;
use jiff::Timestamp;

/// Everything the page tells.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    pub generated_at: Timestamp,
    /// Prices may have changed by then.
    pub expires_at: Timestamp,
    pub advice: &'a Recommendation,
    /// What the ranking weighed; `None` where it is not known any more.
    pub priorities: Option<Priorities>,
    /// The hours of the household's week, where readings by the hour are held.
    pub hours: Option<HourOfWeek>,
    /// What a reader has to know about the data behind the page.
    pub notes: Vec<String>,
}
