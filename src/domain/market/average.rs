//! All-in average prices at 500, 1,000 and 2,000 kWh a month: what price labels show, computed from the tariff.

use crate::domain::calendar::{Month, calendar_windows};
use crate::domain::catalog::{Market, PublishedPrices};
use crate::domain::tariff::model::Tag;
use crate::domain::tariff::{Compiled, Load, Pricer};
use crate::domain::units::{Energy, Money};
use crate::domain::usage::shape::{Shape, synthesise};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Monthly use the averages are taken at, kWh.
pub const LEVELS_KWH: [i64; 3] = [500, 1_000, 2_000];

/// All-in cents per kWh over twelve equal months from the start of a contract, four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AveragePrices {
    pub kwh_500: f64,
    pub kwh_1000: f64,
    pub kwh_2000: f64,
}

impl AveragePrices {
    pub fn levels(&self) -> [f64; 3] {
        [self.kwh_500, self.kwh_1000, self.kwh_2000]
    }
    /// The largest difference to published averages, cents per kWh.
    pub fn residual(&self, published: &PublishedPrices) -> f64 {
        let stated = [published.kwh_500, published.kwh_1000, published.kwh_2000];
        let differences = self.levels().into_iter().zip(stated).map(|(ours, theirs)| (ours - theirs.cents()).abs());
        differences.fold(0.0, f64::max)
    }
}

/// A year at each level, cut into calendar months, in the market's own time.
pub(super) struct ReferenceLoads {
    loads: [Load; 3],
}

/// The levels' pricers: plans that share a schedule share its fold.
pub(super) struct ReferencePricers<'a> {
    pricers: [Pricer<'a>; 3],
}

impl ReferenceLoads {
    /// Refuses a time zone nobody knows, by name.
    pub(super) fn new(market: &Market, as_of: Date) -> Result<Self, String> {
        let zone = TimeZone::get(&market.time_zone).map_err(|_| {
            let (id, zone) = (&market.id, &market.time_zone);
            format!("market {id}: {zone} is no IANA time zone, so none of its plans can be priced: write one like America/Chicago")
        })?;
        let first = Month::of(as_of);
        let windows = calendar_windows(first, 12);
        let load = |kwh| {
            let months: Vec<_> = (0..12).map(|n| (first.plus(n), Energy::from_whole_kwh(kwh))).collect();
            Load::from_intervals(&synthesise(&months, &zone, Shape::Standard), &windows)
        };
        Ok(ReferenceLoads { loads: LEVELS_KWH.map(load) })
    }

    pub(super) fn pricers(&mut self) -> ReferencePricers<'_> {
        ReferencePricers { pricers: self.loads.each_ref().map(Pricer::new) }
    }
}

impl ReferencePricers<'_> {
    /// `None` when the tariff asks for something the reference loads cannot answer.
    pub(super) fn averages(&mut self, compiled: &Compiled) -> Option<AveragePrices> {
        let mut cents = [0.0; 3];
        for ((level, pricer), cents) in LEVELS_KWH.into_iter().zip(&mut self.pricers).zip(&mut cents) {
            let total: Money = pricer.totals(compiled).ok()?.into_iter().sum();
            *cents = cents_per_kwh(total, Energy::from_whole_kwh(level * 12));
        }
        Some(AveragePrices { kwh_500: cents[0], kwh_1000: cents[1], kwh_2000: cents[2] })
    }

    /// The share of energy lines in a year of 1,000 kWh a month, 0..=1.
    pub(super) fn energy_share(&mut self, compiled: &Compiled) -> Option<f64> {
        let bills = self.pricers[1].bills(compiled).ok()?;
        let total: Money = bills.iter().map(|bill| bill.total).sum();
        let energy: Money =
            bills.iter().flat_map(|b| &b.lines).filter(|l| l.kind == Tag::Energy).map(|l| l.amount).sum();
        (total > Money::ZERO).then(|| (energy.currency() / total.currency()).clamp(0.0, 1.0))
    }
}

/// Rounded to four decimals; zero for no energy.
pub fn cents_per_kwh(total: Money, energy: Energy) -> f64 {
    if energy.is_zero() {
        return 0.0;
    }
    (total.currency() * 1e6 / energy.kwh()).round() / 1e4
}
