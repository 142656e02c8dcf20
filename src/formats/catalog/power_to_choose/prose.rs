//! What the "Fees/Credits" text of an offer states, in English and Spanish: base charges, minimum-usage fees, usage
//! credits, price tiers. Only sentences with an amount and a bound are taken; bounds keep the sense the words give
//! them ("1000 kWh or more", "greater than 999", "less than 1,501"). Whether a reading is right is not decided here:
//! it must reproduce the published averages.

use super::words::{Token, tokens};
use crate::domain::tariff::model::UsageBand;
use crate::domain::units::Energy;

/// A sum that appears on bills in a band of use; a credit is negative.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    pub amount: f64,
    pub band: UsageBand,
    /// Only on bills that close in these months; empty: all.
    pub months: Vec<u8>,
}

/// Everything the text states, in currency and currency per kWh.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stated {
    pub base: f64,
    pub sums: Vec<Sum>,
    /// One price for all energy, by the band the month's use lies in.
    pub banded: Vec<(UsageBand, f64)>,
    /// Cumulative bounds in kWh and one price more than bounds.
    pub blocks: Option<(Vec<f64>, Vec<f64>)>,
    /// "Pay the same amount whenever usage is below N kWh".
    pub same_below: Option<f64>,
}

impl Stated {
    /// The same with "more than N" read as "N or more": offers say one and publish an average at N that holds the other.
    pub fn relaxed(&self) -> Stated {
        let mut relaxed = self.clone();
        for sum in &mut relaxed.sums {
            sum.band.min_exclusive = false;
        }
        relaxed
    }

    pub fn is_empty(&self) -> bool {
        *self == Stated::default()
    }

    /// Whether the text states what energy costs.
    pub fn has_energy(&self) -> bool {
        !self.banded.is_empty() || self.blocks.is_some()
    }

    /// What these charges come to at a month's use; sums of single months are left out, as the averages leave them.
    pub fn bill(&self, kwh: f64) -> f64 {
        let usage = Energy::from_kwh(kwh).unwrap_or_default();
        let sums =
            self.sums.iter().filter(|sum| sum.months.is_empty() && sum.band.contains(usage)).map(|sum| sum.amount);
        let banded = self.banded.iter().filter(|(band, _)| band.contains(usage)).map(|(_, price)| price * kwh);
        let mut total = self.base + sums.sum::<f64>() + banded.sum::<f64>();
        if let Some((bounds, prices)) = &self.blocks {
            let mut floor = 0.0;
            for (n, price) in prices.iter().enumerate() {
                let ceiling = bounds.get(n).copied().unwrap_or(f64::INFINITY);
                total += price * (kwh.min(ceiling) - floor).max(0.0);
                floor = ceiling;
            }
        }
        total
    }
}

/// A bound on use and the sense the words give it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    AtLeast(f64),
    MoreThan(f64),
    LessThan(f64),
    AtMost(f64),
    /// "The first N kWh": a block, not a band.
    First(f64),
}

/// What a phrase makes of the number beside it.
type Sense = fn(f64) -> Bound;

/// A sentence's amounts and bounds, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Item {
    Dollars { amount: f64, at: usize },
    Cents(f64),
    Bound(Bound),
}

/// Reads a text; what is not understood is left out.
pub fn read(text: &str) -> Stated {
    let mut stated = Stated::default();
    for sentence in tokens(text).split(|token| *token == Token::Stop) {
        sentence_into(sentence, &mut stated);
    }
    // A block price without its partner is no ladder.
    if stated.blocks.as_ref().is_some_and(|(bounds, prices)| prices.len() != bounds.len() + 1) {
        stated.blocks = None;
    }
    stated
}

fn sentence_into(sentence: &[Token], stated: &mut Stated) {
    let items: Vec<Item> = (0..sentence.len()).filter_map(|at| item(sentence, at)).collect();
    let months = months(sentence);
    let is_price = |item: &Item| !matches!(item, Item::Bound(_));
    let all = words(sentence);
    if let ([Item::Bound(Bound::LessThan(kwh))], true) =
        (&items[..], ["same amount", "misma cantidad"].iter().any(|phrase| all.contains(phrase)))
    {
        stated.same_below = Some(*kwh);
    }
    let mut taken = 0;
    for (n, found) in items.iter().enumerate().filter(|(_, item)| is_price(item)) {
        let end = items[n + 1..].iter().position(is_price).map_or(items.len(), |next| n + 1 + next);
        let after: Vec<Bound> = bounds(&items[n + 1..end]);
        let before: Vec<Bound> = if n >= taken { bounds(&items[taken..n]) } else { Vec::new() };
        let own = if after.is_empty() {
            before
        } else {
            taken = end;
            after
        };
        match *found {
            Item::Dollars { amount, at } => dollars(sentence, at, amount, &own, &months, stated),
            Item::Cents(price) => cents(price, &own, stated),
            Item::Bound(_) => {}
        }
    }
}

fn bounds(items: &[Item]) -> Vec<Bound> {
    items.iter().filter_map(|item| if let Item::Bound(bound) = item { Some(*bound) } else { None }).collect()
}

fn dollars(sentence: &[Token], at: usize, amount: f64, own: &[Bound], months: &[u8], stated: &mut Stated) {
    let near = |reach: usize| words(&sentence[at.saturating_sub(reach)..(at + reach + 1).min(sentence.len())]);
    let about = near(4);
    if ["cancel", "terminat", "membership", "gift", "deposit"].iter().any(|word| about.contains(word)) {
        return;
    }
    let credit = near(9).contains("credit");
    if about.contains("base") && !credit {
        stated.base += amount;
    } else if let Some(band) = band(own) {
        stated.sums.push(Sum { amount: if credit { -amount } else { amount }, band, months: months.to_vec() });
    }
}

fn cents(price: f64, own: &[Bound], stated: &mut Stated) {
    let ladder = stated.blocks.as_ref().map(|(bounds, _)| bounds.clone());
    match (own, ladder) {
        ([Bound::First(limit)], None) => stated.blocks = Some((vec![*limit], vec![price])),
        ([Bound::MoreThan(floor)], Some(bounds)) if bounds.last() == Some(floor) => {
            if let Some((_, prices)) = &mut stated.blocks {
                prices.push(price);
            }
        }
        (own, _) => {
            if let Some(band) = band(own) {
                stated.banded.push((band, price));
            }
        }
    }
}

/// The band that bounds make; none without a bound, or with a block's.
fn band(bounds: &[Bound]) -> Option<UsageBand> {
    let mut band = UsageBand::default();
    for bound in bounds {
        match *bound {
            Bound::AtLeast(kwh) => band.min_kwh = Energy::from_kwh(kwh).ok(),
            Bound::MoreThan(kwh) => (band.min_kwh, band.min_exclusive) = (Energy::from_kwh(kwh).ok(), true),
            Bound::LessThan(kwh) => band.max_kwh = Energy::from_kwh(kwh).ok(),
            Bound::AtMost(kwh) => (band.max_kwh, band.max_inclusive) = (Energy::from_kwh(kwh).ok(), true),
            Bound::First(_) => return None,
        }
    }
    (band != UsageBand::default()).then_some(band)
}

fn words(tokens: &[Token]) -> String {
    let words =
        tokens.iter().filter_map(|token| if let Token::Word(word) = token { Some(word.as_str()) } else { None });
    words.collect::<Vec<_>>().join(" ")
}

fn item(sentence: &[Token], at: usize) -> Option<Item> {
    match sentence[at] {
        Token::Dollars(amount) => Some(Item::Dollars { amount, at }),
        Token::Cents(cents) => Some(Item::Cents((cents * 1e5).round() / 1e7)),
        Token::Number(kwh) => bound(sentence, at, kwh).map(Item::Bound),
        Token::Word(_) | Token::Stop => None,
    }
}

const UNITS: [&str; 5] = ["kwh", "kilowatt", "kilowatts", "kilovatio", "kilovatios"];

/// What the words around a number make of it.
fn bound(sentence: &[Token], at: usize, kwh: f64) -> Option<Bound> {
    let is_word = |token: &&Token| matches!(token, Token::Word(_));
    let mut before: Vec<&Token> = sentence[..at].iter().rev().take_while(is_word).take(6).collect();
    before.reverse();
    let mut after: Vec<&Token> = sentence[at + 1..].iter().take_while(is_word).take(4).collect();
    let has_unit = matches!(after.first(), Some(Token::Word(word)) if UNITS.contains(&word.as_str()));
    if has_unit {
        after.remove(0);
    }
    let text = |tokens: Vec<&Token>| words(&tokens.into_iter().cloned().collect::<Vec<_>>());
    let (before, after) = (text(before), text(after));
    if !has_unit && !before.ends_with("than") {
        return None;
    }
    let starts = |phrases: &[&str]| phrases.iter().any(|phrase| after.starts_with(phrase));
    if starts(&["or more", "or greater", "or higher", "or above", "o mas", "o superior", "o mayor"]) {
        return Some(Bound::AtLeast(kwh));
    }
    if starts(&["or less", "or fewer", "o menos"]) {
        return Some(Bound::AtMost(kwh));
    }
    // The last phrase before the number counts; of two that end together the longer one.
    const PHRASES: [(&str, Sense); 33] = [
        ("less than or equal to", Bound::AtMost),
        ("menos o igual a", Bound::AtMost),
        ("menor o igual a", Bound::AtMost),
        ("up to", Bound::First),
        ("hasta", Bound::First),
        ("first", Bound::First),
        ("primeros", Bound::First),
        ("greater than or equal to", Bound::AtLeast),
        ("equal or greater than", Bound::AtLeast),
        ("equal to or greater than", Bound::AtLeast),
        ("igual o mayor a", Bound::AtLeast),
        ("igual o superior a", Bound::AtLeast),
        ("mayor o igual a", Bound::AtLeast),
        ("mas o igual a", Bound::AtLeast),
        ("at least", Bound::AtLeast),
        ("al menos", Bound::AtLeast),
        (">=", Bound::AtLeast),
        ("reaches", Bound::AtLeast),
        ("alcance los", Bound::AtLeast),
        ("less than", Bound::LessThan),
        ("below", Bound::LessThan),
        ("under", Bound::LessThan),
        ("menos de", Bound::LessThan),
        ("debajo de", Bound::LessThan),
        ("menor a", Bound::LessThan),
        ("greater than", Bound::MoreThan),
        ("more than", Bound::MoreThan),
        ("over", Bound::MoreThan),
        ("above", Bound::MoreThan),
        ("mayor a", Bound::MoreThan),
        ("mayor que", Bound::MoreThan),
        ("mas de", Bound::MoreThan),
        ("superior a", Bound::MoreThan),
    ];
    PHRASES
        .into_iter()
        .filter_map(|(phrase, make)| before.rfind(phrase).map(|start| (start + phrase.len(), phrase.len(), make)))
        .max_by_key(|(end, length, _)| (*end, *length))
        .map(|(_, _, make)| make(kwh))
}

/// The months a sentence names; one name alone may be a word ("may", "march").
fn months(sentence: &[Token]) -> Vec<u8> {
    const ENGLISH: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    const SPANISH: [&str; 12] = [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ];
    let named = |month: usize| {
        sentence
            .iter()
            .any(|token| matches!(token, Token::Word(word) if word == ENGLISH[month] || word == SPANISH[month]))
    };
    let months: Vec<u8> = (0..12).filter(|month| named(*month)).map(|month| month as u8 + 1).collect();
    if months.len() > 1 { months } else { Vec::new() }
}
