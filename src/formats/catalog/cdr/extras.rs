//! What a contract has beside its prices: feed-in credits, discounts, fees.

use super::super::fields::{Filling, charge, fixed};
use super::{dollars, items, rates, text};
use crate::domain::catalog::ExitFee;
use crate::domain::tariff::model::{
    Amount, Charge, ExportCarry, ExportOffset, ExportRules, Per, Register, Tag, Tariff, WindowPrice,
};
use crate::domain::units::{Percent, Price};
use serde_json::Value;

/// The retailer's feed-in credit; further schemes depend on the customer and are told, not taken.
pub fn feed_in(contract: &Value, tariff: &mut Tariff, filling: &mut Filling) -> Result<(), String> {
    let schemes = items(contract, "solarFeedInTariff");
    let ordinary =
        |scheme: &&Value| text(scheme, "scheme") != Some("PREMIUM") && text(scheme, "payerType") != Some("GOVERNMENT");
    let Some(scheme) = schemes.iter().find(ordinary) else { return Ok(()) };
    if schemes.len() > 1 {
        filling.note("feed-in schemes beyond the retailer's first depend on the customer and are not imported");
    }
    let amount = match text(scheme, "tariffUType") {
        Some("timeVaryingTariffs") => varying(scheme)?,
        _ => match scheme.get("singleTariff") {
            Some(single) => {
                let piece = rates::feed_in(single)?;
                let worthless = piece.steps.iter().all(|(price, _)| price.is_zero());
                if worthless { None } else { Some(rates::ladder(&piece, Register::Export, None)?) }
            }
            None => None,
        },
    };
    if let Some(amount) = amount {
        let mut credit = charge("feed-in", "Solar feed-in", Tag::Export, amount);
        credit.credit = true;
        tariff.charges.push(credit);
        tariff.export =
            Some(ExportRules { offset: ExportOffset::All, carry: ExportCarry::Money, expires_month: None, cap: None });
    }
    Ok(())
}

fn varying(scheme: &Value) -> Result<Option<Amount>, String> {
    let rates = match scheme.get("timeVaryingTariffs") {
        Some(Value::Array(rates)) => rates.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let mut windows = Vec::new();
    for rate in rates {
        let label = text(rate, "type").map(str::to_owned);
        for (when, price) in rates::feed_in_windows(rate)? {
            windows.push(WindowPrice { when: Some(when), price, label: label.clone() });
        }
    }
    if windows.iter().all(|window| window.price.is_zero()) {
        return Ok(None);
    }
    // Hours no rate names are not paid for.
    windows.push(WindowPrice { when: None, price: Price::ZERO, label: None });
    Ok(Some(Amount::Energy {
        register: Register::Export,
        price: None,
        windows,
        series: None,
        blocks: None,
        when: None,
        delivery_exempt: false,
    }))
}

/// Guaranteed discounts as credits, conditional ones as words. `gst` is what lines carry on top, in percent.
pub fn discounts(
    contract: &Value,
    gst: f64,
    charges: &mut Vec<Charge>,
    conditions: &mut Vec<String>,
) -> Result<(), String> {
    for (n, discount) in items(contract, "discounts").iter().enumerate() {
        let label = text(discount, "displayName").unwrap_or("Discount");
        if text(discount, "type") == Some("CONDITIONAL") {
            let words = text(discount, "description").unwrap_or("conditional discount");
            conditions.push(format!("{label}: {words}"));
            continue;
        }
        let percent = |part: &str| -> Result<Option<f64>, String> {
            Ok(discount
                .get(part)
                .map(|part| dollars(part, "rate"))
                .transpose()?
                .flatten()
                .map(|rate| rate.currency() * 100.0))
        };
        let of = |percent: f64, of: &[Tag]| {
            // A discount is stated on prices with tax; the lines it is taken from are without.
            let percent = Percent::from_percent((percent * (100.0 + gst) * 1e4).round() / 1e6);
            percent
                .map(|percent| Amount::Percent { percent, of: of.to_vec() })
                .map_err(|e| format!("the discount {label} {e}"))
        };
        let amount = if let Some(bill) = percent("percentOfBill")? {
            of(bill, &[Tag::Energy, Tag::Fixed])?
        } else if let Some(usage) = percent("percentOfUse")? {
            of(usage, &[Tag::Energy])?
        } else if let Some(sum) = discount.get("fixedAmount").map(|part| dollars(part, "amount")).transpose()?.flatten()
        {
            fixed(sum, Per::Year)
        } else {
            return Err(format!("the guaranteed discount \"{label}\" is of a kind that cannot be priced"));
        };
        let mut credit = charge(format!("discount-{}", n + 1), label, Tag::Credit, amount);
        credit.credit = true;
        charges.push(credit);
    }
    Ok(())
}

/// Fees that are no part of a month's bill.
pub struct Fees {
    pub exit: ExitFee,
    pub joining: Option<Price>,
}

/// Membership fees as charges; exit and joining fees by themselves; fees for events as words.
pub fn fees(contract: &Value, charges: &mut Vec<Charge>, conditions: &mut Vec<String>) -> Result<Fees, String> {
    let mut found = Fees { exit: ExitFee::None, joining: None };
    for (n, fee) in items(contract, "fees").iter().enumerate() {
        let (kind, term) = (text(fee, "type").unwrap_or("OTHER"), text(fee, "term").unwrap_or("FIXED"));
        let words = text(fee, "description").unwrap_or(kind);
        let amount = dollars(fee, "amount")?.filter(|amount| *amount > Price::ZERO);
        let per = match term {
            "ANNUAL" | "1_YEAR" => Some(Per::Year),
            "MONTHLY" => Some(Per::Month),
            "DAILY" => Some(Per::Day),
            _ => None,
        };
        match (kind, amount, per) {
            ("EXIT", Some(fee), _) if term == "FIXED" => found.exit = ExitFee::Flat { fee },
            ("ESTABLISHMENT", Some(fee), _) if term == "FIXED" => found.joining = Some(fee),
            ("MEMBERSHIP", Some(sum), Some(per)) => {
                charges.push(charge(format!("fee-{}", n + 1), "Membership fee", Tag::Fee, fixed(sum, per)));
            }
            (_, Some(sum), _) => {
                conditions.push(format!("{} {:.2}: {words}", kind.to_lowercase().replace('_', " "), sum.currency()));
            }
            (_, None, _) => {}
        }
    }
    Ok(found)
}
