//! Cells that a spreadsheet takes as the text they are, and never as a formula to run.

use std::borrow::Cow;

/// What makes a program read a cell as a formula, also after blanks.
const STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// `text` for a cell; with an apostrophe before it where it could be taken for a formula.
pub fn text_cell(text: &str) -> Cow<'_, str> {
    let begins = text.starts_with(STARTS) || text.trim_start().starts_with(STARTS);
    if begins { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_formula_gets_an_apostrophe() {
        for (text, cell) in [
            ("Steady 12", "Steady 12"),
            ("", ""),
            ("12-month = fixed", "12-month = fixed"),
            ("=HYPERLINK(\"x\")", "'=HYPERLINK(\"x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\t=1", "'\t=1"),
            ("＝1", "'＝1"),
        ] {
            assert_eq!(text_cell(text), cell);
        }
    }
}
