//! The short rate forms clients know, and their expansion into the full tariff model.

use crate::domain::calendar::{ClockTime, Day};
use crate::domain::from_json::tagged;
use crate::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, Combine, Per, Register, Reset, Tag, Tariff, When, WindowPrice,
};
use crate::domain::tariff::validate::{Fault, validate};
use crate::domain::units::{Energy, Percent, Price};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a plan's price is stated. Rates of the short forms are in **cents per kWh**; the full form is in currency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[schemars(tag = "type")]
pub enum RateStructure {
    Fixed {
        rate_per_kwh: Cents,
    },
    /// Monthly tiers with cumulative limits; the last is open.
    Tiered {
        tiers: Vec<Tier>,
    },
    TimeOfUse {
        peak_rate: Cents,
        off_peak_rate: Cents,
        /// Clock hours 0..=23.
        peak_hours: Vec<u8>,
        /// Days the peak applies on; every day when empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        peak_days: Vec<Day>,
    },
    /// A rate the supplier may change: `historical_avg_rate`, where given, is what to expect.
    Variable {
        base_rate: Cents,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        historical_avg_rate: Option<Cents>,
    },
    /// The full form.
    Tariff(Tariff),
}
tagged!(RateStructure, "type");

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Upper limit in kWh a month; `null` for the last tier.
    pub up_to_kwh: Option<Energy>,
    pub rate_per_kwh: Cents,
}

/// A price written in cents (pence) per kWh, at most seven decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(transparent, extend("minimum" = -100 * Price::LIMIT, "maximum" = 100 * Price::LIMIT))]
pub struct Cents(pub Price);

impl Serialize for Cents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.cents())
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Price::from_cents(f64::deserialize(deserializer)?).map(Cents).map_err(serde::de::Error::custom)
    }
}

impl RateStructure {
    /// The full tariff a short form stands for. A `monthly_fee` becomes a fixed charge; the full form states its own
    /// charges, so a fee given beside it is added all the same.
    pub fn expand(&self, monthly_fee: Option<Price>) -> Tariff {
        let mut tariff = match self {
            RateStructure::Tariff(tariff) => tariff.clone(),
            short => Tariff { price_sd: short.price_sd(), ..Tariff::of(vec![short.energy_charge()]) },
        };
        if let Some(fee) = monthly_fee.filter(|fee| !fee.is_zero()) {
            let charge = Charge {
                id: "monthly-fee".to_owned(),
                label: "Monthly fee".to_owned(),
                tags: vec![Tag::Fixed],
                amount: Amount::Fixed { value: fee, per: Per::Month },
                credit: false,
                condition: None,
                combine: Combine::Stack,
            };
            let lists = std::iter::once(&mut tariff.charges)
                .chain(tariff.versions.iter_mut().map(|version| &mut version.charges));
            for charges in lists {
                charges.push(charge.clone());
            }
        }
        tariff
    }

    /// All faults of the short form by path; those of the full form are `validate`'s.
    pub fn faults(&self) -> Vec<Fault> {
        let fault = |path: &str, message: &str| Fault { path: path.to_owned(), message: message.to_owned() };
        match self {
            RateStructure::Tiered { tiers } => {
                let mut faults = Vec::new();
                if tiers.last().is_none_or(|last| last.up_to_kwh.is_some()) {
                    faults
                        .push(fault("tiers", "must end with a tier whose `up_to_kwh` is null: the last tier is open"));
                }
                let mut below = Energy::ZERO;
                for (n, tier) in tiers.iter().enumerate() {
                    match tier.up_to_kwh {
                        Some(limit) if limit <= below => {
                            faults.push(fault(&format!("tiers[{n}].up_to_kwh"), "is not above the limit before it"));
                        }
                        None if n + 1 < tiers.len() => {
                            faults.push(fault(&format!("tiers[{n}].up_to_kwh"), "is null before the last tier"));
                        }
                        limit => below = limit.unwrap_or(below),
                    }
                }
                faults
            }
            RateStructure::TimeOfUse { peak_hours, .. } if peak_hours.is_empty() => {
                vec![fault("peak_hours", "is empty: use the fixed form for one price")]
            }
            RateStructure::TimeOfUse { peak_hours, .. } => {
                let wrong = peak_hours.iter().enumerate().filter(|(_, hour)| **hour > 23);
                wrong.map(|(n, _)| fault(&format!("peak_hours[{n}]"), "is not a clock hour, 0 to 23")).collect()
            }
            RateStructure::Tariff(tariff) => validate(tariff),
            _ => Vec::new(),
        }
    }

    /// The stated uncertainty of a short form's price: a variable rate moves by 15 % (method.md 2).
    fn price_sd(&self) -> Option<Percent> {
        match self {
            RateStructure::Variable { .. } => Percent::from_percent(15.0).ok(),
            _ => None,
        }
    }

    fn energy_charge(&self) -> Charge {
        let mut energy = Shape { price: None, windows: Vec::new(), blocks: None };
        match self {
            RateStructure::Fixed { rate_per_kwh } => energy.price = Some(rate_per_kwh.0),
            RateStructure::Variable { base_rate, historical_avg_rate } => {
                energy.price = Some(historical_avg_rate.unwrap_or(*base_rate).0);
            }
            RateStructure::Tiered { tiers } => {
                energy.blocks = Some(Blocks {
                    bounds: tiers.iter().filter_map(|tier| tier.up_to_kwh).collect(),
                    prices: tiers.iter().map(|tier| tier.rate_per_kwh.0).collect(),
                    reset: Reset::Bill,
                    unit: BlockUnit::Kwh,
                    scope: BlockScope::PerWindow,
                    prorate: false,
                });
            }
            RateStructure::TimeOfUse { peak_rate, off_peak_rate, peak_hours, peak_days } => {
                let peaks = runs(peak_hours).into_iter().map(|(from, to)| WindowPrice {
                    when: Some(When { days: peak_days.clone(), from: Some(from), to: Some(to), ..When::default() }),
                    price: peak_rate.0,
                    label: Some("Peak energy".to_owned()),
                });
                let rest =
                    WindowPrice { when: None, price: off_peak_rate.0, label: Some("Off-peak energy".to_owned()) };
                energy.windows = peaks.chain([rest]).collect();
            }
            RateStructure::Tariff(_) => {}
        }
        Charge {
            id: "energy".to_owned(),
            label: "Energy charge".to_owned(),
            tags: vec![Tag::Energy],
            amount: Amount::Energy {
                register: Register::Import,
                price: energy.price,
                windows: energy.windows,
                series: None,
                blocks: energy.blocks,
                when: None,
                delivery_exempt: false,
            },
            credit: false,
            condition: None,
            combine: Combine::Stack,
        }
    }
}

/// The parts of an energy amount that the short forms fill.
struct Shape {
    price: Option<Price>,
    windows: Vec<WindowPrice>,
    blocks: Option<Blocks>,
}

/// Runs of consecutive hours as clock windows.
fn runs(hours: &[u8]) -> Vec<(ClockTime, ClockTime)> {
    let mut hours: Vec<u16> = hours.iter().map(|hour| u16::from(*hour).min(23)).collect();
    hours.sort_unstable();
    hours.dedup();
    hours
        .chunk_by(|a, b| a + 1 == *b)
        .filter_map(|run| {
            Some((ClockTime::from_minutes(run[0] * 60)?, ClockTime::from_minutes((run[run.len() - 1] + 1) * 60)?))
        })
        .collect()
}
