//! Printing: results to stdout, everything said about them to stderr, colour only where a person looks.

use crate::cli::Failure;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use std::io::{self, IsTerminal, Write};

/// A result, with a newline at its end.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}

pub fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    print(&text)
}

/// Something a person should know; not a result and not a failure.
pub fn note(text: &str) {
    say("note", "36", text);
}

pub fn error(text: &str) {
    say("error", "31", text);
}

/// A line on stderr. Where stderr is closed there is nobody to tell.
fn say(word: &str, colour: &str, text: &str) {
    let mut out = io::stderr().lock();
    let _nobody_reads = if coloured(&io::stderr()) {
        writeln!(out, "\u{1b}[1;{colour}m{word}:\u{1b}[0m {text}")
    } else {
        writeln!(out, "{word}: {text}")
    };
}

/// Colour is for terminals, and not with `NO_COLOR` (no-color.org: any value but the empty one).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A table without frames: as wide as the terminal, or as its content where there is none.
pub fn table(head: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(head.iter().map(|title| Cell::new(title.to_uppercase())));
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table
}

/// A cell of a column of numbers.
pub fn number(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The table as text, without the blanks that fill its last column.
pub fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
