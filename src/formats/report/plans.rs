//! The plans one by one: why each fits, its terms and prices, and the risks of each.

use super::words::{self, whole};
use crate::domain::advice::{Mark, RankedPlan, Recommendation, RiskWarning};
use maud::{Markup, html};

pub fn section(advice: &Recommendation) -> Markup {
    html! {
        section aria-labelledby="plans" {
            h2 id="plans" { "The plans" }
            @for plan in &advice.top_plans { (card(advice, plan)) }
        }
    }
}

fn card(advice: &Recommendation, plan: &RankedPlan) -> Markup {
    let id = format!("plan-{}", plan.rank);
    // Told in words elsewhere; as a badge it would mean nothing to most readers.
    let tells = |mark: &Mark| match mark {
        Mark::Cheapest | Mark::MostFlexible => true,
        Mark::Greenest => plan.renewable_percentage > 0.0,
        Mark::ParetoFront => false,
    };
    let marks: Vec<Mark> = plan.marks.iter().copied().filter(tells).collect();
    html! {
        article class="plan" aria-labelledby=(id) {
            h3 id=(id) { span class="rank" { (plan.rank) } " " (plan.plan_name) span class="supplier" { " " (plan.supplier_name) } }
            @if !marks.is_empty() {
                ul class="badges" aria-label="Marks" { @for mark in marks { li class="badge good" { (words::mark(mark)) } } }
            }
            @if !plan.explanation.is_empty() { p { (plan.explanation) } }
            (facts(advice, plan))
            div class="both" {
                @if !plan.key_differentiators.is_empty() { (points("good", "For it", &plan.key_differentiators)) }
                @if !plan.trade_offs.is_empty() { (points("weigh", "To weigh", &plan.trade_offs)) }
            }
        }
    }
}

fn points(class: &str, heading: &str, of: &[String]) -> Markup {
    html! {
        div {
            h4 { (heading) }
            ul class={ "points " (class) } { @for point in of { li { (point) } } }
        }
    }
}

fn facts(advice: &Recommendation, plan: &RankedPlan) -> Markup {
    let money = |amount| words::money(&advice.currency, amount);
    let scores = plan.scores;
    let parts = format!(
        "cost {:.0}, flexibility {:.0}, renewable {:.0}, rating {:.0}",
        scores.cost_score, scores.flexibility_score, scores.renewable_score, scores.rating_score
    );
    html! {
        dl class="facts" {
            (fact("Expected year", &money(plan.projected_annual_cost)))
            (fact("Eight of ten years", &format!("{} to {}", money(plan.cost_range.p10), money(plan.cost_range.p90))))
            (fact("Dearest month", &money(plan.cost_range.worst_month)))
            (fact("All-in rate", &words::rate(&advice.currency, plan.average_rate_per_kwh)))
            @if let Some(savings) = plan.savings { (fact("Saved a year", &money(savings.annual_savings))) }
            (fact("Price", words::kind(plan.plan_type)))
            (fact("Contract", &words::term(plan.contract_length_months)))
            (fact("Exit fee", &money(plan.early_termination_fee)))
            (fact("Renewable", &crate::domain::advice::wording::percent(plan.renewable_percentage)))
            @if let Some(fee) = plan.monthly_fee { (fact("Monthly fee", &money(fee))) }
            @if let Some(range) = plan.shape_range {
                (fact("By hours of use", &format!("{} to {} a year", money(range.flatter), money(range.peakier))))
            }
            div class="two" {
                dt { "Score: " (whole(scores.composite_score)) " of 100" }
                dd { (parts) }
            }
            div class="two" {
                dt { "Tariff" }
                dd { (words::price_confidence(plan.price_confidence)) }
            }
            @if let Some(website) = plan.supplier_website.as_deref().filter(|site| is_web_address(site)) {
                div class="two" {
                    dt { "Website" }
                    dd { a href=(website) rel="noreferrer noopener" { (website.split_once("://").map_or(website, |(_, site)| site)) } }
                }
            }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A catalog could hold any text as an address; only these two kinds become a link.
fn is_web_address(address: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| address.starts_with(scheme))
}

pub fn risks(advice: &Recommendation) -> Markup {
    let any = !advice.data_risks.is_empty() || advice.top_plans.iter().any(|plan| !plan.risk_warnings.is_empty());
    html! {
        section aria-labelledby="risks" {
            h2 id="risks" { "What could go wrong" }
            p { "Overall risk: " strong { (words::risk_level(advice.overall_risk_level)) } "." }
            @if !any { p { "No particular risk was found." } }
            @if !advice.data_risks.is_empty() {
                h3 { "The data" }
                (list(&advice.data_risks))
            }
            @for plan in advice.top_plans.iter().filter(|plan| !plan.risk_warnings.is_empty()) {
                h3 { span class="rank" { (plan.rank) } " " (words::full_name(plan)) }
                (list(&plan.risk_warnings))
            }
        }
    }
}

fn list(risks: &[RiskWarning]) -> Markup {
    html! {
        ul class="risks" {
            @for risk in risks {
                li {
                    span class=(words::severity_class(risk.severity)) { (words::severity(risk.severity)) } " "
                    strong { (risk.title) } ". " (risk.message)
                    @if let Some(mitigation) = &risk.mitigation { " " em { (mitigation) } }
                }
            }
        }
    }
}
