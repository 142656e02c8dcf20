//! What switching saves as the months go by: the cost of switching first, then the savings, and where they meet.

use super::drawing::{At, Scale, drawing, grid, points};
use super::words::{full_name, money, tick};
use crate::domain::advice::wording::months;
use crate::domain::advice::{RankedPlan, Recommendation, Savings};
use maud::{Markup, html};

const SIZE: (u32, u32) = (560, 260);
const LEFT: f64 = 62.0;
const RIGHT: f64 = 520.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 224.0;
/// Months drawn: a year, longer when the cost of switching is earned back later, up to three years.
const MONTHS_MIN: u32 = 12;
const MONTHS_MAX: u32 = 36;
/// More lines than this cannot be told apart; the table has all plans.
const LINES: usize = 3;

pub fn section(advice: &Recommendation) -> Markup {
    let compared: Vec<(&RankedPlan, Savings)> =
        advice.top_plans.iter().filter_map(|plan| Some((plan, plan.savings?))).collect();
    html! {
        section aria-labelledby="savings" {
            h2 id="savings" { "What switching would save" }
            @if let Some(first) = compared.first() {
                p { (in_words(advice, first)) }
                (chart(advice, &compared[..compared.len().min(LINES)]))
                (table(advice, &compared))
            } @else {
                p { "What the current plan costs is not known, so there is nothing to compare with." }
            }
        }
    }
}

fn in_words(advice: &Recommendation, (plan, savings): &(&RankedPlan, Savings)) -> String {
    let name = full_name(plan);
    let money = |amount| money(&advice.currency, amount);
    let cost = if savings.switching_cost > 0.0 {
        format!("Switching to {name} costs {} once. ", money(savings.switching_cost))
    } else {
        format!("Switching to {name} costs nothing. ")
    };
    let then = match savings.break_even_months {
        Some(0) => "Savings count from the first month.".to_owned(),
        Some(count) => {
            format!("At {} a month that is earned back after {}.", money(savings.monthly_savings), months(count))
        }
        None => "It is never earned back: the plan saves nothing against the current one.".to_owned(),
    };
    if savings.switching_cost <= 0.0 && savings.break_even_months.is_none() {
        return format!("{cost}It also saves nothing against the current plan.");
    }
    format!("{cost}{then}")
}

/// Saved after that many months, at the year's mean pace: what break-even is computed from.
fn saved(savings: &Savings, month: u32) -> f64 {
    savings.annual_savings / 12.0 * f64::from(month) - savings.switching_cost
}

fn horizon(compared: &[(&RankedPlan, Savings)]) -> u32 {
    let latest = compared.iter().filter_map(|(_, savings)| savings.break_even_months).max().unwrap_or(0);
    (latest + 3).clamp(MONTHS_MIN, MONTHS_MAX)
}

fn chart(advice: &Recommendation, compared: &[(&RankedPlan, Savings)]) -> Markup {
    let last = horizon(compared);
    let ends = compared.iter().flat_map(|(_, savings)| [saved(savings, 0), saved(savings, last)]);
    let money_scale = Scale::over(ends, BOTTOM, TOP);
    let month_scale = Scale::exact(0.0, f64::from(last), LEFT, RIGHT);
    let at = |savings: &Savings, month: u32| (month_scale.at(f64::from(month)), money_scale.at(saved(savings, month)));
    let labels = label_places(compared.iter().map(|(_, savings)| at(savings, last).1.0));
    let marked = compared.first().and_then(|(_, savings)| {
        let count = savings.break_even_months.filter(|count| (1..=last).contains(count))?;
        Some((count, at(savings, count)))
    });
    let content = html! {
        (grid(&money_scale, (LEFT, RIGHT), |amount| tick(&advice.currency, amount)))
        @for month in (0..=last).step_by(if last > 18 { 6 } else { 3 }) {
            text class="tick" x=(month_scale.at(f64::from(month))) y=(At(BOTTOM + 18.0)) text-anchor="middle" {
                @if month == 0 { "today" } @else { (month) " mo" }
            }
        }
        @for (n, (plan, savings)) in compared.iter().enumerate().rev() {
            polyline class={ "saved line" (n + 1) } points=(points([0, last].into_iter().map(|month| at(savings, month)))) {}
            text class={ "end line" (n + 1) } x=(At(RIGHT + 8.0)) y=(At(labels[n] + 4.0)) { (plan.rank) }
        }
        @if let Some((count, (x, y))) = marked {
            line class="mark" x1=(x) x2=(x) y1=(At(TOP - 4.0)) y2=(At(BOTTOM)) {}
            circle class="mark" cx=(x) cy=(y) r="4.5" {}
            @let past_middle = x.0 > f64::midpoint(LEFT, RIGHT);
            text class="label" x=(At(if past_middle { x.0 - 6.0 } else { x.0 + 6.0 })) y=(At(TOP - 8.0))
                text-anchor=(if past_middle { "end" } else { "start" }) { "break-even after " (months(count)) }
        }
    };
    let description = compared.iter().map(|(plan, savings)| {
        format!("{}: {} after 12 months.", full_name(plan), money(&advice.currency, saved(savings, 12)))
    });
    let description = description.collect::<Vec<_>>().join(" ");
    html! {
        figure class="wide" {
            figcaption { "Saved since switching today, cost of switching taken off" }
            (drawing("saved", SIZE, "Cumulative savings by month", &description, &content))
        }
    }
}

/// Labels at the lines' ends, moved apart where lines end close together; in the order of the lines.
fn label_places(ends: impl Iterator<Item = f64>) -> Vec<f64> {
    const APART: f64 = 14.0;
    let mut places: Vec<f64> = ends.collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    for pair in 1..order.len() {
        let above = places[order[pair - 1]];
        places[order[pair]] = places[order[pair]].max(above + APART);
    }
    places
}

fn table(advice: &Recommendation, compared: &[(&RankedPlan, Savings)]) -> Markup {
    let money = |amount| money(&advice.currency, amount);
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Savings as a table" {
            table class="figures" {
                caption { "Against the current plan" }
                thead {
                    tr {
                        th scope="col" { "Plan" }
                        th scope="col" { "Cost of switching" }
                        th scope="col" { "Saved a month" }
                        th scope="col" { "Saved a year" }
                        th scope="col" { "Net, first year" }
                        th scope="col" { "Break-even" }
                    }
                }
                tbody {
                    @for (plan, savings) in compared {
                        tr {
                            th scope="row" { span class="rank" { (plan.rank) } " " (plan.plan_name) }
                            td { (money(savings.switching_cost)) }
                            td { (money(savings.monthly_savings)) }
                            td { (money(savings.annual_savings)) }
                            td { (money(saved(savings, 12))) }
                            td {
                                @match savings.break_even_months {
                                    Some(0) => "at once",
                                    Some(count) => (months(count)),
                                    None => "never",
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_lines_that_meet_stand_apart() {
        assert_eq!(label_places([50.0, 52.0, 10.0].into_iter()), [50.0, 64.0, 10.0]);
        assert_eq!(label_places([30.0].into_iter()), [30.0]);
    }

    #[test]
    fn the_line_crosses_zero_within_the_month_of_break_even() {
        let savings = Savings {
            annual_savings: 144.0,
            savings_percentage: 10.0,
            monthly_savings: 12.0,
            break_even_months: Some(13),
            switching_cost: 150.0,
        };
        assert!(saved(&savings, 12) < 0.0 && saved(&savings, 13) >= 0.0);
    }
}
