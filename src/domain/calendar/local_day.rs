//! How many minutes a local day really has: the days the clocks change, and which days those are.

use super::days_between;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};

/// A stretch of a local day in which clock and elapsed time run in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Minutes since the day's first instant.
    pub elapsed: u16,
    /// The clock at that moment, minutes after midnight.
    pub clock: u16,
    pub minutes: u16,
}

/// How a local day runs: one stretch of 1440 minutes, or two on a day the clocks change (1380 or 1500 minutes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDay {
    pub stretches: Vec<Stretch>,
    pub minutes: u16,
}

impl LocalDay {
    fn plain() -> Self {
        LocalDay { stretches: vec![Stretch { elapsed: 0, clock: 0, minutes: 1440 }], minutes: 1440 }
    }

    pub fn is_plain(&self) -> bool {
        self.stretches.len() == 1 && self.minutes == 1440
    }

    /// The day `date` in `zone`.
    pub fn of(date: Date, zone: &TimeZone) -> Self {
        let (Ok(begin), Ok(next)) = (zone.to_zoned(date.at(0, 0, 0, 0)), date.tomorrow()) else {
            return LocalDay::plain();
        };
        let Ok(end) = zone.to_zoned(next.at(0, 0, 0, 0)) else { return LocalDay::plain() };
        let change = zone
            .following(begin.timestamp())
            .next()
            .filter(|change| change.timestamp() < end.timestamp() && change.offset() != begin.offset());
        let minutes = minutes_of(end.timestamp().duration_since(begin.timestamp()));
        let Some(change) = change else {
            return LocalDay { stretches: vec![Stretch { elapsed: 0, clock: 0, minutes }], minutes };
        };
        let first = minutes_of(change.timestamp().duration_since(begin.timestamp()));
        let after = change.timestamp().to_zoned(zone.clone());
        let clock = after.hour() as u16 * 60 + after.minute() as u16;
        LocalDay {
            stretches: vec![
                Stretch { elapsed: 0, clock: 0, minutes: first },
                Stretch { elapsed: first, clock, minutes: minutes - first },
            ],
            minutes,
        }
    }
}

/// The days among `count` from `first` that are not plain, by number. The others need no look at the time zone.
pub fn unusual_days(first: Date, count: u32, zone: &TimeZone) -> Vec<(u32, LocalDay)> {
    let end = first.saturating_add(i64::from(count).days());
    // Two days earlier: a change at midnight also tells on the day that begins with it.
    let Ok(from) = zone.to_timestamp(first.saturating_sub(2.days()).at(0, 0, 0, 0)) else { return Vec::new() };
    let mut unusual: Vec<(u32, LocalDay)> = Vec::new();
    for change in zone.following(from) {
        let after = change.timestamp().to_zoned(zone.clone()).date();
        let instant_before = change.timestamp() - SignedDuration::from_secs(1);
        let mut date = instant_before.to_zoned(zone.clone()).date();
        if date >= end {
            break;
        }
        // A zone that crosses the date line skips a whole day: all from the one before to the one after.
        while date <= after && date < end {
            let number = days_between(first, date);
            let is_new = unusual.last().is_none_or(|(last, _)| i64::from(*last) < number);
            let day = LocalDay::of(date, zone);
            if number >= 0 && is_new && !day.is_plain() {
                unusual.push((number as u32, day));
            }
            let Ok(next) = date.tomorrow() else { return unusual };
            date = next;
        }
    }
    unusual
}

fn minutes_of(span: SignedDuration) -> u16 {
    (span.as_secs() / 60) as u16
}

/// The first instant of a local day, seconds since 1970 UTC.
pub fn day_start(date: Date, zone: &TimeZone) -> i64 {
    zone.to_zoned(date.at(0, 0, 0, 0)).map_or_else(
        |_| days_between(jiff::civil::date(1970, 1, 1), date) * 86_400,
        |zoned| zoned.timestamp().as_second(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn chicago() -> TimeZone {
        TimeZone::get("America/Chicago").expect("the zone is compiled in")
    }

    #[test]
    fn a_spring_day_has_23_hours_and_skips_two_to_three() {
        let day = LocalDay::of(date(2022, 3, 13), &chicago());
        assert_eq!(day.minutes, 1380);
        assert_eq!(
            day.stretches,
            [Stretch { elapsed: 0, clock: 0, minutes: 120 }, Stretch { elapsed: 120, clock: 180, minutes: 1260 }]
        );
    }

    #[test]
    fn an_autumn_day_has_25_hours_and_repeats_one_to_two() {
        let day = LocalDay::of(date(2022, 11, 6), &chicago());
        assert_eq!(day.minutes, 1500);
        assert_eq!(
            day.stretches,
            [Stretch { elapsed: 0, clock: 0, minutes: 120 }, Stretch { elapsed: 120, clock: 60, minutes: 1380 }]
        );
        assert!(LocalDay::of(date(2022, 11, 7), &chicago()).is_plain());
    }

    #[test]
    fn the_days_that_are_not_plain_are_found_without_looking_at_each() {
        let zones =
            ["America/Chicago", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia", "Europe/London", "UTC"];
        for name in zones {
            let zone = TimeZone::get(name).expect("the zone is compiled in");
            for (first, count) in
                [(date(2011, 1, 1), 730), (date(2011, 12, 30), 1), (date(2018, 11, 4), 3), (date(2026, 3, 8), 1)]
            {
                let days = (0..count).map(|n| (n, LocalDay::of(first.saturating_add(i64::from(n).days()), &zone)));
                let one_by_one: Vec<(u32, LocalDay)> = days.filter(|(_, day)| !day.is_plain()).collect();
                assert_eq!(unusual_days(first, count, &zone), one_by_one, "{name} from {first}");
            }
        }
    }
}
