//! What a switch saves, and when it has paid for itself (method.md 5).

use super::answer::{Savings, dollars, rounded};
use crate::domain::units::Money;

/// A plan against the current one, both over the coming year with all recurring fees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub current: Money,
    pub new: Money,
    /// The current plan's exit fee and the new plan's one-time fees.
    pub switching_cost: Money,
}

impl Comparison {
    /// Negative when the new plan costs more.
    pub fn annual(&self) -> Money {
        self.current - self.new
    }
    /// After the cost of switching.
    pub fn first_year(&self) -> Money {
        self.annual() - self.switching_cost
    }
    /// Of the current cost; 0 when that is zero.
    pub fn percent(&self) -> f64 {
        if self.current.is_zero() { 0.0 } else { 100.0 * self.annual().currency() / self.current.currency() }
    }
    pub fn break_even_months(&self) -> Option<u32> {
        break_even_months(self.switching_cost, self.annual())
    }
    pub fn answer(&self) -> Savings {
        Savings {
            annual_savings: dollars(self.annual()),
            savings_percentage: rounded(self.percent(), 2),
            monthly_savings: dollars(self.annual().scale(1, 12)),
            break_even_months: self.break_even_months(),
            switching_cost: dollars(self.switching_cost),
        }
    }
}

/// Months of savings that pay for a switch, a part of a month counted as one; `None` when nothing is saved.
pub fn break_even_months(switching_cost: Money, annual_savings: Money) -> Option<u32> {
    if annual_savings <= Money::ZERO {
        return None;
    }
    let (cost, saved) = (switching_cost.max(Money::ZERO).femtos() * 12, annual_savings.femtos());
    u32::try_from((cost + saved - 1) / saved).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_fee_of_150_at_12_a_month_is_earned_back_in_13_months() {
        let cases = [
            (15_000, 14_400, Some(13)),
            (14_400, 14_400, Some(12)),
            (14_401, 14_400, Some(13)),
            (0, 1, Some(0)),
            (15_000, 0, None),
            (15_000, -500, None),
        ];
        for (cost, savings, expected) in cases {
            let months = break_even_months(Money::from_cents(cost), Money::from_cents(savings));
            assert_eq!(months, expected, "{cost} at {savings} a year");
        }
    }

    #[test]
    fn savings_compare_recurring_costs_and_count_switching_apart() {
        let comparison = Comparison {
            current: Money::from_cents(150_000),
            new: Money::from_cents(120_000),
            switching_cost: Money::from_cents(17_500),
        };
        let expected = Savings {
            annual_savings: 300.0,
            savings_percentage: 20.0,
            monthly_savings: 25.0,
            break_even_months: Some(7),
            switching_cost: 175.0,
        };
        assert_eq!(comparison.answer(), expected);
        assert_eq!(comparison.first_year(), Money::from_cents(12_500));
    }

    #[test]
    fn a_free_current_plan_divides_nothing_by_zero() {
        let comparison = Comparison { current: Money::ZERO, new: Money::from_cents(5), switching_cost: Money::ZERO };
        assert_eq!((comparison.percent(), comparison.break_even_months()), (0.0, None));
    }
}
