//! Pricing: readings folded once per schedule, then every plan from the sums.

use crate::domain::calendar::Window;
use crate::domain::tariff::amounts::WHOLE;
use crate::domain::tariff::bill::Bill;
use crate::domain::tariff::compile::{ChargeLists, Compiled, CompiledAmount, Demand, Phase, PhaseStart};
use crate::domain::tariff::evaluate::Evaluation;
use crate::domain::tariff::load::Load;
use crate::domain::tariff::measure::{self, Walk};
use crate::domain::tariff::model::{RateChange, Register, Round, SeriesPrice};
use crate::domain::tariff::points::{Point, Points};
use crate::domain::tariff::schedule::{Rules, Schedule};
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Money, Price};
use foldhash::{HashMap, HashMapExt};
use jiff::civil::Date;
use std::sync::Arc;

/// A published price series (day-ahead, real-time): equal steps from `start`.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSeries {
    pub name: String,
    /// Seconds since 1970 UTC.
    pub start: i64,
    pub step_minutes: u16,
    pub prices: Vec<Price>,
}

/// Prices many tariffs on one load; folds are shared between tariffs with the same schedule.
pub struct Pricer<'a> {
    pub(super) load: &'a Load,
    series: &'a [PriceSeries],
    folds: Vec<Fold>,
    walks: Vec<(Schedule, Register, Vec<Window>, Walk)>,
    demands: Vec<(Schedule, Demand, Vec<i64>)>,
    dots: Vec<Dot>,
    /// Index of folds by schedule fingerprint.
    index: HashMap<(u128, Register), Vec<usize>>,
    always: Schedule,
    /// The folds of `always` over the load's windows, which nearly every charge asks for.
    totals: [u32; 3],
    /// Every window as read.
    whole: Points,
    /// What plain delivery charges come to; each with its tariff, so that no other can take its address.
    deliveries: HashMap<DeliveryKey, (Arc<ChargeLists>, Vec<Money>)>,
    scratch: Evaluation,
}

/// Energy (mWh) and cost of each span under a price series.
struct Dot {
    schedule: Schedule,
    register: Register,
    price: SeriesPrice,
    spans: Vec<Window>,
    /// Empty: the series is not held, its expected price applies.
    costs: Vec<(i64, Money)>,
}

/// What the sums of a plain delivery tariff follow from, beside the load.
#[derive(PartialEq, Eq, Hash)]
struct DeliveryKey {
    lists: *const ChargeLists,
    points: u64,
    rounding: (Round, u32),
    contract_start: Option<Date>,
}

struct Fold {
    schedule: Schedule,
    /// Empty: the load's windows.
    spans: Vec<Window>,
    sums: Vec<i64>,
}

/// A part of a window in which one phase holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub window: usize,
    pub span: Window,
    pub phase: usize,
}

/// One charge list over time, the plan's own or delivery's: its pieces and the sums its charges read.
#[derive(Debug, Default, Clone)]
pub(super) struct Side {
    pub pieces: Vec<Piece>,
    /// The pieces' spans; empty when every window is one piece.
    pub spans: Vec<Window>,
    /// First piece of each window; one entry more than windows. Empty when every window is one piece.
    first: Vec<usize>,
    /// The pieces are the windows, for every tariff of one phase alike.
    is_whole: bool,
    /// Pieces take their share of the window's energy by days.
    pub by_days: bool,
    /// `[schedule][register]`: index into the folds.
    pub folds: Vec<[u32; 3]>,
    /// The register totals.
    pub always: [u32; 3],
}

impl Side {
    /// The numbers of a window's pieces.
    #[inline]
    pub fn pieces_of(&self, window: usize) -> std::ops::Range<usize> {
        if self.first.is_empty() { window..window + 1 } else { self.first[window]..self.first[window + 1] }
    }
}

const UNRESOLVED: u32 = u32::MAX;

impl<'a> Pricer<'a> {
    pub fn new(load: &'a Load) -> Self {
        Pricer::with_series(load, &[])
    }

    /// With the price series that indexed tariffs follow; where one is not held its expected price is used.
    pub fn with_series(load: &'a Load, series: &'a [PriceSeries]) -> Self {
        Pricer {
            load,
            series,
            folds: Vec::new(),
            walks: Vec::new(),
            demands: Vec::new(),
            dots: Vec::new(),
            index: HashMap::new(),
            always: Schedule::new(Rules { gates: Vec::new(), rules: vec![None], holidays: None }),
            totals: [UNRESOLVED; 3],
            whole: Points::of(load, (0..load.windows().len()).map(|window| (window, WHOLE))),
            deliveries: HashMap::new(),
            scratch: Evaluation::default(),
        }
    }

    /// The total of each window, one-time fees not included. Same figures as [`Pricer::bills`], without the lines.
    pub fn totals(&mut self, tariff: &Compiled) -> Result<Vec<Money>, Fault> {
        if !tariff.is_plain {
            return self.run::<false>(tariff, &[]).map(|bills| bills.0);
        }
        let whole = std::mem::take(&mut self.whole);
        let totals = self.totals_at(tariff, &whole);
        self.whole = whole;
        totals
    }

    /// Totals with the energy of window `w` scaled by `factors[w]` millionths: one path of an uncertain year.
    pub fn totals_scaled(&mut self, tariff: &Compiled, factors: &[i64]) -> Result<Vec<Money>, Fault> {
        if !tariff.is_plain {
            return self.run::<false>(tariff, factors).map(|bills| bills.0);
        }
        let windows = 0..self.load.windows().len();
        let points = windows.map(|window| (window, factors.get(window).copied().unwrap_or(WHOLE)));
        self.totals_at(tariff, &Points::of(self.load, points))
    }

    /// The total of each point, all other windows as read.
    pub fn totals_at(&mut self, tariff: &Compiled, points: &Points) -> Result<Vec<Money>, Fault> {
        let mut totals = Vec::new();
        self.totals_into(tariff, points, &mut totals)?;
        Ok(totals)
    }

    /// [`Pricer::totals_at`] into what is used again from tariff to tariff. What was in it is gone.
    pub fn totals_into(&mut self, tariff: &Compiled, points: &Points, totals: &mut Vec<Money>) -> Result<(), Fault> {
        totals.clear();
        if tariff.is_plain {
            return self.plain(tariff, points, totals);
        }
        totals.resize(points.len(), Money::ZERO);
        let mut left: Vec<(usize, &Point)> = points.list().iter().enumerate().collect();
        while !left.is_empty() {
            // One point of each window goes into one run.
            let mut factors = vec![WHOLE; self.load.windows().len()];
            let mut taken = vec![None; factors.len()];
            left.retain(|&(at, point)| {
                let free = taken[point.index].is_none();
                if free {
                    factors[point.index] = point.factor;
                    taken[point.index] = Some(at);
                }
                !free
            });
            let bills = self.run::<false>(tariff, &factors)?.0;
            for (bill, at) in bills.into_iter().zip(taken) {
                if let Some(at) = at {
                    totals[at] = bill;
                }
            }
        }
        Ok(())
    }

    /// Every window's bill with all its lines.
    pub fn bills(&mut self, tariff: &Compiled) -> Result<Vec<Bill>, Fault> {
        self.run::<true>(tariff, &[]).map(|bills| bills.1)
    }

    fn run<const LINES: bool>(&mut self, tariff: &Compiled, factors: &[i64]) -> Result<(Vec<Money>, Vec<Bill>), Fault> {
        let mut evaluation = std::mem::take(&mut self.scratch);
        let outcome = self.prepare(tariff, &tariff.plan, &mut evaluation.plan).and_then(|()| {
            if let Some(delivery) = &tariff.delivery {
                self.prepare(tariff, delivery, &mut evaluation.delivery)?;
            }
            evaluation.run::<LINES>(self, tariff, factors)
        });
        self.scratch = evaluation;
        outcome
    }

    fn plain(&mut self, tariff: &Compiled, points: &Points, totals: &mut Vec<Money>) -> Result<(), Fault> {
        let mut evaluation = std::mem::take(&mut self.scratch);
        std::mem::swap(&mut evaluation.sums, totals);
        let outcome = self.plain_sums(tariff, &mut evaluation, points);
        std::mem::swap(&mut evaluation.sums, totals);
        self.scratch = evaluation;
        outcome?;
        if tariff.round == Round::Total {
            for sum in totals {
                *sum = sum.round(tariff.digits);
            }
        }
        Ok(())
    }

    /// Leaves the sum of each point's lines in `evaluation.sums`. No line needs another, so what a delivery tariff
    /// comes to is found once for all plans that pass it through.
    fn plain_sums(&mut self, tariff: &Compiled, evaluation: &mut Evaluation, points: &Points) -> Result<(), Fault> {
        evaluation.sums.clear();
        match &tariff.delivery {
            None => evaluation.sums.resize(points.len(), Money::ZERO),
            Some(lists) => {
                let key = DeliveryKey {
                    lists: Arc::as_ptr(lists),
                    points: points.fingerprint(),
                    rounding: (tariff.round, tariff.digits),
                    contract_start: tariff.contract_start,
                };
                if let Some((_, sums)) = self.deliveries.get(&key) {
                    evaluation.sums.extend_from_slice(sums);
                } else {
                    evaluation.sums.resize(points.len(), Money::ZERO);
                    let mut side = std::mem::take(&mut evaluation.delivery);
                    let outcome = evaluation.plain_side(self, tariff, (lists, &mut side), points.list());
                    evaluation.delivery = side;
                    outcome?;
                    self.deliveries.insert(key, (lists.clone(), evaluation.sums.clone()));
                }
            }
        }
        let mut side = std::mem::take(&mut evaluation.plan);
        let outcome = evaluation.plain_side(self, tariff, (&tariff.plan, &mut side), points.list());
        evaluation.plan = side;
        outcome
    }

    /// Day one of contract month 1.
    pub(super) fn contract_start(&self, tariff: &Compiled) -> Date {
        let first = self.load.windows().first().map(|window| window.start);
        tariff.contract_start.or(first).unwrap_or_default()
    }

    /// Cuts the windows to the phases of a side, and finds or makes the sums its charges read.
    pub(super) fn prepare(&mut self, tariff: &Compiled, lists: &ChargeLists, side: &mut Side) -> Result<(), Fault> {
        cut(self.load.windows(), &lists.phases, lists.rate_change, self.contract_start(tariff), side);
        self.resolve(lists, side)
    }

    /// Finds or makes the folds of every charge of a side.
    fn resolve(&mut self, lists: &ChargeLists, side: &mut Side) -> Result<(), Fault> {
        side.folds.clear();
        side.folds.resize(lists.schedules.len(), [UNRESOLVED; 3]);
        side.always = [UNRESOLVED; 3];
        let spans = if side.by_days { Vec::new() } else { std::mem::take(&mut side.spans) };
        for charge in lists.phases.iter().flat_map(|phase| &phase.charges) {
            let (register, schedule) = match &charge.amount {
                CompiledAmount::Energy { register, schedule, .. }
                | CompiledAmount::Blocks { register, schedule, .. }
                | CompiledAmount::Series { register, schedule, .. } => (*register, *schedule),
                CompiledAmount::Fixed { .. } | CompiledAmount::Demand { .. } | CompiledAmount::Percent { .. } => {
                    continue;
                }
            };
            let needs_total = matches!(charge.amount, CompiledAmount::Blocks { .. });
            if needs_total && side.always[register as usize] == UNRESOLVED {
                side.always[register as usize] = self.total(register, &spans, &charge.id)?;
            }
            if side.folds[schedule][register as usize] == UNRESOLVED {
                side.folds[schedule][register as usize] =
                    self.fold(&lists.schedules[schedule], register, &spans, &charge.id)?;
            }
        }
        if !side.by_days {
            side.spans = spans;
        }
        Ok(())
    }

    /// The index of the fold of all time.
    pub(super) fn total(&mut self, register: Register, spans: &[Window], charge: &str) -> Result<u32, Fault> {
        let known = self.totals[register as usize];
        if spans.is_empty() && known != UNRESOLVED {
            return Ok(known);
        }
        let always = self.always.clone();
        self.fold(&always, register, spans, charge)
    }

    /// The index of a fold, made when it is new. `spans` empty: the load's windows.
    pub(super) fn fold(
        &mut self,
        schedule: &Schedule,
        register: Register,
        spans: &[Window],
        charge: &str,
    ) -> Result<u32, Fault> {
        let is_total = spans.is_empty() && schedule.is_always();
        if is_total && self.totals[register as usize] != UNRESOLVED {
            return Ok(self.totals[register as usize]);
        }
        let known = self.index.entry((schedule.fingerprint, register)).or_default();
        for index in known.iter() {
            let fold = &self.folds[*index];
            if fold.spans == spans && fold.schedule == *schedule {
                return Ok(*index as u32);
            }
        }
        let windows = if spans.is_empty() { self.load.windows() } else { spans };
        let sums = self.load.fold(schedule, register, windows).ok_or_else(|| needs_readings(charge))?;
        let index = self.folds.len();
        known.push(index);
        self.folds.push(Fold { schedule: schedule.clone(), spans: spans.to_vec(), sums });
        if is_total {
            self.totals[register as usize] = index as u32;
        }
        Ok(index as u32)
    }

    pub(super) fn sums(&self, fold: u32) -> &[i64] {
        &self.folds[fold as usize].sums
    }

    /// A schedule's energy segment by segment, in the order of time.
    pub(super) fn walk(
        &mut self,
        schedule: &Schedule,
        register: Register,
        spans: &[Window],
        charge: &str,
    ) -> Result<usize, Fault> {
        let known =
            self.walks.iter().position(|(other, of, at, _)| *of == register && at == spans && other == schedule);
        if let Some(known) = known {
            return Ok(known);
        }
        let readings = self.load.readings().ok_or_else(|| needs_readings(charge))?;
        let walk = measure::walk(readings, schedule, register, spans);
        self.walks.push((schedule.clone(), register, spans.to_vec(), walk));
        Ok(self.walks.len() - 1)
    }

    pub(super) fn walked(&self, walk: usize) -> &Walk {
        &self.walks[walk].3
    }

    /// The measured demand of each window in milliwatts (10⁻⁶ kW).
    pub(super) fn demand(&mut self, schedule: &Schedule, demand: &Demand, charge: &str) -> Result<&[i64], Fault> {
        let same = |other: &Demand| {
            (other.averaging_minutes, other.measure, other.per)
                == (demand.averaging_minutes, demand.measure, demand.per)
        };
        let known = self.demands.iter().position(|(other, by, _)| same(by) && other == schedule);
        let index = match known {
            Some(index) => index,
            None => {
                let readings = self.load.readings().ok_or_else(|| needs_readings(charge))?;
                let values = measure::demand(readings, schedule, demand, self.load.windows());
                self.demands.push((schedule.clone(), *demand, values));
                self.demands.len() - 1
            }
        };
        Ok(&self.demands[index].2)
    }

    /// Energy (mWh) and cost of each span under a price series.
    pub(super) fn series_cost(
        &mut self,
        schedule: &Schedule,
        register: Register,
        price: &SeriesPrice,
        spans: &[Window],
        charge: &str,
    ) -> Result<usize, Fault> {
        let known = self.dots.iter().position(|dot| {
            dot.register == register && dot.price == *price && dot.spans == spans && dot.schedule == *schedule
        });
        if let Some(known) = known {
            return Ok(known);
        }
        let held = self.series.iter().find(|series| series.name == price.series);
        let costs = match (held, price.expected) {
            (Some(series), _) => {
                let readings = self.load.readings().ok_or_else(|| needs_readings(charge))?;
                measure::series_cost(readings, schedule, register, price, series, spans)
                    .ok_or_else(|| not_held(charge, &price.series))?
            }
            (None, Some(_)) => Vec::new(),
            (None, None) => return Err(not_held(charge, &price.series)),
        };
        let (schedule, spans) = (schedule.clone(), spans.to_vec());
        self.dots.push(Dot { schedule, register, price: price.clone(), spans, costs });
        Ok(self.dots.len() - 1)
    }

    /// Empty: the series is not held, its expected price applies.
    pub(super) fn series_costs(&self, dot: usize) -> &[(i64, Money)] {
        &self.dots[dot].costs
    }
}

fn needs_readings(charge: &str) -> Fault {
    Fault {
        path: format!("charges[{charge}]"),
        message: "depends on the hour or the day, and only totals are held: give interval readings".to_owned(),
    }
}

fn not_held(charge: &str, series: &str) -> Fault {
    Fault {
        path: format!("charges[{charge}].amount.series"),
        message: format!(
            "follows the price series `{series}`, which is not held for this time and has no expected price"
        ),
    }
}

/// Cuts the windows where a price changes inside them, if the rate change says so, and finds each piece's phase.
fn cut(windows: &[Window], phases: &[Phase], change: RateChange, contract_start: Date, side: &mut Side) {
    if phases.len() == 1 && side.is_whole {
        return;
    }
    side.pieces.clear();
    side.spans.clear();
    side.first.clear();
    side.by_days = false;
    side.is_whole = phases.len() == 1;
    if phases.is_empty() {
        return;
    }
    if side.is_whole {
        side.pieces.extend(windows.iter().enumerate().map(|(window, span)| Piece { window, span: *span, phase: 0 }));
        return;
    }
    let starts: Vec<Option<Date>> = phases.iter().map(|phase| phase_start(phase.from, contract_start)).collect();
    for (index, window) in windows.iter().enumerate() {
        if change == RateChange::AtWindowClose {
            side.pieces.push(Piece { window: index, span: *window, phase: in_force(&starts, window.close()) });
            continue;
        }
        let mut start = window.start;
        while start < window.end {
            let later = starts.iter().flatten().filter(|date| start < **date && **date < window.end).min();
            let span = Window { start, end: later.copied().unwrap_or(window.end) };
            side.pieces.push(Piece { window: index, span, phase: in_force(&starts, start) });
            start = span.end;
        }
    }
    if side.pieces.len() != windows.len() {
        side.by_days = change == RateChange::ProrateDays;
        side.spans.extend(side.pieces.iter().map(|piece| piece.span));
        side.first.extend((0..=windows.len()).map(|n| side.pieces.partition_point(|piece| piece.window < n)));
    }
}

/// The first day of a phase; `None` holds from the beginning.
fn phase_start(from: PhaseStart, contract_start: Date) -> Option<Date> {
    match from {
        PhaseStart::Always => None,
        PhaseStart::Date(date) => Some(date),
        PhaseStart::ContractMonth(month) => {
            let months = i64::from(month.clamp(1, 1_200)) - 1;
            Some(contract_start.saturating_add(jiff::Span::new().months(months)))
        }
    }
}

/// The last phase that has started by `date`; the first when none has.
fn in_force(starts: &[Option<Date>], date: Date) -> usize {
    starts.iter().rposition(|start| start.is_none_or(|start| start <= date)).unwrap_or(0)
}
