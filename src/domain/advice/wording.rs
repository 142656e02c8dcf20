//! Amounts as a reader expects them: `$1,234.50`, `1,200 kWh`, `12 months`.

use crate::domain::units::Money;

/// With cents: `$12.30`, `-£4.00`, `CHF 12.30`.
pub fn money(currency: &str, amount: Money) -> String {
    let cents = amount.cents();
    signed(currency, cents < 0, &format!("{}.{:02}", grouped(cents.unsigned_abs() / 100), cents.unsigned_abs() % 100))
}

/// Rounded to whole units: `$1,235`.
pub fn about(currency: &str, amount: f64) -> String {
    let whole = amount.round();
    signed(currency, whole < 0.0, &grouped(whole.abs() as u64))
}

fn signed(currency: &str, negative: bool, digits: &str) -> String {
    let sign = if negative { "-" } else { "" };
    match currency {
        "USD" | "AUD" | "NZD" | "CAD" => format!("{sign}${digits}"),
        "GBP" => format!("{sign}£{digits}"),
        "EUR" => format!("{sign}€{digits}"),
        other => format!("{sign}{other} {digits}"),
    }
}

/// Digits in groups of three.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 month`, `12 months`.
pub fn months(count: u32) -> String {
    if count == 1 { "1 month".into() } else { format!("{count} months") }
}

/// Without needless decimals: `12`, `12.5`.
pub fn percent(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_in_a_letter() {
        assert_eq!(money("USD", Money::from_cents(12_345_678)), "$123,456.78");
        assert_eq!(money("GBP", Money::from_cents(-5)), "-£0.05");
        assert_eq!(money("CHF", Money::from_cents(100_000)), "CHF 1,000.00");
        assert_eq!(about("USD", -1_234.6), "-$1,235");
        assert_eq!(about("USD", 0.2), "$0");
        assert_eq!((grouped(0), grouped(999), grouped(1_000_000)), ("0".into(), "999".into(), "1,000,000".into()));
        assert_eq!((months(1), months(12)), ("1 month".into(), "12 months".into()));
        assert_eq!((percent(12.0), percent(12.54), percent(100.0)), ("12%".into(), "12.5%".into(), "100%".into()));
    }
}
