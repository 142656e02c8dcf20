//! The template writer: two to four plain sentences for every combination of facts.

use super::{FactSheet, Priority};
use crate::domain::advice::wording::{about, grouped, months, percent};
use crate::domain::advice::{Mark, PriceConfidence, Savings};
use crate::domain::catalog::PlanKind;

/// Why the plan fits, what it costs and saves, one trade-off.
pub fn write(facts: &FactSheet) -> String {
    let sentences = [Some(fit(facts)), Some(cost(facts)), savings(facts), trade_off(facts)];
    sentences.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// "Name from Supplier is ...": the mark that answers the reader's highest priority.
fn fit(facts: &FactSheet) -> String {
    let subject = format!("{} from {}", facts.plan_name, facts.supplier_name);
    let has = |mark| facts.marks.contains(&mark);
    let best = facts.priorities.iter().find_map(|priority| match priority {
        Priority::Cost if has(Mark::Cheapest) => Some("is the cheapest plan for your usage".to_owned()),
        Priority::Flexibility if has(Mark::MostFlexible) => {
            Some("is the most flexible of the plans open to you".to_owned())
        }
        Priority::Renewable if has(Mark::Greenest) && facts.renewable_percent > 0.0 => {
            Some(format!("has the greenest power on offer, {} renewable", percent(facts.renewable_percent)))
        }
        _ => None,
    });
    let claim = best.unwrap_or_else(|| match facts.rank {
        1 => "fits your priorities best overall".to_owned(),
        2 => "is the second-best fit for your priorities".to_owned(),
        3 => "is the third-best fit for your priorities".to_owned(),
        rank => format!("comes {} among the plans that fit your priorities", ordinal(rank)),
    });
    format!("{subject} {claim}: {}.", terms(facts))
}

fn ordinal(rank: u32) -> String {
    let words = ["fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    let word = rank.checked_sub(4).and_then(|at| words.get(at as usize));
    word.map_or_else(|| format!("number {rank}"), |word| (*word).to_owned())
}

/// "a fixed-price plan for 12 months".
fn terms(facts: &FactSheet) -> String {
    let kind = match facts.plan_type {
        PlanKind::Fixed => "a fixed-price plan",
        PlanKind::Variable => "a variable-price plan",
        PlanKind::Indexed => "a plan that follows the market price",
        PlanKind::Tiered => "a plan with prices by tier of use",
        PlanKind::TimeOfUse => "a plan with prices by time of day",
        PlanKind::Prepaid => "a prepaid plan",
    };
    match facts.contract_months {
        0 => format!("{kind} without a contract term"),
        term => format!("{kind} for {}", months(term)),
    }
}

fn cost(facts: &FactSheet) -> String {
    let year = about(&facts.currency, facts.annual_cost);
    let certain = match facts.price_confidence {
        PriceConfidence::Verified | PriceConfidence::Parsed => "should cost",
        PriceConfidence::Estimated { .. } => "is estimated to cost",
        PriceConfidence::Unreproduced { .. } => "may cost (its published prices could not be reproduced)",
    };
    let usage = format!("{} kWh", grouped(facts.annual_kwh.round().max(0.0) as u64));
    let (low, high) = (about(&facts.currency, facts.cost_p10), about(&facts.currency, facts.cost_p90));
    if low == high {
        return format!("A year of {usage} {certain} about {year}.");
    }
    format!("A year of {usage} {certain} about {year}, most likely between {low} and {high}.")
}

fn savings(facts: &FactSheet) -> Option<String> {
    let Savings { annual_savings, break_even_months, .. } = facts.savings?;
    let amount = about(&facts.currency, annual_savings.abs());
    Some(if annual_savings.abs() < 0.5 {
        "That is what you pay today.".to_owned()
    } else if annual_savings < 0.0 {
        format!("That is {amount} a year more than you pay today.")
    } else {
        match break_even_months {
            Some(0) | None => format!("That saves {amount} a year against your current plan."),
            Some(count) => format!(
                "That saves {amount} a year against your current plan, and the cost of switching is earned back in {}.",
                months(count)
            ),
        }
    })
}

fn trade_off(facts: &FactSheet) -> Option<String> {
    let point = facts.trade_offs.first()?;
    if let Some(conditions) = point.strip_prefix("Only with: ") {
        return Some(format!("It comes only with: {conditions}."));
    }
    let mut letters = point.chars();
    let first = letters.next()?;
    // Points begin with a capital; within a sentence only a name or a number would.
    let clause = format!("{}{}", first.to_lowercase(), letters.as_str());
    // A point without a subject is about the plan.
    let subject = if clause.starts_with("costs ") { "it " } else { "" };
    Some(format!("One thing to weigh: {subject}{clause}."))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::advice::{RiskType, Severity};

    #[test]
    fn what_a_plan_is_tied_to_is_a_sentence_of_its_own() {
        let tied = FactSheet { trade_offs: vec!["Only with: Autopay; Paperless bills".into()], ..facts() };
        assert!(write(&tied).ends_with(" It comes only with: Autopay; Paperless bills."), "{}", write(&tied));
    }

    pub fn facts() -> FactSheet {
        FactSheet {
            rank: 1,
            plan_name: "Steady 12".into(),
            supplier_name: "Acorn Power".into(),
            plan_type: PlanKind::Fixed,
            currency: "USD".into(),
            annual_cost: 1_234.4,
            cost_p10: 1_150.2,
            cost_p90: 1_320.9,
            average_rate: 11.2,
            savings: Some(Savings {
                annual_savings: 210.2,
                savings_percentage: 14.5,
                monthly_savings: 17.52,
                break_even_months: Some(9),
                switching_cost: 150.0,
            }),
            contract_months: 12,
            exit_fee: 150.0,
            renewable_percent: 20.0,
            profile_type: "seasonal".into(),
            annual_kwh: 11_020.4,
            seasonal: true,
            priorities: vec![Priority::Cost, Priority::Flexibility],
            marks: vec![Mark::Cheapest],
            differentiators: Vec::new(),
            trade_offs: vec!["Leaving early costs $150.00".into()],
            risks: vec![(RiskType::HighEtf, Severity::Warning)],
            shape_range: None,
            price_confidence: PriceConfidence::Verified,
        }
    }

    #[test]
    fn a_point_without_a_subject_gets_one() {
        let point = "Costs $86 a year more than the cheapest eligible plan";
        let dearer = FactSheet { trade_offs: vec![point.into()], rank: 4, marks: Vec::new(), ..facts() };
        let text = write(&dearer);
        let expected = " One thing to weigh: it costs $86 a year more than the cheapest eligible plan.";
        assert!(text.ends_with(expected), "{text}");
        let first = "Steady 12 from Acorn Power comes fourth among the plans that fit your priorities: a fixed-price";
        assert!(text.starts_with(first), "{text}");
    }

    #[test]
    fn a_text_says_why_what_it_costs_what_it_saves_and_one_trade_off() {
        assert_eq!(
            write(&facts()),
            "Steady 12 from Acorn Power is the cheapest plan for your usage: a fixed-price plan for 12 months. \
             A year of 11,020 kWh should cost about $1,234, most likely between $1,150 and $1,321. \
             That saves $210 a year against your current plan, and the cost of switching is earned back in 9 months. \
             One thing to weigh: leaving early costs $150.00."
        );
    }

    /// Every combination of what changes a sentence.
    fn combinations() -> Vec<FactSheet> {
        let mark_sets =
            [vec![], vec![Mark::Cheapest], vec![Mark::Greenest, Mark::ParetoFront], vec![Mark::MostFlexible]];
        let savings =
            [None, Some((200.0, Some(0))), Some((200.0, Some(1))), Some((-20.0, None)), Some((0.2, Some(900)))];
        let confidences = [
            PriceConfidence::Parsed,
            PriceConfidence::Estimated { residual_cents: 0.05 },
            PriceConfidence::Unreproduced { residual_cents: 2.0 },
        ];
        let mut all = vec![facts()];
        let mut vary = |variants: &dyn Fn(&FactSheet) -> Vec<FactSheet>| {
            all = all.iter().flat_map(variants).collect();
        };
        vary(&|f| PlanKind::ALL.map(|plan_type| FactSheet { plan_type, ..f.clone() }).to_vec());
        vary(&|f| [0, 1, 24].map(|contract_months| FactSheet { contract_months, ..f.clone() }).to_vec());
        vary(&|f| [1, 2, 3, 7].map(|rank| FactSheet { rank, ..f.clone() }).to_vec());
        vary(&|f| mark_sets.iter().map(|marks| FactSheet { marks: marks.clone(), ..f.clone() }).collect());
        vary(&|f| confidences.map(|price_confidence| FactSheet { price_confidence, ..f.clone() }).to_vec());
        vary(&|f| [1_234.4, 1_500.0].map(|cost_p90| FactSheet { cost_p10: 1_234.4, cost_p90, ..f.clone() }).to_vec());
        vary(&|f| {
            let both = [f.trade_offs.clone(), Vec::new()];
            both.map(|trade_offs| FactSheet { trade_offs, ..f.clone() }).to_vec()
        });
        vary(&|f| {
            let with = |(annual_savings, break_even_months)| Savings {
                annual_savings,
                break_even_months,
                savings_percentage: 0.0,
                monthly_savings: 0.0,
                switching_cost: 0.0,
            };
            savings.map(|savings| FactSheet { savings: savings.map(with), ..f.clone() }).to_vec()
        });
        let priorities =
            [vec![Priority::Cost, Priority::Renewable, Priority::Flexibility], vec![Priority::Rating], Vec::new()];
        vary(&|f| priorities.iter().map(|p| FactSheet { priorities: p.clone(), ..f.clone() }).collect());
        all
    }

    #[test]
    fn every_combination_is_two_to_four_clean_sentences() {
        for facts in combinations() {
            let text = write(&facts);
            let sentences = text.split_inclusive(". ").count();
            assert!((2..=4).contains(&sentences), "{text}");
            assert!(text.ends_with('.') && !text.contains("..") && !text.contains("  "), "{text}");
            assert!(!text.contains(" 1 months") && !text.contains("NaN") && !text.contains("-$"), "{text}");
            for sentence in text.split(". ") {
                assert!(sentence.chars().next().is_some_and(|first| !first.is_lowercase()), "{text}");
            }
        }
    }

    #[test]
    fn every_combination_keeps_the_rules_of_grammar() {
        for facts in combinations() {
            let text = write(&facts);
            let words: Vec<&str> = text.split_whitespace().collect();
            assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "a doubled word: {text}");
            for pair in words.windows(2) {
                let vowel = pair[1].starts_with(['a', 'e', 'i', 'o', 'u']);
                let wrong = if vowel { "a" } else { "an" };
                assert_ne!(pair[0], wrong, "{} {}: {text}", pair[0], pair[1]);
            }
            assert_eq!(text.matches('(').count(), text.matches(')').count(), "{text}");
            for wrong in [" ,", " .", ",,", ":.", ",.", "( ", " )", " 0 months"] {
                assert!(!text.contains(wrong), "{wrong:?}: {text}");
            }
        }
    }

    /// The Flesch-Kincaid grade (Kincaid et al., Navy Research Branch Report 8-75, 1975): the year of school a text
    /// takes. Figures count as words of one syllable, for they are taken in at a glance; what a colon ends stands alone
    /// here and counts as a sentence.
    fn grade(text: &str) -> f64 {
        let words: Vec<&str> = text.split_whitespace().collect();
        let sentences = words.iter().filter(|word| word.ends_with(['.', ':'])).count();
        let syllables: usize = words.iter().map(|word| syllables(word)).sum();
        0.39 * words.len() as f64 / sentences as f64 + 11.8 * syllables as f64 / words.len() as f64 - 15.59
    }

    /// Groups of vowels; an `e` at the end, and the one of `-ed`, is silent.
    fn syllables(word: &str) -> usize {
        let word: String = word.to_lowercase().chars().filter(|c| c.is_ascii_alphabetic()).collect();
        let is_vowel = |c: char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
        let starts = std::iter::once(' ').chain(word.chars()).zip(word.chars());
        let groups = starts.filter(|&(before, c)| is_vowel(c) && !is_vowel(before)).count();
        let silent = (word.ends_with('e') && !word.ends_with("le")) || (word.ends_with("ed") && !word.ends_with("ted"));
        groups.saturating_sub(usize::from(silent && groups > 1)).max(1)
    }

    #[test]
    fn syllables_are_counted_as_spoken() {
        for (word, expected) in
            [("plan", 1), ("renewable", 4), ("earned", 1), ("saves", 2), ("flexible", 3), ("$1,234", 1)]
        {
            assert_eq!(syllables(word), expected, "{word}");
        }
    }

    #[test]
    fn every_combination_reads_easily() {
        let grades: Vec<(f64, String)> = combinations().iter().map(write).map(|text| (grade(&text), text)).collect();
        let mean = grades.iter().map(|(grade, _)| grade).sum::<f64>() / grades.len() as f64;
        let hardest = grades.iter().max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are combinations");
        // Plain English asks for the ninth grade at most; names of kinds of plans make the hardest a little harder.
        assert!(mean <= 8.0, "grade {mean:.1} on average");
        assert!(hardest.0 <= 11.0, "grade {:.1}: {}", hardest.0, hardest.1);
    }
}
