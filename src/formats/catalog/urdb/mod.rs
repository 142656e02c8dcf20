//! OpenEI utility rate database: API answers (`{"items": [...]}`), bare records, JSON text inside a JSON string, and
//! the Ratebook form.
//!
//! Each record is a plan of its utility, priced with delivery inside. Net metering rules and prices for exported energy
//! are not imported. A record that is only the delivery part of a bill is no plan and is refused.

mod charges;
mod record;
mod schedule;

use super::fields::{Filling, plan, provenance, tariff};
use super::text::slug;
use super::{CatalogFormat, CatalogImport, CatalogOptions};
use crate::domain::catalog::{Delivery, PropertyType};
use crate::domain::tariff::RateStructure;
use crate::formats::{FormatError, Place};
use serde_json::Value;

const REMEDY: &str = "Fetch the record again with detail=full and format=json";

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let records = records(text)?;
    let mut filling = Filling::start(options, "us")?;
    if options.base.is_none() {
        let zone = filling.catalog.market.time_zone.clone();
        filling.note(format!("the records name no time zone: {zone} is assumed; give a market to state it"));
    }
    for (n, value) in records.iter().enumerate() {
        filling.rows_read += 1;
        let taken = value.as_object().ok_or_else(|| "is not a rate record".to_owned());
        if let Err(reason) = taken.and_then(record::read).and_then(|record| take(&mut filling, &record, options)) {
            filling.reject(Place::record(n as u64 + 1), reason);
        }
    }
    if filling.rows_read == 0 {
        return Err(FormatError::file("the file holds no rate records", REMEDY));
    }
    let Filling { catalog, rejected, notes, rows_read, .. } = filling;
    Ok(CatalogImport { format: CatalogFormat::Urdb, catalog, rows_read, rejected, notes, shares: None })
}

/// The records of a file, whatever they are wrapped in.
fn records(text: &str) -> Result<Vec<Value>, FormatError> {
    let mut value: Value =
        serde_json::from_str(text).map_err(|error| FormatError::file(format!("this is not JSON: {error}"), REMEDY))?;
    if let Value::String(inner) = &value {
        value = serde_json::from_str(inner)
            .map_err(|error| FormatError::file(format!("the text in the file is not JSON: {error}"), REMEDY))?;
    }
    Ok(match value {
        Value::Array(items) => items,
        Value::Object(mut object) => match object.remove("items") {
            Some(Value::Array(items)) => items,
            Some(_) => return Err(FormatError::new(Place::FILE.field("items"), "is not a list", REMEDY)),
            None => vec![Value::Object(object)],
        },
        _ => return Err(FormatError::file("this is neither a record nor a list of records", REMEDY)),
    })
}

fn take(filling: &mut Filling, record: &record::Record, options: &CatalogOptions) -> Result<(), String> {
    if record.energy.is_empty() {
        return Err(format!("\"{}\" has no energy prices (a search answer without details?)", record.name));
    }
    let delivery = match record.service.to_ascii_lowercase().as_str() {
        "delivery" => return Err(format!("\"{}\" is the delivery part of a bill alone", record.name)),
        "energy" => Delivery::None,
        _ => Delivery::Bundled,
    };
    let (charges, totals, kind) = charges::of(record).map_err(|reason| format!("\"{}\": {reason}", record.name))?;
    let mut priced = tariff(charges);
    priced.totals = totals;
    let rate = RateStructure::Tariff(priced);
    if let Some(fault) = rate.faults().into_iter().next() {
        return Err(format!("\"{}\": {fault}", record.name));
    }
    let utility = filling.utility(&record.utility);
    let supplier = filling.supplier(&record.utility, None, None, None);
    let wanted = record.id.clone().unwrap_or_else(|| format!("{supplier}-{}", slug(&record.name)));
    let mut made = plan(filling.plan_key(&wanted), &record.name, supplier, kind, rate);
    made.utilities = vec![utility];
    made.delivery = delivery;
    made.offer.from = record.from;
    made.offer.to = record.to.filter(|to| record.from.is_none_or(|from| from <= *to));
    let residential = record.sector.eq_ignore_ascii_case("residential");
    made.eligibility.property_types =
        vec![if residential { PropertyType::Residential } else { PropertyType::Commercial }];
    made.description.clone_from(&record.description);
    made.terms_url.clone_from(&record.source);
    made.provenance = provenance(options, CatalogFormat::Urdb);
    for left_out in &record.left_out {
        filling.note(format!("\"{}\": {left_out}", record.name));
    }
    filling.catalog.plans.push(made);
    Ok(())
}
