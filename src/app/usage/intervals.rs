//! Held readings summed to the resolution a caller asks for.

use crate::app::error::Error;
use crate::app::{Result, figures};
use crate::domain::calendar::day_start;
use crate::domain::units::Energy;
use crate::domain::usage::readings::Quality;
use crate::store::usage_days::HeldReadings;
use crate::store::usage_history::quality_name;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::slice;

/// Steps one answer may hold: a year of quarter hours and some.
const STEPS_MAX: usize = 40_000;
/// Days answered when none are asked for.
const DAYS_SHOWN: i32 = 31;

/// How long one step of the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Quarter,
    Hour,
    Day,
}

impl Step {
    const fn minutes(self) -> u16 {
        match self {
            Step::Quarter => 15,
            Step::Hour => 60,
            Step::Day => 1440,
        }
    }
    const fn name(self) -> &'static str {
        match self {
            Step::Quarter => "15m",
            Step::Hour => "1h",
            Step::Day => "1d",
        }
    }
}

/// Readings of a range of days.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "UsageIntervals")]
pub struct IntervalsAnswer {
    /// As asked for: `15m`, `1h` or `1d`. Days whose meter reads less often have longer steps.
    pub resolution: String,
    /// The local time whose days are meant.
    pub timezone: String,
    /// The first and last day; `null` when nothing is held.
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub kwh_total: f64,
    pub items: Vec<IntervalItem>,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "UsageInterval")]
pub struct IntervalItem {
    /// When it begins, UTC.
    pub start: Timestamp,
    /// Its length.
    pub minutes: u16,
    /// Taken from the grid.
    pub kwh: f64,
    /// Sent to the grid; absent when the meter does not count it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export_kwh: Option<f64>,
    /// The worst of its parts: `actual`, `estimated`, `filled` or `missing`.
    pub quality: String,
}

/// What is held from `from` to `to`, in order of time. A day with readings within it is shown by those.
pub fn answer(
    held: &HeldReadings,
    zone: &TimeZone,
    from: Option<Date>,
    to: Option<Date>,
    step: Step,
) -> Result<IntervalsAnswer> {
    let days = days(held);
    let to = to.or(days.last().map(|day| day.date));
    let from = from.or_else(|| to.map(|to| to.saturating_sub((DAYS_SHOWN - 1).days())));
    let asked = |day: &&HeldDay<'_>| from.is_none_or(|from| from <= day.date) && to.is_none_or(|to| day.date <= to);
    let shown: Vec<&HeldDay<'_>> = days.iter().filter(asked).collect();
    let steps: usize = shown.iter().map(|day| day.import.len().div_ceil(day.group(step))).sum();
    if steps > STEPS_MAX {
        let message =
            format!("asks for {steps} readings, more than {STEPS_MAX}: ask for fewer days or a coarser resolution");
        return Err(Error::field("from", message, "range"));
    }
    let total: Energy = shown.iter().flat_map(|day| day.import).copied().sum();
    Ok(IntervalsAnswer {
        resolution: step.name().to_owned(),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        from,
        to,
        kwh_total: figures::kwh(total),
        items: shown.into_iter().flat_map(|day| day.items(zone, step)).collect(),
    })
}

/// One day as it is held.
struct HeldDay<'a> {
    date: Date,
    minutes: u16,
    import: &'a [Energy],
    export: &'a [Energy],
    quality: &'a [Quality],
}

/// Every held day once, in order; days nothing was read on are left out.
fn days(held: &HeldReadings) -> Vec<HeldDay<'_>> {
    let mut days: BTreeMap<Date, HeldDay<'_>> = BTreeMap::new();
    for day in &held.days {
        let export = if day.export.is_zero() { &[] } else { slice::from_ref(&day.export) };
        let (import, quality) = (slice::from_ref(&day.import), slice::from_ref(&day.quality));
        days.insert(day.date, HeldDay { date: day.date, minutes: Step::Day.minutes(), import, export, quality });
    }
    if let Some(intervals) = &held.intervals {
        for n in 0..intervals.days() {
            let range = intervals.day_range(n);
            let quality = intervals.quality.get(range.clone()).unwrap_or_default();
            if quality.iter().all(|quality| *quality == Quality::Missing) {
                continue;
            }
            let import = intervals.import.get(range.clone()).unwrap_or_default();
            let export = intervals.export.get(range).unwrap_or_default();
            let date = intervals.date(n);
            days.insert(date, HeldDay { date, minutes: intervals.minutes, import, export, quality });
        }
    }
    days.into_values().collect()
}

impl HeldDay<'_> {
    /// How many readings make one step; a meter that reads less often keeps its own. A day the clocks change on has
    /// 23 or 25 hours, and is one day all the same.
    fn group(&self, step: Step) -> usize {
        match step {
            Step::Day => self.import.len().max(1),
            _ => usize::from((step.minutes() / self.minutes.max(1)).max(1)),
        }
    }

    fn items(&self, zone: &TimeZone, step: Step) -> Vec<IntervalItem> {
        let group = self.group(step);
        let begin = day_start(self.date, zone);
        let sum = |values: &[Energy]| figures::kwh(values.iter().copied().sum());
        let item = |(n, import): (usize, &[Energy])| {
            let at = n * group;
            let parts = at..at + import.len();
            let quality = self.quality.get(parts.clone()).and_then(|parts| parts.iter().max()).copied();
            IntervalItem {
                start: Timestamp::from_second(begin + at as i64 * i64::from(self.minutes) * 60).unwrap_or_default(),
                minutes: import.len() as u16 * self.minutes,
                kwh: sum(import),
                export_kwh: self.export.get(parts).map(sum),
                quality: quality_name(quality.unwrap_or_default()).to_owned(),
            }
        };
        self.import.chunks(group).enumerate().map(item).collect()
    }
}
