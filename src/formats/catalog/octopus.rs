//! A product of the Octopus Energy API (`GET /v1/products/{code}/`): prices in pence by region and payment method.
//!
//! Traps: every price comes with and without VAT (5 %); regions are distribution areas, `_A` to `_P`; the same tariff
//! appears once per payment method; gas tariffs lie beside electricity; standing charges are per day; the hours of a
//! two-rate meter's night are the meter's own and not in the file, so such tariffs need them given.

use super::fields::{Filling, charge, fixed, flat, plan, provenance, tariff};
use super::{CatalogFormat, CatalogImport, CatalogOptions};
use crate::domain::catalog::{ExitFee, PlanKind};
use crate::domain::tariff::RateStructure;
use crate::domain::tariff::model::{Amount, Per, Register, Tag, Tax, TaxPrices, TaxRate, When, WindowPrice};
use crate::domain::units::{Percent, Price};
use crate::formats::{FormatError, Place};
use jiff::civil::Date;
use serde_json::{Map, Value};

const REMEDY: &str = "Fetch the product again from the products endpoint";

/// Value added tax on domestic electricity.
const VAT_PERCENT: f64 = 5.0;

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| FormatError::file(format!("this is not JSON: {error}"), REMEDY))?;
    let products: Vec<&Value> = match &value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    };
    let mut filling = Filling::start(options, "gb")?;
    for product in products {
        for registers in ["single_register_electricity_tariffs", "dual_register_electricity_tariffs"] {
            let none = Map::new();
            let regions = product.get(registers).and_then(Value::as_object).unwrap_or(&none);
            for (region, methods) in regions {
                for (method, priced) in methods.as_object().unwrap_or(&none) {
                    filling.rows_read += 1;
                    let offer = Offer { product, region, method, priced };
                    if let Err(reason) = take(&mut filling, &offer, options) {
                        let path = format!("{registers}.{region}.{method}");
                        filling.reject(Place::record(filling.rows_read).field(path), reason);
                    }
                }
            }
        }
    }
    if filling.rows_read == 0 {
        return Err(FormatError::file("the product has no electricity tariffs", REMEDY));
    }
    let Filling { catalog, rejected, notes, rows_read, .. } = filling;
    Ok(CatalogImport { format: CatalogFormat::Octopus, catalog, rows_read, rejected, notes, shares: None })
}

/// One tariff of a product: a region and a way of paying.
struct Offer<'a> {
    product: &'a Value,
    region: &'a str,
    method: &'a str,
    priced: &'a Value,
}

impl Offer<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.product.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    fn flag(&self, name: &str) -> bool {
        self.product.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Pounds from the pence of `{name}_inc_vat` or `{name}_exc_vat`.
    fn pounds(&self, name: &str, with_vat: bool) -> Result<Option<Price>, String> {
        let name = format!("{name}_{}_vat", if with_vat { "inc" } else { "exc" });
        let Some(value) = self.priced.get(&name).filter(|value| !value.is_null()) else { return Ok(None) };
        let pence = value.as_f64().filter(|pence| pence.is_finite() && pence.abs() < 1e6);
        pence.map(|pence| Some(Price::nearest(pence / 100.0))).ok_or_else(|| format!("{name} {value} is not a price"))
    }
}

fn take(filling: &mut Filling, offer: &Offer, options: &CatalogOptions) -> Result<(), String> {
    let with_vat = options.prices_include_tax.unwrap_or(true);
    let (energy, two_rates) = energy(offer, with_vat, options)?;
    let standing = offer.pounds("standing_charge", with_vat)?.ok_or("it has no standing charge")?;
    let mut priced = tariff(vec![
        charge("standing", "Standing charge", Tag::Fixed, fixed(standing, Per::Day)),
        charge("energy", "Energy", Tag::Energy, energy),
    ]);
    priced.tax = if with_vat {
        Tax { prices: TaxPrices::Inclusive, rates: Vec::new() }
    } else {
        let percent = Percent::from_percent(VAT_PERCENT).ok();
        Tax {
            prices: TaxPrices::Exclusive,
            rates: vec![TaxRate { name: "VAT".to_owned(), percent, per_kwh: None, of: Vec::new() }],
        }
    };
    let rate = RateStructure::Tariff(priced);
    if let Some(fault) = rate.faults().into_iter().next() {
        return Err(fault.to_string());
    }
    let brand = offer.text("brand").unwrap_or("OCTOPUS_ENERGY").replace('_', " ");
    let supplier = filling.supplier(&brand, None, None, None);
    let kind = match (offer.flag("is_prepay"), two_rates, offer.flag("is_tracker"), offer.flag("is_variable")) {
        (true, ..) => PlanKind::Prepaid,
        (_, true, ..) => PlanKind::TimeOfUse,
        (_, _, true, _) => PlanKind::Indexed,
        (_, _, _, true) => PlanKind::Variable,
        _ => PlanKind::Fixed,
    };
    let name = offer.text("display_name").or(offer.text("full_name")).unwrap_or("Unnamed product");
    let code = offer.priced.get("code").and_then(Value::as_str).unwrap_or(offer.region);
    let wanted = format!("{code}-{}", super::text::slug(offer.method));
    let mut made = plan(filling.plan_key(&wanted), name, supplier, kind, rate);
    made.utilities = vec![filling.utility(offer.region)];
    made.term_months = offer.product.get("term").and_then(Value::as_u64).map_or(0, |months| months.min(600) as u32);
    let exit = offer.pounds("exit_fees", with_vat)?.filter(|fee| *fee > Price::ZERO);
    made.exit = exit.map_or(ExitFee::None, |fee| ExitFee::Flat { fee });
    if offer.flag("is_green") {
        made.renewable = Percent::from_percent(100.0).unwrap_or_default();
    }
    let day = |name: &str| offer.text(name).and_then(|stamp| stamp.get(..10)?.parse::<Date>().ok());
    (made.offer.from, made.offer.to) = (day("available_from"), day("available_to"));
    made.conditions.push(format!("Paid by {}.", offer.method.replace('_', " ")));
    made.description = offer.text("description").map(str::to_owned);
    made.provenance = provenance(options, CatalogFormat::Octopus);
    filling.catalog.plans.push(made);
    Ok(())
}

/// The energy amount, and whether it has two rates.
fn energy(offer: &Offer, with_vat: bool, options: &CatalogOptions) -> Result<(Amount, bool), String> {
    if let Some(unit) = offer.pounds("standard_unit_rate", with_vat)? {
        return Ok((flat(unit), false));
    }
    let day = offer.pounds("day_unit_rate", with_vat)?.ok_or("it has no unit rate")?;
    let night = offer.pounds("night_unit_rate", with_vat)?.ok_or("it has no night rate")?;
    let (from, to) = options.night.ok_or(
        "the hours of its night rate are the meter's own and not in the file: give them to import two-rate tariffs",
    )?;
    let when = When { from: Some(from), to: Some(to), ..When::default() };
    let window = |when, price, label: &str| WindowPrice { when, price, label: Some(label.to_owned()) };
    let amount = Amount::Energy {
        register: Register::Import,
        price: None,
        windows: vec![window(Some(when), night, "Night"), window(None, day, "Day")],
        series: None,
        blocks: None,
        when: None,
        delivery_exempt: false,
    };
    Ok((amount, true))
}
