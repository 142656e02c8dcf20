//! Numbers as the contract writes them: money to 0.01, rates and scores and energy each to their own digits.

use crate::domain::units::{Energy, Money, Price};
use jiff::Timestamp;

/// Currency, rounded half away from zero to 0.01.
pub fn money(amount: Money) -> f64 {
    amount.cents() as f64 / 100.0
}

/// An instant to the millisecond.
pub fn moment(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// A price for one unit (a fee), as money.
pub fn fee(price: Price) -> f64 {
    money(price.once())
}

/// Cents per kWh to 4 decimals.
pub fn cents_per_kwh(price: Price) -> f64 {
    rounded(price.cents(), 4)
}

/// The all-in price of `energy` that costs `cost`, cents per kWh to 4 decimals; nothing used has no price.
pub fn average_rate(cost: Money, energy: Energy) -> Option<f64> {
    (energy > Energy::ZERO).then(|| {
        // 10⁻¹⁵ currency over 10⁻⁶ kWh is 10⁻⁹ currency per kWh, 10⁻⁷ cents: 10⁻⁴ cents are left after a thousand.
        let ten_thousandths =
            crate::domain::units::div_round(cost.femtos(), i128::from(energy.mwh_thousandths()) * 1_000);
        ten_thousandths as f64 / 1e4
    })
}

/// kWh to 3 decimals.
pub fn kwh(energy: Energy) -> f64 {
    crate::domain::units::div_round(i128::from(energy.mwh_thousandths()), 1_000) as f64 / 1e3
}

/// A score or percentage to 2 decimals.
pub fn score(value: f64) -> f64 {
    rounded(value, 2)
}

/// `value` rounded half away from zero to `digits` decimals; what is no number becomes zero.
pub fn rounded(value: f64, digits: i32) -> f64 {
    if !value.is_finite() {
        return 0.0;
    }
    let scale = 10f64.powi(digits);
    let rounded = (value * scale).round() / scale;
    // No minus before a zero.
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_half_away_from_zero() {
        let cases = [
            (money(Money::from_femtos(12_345_000_000_000_000)), "12.35"),
            (money(Money::from_femtos(-12_345_000_000_000_000)), "-12.35"),
            (kwh(Energy::from_mwh_thousandths(1_234_500)), "1.235"),
            (score(-0.001), "0"),
            (rounded(f64::NAN, 2), "0"),
        ];
        for (value, written) in cases {
            assert_eq!(value.to_string(), written);
        }
    }

    #[test]
    fn the_average_rate_is_cost_over_energy_in_cents() {
        assert_eq!(average_rate(Money::from_cents(100_00), Energy::from_whole_kwh(1_000)), Some(10.0));
        assert_eq!(average_rate(Money::from_cents(1), Energy::from_whole_kwh(3)), Some(0.3333));
        assert_eq!(average_rate(Money::from_cents(9_95), Energy::ZERO), None);
    }
}
