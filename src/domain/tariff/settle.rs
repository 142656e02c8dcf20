//! From a window's lines to its bill: groups, export credits, minimum and maximum bills, taxes, rounding.
//!
//! The order is the field's: lines that replace each other are settled first, then credits for export, then limits,
//! then taxes on what is left, and rounding last.

use crate::domain::tariff::amounts::{WHOLE, fixed};
use crate::domain::tariff::bill::Line;
use crate::domain::tariff::compile::{ChargeLists, CompiledCharge, TaxAmount, tag_bit, tag_bits};
use crate::domain::tariff::evaluate::{Context, Evaluation, Netting, sum_of};
use crate::domain::tariff::load::Load;
use crate::domain::tariff::model::{Combine, ExportCarry, ExportOffset, Per, Register, Round, Tag, TotalRule};
use crate::domain::tariff::price::Side;
use crate::domain::units::{Energy, Money};

/// What one bill leaves to the next.
#[derive(Debug, Default)]
pub(super) struct Carry {
    /// Exported energy in the bank, mWh.
    energy: i64,
    money: Money,
    /// The year so far of each yearly limit.
    years: Vec<Money>,
}

/// Net metering: exports of this bill and the bank cancel imports before anything is priced.
pub(super) fn net_energy(context: &mut Context<'_>, load: &Load, carry: &mut Carry) {
    let Some(rules) = context.tariff.export.as_ref().filter(|rules| rules.carry == ExportCarry::Kwh) else { return };
    let exported = load.totals(Register::Export)[context.point.index];
    let exported = exported.scale(context.point.factor, WHOLE).mwh_thousandths();
    let import = context.point.usage.mwh_thousandths();
    let cancelled = import.min(exported + carry.energy);
    carry.energy += exported - cancelled;
    if rules.expires_month == Some(context.point.window.close().month() as u8) {
        carry.energy = 0;
    }
    if cancelled > 0 {
        let tags = match rules.offset {
            ExportOffset::EnergyOnly => tag_bit(Tag::Energy),
            ExportOffset::All | ExportOffset::Cash => !0,
        };
        context.netting = Some(Netting { left: import - cancelled, of: import, tags });
    }
}

/// Settles the lines of one window in place and returns its total.
pub(super) fn settle<const LINES: bool>(
    context: &Context<'_>,
    evaluation: &mut Evaluation,
    carry: &mut Carry,
) -> Money {
    let tariff = context.tariff;
    if !tariff.is_plain {
        groups::<LINES>(context, evaluation);
        export_credit::<LINES>(context, evaluation, carry);
        limits::<LINES>(context, evaluation, carry);
        taxes::<LINES>(context, evaluation);
        evaluation.sums[context.slot] = evaluation.atoms.iter().map(|atom| atom.amount).sum();
    }
    let sum = evaluation.sums[context.slot];
    let total = if tariff.round == Round::Total { sum.round(tariff.digits) } else { sum };
    if LINES {
        evaluation.lines.retain(|line| !line.amount.is_zero() || line.quantity != 0.0);
        if tariff.round == Round::Total {
            share_rounding(&mut evaluation.lines, total, tariff.digits);
        }
    }
    total
}

/// Lines of charges that lose to another of their group become zero.
fn groups<const LINES: bool>(context: &Context<'_>, evaluation: &mut Evaluation) {
    let charges = charges_of(context, &evaluation.plan, &evaluation.delivery);
    if charges.iter().all(|charge| charge.combine == Combine::Stack) {
        return;
    }
    let amount_of = |order: usize| -> Money {
        let own = evaluation.atoms.iter().filter(|atom| usize::from(atom.charge) == order);
        own.map(|atom| atom.amount).sum()
    };
    let is_present = |order: usize| evaluation.atoms.iter().any(|atom| usize::from(atom.charge) == order);
    let mut losers = Vec::new();
    for (order, charge) in charges.iter().enumerate().filter(|(order, _)| is_present(*order)) {
        let rivals = charges
            .iter()
            .enumerate()
            .filter(|(other, rival)| *other != order && rival.combine == charge.combine && is_present(*other));
        let loses = match &charge.combine {
            Combine::Stack => false,
            // The cheapest for the customer stays; of equals the first.
            Combine::BestOf(_) => {
                rivals.into_iter().any(|(other, _)| (amount_of(other), other) < (amount_of(order), order))
            }
            Combine::LastIn(_) => rivals.into_iter().any(|(other, _)| other > order),
        };
        if loses {
            losers.push(order);
        }
    }
    let (atoms, lines) = (&mut evaluation.atoms, &mut evaluation.lines);
    for index in 0..atoms.len() {
        if losers.contains(&usize::from(atoms[index].charge)) {
            atoms[index].amount = Money::ZERO;
            if LINES {
                lines[index].amount = Money::ZERO;
                lines[index].quantity = 0.0;
            }
        }
    }
}

/// The window's charges in the order their lines are numbered.
fn charges_of<'a>(context: &Context<'a>, plan: &Side, delivery: &Side) -> Vec<&'a CompiledCharge> {
    let tariff = context.tariff;
    let of = |lists: &'a ChargeLists, side: &Side| -> Vec<&'a CompiledCharge> {
        let pieces = side.pieces.iter().filter(|piece| piece.window == context.point.index);
        pieces.flat_map(|piece| &lists.phases[piece.phase].charges).collect()
    };
    let mut charges = of(&tariff.plan, plan);
    charges.extend(tariff.delivery.as_deref().map(|lists| of(lists, delivery)).unwrap_or_default());
    charges
}

/// Caps what export credits may take off this bill, and carries the rest where the rules say so.
fn export_credit<const LINES: bool>(context: &Context<'_>, evaluation: &mut Evaluation, carry: &mut Carry) {
    let Some(rules) = &context.tariff.export else { return };
    let export = tag_bit(Tag::Export);
    let earned = -sum_of(&evaluation.atoms, export);
    let available = earned.max(Money::ZERO) + carry.money;
    let limit = match rules.offset {
        ExportOffset::EnergyOnly => Some(sum_of(&evaluation.atoms, tag_bit(Tag::Energy)).max(Money::ZERO)),
        ExportOffset::All => Some(sum_of(&evaluation.atoms, !export).max(Money::ZERO)),
        ExportOffset::Cash => None,
    };
    let cap = rules.cap.map(|cap| cap.once());
    let most = [limit, cap].into_iter().flatten().min();
    let used = most.map_or(available, |most| available.min(most));
    let difference = earned.max(Money::ZERO) - used;
    carry.money = if rules.carry == ExportCarry::Money { available - used } else { Money::ZERO };
    if rules.expires_month == Some(context.point.window.close().month() as u8) {
        carry.money = Money::ZERO;
    }
    if !difference.is_zero() {
        let name = if difference.is_negative() {
            ("export-carried-in", "Export credit carried in")
        } else {
            ("export-not-used", "Export credit not used in this bill")
        };
        let detail = (1.0, "bill", difference.currency());
        evaluation.add::<LINES>(context, name, Tag::Export, export, difference, detail);
    }
}

/// Minimum and maximum bills: the difference becomes a line.
fn limits<const LINES: bool>(context: &Context<'_>, evaluation: &mut Evaluation, carry: &mut Carry) {
    let rules = &context.tariff.totals;
    carry.years.resize(rules.len(), Money::ZERO);
    for (number, rule) in rules.iter().enumerate() {
        let mut sum = sum_of(&evaluation.atoms, tag_bits(&rule.of));
        if rule.per == Per::Year {
            carry.years[number] += sum;
            if context.point.index % 12 != 11 {
                continue;
            }
            sum = std::mem::take(&mut carry.years[number]);
        }
        let difference = missing(rule, sum, context);
        if !difference.is_zero() {
            let name = (rule.id.as_str(), rule.label.as_str());
            let detail = (1.0, "bill", difference.currency());
            evaluation.add::<LINES>(context, name, Tag::Fixed, tag_bit(Tag::Fixed), difference, detail);
        }
    }
}

/// What lifts a sum to the rule's minimum, or lowers it to its maximum.
fn missing(rule: &TotalRule, sum: Money, context: &Context<'_>) -> Money {
    let bound = |price| match rule.per {
        Per::Year => crate::domain::units::Price::once(price),
        per => fixed(price, per, context.point.window, &context.point.frame).0,
    };
    let lifted = rule.min.map(bound).map_or(sum, |min| sum.max(min));
    rule.max.map(bound).map_or(lifted, |max| lifted.min(max)) - sum
}

fn taxes<const LINES: bool>(context: &Context<'_>, evaluation: &mut Evaluation) {
    for tax in &context.tariff.taxes {
        let (amount, detail) = match tax.amount {
            TaxAmount::Percent { percent, of } => {
                let base = sum_of(&evaluation.atoms, of);
                (percent.of(base), (base.currency(), "%", percent.percent()))
            }
            TaxAmount::PerKwh(price) => {
                let usage: Energy = context.point.usage;
                (usage * price, (usage.kwh(), "kWh", price.currency()))
            }
        };
        evaluation.add::<LINES>(context, ("tax", &tax.name), Tag::Tax, tag_bit(Tag::Tax), amount, detail);
    }
}

/// Rounds lines to cents so that they sum to the rounded total: those cut the most get the cents that are left.
fn share_rounding(lines: &mut [Line], total: Money, digits: u32) {
    let unit = Money::from_femtos(Money::from_cents(100).femtos() / 10i128.pow(digits.min(9)));
    let exact: Vec<Money> = lines.iter().map(|line| line.amount).collect();
    for line in lines.iter_mut() {
        line.amount = line.amount.round(digits);
    }
    let mut left = total - lines.iter().map(|line| line.amount).sum();
    let step = if left.is_negative() { -unit } else { unit };
    let mut order: Vec<usize> = (0..lines.len()).collect();
    let error = |index: &usize| {
        let cut = exact[*index] - exact[*index].round(digits);
        if step.is_negative() { cut } else { -cut }
    };
    order.sort_by_key(error);
    for index in order {
        if left.is_zero() {
            break;
        }
        lines[index].amount += step;
        left -= step;
    }
}
