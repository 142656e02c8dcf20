//! Advice for people at a terminal: the ranked plans as a table, then why, what to mind, and what else was found.

use crate::cli::output;
use crate::domain::advice::wording::{about, grouped, months};
use crate::domain::advice::{OverTerm, RankedPlan, Recommendation, Severity, SwitchAction};
use std::fmt::Write;

/// The whole advice as text.
pub fn text(advice: &Recommendation) -> String {
    let mut text = household(advice);
    if advice.top_plans.is_empty() {
        text.push_str("\nNo plan can be recommended.\n");
    } else {
        text.push('\n');
        text.push_str(&ranking(advice));
        for plan in &advice.top_plans {
            text.push_str(&details(plan, &advice.currency));
        }
    }
    text.push_str(&closing(advice));
    text
}

/// Who this is for, and what to do in a sentence or two: the rest is why.
fn household(advice: &Recommendation) -> String {
    let mut text = String::new();
    let profile = &advice.user_profile;
    let place = advice.utility.as_deref().or(advice.market.as_deref());
    let place = place.map_or(String::new(), |place| format!(" under {place}"));
    let habit = match profile.profile_type.as_str() {
        "seasonal" => ", much more in some seasons than in others",
        "variable" => ", unevenly from month to month",
        "high_user" => ", more than most homes",
        "low_user" => ", less than most homes",
        _ => "",
    };
    let today = advice.current_annual_cost.map_or(String::new(), |cost| {
        format!(" On your current plan that would cost about {}.", about(&advice.currency, cost))
    });
    let year = format!(
        "You are expected to use about {} kWh in the coming year{place}{habit} (known with {:.0}% confidence).{today} \
         {} plans open to you were compared on {}.",
        grouped(profile.projected_annual_kwh.round().max(0.0) as u64),
        profile.confidence_score * 100.0,
        advice.total_plans_analyzed,
        advice.as_of,
    );
    push_wrapped(&mut text, "", &year);
    if let Some(best) = advice.top_plans.first() {
        text.push('\n');
        push_wrapped(&mut text, "In short: ", &in_short(advice, best));
    }
    text
}

fn in_short(advice: &Recommendation, best: &RankedPlan) -> String {
    let name = format!("{} from {}", best.plan_name, best.supplier_name);
    let money = |amount| about(&advice.currency, amount);
    let timing = advice.switch_timing.as_ref();
    let then = timing.map_or(advice.as_of, |timing| timing.recommended_date);
    let Some(stay) = &advice.stay_recommendation else {
        return format!("take {name}, about {} a year.", money(best.projected_annual_cost));
    };
    let sure = format!("This holds in {:.0}% of the years your use may bring.", stay.confidence * 100.0);
    if timing.is_some_and(|timing| timing.action == SwitchAction::Wait) {
        let saved = timing.map_or(0.0, |timing| timing.savings_over_now);
        return format!(
            "stay where you are until {then}, then switch to {name}. Waiting until then saves {} against switching \
             today. {sure}",
            money(saved)
        );
    }
    if advice.should_stay {
        return format!("stay where you are. {} {sure}", stay.reasoning);
    }
    if let Some(timing) = timing.filter(|timing| timing.action == SwitchAction::Stay) {
        return format!("stay where you are. {}", timing.reason);
    }
    let (saved, first_year) = (best.savings.map_or(0.0, |savings| savings.annual_savings), stay.net_annual_savings);
    let first_year = match (first_year, best.savings) {
        (Some(net), Some(savings)) if savings.switching_cost > 0.0 => {
            format!(
                ", and {} in the first year after the {} that switching costs",
                money(net),
                money(savings.switching_cost)
            )
        }
        _ => String::new(),
    };
    format!("switch to {name} now. It saves about {} a year{first_year}. {sure}", money(saved))
}

fn ranking(advice: &Recommendation) -> String {
    let with_savings = advice.top_plans.iter().any(|plan| plan.savings.is_some());
    let mut head = vec!["rank", "plan", "supplier", "year", "p10 - p90", "avg c/kWh"];
    if with_savings {
        head.push("saves");
    }
    head.extend(["term", "exit fee", "green", "score"]);
    let mut table = output::table(&head);
    for plan in &advice.top_plans {
        let mut row = vec![
            output::number(plan.rank),
            plan.plan_name.as_str().into(),
            plan.supplier_name.as_str().into(),
            output::number(format!("{:.2}", plan.projected_annual_cost)),
            output::number(format!("{:.0} - {:.0}", plan.cost_range.p10.round(), plan.cost_range.p90.round())),
            output::number(format!("{:.2}", plan.average_rate_per_kwh)),
        ];
        if with_savings {
            let saves =
                plan.savings.as_ref().map_or("-".to_owned(), |savings| format!("{:.2}", savings.annual_savings));
            row.push(output::number(saves));
        }
        row.push(output::number(match plan.contract_length_months {
            0 => "monthly".to_owned(),
            months => format!("{months} mo"),
        }));
        row.push(output::number(format!("{:.0}", plan.early_termination_fee)));
        row.push(output::number(format!("{:.0} %", plan.renewable_percentage)));
        row.push(output::number(format!("{:.1}", plan.scores.composite_score)));
        table.add_row(row);
    }
    output::lines(&table)
}

fn details(plan: &RankedPlan, currency: &str) -> String {
    let mut text = format!("\n{}. {}, {}\n", plan.rank, plan.plan_name, plan.supplier_name);
    if !plan.explanation.is_empty() {
        push_wrapped(&mut text, "   ", &plan.explanation);
    }
    for good in &plan.key_differentiators {
        push_wrapped(&mut text, "   + ", good);
    }
    for bad in &plan.trade_offs {
        push_wrapped(&mut text, "   - ", bad);
    }
    for risk in &plan.risk_warnings {
        let mark = match risk.severity {
            Severity::Critical => "   !! ",
            Severity::Warning => "   ! ",
            Severity::Info => "   i ",
        };
        push_wrapped(&mut text, mark, &format!("{}: {}", risk.title, risk.message));
    }
    if let Some(range) = &plan.shape_range {
        let range = format!(
            "{} with a flatter day, {} with a peakier one: interval readings would tell",
            about(currency, range.flatter),
            about(currency, range.peakier)
        );
        push_wrapped(&mut text, "   i ", &range);
    }
    if let Some(term) = &plan.over_term {
        push_wrapped(&mut text, "   > ", &over_term(term, currency));
    }
    text
}

/// "Over 24 months: $4,100, $700 less than staying. Then: month to month."
fn over_term(term: &OverTerm, currency: &str) -> String {
    let money = |amount: f64| about(currency, amount);
    let against = match term.total_savings {
        Some(saved) if saved >= 0.5 => format!(", {} less than staying where you are", money(saved)),
        Some(saved) if saved <= -0.5 => format!(", {} more than staying where you are", money(-saved)),
        Some(_) => ", the same as staying where you are".to_owned(),
        None => String::new(),
    };
    let after = term.annual_cost_after.map_or(String::new(), |cost| format!(" (about {} a year)", money(cost)));
    format!(
        "Over its {} it costs {}{against}. After that: {}{after}",
        months(term.contract_months),
        money(term.total_cost),
        term.after
    )
}

fn closing(advice: &Recommendation) -> String {
    let mut text = String::new();
    if let Some(stay) = &advice.stay_recommendation {
        text.push('\n');
        push_wrapped(&mut text, if advice.should_stay { "Stay: " } else { "Switch: " }, &stay.reasoning);
    }
    if let Some(timing) = &advice.switch_timing {
        let day = match timing.action {
            SwitchAction::Wait => format!("on {}. ", timing.recommended_date),
            SwitchAction::SwitchNow => "now. ".to_owned(),
            SwitchAction::Stay | SwitchAction::NoCurrentPlan => String::new(),
        };
        let mark =
            if advice.should_stay && timing.action == SwitchAction::SwitchNow { "If you switch: " } else { "When: " };
        push_wrapped(&mut text, mark, &format!("{day}{}", timing.reason));
    }
    if !advice.warnings.is_empty() || !advice.data_risks.is_empty() {
        text.push_str("\nWarnings\n");
        for risk in &advice.data_risks {
            push_wrapped(&mut text, "  ! ", &format!("{}: {}", risk.title, risk.message));
        }
        for warning in &advice.warnings {
            push_wrapped(&mut text, "  ! ", warning);
        }
    }
    if !advice.excluded.is_empty() {
        text.push_str("\nLeft out\n");
        for exclusion in &advice.excluded {
            push_wrapped(&mut text, &format!("  {:>4}  ", exclusion.plans), &exclusion.message);
        }
    }
    let _infallible = writeln!(text, "\n{}", advice.disclaimer);
    text
}

/// Appends words after a mark, at most 100 columns a line, later lines indented under the first word.
pub fn push_wrapped(text: &mut String, mark: &str, words: &str) {
    const COLUMNS: usize = 100;
    text.push_str(mark);
    let indent = mark.chars().count();
    let mut column = indent;
    for (position, word) in words.split_whitespace().enumerate() {
        let width = word.chars().count();
        if position > 0 && column + 1 + width > COLUMNS {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if position > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_wrap_under_their_first_word() {
        let mut text = String::new();
        push_wrapped(&mut text, "  ! ", &"word ".repeat(30));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("  ! word") && lines[0].len() <= 100);
        assert!(lines[1].starts_with("    word"));
    }
}
