//! The terms around the charges: export credits, how bills are cut and rounded, taxes, and the utility's delivery.

use super::{Charge, Tag, is_default};
use crate::domain::calendar::HolidayCalendar;
use crate::domain::units::{Percent, Price};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What credits for exported energy may reduce, and what happens to the rest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRules {
    pub offset: ExportOffset,
    pub carry: ExportCarry,
    /// What is carried is lost after this month (1..=12); never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_month: Option<u8>,
    /// Most credit in one bill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Price>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportOffset {
    /// Credits reduce energy lines only, never below zero.
    EnergyOnly,
    /// Credits reduce the whole bill, never below zero.
    All,
    /// Credits may turn the bill into a payment to the customer.
    Cash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportCarry {
    /// What a bill cannot use is lost.
    None,
    /// Net metering: exported kWh first cancel imported kWh of the bill, the rest waits as kWh.
    Kwh,
    /// Unused credit waits as money.
    Money,
}

/// How bills are cut and rounded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Billing {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holidays: Option<HolidayCalendar>,
    #[serde(skip_serializing_if = "is_default")]
    pub rate_change: RateChange,
    #[serde(skip_serializing_if = "is_default")]
    pub round: Round,
    #[serde(skip_serializing_if = "is_default")]
    pub digits: Digits,
}

/// Decimals a rounded amount keeps, 0..=9; 2 unless stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Digits(pub u32);

impl Default for Digits {
    fn default() -> Self {
        Digits(2)
    }
}

/// Which price a bill gets when the price changes inside its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RateChange {
    /// The price in force on the window's last day, for the whole window.
    #[default]
    AtWindowClose,
    /// Each price by its share of the window's days.
    ProrateDays,
    /// Each reading at the price of its day.
    ByInterval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Round {
    #[default]
    Line,
    Total,
    None,
}

/// Taxes on top of, or already inside, the stated prices.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tax {
    pub prices: TaxPrices,
    /// Applied when `prices` is `exclusive`; each is a bill line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<TaxRate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxPrices {
    #[default]
    Exclusive,
    Inclusive,
}

/// A percentage of the lines with the tags (all lines but taxes when empty), or an amount per kWh; exactly one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRate {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_kwh: Option<Price>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of: Vec<Tag>,
}

/// A utility's own charges for the wires, by date: utilities change these many times a year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryTariff {
    /// Ascending by `effective`.
    pub versions: Vec<DeliveryVersion>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub rate_change: RateChange,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryVersion {
    pub effective: Date,
    /// Charges tagged `delivery`.
    pub charges: Vec<Charge>,
}
