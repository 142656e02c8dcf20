//! A tariff file as `price` takes it: our tariff form, a short rate form, or a catalog that holds the plan.

use crate::cli::{Failure, input};
use crate::domain::catalog::{CatalogFile, Delivery, Plan};
use crate::domain::from_json;
use crate::domain::tariff::model::{DeliveryTariff, Tariff};
use crate::domain::tariff::{Fault, RateStructure};
use crate::formats::catalog::{self, CatalogOptions};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::Path;

/// A tariff file is written by hand or exported for a few plans.
const BYTES_MAX: u64 = catalog::MAX_BYTES;

/// What there is to price.
pub struct Priced {
    pub tariff: Tariff,
    pub delivery: Option<DeliveryTariff>,
    /// ISO 4217.
    pub currency: String,
    /// IANA name.
    pub time_zone: Option<String>,
    pub notes: Vec<String>,
}

/// Reads the file; `plan` chooses among several, `utility` says whose delivery charges are passed through.
pub fn read(path: &Path, plan: Option<&str>, utility: Option<&str>) -> Result<Priced, Failure> {
    let text = input::read_text(path, BYTES_MAX)?;
    let value: Option<Value> = serde_json::from_str(&text).ok();
    match value.as_ref().and_then(Value::as_object) {
        Some(object) if object.contains_key("type") => bare(path, &typed(path, &text)?),
        Some(object) if object.contains_key("charges") => bare(path, &RateStructure::Tariff(typed(path, &text)?)),
        _ => of_catalog(path, &text, plan, utility),
    }
}

fn typed<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Failure> {
    from_json::read_text(text).map_err(|misfit| match misfit.path.as_str() {
        "" => input::refused(path, misfit.message),
        field => input::refused(path, format!("{field}: {}", misfit.message)),
    })
}

fn bare(path: &Path, rate: &RateStructure) -> Result<Priced, Failure> {
    let faults = rate.faults();
    if !faults.is_empty() {
        return Err(input::refused(path, all(&faults)));
    }
    Ok(Priced {
        tariff: rate.expand(None),
        delivery: None,
        currency: "USD".to_owned(),
        time_zone: None,
        notes: Vec::new(),
    })
}

fn of_catalog(path: &Path, text: &str, plan: Option<&str>, utility: Option<&str>) -> Result<Priced, Failure> {
    let import = catalog::read(text.as_bytes(), &CatalogOptions { utility, ..CatalogOptions::default() })
        .map_err(|error| input::refused(path, error))?;
    let refused = import.rejected.first().map_or(String::new(), |rejection| format!(" ({rejection})"));
    let plans = &import.catalog.plans;
    let wanted = |one: &&Plan| plan.is_none_or(|plan| is_called(&import.catalog, one, plan));
    let mut found = plans.iter().filter(wanted);
    let (first, second) = (found.next(), found.next());
    let chosen = match (first, second) {
        (Some(chosen), None) => chosen,
        (Some(_), Some(_)) => {
            let names: Vec<&str> = plans.iter().take(3).map(|plan| plan.key.as_str()).collect();
            let reason = format!(
                "it holds {} plans: choose one with --plan KEY (the first are {})",
                plans.len(),
                names.join(", ")
            );
            return Err(input::refused(path, reason));
        }
        (None, _) => {
            let what = plan.map_or(String::new(), |plan| format!(" called {plan}"));
            return Err(input::refused(path, format!("it holds no plan{what} that can be priced{refused}")));
        }
    };
    let mut priced = priced(&import.catalog, chosen, utility)?;
    priced.notes.extend(import.notes);
    Ok(priced)
}

/// A plan answers to its key, its id and its name.
pub fn is_called(catalog: &CatalogFile, plan: &Plan, name: &str) -> bool {
    plan.key == name
        || plan.name.eq_ignore_ascii_case(name)
        || catalog.market.plan_id(plan).to_string().eq_ignore_ascii_case(name)
}

/// One plan of a catalog with the delivery charges of its utility.
pub fn priced(catalog: &CatalogFile, plan: &Plan, utility: Option<&str>) -> Result<Priced, Failure> {
    let mut notes = Vec::new();
    let delivery = match plan.delivery {
        Delivery::Passthrough => {
            let served = utility.map_or_else(|| plan.utilities.first().cloned(), |name| Some(name.to_owned()));
            let found = served.as_deref().and_then(|name| {
                let called = |other: &str| other.eq_ignore_ascii_case(name);
                catalog
                    .utilities
                    .iter()
                    .find(|one| called(&one.id) || called(&one.name) || one.aliases.iter().any(|a| called(a)))
            });
            let known: Vec<&str> = catalog.utilities.iter().map(|utility| utility.id.as_str()).collect();
            let utility = found.ok_or_else(|| {
                Failure::usage(format!(
                    "the plan passes delivery charges through: name the utility with --utility, one of {}",
                    known.join(", ")
                ))
            })?;
            if plan.utilities.len() > 1 {
                notes.push(format!("delivery charges are those of {}", utility.name));
            }
            utility.delivery.clone()
        }
        Delivery::Bundled | Delivery::None => None,
    };
    Ok(Priced {
        tariff: plan.rate.expand(plan.monthly_fee),
        delivery,
        currency: catalog.market.currency.clone(),
        time_zone: Some(catalog.market.time_zone.clone()),
        notes,
    })
}

/// Faults as one text, each on a line of its own when there are several.
pub fn all(faults: &[Fault]) -> String {
    match faults {
        [one] => one.to_string(),
        several => {
            let lines: Vec<String> = several.iter().map(|fault| format!("\n  - {fault}")).collect();
            format!("the tariff has {} faults:{}", several.len(), lines.concat())
        }
    }
}
