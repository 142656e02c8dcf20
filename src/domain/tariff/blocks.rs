//! Sharing energy among the blocks of a ladder, by each of the three conventions.

use crate::domain::calendar::{Month, Window};
use crate::domain::tariff::compile::ladder;
use crate::domain::tariff::measure::Step;
use crate::domain::tariff::model::{BlockScope, BlockUnit, Blocks, Reset};
use crate::domain::tariff::points::Frame;
use crate::domain::units::{Energy, Money, Price, div_round};

/// Energy, price and amount of each block.
type Shares = Vec<(Energy, Price, Money)>;

/// The part of a cumulative total that lies in block `number`.
fn in_block(total: Energy, number: usize, limits: &[Energy]) -> Energy {
    let floor = number.checked_sub(1).map_or(Energy::ZERO, |below| limits[below]);
    let ceiling = limits.get(number).copied().unwrap_or(total).min(total);
    (ceiling - floor).max(Energy::ZERO)
}

/// A ladder that starts anew with each bill, from sums: the charge's own energy climbs (per window), or it takes its
/// share of each block the total fills (prorata). A span shorter than its window has its share of the ladder.
pub(super) fn by_sums(
    blocks: &Blocks,
    span: Window,
    frame: &Frame,
    own: Energy,
    total: Energy,
    limits: &mut Vec<Energy>,
    shares: &mut Shares,
) {
    // Bounds that are the same in every bill are taken as they stand.
    let stand = !blocks.prorate && blocks.unit != BlockUnit::KwhPerDay && span == frame.window;
    if !stand {
        ladder(blocks, frame.days, frame.month_days, limits);
    }
    if span != frame.window {
        for limit in limits.iter_mut() {
            *limit = limit.scale(span.days(), frame.days.max(1));
        }
    }
    let limits = if stand { &blocks.bounds } else { &*limits };
    let climbing = if blocks.scope == BlockScope::PerWindow { own } else { total };
    for (number, price) in blocks.prices.iter().enumerate() {
        let filled = in_block(climbing, number, limits);
        if blocks.scope == BlockScope::PerWindow || climbing.is_zero() || own == total {
            shares.push((filled, *price, filled * *price));
        } else {
            shares.push(prorata(own, filled, total, *price));
        }
    }
}

/// `own × filled / total` at a price, divided last so that no milliwatt-hour is lost in the money.
fn prorata(own: Energy, filled: Energy, total: Energy, price: Price) -> (Energy, Price, Money) {
    let (own, filled, total) = (own.mwh_thousandths(), filled.mwh_thousandths(), total.mwh_thousandths());
    let product = i128::from(own) * i128::from(filled);
    let energy = Energy::from_mwh_thousandths(div_round(product, i128::from(total)) as i64);
    let money = match product.checked_mul(i128::from(price.nanos())) {
        Some(exact) => Money::from_femtos(div_round(exact, i128::from(total))),
        None => energy * price,
    };
    (energy, price, money)
}

/// A ladder that starts anew with each day, month or bill, from energy in the order of time. `reach` turns held
/// energy into billed energy.
pub(super) fn by_steps(
    blocks: &Blocks,
    span: Window,
    steps: &[Step],
    reach: impl Fn(i64) -> Energy,
    limits: &mut Vec<Energy>,
    shares: &mut Shares,
) {
    shares.extend(blocks.prices.iter().map(|price| (Energy::ZERO, *price, Money::ZERO)));
    let key = |step: &Step| match blocks.reset {
        Reset::Day => step.day,
        Reset::Month => step.month,
        Reset::Bill => 0,
    };
    for group in steps.chunk_by(|a, b| key(a) == key(b)) {
        let days = 1 + i64::from(group[group.len() - 1].day - group[0].day);
        let month_days = i64::from(Month::of(span.close()).days());
        ladder(blocks, days, month_days, limits);
        match blocks.scope {
            BlockScope::TotalChronological => chronological(group, &reach, limits, shares),
            BlockScope::PerWindow => {
                let own = group.iter().filter(|step| step.counts).map(|step| reach(step.energy)).sum();
                for (number, share) in shares.iter_mut().enumerate() {
                    let filled = in_block(own, number, limits);
                    share.0 += filled;
                    share.2 += filled * share.1;
                }
            }
            BlockScope::TotalProrata => {
                let own: Energy = group.iter().filter(|step| step.counts).map(|step| reach(step.energy)).sum();
                let total: Energy = group.iter().map(|step| reach(step.energy)).sum();
                for (number, share) in shares.iter_mut().enumerate().filter(|_| !total.is_zero()) {
                    let (energy, _, money) = prorata(own, in_block(total, number, limits), total, share.1);
                    share.0 += energy;
                    share.2 += money;
                }
            }
        }
    }
}

fn chronological(group: &[Step], reach: &impl Fn(i64) -> Energy, limits: &[Energy], shares: &mut Shares) {
    let mut running = Energy::ZERO;
    for step in group {
        let next = running + reach(step.energy);
        if step.counts {
            for (number, share) in shares.iter_mut().enumerate() {
                let filled = in_block(next, number, limits) - in_block(running, number, limits);
                share.0 += filled;
                share.2 += filled * share.1;
            }
        }
        running = next;
    }
}
