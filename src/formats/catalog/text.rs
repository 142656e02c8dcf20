//! Bytes to text: size limit, byte order marks, UTF-16 and Windows-1252 exports.

use super::MAX_BYTES;
use crate::formats::FormatError;
use std::io::Read;

/// The whole file as text without its byte order mark.
pub fn read(input: impl Read) -> Result<String, FormatError> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| FormatError::read(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FormatError::file(
            format!("the file is larger than {} MiB", MAX_BYTES >> 20),
            "Check that this is a plan list, or split it",
        ));
    }
    if bytes.is_empty() {
        return Err(FormatError::file("the file is empty", "Download it again"));
    }
    for (magic, what) in [(&b"PK\x03\x04"[..], "a ZIP or Excel file"), (b"%PDF", "a PDF"), (b"\x1f\x8b", "a gzip file")]
    {
        if bytes.starts_with(magic) {
            return Err(FormatError::file(format!("this is {what}"), "Unpack it, or save it as CSV, and try again"));
        }
    }
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(&bytes) {
        return Ok(encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned());
    }
    // Not UTF-8: spreadsheet programs of the region save as Windows-1252, in which every byte is a character.
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| encoding_rs::WINDOWS_1252.decode(error.as_bytes()).0.into_owned()))
}

/// Lower-case letters and digits with single dashes between, for ids: `AEP Texas Central` is `aep-texas-central`.
pub fn slug(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let mut slug = String::with_capacity(text.len());
    for letter in text.nfkd().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !matches!(letter, '\'' | '’' | '.')
            && !('\u{300}'..='\u{36f}').contains(&letter)
            && !slug.ends_with('-')
        {
            slug.push('-');
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "unnamed".to_owned() } else { slug.to_owned() }
}

/// Whether a text is JSON rather than a CSV whose first header name stands in square brackets.
pub fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('{') || text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']', '"']))
}

/// Absent when there is nothing but blanks.
pub fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_and_other_encodings_are_read() {
        for bytes in [&b"\xef\xbb\xbfni\xc3\xb1o"[..], b"ni\xf1o", b"\xff\xfen\0i\0\xf1\0o\0"] {
            assert_eq!(read(bytes).as_deref(), Ok("niño"));
        }
        assert_eq!(read(&b""[..]).map_err(|e| e.reason), Err("the file is empty".to_owned()));
        assert_eq!(read(&b"%PDF-1.7"[..]).map_err(|e| e.reason), Err("this is a PDF".to_owned()));
    }

    #[test]
    fn a_slug_keeps_letters_without_their_accents() {
        assert_eq!(slug(" Texpo's Autopay  E-Plan ¡único! "), "texpos-autopay-e-plan-unico");
        assert_eq!(slug("🏃"), "unnamed");
    }
}
