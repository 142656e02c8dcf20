//! The cancellation fee as offers write it: `175.00 per ESIID`, `20/month remaining`, `20 por cada mes restante`.

use crate::domain::catalog::ExitFee;
use crate::domain::units::Price;

/// The fee; absent when the text is empty or holds no number.
pub fn read(text: &str) -> Option<ExitFee> {
    let text = text.to_lowercase();
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let digits: String = text[start..]
        .chars()
        .take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        .filter(|c| *c != ',')
        .collect();
    let fee = Price::from_currency(digits.trim_end_matches('.').parse().ok()?).ok()?;
    if fee.is_zero() {
        return Some(ExitFee::None);
    }
    let rest = &text[start..];
    // "mes" alone is Spanish for month; "meses" and "monthly" begin the same way and mean the same.
    let per_month = ["month", "/mes", " mes", "remaining", "restante", "left"].iter().any(|word| rest.contains(word));
    Some(if per_month { ExitFee::PerMonthLeft { fee } } else { ExitFee::Flat { fee } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_offers_write_a_fee_is_read() {
        let dollars = |value: f64| Price::from_currency(value).expect("a price");
        let flat = |value| Some(ExitFee::Flat { fee: dollars(value) });
        let monthly = |value| Some(ExitFee::PerMonthLeft { fee: dollars(value) });
        for (text, fee) in [
            ("150.00", flat(150.0)),
            ("175.00 per ESIID", flat(175.0)),
            ("179.99", flat(179.99)),
            ("$1,000", flat(1000.0)),
            ("0.00", Some(ExitFee::None)),
            ("0 Cancel anytime, no exit fees", Some(ExitFee::None)),
            (" 20/month remaining ", monthly(20.0)),
            ("20/mes restante", monthly(20.0)),
            ("15 per remaining month", monthly(15.0)),
            ("15 por mes restante", monthly(15.0)),
            ("20.00 per month left in term", monthly(20.0)),
            ("20.00 por cada mes dejado  ", monthly(20.0)),
            ("\t20 por cada mes restante", monthly(20.0)),
            ("$20 por cada mes restante", monthly(20.0)),
            ("20/remaining month.", monthly(20.0)),
            ("", None),
            ("see EFL", None),
        ] {
            assert_eq!(read(text), fee, "{text}");
        }
    }
}
