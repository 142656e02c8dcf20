//! A file as text: byte-order marks and UTF-16 decoded, the separator found, records read one by one in bounded memory.

use super::number::Style;
use crate::formats::error::FormatError;
use csv::ByteRecord;
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// How much of a file is looked at before it is read.
const START: usize = 64 * 1024;
/// No record of a meter file is longer; a quotation mark that is never closed is.
const MAX_RECORD: u64 = 1024 * 1024;

/// An input and its first bytes.
pub struct Source<'r> {
    start: Vec<u8>,
    rest: Box<dyn Read + 'r>,
}

impl<'r> Source<'r> {
    pub fn open(mut input: Box<dyn Read + 'r>) -> Result<Self, FormatError> {
        let mut start = Vec::with_capacity(START);
        input.by_ref().take(START as u64).read_to_end(&mut start).map_err(|error| FormatError::read(&error))?;
        Ok(Source { start, rest: input })
    }

    /// At most 64 KiB.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The whole input as UTF-8 text, without a byte-order mark.
    pub fn text(self) -> Guarded<'r> {
        let encoding = utf16_without_mark(&self.start);
        let marked = encoding.is_some()
            || [&[0xef, 0xbb, 0xbf][..], &[0xff, 0xfe], &[0xfe, 0xff]].iter().any(|mark| self.start.starts_with(mark));
        let whole = io::Cursor::new(self.start).chain(self.rest);
        let inner: Box<dyn Read + 'r> = if marked {
            Box::new(DecodeReaderBytesBuilder::new().encoding(encoding).strip_bom(true).build(whole))
        } else {
            Box::new(whole)
        };
        Guarded { inner, unbroken: Rc::new(Cell::new(0)) }
    }

    /// The input as separated records.
    pub fn records(self, sheet: &Sheet) -> Records<'r> {
        let guarded = self.text();
        let unbroken = Rc::clone(&guarded.unbroken);
        let reader = csv::ReaderBuilder::new()
            .delimiter(sheet.delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(START)
            .from_reader(guarded);
        Records { reader, unbroken, ending: sheet.ending, count: 0 }
    }
}

/// UTF-16 without a byte-order mark: ASCII text with every other byte zero.
fn utf16_without_mark(start: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match start {
        [0, high, 0, ..] if *high != 0 => Some(encoding_rs::UTF_16BE),
        [low, 0, next, 0, ..] if *low != 0 && *next != 0 => Some(encoding_rs::UTF_16LE),
        _ => None,
    }
}

/// A reader that stops when one record (text, element) swallows more than it may.
pub struct Guarded<'r> {
    inner: Box<dyn Read + 'r>,
    unbroken: Rc<Cell<u64>>,
}

impl Guarded<'_> {
    /// To be set to zero after each record.
    pub fn unbroken(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.unbroken)
    }
}

impl Read for Guarded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unbroken.get() > MAX_RECORD {
            let reason = "one record is longer than 1 MiB (is a quotation mark never closed?)";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let count = self.inner.read(buffer)?;
        self.unbroken.set(self.unbroken.get() + count as u64);
        Ok(count)
    }
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Lf,
    CrLf,
    Cr,
}

/// Separated records, one by one.
pub struct Records<'r> {
    reader: csv::Reader<Guarded<'r>>,
    unbroken: Rc<Cell<u64>>,
    ending: Ending,
    count: u64,
}

impl Records<'_> {
    /// Fills `record`; the line it is on (ends on, if a quoted field has line breaks), or `None` at the end.
    #[inline]
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, FormatError> {
        let before = self.reader.position().line();
        let more = self.reader.read_byte_record(record).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => FormatError::read(&error),
            other => FormatError::file(format!("the file could not be read: {other:?}"), "Export the file again"),
        })?;
        self.unbroken.set(0);
        self.count += 1;
        let after = self.reader.position().line();
        // The parser counts line feeds, and stops before the one of a carriage return and line feed.
        Ok(more.then_some(match self.ending {
            Ending::Lf => after - u64::from(after > before),
            Ending::CrLf => after,
            Ending::Cr => self.count,
        }))
    }
}

/// The beginning of a text file as a table.
#[derive(Debug)]
pub struct Sheet {
    pub delimiter: u8,
    pub style: Style,
    ending: Ending,
    /// The first records, trimmed, with their line; whole ones only.
    pub rows: Vec<(u64, Vec<String>)>,
}

impl Sheet {
    const ROWS: usize = 1_000;

    pub fn of(start: &[u8]) -> Sheet {
        let text = decode(start);
        // The last line may be cut off.
        let whole =
            if start.len() < START { &text[..] } else { text.rfind('\n').map_or(&text[..], |end| &text[..end]) };
        let delimiter = delimiter_of(whole);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(whole.as_bytes());
        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        while rows.len() < Self::ROWS && reader.read_byte_record(&mut record).unwrap_or(false) {
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record.iter().map(|field| String::from_utf8_lossy(field).trim().to_owned()).collect()));
        }
        let style = Style::of(rows.iter().flat_map(|(_, row): &(u64, Vec<String>)| row).map(String::as_str), delimiter);
        let ending = match whole.find('\n') {
            Some(at) if whole[..at].ends_with('\r') => Ending::CrLf,
            None if whole.contains('\r') => Ending::Cr,
            _ => Ending::Lf,
        };
        Sheet { delimiter, style, ending, rows }
    }
}

/// The start of a file as text; what is not text becomes replacement characters.
pub fn decode(start: &[u8]) -> String {
    let encoding = utf16_without_mark(start).unwrap_or(encoding_rs::UTF_8);
    encoding.decode(start).0.into_owned()
}

/// The separator of a text: one that (nearly) every line has. Semicolons and tabs before commas, since those may be decimal.
fn delimiter_of(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(50).collect();
    for delimiter in [b';', b'\t', b'|'] {
        let with = lines.iter().filter(|line| line.as_bytes().contains(&delimiter)).count();
        if with * 10 >= lines.len() * 7 && with > 0 {
            return delimiter;
        }
    }
    b','
}
