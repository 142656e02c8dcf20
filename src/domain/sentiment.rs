//! Whether who gave feedback was content, by a rule short enough to be told: the words of a list are counted.
//!
//! 1. A text is cut into clauses at `. , ; : ! ? ( )`, at line ends and dashes, and at words such as "but".
//! 2. A word of praise counts +1, a word of complaint -1, whatever its case and the marks around it.
//! 3. Each negation ("not", "never", "without", every word on "n't") among the three words before it in its clause
//!    turns the count over: "not good" is a complaint, "not bad at all" praise, "never had no problems" a complaint.
//! 4. The sum decides. Where it is zero, and where no word is known, the rating does: 4 and 5 are positive, 3 is
//!    neutral, 1 and 2 are negative.
//!
//! The list is `assets/feedback/words.txt`. It is English; texts in other languages count by their rating.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// How many words before a word a negation reaches it.
const REACH: usize = 3;
const LIST: &str = include_str!("../../assets/feedback/words.txt");

/// Whether somebody was content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sentiment {
    Positive,
    Neutral,
    Negative,
}

impl Sentiment {
    pub const ALL: [Sentiment; 3] = [Sentiment::Positive, Sentiment::Neutral, Sentiment::Negative];

    pub const fn as_str(self) -> &'static str {
        match self {
            Sentiment::Positive => "positive",
            Sentiment::Neutral => "neutral",
            Sentiment::Negative => "negative",
        }
    }

    /// Of a text, if there is one, and a rating of 1 to 5.
    pub fn of(text: Option<&str>, rating: u8) -> Self {
        match (text.map_or(0, score), rating) {
            (1.., _) | (0, 4..) => Sentiment::Positive,
            (0, 3) => Sentiment::Neutral,
            (..=0, _) => Sentiment::Negative,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Praise,
    Complaint,
    Negation,
    /// Begins a new clause.
    Turn,
}

static WORDS: LazyLock<HashMap<&'static str, Meaning>> = LazyLock::new(|| entries().collect());

fn entries() -> impl Iterator<Item = (&'static str, Meaning)> {
    LIST.lines().filter_map(|line| {
        let (mark, word) = line.split_once(' ')?;
        let meaning = match mark {
            "+" => Meaning::Praise,
            "-" => Meaning::Complaint,
            "!" => Meaning::Negation,
            "/" => Meaning::Turn,
            _ => return None,
        };
        Some((word, meaning))
    })
}

/// Praise less complaints.
fn score(text: &str) -> i32 {
    let text = text.to_lowercase().replace(['\u{2019}', '\u{2bc}', '`'], "'");
    text.split(ends_a_clause).map(score_of_clause).sum()
}

fn ends_a_clause(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '\n' | '\r' | '\u{2013}' | '\u{2014}' | '\u{2026}')
}

fn score_of_clause(clause: &str) -> i32 {
    let apart = clause.split(|c: char| !c.is_alphanumeric() && c != '\'');
    let words = apart.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty());
    let mut seen: Vec<Option<Meaning>> = Vec::new();
    let mut sum = 0;
    for meaning in words.map(meaning_of) {
        let before = seen.iter().rev().take(REACH);
        let negated = before.filter(|meaning| **meaning == Some(Meaning::Negation)).count() % 2 == 1;
        match meaning {
            Some(Meaning::Praise) => sum += if negated { -1 } else { 1 },
            Some(Meaning::Complaint) => sum += if negated { 1 } else { -1 },
            Some(Meaning::Turn) => seen.clear(),
            Some(Meaning::Negation) | None => {}
        }
        seen.push(meaning);
    }
    sum
}

fn meaning_of(word: &str) -> Option<Meaning> {
    if word.ends_with("n't") { Some(Meaning::Negation) } else { WORDS.get(word).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sentiment::{Negative, Neutral, Positive};

    #[test]
    fn words_negations_and_punctuation_decide_and_the_rating_where_they_do_not() {
        let cases = [
            (Some("Good price."), 1, Positive),
            (Some("GOOD!!!"), 1, Positive),
            (Some("Not good."), 5, Negative),
            (Some("not very good"), 5, Negative),
            (Some("It was not bad at all"), 1, Positive),
            (Some("No problems so far"), 3, Positive),
            (Some("no, good"), 3, Positive),
            (Some("I don\u{2019}t recommend it"), 5, Negative),
            (Some("I don't recommend it"), 5, Negative),
            (Some("never had no problems"), 5, Negative),
            (Some("No hidden fees; easy, quick, and \u{201c}cheap\u{201d}!"), 1, Positive),
            (Some("not what I asked for in any way, good or otherwise"), 1, Positive),
            (Some("not cheap but honest and helpful"), 3, Positive),
            (Some("good-value, overpriced delivery"), 3, Neutral),
            (Some("good but expensive"), 5, Positive),
            (Some("good but expensive"), 2, Negative),
            (Some("Der Tarif ist gut"), 4, Positive),
            (Some("goodness gracious"), 3, Neutral),
            (Some("'"), 2, Negative),
            (Some(""), 3, Neutral),
            (None, 5, Positive),
            (None, 3, Neutral),
            (None, 1, Negative),
        ];
        for (text, rating, expected) in cases {
            assert_eq!(Sentiment::of(text, rating), expected, "{text:?} with {rating}");
        }
    }

    #[test]
    fn every_line_of_the_list_is_one_lower_case_word_listed_once() {
        assert!(LIST.starts_with("# "));
        let listed: Vec<_> = entries().collect();
        assert_eq!(listed.len(), LIST.lines().count() - 1, "a line is not understood");
        assert_eq!(WORDS.len(), listed.len(), "a word is listed twice");
        for (word, _) in listed {
            assert!(word.chars().all(|c| c.is_ascii_lowercase()), "{word}");
        }
    }
}
