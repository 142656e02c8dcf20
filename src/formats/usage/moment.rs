//! Dates and clock times as files write them, and the instants they mean in a zone.

use crate::domain::calendar::{LocalDay, Month, day_start, days_between};
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Which part of `03/04/2024` is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    MonthFirst,
    DayFirst,
}

impl Order {
    /// Judged by a file's first dates, which lie about `days_apart` days apart; `None` when both orders fit as well.
    pub fn of<'a>(dates: impl Iterator<Item = &'a str> + Clone, days_apart: i64) -> Option<Order> {
        let distance = |order: Order| -> Option<i64> {
            let (mut last, mut total, mut count) = (None::<Date>, 0, 0);
            for text in dates.clone() {
                let date = date(text.as_bytes(), order)?;
                let gap = last.map_or(0, |last| days_between(last, date).abs());
                if gap > 0 {
                    total += (gap - days_apart).abs().min(400);
                    count += 1;
                }
                last = Some(date);
            }
            Some(if count == 0 { 0 } else { total * 100 / count })
        };
        match (distance(Order::MonthFirst), distance(Order::DayFirst)) {
            (Some(_), None) => Some(Order::MonthFirst),
            (None, Some(_)) => Some(Order::DayFirst),
            (Some(month), Some(day)) if month < day => Some(Order::MonthFirst),
            (Some(month), Some(day)) if day < month => Some(Order::DayFirst),
            _ => None,
        }
    }

    /// What a market writes: the United States put the month first.
    pub fn usual_in(zone: &TimeZone) -> Order {
        let name = zone.iana_name().unwrap_or("");
        if name.starts_with("America/") || name.starts_with("US/") || name.starts_with("Pacific/Honolulu") {
            Order::MonthFirst
        } else {
            Order::DayFirst
        }
    }
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

fn month_named(text: &[u8]) -> Option<i8> {
    let name = text.get(..3)?.to_ascii_lowercase();
    MONTHS.iter().position(|month| month.as_bytes() == name).map(|n| n as i8 + 1)
}

#[inline]
fn number(text: &[u8]) -> Option<i16> {
    if text.is_empty() || text.len() > 4 {
        return None;
    }
    text.iter().try_fold(0i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))
}

fn year(value: i16, digits: usize) -> Option<i16> {
    match (digits, value) {
        (4, 1900..=2199) => Some(value),
        (2, _) => Some(2000 + value),
        _ => None,
    }
}

/// `2024-03-31`, `20240331`, `03/31/2024`, `31.3.24`, `31-Mar-2024`, `March 31, 2024`.
pub fn date(text: &[u8], order: Order) -> Option<Date> {
    let text = text.trim_ascii();
    if text.len() == 8 && text.iter().all(u8::is_ascii_digit) {
        let (year, month, day) = (number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?);
        return Date::new(self::year(year, 4)?, month as i8, day as i8).ok();
    }
    let mut parts = [&text[..0]; 3];
    let mut count = 0;
    for part in text.split(|b| matches!(b, b'-' | b'/' | b'.' | b' ' | b',')).filter(|part| !part.is_empty()) {
        *parts.get_mut(count)? = part;
        count += 1;
    }
    if count != 3 {
        return None;
    }
    let (y, m, d) = match parts {
        [y, m, d] if y.len() == 4 => (y, m, d),
        [d, m, y] if m[0].is_ascii_alphabetic() => (y, m, d),
        // Dots are only ever written between day, month and year in this order.
        [d, m, y] if text.contains(&b'.') && !d[0].is_ascii_alphabetic() => (y, m, d),
        [m, d, y] if m[0].is_ascii_alphabetic() || order == Order::MonthFirst => (y, m, d),
        [d, m, y] => (y, m, d),
    };
    let month = if m[0].is_ascii_alphabetic() { month_named(m)? } else { i8::try_from(number(m)?).ok()? };
    Date::new(year(number(y)?, y.len())?, month, i8::try_from(number(d)?).ok()?).ok()
}

/// `2024-03`, `202403`, `03/2024`, `Mar 2024`, `Mar-24` and `24-Mar` (what Excel makes of it), or the first of a month as a date.
pub fn month(text: &[u8], order: Order) -> Option<Month> {
    let text = text.trim_ascii();
    if text.len() == 6 && text.iter().all(u8::is_ascii_digit) {
        return Month::new(number(&text[..4])?, number(&text[4..])? as i8).ok();
    }
    let parts: Vec<&[u8]> =
        text.split(|b| matches!(b, b'-' | b'/' | b'.' | b' ' | b',')).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [first, second] => {
            // The year is the part with four digits, or the one that is no name.
            let is_year_first = first.len() == 4 && first[0].is_ascii_digit() || second[0].is_ascii_alphabetic();
            let (y, m) = if is_year_first { (first, second) } else { (second, first) };
            let named = m[0].is_ascii_alphabetic();
            if y.len() == 2 && !named {
                return None;
            }
            let month = if named { month_named(m)? } else { i8::try_from(number(m)?).ok()? };
            Month::new(year(number(y)?, y.len())?, month).ok()
        }
        [_, _, _] => date(text, order).map(Month::of),
        _ => None,
    }
}

/// A date and a clock time, with the offset from UTC if the text states one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub date: Date,
    /// Seconds after midnight by the clock, up to 86,400.
    pub second: u32,
    pub offset: Option<i32>,
    /// Whether the text has a clock time at all.
    pub timed: bool,
}

impl Moment {
    /// `2024-03-31T01:30:00+01:00`, `31/03/2024 1:30 AM`, `2024-03-31`.
    pub fn parse(text: &[u8], order: Order) -> Option<Moment> {
        let text = text.trim_ascii();
        let Some(colon) = text.iter().position(|&b| b == b':') else {
            return date(text, order).map(|date| Moment { date, second: 0, offset: None, timed: false });
        };
        let digits = text[..colon].iter().rev().take_while(|b| b.is_ascii_digit()).count();
        let (day, time) = text.split_at(colon - digits);
        let day = day.trim_ascii();
        let day = day.strip_suffix(b"T").or_else(|| day.strip_suffix(b"t")).unwrap_or(day);
        let (second, rest) = clock(time)?;
        let offset = if rest.is_empty() { None } else { Some(offset(rest)?) };
        Some(Moment { date: date(day, order)?, second, offset, timed: true })
    }
}

/// A clock time alone: `01:30`, ` 1:30 am`, `01:30:00`, `24:00`, `0130`. In seconds after midnight.
#[inline]
pub fn time_of_day(text: &[u8]) -> Option<u32> {
    if let [a @ b'0'..=b'2', b @ b'0'..=b'9', b':', c @ b'0'..=b'5', d @ b'0'..=b'9'] = *text {
        let seconds = (u32::from(a - b'0') * 10 + u32::from(b - b'0')) * 3_600
            + (u32::from(c - b'0') * 10 + u32::from(d - b'0')) * 60;
        return (seconds <= 86_400).then_some(seconds);
    }
    let text = text.trim_ascii();
    if text.len() == 4 && text.iter().all(u8::is_ascii_digit) {
        let (hours, minutes) = (number(&text[..2])? as u32, number(&text[2..])? as u32);
        return (minutes < 60 && hours * 60 + minutes <= 1_440).then_some((hours * 60 + minutes) * 60);
    }
    clock(text).and_then(|(second, rest)| rest.is_empty().then_some(second))
}

/// The clock time at the start of a text, and what follows it.
fn clock(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut rest = text;
    let mut parts = [0u32; 3];
    for (n, part) in parts.iter_mut().enumerate() {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits == 0 || digits > 2 {
            return None;
        }
        *part = number(&rest[..digits])? as u32;
        rest = &rest[digits..];
        match rest.first() {
            Some(b':') if n < 2 => rest = &rest[1..],
            _ if n == 0 => return None,
            _ => break,
        }
    }
    if rest.first() == Some(&b'.') {
        let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
        rest = &rest[1 + digits..];
    }
    let mut hours = parts[0];
    let trimmed = rest.trim_ascii_start();
    if let [half @ (b'a' | b'A' | b'p' | b'P'), b'm' | b'M', after @ ..] = trimmed {
        if !(1..=12).contains(&hours) {
            return None;
        }
        hours = hours % 12 + if half.eq_ignore_ascii_case(&b'p') { 12 } else { 0 };
        rest = after;
    }
    let seconds = hours * 3_600 + parts[1] * 60 + parts[2];
    (parts[1] < 60 && parts[2] < 60 && seconds <= 86_400).then_some((seconds, rest.trim_ascii()))
}

/// `Z`, `+01:00`, `-0500`, `UTC`, in seconds.
fn offset(text: &[u8]) -> Option<i32> {
    let sign = match *text {
        [b'Z' | b'z'] | [b'U', b'T', b'C'] | [b'G', b'M', b'T'] => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = match &text[1..] {
        [h1, h2] => (number(&[*h1, *h2])?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?),
        _ => return None,
    };
    (hours <= 15 && minutes < 60).then(|| sign * (i32::from(hours) * 3_600 + i32::from(minutes) * 60))
}

/// The instants a local clock time names: none in spring's missing hour, two in autumn's repeated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instants {
    None,
    One(i64),
    Two(i64, i64),
}

/// Local clock times to instants, remembering the day asked for last.
#[derive(Debug)]
pub struct Clock {
    zone: TimeZone,
    date: Date,
    start: i64,
    day: LocalDay,
}

impl Clock {
    pub fn new(zone: &TimeZone) -> Self {
        let date = Date::constant(2000, 1, 1);
        Clock { zone: zone.clone(), date, start: day_start(date, zone), day: LocalDay::of(date, zone) }
    }

    /// Whether clock and elapsed time run in step all that day.
    #[inline]
    pub fn is_plain(&mut self, date: Date) -> bool {
        if date != self.date {
            (self.date, self.start, self.day) = (date, day_start(date, &self.zone), LocalDay::of(date, &self.zone));
        }
        self.day.is_plain()
    }

    #[inline]
    pub fn instants(&mut self, date: Date, second: u32) -> Instants {
        if self.is_plain(date) {
            return Instants::One(self.start + i64::from(second));
        }
        if second == 86_400 {
            return Instants::One(self.start + i64::from(self.day.minutes) * 60);
        }
        let mut found = Instants::None;
        for stretch in &self.day.stretches {
            let first = u32::from(stretch.clock) * 60;
            if (first..first + u32::from(stretch.minutes) * 60).contains(&second) {
                let instant = self.start + i64::from(stretch.elapsed) * 60 + i64::from(second - first);
                found = match found {
                    Instants::None => Instants::One(instant),
                    Instants::One(earlier) | Instants::Two(earlier, _) => Instants::Two(earlier, instant),
                };
            }
        }
        found
    }

    /// The instant of a moment as a boundary: one in the missing hour is the moment the clocks change.
    pub fn boundary(&mut self, date: Date, second: u32) -> i64 {
        match self.instants(date, second) {
            Instants::One(instant) | Instants::Two(_, instant) => instant,
            Instants::None => {
                let change = self.day.stretches.get(1).map_or(0, |stretch| stretch.elapsed);
                self.start + i64::from(change) * 60
            }
        }
    }
}

/// Tells the two passes of a repeated hour apart by the order of the rows, ascending or descending.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passes {
    last: Option<i64>,
    descending: bool,
}

impl Passes {
    /// The instant meant by the next row.
    #[inline]
    pub fn choose(&mut self, instants: Instants) -> Option<i64> {
        let chosen = match (instants, self.last) {
            (Instants::None, _) => return None,
            (Instants::One(instant), _) => instant,
            (Instants::Two(first, second), Some(last)) if self.descending => {
                // Newest first: the second pass comes before the first.
                if second < last { second } else { first }
            }
            (Instants::Two(first, second), Some(last)) => {
                // A last row after both is one of another listing of the same day.
                if first > last || second <= last { first } else { second }
            }
            (Instants::Two(first, _), None) => first,
        };
        if let Some(last) = self.last
            && chosen != last
        {
            self.descending = chosen < last && last - chosen < 7_200;
        }
        self.last = Some(chosen);
        Some(chosen)
    }

    pub fn set(&mut self, instant: i64) {
        self.last = Some(instant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date as day;

    #[test]
    fn dates_are_read_in_the_forms_files_use() {
        let march = day(2024, 3, 31);
        for (text, order) in [
            ("2024-03-31", Order::DayFirst),
            ("2024/3/31", Order::MonthFirst),
            ("20240331", Order::DayFirst),
            ("03/31/2024", Order::MonthFirst),
            ("31.03.2024", Order::DayFirst),
            ("31/3/24", Order::DayFirst),
            ("31-Mar-2024", Order::MonthFirst),
            ("March 31, 2024", Order::DayFirst),
        ] {
            assert_eq!(date(text.as_bytes(), order), Some(march), "{text}");
        }
        for wrong in ["", "2024-02-30", "45292", "31/03/2024 x", "1-2", "a-b-c", "99/99/9999"] {
            assert_eq!(date(wrong.as_bytes(), Order::MonthFirst), None, "{wrong}");
        }
    }

    #[test]
    fn months_are_read_in_the_forms_people_and_excel_use() {
        let march = Month::new(2024, 3).ok();
        for text in [
            "2024-03",
            "202403",
            "03/2024",
            "2024/3",
            "Mar 2024",
            "March 2024",
            "Mar-24",
            "24-Mar",
            "2024-03-01",
            "3/1/2024",
        ] {
            assert_eq!(month(text.as_bytes(), Order::MonthFirst), march, "{text}");
        }
        for wrong in ["", "2024", "13/2024", "03-24", "Foo 2024"] {
            assert_eq!(month(wrong.as_bytes(), Order::MonthFirst), None, "{wrong}");
        }
    }

    #[test]
    fn the_order_of_day_and_month_is_told_by_the_dates_themselves() {
        let order = |dates: &[&'static str], apart| Order::of(dates.iter().copied(), apart);
        assert_eq!(order(&["01/13/2024"], 1), Some(Order::MonthFirst));
        assert_eq!(order(&["13/01/2024"], 1), Some(Order::DayFirst));
        assert_eq!(order(&["01/03/2024", "01/03/2024", "02/03/2024"], 1), Some(Order::DayFirst));
        assert_eq!(order(&["03/01/2024", "03/02/2024"], 1), Some(Order::MonthFirst));
        assert_eq!(order(&["01/02/2024", "01/03/2024"], 30), Some(Order::DayFirst));
        assert_eq!(order(&["01/02/2024"], 1), None);
    }

    #[test]
    fn a_moment_may_state_its_offset_and_use_twelve_hours() {
        let moment = |text: &str| {
            Moment::parse(text.as_bytes(), Order::MonthFirst).map(|m| (m.date.to_string(), m.second, m.offset, m.timed))
        };
        let at = |second, offset, timed| Some(("2024-03-31".to_owned(), second, offset, timed));
        assert_eq!(moment("2024-03-31T01:30:00+01:00"), at(5_400, Some(3_600), true));
        assert_eq!(moment("2024-03-31T01:30:00.000Z"), at(5_400, Some(0), true));
        assert_eq!(moment("3/31/2024 12:15 AM"), at(900, None, true));
        assert_eq!(moment("3/31/2024 12:15pm"), at(44_100, None, true));
        assert_eq!(moment("2024-03-31 24:00"), at(86_400, None, true));
        assert_eq!(moment("31 Mar 2024 0:05"), at(300, None, true));
        assert_eq!(moment("2024-03-31"), at(0, None, false));
        assert_eq!(moment("2024-03-31 25:00"), None);
        assert_eq!(moment("2024-03-31 01:30 soon"), None);
    }

    #[test]
    fn the_repeated_hour_is_told_apart_in_both_directions() {
        let zone = TimeZone::get("America/Chicago").expect("the zone is compiled in");
        let mut clock = Clock::new(&zone);
        let autumn = day(2022, 11, 6);
        let midnight = day_start(autumn, &zone);
        let minutes = [30u32, 60, 90, 60, 90, 120];
        let mut passes = Passes::default();
        let ascending: Vec<i64> = minutes
            .iter()
            .filter_map(|m| passes.choose(clock.instants(autumn, m * 60)))
            .map(|instant| (instant - midnight) / 60)
            .collect();
        assert_eq!(ascending, [30, 60, 90, 120, 150, 180]);
        let mut passes = Passes::default();
        let descending: Vec<i64> = [150u32, 120, 90, 60, 90, 60, 30]
            .iter()
            .filter_map(|m| passes.choose(clock.instants(autumn, m * 60)))
            .map(|instant| (instant - midnight) / 60)
            .collect();
        assert_eq!(descending, [210, 180, 150, 120, 90, 60, 30]);
        assert_eq!(clock.instants(day(2022, 3, 13), 2 * 3_600), Instants::None);
    }

    #[test]
    fn an_unknown_order_falls_back_to_the_market() {
        let zone = |name| TimeZone::get(name).expect("the zone is compiled in");
        assert_eq!(Order::usual_in(&zone("America/Chicago")), Order::MonthFirst);
        assert_eq!(Order::usual_in(&zone("Europe/London")), Order::DayFirst);
    }
}
