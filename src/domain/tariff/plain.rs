//! The totals of plain tariffs: charge by charge through all points at once.
//!
//! In a plain tariff no line needs another and no window another, so each charge runs through everything that is to be
//! priced, which is several times as fast as each window through all charges. The figures are those of `evaluate`.

use crate::domain::tariff::amounts::{applies, fixed, line_amount, scaled};
use crate::domain::tariff::blocks::by_sums;
use crate::domain::tariff::compile::{ChargeLists, Compiled, CompiledAmount, CompiledCharge};
use crate::domain::tariff::evaluate::{Context, Evaluation, Place};
use crate::domain::tariff::model::{BlockScope, Blocks, Register, Reset};
use crate::domain::tariff::points::Point;
use crate::domain::tariff::price::{Piece, Pricer, Side};
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Energy, Money};
use jiff::civil::Date;

/// A charge with where and when it is made.
#[derive(Clone, Copy)]
struct Part<'a> {
    tariff: &'a Compiled,
    contract_start: Date,
    lists: &'a ChargeLists,
    side: &'a Side,
    phase: usize,
    charge: &'a CompiledCharge,
}

impl Evaluation {
    /// Adds to the sum of each point what the charges of one side of a tariff come to there.
    pub fn at_points(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        (lists, side): (&ChargeLists, &Side),
        points: &[Point],
    ) -> Result<(), Fault> {
        let contract_start = pricer.contract_start(tariff);
        for (phase, charges) in lists.phases.iter().enumerate() {
            for charge in &charges.charges {
                self.through(pricer, Part { tariff, contract_start, lists, side, phase, charge }, points)?;
            }
        }
        Ok(())
    }

    /// One charge of a phase through all points.
    fn through(&mut self, pricer: &mut Pricer<'_>, part: Part<'_>, points: &[Point]) -> Result<(), Fault> {
        match &part.charge.amount {
            CompiledAmount::Energy { register, schedule, prices, .. } if !part.side.by_days => {
                let is_usage = part.is_usage(*register, *schedule);
                let sums = pricer.sums(part.side.folds[*schedule][*register as usize]);
                if let (true, [price]) = (is_usage, &prices[..]) {
                    part.each(points, |at, point, _| self.sums[at] += part.line(point.usage * *price));
                } else {
                    part.each(points, |at, point, (number, _)| {
                        let held = &sums[number * prices.len()..(number + 1) * prices.len()];
                        for (held, price) in held.iter().zip(prices) {
                            let energy = Energy::from_mwh_thousandths(scaled(*held, point.factor));
                            self.sums[at] += part.line(energy * *price);
                        }
                    });
                }
            }
            CompiledAmount::Fixed { value, per } => part.each(points, |at, point, (_, piece)| {
                self.sums[at] += part.line(fixed(*value, *per, piece.span, &point.frame).0);
            }),
            CompiledAmount::Blocks { register, schedule, blocks } if part.has_ladder_of_sums(blocks) => {
                self.ladder(pricer, part, (*register, *schedule, blocks), points);
            }
            _ => return self.one_by_one(pricer, part, points),
        }
        Ok(())
    }

    /// Blocks that the sums of a window fill.
    fn ladder(
        &mut self,
        pricer: &Pricer<'_>,
        part: Part<'_>,
        (register, schedule, blocks): (Register, usize, &Blocks),
        points: &[Point],
    ) {
        let own = pricer.sums(part.side.folds[schedule][register as usize]);
        let total = pricer.sums(part.side.always[register as usize]);
        let Evaluation { sums, limits, blocks: shares, .. } = self;
        part.each(points, |at, point, (number, piece)| {
            shares.clear();
            let of = |held: &[i64]| Energy::from_mwh_thousandths(scaled(held[number], point.factor));
            by_sums(blocks, piece.span, &point.frame, of(own), of(total), limits, shares);
            sums[at] += shares.iter().map(|(_, _, amount)| part.line(*amount)).sum();
        });
    }

    /// The amounts that need more than sums.
    fn one_by_one(&mut self, pricer: &mut Pricer<'_>, part: Part<'_>, points: &[Point]) -> Result<(), Fault> {
        let Part { tariff, contract_start, lists, side, charge, .. } = part;
        let mut outcome = Ok(());
        part.each(points, |at, point, (number, piece)| {
            if outcome.is_ok() {
                let context = Context { tariff, point: *point, slot: at, netting: None, contract_start };
                let place = Place { lists, side, number, piece };
                outcome = self.charge::<false>(pricer, &context, place, charge, 0);
            }
        });
        outcome
    }
}

impl Part<'_> {
    /// Calls `add` with the number of each point the charge is made at, and the piece of its window.
    #[inline]
    fn each<'p>(&self, points: &'p [Point], mut add: impl FnMut(usize, &'p Point, (usize, Piece))) {
        let Part { contract_start, side, phase, charge, .. } = *self;
        let condition = charge.condition.as_deref();
        for (at, point) in points.iter().enumerate() {
            if condition.is_some_and(|condition| !applies(condition, point, contract_start)) {
                continue;
            }
            for number in side.pieces_of(point.index) {
                let piece = side.pieces[number];
                if piece.phase == phase {
                    add(at, point, (number, piece));
                }
            }
        }
    }

    #[inline]
    fn line(&self, amount: Money) -> Money {
        line_amount(self.tariff, self.charge, amount)
    }

    /// The charge is on the window's whole import, which every point states.
    fn is_usage(&self, register: Register, schedule: usize) -> bool {
        register == Register::Import && self.side.spans.is_empty() && self.lists.schedules[schedule].is_always()
    }

    fn has_ladder_of_sums(&self, blocks: &Blocks) -> bool {
        !self.side.by_days && blocks.reset == Reset::Bill && blocks.scope != BlockScope::TotalChronological
    }
}
