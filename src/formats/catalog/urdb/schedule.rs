//! A 12 x 24 schedule of periods as clock windows: months, kinds of day, hours.

use crate::domain::calendar::{ClockTime, Day};
use crate::domain::tariff::model::When;
use std::collections::BTreeMap;

/// The period of each hour of each month, on weekdays and on weekends.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub weekday: Vec<Vec<usize>>,
    pub weekend: Vec<Vec<usize>>,
}

impl Schedule {
    /// The periods in use, ascending.
    pub fn periods(&self) -> Vec<usize> {
        let mut periods: Vec<usize> = self.rows().flatten().copied().collect();
        periods.sort_unstable();
        periods.dedup();
        periods
    }

    fn rows(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.weekday.iter().chain(&self.weekend)
    }

    /// The periods in use in a month (0..12).
    pub fn of_month(&self, month: usize) -> Vec<usize> {
        let rows = [self.weekday.get(month), self.weekend.get(month)];
        let mut periods: Vec<usize> = rows.into_iter().flatten().flatten().copied().collect();
        periods.sort_unstable();
        periods.dedup();
        periods
    }

    /// How many of the year's hours a period has, weekdays counted five times.
    pub fn weight(&self, period: usize) -> usize {
        let count = |rows: &[Vec<usize>]| rows.iter().flatten().filter(|hour| **hour == period).count();
        5 * count(&self.weekday) + 2 * count(&self.weekend)
    }

    /// Periods with the same number as the schedule `rename` gives them.
    pub fn renamed(&self, rename: impl Fn(usize) -> usize) -> Schedule {
        let of = |rows: &[Vec<usize>]| rows.iter().map(|row| row.iter().map(|p| rename(*p)).collect()).collect();
        Schedule { weekday: of(&self.weekday), weekend: of(&self.weekend) }
    }

    /// The windows of a period: disjoint, together exactly its hours.
    pub fn windows(&self, period: usize) -> Vec<When> {
        // For each run of hours: the months it is in on weekdays and on weekends.
        let mut runs: BTreeMap<(u16, u16), [Vec<u8>; 2]> = BTreeMap::new();
        for (kind, rows) in [&self.weekday, &self.weekend].into_iter().enumerate() {
            for (month, row) in rows.iter().enumerate() {
                for run in hour_runs(row, period) {
                    runs.entry(run).or_default()[kind].push(month as u8 + 1);
                }
            }
        }
        let mut windows = Vec::new();
        for (hours, [weekdays, weekends]) in runs {
            let (both, only_weekdays): (Vec<u8>, Vec<u8>) = weekdays.iter().partition(|month| weekends.contains(month));
            let only_weekends: Vec<u8> = weekends.into_iter().filter(|month| !weekdays.contains(month)).collect();
            let kinds: [(Vec<u8>, &[Day]); 3] =
                [(both, &[]), (only_weekdays, &Day::WEEKDAYS), (only_weekends, &Day::WEEKEND)];
            for (months, days) in kinds {
                if !months.is_empty() {
                    windows.push(window(months, days, hours));
                }
            }
        }
        windows
    }
}

fn window(months: Vec<u8>, days: &[Day], (from, to): (u16, u16)) -> When {
    let clock = |hour: u16| ClockTime::from_minutes(hour * 60);
    let all_day = (from, to) == (0, 24);
    When {
        dates: Vec::new(),
        months: if months.len() == 12 { Vec::new() } else { months },
        days: days.to_vec(),
        from: if all_day { None } else { clock(from) },
        to: if all_day { None } else { clock(to) },
    }
}

/// Runs of hours `[from, to)` with a period; one that reaches midnight goes on in the morning of the same day kind.
fn hour_runs(row: &[usize], period: usize) -> Vec<(u16, u16)> {
    let mut runs: Vec<(u16, u16)> = Vec::new();
    for (hour, _) in row.iter().enumerate().filter(|(_, of)| **of == period) {
        let hour = hour as u16;
        match runs.last_mut() {
            Some((_, end)) if *end == hour => *end = hour + 1,
            _ => runs.push((hour, hour + 1)),
        }
    }
    if runs.len() > 1
        && let (Some((0, morning)), Some((evening, 24))) = (runs.first().copied(), runs.last().copied())
    {
        runs.pop();
        runs[0] = (evening, morning);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_wrap_and_seasons_share_a_window() {
        let mut row = vec![0; 24];
        row[16..21].fill(1);
        let weekday: Vec<Vec<usize>> = (0..12).map(|month| if month < 6 { row.clone() } else { vec![0; 24] }).collect();
        let schedule = Schedule { weekday, weekend: vec![vec![0; 24]; 12] };
        let json = |period| serde_json::to_string(&schedule.windows(period)).expect("plain data");
        assert_eq!(
            json(1),
            r#"[{"months":[1,2,3,4,5,6],"days":["mon","tue","wed","thu","fri"],"from":"16:00","to":"21:00"}]"#
        );
        assert_eq!(
            json(0),
            r#"[{"months":[7,8,9,10,11,12]},{"months":[1,2,3,4,5,6],"days":["sat","sun"]},{"months":[1,2,3,4,5,6],"days":["mon","tue","wed","thu","fri"],"from":"21:00","to":"16:00"}]"#
        );
        assert_eq!((schedule.periods(), schedule.weight(1)), (vec![0, 1], 150));
    }
}
