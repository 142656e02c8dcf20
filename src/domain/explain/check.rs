//! Whether a text somebody else wrote says only what the fact sheet says; whatever is doubtful is refused.

use super::FactSheet;
use super::figures::{Figure, Unit, figures};

/// How long a text is, in words.
pub const WORDS_MIN: usize = 40;
pub const WORDS_MAX: usize = 120;

/// Why a text is not used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("it has {0} words: 40 to 120 are wanted")]
    Length(usize),
    #[error("it holds markup, a link or a line break")]
    Markup,
    #[error("it does not name the plan")]
    Unnamed,
    #[error("\"{0}\" is no number of the fact sheet")]
    Number(String),
    #[error("\"{0}\" is no name of the fact sheet")]
    Name(String),
    #[error("it speaks of savings where there are none")]
    Savings,
}

/// Characters and beginnings that are no plain text.
const MARKUP: &[char] = &['<', '>', '*', '#', '`', '_', '[', ']', '{', '}', '|', '\\', '\u{2022}'];
const LINKS: &[&str] = &["://", "www.", "mailto:", "&lt;", "&#"];

/// Words that begin with a capital and name nobody.
const CAPITALS: &[&str] = &["I", "TDU", "EV", "USD", "AUD", "NZD", "CAD", "GBP", "EUR"];

/// Stands in for the sheet's own names while the rest is looked at.
const MASK: &str = "name";

/// Holds `text` against `facts`. `others` are the names of all plans and suppliers known, the sheet's own too.
///
/// A name that nobody knows is found by its capital within a sentence; at the beginning of one, where every word has a
/// capital, only the `others` are.
pub fn check<'a>(text: &str, facts: &FactSheet, others: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
    let words = text.split_whitespace().count();
    if !(WORDS_MIN..=WORDS_MAX).contains(&words) {
        return Err(Refusal::Length(words));
    }
    let masked = without_names(text, &[&facts.plan_name, &facts.supplier_name]);
    let is_marked = masked.chars().any(|c| c.is_control() || MARKUP.contains(&c));
    if text.chars().any(char::is_control) || is_marked || LINKS.iter().any(|link| masked.contains(link)) {
        return Err(Refusal::Markup);
    }
    let plan = facts.plan_name.trim();
    if plan.contains(char::is_alphabetic) && find_words(text, plan, same_letter).is_none() {
        return Err(Refusal::Unnamed);
    }
    check_numbers(&masked, facts)?;
    check_savings(&masked, facts)?;
    if let Some(name) = stray_capital(&masked, facts) {
        return Err(Refusal::Name(name));
    }
    let own = |name: &str| name == facts.plan_name || name == facts.supplier_name;
    match others.into_iter().find(|name| !own(name) && mentions(&masked, name)) {
        Some(name) => Err(Refusal::Name(name.to_owned())),
        None => Ok(()),
    }
}

fn check_numbers(masked: &str, facts: &FactSheet) -> Result<(), Refusal> {
    let known = known_figures(facts);
    match figures(masked, &facts.currency).into_iter().find(|figure| !known.iter().any(|fact| figure.states(fact))) {
        Some(figure) => Err(Refusal::Number(figure.written)),
        None => Ok(()),
    }
}

/// Every number of the sheet.
fn known_figures(facts: &FactSheet) -> Vec<Figure> {
    let money = [facts.annual_cost, facts.cost_p10, facts.cost_p90, facts.exit_fee];
    let mut known: Vec<Figure> = money.map(|amount| Figure::fact(amount, Unit::Money, false)).to_vec();
    known.push(Figure::fact(facts.average_rate, Unit::Cents, false));
    known.push(Figure::fact(facts.renewable_percent, Unit::Percent, false));
    known.push(Figure::fact(facts.annual_kwh, Unit::Energy, false));
    known.push(Figure::fact(f64::from(facts.contract_months), Unit::Months, false));
    known.push(Figure::fact(f64::from(facts.rank), Unit::Bare, false));
    // "Over 1 year": what all costs and energy of the sheet are of.
    known.push(Figure::fact(1.0, Unit::Years, false));
    if let Some(savings) = facts.savings {
        known.push(Figure::fact(savings.annual_savings, Unit::Money, false));
        known.push(Figure::fact(savings.switching_cost, Unit::Money, false));
        known.push(Figure::fact(savings.monthly_savings, Unit::Money, true));
        known.push(Figure::fact(savings.savings_percentage, Unit::Percent, false));
        known.extend(savings.break_even_months.map(|count| Figure::fact(f64::from(count), Unit::Months, false)));
    }
    if let Some(range) = facts.shape_range {
        known.extend([range.flatter, range.peakier].map(|cost| Figure::fact(cost, Unit::Money, false)));
    }
    let points = facts.differentiators.iter().chain(&facts.trade_offs);
    known.extend(points.flat_map(|point| figures(point, &facts.currency)));
    known
}

/// A saving may be spoken of only where there is one.
fn check_savings(masked: &str, facts: &FactSheet) -> Result<(), Refusal> {
    let saves = facts.savings.is_some_and(|savings| savings.annual_savings > 0.0);
    let claims =
        runs(masked).any(|(_, word)| matches!(word.to_lowercase().as_str(), "save" | "saves" | "saving" | "savings"));
    if claims && !saves { Err(Refusal::Savings) } else { Ok(()) }
}

/// A word with a capital within a sentence that the sheet does not know.
fn stray_capital(masked: &str, facts: &FactSheet) -> Option<String> {
    // "Acorn" is Acorn Power; its other words alone are nobody's name.
    let short =
        [&facts.plan_name, &facts.supplier_name, &facts.currency].into_iter().filter_map(|name| runs(name).next());
    let points = facts.differentiators.iter().chain(&facts.trade_offs).flat_map(|point| runs(point));
    let known: Vec<&str> = short.chain(points).map(|(_, word)| word).chain(CAPITALS.iter().copied()).collect();
    let found = runs(masked).find(|&(at, word)| {
        let starts_sentence = masked[..at].trim_end_matches(|c: char| !c.is_alphanumeric() && !".!?:".contains(c));
        let within = !starts_sentence.is_empty() && !starts_sentence.ends_with(['.', '!', '?', ':']);
        within && word.starts_with(char::is_uppercase) && !known.contains(&word)
    });
    found.map(|(_, word)| word.to_owned())
}

/// The words of a text with where they begin.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += text[at..].find(char::is_alphanumeric)?;
        let rest = &text[at..];
        let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
        let found = (at, &rest[..end]);
        at += end;
        Some(found)
    })
}

/// Whether `name` stands in the text as words of their own: names of one word as they are written, for "simple" is not
/// the plan Simple; longer ones whatever their case.
fn mentions(masked: &str, name: &str) -> bool {
    let name = name.trim();
    let words = runs(name).count();
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    match words {
        0 => false,
        _ if letters < 3 => false,
        1 => find_words(masked, name, |one, other| one == other).is_some(),
        _ => find_words(masked, name, same_letter).is_some(),
    }
}

/// The text with `names` replaced, whatever their case, the longest first.
fn without_names(text: &str, names: &[&str]) -> String {
    let mut names: Vec<&str> =
        names.iter().map(|name| name.trim()).filter(|name| name.contains(char::is_alphabetic)).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    let mut masked = text.to_owned();
    for name in names {
        let (mut done, mut rest) = (String::with_capacity(masked.len()), masked.as_str());
        while let Some((start, end)) = find_words(rest, name, same_letter) {
            done.push_str(&rest[..start]);
            done.push_str(MASK);
            rest = &rest[end..];
        }
        done.push_str(rest);
        masked = done;
    }
    masked
}

fn same_letter(one: char, other: char) -> bool {
    one.eq_ignore_ascii_case(&other)
}

/// Where `wanted` stands in `text` with no letter or digit directly before or after it.
fn find_words(text: &str, wanted: &str, same: impl Fn(char, char) -> bool) -> Option<(usize, usize)> {
    let mut before = None;
    for (start, first) in text.char_indices() {
        let begins = before.is_none_or(|c: char| !c.is_alphanumeric());
        before = Some(first);
        if !begins {
            continue;
        }
        let mut rest = text[start..].chars();
        if wanted.chars().all(|letter| rest.next().is_some_and(|next| same(next, letter))) {
            let after = rest.as_str();
            if !after.starts_with(char::is_alphanumeric) {
                return Some((start, text.len() - after.len()));
            }
        }
    }
    None
}
