//! What the columns of a table are, told by its header line or, without one, by its first row.

use super::detect;
use super::moment::{Moment, Order, month};
use super::number::{Style, Unit, parse};
use super::text::{Records, Sheet, Source};
use crate::domain::tariff::model::Register;
use crate::formats::error::FormatError;
use csv::ByteRecord;
use jiff::tz::TimeZone;

/// How a header says its `end` dates are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// The last day of the period.
    Inclusive,
    /// The first day after it.
    Exclusive,
    #[default]
    Unsaid,
}

/// Where the fields are in a row.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// `start` is a month.
    pub is_month: bool,
    pub year: Option<usize>,
    /// The month, date or timestamp.
    pub start: Option<usize>,
    /// A time of day beside it.
    pub time: Option<usize>,
    pub end: Option<usize>,
    pub end_meaning: End,
    pub value: usize,
    /// As the header names it.
    pub unit: Option<Unit>,
    pub unit_column: Option<usize>,
    /// A second value column, of what was fed in.
    pub export: Option<usize>,
    /// A column that says which of import and export a row is.
    pub channel: Option<usize>,
    pub meter: Option<usize>,
    pub quality: Option<usize>,
    /// Dates are day/month/year, whatever the market's habit: the header is in Hebrew.
    day_first: bool,
    names: Vec<String>,
}

/// A table ready to be read: its columns known, its first data record next.
pub struct Table<'r> {
    pub columns: Columns,
    pub sheet: Sheet,
    pub records: Records<'r>,
    header: Vec<String>,
}

impl<'r> Table<'r> {
    pub fn open(source: Source<'r>) -> Result<Self, FormatError> {
        let sheet = Sheet::of(source.start());
        let Some((skip, columns)) = Columns::find(&sheet) else { return Err(detect::of_unknown(&sheet.rows)) };
        let header =
            skip.checked_sub(1).and_then(|n| sheet.rows.get(n)).map(|(_, row)| row.clone()).unwrap_or_default();
        let mut records = source.records(&sheet);
        let mut record = ByteRecord::new();
        for _ in 0..skip {
            records.next(&mut record)?;
        }
        Ok(Table { columns, sheet, records, header })
    }

    /// The next row that is neither blank, nor the header again, nor a line of totals.
    pub fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, FormatError> {
        while let Some(line) = self.records.next(record)? {
            // Some exports draw a line of underscores below their header.
            let drawn = |field: &[u8]| field.iter().all(|byte| matches!(byte, b'_' | b'=' | b' ' | b'\t'));
            let blank = record.iter().all(drawn);
            let first = record.get(0).unwrap_or_default().trim_ascii();
            let again = !self.header.is_empty()
                && record.iter().map(<[u8]>::trim_ascii).eq(self.header.iter().map(String::as_bytes));
            if !(blank || again || first.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"total"))) {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The order of day and month in a column, with the sentence to note when nothing in the file tells.
    pub fn order(&self, column: Option<usize>, days_apart: i64, zone: &TimeZone) -> (Order, Option<String>) {
        if self.columns.day_first {
            return (Order::DayFirst, None);
        }
        let looks_numeric =
            |text: &&str| text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['/', '.', '-']);
        let dates = self
            .sheet
            .rows
            .iter()
            .filter_map(|(_, row)| row.get(column?).map(|text| text.split([' ', 'T']).next().unwrap_or_default()))
            .filter(looks_numeric);
        if let Some(order) = Order::of(dates.clone(), days_apart) {
            return (order, None);
        }
        let order = Order::usual_in(zone);
        let is_open = dates.clone().any(|text| text.find(['/', '.', '-']).is_some_and(|at| at < 4));
        let note = is_open.then(|| {
            let meant = if order == Order::MonthFirst { "month/day/year" } else { "day/month/year" };
            format!("Dates are read as {meant}, the market's habit; nothing in the file tells.")
        });
        (order, note)
    }
}

impl Columns {
    /// The columns, and how many records come before the data.
    pub fn find(sheet: &Sheet) -> Option<(usize, Columns)> {
        let rows = sheet.rows.iter().take(30);
        rows.clone()
            .enumerate()
            .find_map(|(n, (_, row))| Columns::of_header(row).map(|columns| (n + 1, columns)))
            .or_else(|| sheet.rows.first().and_then(|(_, row)| Columns::of_data(row)).map(|columns| (0, columns)))
    }

    /// The name of a column, for messages.
    pub fn name(&self, column: usize) -> String {
        self.names
            .get(column)
            .filter(|name| !name.is_empty())
            .cloned()
            .unwrap_or_else(|| format!("column {}", column + 1))
    }

    fn of_header(row: &[String]) -> Option<Columns> {
        // A header has no numbers in it.
        if row.len() < 2 || row.iter().any(|field| field.len() > 100 || is_value(field)) {
            return None;
        }
        let roles: Vec<Role> = row.iter().map(|field| Role::of(field)).collect();
        let first = |is: fn(&Role) -> bool| roles.iter().position(is);
        let named = first(|role| matches!(role, Role::Energy(_)));
        let value = named.or(first(|role| *role == Role::Value)).or(first(|role| matches!(role, Role::Export(_))))?;
        let month = first(|role| *role == Role::Month);
        let mut time = first(|role| *role == Role::Time);
        let mut start = month.or(first(|role| *role == Role::Start));
        if start.is_none() {
            // A lone `Start time` is a timestamp; beside a date it is a time of day.
            start = time.take();
        }
        let ends = |role: &Role| matches!(role, Role::End(_));
        let end = first(ends).or(first(|role| *role == Role::EndTime));
        let columns = Columns {
            is_month: month.is_some(),
            year: first(|role| *role == Role::Year),
            start,
            time,
            end,
            end_meaning: roles.iter().find(|role| ends(role)).map_or(End::Unsaid, |role| match role {
                Role::End(meaning) => *meaning,
                _ => End::Unsaid,
            }),
            value,
            unit: match roles[value] {
                Role::Energy(unit) | Role::Export(Some(unit)) => Some(unit),
                _ => None,
            },
            unit_column: first(|role| *role == Role::Unit),
            export: first(|role| matches!(role, Role::Export(_))).filter(|n| *n != value),
            channel: first(|role| *role == Role::Channel),
            meter: first(|role| *role == Role::Meter),
            quality: first(|role| *role == Role::Quality),
            day_first: row.iter().any(|field| in_hebrew(field).is_some()),
            names: row.to_vec(),
        };
        (columns.start.is_some() || columns.end.is_some()).then_some(columns)
    }

    /// Of a first row that is data: `2024-01,850`, `2024-01-01,2024-02-01,850`, `2024-01-01 00:15,0.2`.
    fn of_data(row: &[String]) -> Option<Columns> {
        let is_time = |text: &String| {
            Moment::parse(text.as_bytes(), Order::MonthFirst).is_some()
                || Moment::parse(text.as_bytes(), Order::DayFirst).is_some()
        };
        match row {
            [first, value, ..]
                if is_value(value) && !is_time(first) && month(first.as_bytes(), Order::MonthFirst).is_some() =>
            {
                Some(Columns { is_month: true, start: Some(0), value: 1, ..Columns::default() })
            }
            [first, value, ..] if is_time(first) && !is_time(value) && is_value(value) => {
                Some(Columns { start: Some(0), value: 1, ..Columns::default() })
            }
            [first, second, value, ..] if is_time(first) && is_time(second) && is_value(value) => {
                Some(Columns { start: Some(0), end: Some(1), value: 2, ..Columns::default() })
            }
            _ => None,
        }
    }
}

/// What a header's field says its column is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Month,
    Year,
    Start,
    Time,
    End(End),
    EndTime,
    /// A value whose unit is named.
    Energy(Unit),
    Value,
    Export(Option<Unit>),
    Unit,
    Quality,
    Meter,
    Channel,
    Other,
}

impl Role {
    fn of(field: &str) -> Role {
        let lower = field.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if let Some(role) = in_hebrew(&words.join(" ")) {
            return role;
        }
        let has = |list: &str| words.iter().any(|word| list.split(' ').any(|known| known == *word));
        let is = |list: &str| list.split(',').any(|known| known == words.join(" "));
        if has("cost price charge charges tax rate amount temperature revision") {
            return Role::Other;
        }
        let unit = match Unit::named(field) {
            Some(Err(_)) => return Role::Other,
            Some(Ok(unit)) => Some(unit),
            None => None,
        };
        if has("export exported generation surplus received feedin") && !has("consumption") {
            return Role::Export(unit);
        }
        if let Some(unit) = unit {
            return Role::Energy(unit);
        }
        if is("month,billing month,bill month,year month,yearmonth,usage month,period,billing period,service month") {
            Role::Month
        } else if is("year") {
            Role::Year
        } else if has("unit units uom") {
            Role::Unit
        } else if has("quality status flag actual estimated") {
            Role::Quality
        } else if has("meter esiid esid nmi mpan mprn icp") && !has("read reading date") {
            Role::Meter
        } else if is("end time,to time,end hour") {
            Role::EndTime
        } else if has("end ending to until through finish") {
            let meaning = if has("exclusive until") { End::Exclusive } else { End::Unsaid };
            Role::End(if has("inclusive through") { End::Inclusive } else { meaning })
        } else if is("time,start time,from time,time of day,clock time") {
            Role::Time
        } else if has("start from begin beginning date day timestamp datetime interval datum ts") {
            Role::Start
        } else if has("direction channel flow type stream register") {
            Role::Channel
        } else if has("usage consumption value energy import imported quantity use reading delivered used") {
            Role::Value
        } else {
            Role::Other
        }
    }
}

/// Columns of the Israel Electric Corporation's export: `תאריך`, `מועד תחילת הפעימה` and `צריכה בקוט"ש` under a dozen
/// lines about the customer; where energy is fed in, a column of its own.
fn in_hebrew(field: &str) -> Option<Role> {
    let words: Vec<&str> = field.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Some(match words.join(" ").as_str() {
        "תאריך" => Role::Start,
        "מועד תחילת הפעימה" => Role::Time,
        "צריכה בקוט ש" | "צריכה ייצור בקוט ש" => Role::Energy(Unit::KWh),
        "הזרמה בקוט ש" => Role::Export(Some(Unit::KWh)),
        "קוד ומספר מונה" | "מספר מונה" => Role::Meter,
        _ => return None,
    })
}

/// Whether a field is a number in any style.
pub fn is_value(text: &str) -> bool {
    parse(text.as_bytes(), Style::Point).is_ok() || parse(text.as_bytes(), Style::Comma).is_ok()
}

/// The register a channel's or stream's name means.
pub fn register_named(name: &[u8]) -> Register {
    let name = String::from_utf8_lossy(name).to_lowercase();
    if ["export", "generation", "surplus", "received", "feed", "solar", "reverse"]
        .iter()
        .any(|word| name.contains(word))
    {
        Register::Export
    } else if ["controlled", "off peak load", "hot water"].iter().any(|word| name.contains(word)) {
        Register::Controlled
    } else {
        Register::Import
    }
}

/// The first unit that is none of ours in a header, with its column's name.
pub fn foreign_unit(rows: &[(u64, Vec<String>)]) -> Option<(String, String)> {
    rows.iter()
        .take(30)
        .flat_map(|(_, row)| row)
        .find_map(|field| Unit::named(field).and_then(Result::err).map(|unit| (field.clone(), unit)))
}
