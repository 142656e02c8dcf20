//! Whether to stay on the current plan: judged on plan 1 alone, with a confidence from the usage paths (method.md 6).

use super::answer::{Stay, StayTrigger, SwitchAction, SwitchTiming, dollars, rounded};
use super::current::CurrentCost;
use super::ranking::Shown;
use super::savings::Comparison;
use super::wording::{money, months, percent};
use crate::domain::units::Money;

/// First-year savings below this are not worth a switch.
pub const LEAST_NET_SAVINGS: Money = Money::from_cents(5_000);
pub const LONGEST_BREAK_EVEN_MONTHS: u32 = 24;
/// A current plan this close to the best one is as good, as a share of the best one's cost.
pub const AS_GOOD_AS: f64 = 0.02;

/// The verdict on switching to the best plan.
pub fn stay(
    best: &Shown<'_>,
    comparison: &Comparison,
    current: &CurrentCost,
    timing: &SwitchTiming,
    currency: &str,
) -> Stay {
    let triggers = triggers(comparison, waiting_pays(timing));
    let should_stay = !triggers.is_empty();
    let confidence = agreeing_share(should_stay, best, comparison, current, waiting_pays(timing));
    Stay {
        should_stay,
        reasoning: reasoning(&triggers, comparison, timing, currency),
        triggers,
        net_annual_savings: Some(dollars(comparison.first_year())),
        break_even_months: comparison.break_even_months(),
        confidence: rounded(confidence, 2),
    }
}

fn waiting_pays(timing: &SwitchTiming) -> bool {
    timing.action == SwitchAction::Wait && timing.savings_over_now > 0.0
}

fn triggers(comparison: &Comparison, waiting_pays: bool) -> Vec<StayTrigger> {
    let too_long = comparison.break_even_months().is_some_and(|months| months > LONGEST_BREAK_EVEN_MONTHS);
    let near = comparison.annual().currency() <= AS_GOOD_AS * comparison.new.currency();
    let all = [
        (comparison.first_year() < LEAST_NET_SAVINGS, StayTrigger::LowNetSavings),
        (too_long, StayTrigger::LongBreakEven),
        (waiting_pays, StayTrigger::BetterToWait),
        (near, StayTrigger::CurrentPlanNearBest),
    ];
    all.into_iter().filter_map(|(holds, trigger)| holds.then_some(trigger)).collect()
}

/// The share of the usage paths on which the verdict is the same; both plans see the same paths.
fn agreeing_share(
    should_stay: bool,
    best: &Shown<'_>,
    comparison: &Comparison,
    current: &CurrentCost,
    waiting_pays: bool,
) -> f64 {
    let pairs = current.paths.iter().zip(&best.cost.paths);
    let verdicts: Vec<bool> = pairs
        .map(|(&current, &new)| {
            let [current, new] = [current, new].map(super::year::to_money);
            let on_path = Comparison { current, new, switching_cost: comparison.switching_cost };
            // Waiting is judged on the expected year: it moves every path alike.
            !triggers(&on_path, waiting_pays).is_empty()
        })
        .collect();
    if verdicts.is_empty() {
        return 1.0;
    }
    verdicts.iter().filter(|&&stays| stays == should_stay).count() as f64 / verdicts.len() as f64
}

fn reasoning(triggers: &[StayTrigger], comparison: &Comparison, timing: &SwitchTiming, currency: &str) -> String {
    let Some(first) = triggers.first() else {
        return format!(
            "Switching saves {} in the first year after all its costs.",
            money(currency, comparison.first_year())
        );
    };
    let annual = comparison.annual();
    match first {
        _ if triggers.contains(&StayTrigger::BetterToWait) => format!(
            "Switching on {} instead of today saves {} more: stay until then.",
            timing.recommended_date,
            money(currency, Money::from_currency(timing.savings_over_now).unwrap_or(Money::ZERO))
        ),
        _ if annual.is_negative() => {
            format!("The best plan costs {} a year more than the current one.", money(currency, -annual))
        }
        StayTrigger::LowNetSavings => format!(
            "After the cost of switching, the best plan {}.",
            if comparison.first_year().is_negative() {
                format!("loses {} in the first year", money(currency, -comparison.first_year()))
            } else {
                format!("saves only {} in the first year", money(currency, comparison.first_year()))
            }
        ),
        StayTrigger::LongBreakEven => format!(
            "It takes {} of savings to pay for the switch.",
            months(comparison.break_even_months().unwrap_or(LONGEST_BREAK_EVEN_MONTHS))
        ),
        _ => format!("The current plan is within {} of the best one.", percent(AS_GOOD_AS * 100.0)),
    }
}
