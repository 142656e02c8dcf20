//! Which backups are kept: the newest of each of the last days, weeks and months that have any.

use crate::config::Keep;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// The day, week or month a date is in.
type Span = fn(Date) -> (i32, i32);

/// Whatever the rule says, what is younger than this is kept: somebody may have just made it for a reason.
const YOUNG: SignedDuration = SignedDuration::from_hours(24);

/// Whether each backup is kept, of `times`, the newest first. The newest always is.
pub fn kept(times: &[Timestamp], keep: Keep, now: Timestamp) -> Vec<bool> {
    let date = |at: &Timestamp| at.to_zoned(TimeZone::UTC).date();
    let spans: [(u32, Span); 3] = [
        (keep.daily, |date| (i32::from(date.year()), i32::from(date.day_of_year()))),
        (keep.weekly, |date| {
            let week = date.iso_week_date();
            (i32::from(week.year()), i32::from(week.week()))
        }),
        (keep.monthly, |date| (i32::from(date.year()), i32::from(date.month()))),
    ];
    let mut kept: Vec<bool> = times.iter().map(|at| now.duration_since(*at) < YOUNG).collect();
    for (count, span) in spans {
        let mut seen = BTreeSet::new();
        for (at, kept) in times.iter().zip(&mut kept) {
            if seen.len() < count as usize && seen.insert(span(date(at))) {
                *kept = true;
            }
        }
    }
    if let Some(newest) = kept.first_mut() {
        *newest = true;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_is_kept() {
        let keep = Keep { daily: 3, weekly: 2, monthly: 2 };
        let cases = [
            ("2026-11-23T03:00:00Z", true),  // the newest; Monday
            ("2026-11-22T20:00:00Z", true),  // of its day, of the week before, and young
            ("2026-11-22T03:00:00Z", false), // its day has a newer one, and it is a day old
            ("2026-11-21T03:00:00Z", true),  // the third day
            ("2026-11-20T03:00:00Z", false), // the fourth
            ("2026-11-08T03:00:00Z", false), // the third week
            ("2026-10-31T03:00:00Z", true),  // the month before
            ("2026-10-30T03:00:00Z", false),
            ("2026-09-30T03:00:00Z", false),
        ];
        let times: Vec<Timestamp> = cases.iter().map(|(text, _)| at(text)).collect();
        let expected: Vec<bool> = cases.iter().map(|(_, kept)| *kept).collect();
        assert_eq!(kept(&times, keep, at("2026-11-23T09:00:00Z")), expected);
    }

    #[test]
    fn a_year_of_daily_backups_leaves_days_weeks_and_months() {
        let now = at("2026-11-23T03:00:00Z");
        let times: Vec<Timestamp> = (0..365).map(|day| now - SignedDuration::from_hours(24 * day)).collect();
        let keep = Keep { daily: 7, weekly: 4, monthly: 6 };
        let left = kept(&times, keep, now).iter().filter(|kept| **kept).count();
        // Some of a week's or month's backups are one of the seven days.
        assert!((13..=17).contains(&left), "{left}");
        assert_eq!(kept(&times[364..], Keep { daily: 1, weekly: 0, monthly: 0 }, now), [true], "the last one stays");
        assert_eq!(kept(&[], keep, now), [] as [bool; 0]);
    }

    #[test]
    fn the_last_days_of_a_year_belong_to_their_own_week() {
        let keep = Keep { daily: 1, weekly: 2, monthly: 1 };
        // 2026-01-01 is a Thursday of the week that began in 2025.
        let times = [at("2026-01-01T03:00:00Z"), at("2025-12-31T03:00:00Z"), at("2025-12-28T03:00:00Z")];
        assert_eq!(kept(&times, keep, at("2026-01-05T00:00:00Z")), [true, false, true]);
    }
}
