//! The tariff model: a plan's price as data. One [`Charge`] is one line of a bill.
//!
//! The JSON form of these types is the full tariff form of the catalog format and of `rate_structure`
//! (`{"type": "tariff", "charges": [...]}`). Prices are in currency per unit (dollars per kWh), energy in kWh.
//! Nothing here computes: `validate` refuses what has no meaning, `compile` prepares, `bill` prices.

mod terms;

use crate::domain::calendar::{ClockTime, Day, MonthDay};
use crate::domain::from_json::tagged;
use crate::domain::units::{Energy, Percent, Price};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use terms::{
    Billing, DeliveryTariff, DeliveryVersion, Digits, ExportCarry, ExportOffset, ExportRules, RateChange, Round, Tax,
    TaxPrices, TaxRate,
};

/// Everything that makes a bill, apart from delivery that is passed through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tariff {
    /// The charges from the first day on.
    pub charges: Vec<Charge>,
    /// Later charge lists that replace `charges`: dated price changes, introductory prices that end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<Version>,
    /// Minimum and maximum bills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub totals: Vec<TotalRule>,
    /// How credits for exported energy may be used; needed when a charge reads the export register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportRules>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub billing: Billing,
    #[serde(default, skip_serializing_if = "is_default")]
    pub tax: Tax,
    /// Standard deviation of the energy price as a percentage of it, for variable and indexed prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_sd: Option<Percent>,
}

impl Tariff {
    /// Just these charges, everything else as usual.
    pub fn of(charges: Vec<Charge>) -> Tariff {
        Tariff {
            charges,
            versions: Vec::new(),
            totals: Vec::new(),
            export: None,
            billing: Billing::default(),
            tax: Tax::default(),
            price_sd: None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A charge list that takes over on a date or in a contract month (1 = the first); exactly one is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Version {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_date: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_contract_month: Option<u32>,
    pub charges: Vec<Charge>,
}

/// One bill line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Charge {
    /// Unique in its list; 1..=64 characters.
    pub id: String,
    /// What the bill calls it.
    pub label: String,
    /// At least one; the first is the line's kind.
    pub tags: Vec<Tag>,
    pub amount: Amount,
    /// A credit: the amount is subtracted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub credit: bool,
    #[serde(default, rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub combine: Combine,
}

/// What a line is for; sums over tags carry minimum bills, percentages, taxes and the cost breakdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    Energy,
    Delivery,
    Fixed,
    Demand,
    Fee,
    Credit,
    Tax,
    Export,
}

/// How an amount comes about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(tag = "kind")]
pub enum Amount {
    /// A sum per bill, calendar month, day or year. Months and years are shared out by days in a partial window.
    Fixed { value: Price, per: Per },
    /// Energy of a register times a price; exactly one of `price`, `windows`, `series`, `blocks` is given.
    Energy {
        #[serde(default, skip_serializing_if = "is_default")]
        register: Register,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        price: Option<Price>,
        /// First match wins; the last has no `when`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        windows: Vec<WindowPrice>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        series: Option<SeriesPrice>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blocks: Option<Blocks>,
        /// Only energy in this window counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<When>,
        /// The delivery tariff's per-kWh charges are not charged on this energy (free nights with free delivery).
        #[serde(default, skip_serializing_if = "is_default")]
        delivery_exempt: bool,
    },
    /// The highest average power in the window, in kW, times a price.
    Demand {
        price: Price,
        /// Minutes each power value is averaged over: 15, 30 or 60.
        averaging_minutes: u16,
        #[serde(default, skip_serializing_if = "is_default")]
        measure: DemandMeasure,
        /// Per bill, or the sum of each day's demand.
        #[serde(default, skip_serializing_if = "is_default")]
        per: DemandPer,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<When>,
        /// Further windows beside `when`: the highest power in any of them counts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also: Vec<When>,
        /// Prices of the power above a limit, ascending; below the first limit it is `price`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        above: Vec<DemandStep>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ratchet: Option<Ratchet>,
        /// Least billed demand, kW.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor_kw: Option<f64>,
    },
    /// A percentage of the sum of earlier lines that carry one of the tags.
    Percent { percent: Percent, of: Vec<Tag> },
}
tagged!(Amount, "kind");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    Bill,
    Month,
    Day,
    Year,
}

/// Which meter register is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Register {
    #[default]
    Import,
    Export,
    /// A separately metered load (hot water, storage heaters).
    Controlled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowPrice {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<When>,
    pub price: Price,
    /// What the bill calls this period; the charge's label when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A price that follows a published series: `series × multiplier + adder`, kept within floor and cap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesPrice {
    /// Name of the series, `ercot-hub` say.
    pub series: String,
    #[serde(default = "one")]
    pub multiplier: f64,
    #[serde(default, skip_serializing_if = "is_default")]
    pub adder: Price,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Price>,
    /// The price to expect where the series is not held, all parts included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Price>,
}

fn one() -> f64 {
    1.0
}

/// When a charge or price applies. Absent parts always match; given parts must all match.
/// `days` are those of the calendar day a minute lies in, also after midnight in a window that wraps.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Ranges of the year, both ends included; a range may wrap (`11-01` to `03-31`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dates: Vec<DateRange>,
    /// 1..=12.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub days: Vec<Day>,
    /// With `to`: the clock window `[from, to)`; it wraps midnight when `to <= from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ClockTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ClockTime>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateRange {
    pub from: MonthDay,
    pub to: MonthDay,
}

/// Prices by amount of energy. `bounds` are cumulative upper limits; there is one price more than bounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    pub bounds: Vec<Energy>,
    pub prices: Vec<Price>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub reset: Reset,
    #[serde(default, skip_serializing_if = "is_default")]
    pub unit: BlockUnit,
    #[serde(default, skip_serializing_if = "is_default")]
    pub scope: BlockScope,
    /// Bounds shrink with a bill shorter or longer than the calendar month it closes in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prorate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    #[default]
    Bill,
    Month,
    Day,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockUnit {
    #[default]
    Kwh,
    /// Bounds are multiplied by the days of the bill.
    KwhPerDay,
}

/// How a charge with a `when` shares the blocks: the three conventions of domain.md 3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlockScope {
    /// The charge's own energy climbs its own ladder.
    #[default]
    PerWindow,
    /// The register's total climbs; the charge gets each block in proportion to its share of the total.
    TotalProrata,
    /// The running total picks the block as time goes by.
    TotalChronological,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemandMeasure {
    #[default]
    Max,
    /// The mean of the three highest values of different days.
    TopThreeDays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DemandPer {
    #[default]
    Bill,
    Day,
}

/// What each kW above a limit costs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DemandStep {
    pub above_kw: f64,
    pub price: Price,
}

/// Billed demand is at least this percentage of the highest demand of the months before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratchet {
    pub months: u32,
    pub percent: Percent,
}

/// When a line appears at all; given parts must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The bill's imported energy lies in this band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageBand>,
    /// The bill closes in one of these months (1..=12).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_months: Option<ContractMonths>,
}

/// A band of energy with its bounds as the label states them. Default: `min <= usage < max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageBand {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_kwh: Option<Energy>,
    /// "More than" rather than "at least".
    #[serde(default, skip_serializing_if = "is_default")]
    pub min_exclusive: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_kwh: Option<Energy>,
    /// "Up to and including" rather than "less than".
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_inclusive: bool,
}

impl UsageBand {
    pub fn contains(&self, usage: Energy) -> bool {
        let above = self.min_kwh.is_none_or(|min| if self.min_exclusive { usage > min } else { usage >= min });
        let below = self.max_kwh.is_none_or(|max| if self.max_inclusive { usage <= max } else { usage < max });
        above && below
    }
}

/// Contract months, both included; 1 is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractMonths {
    pub from: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u32>,
}

/// How lines of one group combine; `stack` adds them all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    #[default]
    Stack,
    /// Only the line best for the customer stays.
    BestOf(String),
    /// Only the last line that applies stays.
    LastIn(String),
}

/// A floor or ceiling under the sum of the lines with these tags; the difference becomes a line of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TotalRule {
    pub id: String,
    pub label: String,
    pub of: Vec<Tag>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Price>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Price>,
    /// A yearly rule is trued up in the last bill of each twelve.
    pub per: Per,
}
