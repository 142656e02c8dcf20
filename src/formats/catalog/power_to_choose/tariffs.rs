//! A fitted shape as a tariff, and what it bills at the three published levels.

use super::super::fields::{charge, fixed, flat, tariff};
use super::fit::{DeliveryCharges, LEVELS, Shape};
use super::prose::{Stated, Sum};
use crate::domain::calendar::{Month, calendar_windows};
use crate::domain::catalog::{PlanKind, Utility};
use crate::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, Condition, DeliveryTariff, DeliveryVersion, Per, Register, Reset,
    Tag, Tariff, UsageBand,
};
use crate::domain::tariff::{Cents, Load, Pricer, RateStructure, compile};
use crate::domain::units::{Energy, Price};
use jiff::civil::Date;

/// The delivery charges of a utility on a day, as a tariff of that one version and as numbers.
#[derive(Debug, Clone)]
pub struct DeliveryInForce {
    pub tariff: DeliveryTariff,
    pub charges: DeliveryCharges,
}

/// Utilities change their charges at least every March and September: older figures are not in force any more.
const STALE_DAYS: i64 = 270;

/// The version in force on a day; absent when none is known for it, or it has charges other than per bill and per kWh.
pub fn delivery_on(utility: &Utility, day: Option<Date>) -> Option<DeliveryInForce> {
    let (delivery, day) = (utility.delivery.as_ref()?, day?);
    let version = delivery.versions.iter().rev().find(|version| version.effective <= day)?;
    if crate::domain::calendar::days_between(version.effective, day) > STALE_DAYS {
        return None;
    }
    let mut charges = DeliveryCharges { month: 0.0, kwh: 0.0 };
    for charge in &version.charges {
        match &charge.amount {
            Amount::Fixed { value, per: Per::Bill | Per::Month } if charge.condition.is_none() && !charge.credit => {
                charges.month += value.currency();
            }
            Amount::Energy { price: Some(price), when: None, register: Register::Import, .. }
                if charge.condition.is_none() && !charge.credit =>
            {
                charges.kwh += price.currency();
            }
            _ => return None,
        }
    }
    // In force from long ago, so that the window the check bills does not matter.
    let always = DeliveryVersion { effective: Date::constant(2000, 1, 1), charges: version.charges.clone() };
    Some(DeliveryInForce {
        tariff: DeliveryTariff { versions: vec![always], rate_change: delivery.rate_change },
        charges,
    })
}

/// The tariff of a shape.
pub fn tariff_of(shape: &Shape, stated: &Stated) -> Tariff {
    let mut charges = Vec::new();
    if shape.base.abs() >= 0.005 {
        let label = if shape.base < 0.0 { "Monthly credit" } else { "Base charge" };
        charges.push(sum_charge("base", label, shape.base, None));
    }
    if shape.prices.iter().any(|price| *price > 0.0) || !(shape.stated && stated.has_energy()) {
        let label = if shape.stated && stated.has_energy() { "Delivery and other charges" } else { "Energy charge" };
        charges.push(charge("energy", label, Tag::Energy, ladder(&shape.bounds, &shape.prices)));
    }
    if let Some(Sum { amount, band, .. }) = &shape.extra {
        let label = if *amount < 0.0 { "Usage credit" } else { "Minimum usage fee" };
        charges.push(sum_charge("inferred", label, *amount, Some(in_band(*band, &[]))));
    }
    if shape.stated {
        charges.extend(stated_charges(stated));
    }
    tariff(charges)
}

fn stated_charges(stated: &Stated) -> Vec<Charge> {
    let mut charges = Vec::new();
    if stated.base > 0.0 {
        charges.push(sum_charge("stated-base", "Base charge", stated.base, None));
    }
    if let Some((bounds, prices)) = &stated.blocks {
        charges.push(charge("stated-energy", "Energy charge", Tag::Energy, ladder(bounds, prices)));
    }
    for (n, (band, price)) in stated.banded.iter().enumerate() {
        let mut banded =
            charge(format!("energy-{}", n + 1), "Energy charge", Tag::Energy, flat(Price::nearest(*price)));
        banded.condition = Some(in_band(*band, &[]));
        charges.push(banded);
    }
    for (n, Sum { amount, band, months }) in stated.sums.iter().enumerate() {
        let (id, label) = if *amount < 0.0 { ("credit", "Usage credit") } else { ("fee", "Minimum usage fee") };
        charges.push(sum_charge(&format!("{id}-{}", n + 1), label, *amount, Some(in_band(*band, months))));
    }
    charges
}

fn in_band(band: UsageBand, months: &[u8]) -> Condition {
    Condition { usage: Some(band), months: months.to_vec(), contract_months: None }
}

/// A sum per bill; a negative one is a credit.
fn sum_charge(id: &str, label: &str, amount: f64, condition: Option<Condition>) -> Charge {
    let tag = match (amount < 0.0, condition.is_some()) {
        (true, _) => Tag::Credit,
        (false, true) => Tag::Fee,
        (false, false) => Tag::Fixed,
    };
    let mut made = charge(id, label, tag, fixed(Price::nearest(amount.abs()), Per::Bill));
    made.credit = amount < 0.0;
    made.condition = condition;
    made
}

fn ladder(bounds: &[f64], prices: &[f64]) -> Amount {
    if let ([], [price]) = (bounds, prices) {
        return flat(Price::nearest(*price));
    }
    Amount::Energy {
        register: Register::Import,
        price: None,
        windows: Vec::new(),
        series: None,
        blocks: Some(Blocks {
            bounds: bounds.iter().map(|kwh| Energy::from_kwh(*kwh).unwrap_or_default()).collect(),
            prices: prices.iter().map(|price| Price::nearest(*price)).collect(),
            reset: Reset::Bill,
            unit: BlockUnit::Kwh,
            scope: BlockScope::PerWindow,
            prorate: false,
        }),
        when: None,
        delivery_exempt: false,
    }
}

/// The short form, where the shape is one price and at most a base charge: rate and monthly fee.
pub fn short_form(shape: &Shape, kind: PlanKind) -> Option<(RateStructure, Option<Price>)> {
    let ([price], true, false) = (&shape.prices[..], shape.extra.is_none(), shape.stated) else { return None };
    if shape.base < -0.005 || !shape.bounds.is_empty() {
        return None;
    }
    let rate = Cents(Price::nearest(*price));
    let fee = (shape.base >= 0.005).then(|| Price::nearest(shape.base));
    let rate = match kind {
        PlanKind::Variable | PlanKind::Indexed => {
            RateStructure::Variable { base_rate: rate, historical_avg_rate: None }
        }
        _ => RateStructure::Fixed { rate_per_kwh: rate },
    };
    Some((rate, fee))
}

/// The largest difference between billed and published averages, in cents per kWh; absent when it cannot be billed.
pub fn residual_cents(tariff: &Tariff, delivery: Option<&DeliveryTariff>, averages: [f64; 3]) -> Option<f64> {
    let compiled = compile(tariff, delivery, None).ok()?;
    // Spring months: no summer credit, and bills of months one to three.
    let windows = calendar_windows(Month::new(2026, 3).ok()?, 3);
    let months: Vec<_> = windows.into_iter().zip(LEVELS.map(|kwh| Energy::from_whole_kwh(kwh as i64))).collect();
    let load = Load::from_totals(&months);
    let totals = Pricer::new(&load).totals(&compiled).ok()?;
    let differences = totals.iter().zip(LEVELS).zip(averages);
    Some(
        differences.map(|((total, kwh), average)| (total.currency() / kwh - average).abs() * 100.0).fold(0.0, f64::max),
    )
}
