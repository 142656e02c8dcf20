//! When to switch: today against every later month up to the end of the current contract (method.md 5).
//!
//! Months are counted from `as_of`; the n-th costs what the n-th projected month costs, over and over. The new plan's
//! prices are taken as they are today.

use super::answer::{SwitchAction, SwitchTiming, TimingOption, dollars};
use super::current::{Current, CurrentCost, days_until, months_left};
use super::year::MONTHS;
use crate::domain::units::Money;
use jiff::ToSpan;
use jiff::civil::Date;

/// No contract is looked at further ahead: one that ends in the year 9999 is as good as endless.
pub const LONGEST_HORIZON_MONTHS: u32 = 60;

/// A switch to one plan, as the comparison sees it.
#[derive(Debug, Clone, Copy)]
pub struct NewPlan<'a> {
    pub months: &'a [Money; MONTHS],
    pub one_time: Money,
}

/// The best day to switch to `new`, and how it was found.
pub fn switch_timing(as_of: Date, current: Option<&Current<'_>>, new: NewPlan<'_>) -> SwitchTiming {
    let Some(current) = current else { return without_current(as_of) };
    let Some(cost) = &current.cost else { return without_cost(as_of, current) };
    let horizon = horizon_months(as_of, current.end);
    let timeline = Timeline { as_of, horizon, current, cost, new };
    let days = candidate_days(as_of, current, horizon);
    let costs: Vec<Money> = days.iter().map(|&day| timeline.cost(day)).collect();
    // Of equal costs the earliest day: nothing is gained by waiting.
    let best = (0..days.len()).min_by_key(|&n| (costs[n], n)).unwrap_or(0);
    let stay = timeline.cost_of_staying();
    let action = match best {
        _ if stay <= costs[best] => SwitchAction::Stay,
        0 => SwitchAction::SwitchNow,
        _ => SwitchAction::Wait,
    };
    let saved = costs[0] - costs[best];
    SwitchTiming {
        action,
        recommended_date: days[best],
        savings_over_now: dollars(saved),
        exit_fee_now: dollars(current.exit_fee(as_of)),
        exit_fee_then: dollars(current.exit_fee(days[best])),
        cost_if_now: Some(dollars(costs[0])),
        cost_if_then: Some(dollars(costs[best])),
        horizon_months: horizon,
        contract_end_date: current.end,
        reason: reason(action, current, as_of, days[best]),
        options: days
            .iter()
            .zip(&costs)
            .map(|(&date, &total)| TimingOption {
                date,
                exit_fee: dollars(current.exit_fee(date)),
                total_cost: dollars(total),
            })
            .collect(),
    }
}

/// The longer of twelve months and the rest of the contract.
fn horizon_months(as_of: Date, end: Option<Date>) -> u32 {
    end.map_or(0, |end| months_left(as_of, end)).clamp(MONTHS as u32, LONGEST_HORIZON_MONTHS)
}

/// Today, every later month of the contract, and the first day that is free of an exit fee.
fn candidate_days(as_of: Date, current: &Current<'_>, horizon: u32) -> Vec<Date> {
    let mut days = vec![as_of];
    let Some(end) = current.end.filter(|&end| end > as_of) else { return days };
    let last = end.min(month_start(as_of, horizon));
    days.extend((1..=horizon).map(|n| month_start(as_of, n)).filter(|&day| day <= last));
    days.extend(current.free_from().filter(|&free| free > as_of && free <= last));
    days.sort_unstable();
    days.dedup();
    days
}

fn month_start(as_of: Date, n: u32) -> Date {
    as_of.saturating_add(i64::from(n).months())
}

struct Timeline<'a> {
    as_of: Date,
    horizon: u32,
    current: &'a Current<'a>,
    cost: &'a CurrentCost,
    new: NewPlan<'a>,
}

impl Timeline<'_> {
    /// The whole horizon with a switch on `day`: the old plan before it, the exit fee, the new plan after it.
    fn cost(&self, day: Date) -> Money {
        let mut total = self.current.exit_fee(day) + self.new.one_time;
        for n in 0..self.horizon {
            let (start, end) = (month_start(self.as_of, n), month_start(self.as_of, n + 1));
            let days = days_until(start, end).max(1);
            let before = days_until(start, day.clamp(start, end));
            total += self.staying(n, day);
            total += self.new.months[n as usize % MONTHS].scale(days - before, days);
        }
        total
    }

    fn cost_of_staying(&self) -> Money {
        (0..self.horizon).map(|n| self.staying(n, Date::MAX)).sum()
    }

    fn staying(&self, n: u32, until: Date) -> Money {
        staying(self.as_of, self.current.end, self.cost, n, until)
    }
}

/// The days of the n-th month before `until` on the current plan; those after its end at the price its terms state
/// for then.
pub fn staying(as_of: Date, contract_end: Option<Date>, cost: &CurrentCost, n: u32, until: Date) -> Money {
    let (start, end) = (month_start(as_of, n), month_start(as_of, n + 1));
    let until = until.clamp(start, end);
    let over = contract_end.map_or(until, |last| last.saturating_add(1.day())).clamp(start, until);
    let (month, days) = (n as usize % MONTHS, days_until(start, end).max(1));
    let after_end = cost.months_after_end.as_ref().unwrap_or(&cost.months);
    cost.months[month].scale(days_until(start, over), days) + after_end[month].scale(days_until(over, until), days)
}

fn reason(action: SwitchAction, current: &Current<'_>, as_of: Date, best: Date) -> String {
    let ended = current.end.is_some_and(|end| end < as_of);
    match action {
        SwitchAction::Stay => "No day of the months compared makes switching cheaper than staying.".into(),
        SwitchAction::SwitchNow if ended => {
            "The current contract has ended, so every month of waiting costs more.".into()
        }
        SwitchAction::SwitchNow if current.exit_fee(as_of).is_zero() => {
            "Leaving costs nothing today, so every month of waiting costs more.".into()
        }
        SwitchAction::SwitchNow => "What the new plan saves by starting today outweighs the exit fee.".into(),
        _ if current.exit_fee(best) < current.exit_fee(as_of) && current.exit_fee(best).is_zero() => {
            format!("From {best} the current contract can be left without a fee, which outweighs what waiting costs.")
        }
        _ if current.exit_fee(best) < current.exit_fee(as_of) => {
            format!("By {best} the exit fee has fallen by more than what waiting costs.")
        }
        _ => format!("The current plan is the cheaper one until {best}."),
    }
}

fn without_current(as_of: Date) -> SwitchTiming {
    let reason = "No current plan was given, so there is nothing to wait for.".into();
    bare(as_of, SwitchAction::NoCurrentPlan, reason, None)
}

/// Nothing is known about the cost, but the exit fee is.
fn without_cost(as_of: Date, current: &Current<'_>) -> SwitchTiming {
    let end = current.end;
    let (now, free) = (current.exit_fee(as_of), current.free_from().filter(|&free| free > as_of));
    let mut timing = match free {
        Some(free) if !now.is_zero() => {
            let reason =
                format!("The cost of the current plan is not known; from {free} it can be left without a fee.");
            bare(free, SwitchAction::Wait, reason, end)
        }
        _ => {
            let reason = "The cost of the current plan is not known, so no savings can be compared.".into();
            bare(as_of, SwitchAction::SwitchNow, reason, end)
        }
    };
    timing.exit_fee_now = dollars(now);
    timing.exit_fee_then = dollars(current.exit_fee(timing.recommended_date));
    timing
}

fn bare(date: Date, action: SwitchAction, reason: String, end: Option<Date>) -> SwitchTiming {
    SwitchTiming {
        action,
        recommended_date: date,
        savings_over_now: 0.0,
        exit_fee_now: 0.0,
        exit_fee_then: 0.0,
        cost_if_now: None,
        cost_if_then: None,
        horizon_months: MONTHS as u32,
        contract_end_date: end,
        reason,
        options: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::advice::CurrentPlan;
    use crate::domain::units::Price;
    use jiff::civil::date;

    const AS_OF: Date = date(2026, 1, 15);

    fn timing(end: Option<Date>, fee: i64, current_month: i64, new_month: i64) -> SwitchTiming {
        let plan = CurrentPlan {
            contract_end_date: end,
            early_termination_fee: Some(Price::from_nanos(fee * 1_000_000_000)),
            ..CurrentPlan::default()
        };
        let month = Money::from_cents(current_month * 100);
        let cost = CurrentCost {
            months: [month; MONTHS],
            annual: month.scale(12, 1),
            months_after_end: None,
            paths: Vec::new(),
        };
        let current = Current { plan: &plan, listing: None, end, cost: Some(cost) };
        let months = [Money::from_cents(new_month * 100); MONTHS];
        switch_timing(AS_OF, Some(&current), NewPlan { months: &months, one_time: Money::ZERO })
    }

    #[test]
    fn the_best_day_weighs_the_exit_fee_against_waiting() {
        use SwitchAction::{Stay, SwitchNow, Wait};
        let end = Some(date(2026, 7, 14));
        let free = date(2026, 6, 30);
        let cases = [
            ("a high fee is waited out", end, 200, 120, 100, Wait, free),
            ("a low fee is paid at once", end, 50, 120, 100, SwitchNow, AS_OF),
            ("no fee", end, 0, 120, 100, SwitchNow, AS_OF),
            ("an ended contract", Some(date(2025, 12, 31)), 200, 120, 100, SwitchNow, AS_OF),
            ("a contract that ends today", Some(AS_OF), 200, 120, 100, SwitchNow, AS_OF),
            ("month to month without dates", None, 0, 120, 100, SwitchNow, AS_OF),
            ("a fee without dates, not earned back", None, 300, 120, 100, Stay, AS_OF),
            ("a dearer plan", None, 0, 100, 120, Stay, AS_OF),
        ];
        for (name, end, fee, current, new, action, day) in cases {
            let timing = timing(end, fee, current, new);
            assert_eq!((timing.action, timing.recommended_date), (action, day), "{name}: {timing:?}");
        }
    }

    #[test]
    fn the_savings_over_now_are_the_difference_of_the_two_totals() {
        let timing = timing(Some(date(2026, 7, 14)), 200, 120, 100);
        // Five months and 15 of 30 days on the current plan at $20 more a month, against the $200 fee.
        let totals = (timing.cost_if_now, timing.cost_if_then, timing.savings_over_now);
        assert_eq!(totals, (Some(1_400.0), Some(1_310.0), 90.0));
        assert_eq!((timing.exit_fee_now, timing.exit_fee_then), (200.0, 0.0));
        assert_eq!(timing.options.len(), 7);
    }

    #[test]
    fn a_contract_without_end_in_sight_is_compared_over_five_years() {
        let timing = timing(Some(date(9999, 12, 31)), 100, 120, 100);
        assert_eq!((timing.horizon_months, timing.action), (60, SwitchAction::SwitchNow));
    }
}
