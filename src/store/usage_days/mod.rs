//! Interval and daily readings: one row per user, meter and local day, its values encoded.

pub mod encoding;

use self::encoding::{DayValues, decode, encode};
use crate::domain::calendar::{LocalDay, Window, days_between};
use crate::domain::units::Energy;
use crate::domain::usage::readings::{DayReading, Intervals, Quality};
use crate::store::db::value::{Row, Value};
use crate::store::db::{Conn, Tx};
use crate::store::error::{Cause, StoreError};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// `minutes` of a row that holds one value for the whole day.
const WHOLE_DAY: u16 = 1440;
/// The longest stretch that is loaded; days before are left out.
const DAYS_MAX: i64 = 366 * 10;

/// What is held for a meter: days with readings within them, and days with one value each.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HeldReadings {
    /// From the first to the last day that has them; what lies between and is not held is `Missing`.
    pub intervals: Option<Intervals>,
    pub days: Vec<DayReading>,
}

/// One meter of a user, and what is held of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Empty where the source names none.
    pub meter: String,
    pub first_day: Date,
    pub last_day: Date,
    pub days: u32,
}

/// Keeps the days that have any reading; days held before are replaced.
pub fn save_intervals(tx: &mut Tx<'_>, user_id: Uuid, meter: &str, intervals: &Intervals) -> Result<(), StoreError> {
    let mut rows = Vec::new();
    let mut date = intervals.first_day;
    for n in 0..intervals.days() {
        let range = intervals.day_range(n);
        let part = |values: &[Energy]| values.get(range.clone()).map(<[Energy]>::to_vec).unwrap_or_default();
        let day = DayValues {
            import: part(&intervals.import),
            export: part(&intervals.export),
            controlled: part(&intervals.controlled),
            quality: intervals.quality.get(range.clone()).map(<[Quality]>::to_vec).unwrap_or_default(),
        };
        if day.quality.iter().any(|quality| *quality != Quality::Missing) {
            rows.push(row(user_id, meter, date, intervals.minutes, &day));
        }
        date = date.tomorrow().unwrap_or(date);
    }
    save(tx, &rows)
}

/// Days held before are replaced. A day may be given once only.
pub fn save_days(tx: &mut Tx<'_>, user_id: Uuid, meter: &str, days: &[DayReading]) -> Result<(), StoreError> {
    let rows: Vec<Vec<Value>> = days
        .iter()
        .map(|day| {
            let export = if day.export.is_zero() { Vec::new() } else { vec![day.export] };
            let values =
                DayValues { import: vec![day.import], export, quality: vec![day.quality], controlled: Vec::new() };
            row(user_id, meter, day.date, WHOLE_DAY, &values)
        })
        .collect();
    save(tx, &rows)
}

/// Everything held of a meter within `window`, in the time zone the readings were kept in.
pub fn load(
    conn: &mut Conn<'_>,
    user_id: Uuid,
    meter: &str,
    zone: &TimeZone,
    window: Option<Window>,
) -> Result<HeldReadings, StoreError> {
    let (from, to) = window.map_or((Date::MIN, Date::MAX), |window| (window.start, window.end));
    let from = from.max(jiff::civil::date(1900, 1, 1));
    let to = to.min(jiff::civil::date(2200, 1, 1));
    let sql = "SELECT day, minutes, readings FROM usage_days \
               WHERE user_id = $1 AND meter = $2 AND day >= $3 AND day < $4 ORDER BY day";
    let held = conn.query(sql, &[user_id.into(), meter.into(), from.into(), to.into()], |row: &mut Row| {
        let (date, minutes, bytes): (Date, u16, Vec<u8>) = (row.take()?, row.take()?, row.take()?);
        let values = decode(&bytes).map_err(|e| StoreError::Corrupt(Cause::new(e)))?;
        Ok(HeldDay { date, minutes, values })
    })?;
    let (days, parts): (Vec<HeldDay>, Vec<HeldDay>) = held.into_iter().partition(|day| day.minutes == WHOLE_DAY);
    Ok(HeldReadings { intervals: joined(&parts, zone), days: days.iter().map(HeldDay::reading).collect() })
}

/// A day as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDay {
    pub meter: String,
    pub date: Date,
    /// Length of one reading; 1440: the day is one reading.
    pub minutes: u16,
    pub values: DayValues,
}

/// Everything held of a user, by meter and day.
pub fn of_user(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<KeptDay>, StoreError> {
    let sql = "SELECT meter, day, minutes, readings FROM usage_days WHERE user_id = $1 ORDER BY meter, day";
    conn.query(sql, &[user_id.into()], |row: &mut Row| {
        let (meter, date, minutes, bytes): (_, _, _, Vec<u8>) = (row.take()?, row.take()?, row.take()?, row.take()?);
        let values = decode(&bytes).map_err(|e| StoreError::Corrupt(Cause::new(e)))?;
        Ok(KeptDay { meter, date, minutes, values })
    })
}

/// In order of their names.
pub fn meters(conn: &mut Conn<'_>, user_id: Uuid) -> Result<Vec<Meter>, StoreError> {
    let sql =
        "SELECT meter, min(day), max(day), count(*) FROM usage_days WHERE user_id = $1 GROUP BY meter ORDER BY meter";
    conn.query(sql, &[user_id.into()], |row: &mut Row| {
        Ok(Meter { meter: row.take()?, first_day: row.take()?, last_day: row.take()?, days: row.take()? })
    })
}

/// Returns how many days were held, over all meters.
pub fn delete(tx: &mut Tx<'_>, user_id: Uuid) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM usage_days WHERE user_id = $1", &[user_id.into()])
}

struct HeldDay {
    date: Date,
    minutes: u16,
    values: DayValues,
}

impl HeldDay {
    fn reading(&self) -> DayReading {
        let first = |values: &[Energy]| values.first().copied().unwrap_or(Energy::ZERO);
        DayReading {
            date: self.date,
            import: first(&self.values.import),
            export: first(&self.values.export),
            quality: self.values.quality.first().copied().unwrap_or_default(),
        }
    }
}

fn row(user_id: Uuid, meter: &str, date: Date, minutes: u16, values: &DayValues) -> Vec<Value> {
    vec![user_id.into(), meter.into(), date.into(), minutes.into(), encode(values).into()]
}

fn save(tx: &mut Tx<'_>, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    tx.insert_all(
        "usage_days (user_id, meter, day, minutes, readings)",
        rows,
        "ON CONFLICT (user_id, meter, day) DO UPDATE SET minutes = excluded.minutes, readings = excluded.readings",
    )?;
    Ok(())
}

/// One run of equal steps from the first to the last day. Days of finer steps are summed to the finest step all share.
fn joined(parts: &[HeldDay], zone: &TimeZone) -> Option<Intervals> {
    let last = parts.last()?;
    let oldest = days_between(parts.first()?.date, last.date).min(DAYS_MAX - 1);
    let parts: Vec<&HeldDay> = parts.iter().filter(|day| days_between(day.date, last.date) <= oldest).collect();
    let first_day = parts.first()?.date;
    let minutes = parts.iter().fold(1, |common, day| least_common_multiple(common, day.minutes));
    let days = days_between(first_day, last.date) as u32 + 1;
    let mut all = Intervals::empty(zone, minutes, first_day, days);
    let steps = all.import.len();
    if parts.iter().any(|day| !day.values.export.is_empty()) {
        all.export = vec![Energy::ZERO; steps];
    }
    if parts.iter().any(|day| !day.values.controlled.is_empty()) {
        all.controlled = vec![Energy::ZERO; steps];
    }
    for day in parts {
        place(&mut all, day, zone);
    }
    Some(all)
}

/// Writes a day into its place. A day whose steps do not fill the local day (kept in another time zone) stays missing.
fn place(all: &mut Intervals, day: &HeldDay, zone: &TimeZone) {
    if day.values.import.len() != usize::from(LocalDay::of(day.date, zone).minutes / day.minutes) {
        return;
    }
    let range = all.day_range(days_between(all.first_day, day.date) as u32);
    let per_step = usize::from(all.minutes / day.minutes);
    let sum = |target: &mut [Energy], values: &[Energy]| {
        for (target, values) in target.iter_mut().zip(values.chunks(per_step)) {
            *target = values.iter().copied().sum();
        }
    };
    sum(&mut all.import[range.clone()], &day.values.import);
    if !day.values.export.is_empty() {
        sum(&mut all.export[range.clone()], &day.values.export);
    }
    if !day.values.controlled.is_empty() {
        sum(&mut all.controlled[range.clone()], &day.values.controlled);
    }
    for (target, values) in all.quality[range].iter_mut().zip(day.values.quality.chunks(per_step)) {
        // The least sure of the readings that make up the step.
        *target = values.iter().copied().max().unwrap_or(Quality::Missing);
    }
}

/// Of two divisors of 60, so at most 60.
fn least_common_multiple(a: u16, b: u16) -> u16 {
    (1..=60).map(|n| n * a.max(1)).find(|multiple| multiple % b.max(1) == 0).unwrap_or(a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn held(day: Date, minutes: u16, watt_hours: i64) -> HeldDay {
        let steps = usize::from(1440 / minutes);
        let import = vec![Energy::from_wh(watt_hours); steps];
        HeldDay {
            date: day,
            minutes,
            values: DayValues { import, quality: vec![Quality::Actual; steps], ..DayValues::default() },
        }
    }

    #[test]
    fn days_of_different_steps_are_joined_in_the_finest_step_they_share() {
        let parts = [held(date(2025, 6, 1), 15, 250), held(date(2025, 6, 3), 60, 900)];
        let all = joined(&parts, &TimeZone::UTC).unwrap();
        assert_eq!((all.minutes, all.days(), all.import.len()), (60, 3, 72));
        assert_eq!(all.import[0], Energy::from_wh(1000));
        assert_eq!(all.import[48], Energy::from_wh(900));
        assert!(all.quality[24..48].iter().all(|quality| *quality == Quality::Missing));
    }

    #[test]
    fn the_common_step_of_fifteen_and_twenty_minutes_is_an_hour() {
        assert_eq!(least_common_multiple(15, 20), 60);
        assert_eq!(least_common_multiple(30, 15), 30);
        assert_eq!(least_common_multiple(1, 5), 5);
    }
}
