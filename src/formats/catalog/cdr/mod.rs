//! Australian Consumer Data Right energy plans: `GET /energy/plans/{planId}` answers, one or a list of them; and plans as
//! the Energy Made Easy site gives them.
//!
//! Traps: money is decimal text in dollars; periods of the year are `MM-DD` and may wrap; a step's `volume` is its width,
//! not its end; clock ends look inclusive (`20:59` means 21:00); the standard states supply and unit prices without GST
//! but fees and discounts with it, and retailers differ, so the reading is a setting and is told. Conditional discounts,
//! incentives and fees for events (late payment, disconnection) stay text: they are no part of a month's bill.

mod energy_made_easy;
mod extras;
mod rates;

use super::fields::{Filling, charge, fixed, plan, provenance, tariff};
use super::text::slug;
use super::{CatalogFormat, CatalogImport, CatalogOptions};
use crate::domain::catalog::{Plan, PlanKind, PropertyType};
use crate::domain::tariff::RateStructure;
use crate::domain::tariff::model::{Charge, Condition, Per, Register, Tag, Tax, TaxPrices, TaxRate};
use crate::domain::units::{Percent, Price};
use crate::formats::{FormatError, Place};
use jiff::civil::Date;
use rates::Piece;
use serde_json::Value;

const REMEDY: &str = "Fetch the plan detail again with the header x-v: 3";

/// Goods and services tax.
const GST_PERCENT: f64 = 10.0;

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| FormatError::file(format!("this is not JSON: {error}"), REMEDY))?;
    let mut filling = Filling::start(options, "au-nem")?;
    for (n, detail) in details(&value).into_iter().enumerate() {
        filling.rows_read += 1;
        if let Err(reason) = take_either(&mut filling, detail, options) {
            filling.reject(Place::record(n as u64 + 1), reason);
        }
    }
    if filling.rows_read == 0 {
        return Err(FormatError::file("the file holds no plan detail", REMEDY));
    }
    filling.note(if includes_tax(options) {
        "prices are read as including GST, as the import was told".to_owned()
    } else {
        format!("prices of energy and supply are read as without GST, as they are published: {GST_PERCENT} % is added to them")
    });
    let Filling { catalog, rejected, notes, rows_read, .. } = filling;
    Ok(CatalogImport { format: CatalogFormat::Cdr, catalog, rows_read, rejected, notes, shares: None })
}

fn includes_tax(options: &CatalogOptions) -> bool {
    options.prices_include_tax.unwrap_or(false)
}

/// The plan details of an answer, of a list of answers, or of a list of plans.
fn details(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().flat_map(details).collect(),
        Value::Object(object) => match object.get("data").unwrap_or(value) {
            Value::Object(data) => match data.get("plans") {
                Some(Value::Array(plans)) => plans.iter().collect(),
                _ => vec![object.get("data").unwrap_or(value)],
            },
            Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A member's text, when it has any.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Dollars written as text or as a number.
fn dollars(value: &Value, name: &str) -> Result<Option<Price>, String> {
    let Some(member) = value.get(name).filter(|member| !member.is_null()) else { return Ok(None) };
    let number = member.as_f64().or_else(|| member.as_str()?.trim().parse().ok());
    let number = number.ok_or_else(|| format!("{name} {member} is not an amount"))?;
    if !number.is_finite() || number.abs() > 100_000.0 {
        return Err(format!("{name} {number} is absurd"));
    }
    Ok(Some(Price::nearest(number)))
}

fn take_either(filling: &mut Filling, detail: &Value, options: &CatalogOptions) -> Result<(), String> {
    let Some(plan) = energy_made_easy::plan(detail) else { return take(filling, detail, options) };
    let name = text(plan, "planName").unwrap_or("Unnamed plan");
    let detail = energy_made_easy::as_plan_detail(detail, plan).map_err(|reason| format!("\"{name}\": {reason}"))?;
    take(filling, &detail, options)
}

fn take(filling: &mut Filling, detail: &Value, options: &CatalogOptions) -> Result<(), String> {
    let name = text(detail, "displayName").unwrap_or("Unnamed plan");
    if let Some(fuel) = text(detail, "fuelType").filter(|fuel| *fuel != "ELECTRICITY") {
        return Err(format!("\"{name}\" is a {fuel} plan"));
    }
    let contract = detail
        .get("electricityContract")
        .ok_or_else(|| format!("\"{name}\" has no electricityContract: this is a summary, not a plan's detail"))?;
    let named = |reason: String| format!("\"{name}\": {reason}");
    let mut made = priced(filling, detail, contract, options).map_err(named)?;
    if let Some(fault) = made.rate.faults().into_iter().next() {
        return Err(named(fault.to_string()));
    }
    let areas = detail.get("geography").unwrap_or(&Value::Null);
    let distributors: Vec<&str> = items(areas, "distributors").iter().filter_map(Value::as_str).collect();
    made.utilities = distributors.iter().map(|name| filling.utility(name)).collect();
    if let [utility] = &made.utilities[..] {
        let postcodes = items(areas, "includedPostcodes").iter().filter_map(Value::as_str);
        if let Some(utility) = filling.catalog.utilities.iter_mut().find(|known| known.id == *utility) {
            for postcode in postcodes {
                if !utility.zips.iter().any(|zip| zip == postcode) {
                    utility.zips.push(postcode.to_owned());
                }
            }
        }
    }
    filling.catalog.plans.push(made);
    Ok(())
}

fn priced(filling: &mut Filling, detail: &Value, contract: &Value, options: &CatalogOptions) -> Result<Plan, String> {
    let seasons = items(contract, "tariffPeriod");
    let mut pieces: Vec<Piece> = Vec::new();
    for season in seasons {
        pieces.extend(rates::pieces(season)?);
    }
    if pieces.is_empty() {
        return Err("it has no prices for energy".to_owned());
    }
    let mut charges = supply_charges(seasons)?;
    charges.extend(rates::charges("energy", "Usage", Register::Import, &pieces)?);
    let mut conditions = Vec::new();
    for (n, load) in items(contract, "controlledLoad").iter().enumerate() {
        let pieces = rates::pieces(load)?;
        charges.extend(rates::charges(
            &format!("controlled-{}", n + 1),
            "Controlled load",
            Register::Controlled,
            &pieces,
        )?);
        for part in [load.get("singleRate"), items(load, "timeOfUseRates").first()].into_iter().flatten() {
            let daily = dollars(part, "dailySupplyCharge")?.or(dollars(part, "dailySupplyCharges")?);
            if let Some(daily) = daily.filter(|daily| !daily.is_zero()) {
                conditions
                    .push(format!("With a controlled load, {:.4} a day is added for its supply.", daily.currency()));
            }
        }
    }
    let gst = if includes_tax(options) { 0.0 } else { GST_PERCENT };
    let mut tariff = tariff(charges);
    extras::feed_in(contract, &mut tariff, filling)?;
    extras::discounts(contract, gst, &mut tariff.charges, &mut conditions)?;
    let fees = extras::fees(contract, &mut tariff.charges, &mut conditions)?;
    tariff.tax = if includes_tax(options) {
        Tax { prices: TaxPrices::Inclusive, rates: Vec::new() }
    } else {
        let percent = Percent::from_percent(GST_PERCENT).ok();
        let of = vec![Tag::Energy, Tag::Fixed];
        Tax {
            prices: TaxPrices::Exclusive,
            rates: vec![TaxRate { name: "GST".to_owned(), percent, per_kwh: None, of }],
        }
    };
    let brand = text(detail, "brandName").or(text(detail, "brand")).unwrap_or("Unnamed retailer");
    let supplier = filling.supplier(brand, None, None, None);
    let display = text(detail, "displayName").unwrap_or("Unnamed plan");
    let wanted = text(detail, "planId").map_or_else(|| format!("{supplier}-{}", slug(display)), str::to_owned);
    let kind = kind(&pieces, contract);
    let mut made = plan(filling.plan_key(&wanted), display, supplier, kind, RateStructure::Tariff(tariff));
    made.term_months = term(contract);
    made.exit = fees.exit;
    made.connection_fee = fees.joining;
    let business = text(detail, "customerType") == Some("BUSINESS");
    made.eligibility.property_types = vec![if business { PropertyType::Commercial } else { PropertyType::Residential }];
    let restrictions = items(contract, "eligibility").iter().filter_map(|rule| text(rule, "description"));
    conditions.extend(restrictions.map(str::to_owned));
    conditions.extend(text(contract, "variation").map(str::to_owned));
    made.conditions = conditions;
    made.description = text(contract, "terms").map(str::to_owned);
    let day = |name: &str| text(detail, name).and_then(|stamp| stamp.get(..10)?.parse::<Date>().ok());
    (made.offer.from, made.offer.to) = (day("effectiveFrom"), day("effectiveTo"));
    made.provenance = provenance(options, CatalogFormat::Cdr);
    if text(contract, "timeZone") == Some("AEST") && kind == PlanKind::TimeOfUse {
        filling.note(format!(
            "\"{display}\" states its hours in standard time all year; they are read as local clock hours"
        ));
    }
    Ok(made)
}

fn kind(pieces: &[Piece], contract: &Value) -> PlanKind {
    if pieces.iter().any(|piece| piece.when.from.is_some() || !piece.when.days.is_empty()) {
        PlanKind::TimeOfUse
    } else if pieces.iter().any(|piece| piece.steps.len() > 1) {
        PlanKind::Tiered
    } else if contract.get("isFixed").and_then(Value::as_bool) == Some(true) {
        PlanKind::Fixed
    } else {
        PlanKind::Variable
    }
}

/// `1_YEAR` and the like in months; 0 where the contract is ongoing.
fn term(contract: &Value) -> u32 {
    let Some((count, unit)) = text(contract, "termType").and_then(|term| term.split_once('_')) else { return 0 };
    let count: u32 = count.parse().unwrap_or(0);
    count.min(50) * if unit.starts_with("YEAR") { 12 } else { 1 }
}

/// The daily supply charge: one for the year, or one for each season of whole months.
fn supply_charges(seasons: &[Value]) -> Result<Vec<Charge>, String> {
    let mut stated: Vec<(Price, &Value)> = Vec::new();
    for season in seasons {
        if text(season, "dailySupplyChargeType") == Some("BAND") {
            return Err("its daily supply charge comes in bands, which cannot be priced".to_owned());
        }
        if let Some(daily) = dollars(season, "dailySupplyCharge")?.or(dollars(season, "dailySupplyCharges")?) {
            stated.push((daily, season));
        }
    }
    let daily = |id: String, price: Price| charge(id, "Daily supply charge", Tag::Fixed, fixed(price, Per::Day));
    let Some((first, _)) = stated.first() else { return Ok(Vec::new()) };
    if stated.len() == seasons.len() && stated.iter().all(|(price, _)| price == first) {
        return Ok(vec![daily("supply".to_owned(), *first)]);
    }
    let seasonal = |(n, (price, season)): (usize, &(Price, &Value))| {
        let months = rates::whole_months(season)
            .ok_or("its daily supply charge changes within a month, which cannot be priced")?;
        let mut made = daily(format!("supply-{}", n + 1), *price);
        made.condition = Some(Condition { usage: None, months, contract_months: None });
        Ok(made)
    };
    stated.iter().enumerate().map(seasonal).collect()
}
