//! Why a file, or a row of it, is refused: the place, the reason, the remedy.

use std::fmt;

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum At {
    /// The file as a whole.
    #[default]
    File,
    /// A line of a text file, from 1.
    Line(u64),
    /// An entry of a file whose lines mean nothing (JSON, XML), from 1.
    Record(u64),
}

/// Where in a file, and in which of its fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    pub at: At,
    /// A column, element or path by the file's own name.
    pub field: Option<String>,
}

impl Place {
    pub const FILE: Place = Place { at: At::File, field: None };

    pub const fn line(line: u64) -> Self {
        Place { at: At::Line(line), field: None }
    }
    pub const fn record(record: u64) -> Self {
        Place { at: At::Record(record), field: None }
    }
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// `line 12, USAGE_KWH`; empty for the file as a whole.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            At::File => {}
            At::Line(line) => write!(f, "line {line}")?,
            At::Record(record) => write!(f, "record {record}")?,
        }
        match (&self.field, self.at) {
            (Some(field), At::File) => f.write_str(field),
            (Some(field), _) => write!(f, ", {field}"),
            (None, _) => Ok(()),
        }
    }
}

/// A row that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    pub place: Place,
    pub reason: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place == Place::FILE { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.place, self.reason) }
    }
}

/// Why a file is refused. Prints as one or two sentences: place and reason, then the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    pub place: Place,
    /// A clause without a full stop: `-3 kWh is negative`.
    pub reason: String,
    /// What to do, a sentence without a full stop: `Export the file again`. May be empty.
    pub remedy: String,
    /// Every bad row found (at most [`Self::MAX_REJECTIONS`]), the first of which is `place` and `reason`; empty when the
    /// file as a whole is wrong.
    pub rejected: Vec<Rejection>,
}

impl FormatError {
    /// Reading stops when this many rows are bad.
    pub const MAX_REJECTIONS: usize = 100;

    pub fn new(place: Place, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        FormatError { place, reason: reason.into(), remedy: remedy.into(), rejected: Vec::new() }
    }

    /// The file as a whole is wrong.
    pub fn file(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        FormatError::new(Place::FILE, reason, remedy)
    }

    /// The bytes could not be read at all.
    pub fn read(error: &std::io::Error) -> Self {
        FormatError::file(format!("the file could not be read: {error}"), "Check the file and try again")
    }

    /// One or more bad rows refuse the file; `None` when there are none.
    pub fn of_rows(rejected: Vec<Rejection>, remedy: impl Into<String>) -> Option<Self> {
        let first = rejected.first()?.clone();
        Some(FormatError { place: first.place, reason: first.reason, remedy: remedy.into(), rejected })
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place != Place::FILE {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.reason)?;
        match self.rejected.len() {
            0 | 1 => {}
            2 => f.write_str(" (and one more bad row)")?,
            count => write!(f, " (and {} more bad rows)", count - 1)?,
        }
        if self.remedy.is_empty() { Ok(()) } else { write!(f, ". {}", self.remedy) }
    }
}

impl std::error::Error for FormatError {}

/// `text` cut to a length that can be read. Reasons quote the file, a field of which may be as long as the file.
pub fn brief(text: &str) -> String {
    const CHARACTERS_MAX: usize = 300;
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_place_reason_and_remedy() {
        let place = Place::line(12).field("USAGE_KWH");
        let error = FormatError::new(place, "-3 kWh is negative", "Export the file again");
        assert_eq!(error.to_string(), "line 12, USAGE_KWH: -3 kWh is negative. Export the file again");
        assert_eq!(FormatError::file("this is a PDF", "").to_string(), "this is a PDF");
    }

    #[test]
    fn what_is_quoted_at_length_is_cut() {
        assert_eq!(brief("ü is no number"), "ü is no number");
        assert_eq!(brief(&"ü".repeat(301)), "ü".repeat(300) + "…");
    }

    #[test]
    fn several_bad_rows_are_counted_after_the_first() {
        let rows = |count: u64| {
            (1..=count)
                .map(|n| Rejection { place: Place::record(n), reason: "is empty".to_owned() })
                .collect::<Vec<_>>()
        };
        let text = |count| FormatError::of_rows(rows(count), "").map(|error| error.to_string());
        assert_eq!(text(0), None);
        assert_eq!(text(1).as_deref(), Some("record 1: is empty"));
        assert_eq!(text(2).as_deref(), Some("record 1: is empty (and one more bad row)"));
        assert_eq!(text(5).as_deref(), Some("record 1: is empty (and 4 more bad rows)"));
    }
}
