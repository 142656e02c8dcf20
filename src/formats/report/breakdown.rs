//! Where a year's money goes: one bar per plan, credits to the left of nothing, everything else to the right.

use super::drawing::{At, Scale, drawing};
use super::words::{full_name, money, tick};
use crate::domain::advice::{RankedPlan, Recommendation};
use maud::{Markup, html};

const WIDTH: u32 = 560;
const LEFT: f64 = 30.0;
const RIGHT: f64 = 520.0;
const TOP: f64 = 8.0;
const ROW: f64 = 30.0;
const BAR: f64 = 20.0;

/// The parts in the order they are stacked, with the class that colours them.
fn parts(plan: &RankedPlan) -> [(&'static str, &'static str, f64); 7] {
    let of = plan.cost_breakdown;
    [
        ("Energy", "energy", of.energy),
        ("Delivery", "delivery", of.delivery),
        ("Fixed", "fixed", of.fixed),
        ("Fees", "fees", of.fees),
        ("Taxes", "taxes", of.taxes),
        ("One-time", "once", of.one_time),
        ("Credits", "credits", of.credits),
    ]
}

pub fn section(advice: &Recommendation) -> Markup {
    let used: Vec<bool> = (0..7).map(|part| advice.top_plans.iter().any(|plan| parts(plan)[part].2 != 0.0)).collect();
    html! {
        section aria-labelledby="breakdown" {
            h2 id="breakdown" { "Where the money goes" }
            (chart(advice, &used))
            (table(advice, &used))
        }
    }
}

fn chart(advice: &Recommendation, used: &[bool]) -> Markup {
    let height = TOP + ROW * advice.top_plans.len() as f64;
    let reach = advice.top_plans.iter().flat_map(|plan| {
        let amounts = parts(plan).map(|(_, _, amount)| amount);
        let sum = |keep: fn(&f64) -> bool| amounts.iter().copied().filter(keep).sum::<f64>();
        [sum(|amount| *amount > 0.0), sum(|amount| *amount < 0.0)]
    });
    let scale = Scale::over(reach, LEFT, RIGHT);
    let content = html! {
        @for at in scale.ticks() {
            @let x = scale.at(at);
            line class=(if at == 0.0 { "zero" } else { "grid" }) x1=(x) x2=(x) y1=(At(TOP)) y2=(At(height)) {}
            text class="tick" x=(x) y=(At(height + 16.0)) text-anchor="middle" { (tick(&advice.currency, at)) }
        }
        @for (n, plan) in advice.top_plans.iter().enumerate() {
            @let y = TOP + ROW * n as f64 + (ROW - BAR) / 2.0;
            text class="label" x=(At(LEFT - 12.0)) y=(At(y + BAR / 2.0 + 4.5)) text-anchor="end" { (plan.rank) }
            @for (class, from, to) in bars(plan, scale) {
                rect class={ "part " (class) } x=(from) y=(At(y)) width=(At(to.0 - from.0)) height=(At(BAR)) {}
            }
        }
    };
    let size = (WIDTH, (height + 24.0).ceil() as u32);
    let total = |plan: &RankedPlan| {
        format!("{}: {} a year.", full_name(plan), money(&advice.currency, plan.projected_annual_cost))
    };
    let description = advice.top_plans.iter().map(total).collect::<Vec<_>>().join(" ");
    html! {
        figure class="wide" {
            figcaption {
                "The expected year of each plan, by kind of charge"
                ul class="legend" {
                    @for ((name, class, _), _) in advice.top_plans.first().into_iter().flat_map(parts).zip(used).filter(|(_, used)| **used) {
                        li { span class={ "swatch " (class) } {} (name) }
                    }
                }
            }
            (drawing("parts", size, "Cost breakdown by plan", &description, &content))
        }
    }
}

/// The parts of a bar from place to place: costs to the right of zero one after the other, credits to the left.
fn bars(plan: &RankedPlan, scale: Scale) -> Vec<(&'static str, At, At)> {
    let (mut right, mut left) = (0.0, 0.0);
    let bar = |(_, class, amount): (&'static str, &'static str, f64)| {
        let end = if amount > 0.0 { &mut right } else { &mut left };
        let start = *end;
        *end += amount;
        let (low, high) = if amount > 0.0 { (start, *end) } else { (*end, start) };
        (class, scale.at(low), scale.at(high))
    };
    parts(plan).into_iter().filter(|(_, _, amount)| *amount != 0.0).map(bar).collect()
}

fn table(advice: &Recommendation, used: &[bool]) -> Markup {
    let money = |amount| money(&advice.currency, amount);
    let names = advice.top_plans.first().map(parts).into_iter().flatten();
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Cost breakdown as a table" {
            table class="figures" {
                caption { "The expected year, one-time fees included" }
                thead {
                    tr {
                        th scope="col" { "Plan" }
                        @for ((name, _, _), _) in names.zip(used).filter(|(_, used)| **used) { th scope="col" { (name) } }
                        th scope="col" { "Year" }
                    }
                }
                tbody {
                    @for plan in &advice.top_plans {
                        tr {
                            th scope="row" { span class="rank" { (plan.rank) } " " (plan.plan_name) }
                            @for ((_, _, amount), _) in parts(plan).into_iter().zip(used).filter(|(_, used)| **used) {
                                td { (money(amount)) }
                            }
                            td class="sum" { (money(plan.projected_annual_cost)) }
                        }
                    }
                }
            }
        }
    }
}
