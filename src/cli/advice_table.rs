//! Advice for people at a terminal: the ranked plans as a table, then why, what to mind, and what else was found.

use crate::cli::output;
use crate::domain::advice::{RankedPlan, Recommendation, Severity};
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

fn household(advice: &Recommendation) -> String {
    let profile = &advice.user_profile;
    let place =
        [advice.utility.as_deref(), advice.market.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let current = advice
        .current_annual_cost
        .map_or(String::new(), |cost| format!("; the current plan would cost {}", money(cost, &advice.currency)));
    format!(
        "{}: {:.0} kWh in the coming year, {} user (confidence {:.0} %){current}\n{} plans compared on {}\n",
        if place.is_empty() { "Household" } else { &place },
        profile.projected_annual_kwh,
        profile.profile_type.replace('_', " "),
        profile.confidence_score * 100.0,
        advice.total_plans_analyzed,
        advice.as_of,
    )
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
            output::number(format!("{:.0} - {:.0}", plan.cost_range.p10, plan.cost_range.p90)),
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
            money(range.flatter, currency),
            money(range.peakier, currency)
        );
        push_wrapped(&mut text, "   i ", &range);
    }
    text
}

fn closing(advice: &Recommendation) -> String {
    let mut text = String::new();
    if let Some(stay) = &advice.stay_recommendation {
        text.push('\n');
        push_wrapped(&mut text, if advice.should_stay { "Stay: " } else { "Switch: " }, &stay.reasoning);
    }
    if let Some(timing) = &advice.switch_timing {
        push_wrapped(&mut text, "When: ", &timing.reason);
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

fn money(amount: f64, currency: &str) -> String {
    format!("{amount:.2} {currency}")
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
