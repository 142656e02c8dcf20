//! One tariff on one load: every charge of every window becomes lines, the lines are settled into bills.

use crate::domain::calendar::{Month, Window, days_between};
use crate::domain::tariff::bill::{Bill, Line};
use crate::domain::tariff::blocks;
use crate::domain::tariff::compile::{Compiled, CompiledAmount, CompiledCharge, Demand, Phase, times};
use crate::domain::tariff::load::Load;
use crate::domain::tariff::model::{BlockScope, Condition, Per, Register, Reset, Round, Tag};
use crate::domain::tariff::price::{Piece, Pricer, Side};
use crate::domain::tariff::settle::{self, Carry};
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Energy, Money, Percent, Price};
use jiff::civil::Date;

/// Reused between tariffs: pricing thousands of plans allocates next to nothing.
#[derive(Default)]
pub(super) struct Evaluation {
    pub plan: Side,
    pub delivery: Side,
    pub atoms: Vec<Atom>,
    pub lines: Vec<Line>,
    /// The sum of each window's lines; those of a plain tariff are kept in no other way.
    pub sums: Vec<Money>,
    limits: Vec<Energy>,
    blocks: Vec<(Energy, Price, Money)>,
}

/// A line as the settlement sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom {
    pub amount: Money,
    pub tags: u16,
    /// Position of its charge among the charges of the window.
    pub charge: u16,
}

/// The window being priced.
pub(super) struct Context<'a> {
    pub tariff: &'a Compiled,
    pub index: usize,
    pub window: Window,
    /// Imported energy, scaled; what bands and per-kWh taxes look at.
    pub usage: Energy,
    /// Millionths every energy is scaled by.
    pub factor: i64,
    /// Net metering: millionths of the import left after exports are set against it.
    pub netting: Option<Netting>,
    /// Day one of contract month 1.
    pub contract_start: Date,
}

/// Import left of import held, for the lines net metering reaches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Netting {
    pub left: i64,
    pub of: i64,
    /// Tags of the lines it reaches.
    pub tags: u16,
}

pub(super) const WHOLE: i64 = 1_000_000;

impl Evaluation {
    /// Prices all windows. `factors` empty: as read.
    pub fn run<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        factors: &[i64],
    ) -> Result<(Vec<Money>, Vec<Bill>), Fault> {
        let count = pricer.load.windows().len();
        self.sums.clear();
        self.sums.resize(count, Money::ZERO);
        if !LINES && tariff.is_plain {
            return self.charge_by_charge(pricer, tariff, factors).map(|totals| (totals, Vec::new()));
        }
        let mut totals = Vec::with_capacity(if LINES { 0 } else { count });
        let mut bills = Vec::with_capacity(if LINES { count } else { 0 });
        let mut carry = Carry::default();
        let mut next = (0, 0);
        for index in 0..count {
            let mut context = Context::of(pricer.load, tariff, factors, index);
            let window = context.window;
            settle::net_energy(&mut context, pricer.load, &mut carry);
            self.atoms.clear();
            self.lines.clear();
            let mut charge_number = 0;
            let (plan, delivery) = (std::mem::take(&mut self.plan), std::mem::take(&mut self.delivery));
            let outcome = self
                .side::<LINES>(pricer, &context, (&tariff.phases, &plan), &mut next.0, &mut charge_number)
                .and_then(|()| {
                    let side = (&tariff.delivery[..], &delivery);
                    self.side::<LINES>(pricer, &context, side, &mut next.1, &mut charge_number)
                });
            (self.plan, self.delivery) = (plan, delivery);
            outcome?;
            let total = settle::settle::<LINES>(&context, self, &mut carry);
            if LINES {
                let lines = std::mem::take(&mut self.lines);
                bills.push(Bill { window, kwh: context.usage, lines, total });
            } else {
                totals.push(total);
            }
        }
        Ok((totals, bills))
    }

    /// The totals of a plain tariff: no line needs another, so each charge runs through all windows at once, which is
    /// several times as fast as each window through all charges.
    fn charge_by_charge(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        factors: &[i64],
    ) -> Result<Vec<Money>, Fault> {
        let contexts: Vec<Context<'_>> =
            (0..self.sums.len()).map(|index| Context::of(pricer.load, tariff, factors, index)).collect();
        let (plan, delivery) = (std::mem::take(&mut self.plan), std::mem::take(&mut self.delivery));
        let outcome = [(&tariff.phases, &plan), (&tariff.delivery, &delivery)].into_iter().try_for_each(|side| {
            let (phases, side) = side;
            let charges = phases.iter().enumerate().flat_map(|(n, phase)| phase.charges.iter().map(move |c| (n, c)));
            charges.into_iter().try_for_each(|(phase, charge)| self.through(pricer, &contexts, side, (phase, charge)))
        });
        (self.plan, self.delivery) = (plan, delivery);
        outcome?;
        let settled = |sum: &Money| if tariff.round == Round::Total { sum.round(tariff.digits) } else { *sum };
        Ok(self.sums.iter().map(settled).collect())
    }

    /// One charge of a phase through all windows.
    fn through(
        &mut self,
        pricer: &mut Pricer<'_>,
        contexts: &[Context<'_>],
        side: &Side,
        (phase, charge): (usize, &CompiledCharge),
    ) -> Result<(), Fault> {
        let Some(tariff) = contexts.first().map(|context| context.tariff) else { return Ok(()) };
        let pieces = side.pieces.iter().enumerate().filter(|(_, piece)| piece.phase == phase);
        let applicable = |piece: &Piece| {
            let condition = charge.condition.as_ref();
            condition.is_none_or(|condition| applies(condition, &contexts[piece.window]))
        };
        let pieces = pieces.filter(|(_, piece)| applicable(piece));
        let line = |amount: Money| line_amount(tariff, charge, amount);
        match &charge.amount {
            // The two amounts nearly all charges have, without the detail of a line.
            CompiledAmount::Energy { register, schedule, prices, .. } if !side.by_days => {
                let sums = pricer.sums(side.folds[*schedule][*register as usize]);
                for (number, piece) in pieces {
                    let factor = contexts[piece.window].factor;
                    let held = &sums[number * prices.len()..(number + 1) * prices.len()];
                    let amount =
                        |(held, price): (&i64, &Price)| Energy::from_mwh_thousandths(scaled(*held, factor)) * *price;
                    self.sums[piece.window] += held.iter().zip(prices).map(amount).map(line).sum();
                }
            }
            CompiledAmount::Fixed { value, per } => {
                for (_, piece) in pieces {
                    let window = contexts[piece.window].window;
                    self.sums[piece.window] += line(fixed(*value, *per, piece.span, window).0);
                }
            }
            _ => {
                for (number, piece) in pieces {
                    let place = Place { side, number, piece: *piece };
                    self.charge::<false>(pricer, &contexts[piece.window], place, charge, 0)?;
                }
            }
        }
        Ok(())
    }

    /// The charges of one side in the pieces of the window; `next` is the side's first piece not yet priced.
    fn side<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        context: &Context<'_>,
        (phases, side): (&[Phase], &Side),
        next: &mut usize,
        charge_number: &mut u16,
    ) -> Result<(), Fault> {
        while let Some(piece) = side.pieces.get(*next).filter(|piece| piece.window == context.index) {
            let place = Place { side, number: *next, piece: *piece };
            for charge in &phases[piece.phase].charges {
                if charge.condition.as_ref().is_none_or(|condition| applies(condition, context)) {
                    self.charge::<LINES>(pricer, context, place, charge, *charge_number)?;
                }
                *charge_number += 1;
            }
            *next += 1;
        }
        Ok(())
    }

    fn charge<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        context: &Context<'_>,
        place: Place<'_>,
        charge: &CompiledCharge,
        order: u16,
    ) -> Result<(), Fault> {
        let piece = place.piece;
        match &charge.amount {
            CompiledAmount::Energy { register, schedule, prices, labels } => {
                let fold = place.side.folds[*schedule][*register as usize];
                for (period, price) in prices.iter().enumerate() {
                    let held = place.held(pricer.sums(fold), prices.len(), period, context.window);
                    let energy = energy(context, charge, *register, held);
                    let label = if LINES { labels[period].as_ref().unwrap_or(&charge.label) } else { &charge.label };
                    self.emit::<LINES>(context, charge, order, energy * *price, || {
                        (label, energy.kwh(), "kWh", price.currency())
                    });
                }
            }
            CompiledAmount::Fixed { value, per } => {
                let (amount, quantity, unit) = fixed(*value, *per, piece.span, context.window);
                self.emit::<LINES>(context, charge, order, amount, || {
                    (&charge.label, quantity, unit, value.currency())
                });
            }
            CompiledAmount::Blocks { .. } => self.blocks::<LINES>(pricer, context, place, charge, order)?,
            CompiledAmount::Series { register, schedule, series } => {
                let spans = place.spans(pricer);
                let dot =
                    pricer.series_cost(&context.tariff.schedules[*schedule], *register, series, &spans, &charge.id)?;
                let (held, amount) = match pricer.series_costs(dot).get(place.number) {
                    Some((held, cost)) => (*held, cost.scale(context.factor, WHOLE)),
                    None => {
                        let fold = place.side.folds[*schedule][*register as usize];
                        let held = place.held(pricer.sums(fold), 1, 0, context.window);
                        let energy = Energy::from_mwh_thousandths(scaled(held, context.factor));
                        (held, energy * series.expected.unwrap_or_default())
                    }
                };
                let kwh = scaled(held, context.factor) as f64 / 1e6;
                let rate = if kwh == 0.0 { 0.0 } else { amount.currency() / kwh };
                self.emit::<LINES>(context, charge, order, amount, || (&charge.label, kwh, "kWh", rate));
            }
            CompiledAmount::Demand { schedule, demand } => {
                let measured = pricer.demand(&context.tariff.schedules[*schedule], demand, &charge.id)?;
                let billed = billed_demand(measured, context, demand);
                let amount = (Energy::from_mwh_thousandths(billed) * demand.price)
                    .scale(piece.span.days(), context.window.days().max(1));
                let kw = billed as f64 / 1e6;
                self.emit::<LINES>(context, charge, order, amount, || {
                    (&charge.label, kw, "kW", demand.price.currency())
                });
            }
            CompiledAmount::Percent { percent, of } => {
                let base = sum_of(&self.atoms, *of);
                let amount = percent_of(*percent, base);
                let quantity = base.currency();
                self.emit::<LINES>(context, charge, order, amount, || {
                    (&charge.label, quantity, "%", percent.percent())
                });
            }
        }
        Ok(())
    }

    fn blocks<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        context: &Context<'_>,
        place: Place<'_>,
        charge: &CompiledCharge,
        order: u16,
    ) -> Result<(), Fault> {
        let CompiledAmount::Blocks { register, schedule, blocks } = &charge.amount else { return Ok(()) };
        let (piece, number) = (place.piece, place.number);
        let mut shares = std::mem::take(&mut self.blocks);
        shares.clear();
        if blocks.reset == Reset::Bill && blocks.scope != BlockScope::TotalChronological {
            let held = |fold: u32| place.held(pricer.sums(fold), 1, 0, context.window);
            let own = held(place.side.folds[*schedule][*register as usize]);
            let total = held(place.side.always[*register as usize]);
            let own = energy(context, charge, *register, own);
            let total = energy(context, charge, *register, total);
            blocks::by_sums(blocks, piece.span, context.window, own, total, &mut self.limits, &mut shares);
        } else {
            let spans = place.spans(pricer);
            let walk = pricer.walk(&context.tariff.schedules[*schedule], *register, &spans, &charge.id)?;
            let walk = pricer.walked(walk);
            let steps = &walk.steps[walk.offsets[number]..walk.offsets[number + 1]];
            let reach = |held| energy(context, charge, *register, held);
            blocks::by_steps(blocks, piece.span, steps, reach, &mut self.limits, &mut shares);
        }
        for (energy, price, amount) in &shares {
            self.emit::<LINES>(context, charge, order, *amount, || {
                (&charge.label, energy.kwh(), "kWh", price.currency())
            });
        }
        self.blocks = shares;
        Ok(())
    }

    /// Adds a line.
    #[inline]
    fn emit<'c, const LINES: bool>(
        &mut self,
        context: &Context<'_>,
        charge: &'c CompiledCharge,
        order: u16,
        amount: Money,
        detail: impl FnOnce() -> (&'c std::sync::Arc<str>, f64, &'static str, f64),
    ) {
        let tariff = context.tariff;
        let amount = line_amount(tariff, charge, amount);
        self.sums[context.index] += amount;
        if !tariff.is_plain {
            self.atoms.push(Atom { amount, tags: charge.tags, charge: order });
        }
        if LINES {
            let (label, quantity, unit, rate) = detail();
            self.lines.push(Line {
                charge: charge.id.to_string(),
                label: label.to_string(),
                kind: charge.kind,
                quantity,
                unit,
                rate,
                amount,
            });
        }
    }

    /// Adds a line that no charge states: a limit, a tax, a carried credit.
    pub(super) fn add<const LINES: bool>(
        &mut self,
        context: &Context<'_>,
        name: (&str, &str),
        tag: Tag,
        tags: u16,
        amount: Money,
        detail: (f64, &'static str, f64),
    ) {
        let amount = if context.tariff.round == Round::Line { amount.round(context.tariff.digits) } else { amount };
        self.atoms.push(Atom { amount, tags, charge: u16::MAX });
        if LINES {
            let (quantity, unit, rate) = detail;
            let (charge, label) = (name.0.to_owned(), name.1.to_owned());
            self.lines.push(Line { charge, label, kind: tag, quantity, unit, rate, amount });
        }
    }
}

impl<'a> Context<'a> {
    fn of(load: &Load, tariff: &'a Compiled, factors: &[i64], index: usize) -> Context<'a> {
        let window = load.windows()[index];
        let factor = factors.get(index).copied().unwrap_or(WHOLE);
        let usage = scaled(load.totals(Register::Import)[index].mwh_thousandths(), factor);
        let contract_start = tariff.contract_start.unwrap_or(load.windows()[0].start);
        let usage = Energy::from_mwh_thousandths(usage);
        Context { tariff, index, window, usage, factor, netting: None, contract_start }
    }
}

/// An amount as its line states it: signed, rounded where lines are.
#[inline]
fn line_amount(tariff: &Compiled, charge: &CompiledCharge, amount: Money) -> Money {
    let signed = if charge.credit { -amount } else { amount };
    if tariff.round == Round::Line { signed.round(tariff.digits) } else { signed }
}

/// The piece being priced, and where its sums are.
#[derive(Clone, Copy)]
struct Place<'a> {
    side: &'a Side,
    /// Index of the piece in its side.
    number: usize,
    piece: Piece,
}

impl Place<'_> {
    /// The energy (mWh) of a period in the piece.
    #[inline]
    fn held(&self, sums: &[i64], periods: usize, period: usize, window: Window) -> i64 {
        if !self.side.by_days {
            return sums[self.number * periods + period];
        }
        let whole = Energy::from_mwh_thousandths(sums[self.piece.window * periods + period]);
        let until = |date| whole.scale(days_between(window.start, date), window.days().max(1));
        (until(self.piece.span.end) - until(self.piece.span.start)).mwh_thousandths()
    }

    fn spans(&self, pricer: &Pricer<'_>) -> Vec<Window> {
        if self.side.spans.is_empty() { pricer.load.windows().to_vec() } else { self.side.spans.clone() }
    }
}

/// `value × factor` millionths, rounded half away from zero.
#[inline]
pub(super) fn scaled(value: i64, factor: i64) -> i64 {
    if factor == WHOLE {
        return value;
    }
    let half = if value < 0 { -WHOLE / 2 } else { WHOLE / 2 };
    match value.checked_mul(factor).and_then(|product| product.checked_add(half)) {
        // A division by a constant: this is the inside of the loop over usage paths.
        Some(shifted) => shifted / WHOLE,
        None => Energy::from_mwh_thousandths(value).scale(factor, WHOLE).mwh_thousandths(),
    }
}

/// A held energy as billed: scaled to the path, then net of what exports cancel.
#[inline]
fn energy(context: &Context<'_>, charge: &CompiledCharge, register: Register, held: i64) -> Energy {
    let energy = Energy::from_mwh_thousandths(scaled(held, context.factor));
    match context.netting {
        Some(netting) if register == Register::Import && netting.tags & charge.tags != 0 => {
            energy.scale(netting.left, netting.of)
        }
        _ => energy,
    }
}

pub(super) fn sum_of(atoms: &[Atom], tags: u16) -> Money {
    atoms.iter().filter(|atom| atom.tags & tags != 0).map(|atom| atom.amount).sum()
}

pub(super) fn percent_of(percent: Percent, base: Money) -> Money {
    percent.of(base)
}

fn applies(condition: &Condition, context: &Context<'_>) -> bool {
    condition.usage.is_none_or(|band| band.contains(context.usage))
        && (condition.months.is_empty() || condition.months.contains(&(context.window.close().month() as u8)))
        && condition.contract_months.is_none_or(|months| {
            let month = months_since(context.contract_start, context.window.start) + 1;
            months.from <= month && months.to.is_none_or(|to| month <= to)
        })
}

/// Whole months from `start` to `date`.
fn months_since(start: Date, date: Date) -> u32 {
    let months = Month::of(start).until(Month::of(date)) - i32::from(date.day() < start.day());
    months.max(0) as u32
}

/// A sum per bill, month, day or year in a span of a window: amount, how many, of what.
#[inline]
pub(super) fn fixed(value: Price, per: Per, span: Window, window: Window) -> (Money, f64, &'static str) {
    match per {
        Per::Bill if span == window => (value.once(), 1.0, "bill"),
        Per::Bill => {
            let days = window.days().max(1);
            (value.once().scale(span.days(), days), span.days() as f64 / days as f64, "bill")
        }
        Per::Day => (times(value, span.days()), span.days() as f64, "day"),
        Per::Month => {
            if span == Month::of(span.start).window() {
                return (value.once(), 1.0, "month");
            }
            by_parts(value, span, "month", |date| {
                let month = Month::of(date);
                (month.plus(1).first_day(), i64::from(month.days()))
            })
        }
        Per::Year => by_parts(value, span, "year", |date| {
            let next = jiff::civil::date(date.year() + 1, 1, 1);
            (next, i64::from(date.days_in_year()))
        }),
    }
}

/// Each part of a span by its days; `part` gives the end and the full length of the part a date lies in.
fn by_parts(
    value: Price,
    span: Window,
    unit: &'static str,
    part: impl Fn(Date) -> (Date, i64),
) -> (Money, f64, &'static str) {
    let (mut amount, mut count, mut date) = (Money::ZERO, 0.0, span.start);
    while date < span.end {
        let (end, length) = part(date);
        let days = Window { start: date, end: end.min(span.end) }.days();
        amount += value.once().scale(days, length);
        count += days as f64 / length as f64;
        date = end;
    }
    (amount, count, unit)
}

/// Measured demand, at least its floor and its share of the highest of the months before.
fn billed_demand(measured: &[i64], context: &Context<'_>, demand: &Demand) -> i64 {
    let at = |index: usize| scaled(measured[index], context.factor);
    let ratchet = demand.ratchet.map_or(0, |ratchet| {
        let from = context.index.saturating_sub(ratchet.months as usize);
        let highest = (from..context.index).map(at).max().unwrap_or(0);
        Energy::from_mwh_thousandths(highest)
            .scale((ratchet.percent.percent() * 1e6) as i64, 100 * WHOLE)
            .mwh_thousandths()
    });
    at(context.index).max(ratchet).max(demand.floor.mwh_thousandths())
}
