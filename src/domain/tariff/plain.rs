//! The totals of plain tariffs, in which no line needs another and no window another.
//!
//! Where nothing changes over time, each charge runs through everything that is to be priced, which is several times
//! as fast as each window through all charges. The figures are those of `evaluate`.

use crate::domain::tariff::amounts::{applies, fixed, line_amount, scaled};
use crate::domain::tariff::blocks::by_sums;
use crate::domain::tariff::compile::{ChargeLists, Compiled, CompiledAmount, CompiledCharge, Phase};
use crate::domain::tariff::evaluate::{Context, Evaluation, Place};
use crate::domain::tariff::model::{BlockScope, Register, Reset};
use crate::domain::tariff::points::Point;
use crate::domain::tariff::price::{Pricer, Side};
use crate::domain::tariff::validate::Fault;
use crate::domain::units::{Energy, Money};
use jiff::civil::Date;

impl Evaluation {
    /// Adds to the sum of each point what the charges of one side of a plain tariff come to there.
    pub fn plain_side(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        (lists, side): (&ChargeLists, &mut Side),
        points: &[Point],
    ) -> Result<(), Fault> {
        if lists.is_direct {
            return self.directly(pricer, tariff, lists, points);
        }
        pricer.prepare(tariff, lists, side)?;
        self.by_pieces(pricer, tariff, (lists, side), points)
    }

    /// The charges of a side that never changes and needs no more than each window's sums.
    fn directly(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        lists: &ChargeLists,
        points: &[Point],
    ) -> Result<(), Fault> {
        let contract_start = pricer.contract_start(tariff);
        for charge in lists.phases.iter().flat_map(|phase| &phase.charges) {
            let direct = Direct { tariff, charge, contract_start };
            match &charge.amount {
                CompiledAmount::Energy { register, schedule, prices, .. } => {
                    let schedule = &lists.schedules[*schedule];
                    if let (Register::Import, true, [price]) = (register, schedule.is_always(), &prices[..]) {
                        direct.each(points, &mut self.sums, |point| direct.line(point.usage * *price));
                        continue;
                    }
                    let fold = pricer.fold(schedule, *register, &[], &charge.id)?;
                    let sums = pricer.sums(fold);
                    direct.each(points, &mut self.sums, |point| {
                        let held = &sums[point.index * prices.len()..][..prices.len()];
                        let lines = held.iter().zip(prices).map(|(held, price)| {
                            direct.line(Energy::from_mwh_thousandths(scaled(*held, point.factor)) * *price)
                        });
                        lines.sum()
                    });
                }
                CompiledAmount::Fixed { value, per } => direct.each(points, &mut self.sums, |point| {
                    direct.line(fixed(*value, *per, point.window, &point.frame).0)
                }),
                CompiledAmount::Blocks { register, schedule, blocks } => {
                    let own = pricer.fold(&lists.schedules[*schedule], *register, &[], &charge.id)?;
                    let total = pricer.total(*register, &[], &charge.id)?;
                    let (own, total) = (pricer.sums(own), pricer.sums(total));
                    let Evaluation { sums, limits, blocks: shares, .. } = self;
                    direct.each(points, sums, |point| {
                        shares.clear();
                        let of = |held: &[i64]| Energy::from_mwh_thousandths(scaled(held[point.index], point.factor));
                        by_sums(blocks, point.window, &point.frame, of(own), of(total), limits, shares);
                        shares.iter().map(|(_, _, amount)| direct.line(*amount)).sum()
                    });
                }
                // Not in a list that is direct.
                CompiledAmount::Series { .. } | CompiledAmount::Demand { .. } | CompiledAmount::Percent { .. } => {}
            }
        }
        Ok(())
    }

    /// The charges of a side whose prices change over time, or that need more than sums: point by point.
    fn by_pieces(
        &mut self,
        pricer: &mut Pricer<'_>,
        tariff: &Compiled,
        (lists, side): (&ChargeLists, &Side),
        points: &[Point],
    ) -> Result<(), Fault> {
        let contract_start = pricer.contract_start(tariff);
        for (slot, point) in points.iter().enumerate() {
            let context = Context { tariff, point: *point, slot, netting: None, contract_start };
            for number in side.pieces_of(point.index) {
                let piece = side.pieces[number];
                let place = Place { lists, side, number, piece };
                for charge in &lists.phases[piece.phase].charges {
                    if charge.condition.as_deref().is_none_or(|condition| applies(condition, point, contract_start)) {
                        self.charge::<false>(pricer, &context, place, charge, 0)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// A charge of a list that is direct.
#[derive(Clone, Copy)]
struct Direct<'a> {
    tariff: &'a Compiled,
    charge: &'a CompiledCharge,
    contract_start: Date,
}

impl Direct<'_> {
    /// Adds to each sum what the charge comes to at its point.
    #[inline]
    fn each(&self, points: &[Point], sums: &mut [Money], mut amount: impl FnMut(&Point) -> Money) {
        match self.charge.condition.as_deref() {
            None => points.iter().zip(sums).for_each(|(point, sum)| *sum += amount(point)),
            Some(condition) => {
                for (point, sum) in points.iter().zip(sums) {
                    if applies(condition, point, self.contract_start) {
                        *sum += amount(point);
                    }
                }
            }
        }
    }

    #[inline]
    fn line(&self, amount: Money) -> Money {
        line_amount(self.tariff, self.charge, amount)
    }
}

impl ChargeLists {
    /// Whether a plain tariff's charges need no more than the sums of each window: nothing changes over time, and
    /// every amount follows from how much energy was used when.
    pub(super) fn needs_sums_only(phases: &[Phase]) -> bool {
        let [only] = phases else { return false };
        only.charges.iter().all(|charge| match &charge.amount {
            CompiledAmount::Energy { .. } | CompiledAmount::Fixed { .. } => true,
            CompiledAmount::Blocks { blocks, .. } => {
                blocks.reset == Reset::Bill && blocks.scope != BlockScope::TotalChronological
            }
            CompiledAmount::Series { .. } | CompiledAmount::Demand { .. } | CompiledAmount::Percent { .. } => false,
        })
    }
}
