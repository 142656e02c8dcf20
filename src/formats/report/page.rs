//! The page: what to do, the plans, the charts, the risks, what it rests on.

use super::words::{self, date, day, full_name, kwh, money};
use super::{Report, breakdown, hours, monthly, plans, savings, usage};
use crate::domain::advice::wording::{about, months, percent};
use crate::domain::advice::{Recommendation, SwitchAction};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("../../../assets/report/report.css");

/// What a browser may do with the page: show it in its own style, and nothing else.
pub fn content_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'")
}

/// The whole report. The same report gives the same bytes.
pub fn html(report: &Report<'_>) -> String {
    let advice = report.advice;
    let title = format!("Electricity plan report, {}", date(advice.as_of));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(report))
                main {
                    (verdict(advice))
                    @if !advice.top_plans.is_empty() {
                        (plans::section(advice))
                        (monthly::section(advice))
                        (savings::section(advice))
                        (breakdown::section(advice))
                    }
                    (household(report))
                    @if !advice.top_plans.is_empty() { (plans::risks(advice)) }
                    (assumptions(report))
                }
                footer {
                    p { (advice.disclaimer) }
                }
            }
        }
    };
    page.into_string()
}

fn header(report: &Report<'_>) -> Markup {
    let advice = report.advice;
    html! {
        header {
            p class="brand" { "TreeBeard" }
            h1 { "Your electricity plan" }
            p class="under" {
                @if let Some(utility) = &advice.utility { "For a household served by " (utility) ". " }
                "Made on " (day(report.generated_at)) ", good until " (day(report.expires_at)) "."
            }
        }
    }
}

/// The answer in a glance: what to do, why, and the few numbers it stands on.
fn verdict(advice: &Recommendation) -> Markup {
    html! {
        section class="verdict" aria-labelledby="verdict" {
            h2 id="verdict" { (what_to_do(advice)) }
            @if let Some(stay) = &advice.stay_recommendation {
                p { (stay.reasoning) }
            } @else if let Some(best) = advice.top_plans.first() {
                p { (best.explanation) }
            }
            @if let Some(timing) = advice.switch_timing.as_ref().filter(|t| t.action != SwitchAction::NoCurrentPlan) {
                p { (timing.reason) }
            }
            @if advice.top_plans.is_empty() {
                @for warning in &advice.warnings { p { (warning) } }
            } @else { (key_figures(advice)) }
        }
    }
}

fn what_to_do(advice: &Recommendation) -> String {
    let Some(best) = advice.top_plans.first() else { return "No plan to recommend".to_owned() };
    let name = full_name(best);
    let action = advice.switch_timing.as_ref().map(|timing| (timing.action, timing.recommended_date));
    match action {
        _ if advice.should_stay => "Stay on your current plan".to_owned(),
        Some((SwitchAction::Stay, _)) => "Stay on your current plan".to_owned(),
        Some((SwitchAction::Wait, best_day)) => format!("Switch to {name} on {}", date(best_day)),
        Some((SwitchAction::SwitchNow, _)) => format!("Switch to {name} now"),
        Some((SwitchAction::NoCurrentPlan, _)) | None => format!("Take {name}"),
    }
}

fn key_figures(advice: &Recommendation) -> Markup {
    let Some(best) = advice.top_plans.first() else { return html! {} };
    let money = |amount| money(&advice.currency, amount);
    let range =
        format!("{} to {}", about(&advice.currency, best.cost_range.p10), about(&advice.currency, best.cost_range.p90));
    let saved = best.savings.map(|savings| savings.annual_savings);
    html! {
        dl class="key" {
            (key(&money(best.projected_annual_cost), "expected year on the best plan", true))
            (key(&range, "in eight of ten simulated years", false))
            @if let Some(saved) = saved {
                (key(&money(saved.abs()), if saved < 0.0 { "more a year than today" } else { "saved a year against today" }, false))
            }
            @if let Some(count) = best.savings.and_then(|savings| savings.break_even_months).filter(|count| *count > 0) {
                (key(&months(count), "until switching has paid for itself", false))
            }
            @if let Some(stay) = &advice.stay_recommendation {
                (key(&percent(stay.confidence * 100.0), "of simulated years agree", false))
            }
            (key(words::risk_level(advice.overall_risk_level), "overall risk", false))
        }
    }
}

/// A large figure over what it is; the definition list has the name first.
fn key(figure: &str, name: &str, first: bool) -> Markup {
    html! { div class=(if first { "first" } else { "other" }) { dt { (name) } dd { (figure) } } }
}

fn household(report: &Report<'_>) -> Markup {
    let profile = &report.advice.user_profile;
    html! {
        section aria-labelledby="usage" {
            h2 id="usage" { "Your usage" }
            p {
                "Expected: " strong { (kwh(profile.projected_annual_kwh)) } " in twelve months, "
                (kwh(profile.mean_monthly_kwh)) " in a mean month."
                @if profile.has_seasonal_pattern { " It changes with the seasons." }
            }
            @if !profile.projected_months.is_empty() { (usage::figure(report.advice)) }
            @if let Some(hours) = &report.hours { (hours::figure(hours)) }
        }
    }
}

fn assumptions(report: &Report<'_>) -> Markup {
    let advice = report.advice;
    let profile = &advice.user_profile;
    html! {
        section aria-labelledby="assumptions" {
            h2 id="assumptions" { "What this rests on" }
            ul {
                li { "Prices and contracts as of " (date(advice.as_of)) "; " (priced(advice.total_plans_analyzed)) " priced month by month." }
                li {
                    "Twelve months of use projected from the past, with a confidence of " (percent(profile.confidence_score * 100.0))
                    ". Each plan is priced on the same 64 simulated years; ranges leave out the lowest and the highest tenth."
                }
                li {
                    @if profile.hourly_shape == "held" { "The hours of use are the household's own readings." }
                    @else { "The hours of use are not known: the market's standard day stands in for them." }
                }
                @if let Some(weights) = report.priorities {
                    li {
                        "Ranked by cost " (weights.cost) "%, flexibility " (weights.flexibility) "%, renewable energy "
                        (weights.renewable) "% and supplier rating " (weights.rating) "%."
                    }
                }
                @if let Some(cost) = advice.current_annual_cost {
                    li { "The current plan is expected to cost " (money(&advice.currency, cost)) " in the coming year." }
                }
                @for exclusion in &advice.excluded { li { "Left out: " (exclusion.message) " (" (exclusion.plans) ")." } }
                @if !advice.top_plans.is_empty() { @for warning in &advice.warnings { li { (warning) } } }
                @for note in &report.notes { li { (note) } }
                li { "Method version " (advice.algorithm_version) "." }
            }
        }
    }
}

fn priced(plans: u32) -> String {
    if plans == 1 { "1 plan was".to_owned() } else { format!("{plans} plans were") }
}
