//! What a tariff must hold to mean something: every fault is named by its path.

use crate::domain::tariff::model::{
    Amount, BlockScope, Blocks, Charge, DeliveryTariff, DemandPer, DemandStep, ExportCarry, Per, RateChange, Register,
    Reset, Tag, Tariff, TotalRule, When,
};
use crate::domain::tariff::schedule::WINDOWS_MAX;
use crate::domain::units::{Energy, Price};
use std::collections::HashSet;

/// Most charges in one list: far above any real tariff, low enough that no catalog can stall a server.
pub const CHARGES_MAX: usize = 200;

/// One thing wrong with a tariff, or one thing about it that cannot be priced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// `charges[2].amount.blocks.bounds[1]`
    pub path: String,
    /// A sentence without its subject: "is below the bound before it".
    pub message: String,
}

/// All faults of a tariff; empty when it can be compiled.
pub fn validate(tariff: &Tariff) -> Vec<Fault> {
    let mut check = Check { faults: Vec::new() };
    check.charges("charges", &tariff.charges);
    if tariff.charges.is_empty() {
        check.fault("charges", "is empty: a tariff needs at least one charge, even one of zero");
    }
    check.versions(tariff);
    for (n, rule) in tariff.totals.iter().enumerate() {
        check.total(&format!("totals[{n}]"), rule);
    }
    check.export(tariff);
    if tariff.price_sd.is_some_and(|sd| sd.percent() < 0.0) {
        check.fault("price_sd", "is negative");
    }
    if tariff.billing.digits.0 > 9 {
        check.fault("billing.digits", "is above 9");
    }
    for (n, rate) in tariff.tax.rates.iter().enumerate() {
        if rate.percent.is_some() == rate.per_kwh.is_some() {
            check.fault(&format!("tax.rates[{n}]"), "needs exactly one of `percent` and `per_kwh`");
        }
    }
    check.faults
}

/// All faults of a delivery tariff.
pub fn validate_delivery(delivery: &DeliveryTariff) -> Vec<Fault> {
    let mut check = Check { faults: Vec::new() };
    if delivery.versions.is_empty() {
        check.fault("delivery.versions", "is empty");
    }
    for (n, version) in delivery.versions.iter().enumerate() {
        let path = format!("delivery.versions[{n}]");
        if n > 0 && version.effective <= delivery.versions[n - 1].effective {
            check.fault(&format!("{path}.effective"), "is not after the version before it");
        }
        check.charges(&format!("{path}.charges"), &version.charges);
        for (c, charge) in version.charges.iter().enumerate() {
            if let Amount::Energy { delivery_exempt: true, .. } = charge.amount {
                check.fault(
                    &format!("{path}.charges[{c}].amount.delivery_exempt"),
                    "has no meaning for delivery itself",
                );
            }
            if !charge.tags.contains(&Tag::Delivery) {
                check.fault(&format!("{path}.charges[{c}].tags"), "must contain `delivery`");
            }
        }
    }
    let charges = delivery.versions.iter().flat_map(|version| &version.charges);
    check.by_days("delivery.rate_change", delivery.rate_change, charges);
    check.faults
}

struct Check {
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, path: &str, message: &str) {
        self.faults.push(Fault { path: path.to_owned(), message: message.to_owned() });
    }

    fn charges(&mut self, path: &str, charges: &[Charge]) {
        if charges.len() > CHARGES_MAX {
            self.fault(path, "has more than 200 charges");
            return;
        }
        let mut ids = HashSet::new();
        for (n, charge) in charges.iter().enumerate() {
            let path = format!("{path}[{n}]");
            if charge.id.is_empty() || charge.id.len() > 64 {
                self.fault(&format!("{path}.id"), "must have 1 to 64 characters");
            }
            if !ids.insert(charge.id.as_str()) {
                self.fault(&format!("{path}.id"), "is used by an earlier charge");
            }
            if charge.label.is_empty() || charge.label.len() > 200 {
                self.fault(&format!("{path}.label"), "must have 1 to 200 characters");
            }
            if charge.tags.is_empty() {
                self.fault(&format!("{path}.tags"), "is empty: a line needs a kind");
            }
            self.condition(&path, charge);
            self.amount(&format!("{path}.amount"), charge);
        }
    }

    fn versions(&mut self, tariff: &Tariff) {
        for (n, version) in tariff.versions.iter().enumerate() {
            let path = format!("versions[{n}]");
            if version.from_date.is_some() == version.from_contract_month.is_some() {
                self.fault(&path, "needs exactly one of `from_date` and `from_contract_month`");
            }
            if version.from_contract_month.is_some_and(|month| !(1..=1_200).contains(&month)) {
                self.fault(&format!("{path}.from_contract_month"), "is not in 1..=1200");
            }
            if let Some(before) = n.checked_sub(1).map(|before| &tariff.versions[before]) {
                let ascends = (version.from_date.is_some() == before.from_date.is_some())
                    && version.from_date >= before.from_date
                    && version.from_contract_month >= before.from_contract_month
                    && (version.from_date, version.from_contract_month)
                        != (before.from_date, before.from_contract_month);
                if !ascends {
                    self.fault(&path, "does not start after the version before it, by the same kind of date");
                }
            }
            self.charges(&format!("{path}.charges"), &version.charges);
        }
        if !tariff.versions.is_empty() {
            let lists = std::iter::once(&tariff.charges).chain(tariff.versions.iter().map(|version| &version.charges));
            self.by_days("billing.rate_change", tariff.billing.rate_change, lists.flatten());
        }
    }

    /// Sharing a window's energy by days leaves nothing to order by time.
    fn by_days<'a>(&mut self, path: &str, change: RateChange, mut charges: impl Iterator<Item = &'a Charge>) {
        let needs_time = |charge: &Charge| match &charge.amount {
            Amount::Energy { series: Some(_), .. } => true,
            Amount::Energy { blocks: Some(blocks), .. } => {
                blocks.reset != Reset::Bill || blocks.scope == BlockScope::TotalChronological
            }
            _ => false,
        };
        if change == RateChange::ProrateDays && charges.any(needs_time) {
            self.fault(
                path,
                "is `prorate_days`, which cannot price series, daily or chronological blocks: use `by_interval`",
            );
        }
    }

    fn condition(&mut self, path: &str, charge: &Charge) {
        let Some(condition) = &charge.condition else { return };
        if let Some(band) = condition.usage {
            let bounds = [band.min_kwh, band.max_kwh];
            if bounds == [None, None] {
                self.fault(&format!("{path}.if.usage"), "has no bound");
            }
            for (name, bound) in [("min_kwh", band.min_kwh), ("max_kwh", band.max_kwh)] {
                if bound.is_some_and(Energy::is_negative) {
                    self.fault(&format!("{path}.if.usage.{name}"), "is negative");
                }
            }
            if let [Some(min), Some(max)] = bounds
                && (min > max || (min == max && (band.min_exclusive || !band.max_inclusive)))
            {
                self.fault(
                    &format!("{path}.if.usage"),
                    "contains no amount of energy: its maximum is not above its minimum",
                );
            }
        }
        self.months(&format!("{path}.if.months"), &condition.months);
        if let Some(months) = condition.contract_months {
            if months.from == 0 {
                self.fault(&format!("{path}.if.contract_months.from"), "is 0: the first contract month is 1");
            }
            if months.to.is_some_and(|to| to < months.from) {
                self.fault(&format!("{path}.if.contract_months.to"), "is before `from`");
            }
        }
    }

    fn months(&mut self, path: &str, months: &[u8]) {
        for (n, _) in months.iter().enumerate().filter(|(_, month)| !(1..=12).contains(*month)) {
            self.fault(&format!("{path}[{n}]"), "is not a month, 1 to 12");
        }
    }

    fn amount(&mut self, path: &str, charge: &Charge) {
        match &charge.amount {
            Amount::Fixed { .. } => {}
            Amount::Percent { of, .. } => {
                if of.is_empty() {
                    self.fault(&format!("{path}.of"), "is empty: a percentage of what?");
                }
            }
            Amount::Demand { averaging_minutes, when, also, above, per, floor_kw, ratchet, .. } => {
                if !matches!(averaging_minutes, 5 | 10 | 15 | 20 | 30 | 60) {
                    self.fault(&format!("{path}.averaging_minutes"), "is not one of 5, 10, 15, 20, 30, 60");
                }
                if floor_kw.is_some_and(|floor| Energy::from_kwh(floor).is_err() || floor < 0.0) {
                    self.fault(&format!("{path}.floor_kw"), "is not a power from 0 kW up");
                }
                if ratchet.is_some_and(|ratchet| ratchet.percent.percent() < 0.0) {
                    self.fault(&format!("{path}.ratchet.percent"), "is negative");
                }
                self.when(&format!("{path}.when"), when.as_ref());
                self.further_windows(path, when.is_some(), also);
                self.demand_steps(&format!("{path}.above"), above, *per);
            }
            Amount::Energy { .. } => self.energy(path, charge),
        }
    }

    fn further_windows(&mut self, path: &str, has_first: bool, also: &[When]) {
        if !also.is_empty() && !has_first {
            self.fault(&format!("{path}.also"), "needs a `when`, the first of the windows");
        }
        if also.len() + 8 > WINDOWS_MAX {
            self.fault(&format!("{path}.also"), "has more than 120 windows");
        }
        for (n, when) in also.iter().enumerate() {
            self.when(&format!("{path}.also[{n}]"), Some(when));
        }
    }

    fn demand_steps(&mut self, path: &str, above: &[DemandStep], per: DemandPer) {
        if !above.is_empty() && per == DemandPer::Day {
            self.fault(path, "has no meaning for the sum of each day's demand");
        }
        if above.len() > 50 {
            self.fault(path, "has more than 50 steps");
        }
        let mut below = 0.0;
        for (n, step) in above.iter().enumerate() {
            let is_above = step.above_kw > below && Energy::from_kwh(step.above_kw).is_ok();
            if !is_above {
                let message = "is not above the limit before it, or more than 1000000000 kW";
                self.fault(&format!("{path}[{n}].above_kw"), message);
            }
            below = step.above_kw;
        }
    }

    fn energy(&mut self, path: &str, charge: &Charge) {
        let Amount::Energy { price, windows, series, blocks, when, delivery_exempt, register } = &charge.amount else {
            return;
        };
        let given = [price.is_some(), !windows.is_empty(), series.is_some(), blocks.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            self.fault(path, "needs exactly one of `price`, `windows`, `series` and `blocks`");
        }
        self.when(&format!("{path}.when"), when.as_ref());
        for (n, window) in windows.iter().enumerate() {
            self.when(&format!("{path}.windows[{n}].when"), window.when.as_ref());
            let last = n + 1 == windows.len();
            let open = window.when.as_ref().is_none_or(|when| *when == When::default());
            if open != last {
                let message = if last {
                    "leaves a gap in the schedule: the last window must have no `when`"
                } else {
                    "matches always, so the windows after it never apply"
                };
                self.fault(&format!("{path}.windows[{n}].when"), message);
            }
        }
        if windows.len() + 8 > WINDOWS_MAX {
            self.fault(&format!("{path}.windows"), "has more than 120 windows");
        }
        if let Some(blocks) = blocks {
            self.blocks(&format!("{path}.blocks"), blocks);
        }
        if let Some(series) = series {
            if !series.multiplier.is_finite() || series.multiplier.abs() > 1_000.0 {
                self.fault(&format!("{path}.series.multiplier"), "is not a number between -1000 and 1000");
            }
            if let (Some(floor), Some(cap)) = (series.floor, series.cap)
                && floor > cap
            {
                self.fault(&format!("{path}.series.floor"), "is above the cap");
            }
        }
        if *delivery_exempt && (when.is_none() || charge.condition.is_some() || *register != Register::Import) {
            self.fault(
                &format!("{path}.delivery_exempt"),
                "needs a `when`, no `if`, and the import register: it must be clear which energy pays no delivery",
            );
        }
    }

    fn when(&mut self, path: &str, when: Option<&When>) {
        let Some(when) = when else { return };
        self.months(&format!("{path}.months"), &when.months);
        if when.from.is_some() != when.to.is_some() {
            self.fault(path, "has only one of `from` and `to`");
        }
        if when.from.is_some() && when.from == when.to {
            self.fault(path, "is an empty clock window: `from` equals `to`");
        }
        if when.from.is_some_and(|from| from.minutes() == 1_440) {
            self.fault(&format!("{path}.from"), "is 24:00, which is only an end");
        }
    }

    fn blocks(&mut self, path: &str, blocks: &Blocks) {
        if blocks.prices.len() != blocks.bounds.len() + 1 {
            self.fault(path, "needs one price more than bounds: the last block is open");
        }
        if blocks.bounds.len() > 50 {
            self.fault(path, "has more than 50 bounds");
        }
        let mut below = Energy::ZERO;
        for (n, bound) in blocks.bounds.iter().enumerate() {
            if *bound <= below {
                self.fault(&format!("{path}.bounds[{n}]"), "is not above the bound before it");
            }
            below = *bound;
        }
    }

    fn total(&mut self, path: &str, rule: &TotalRule) {
        if rule.of.is_empty() {
            self.fault(&format!("{path}.of"), "is empty: a limit on which lines?");
        }
        match (rule.min, rule.max) {
            (None, None) => self.fault(path, "has neither `min` nor `max`"),
            (Some(min), Some(max)) if min > max => self.fault(path, "has a minimum above its maximum"),
            _ => {}
        }
        if rule.per == Per::Year && rule.min.is_some_and(|min| min < Price::ZERO) {
            self.fault(&format!("{path}.min"), "is negative");
        }
    }

    fn export(&mut self, tariff: &Tariff) {
        let lists = std::iter::once(&tariff.charges).chain(tariff.versions.iter().map(|version| &version.charges));
        let exports =
            lists.flatten().any(|charge| matches!(charge.amount, Amount::Energy { register: Register::Export, .. }));
        match &tariff.export {
            None if exports => self.fault("export", "is missing: a charge reads the export register"),
            Some(rules) if exports && rules.carry == ExportCarry::Kwh => {
                self.fault("export.carry", "is `kwh`: exports cancel imports, so no charge may price them as well");
            }
            Some(rules) if rules.expires_month.is_some_and(|month| !(1..=12).contains(&month)) => {
                self.fault("export.expires_month", "is not in 1..=12");
            }
            _ => {}
        }
    }
}
