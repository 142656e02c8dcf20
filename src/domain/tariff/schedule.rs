//! When prices apply: a partition of time into periods, resolved day by day into clock segments.

use crate::domain::calendar::{Day, HolidayCalendar};
use crate::domain::tariff::model::When;
use jiff::civil::Date;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

/// The period of minutes no rule covers or a gate shuts out.
pub(super) const NO_PERIOD: u8 = u8::MAX;

/// Gates and rules together; one bit each tells which of them hold on a date.
pub(super) const WINDOWS_MAX: usize = 128;

/// Minutes that pass all gates get the number of the first rule that matches.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Rules {
    pub gates: Vec<Gate>,
    /// `None` matches always.
    pub rules: Vec<Option<When>>,
    pub holidays: Option<HolidayCalendar>,
}

/// A minute passes when `when` matching it equals `inside`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub when: When,
    pub inside: bool,
}

/// [`Rules`] with their fingerprint, so that plans with the same schedule find the same fold. It has 128 bits and
/// stands for them: what differs differs in it.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub rules: Rules,
    pub fingerprint: u128,
    is_always: bool,
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        self.fingerprint == other.fingerprint
    }
}

/// Clock minutes `[from, to)` of a day and their period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub from: u16,
    pub to: u16,
    pub period: u8,
}

impl Schedule {
    pub fn new(rules: Rules) -> Self {
        // DefaultHasher::new() has fixed keys: the fingerprint is the same in every run.
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            salt.hash(&mut hasher);
            rules.hash(&mut hasher);
            u128::from(hasher.finish())
        };
        let is_always = rules.gates.is_empty() && matches!(rules.rules.as_slice(), [None]);
        Schedule { fingerprint: half(0) << 64 | half(1), is_always, rules }
    }

    pub fn periods(&self) -> usize {
        self.rules.rules.len()
    }

    /// One period, always: bare totals are enough.
    pub fn is_always(&self) -> bool {
        self.is_always
    }

    /// Some price depends on the clock, not only on the date.
    pub fn has_clock(&self) -> bool {
        self.whens().any(|when| when.from.is_some())
    }

    fn whens(&self) -> impl Iterator<Item = &When> {
        self.rules.gates.iter().map(|gate| &gate.when).chain(self.rules.rules.iter().flatten())
    }
}

/// Resolves dates to segments, remembering the days that look alike.
pub(super) struct DayResolver<'a> {
    rules: &'a Rules,
    holidays: Vec<Date>,
    segments: Vec<Segment>,
    /// By which of the windows hold on a day; a year has a handful of kinds of days.
    seen: Vec<(u128, Range<usize>)>,
}

impl<'a> DayResolver<'a> {
    /// For dates in `first..=last`.
    pub fn new(schedule: &'a Schedule, first: Date, last: Date) -> Self {
        let rules = &schedule.rules;
        let holidays = rules.holidays.as_ref().map(|calendar| calendar.dates(first, last)).unwrap_or_default();
        DayResolver { rules, holidays, segments: Vec::new(), seen: Vec::new() }
    }

    /// The segments of a date, ascending, covering all 1440 minutes.
    pub fn day(&mut self, date: Date) -> &[Segment] {
        let day = Day::of(date, &self.holidays);
        let mut mask = 0u128;
        let whens = self.rules.gates.iter().map(|gate| Some(&gate.when));
        for (bit, when) in whens.chain(self.rules.rules.iter().map(Option::as_ref)).enumerate() {
            mask |= u128::from(when.is_none_or(|when| on_date(when, date, day))) << bit;
        }
        let range = match self.seen.iter().find(|(seen, _)| *seen == mask) {
            Some((_, range)) => range.clone(),
            None => {
                let start = self.segments.len();
                resolve(self.rules, mask, &mut self.segments);
                self.seen.push((mask, start..self.segments.len()));
                start..self.segments.len()
            }
        };
        &self.segments[range]
    }
}

/// The date part of a window.
pub(super) fn on_date(when: &When, date: Date, day: Day) -> bool {
    (when.months.is_empty() || when.months.contains(&(date.month() as u8)))
        && (when.days.is_empty() || when.days.contains(&day))
        && (when.dates.is_empty() || when.dates.iter().any(|range| in_range(range, date)))
}

fn in_range(range: &crate::domain::tariff::model::DateRange, date: Date) -> bool {
    let day = (date.month(), date.day());
    let (from, to) = ((range.from.month, range.from.day), (range.to.month, range.to.day));
    if from <= to { from <= day && day <= to } else { day >= from || day <= to }
}

/// The clock part of a window.
pub(super) fn on_clock(when: &When, minute: u16) -> bool {
    let (Some(from), Some(to)) = (when.from, when.to) else { return true };
    let (from, to) = (from.minutes(), to.minutes());
    if from < to { from <= minute && minute < to } else { minute >= from || minute < to }
}

/// Cuts a day whose date-matching windows are `mask` at every clock edge and merges equal neighbours.
fn resolve(rules: &Rules, mask: u128, segments: &mut Vec<Segment>) {
    let holds = |bit: usize| mask >> bit & 1 == 1;
    let gates = rules.gates.len();
    let mut edges = vec![0u16, 1440];
    for when in rules.gates.iter().map(|gate| &gate.when).chain(rules.rules.iter().flatten()) {
        edges.extend([when.from, when.to].into_iter().flatten().map(|time| time.minutes()));
    }
    edges.sort_unstable();
    edges.dedup();
    let start = segments.len();
    for pair in edges.windows(2) {
        let minute = pair[0];
        let open = rules
            .gates
            .iter()
            .enumerate()
            .all(|(bit, gate)| (holds(bit) && on_clock(&gate.when, minute)) == gate.inside);
        let rule = rules
            .rules
            .iter()
            .enumerate()
            .position(|(n, when)| holds(gates + n) && when.as_ref().is_none_or(|when| on_clock(when, minute)));
        let period = if open { rule.map_or(NO_PERIOD, |n| n as u8) } else { NO_PERIOD };
        match segments[start..].last_mut() {
            Some(last) if last.period == period => last.to = pair[1],
            _ => segments.push(Segment { from: minute, to: pair[1], period }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn when(json: serde_json::Value) -> When {
        serde_json::from_value(json).expect("a window")
    }

    #[test]
    fn a_wrapping_window_takes_the_days_of_each_minute() {
        let nights = when(serde_json::json!({"days": ["fri"], "from": "21:00", "to": "06:00"}));
        let schedule = Schedule::new(Rules { gates: vec![], rules: vec![Some(nights), None], holidays: None });
        let mut days = DayResolver::new(&schedule, date(2026, 1, 1), date(2026, 12, 31));
        let segment = |from, to, period| Segment { from, to, period };
        assert_eq!(days.day(date(2026, 11, 27)), [segment(0, 360, 0), segment(360, 1260, 1), segment(1260, 1440, 0)]);
        assert_eq!(days.day(date(2026, 11, 28)), [segment(0, 1440, 1)]);
    }

    #[test]
    fn gates_shut_minutes_out() {
        let free = Gate { when: when(serde_json::json!({"from": "00:00", "to": "06:30"})), inside: false };
        let schedule = Schedule::new(Rules { gates: vec![free], rules: vec![None], holidays: None });
        let mut days = DayResolver::new(&schedule, date(2026, 1, 1), date(2026, 1, 1));
        assert_eq!(
            days.day(date(2026, 1, 1)),
            [Segment { from: 0, to: 390, period: NO_PERIOD }, Segment { from: 390, to: 1440, period: 0 }]
        );
    }

    #[test]
    fn a_date_range_may_wrap_the_year() {
        let winter = when(serde_json::json!({"dates": [{"from": "11-01", "to": "03-31"}]}));
        for (day, inside) in [(date(2026, 10, 31), false), (date(2026, 11, 1), true), (date(2027, 3, 31), true)] {
            assert_eq!(on_date(&winter, day, Day::Mon), inside, "{day}");
        }
    }

    #[test]
    fn a_holiday_is_no_weekday() {
        let peak =
            when(serde_json::json!({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "14:00", "to": "19:00"}));
        let rules = |holidays| Rules { gates: vec![], rules: vec![Some(peak.clone()), None], holidays };
        let thanksgiving = date(2026, 11, 26);
        for (holidays, segments) in [(None, 3), (Some(HolidayCalendar::UsFederal), 1)] {
            let schedule = Schedule::new(rules(holidays));
            assert_eq!(DayResolver::new(&schedule, thanksgiving, thanksgiving).day(thanksgiving).len(), segments);
        }
    }
}
