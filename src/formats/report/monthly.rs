//! What each month costs: a small chart per plan on one common scale, the band of likely bills around the expected
//! one, and the current plan behind it.

use super::drawing::{At, Scale, drawing, grid, points};
use super::words::{full_name, long_month, money, short_month, tick, whole};
use crate::domain::advice::{RankedPlan, Recommendation};
use maud::{Markup, html};

const SIZE: (u32, u32) = (340, 190);
const LEFT: f64 = 58.0;
const RIGHT: f64 = 332.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 164.0;

pub fn section(advice: &Recommendation) -> Markup {
    let current = advice.current_monthly_costs.as_deref();
    let scale = scale(advice);
    html! {
        section aria-labelledby="monthly" {
            h2 id="monthly" { "What each month would cost" }
            p {
                "The line is the expected bill, the band around it where eight of ten simulated years fall."
                @if current.is_some() { " The dashed line is the current plan." }
                " All charts share one scale."
            }
            div class="multiples" {
                @for plan in &advice.top_plans { (chart(advice, plan, scale)) }
            }
            (table(advice))
        }
    }
}

/// One scale for all plans, so that heights can be compared.
fn scale(advice: &Recommendation) -> Scale {
    let bills = advice.top_plans.iter().flat_map(|plan| {
        let bands = plan.monthly_cost_ranges.iter().flat_map(|band| [band.p10, band.p90]);
        plan.monthly_costs.iter().copied().chain(bands)
    });
    Scale::over(bills.chain(advice.current_monthly_costs.iter().flatten().copied()), BOTTOM, TOP)
}

fn month_at(month: usize) -> At {
    At(LEFT + 10.0 + month as f64 * (RIGHT - LEFT - 20.0) / 11.0)
}

fn chart(advice: &Recommendation, plan: &RankedPlan, scale: Scale) -> Markup {
    let id = format!("monthly-{}", plan.rank);
    let title = format!("Monthly cost of {}", full_name(plan));
    let months = &advice.user_profile.projected_months;
    let line = |bills: &[f64]| points(bills.iter().enumerate().map(|(month, bill)| (month_at(month), scale.at(*bill))));
    let upper = plan.monthly_cost_ranges.iter().map(|band| band.p90).enumerate();
    let lower = plan.monthly_cost_ranges.iter().map(|band| band.p10).enumerate().rev();
    let band = points(upper.chain(lower).map(|(month, bill)| (month_at(month), scale.at(bill))));
    let content = html! {
        (grid(&scale, (LEFT, RIGHT), |bill| tick(&advice.currency, bill)))
        polygon class="band" points=(band) {}
        @if let Some(current) = &advice.current_monthly_costs {
            polyline class="current" points=(line(current)) {}
        }
        polyline class="curve" points=(line(&plan.monthly_costs)) {}
        @for (month, bill) in plan.monthly_costs.iter().enumerate() {
            circle class="dot" cx=(month_at(month)) cy=(scale.at(*bill)) r="2.4" {}
        }
        @for (month, used) in months.iter().enumerate().step_by(3) {
            text class="tick" x=(month_at(month)) y=(At(BOTTOM + 17.0)) text-anchor="middle" { (short_month(used.month)) }
        }
    };
    html! {
        figure {
            figcaption { span class="rank" { (plan.rank) } " " (full_name(plan)) }
            (drawing(&id, SIZE, &title, &description(advice, plan), &content))
        }
    }
}

fn description(advice: &Recommendation, plan: &RankedPlan) -> String {
    let months = &advice.user_profile.projected_months;
    let bills = || plan.monthly_costs.iter().zip(months).map(|(bill, used)| (*bill, used.month));
    let least = bills().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = bills().max_by(|a, b| a.0.total_cmp(&b.0));
    let (Some((least, least_in)), Some((most, most_in))) = (least, most) else { return "No bills.".to_owned() };
    let money = |bill| money(&advice.currency, bill);
    format!(
        "A line over twelve months with a band of likely bills. Least in {}, {}; most in {}, {}.",
        long_month(least_in),
        money(least),
        long_month(most_in),
        money(most)
    )
}

/// The twelve months as figures; the same that the CSV holds.
fn table(advice: &Recommendation) -> Markup {
    let months = &advice.user_profile.projected_months;
    html! {
        div class="scroll" role="region" tabindex="0" aria-label="Monthly costs as a table" {
            table class="figures" {
                caption { "Expected bills in " (advice.currency) ", one-time fees not included" }
                thead {
                    tr {
                        th scope="col" { "Plan" }
                        @for used in months { th scope="col" { (short_month(used.month)) } }
                        th scope="col" { "Year" }
                    }
                }
                tbody {
                    @for plan in &advice.top_plans {
                        (row(&html! { span class="rank" { (plan.rank) } " " (plan.plan_name) }, &plan.monthly_costs))
                    }
                    @if let Some(current) = &advice.current_monthly_costs {
                        (row(&html! { "Current plan" }, current))
                    }
                }
            }
        }
    }
}

fn row(name: &Markup, bills: &[f64]) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for bill in bills { td { (whole(*bill)) } }
            td class="sum" { (whole(bills.iter().sum())) }
        }
    }
}
