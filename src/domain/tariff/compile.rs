//! A valid tariff as dense tables: distinct schedules, prices by period, tags as bits.

use crate::domain::calendar::HolidayCalendar;
use crate::domain::tariff::model::{
    Amount, BlockUnit, Blocks, Charge, Combine, Condition, DeliveryTariff, DemandMeasure, DemandPer, DemandStep,
    ExportRules, Per, Ratchet, RateChange, Register, Reset, Round, SeriesPrice, Tag, Tariff, TaxPrices, TotalRule,
    When,
};
use crate::domain::tariff::schedule::{Gate, Rules, Schedule};
use crate::domain::tariff::validate::{Fault, validate, validate_delivery};
use crate::domain::units::{Energy, Money, Percent, Price};
use jiff::civil::Date;
use std::sync::Arc;

/// A tariff (with the delivery tariff passed through, if any) ready to be priced. Cheap to share, no reference back.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What the supplier charges.
    pub(super) plan: ChargeLists,
    /// What the utility charges, where the plan passes it through; shared by all plans that do so alike.
    pub(super) delivery: Option<Arc<ChargeLists>>,
    pub(super) contract_start: Option<Date>,
    pub(super) totals: Vec<TotalRule>,
    pub(super) export: Option<ExportRules>,
    pub(super) taxes: Vec<CompiledTax>,
    pub(super) round: Round,
    pub(super) digits: u32,
    /// Lines are all there is to a bill: no groups, no limits, no export, no taxes.
    pub(super) is_plain: bool,
}

/// Charge lists over time, and the schedules they name by number.
#[derive(Debug, Clone)]
pub(super) struct ChargeLists {
    pub phases: Vec<Phase>,
    pub schedules: Vec<Schedule>,
    pub rate_change: RateChange,
    /// In a plain tariff its charges are found from the sums of each window alone.
    pub is_direct: bool,
}

/// A delivery tariff compiled once for all plans that pass it through alike.
#[derive(Debug)]
pub struct SharedDelivery<'a> {
    tariff: &'a DeliveryTariff,
    faults: Vec<Fault>,
    /// By what of a plan it depends on: the windows that pay no delivery, and the holidays.
    compiled: Vec<(Vec<When>, Option<HolidayCalendar>, Arc<ChargeLists>)>,
}

/// A charge list and when it takes over.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    pub from: PhaseStart,
    pub charges: Vec<CompiledCharge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PhaseStart {
    Always,
    Date(Date),
    ContractMonth(u32),
}

#[derive(Debug, Clone)]
pub(super) struct CompiledCharge {
    pub id: Arc<str>,
    pub label: Arc<str>,
    pub kind: Tag,
    pub tags: u16,
    pub credit: bool,
    pub condition: Option<Box<Condition>>,
    pub combine: Combine,
    pub amount: CompiledAmount,
}

#[derive(Debug, Clone)]
pub(super) enum CompiledAmount {
    Fixed {
        value: Price,
        per: Per,
    },
    /// `prices[period]` of `schedules[schedule]`; labels where a period has its own.
    Energy {
        register: Register,
        schedule: usize,
        prices: Vec<Price>,
        labels: Vec<Option<Arc<str>>>,
    },
    Blocks {
        register: Register,
        schedule: usize,
        blocks: Box<Blocks>,
    },
    Series {
        register: Register,
        schedule: usize,
        series: Box<SeriesPrice>,
    },
    Demand {
        schedule: usize,
        demand: Demand,
        /// Limits in milliwatts with the price above each, ascending.
        above: Box<[(i64, Price)]>,
    },
    Percent {
        percent: Percent,
        of: u16,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub price: Price,
    pub averaging_minutes: u16,
    pub measure: DemandMeasure,
    pub per: DemandPer,
    pub ratchet: Option<Ratchet>,
    /// Milliwatts (10⁻⁶ kW), the scale of energy in an hour.
    pub floor: Energy,
}

#[derive(Debug, Clone)]
pub(super) struct CompiledTax {
    pub name: Arc<str>,
    pub amount: TaxAmount,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum TaxAmount {
    Percent { percent: Percent, of: u16 },
    PerKwh(Price),
}

pub(super) const fn tag_bit(tag: Tag) -> u16 {
    1 << tag as u16
}

pub(super) fn tag_bits(tags: &[Tag]) -> u16 {
    tags.iter().fold(0, |bits, tag| bits | tag_bit(*tag))
}

/// Compiles a tariff. `contract_start` is day one of contract month 1 (promotions, contract-month conditions); when
/// absent the first priced window's start is used. Faults name what is wrong or cannot be priced, all of them.
pub fn compile(
    tariff: &Tariff,
    delivery: Option<&DeliveryTariff>,
    contract_start: Option<Date>,
) -> Result<Compiled, Vec<Fault>> {
    compile_sharing(tariff, delivery.map(SharedDelivery::new).as_mut(), contract_start)
}

/// [`compile`] for one of many plans that pass the same delivery tariff through.
pub fn compile_sharing(
    tariff: &Tariff,
    delivery: Option<&mut SharedDelivery<'_>>,
    contract_start: Option<Date>,
) -> Result<Compiled, Vec<Fault>> {
    let mut faults = validate(tariff);
    faults.extend(delivery.iter().flat_map(|delivery| delivery.faults.iter().cloned()));
    if !faults.is_empty() {
        return Err(faults);
    }
    let holidays = tariff.billing.holidays.as_ref();
    let mut tables = Tables { schedules: Vec::new(), holidays, exempt: &[] };
    let mut phases = vec![Phase { from: PhaseStart::Always, charges: tables.charges(&tariff.charges) }];
    for version in &tariff.versions {
        let from = match (version.from_date, version.from_contract_month) {
            (Some(date), _) => PhaseStart::Date(date),
            (None, month) => PhaseStart::ContractMonth(month.unwrap_or(1)),
        };
        phases.push(Phase { from, charges: tables.charges(&version.charges) });
    }
    let plan = ChargeLists::new(phases, tables.schedules, tariff.billing.rate_change);
    let delivery = delivery.map(|delivery| delivery.beside(exempt_windows(tariff), holidays));
    let taxes = compile_taxes(tariff);
    let plain_charge = |charge: &CompiledCharge| {
        charge.combine == Combine::Stack && !matches!(charge.amount, CompiledAmount::Percent { .. })
    };
    let is_plain = tariff.totals.is_empty()
        && tariff.export.is_none()
        && taxes.is_empty()
        && plan.charges().chain(delivery.iter().flat_map(|delivery| delivery.charges())).all(plain_charge);
    Ok(Compiled {
        plan,
        delivery,
        contract_start,
        totals: tariff.totals.clone(),
        export: tariff.export.clone(),
        taxes,
        round: tariff.billing.round,
        digits: tariff.billing.digits.0,
        is_plain,
    })
}

impl<'a> SharedDelivery<'a> {
    pub fn new(tariff: &'a DeliveryTariff) -> Self {
        SharedDelivery { tariff, faults: validate_delivery(tariff), compiled: Vec::new() }
    }

    /// As it is charged beside a plan with such exempt windows and holidays. The tariff must be free of faults.
    fn beside(&mut self, exempt: Vec<When>, holidays: Option<&HolidayCalendar>) -> Arc<ChargeLists> {
        let known = self.compiled.iter().find(|(of, under, _)| *of == exempt && under.as_ref() == holidays);
        if let Some((_, _, lists)) = known {
            return lists.clone();
        }
        let mut tables = Tables { schedules: Vec::new(), holidays, exempt: &exempt };
        let phases = self.tariff.versions.iter().map(|version| Phase {
            from: PhaseStart::Date(version.effective),
            charges: tables.charges(&version.charges),
        });
        let phases = phases.collect();
        let lists = Arc::new(ChargeLists::new(phases, tables.schedules, self.tariff.rate_change));
        self.compiled.push((exempt, holidays.cloned(), lists.clone()));
        lists
    }
}

impl ChargeLists {
    fn new(phases: Vec<Phase>, schedules: Vec<Schedule>, rate_change: RateChange) -> Self {
        ChargeLists { is_direct: ChargeLists::needs_sums_only(&phases), phases, schedules, rate_change }
    }

    fn charges(&self) -> impl Iterator<Item = &CompiledCharge> {
        self.phases.iter().flat_map(|phase| &phase.charges)
    }
}

impl Compiled {
    fn lists(&self) -> impl Iterator<Item = &ChargeLists> {
        std::iter::once(&self.plan).chain(self.delivery.as_deref())
    }

    fn charges(&self) -> impl Iterator<Item = &CompiledCharge> {
        self.lists().flat_map(ChargeLists::charges)
    }

    fn schedules(&self) -> impl Iterator<Item = &Schedule> {
        self.lists().flat_map(|lists| &lists.schedules)
    }

    /// Some price depends on the hour of the day.
    pub fn depends_on_hours(&self) -> bool {
        self.schedules().any(Schedule::has_clock)
            || self
                .charges()
                .any(|charge| matches!(charge.amount, CompiledAmount::Series { .. } | CompiledAmount::Demand { .. }))
    }

    /// The months' energy is not enough: some price depends on the hour or the day.
    pub fn needs_readings(&self) -> bool {
        self.depends_on_hours()
            || self.schedules().any(|schedule| !schedule.is_always())
            || self.charges().any(
                |charge| matches!(&charge.amount, CompiledAmount::Blocks { blocks, .. } if blocks.reset != Reset::Bill),
            )
    }

    /// Every bill is a constant plus a price times the window's energy (up to rounding): no blocks, bands, limits or
    /// demand. The mean of bills over usage paths is then the bill of the mean usage.
    pub fn is_affine(&self) -> bool {
        self.is_plain
            && self.charges().all(|charge| {
                charge.condition.as_ref().is_none_or(|condition| condition.usage.is_none())
                    && matches!(
                        charge.amount,
                        CompiledAmount::Fixed { .. } | CompiledAmount::Energy { .. } | CompiledAmount::Series { .. }
                    )
            })
    }

    /// The bounds of credits and minimum-usage fees: monthly energy at which a bill jumps. Ascending, distinct.
    pub fn usage_thresholds(&self) -> Vec<Energy> {
        let mut bounds: Vec<Energy> = self
            .charges()
            .filter_map(|charge| charge.condition.as_ref()?.usage)
            .flat_map(|band| [band.min_kwh, band.max_kwh])
            .flatten()
            .filter(|bound| !bound.is_zero())
            .collect();
        bounds.sort_unstable();
        bounds.dedup();
        bounds
    }
}

fn compile_taxes(tariff: &Tariff) -> Vec<CompiledTax> {
    if tariff.tax.prices == TaxPrices::Inclusive {
        return Vec::new();
    }
    let untaxed = tag_bit(Tag::Tax);
    tariff
        .tax
        .rates
        .iter()
        .map(|rate| {
            let of = if rate.of.is_empty() { !untaxed } else { tag_bits(&rate.of) };
            let amount = match (rate.percent, rate.per_kwh) {
                (Some(percent), _) => TaxAmount::Percent { percent, of },
                (None, price) => TaxAmount::PerKwh(price.unwrap_or_default()),
            };
            CompiledTax { name: rate.name.as_str().into(), amount }
        })
        .collect()
}

/// The windows whose energy pays no delivery, over all versions of the tariff.
fn exempt_windows(tariff: &Tariff) -> Vec<When> {
    let lists = std::iter::once(&tariff.charges).chain(tariff.versions.iter().map(|version| &version.charges));
    let mut windows: Vec<When> = lists
        .flatten()
        .filter_map(|charge| match &charge.amount {
            Amount::Energy { when: Some(when), delivery_exempt: true, .. } => Some(when.clone()),
            _ => None,
        })
        .collect();
    windows.dedup();
    windows
}

struct Tables<'a> {
    schedules: Vec<Schedule>,
    holidays: Option<&'a HolidayCalendar>,
    /// Nothing is paid inside these.
    exempt: &'a [When],
}

impl Tables<'_> {
    fn charges(&mut self, charges: &[Charge]) -> Vec<CompiledCharge> {
        charges.iter().map(|charge| self.charge(charge)).collect()
    }

    fn charge(&mut self, charge: &Charge) -> CompiledCharge {
        let amount = match &charge.amount {
            Amount::Fixed { value, per } => CompiledAmount::Fixed { value: *value, per: *per },
            Amount::Percent { percent, of } => CompiledAmount::Percent { percent: *percent, of: tag_bits(of) },
            Amount::Energy { .. } => self.energy(&charge.amount),
            Amount::Demand { price, averaging_minutes, measure, per, when, also, above, ratchet, floor_kw } => {
                CompiledAmount::Demand {
                    schedule: self.demand_schedule(when.as_ref(), also),
                    above: above.iter().map(demand_step).collect(),
                    demand: Demand {
                        price: *price,
                        averaging_minutes: *averaging_minutes,
                        measure: *measure,
                        per: *per,
                        ratchet: *ratchet,
                        floor: Energy::from_kwh(floor_kw.unwrap_or_default()).unwrap_or_default(),
                    },
                }
            }
        };
        CompiledCharge {
            id: charge.id.as_str().into(),
            label: charge.label.as_str().into(),
            kind: charge.tags.first().copied().unwrap_or(Tag::Fixed),
            tags: tag_bits(&charge.tags),
            credit: charge.credit,
            condition: charge.condition.clone().map(Box::new),
            combine: charge.combine.clone(),
            amount,
        }
    }

    fn energy(&mut self, amount: &Amount) -> CompiledAmount {
        let Amount::Energy { register, price, windows, series, blocks, when, .. } = amount else {
            unreachable!("only energy amounts come here")
        };
        let register = *register;
        if let Some(series) = series {
            let schedule = self.schedule(when.as_ref(), vec![None]);
            return CompiledAmount::Series { register, schedule, series: Box::new(series.clone()) };
        }
        match blocks {
            // One open block is a plain price.
            Some(blocks) if blocks.bounds.is_empty() => CompiledAmount::Energy {
                register,
                schedule: self.schedule(when.as_ref(), vec![None]),
                prices: blocks.prices.clone(),
                labels: vec![None],
            },
            Some(blocks) => CompiledAmount::Blocks {
                register,
                schedule: self.schedule(when.as_ref(), vec![None]),
                blocks: Box::new(blocks.clone()),
            },
            None if windows.is_empty() => CompiledAmount::Energy {
                register,
                schedule: self.schedule(when.as_ref(), vec![None]),
                prices: vec![price.unwrap_or_default()],
                labels: vec![None],
            },
            None => CompiledAmount::Energy {
                register,
                schedule: self.schedule(when.as_ref(), windows.iter().map(|window| window.when.clone()).collect()),
                prices: windows.iter().map(|window| window.price).collect(),
                labels: windows.iter().map(|window| window.label.as_deref().map(Arc::from)).collect(),
            },
        }
    }

    /// One window as a gate, several as rules: outside of all of them nothing counts.
    fn demand_schedule(&mut self, when: Option<&When>, also: &[When]) -> usize {
        match also {
            [] => self.schedule(when, vec![None]),
            _ => self.schedule(None, when.into_iter().chain(also).cloned().map(Some).collect()),
        }
    }

    fn schedule(&mut self, when: Option<&When>, rules: Vec<Option<When>>) -> usize {
        let inside = when.filter(|when| **when != When::default());
        let gates = inside
            .map(|when| Gate { when: when.clone(), inside: true })
            .into_iter()
            .chain(self.exempt.iter().map(|when| Gate { when: when.clone(), inside: false }))
            .collect::<Vec<_>>();
        // A schedule that never looks at days is the same under every holiday calendar.
        let looks_at_days =
            gates.iter().map(|gate| &gate.when).chain(rules.iter().flatten()).any(|w| !w.days.is_empty());
        let holidays = self.holidays.filter(|_| looks_at_days).cloned();
        let schedule = Schedule::new(Rules { gates, rules, holidays });
        if let Some(known) = self.schedules.iter().position(|other| *other == schedule) {
            return known;
        }
        self.schedules.push(schedule);
        self.schedules.len() - 1
    }
}

fn demand_step(step: &DemandStep) -> (i64, Price) {
    (Energy::from_kwh(step.above_kw).unwrap_or_default().mwh_thousandths(), step.price)
}

/// The cumulative limits of a ladder in a window of `days` days that closes in a month of `month_days`.
pub(super) fn ladder(blocks: &Blocks, days: i64, month_days: i64, limits: &mut Vec<Energy>) {
    limits.clear();
    limits.extend(blocks.bounds.iter().map(|bound| {
        let bound = match (blocks.unit, blocks.reset) {
            (BlockUnit::KwhPerDay, Reset::Bill | Reset::Month) => bound.scale(days, 1),
            _ => *bound,
        };
        if blocks.prorate && blocks.reset == Reset::Bill { bound.scale(days, month_days) } else { bound }
    }));
}

/// A sum of money for each of `count` equal parts.
pub(super) fn times(value: Price, count: i64) -> Money {
    Money::from_femtos(value.once().femtos() * i128::from(count))
}
