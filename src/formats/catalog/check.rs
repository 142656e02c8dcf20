//! What a catalog must hold beyond its shape: keys that are unique and known, figures that mean something.

use crate::domain::catalog::{CatalogFile, Confidence, Plan};
use crate::domain::tariff::{Fault, RateStructure, validate_delivery};
use crate::domain::units::Energy;
use jiff::tz::TimeZone;
use std::collections::HashSet;
use std::fmt;

/// Further off than this no estimate is.
const RESIDUAL_CENTS_MAX: f64 = 1e6;

/// One thing wrong with a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogFault {
    /// `plans[3].rate.charges[0].amount.price`
    pub path: String,
    /// A sentence without its subject: "is used twice".
    pub message: String,
}

impl fmt::Display for CatalogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Every fault of a catalog, in file order; empty when it can be used.
pub fn check(catalog: &CatalogFile) -> Vec<CatalogFault> {
    let mut faults = Faults(Vec::new());
    faults.market(catalog);
    let utilities = faults.unique("utilities", "id", catalog.utilities.iter().map(|utility| utility.id.as_str()));
    for (n, utility) in catalog.utilities.iter().enumerate() {
        faults.zips(&format!("utilities[{n}].zips"), &utility.zips);
        if let Some(delivery) = &utility.delivery {
            faults.below(&format!("utilities[{n}]"), validate_delivery(delivery));
        }
    }
    let suppliers = faults.unique("suppliers", "key", catalog.suppliers.iter().map(|supplier| supplier.key.as_str()));
    for (n, supplier) in catalog.suppliers.iter().enumerate() {
        if supplier.rating.is_some_and(|rating| !(0.0..=5.0).contains(&rating)) {
            faults.add(format!("suppliers[{n}].rating"), "is not between 0 and 5");
        }
    }
    faults.unique("plans", "key", catalog.plans.iter().map(|plan| plan.key.as_str()));
    for (n, plan) in catalog.plans.iter().enumerate() {
        faults.plan(n, plan, &suppliers, &utilities);
    }
    faults.0
}

struct Faults(Vec<CatalogFault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(CatalogFault { path: path.into(), message: message.into() });
    }

    fn market(&mut self, catalog: &CatalogFile) {
        let market = &catalog.market;
        if market.id.is_empty() {
            self.add("market.id", "is empty");
        }
        if market.currency.len() != 3 || !market.currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.add("market.currency", "is not an ISO 4217 code such as USD");
        }
        if TimeZone::get(&market.time_zone).is_err() {
            self.add("market.time_zone", "is not a time zone name such as America/Chicago");
        }
        self.zips("market.no_choice_zips", &market.no_choice_zips);
        let typical = &market.typical_annual_kwh;
        for (name, kwh) in [("residential", typical.residential), ("commercial", typical.commercial)] {
            if !(kwh > 0.0 && kwh <= Energy::MAX_KWH as f64) {
                self.add(format!("market.typical_annual_kwh.{name}"), "is not above zero and at most 1000000000");
            }
        }
        let shape = &market.monthly_shape;
        let sum: f64 = shape.iter().sum();
        for (n, _) in shape.iter().enumerate().filter(|(_, share)| !(0.0..=1.0).contains(*share)) {
            self.add(format!("market.monthly_shape[{n}]"), "is not a share from 0 to 1");
        }
        if !shape.is_empty() && (shape.len() != 12 || (sum - 1.0).abs() > 0.02) {
            self.add("market.monthly_shape", "is not twelve shares that sum to 1");
        }
    }

    fn zips(&mut self, path: &str, zips: &[String]) {
        for (n, zip) in zips.iter().enumerate() {
            if zip.is_empty() || zip.len() > 10 || !zip.chars().all(|c| c.is_ascii_alphanumeric()) {
                self.add(format!("{path}[{n}]"), "is not a postal code or the beginning of one");
            }
        }
    }

    fn unique<'a>(&mut self, list: &str, name: &str, keys: impl Iterator<Item = &'a str>) -> HashSet<&'a str> {
        let mut seen = HashSet::new();
        for (n, key) in keys.enumerate() {
            if key.trim().is_empty() {
                self.add(format!("{list}[{n}].{name}"), "is empty");
            } else if !seen.insert(key) {
                self.add(format!("{list}[{n}].{name}"), format!("\"{key}\" is used twice"));
            }
        }
        seen
    }

    fn plan(&mut self, n: usize, plan: &Plan, suppliers: &HashSet<&str>, utilities: &HashSet<&str>) {
        let at = |field: &str| format!("plans[{n}].{field}");
        if plan.name.trim().is_empty() {
            self.add(at("name"), "is empty");
        }
        if !suppliers.contains(plan.supplier.as_str()) {
            self.add(at("supplier"), format!("\"{}\" is not the key of a supplier in this file", plan.supplier));
        }
        for (u, id) in plan.utilities.iter().enumerate() {
            if !utilities.contains(id.as_str()) {
                self.add(at(&format!("utilities[{u}]")), format!("\"{id}\" is not the id of a utility in this file"));
            }
        }
        if plan.term_months > 600 {
            self.add(at("term_months"), "is more than 50 years");
        }
        if !(0.0..=100.0).contains(&plan.renewable.percent()) {
            self.add(at("renewable"), "is not between 0 and 100 percent");
        }
        if let (Some(from), Some(to)) = (plan.offer.from, plan.offer.to)
            && to < from
        {
            self.add(at("offer.to"), "is before the first day of the offer");
        }
        let residual = match plan.provenance.confidence {
            Confidence::Verified | Confidence::Parsed => 0.0,
            Confidence::Estimated { residual_cents } | Confidence::Unreproduced { residual_cents } => residual_cents,
        };
        if !(0.0..=RESIDUAL_CENTS_MAX).contains(&residual) {
            self.add(at("provenance.confidence.residual_cents"), "is not between 0 and 1000000");
        }
        self.rate(&at("rate"), &plan.rate);
        if let Some(rate) = plan.on_expiry.as_ref().and_then(|holdover| holdover.rate.as_ref()) {
            self.rate(&at("on_expiry.rate"), rate);
        }
    }

    fn rate(&mut self, path: &str, rate: &RateStructure) {
        self.below(path, rate.faults());
    }

    fn below(&mut self, path: &str, faults: Vec<Fault>) {
        for fault in faults {
            let path = if fault.path.is_empty() { path.to_owned() } else { format!("{path}.{}", fault.path) };
            self.add(path, fault.message);
        }
    }
}
