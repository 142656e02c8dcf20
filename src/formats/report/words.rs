//! Amounts, dates and months as the page writes them.

use crate::domain::advice::wording;
use crate::domain::advice::{Mark, PriceConfidence, RankedPlan, RiskLevel, Severity};
use crate::domain::catalog::PlanKind;
use crate::domain::units::Money;
use jiff::Timestamp;
use jiff::civil::Date;

/// With cents: `$1,234.50`.
pub fn money(currency: &str, amount: f64) -> String {
    wording::money(currency, Money::from_cents((amount * 100.0).round() as i64))
}

/// Without its sign of currency, for the cells of a table that names it: `1,235`, `-12`.
pub fn whole(amount: f64) -> String {
    let rounded = amount.round();
    let sign = if rounded < 0.0 { "-" } else { "" };
    format!("{sign}{}", wording::grouped(rounded.abs() as u64))
}

/// Beside a line of a chart, where there is little room: `$1,000`, `$25k`, `1,000` of a currency without a sign.
pub fn tick(currency: &str, amount: f64) -> String {
    let (amount, unit) = if amount.abs() >= 10_000.0 { (amount / 1_000.0, "k") } else { (amount, "") };
    let has_sign = matches!(currency, "USD" | "AUD" | "NZD" | "CAD" | "GBP" | "EUR");
    if has_sign { format!("{}{unit}", wording::about(currency, amount)) } else { format!("{}{unit}", whole(amount)) }
}

/// All-in, per kWh: `12.34 ¢/kWh`.
pub fn rate(currency: &str, cents: f64) -> String {
    let unit = match currency {
        "USD" | "AUD" | "NZD" | "CAD" => "¢",
        "GBP" => "p",
        "EUR" => "ct",
        _ => "cents",
    };
    format!("{cents:.2} {unit}/kWh")
}

pub fn kwh(amount: f64) -> String {
    format!("{} kWh", whole(amount))
}

/// `23 November 2026`.
pub fn date(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// The day in UTC.
pub fn day(time: Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

/// `Nov`.
pub fn short_month(month: Date) -> String {
    month.strftime("%b").to_string()
}

/// `November 2026`.
pub fn long_month(month: Date) -> String {
    month.strftime("%B %Y").to_string()
}

/// `Steady 12 of Acorn Power`.
pub fn full_name(plan: &RankedPlan) -> String {
    format!("{} of {}", plan.plan_name, plan.supplier_name)
}

pub fn term(months: u32) -> String {
    if months == 0 { "month to month".to_owned() } else { wording::months(months) }
}

pub const fn kind(kind: PlanKind) -> &'static str {
    match kind {
        PlanKind::Fixed => "fixed price",
        PlanKind::Variable => "variable price",
        PlanKind::Indexed => "follows the market price",
        PlanKind::Tiered => "price by tier of use",
        PlanKind::TimeOfUse => "price by time of day",
        PlanKind::Prepaid => "prepaid",
    }
}

pub const fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Cheapest => "Cheapest",
        Mark::Greenest => "Greenest",
        Mark::MostFlexible => "Most flexible",
        Mark::ParetoFront => "Beaten by none on every measure",
    }
}

pub const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Note",
        Severity::Warning => "Warning",
        Severity::Critical => "Critical",
    }
}

pub const fn severity_class(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "badge info",
        Severity::Warning => "badge warning",
        Severity::Critical => "badge critical",
    }
}

pub const fn risk_level(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "low",
        RiskLevel::Medium => "medium",
        RiskLevel::High => "high",
    }
}

pub fn price_confidence(confidence: PriceConfidence) -> String {
    match confidence {
        PriceConfidence::Verified => "checked against the published averages".to_owned(),
        PriceConfidence::Parsed => "as the catalog states it".to_owned(),
        PriceConfidence::Estimated { residual_cents } => {
            format!("estimated from published averages, within {residual_cents:.2} cents per kWh")
        }
        PriceConfidence::Unreproduced { residual_cents } => {
            format!("not certain: published averages are missed by {residual_cents:.2} cents per kWh")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_dates_read_as_in_a_letter() {
        assert_eq!(money("USD", 1_234.5), "$1,234.50");
        assert_eq!(money("CHF", -0.05), "-CHF 0.05");
        assert_eq!((whole(-0.4), whole(1_234.5), whole(-12.6)), ("0".into(), "1,235".into(), "-13".into()));
        assert_eq!((tick("USD", -25_000.0), tick("CHF", -1_000.0)), ("-$25k".into(), "-1,000".into()));
        assert_eq!(rate("GBP", 24.5), "24.50 p/kWh");
        assert_eq!(date(jiff::civil::date(2026, 3, 1)), "1 March 2026");
        assert_eq!((term(0), term(1)), ("month to month".to_owned(), "1 month".to_owned()));
    }
}
