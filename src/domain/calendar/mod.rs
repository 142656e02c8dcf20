//! The market's calendar: months, clock times, day sets, holidays, and how many minutes a local day really has.
//!
//! Everything is pure: the time-zone database is compiled in, and nobody here asks what time it is.

mod local_day;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
pub use local_day::{LocalDay, Stretch, day_start, unusual_days};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A calendar month, 1900-01 to 2199-12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i16,
    month: i8,
}

/// Why a text is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("is not a month between 1900-01 and 2199-12: write YYYY-MM, or any date of the month as YYYY-MM-DD")]
pub struct MonthError;

impl Month {
    pub fn new(year: i16, month: i8) -> Result<Self, MonthError> {
        if (1900..=2199).contains(&year) && (1..=12).contains(&month) {
            Ok(Month { year, month })
        } else {
            Err(MonthError)
        }
    }
    /// The month a date lies in. Dates outside 1900..=2199 are clamped to the nearest month.
    pub fn of(date: Date) -> Self {
        match date.year() {
            ..1900 => Month { year: 1900, month: 1 },
            2200.. => Month { year: 2199, month: 12 },
            year => Month { year, month: date.month() },
        }
    }
    pub const fn year(self) -> i16 {
        self.year
    }
    /// 1..=12.
    pub const fn number(self) -> i8 {
        self.month
    }
    /// 0..=11.
    pub const fn index(self) -> usize {
        self.month as usize - 1
    }
    pub const fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }
    pub fn days(self) -> i8 {
        self.first_day().days_in_month()
    }
    /// The month `count` months later (earlier when negative), clamped to the supported range.
    pub fn plus(self, count: i32) -> Self {
        let months = (i32::from(self.year) * 12 + i32::from(self.month) - 1 + count).clamp(1900 * 12, 2199 * 12 + 11);
        Month { year: (months / 12) as i16, month: (months % 12 + 1) as i8 }
    }
    /// Whole months from `self` to `later`; negative when `later` is earlier.
    pub fn until(self, later: Month) -> i32 {
        (i32::from(later.year) - i32::from(self.year)) * 12 + i32::from(later.month) - i32::from(self.month)
    }
    pub fn window(self) -> Window {
        Window { start: self.first_day(), end: self.plus(1).first_day() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = MonthError;
    fn from_str(text: &str) -> Result<Self, MonthError> {
        let text = text.trim();
        if let Ok(date) = text.parse::<Date>() {
            return Month::new(date.year(), date.month());
        }
        let (year, month) = text.split_once('-').ok_or(MonthError)?;
        if year.len() != 4 || month.len() != 2 {
            return Err(MonthError);
        }
        Month::new(year.parse().map_err(|_| MonthError)?, month.parse().map_err(|_| MonthError)?)
    }
}

/// A half-open range of local days, `start..end`: a billing window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    pub start: Date,
    /// The first day after the window.
    pub end: Date,
}

impl Window {
    pub fn days(self) -> i64 {
        days_between(self.start, self.end)
    }
    pub fn contains(self, date: Date) -> bool {
        self.start <= date && date < self.end
    }
    pub fn overlap(self, other: Window) -> Option<Window> {
        let cut = Window { start: self.start.max(other.start), end: self.end.min(other.end) };
        (cut.start < cut.end).then_some(cut)
    }
    /// Its last day.
    pub fn close(self) -> Date {
        self.end.yesterday().unwrap_or(self.start)
    }
}

/// Days from `from` to `to`; negative when `to` is earlier.
pub fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_secs() / 86_400
}

/// `count` calendar months from the month of `first`, as billing windows.
pub fn calendar_windows(first: Month, count: u32) -> Vec<Window> {
    (0..count as i32).map(|n| first.plus(n).window()).collect()
}

/// A local clock time in minutes after midnight, 0 to 1440 (`24:00`, only as an end).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClockTime(u16);

impl ClockTime {
    pub const MIDNIGHT: ClockTime = ClockTime(0);
    pub const END_OF_DAY: ClockTime = ClockTime(1440);
    /// Up to 1440.
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes <= 1440 { Some(ClockTime(minutes)) } else { None }
    }
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for ClockTime {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "is not a clock time: write HH:MM, 00:00 to 24:00";
        let (hours, minutes) = text.trim().split_once(':').ok_or(wrong)?;
        let (hours, minutes): (u16, u16) = (hours.parse().map_err(|_| wrong)?, minutes.parse().map_err(|_| wrong)?);
        if minutes > 59 {
            return Err(wrong);
        }
        ClockTime::from_minutes(hours.saturating_mul(60).saturating_add(minutes)).ok_or(wrong)
    }
}

/// A day of any year, `MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    pub month: i8,
    pub day: i8,
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl FromStr for MonthDay {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "is not a day of the year: write MM-DD";
        let (month, day) = text.trim().split_once('-').ok_or(wrong)?;
        let (month, day) = (month.parse().map_err(|_| wrong)?, day.parse().map_err(|_| wrong)?);
        // 2000 was a leap year: 02-29 is a day of the year.
        Date::new(2000, month, day).map_err(|_| wrong)?;
        Ok(MonthDay { month, day })
    }
}

macro_rules! text_json {
    ($name:ident, $pattern:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "pattern": $pattern})
            }
        }
    };
}
text_json!(ClockTime, r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$");
text_json!(MonthDay, r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$");
text_json!(Month, MONTH_PATTERN);

/// Months of 1900 to 2199, and the dates in them.
pub const MONTH_PATTERN: &str = r"^(19|2[01])\d\d-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$";

/// A kind of day: a weekday, or a holiday of the tariff's own holiday calendar (which is then no weekday).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
    Holiday,
}

impl Day {
    pub const ALL: [Day; 8] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri, Day::Sat, Day::Sun, Day::Holiday];
    pub const WEEKDAYS: [Day; 5] = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    pub const WEEKEND: [Day; 2] = [Day::Sat, Day::Sun];

    /// The kind of a date under a sorted list of holidays.
    pub fn of(date: Date, holidays: &[Date]) -> Day {
        if holidays.binary_search(&date).is_ok() {
            return Day::Holiday;
        }
        match date.weekday() {
            Weekday::Monday => Day::Mon,
            Weekday::Tuesday => Day::Tue,
            Weekday::Wednesday => Day::Wed,
            Weekday::Thursday => Day::Thu,
            Weekday::Friday => Day::Fri,
            Weekday::Saturday => Day::Sat,
            Weekday::Sunday => Day::Sun,
        }
    }
    /// 0 (Monday) to 7 (holiday).
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A season of the year, by whole months (method.md 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Season {
    Winter,
    Spring,
    Summer,
    Autumn,
}

impl Season {
    /// Northern seasons: Dec-Feb, Mar-May, Jun-Aug, Sep-Nov.
    pub const fn of(month: Month) -> Season {
        match month.number() {
            12 | 1 | 2 => Season::Winter,
            3..=5 => Season::Spring,
            6..=8 => Season::Summer,
            _ => Season::Autumn,
        }
    }
}

/// Which days a tariff calls holidays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HolidayCalendar {
    /// The eleven US federal holidays, observed on Friday or Monday when they fall on a weekend (5 U.S.C. 6103).
    UsFederal,
    /// The six NERC holidays; one on a Sunday is observed on Monday (NERC "Additional Off-peak Days").
    UsNerc,
    /// Exactly these dates.
    Dates(Vec<Date>),
}

impl HolidayCalendar {
    /// The sorted holidays from the year before `first` to the year after `last`.
    pub fn dates(&self, first: Date, last: Date) -> Vec<Date> {
        let mut dates: Vec<Date> = match self {
            HolidayCalendar::Dates(dates) => dates.clone(),
            HolidayCalendar::UsFederal => (first.year() - 1..=last.year() + 1).flat_map(us_federal).collect(),
            HolidayCalendar::UsNerc => (first.year() - 1..=last.year() + 1).flat_map(us_nerc).collect(),
        };
        dates.sort_unstable();
        dates.dedup();
        dates
    }
}

fn nth(year: i16, month: i8, weekday: Weekday, n: i8) -> Option<Date> {
    Date::new(year, month, 1).ok()?.nth_weekday_of_month(n, weekday).ok()
}

fn us_federal(year: i16) -> Vec<Date> {
    let fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
        .into_iter()
        .filter_map(|(month, day)| Date::new(year, month, day).ok())
        .map(|date| match date.weekday() {
            Weekday::Saturday => date.saturating_sub(1.day()),
            Weekday::Sunday => date.saturating_add(1.day()),
            _ => date,
        });
    let moving = [
        (1, Weekday::Monday, 3),
        (2, Weekday::Monday, 3),
        (5, Weekday::Monday, -1),
        (9, Weekday::Monday, 1),
        (10, Weekday::Monday, 2),
        (11, Weekday::Thursday, 4),
    ];
    fixed.chain(moving.into_iter().filter_map(|(month, weekday, n)| nth(year, month, weekday, n))).collect()
}

fn us_nerc(year: i16) -> Vec<Date> {
    let fixed = [(1, 1), (7, 4), (12, 25)]
        .into_iter()
        .filter_map(|(month, day)| Date::new(year, month, day).ok())
        .map(|date| if date.weekday() == Weekday::Sunday { date.saturating_add(1.day()) } else { date });
    let moving = [(5, Weekday::Monday, -1), (9, Weekday::Monday, 1), (11, Weekday::Thursday, 4)];
    fixed.chain(moving.into_iter().filter_map(|(month, weekday, n)| nth(year, month, weekday, n))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_month_is_read_from_a_month_or_any_of_its_days() {
        assert_eq!("2026-02".parse(), Month::new(2026, 2));
        assert_eq!("2026-02-28".parse(), Month::new(2026, 2));
        for wrong in ["2026-13", "9999-01", "26-01", "2026", "", "2026-1", "2026-02-30"] {
            assert_eq!(wrong.parse::<Month>(), Err(MonthError), "{wrong}");
        }
    }

    #[test]
    fn month_arithmetic_crosses_years() {
        let november = Month::new(2026, 11).expect("a month");
        assert_eq!(november.plus(3).to_string(), "2027-02");
        assert_eq!(november.plus(-11).to_string(), "2025-12");
        assert_eq!(november.until(november.plus(17)), 17);
        assert_eq!(calendar_windows(november, 12).iter().map(|window| window.days()).sum::<i64>(), 365);
    }

    #[test]
    fn federal_holidays_of_2026_are_the_observed_ones() {
        let days = HolidayCalendar::UsFederal.dates(date(2026, 6, 1), date(2026, 6, 1));
        let of_2026: Vec<String> = days.iter().filter(|d| d.year() == 2026).map(ToString::to_string).collect();
        assert_eq!(
            of_2026,
            [
                "2026-01-01",
                "2026-01-19",
                "2026-02-16",
                "2026-05-25",
                "2026-06-19",
                "2026-07-03",
                "2026-09-07",
                "2026-10-12",
                "2026-11-11",
                "2026-11-26",
                "2026-12-25"
            ]
        );
        assert_eq!(Day::of(date(2026, 7, 3), &days), Day::Holiday);
        assert_eq!(Day::of(date(2026, 7, 4), &days), Day::Sat);
    }

    #[test]
    fn clock_times_run_to_24_00() {
        assert_eq!("23:45".parse::<ClockTime>().map(ClockTime::minutes), Ok(1425));
        assert_eq!("24:00".parse::<ClockTime>(), Ok(ClockTime::END_OF_DAY));
        assert!("24:01".parse::<ClockTime>().is_err() && "7".parse::<ClockTime>().is_err());
    }
}
