//! Which format a file is in, told by its first bytes; and what it is when it is no usage file at all.

use super::UsageFormat;
use super::fields::{Columns, foreign_unit, is_value};
use super::moment::{self, Moment, Order};
use super::text::{Sheet, decode};
use super::{smt, wide};
use crate::domain::calendar::Month;
use crate::formats::error::FormatError;

/// The formats a remedy names.
const ACCEPTED: &str = "Give a CSV of months, billing periods or intervals, a Smart Meter Texas or Green Button export, a NEM12 file, or bare hourly values";

/// The format of a file from (at least the first 64 KiB of) its content.
pub fn detect(first_bytes: &[u8]) -> Result<UsageFormat, FormatError> {
    refuse_other_types(first_bytes)?;
    let text = decode(first_bytes);
    let text = text.trim_start();
    match text.as_bytes().first() {
        None => return Err(FormatError::file("the file is empty", ACCEPTED)),
        Some(b'<') => return Ok(UsageFormat::GreenButton),
        Some(b'{' | b'[') => return Ok(UsageFormat::Octopus),
        Some(_) => {}
    }
    let first = text.lines().next().unwrap_or_default();
    let mut fields = first.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"'));
    match (fields.next(), fields.next()) {
        (Some("100"), Some("NEM13")) | (Some("250"), Some(_)) => return Ok(UsageFormat::Nem13),
        (Some("100"), Some("NEM12")) => return Ok(UsageFormat::Nem12),
        (Some("200"), Some(_)) if fields.count() > 5 => return Ok(UsageFormat::Nem12),
        _ => {}
    }
    of_sheet(&Sheet::of(first_bytes))
}

fn of_sheet(sheet: &Sheet) -> Result<UsageFormat, FormatError> {
    let rows = &sheet.rows;
    if rows.iter().take(5).any(|(_, row)| smt::is_header(row.iter().map(String::as_bytes))) {
        return Ok(UsageFormat::SmartMeterTexas);
    }
    if rows.iter().take(30).any(|(_, row)| wide::is_start(row)) {
        return Ok(UsageFormat::Wide);
    }
    if is_bare(sheet) {
        return Ok(UsageFormat::Hourly);
    }
    if let Some((n, columns)) = Columns::find(sheet) {
        return Ok(of_columns(&columns, rows.get(n..).unwrap_or_default()));
    }
    Err(of_unknown(rows))
}

/// Tells months, periods and intervals apart by the header and the first rows.
fn of_columns(columns: &Columns, rows: &[(u64, Vec<String>)]) -> UsageFormat {
    if columns.is_month {
        return UsageFormat::Monthly;
    }
    let Some(start) = columns.start else { return UsageFormat::Interval };
    let firsts = rows.iter().filter_map(|(_, row)| row.get(start)).take(50);
    let moments: Vec<Moment> =
        firsts.clone().filter_map(|text| Moment::parse(text.as_bytes(), Order::MonthFirst)).collect();
    if columns.time.is_none() && columns.end.is_some() && moments.iter().all(|moment| moment.second == 0) {
        let ends = columns.end.into_iter().flat_map(|end| rows.iter().filter_map(move |(_, row)| row.get(end)));
        let short = ends.take(50).filter_map(|text| Moment::parse(text.as_bytes(), Order::MonthFirst));
        if short.clone().all(|end| !end.timed || end.second == 0) {
            return UsageFormat::Periods;
        }
    }
    // A column of dates that each name another month is a column of months.
    let is_untimed = columns.time.is_none() && columns.end.is_none() && moments.iter().all(|moment| !moment.timed);
    let months = |order| -> Option<Vec<Month>> {
        firsts.clone().take_while(|text| !text.is_empty()).map(|text| moment::month(text.as_bytes(), order)).collect()
    };
    let is_monthly = |order| {
        months(order).is_some_and(|months| {
            !months.is_empty()
                && (moments.is_empty()
                    || months.len() > 1 && months.windows(2).all(|pair| pair[0].until(pair[1]).abs() == 1))
        })
    };
    if is_untimed && (is_monthly(Order::MonthFirst) || is_monthly(Order::DayFirst)) {
        return UsageFormat::Monthly;
    }
    UsageFormat::Interval
}

/// One number a line, perhaps under a line of text.
fn is_bare(sheet: &Sheet) -> bool {
    let single = |row: &Vec<String>| row.len() == 1 || row[1..].iter().all(String::is_empty);
    let mut rows = sheet.rows.iter().map(|(_, row)| row).filter(|row| !row.is_empty());
    let Some(first) = rows.next() else { return false };
    let mut rest = rows.peekable();
    single(first) && rest.peek().is_some() && rest.take(20).all(|row| single(row) && is_value(&row[0]))
}

/// Refuses what is plainly no usage file, by its name.
pub fn refuse_other_types(start: &[u8]) -> Result<(), FormatError> {
    const MAGIC: [(&[u8], &str, &str); 12] = [
        (
            b"%PDF",
            "a PDF",
            "Ask the utility for the data as CSV or Green Button XML: a bill's picture holds no readings",
        ),
        (
            b"PK\x03\x04",
            "a ZIP archive or an Excel workbook",
            "Unpack it, or save the sheet as CSV, and give that file",
        ),
        (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as CSV and give that file"),
        (b"\x1f\x8b", "gzip-compressed", "Unpack it and give the file inside"),
        (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it and give the file inside"),
        (b"BZh", "bzip2-compressed", "Unpack it and give the file inside"),
        (b"\x89PNG", "a picture", ACCEPTED),
        (b"\xff\xd8\xff", "a picture", ACCEPTED),
        (b"GIF8", "a picture", ACCEPTED),
        (b"RIFF", "a picture or sound", ACCEPTED),
        (b"{\\rtf", "a text document (RTF)", "Save it as plain text or CSV"),
        (b"SQLite format 3", "a database", ACCEPTED),
    ];
    if let Some((_, kind, remedy)) = MAGIC.iter().find(|(magic, _, _)| start.starts_with(magic)) {
        return Err(FormatError::file(format!("the file is {kind}, not usage data"), *remedy));
    }
    let text = decode(start);
    if text.contains('\0') {
        return Err(FormatError::file("the file is not text", ACCEPTED));
    }
    let lower =
        text.trim_start().get(..text.trim_start().floor_char_boundary(16_384)).unwrap_or("").to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        let remedy = "Use the site's download or export button: a saved page (or a sign-in page) holds no readings";
        return Err(FormatError::file("the file is a web page", remedy));
    }
    if lower.starts_with('<') && !text.contains("naesb.org/espi") {
        return Err(if lower.contains("<offer") || lower.contains("supplier") {
            catalog()
        } else {
            FormatError::file("the file is XML, but not Green Button (ESPI)", ACCEPTED)
        });
    }
    if lower.starts_with(['{', '[']) && !lower.contains("interval_start") {
        let plans = [
            "[idkey]",
            "\"plans\"",
            "plan_id",
            "ratestructure",
            "plan_name",
            "planid",
            "tariff",
            "company_name",
            "unit_rate",
            "suppliers",
        ];
        return Err(if plans.iter().any(|word| lower.contains(word)) {
            catalog()
        } else {
            FormatError::file("the file is JSON, but not Octopus consumption data", ACCEPTED)
        });
    }
    Ok(())
}

fn catalog() -> FormatError {
    FormatError::file(
        "the file is a list of plans, not usage data",
        "Import it as a catalog, and give a meter file here",
    )
}

/// Says as well as it can what an unknown table is.
pub fn of_unknown(rows: &[(u64, Vec<String>)]) -> FormatError {
    let header = rows.first().map(|(_, row)| row.join(",").to_lowercase()).unwrap_or_default();
    if header.contains("tducompanyname")
        || header.contains("[planname]")
        || header.contains("plan_name")
        || header.contains("rate_code")
    {
        return catalog();
    }
    if let Some((column, unit)) = foreign_unit(rows) {
        let place = crate::formats::error::Place::FILE.field(super::monthly::clip(&column));
        let remedy = "Give the electricity meter's values in kWh";
        return FormatError::new(place, format!("the values are in {unit}, which is not electrical energy"), remedy);
    }
    let remedy = "The first line must name the columns: `month,kwh`, `start,end,kwh` or `timestamp,kwh`";
    if header.contains("price") || header.contains("rate") {
        return FormatError::file("the file holds prices, not usage", remedy);
    }
    FormatError::file("no column of the file is known to hold a time and another one energy", remedy)
}
