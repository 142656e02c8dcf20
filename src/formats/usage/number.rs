//! Numbers as people and spreadsheets write them, and the units they are in.

use crate::domain::units::Energy;

/// What a comma between digits means in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
    /// Nothing in the file tells: `1,234` is then refused.
    Unknown,
}

impl Style {
    /// Judged by all fields of a file's beginning.
    pub fn of<'a>(fields: impl Iterator<Item = &'a str>, delimiter: u8) -> Style {
        let (mut point, mut comma, mut plain, mut grouped) = (false, false, false, false);
        for field in fields {
            let field = field.trim().trim_start_matches('-');
            if field.is_empty() || !field.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') {
                continue;
            }
            match (field.rfind(','), field.rfind('.')) {
                (None, None) => plain |= field.len() == 3,
                (Some(at), Some(dot)) => (comma, point) = (comma || at > dot, point || dot > at),
                // `01.02.2024` is a date, not a number.
                (None, Some(dot)) => point |= field.find('.') == Some(dot) && !is_grouped(field, '.'),
                (Some(at), None) if field.find(',') != Some(at) || is_grouped(field, ',') => grouped = true,
                (Some(_), None) => comma = true,
            }
        }
        match (point, comma) {
            (true, _) => Style::Point,
            (false, true) => Style::Comma,
            // A semicolon separates the fields because the comma is taken for decimals.
            (false, false) if delimiter == b';' => Style::Comma,
            // `1,234` among plain three-digit numbers: a value with three decimals would not lose them all.
            (false, false) if grouped && plain => Style::Point,
            (false, false) => Style::Unknown,
        }
    }
}

/// `1,234`: one to three digits that do not start with 0, then groups of three.
fn is_grouped(text: &str, separator: char) -> bool {
    let mut groups = text.split(separator);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3)
}

const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Reads a number; the error is a clause to put after the text.
#[inline]
pub fn parse(text: &[u8], style: Style) -> Result<f64, &'static str> {
    // `.145`, `1.5`, `12`: up to 15 digits divided by a power of ten is the nearest float.
    let (mut digits, mut mantissa, mut decimals) = (0u32, 0u64, None::<usize>);
    for &byte in text {
        match byte {
            b'0'..=b'9' if digits < 15 => {
                mantissa = mantissa * 10 + u64::from(byte - b'0');
                digits += 1;
                if let Some(count) = &mut decimals {
                    *count += 1;
                }
            }
            b'.' if decimals.is_none() && style != Style::Comma => decimals = Some(0),
            _ => return parse_odd(text, style),
        }
    }
    if digits == 0 {
        return parse_odd(text, style);
    }
    Ok(mantissa as f64 / POWERS[decimals.unwrap_or(0)])
}

/// Signs, exponents, thousands separators, decimal commas.
#[cold]
fn parse_odd(text: &[u8], style: Style) -> Result<f64, &'static str> {
    const NOT: &str = "is not a number";
    let text = std::str::from_utf8(text).map_err(|_| NOT)?.trim();
    let text = text.strip_prefix('\'').unwrap_or(text).trim();
    if text.is_empty() {
        return Err("is empty");
    }
    // 1 234,5 and 1'234.5: blanks and apostrophes only ever separate thousands.
    let text: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '\u{2019}')).collect();
    let unsigned = text.trim_start_matches(['-', '+']);
    if text.len() - unsigned.len() > 1
        || !unsigned.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b',' | b'-' | b'+' | b'e' | b'E'))
    {
        return Err(NOT);
    }
    let is_single_comma = unsigned.matches(',').count() == 1;
    let (thousands, decimal) = match (unsigned.rfind(','), unsigned.rfind('.')) {
        (Some(comma), Some(dot)) if comma > dot => ('.', ','),
        (Some(_), None) if is_single_comma && (!is_grouped(unsigned, ',') || style == Style::Comma) => ('.', ','),
        (Some(_), None) if is_single_comma && style == Style::Unknown => {
            return Err("may mean thousands or decimals: write it without a thousands separator");
        }
        (None, Some(_)) if style == Style::Comma && is_grouped(unsigned, '.') => ('.', ','),
        _ => (',', '.'),
    };
    let whole = unsigned.split(decimal).next().unwrap_or_default();
    if whole.contains(thousands) && !is_grouped(whole, thousands) {
        return Err(NOT);
    }
    let plain = text.replace(thousands, "").replace(decimal, ".");
    let value: f64 = plain.parse().map_err(|_| NOT)?;
    if value.is_finite() { Ok(value) } else { Err(NOT) }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Wh,
    KWh,
    MWh,
    /// Average power over the interval.
    W,
    KW,
}

impl Unit {
    /// The unit a header or unit field names: `Some(Err)` when it is one that is not electrical energy.
    pub fn named(text: &str) -> Option<Result<Unit, String>> {
        let lower = text.to_lowercase();
        for token in lower.split(|c: char| !c.is_alphanumeric() && c != '$').filter(|token| !token.is_empty()) {
            let unit = match token {
                "kwh" | "kwhs" | "kwhr" => Unit::KWh,
                "wh" => Unit::Wh,
                "mwh" => Unit::MWh,
                "kw" => Unit::KW,
                "w" | "watts" | "watt" => Unit::W,
                "therm" | "therms" | "thm" | "ccf" | "m3" | "m³" | "btu" | "mmbtu" | "gal" | "gallons" | "litres"
                | "liters" | "kvarh" | "kvar" | "varh" | "kvah" | "kva" | "mj" | "gj" | "volts" | "amps" => {
                    return Some(Err(token.to_owned()));
                }
                _ if token.ends_with("kwh") => Unit::KWh,
                _ => continue,
            };
            return Some(Ok(unit));
        }
        None
    }

    pub fn is_power(self) -> bool {
        matches!(self, Unit::W | Unit::KW)
    }

    /// A value of this unit as energy; of a power unit, the energy of one hour.
    #[inline]
    pub fn energy(self, value: f64) -> Result<Energy, String> {
        let milliwatt_hours = match self {
            Unit::KWh | Unit::KW => value * 1e6,
            Unit::Wh | Unit::W => value * 1e3,
            Unit::MWh => value * 1e9,
        };
        if milliwatt_hours.abs() > (Energy::MAX_KWH * 1_000_000) as f64 {
            return Err(format!("{value} is more than {} kWh", Energy::MAX_KWH));
        }
        Ok(Energy::from_mwh_thousandths(milliwatt_hours.round() as i64))
    }
}

/// Turns average power into energy without losing the rounded part: what one value loses the next one gets.
#[derive(Debug, Default)]
pub struct Carry {
    remainder: i64,
}

impl Carry {
    /// `hourly` is the energy of one hour at that power.
    pub fn energy(&mut self, hourly: Energy, seconds: u32) -> Energy {
        let total = i128::from(hourly.mwh_thousandths()) * i128::from(seconds) + i128::from(self.remainder);
        self.remainder = (total % 3_600) as i64;
        Energy::from_mwh_thousandths((total / 3_600) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_and_spreadsheets_write_them() {
        use Style::{Comma, Point, Unknown};
        let table: [(&str, Style, Result<f64, &str>); 22] = [
            (".145", Unknown, Ok(0.145)),
            ("12", Unknown, Ok(12.0)),
            (" 0.5 ", Unknown, Ok(0.5)),
            ("5.89831808586e-05", Unknown, Ok(5.898_318_085_86e-5)),
            ("-3", Unknown, Ok(-3.0)),
            ("0,145", Unknown, Ok(0.145)),
            ("12,5", Unknown, Ok(12.5)),
            ("1,234", Unknown, Err("may mean thousands or decimals: write it without a thousands separator")),
            ("1,234", Point, Ok(1_234.0)),
            ("1,234", Comma, Ok(1.234)),
            ("1.234", Comma, Ok(1_234.0)),
            ("1.234", Point, Ok(1.234)),
            ("1,234.5", Unknown, Ok(1_234.5)),
            ("1.234,5", Unknown, Ok(1_234.5)),
            ("1,234,567", Unknown, Ok(1_234_567.0)),
            ("1\u{a0}234,5", Comma, Ok(1_234.5)),
            ("", Unknown, Err("is empty")),
            ("abc", Unknown, Err("is not a number")),
            ("inf", Unknown, Err("is not a number")),
            ("1,2,3", Unknown, Err("is not a number")),
            ("--3", Unknown, Err("is not a number")),
            ("0.1.2", Unknown, Err("is not a number")),
        ];
        for (text, style, expected) in table {
            assert_eq!(parse(text.as_bytes(), style), expected, "{text} {style:?}");
        }
    }

    #[test]
    fn the_style_of_a_file_is_judged_by_all_its_numbers() {
        let table: [(&[&str], u8, Style); 6] = [
            (&["0,145", "1,234"], b';', Style::Comma),
            (&["1,234", "1,102", "998"], b',', Style::Point),
            (&["1,234", "1,102"], b',', Style::Unknown),
            (&["1,234", "998.5"], b',', Style::Point),
            (&["01.02.2024", "12,5"], b';', Style::Comma),
            (&["850", "0.145"], b';', Style::Point),
        ];
        for (fields, delimiter, expected) in table {
            assert_eq!(Style::of(fields.iter().copied(), delimiter), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_unit_is_read_from_a_header_and_a_foreign_one_is_named() {
        assert_eq!(Unit::named("USAGE_KWH"), Some(Ok(Unit::KWh)));
        assert_eq!(Unit::named("Consumption (Wh)"), Some(Ok(Unit::Wh)));
        assert_eq!(Unit::named("Load [kW]"), Some(Ok(Unit::KW)));
        assert_eq!(Unit::named("value"), None);
        assert_eq!(Unit::named("Gas (therms)"), Some(Err("therms".to_owned())));
    }

    #[test]
    fn power_becomes_energy_and_the_remainder_is_carried() {
        let mut carry = Carry::default();
        let parts: Vec<i64> =
            (0..4).map(|_| carry.energy(Energy::from_mwh_thousandths(10), 900).mwh_thousandths()).collect();
        assert_eq!(parts, [2, 3, 2, 3]);
    }
}
