//! What is on sale: markets, utilities with their delivery tariffs, suppliers and plans.
//!
//! [`CatalogFile`] is TreeBeard's own catalog format: every import of a public format produces one, the export writes
//! one, and the in-memory catalog is built from one. A plan's stable name is its `key`; its id follows from market and
//! key unless a catalog states one, so importing the same file twice changes nothing.

use crate::domain::from_json::tagged;
use crate::domain::tariff::RateStructure;
use crate::domain::tariff::model::{DeliveryTariff, Tariff};
use crate::domain::units::{Money, Percent, Price};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A whole catalog: one market, its utilities, suppliers and plans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    pub market: Market,
    pub utilities: Vec<Utility>,
    pub suppliers: Vec<Supplier>,
    pub plans: Vec<Plan>,
}

/// A retail market: one currency, one clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// `texas`, `ohio`, `au-nem`, `gb`, ...
    pub id: String,
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA name, `America/Chicago`.
    pub time_zone: String,
    /// ZIPs (or prefixes of them) that are in the market's country but have no retail choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub no_choice_zips: Vec<String>,
    /// Typical use by property type; the projection's scale for "high" and "low" users.
    #[serde(default)]
    pub typical_annual_kwh: TypicalUse,
    /// The share of a typical year's energy used in January..December; sums to about 1. Empty: the built-in shape.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monthly_shape: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TypicalUse {
    pub residential: f64,
    pub commercial: f64,
}

impl Default for TypicalUse {
    /// Average US residential customer 2022: 10,791 kWh; commercial: 74,000 kWh (EIA, "Electric Sales, Revenue, and
    /// Average Price", tables 5A and 5B).
    fn default() -> Self {
        TypicalUse { residential: 10_791.0, commercial: 74_000.0 }
    }
}

/// A wires utility and the territory it serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Utility {
    /// Unique in the market, `oncor`.
    pub id: String,
    pub name: String,
    /// Other names public exports use for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// ZIPs or prefixes (`787` serves 78700..78799); the longest match wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zips: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryTariff>,
}

/// A retail supplier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CatalogSupplier")]
pub struct Supplier {
    /// Stable name in the market.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub name: String,
    /// Stars, 0..=5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 5.0))]
    pub rating: Option<f64>,
    #[serde(default)]
    pub review_count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// One offer of a supplier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CatalogPlan")]
pub struct Plan {
    /// Stable name in the market: a source's own id, or supplier, product and utility.
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub name: String,
    /// Key of its supplier.
    pub supplier: String,
    pub kind: PlanKind,
    /// Ids of the utilities it is sold under; empty: all of the market.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub utilities: Vec<String>,
    /// 0: month to month.
    #[schemars(range(max = 600))]
    pub term_months: u32,
    pub rate: RateStructure,
    /// Added as a fixed charge to the short rate forms; a full tariff states its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_fee: Option<Price>,
    /// One-time cost of joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_fee: Option<Price>,
    /// Refundable, so it is no cost, but it must be paid up front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Price>,
    #[serde(default)]
    pub delivery: Delivery,
    #[serde(default)]
    pub exit: ExitFee,
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    pub renewable: Percent,
    #[serde(default, skip_serializing_if = "is_default")]
    pub offer: OfferDates,
    #[serde(default, skip_serializing_if = "is_default")]
    pub eligibility: Eligibility,
    /// Conditions the price depends on, in words: autopay, paperless, a device.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<String>,
    /// What happens when the term ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_expiry: Option<Holdover>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<String>,
    /// The price label (Electricity Facts Label).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efl_url: Option<String>,
    /// Average prices the source publishes, kept to check the tariff against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedPrices>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub provenance: Provenance,
    #[serde(default = "yes")]
    pub active: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    Fixed,
    Variable,
    Indexed,
    Tiered,
    TimeOfUse,
    Prepaid,
}

impl PlanKind {
    pub const ALL: [PlanKind; 6] = [
        PlanKind::Fixed,
        PlanKind::Variable,
        PlanKind::Indexed,
        PlanKind::Tiered,
        PlanKind::TimeOfUse,
        PlanKind::Prepaid,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            PlanKind::Fixed => "fixed",
            PlanKind::Variable => "variable",
            PlanKind::Indexed => "indexed",
            PlanKind::Tiered => "tiered",
            PlanKind::TimeOfUse => "time_of_use",
            PlanKind::Prepaid => "prepaid",
        }
    }
}

/// Who charges for the wires, and where that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Inside the plan's own prices.
    #[default]
    Bundled,
    /// The utility's delivery tariff is added to the bill.
    Passthrough,
    /// Not part of this bill at all (billed by the utility, the same under every plan).
    None,
}

/// What leaving before the end of the term costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum ExitFee {
    #[default]
    None,
    Flat {
        fee: Price,
    },
    /// For every month or part of a month left.
    PerMonthLeft {
        fee: Price,
    },
    /// Falls evenly from `fee` at the start to zero at the end.
    Declining {
        fee: Price,
    },
}
tagged!(ExitFee, "kind");

impl ExitFee {
    /// The fee with `months_left` (parts of a month count as one) of `term_months` to go.
    pub fn at(self, months_left: u32, term_months: u32) -> Money {
        let months_left = months_left.min(term_months);
        if months_left == 0 {
            return Money::ZERO;
        }
        match self {
            ExitFee::None => Money::ZERO,
            ExitFee::Flat { fee } => fee.once(),
            ExitFee::PerMonthLeft { fee } => fee.once().scale(i64::from(months_left), 1),
            ExitFee::Declining { fee } => fee.once().scale(i64::from(months_left), i64::from(term_months.max(1))),
        }
    }
    /// The fee at half of the term: what scores and lists show (method.md 4).
    pub fn typical(self, term_months: u32) -> Money {
        match self {
            ExitFee::Flat { fee } => fee.once(),
            _ => self.at(term_months.div_ceil(2), term_months),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OfferDates {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Last day on sale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Eligibility {
    /// Empty: every property type.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub property_types: Vec<PropertyType>,
    /// Not for customers of the same supplier.
    #[serde(skip_serializing_if = "is_default")]
    pub new_customers_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_annual_kwh: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_annual_kwh: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PropertyType {
    #[default]
    Residential,
    Commercial,
}

impl PropertyType {
    pub const fn as_str(self) -> &'static str {
        match self {
            PropertyType::Residential => "residential",
            PropertyType::Commercial => "commercial",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holdover {
    /// In words, as the terms say it.
    pub note: String,
    /// The month-to-month price after the term, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<RateStructure>,
}

/// All-in average prices at three levels of monthly use, currency per kWh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishedPrices {
    pub kwh_500: Price,
    pub kwh_1000: Price,
    pub kwh_2000: Price,
}

/// Where a plan's numbers come from and how far they can be trusted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<Date>,
    /// The sentences the tariff was read from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub confidence: Confidence,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum Confidence {
    /// Stated by the source, component by component.
    #[default]
    Verified,
    /// Read from prose; agrees with the published averages.
    Parsed,
    /// Inferred from published averages; `residual_cents` is the largest difference left, cents per kWh.
    Estimated { residual_cents: f64 },
    /// No tariff was found that reproduces the published averages within 0.1 cent; never ranked as if exact.
    Unreproduced { residual_cents: f64 },
}
tagged!(Confidence, "kind");

impl Plan {
    /// The plan's whole tariff but for delivery that is passed through, and one-time fees.
    pub fn tariff(&self) -> Tariff {
        self.rate.expand(self.monthly_fee)
    }
}

impl Market {
    /// The id of the supplier or plan `key` of this market when the catalog states none (UUID v5 of `market/kind/key`).
    pub fn derived_id(&self, kind: &str, key: &str) -> Uuid {
        const NAMESPACE: Uuid = Uuid::from_u128(0x7ee8_ea4d_0000_5000_8000_0000_0000_0001);
        Uuid::new_v5(&NAMESPACE, format!("{}/{kind}/{key}", self.id).as_bytes())
    }
    pub fn plan_id(&self, plan: &Plan) -> Uuid {
        plan.id.unwrap_or_else(|| self.derived_id("plan", &plan.key))
    }
    pub fn supplier_id(&self, supplier: &Supplier) -> Uuid {
        supplier.id.unwrap_or_else(|| self.derived_id("supplier", &supplier.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_fee_falls_as_its_kind_says_and_is_nothing_at_the_end() {
        let fee = Price::from_nanos(120 * 1_000_000_000);
        let kinds = [ExitFee::None, ExitFee::Flat { fee }, ExitFee::PerMonthLeft { fee }, ExitFee::Declining { fee }];
        let dollars = |months_left| kinds.map(|kind| kind.at(months_left, 12).cents() / 100);
        assert_eq!(dollars(0), [0, 0, 0, 0]);
        assert_eq!(dollars(1), [0, 120, 120, 10]);
        assert_eq!(dollars(6), [0, 120, 720, 60]);
        assert_eq!(dollars(12), [0, 120, 1_440, 120]);
        assert_eq!(dollars(40), dollars(12), "no more than the term");
        assert_eq!(kinds.map(|kind| kind.typical(12).cents() / 100), [0, 120, 720, 60], "at half term");
    }
}
