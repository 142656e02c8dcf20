//! A rate record's prices as charges.
//!
//! Periods without tiers become one energy charge with windows. A tiered period climbs a ladder of its own, as the
//! database defines it; where its hours cannot be said as one window, all periods of its months must have the same
//! limits, and the month's total then climbs in proportion (SAM's reading, which gives the same when one period has
//! tiers). A demand charge may have tiers and several windows; a look back at the months before is a ratchet. Energy tiers
//! by kW, charges at the system's peak and anything else beyond the model are refused by name.

use super::super::fields::{charge, fixed, flat};
use super::record::{Record, Stated, Step};
use super::schedule::Schedule;
use crate::domain::catalog::PlanKind;
use crate::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, Condition, DemandMeasure, DemandPer, DemandStep, Per, Register,
    Reset, Tag, TotalRule, When, WindowPrice,
};
use crate::domain::units::{Energy, Price};

/// The charges of a record and the kind of plan they make.
pub fn of(record: &Record) -> Result<(Vec<Charge>, Vec<TotalRule>, PlanKind), String> {
    if let Some(beyond) = record.beyond.first() {
        return Err(format!("it has {beyond}, which cannot be priced"));
    }
    let mut charges = fixed_charges(&record.fixed)?;
    let kind = energy_charges(record, &mut charges)?;
    flat_demand(record, &mut charges)?;
    window_demand(record, &mut charges)?;
    Ok((charges, minimums(&record.minimums)?, kind))
}

fn per(unit: &str) -> Result<Per, String> {
    match unit.trim() {
        "$/month" => Ok(Per::Month),
        "$/day" => Ok(Per::Day),
        "$/year" => Ok(Per::Year),
        other => Err(format!("an amount is per \"{other}\", not per month, day or year")),
    }
}

fn fixed_charges(stated: &[Stated]) -> Result<Vec<Charge>, String> {
    let mut charges = Vec::new();
    for (n, (amount, unit)) in stated.iter().enumerate().filter(|(_, (amount, _))| *amount != 0.0) {
        let id = if n == 0 { "fixed".to_owned() } else { format!("fixed-{}", n + 1) };
        let mut made = charge(id, "Fixed charge", Tag::Fixed, fixed(Price::nearest(amount.abs()), per(unit)?));
        // Some records state a negative customer charge: a credit every month.
        made.credit = *amount < 0.0;
        charges.push(made);
    }
    Ok(charges)
}

fn minimums(stated: &[Stated]) -> Result<Vec<TotalRule>, String> {
    let rule = |(n, (amount, unit)): (usize, &Stated)| {
        Ok(TotalRule {
            id: if n == 0 { "minimum".to_owned() } else { format!("minimum-{}", n + 1) },
            label: "Minimum charge".to_owned(),
            of: vec![Tag::Energy, Tag::Fixed, Tag::Demand],
            min: Some(Price::nearest(*amount)),
            max: None,
            per: per(unit)?,
        })
    };
    stated.iter().enumerate().map(rule).collect()
}

fn energy_charges(record: &Record, charges: &mut Vec<Charge>) -> Result<PlanKind, String> {
    let Some(schedule) = &record.schedule else { return Err("it has no energy schedule".to_owned()) };
    let periods = schedule.periods();
    for period in &periods {
        if record.energy.get(*period).is_none() {
            return Err(format!("its schedule uses period {period}, which has no prices"));
        }
    }
    let ladder = |period: usize| record.energy[period].as_slice();
    if periods.iter().all(|period| ladder(*period).len() == 1) {
        return Ok(by_window(record, schedule, charges));
    }
    for period in &periods {
        let windows = schedule.windows(*period);
        let label = label(record, *period);
        let scope = if windows.len() == 1 { BlockScope::PerWindow } else { shared_scope(record, schedule, *period)? };
        for (n, when) in windows.into_iter().enumerate() {
            let when = (when != When::default()).then_some(when);
            let amount = match ladder(*period) {
                [only] => Amount::Energy {
                    register: Register::Import,
                    price: Some(Price::nearest(only.price)),
                    windows: Vec::new(),
                    series: None,
                    blocks: None,
                    when,
                    delivery_exempt: false,
                },
                steps => Amount::Energy {
                    register: Register::Import,
                    price: None,
                    windows: Vec::new(),
                    series: None,
                    blocks: Some(blocks(steps, scope)?),
                    when,
                    delivery_exempt: false,
                },
            };
            charges.push(charge(format!("energy-{period}-{n}"), label.clone(), Tag::Energy, amount));
        }
    }
    Ok(if (0..12).any(|month| schedule.of_month(month).len() > 1) { PlanKind::TimeOfUse } else { PlanKind::Tiered })
}

fn label(record: &Record, period: usize) -> String {
    match record.labels.get(period) {
        Some(label) if !label.trim().is_empty() => format!("Energy: {}", label.trim()),
        _ if record.energy.len() == 1 => "Energy charge".to_owned(),
        _ => format!("Energy: period {}", period + 1),
    }
}

/// One energy charge with a window for each price but the commonest.
fn by_window(record: &Record, schedule: &Schedule, charges: &mut Vec<Charge>) -> PlanKind {
    let price = |period: usize| Price::nearest(record.energy[period][0].price);
    // Periods of one price are one.
    let same = schedule.renamed(|period| (0..=period).find(|other| price(*other) == price(period)).unwrap_or(period));
    let periods = same.periods();
    let commonest = periods.iter().copied().max_by_key(|period| same.weight(*period)).unwrap_or_default();
    let amount = if periods.len() == 1 {
        flat(price(commonest))
    } else {
        let named = |period: usize| Some(label(record, period));
        let others = periods.iter().filter(|period| **period != commonest);
        let mut windows: Vec<WindowPrice> = others
            .flat_map(|period| same.windows(*period).into_iter().map(|when| (*period, when)))
            .map(|(period, when)| WindowPrice { when: Some(when), price: price(period), label: named(period) })
            .collect();
        windows.push(WindowPrice { when: None, price: price(commonest), label: named(commonest) });
        Amount::Energy {
            register: Register::Import,
            price: None,
            windows,
            series: None,
            blocks: None,
            when: None,
            delivery_exempt: false,
        }
    };
    charges.push(charge("energy", "Energy charge", Tag::Energy, amount));
    let by_hour = (0..12).any(|month| same.of_month(month).len() > 1);
    if by_hour { PlanKind::TimeOfUse } else { PlanKind::Fixed }
}

/// Whether a tiered period in several windows may share the month's total instead.
fn shared_scope(record: &Record, schedule: &Schedule, period: usize) -> Result<BlockScope, String> {
    let limits = |period: usize| -> Vec<(Option<f64>, &str)> {
        let steps = &record.energy[period];
        steps[..steps.len() - 1].iter().map(|step| (step.limit, step.unit.as_str())).collect()
    };
    if limits(period).is_empty() {
        return Ok(BlockScope::PerWindow);
    }
    let months = (0..12).map(|month| schedule.of_month(month)).filter(|periods| periods.contains(&period));
    if months.flatten().all(|other| limits(other) == limits(period)) {
        return Ok(BlockScope::TotalProrata);
    }
    Err(format!("period {period} has tiers of its own over hours that are no single window, which cannot be priced"))
}

fn blocks(steps: &[Step], scope: BlockScope) -> Result<Blocks, String> {
    let unit = match steps[0].unit.trim() {
        "kWh" => BlockUnit::Kwh,
        "kWh daily" => BlockUnit::KwhPerDay,
        other => return Err(format!("its tiers are limited in {other}, which cannot be priced")),
    };
    let mut bounds: Vec<Energy> = Vec::new();
    for step in &steps[..steps.len() - 1] {
        let limit = step.limit.ok_or("a tier before the last has no limit")?;
        let bound = Energy::from_kwh(limit).map_err(|error| format!("a tier limit {error}"))?;
        if bound <= bounds.last().copied().unwrap_or(Energy::ZERO) {
            return Err(format!("the tier limit {limit} is not above the one before it"));
        }
        bounds.push(bound);
    }
    let prices = steps.iter().map(|step| Price::nearest(step.price)).collect();
    Ok(Blocks { bounds, prices, reset: Reset::Bill, unit, scope, prorate: false })
}

/// A ladder of kW; nothing where no step costs anything.
fn demand(
    record: &Record,
    id: String,
    label: &str,
    steps: &[Step],
    mut windows: Vec<When>,
) -> Result<Option<Charge>, String> {
    if steps.iter().all(|step| Price::nearest(step.price).is_zero()) {
        return Ok(None);
    }
    if record.demand_unit != "kW" {
        return Err(format!("its demand is measured in {}, not kW", record.demand_unit));
    }
    let averaging_minutes = record.demand_minutes.filter(|minutes| [15, 30, 60].contains(minutes)).unwrap_or(60);
    if record.ratchet.is_some() && windows.iter().any(|window| !window.months.is_empty()) {
        return Err("its demand charge in hours of some months looks back at others, which cannot be priced".to_owned());
    }
    let mut above = Vec::new();
    for (step, next) in steps.iter().zip(&steps[1..]) {
        let above_kw = step.limit.ok_or("a demand tier before the last has no limit")?;
        above.push(DemandStep { above_kw, price: Price::nearest(next.price) });
    }
    let when = (!windows.is_empty()).then(|| windows.remove(0)).filter(|when| *when != When::default());
    let amount = Amount::Demand {
        price: Price::nearest(steps[0].price),
        averaging_minutes,
        measure: DemandMeasure::Max,
        per: DemandPer::Bill,
        when,
        also: windows,
        above,
        ratchet: record.ratchet,
        floor_kw: None,
    };
    Ok(Some(charge(id, label, Tag::Demand, amount)))
}

fn flat_demand(record: &Record, charges: &mut Vec<Charge>) -> Result<(), String> {
    for (period, steps) in record.flat_demand.iter().enumerate() {
        let months: Vec<u8> = (0..12u8)
            .filter(|month| record.flat_demand_months.get(usize::from(*month)).copied().unwrap_or(0) == period)
            .map(|month| month + 1)
            .collect();
        if months.is_empty() {
            continue;
        }
        let of_some = months.len() < 12;
        // What looks back must see the months it is not charged in.
        let looks_back = record.ratchet.is_some();
        let windows =
            if of_some && !looks_back { vec![When { months: months.clone(), ..When::default() }] } else { Vec::new() };
        let mut made = demand(record, format!("demand-{period}"), "Demand charge", steps, windows)?;
        if let Some(made) = made.as_mut().filter(|_| of_some && looks_back) {
            made.condition = Some(Condition { months, ..Condition::default() });
        }
        charges.extend(made);
    }
    Ok(())
}

fn window_demand(record: &Record, charges: &mut Vec<Charge>) -> Result<(), String> {
    let Some(schedule) = record.demand_schedule.as_ref().filter(|_| !record.demand.is_empty()) else { return Ok(()) };
    for period in schedule.periods() {
        let steps = record.demand.get(period).ok_or_else(|| format!("its demand period {period} has no prices"))?;
        let (id, windows) = (format!("demand-window-{period}"), schedule.windows(period));
        charges.extend(demand(record, id, "Demand charge in hours", steps, windows)?);
    }
    Ok(())
}
