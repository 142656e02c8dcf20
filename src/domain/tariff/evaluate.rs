//! One tariff on one load: every charge of every window becomes lines, the lines are settled into bills.

use crate::domain::calendar::{Window, days_between};
use crate::domain::tariff::amounts::{WHOLE, applies, billed_demand, energy, fixed, line_amount, scaled};
use crate::domain::tariff::bill::{Bill, Line};
use crate::domain::tariff::blocks;
use crate::domain::tariff::compile::{ChargeLists, Compiled, CompiledAmount, CompiledCharge};
use crate::domain::tariff::model::{BlockScope, Reset, Round, Tag};
use crate::domain::tariff::points::Point;
use crate::domain::tariff::price::{Piece, Pricer, Side};
use crate::domain::tariff::settle::{self, Carry};
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Energy, Money, Price};
use jiff::civil::Date;

/// Reused between tariffs: pricing thousands of plans allocates next to nothing.
#[derive(Default)]
pub(super) struct Evaluation {
    pub plan: Side,
    pub delivery: Side,
    pub atoms: Vec<Atom>,
    pub lines: Vec<Line>,
    /// The sum of each window's or point's lines; those of a plain tariff are kept in no other way.
    pub sums: Vec<Money>,
    pub limits: Vec<Energy>,
    pub blocks: Vec<(Energy, Price, Money)>,
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
    pub point: Point,
    /// Where its sum is.
    pub slot: usize,
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

impl Evaluation {
    /// Prices all windows, each from its lines. `factors` empty: as read.
    pub fn run<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        factors: &[i64],
    ) -> Result<(Vec<Money>, Vec<Bill>), Fault> {
        let count = pricer.load.windows().len();
        self.sums.clear();
        self.sums.resize(count, Money::ZERO);
        let mut totals = Vec::with_capacity(if LINES { 0 } else { count });
        let mut bills = Vec::with_capacity(if LINES { count } else { 0 });
        let mut carry = Carry::default();
        let mut next = (0, 0);
        let contract_start = pricer.contract_start(tariff);
        for index in 0..count {
            let point = Point::of(pricer.load, index, factors.get(index).copied().unwrap_or(WHOLE));
            let mut context = Context { tariff, point, slot: index, netting: None, contract_start };
            let window = context.point.window;
            settle::net_energy(&mut context, pricer.load, &mut carry);
            self.atoms.clear();
            self.lines.clear();
            let mut charge_number = 0;
            let (plan, delivery) = (std::mem::take(&mut self.plan), std::mem::take(&mut self.delivery));
            let outcome = self
                .side::<LINES>(pricer, &context, (&tariff.plan, &plan), &mut next.0, &mut charge_number)
                .and_then(|()| {
                    let Some(lists) = tariff.delivery.as_deref() else { return Ok(()) };
                    self.side::<LINES>(pricer, &context, (lists, &delivery), &mut next.1, &mut charge_number)
                });
            (self.plan, self.delivery) = (plan, delivery);
            outcome?;
            let total = settle::settle::<LINES>(&context, self, &mut carry);
            if LINES {
                let lines = std::mem::take(&mut self.lines);
                bills.push(Bill { window, kwh: context.point.usage, lines, total });
            } else {
                totals.push(total);
            }
        }
        Ok((totals, bills))
    }

    /// The charges of one side in the pieces of the window; `next` is the side's first piece not yet priced.
    fn side<const LINES: bool>(
        &mut self,
        pricer: &mut Pricer<'_>,
        context: &Context<'_>,
        (lists, side): (&ChargeLists, &Side),
        next: &mut usize,
        charge_number: &mut u16,
    ) -> Result<(), Fault> {
        while let Some(piece) = side.pieces.get(*next).filter(|piece| piece.window == context.point.index) {
            let place = Place { lists, side, number: *next, piece: *piece };
            for charge in &lists.phases[piece.phase].charges {
                if charge
                    .condition
                    .as_ref()
                    .is_none_or(|condition| applies(condition, &context.point, context.contract_start))
                {
                    self.charge::<LINES>(pricer, context, place, charge, *charge_number)?;
                }
                *charge_number += 1;
            }
            *next += 1;
        }
        Ok(())
    }

    pub fn charge<const LINES: bool>(
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
                    let held = place.held(pricer.sums(fold), prices.len(), period, context.point.window);
                    let energy = energy(context, charge, *register, held);
                    let label = if LINES { labels[period].as_ref().unwrap_or(&charge.label) } else { &charge.label };
                    self.emit::<LINES>(context, charge, order, energy * *price, || {
                        (label, energy.kwh(), "kWh", price.currency())
                    });
                }
            }
            CompiledAmount::Fixed { value, per } => {
                let (amount, quantity, unit) = fixed(*value, *per, piece.span, &context.point.frame);
                self.emit::<LINES>(context, charge, order, amount, || {
                    (&charge.label, quantity, unit, value.currency())
                });
            }
            CompiledAmount::Blocks { .. } => self.blocks::<LINES>(pricer, context, place, charge, order)?,
            CompiledAmount::Series { register, schedule, series } => {
                let spans = place.spans(pricer);
                let dot =
                    pricer.series_cost(&place.lists.schedules[*schedule], *register, series, &spans, &charge.id)?;
                let (held, amount) = match pricer.series_costs(dot).get(place.number) {
                    Some((held, cost)) => (*held, cost.scale(context.point.factor, WHOLE)),
                    None => {
                        let fold = place.side.folds[*schedule][*register as usize];
                        let held = place.held(pricer.sums(fold), 1, 0, context.point.window);
                        let energy = Energy::from_mwh_thousandths(scaled(held, context.point.factor));
                        (held, energy * series.expected.unwrap_or_default())
                    }
                };
                let kwh = scaled(held, context.point.factor) as f64 / 1e6;
                let rate = if kwh == 0.0 { 0.0 } else { amount.currency() / kwh };
                self.emit::<LINES>(context, charge, order, amount, || (&charge.label, kwh, "kWh", rate));
            }
            CompiledAmount::Demand { schedule, demand, above } => {
                let measured = pricer.demand(&place.lists.schedules[*schedule], demand, &charge.id)?;
                let billed = billed_demand(measured, &context.point, demand);
                let steps = std::iter::once((0, demand.price)).chain(above.iter().copied());
                let ends = above.iter().map(|(limit, _)| *limit).chain([i64::MAX]);
                // Every step that is reached is a line; the first is one of zero where nothing is.
                for ((from, price), end) in steps.zip(ends).take_while(|((from, _), _)| *from == 0 || billed > *from) {
                    let part = billed.min(end) - from;
                    let amount = (Energy::from_mwh_thousandths(part) * price)
                        .scale(piece.span.days(), context.point.frame.days.max(1));
                    let kw = part as f64 / 1e6;
                    self.emit::<LINES>(context, charge, order, amount, || (&charge.label, kw, "kW", price.currency()));
                }
            }
            CompiledAmount::Percent { percent, of } => {
                let base = sum_of(&self.atoms, *of);
                let amount = percent.of(base);
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
            let held = |fold: u32| place.held(pricer.sums(fold), 1, 0, context.point.window);
            let own = held(place.side.folds[*schedule][*register as usize]);
            let total = held(place.side.always[*register as usize]);
            let own = energy(context, charge, *register, own);
            let total = energy(context, charge, *register, total);
            blocks::by_sums(blocks, piece.span, &context.point.frame, own, total, &mut self.limits, &mut shares);
        } else {
            let spans = place.spans(pricer);
            let walk = pricer.walk(&place.lists.schedules[*schedule], *register, &spans, &charge.id)?;
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
        self.sums[context.slot] += amount;
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

/// The piece being priced, and where its sums are.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub lists: &'a ChargeLists,
    pub side: &'a Side,
    /// Index of the piece in its side.
    pub number: usize,
    pub piece: Piece,
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

pub(super) fn sum_of(atoms: &[Atom], tags: u16) -> Money {
    atoms.iter().filter(|atom| atom.tags & tags != 0).map(|atom| atom.amount).sum()
}
