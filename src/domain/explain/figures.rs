//! The numbers of a text with what they measure, so that each can be held against a fact.

/// What a number measures, as far as the words around it say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Money,
    Percent,
    Energy,
    Cents,
    Months,
    Years,
    /// The text does not say.
    Bare,
}

/// One number as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// As it stands in the text.
    pub written: String,
    /// Without sign; not a number for words that say no exact one, such as "half".
    pub value: f64,
    pub unit: Unit,
    /// Of one month: `$20 a month`, `500 kWh per month`.
    pub monthly: bool,
    /// Digits after the decimal point.
    decimals: i32,
    /// Zeros at the end of a whole number, to which it may have been rounded.
    zeros: i32,
}

/// A number rounded to tens or more may be off by this share at most.
const ROUNDED_SHARE_MAX: f64 = 0.01;

/// Words that are numbers; "one" is not among them, for it mostly is none.
const WORDS: &[(&str, f64)] = &[
    ("zero", 0.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("eighteen", 18.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("second", 2.0),
    ("third", 3.0),
];

/// Words that claim a number no fact states.
const VAGUE: &[&str] = &[
    "hundred",
    "hundreds",
    "thousand",
    "thousands",
    "million",
    "dozen",
    "dozens",
    "half",
    "halves",
    "halved",
    "double",
    "doubles",
    "twice",
    "triple",
    "quarter",
    "thirds",
];

impl Figure {
    /// A fact, exact.
    pub fn fact(value: f64, unit: Unit, monthly: bool) -> Figure {
        Figure { written: String::new(), value: value.abs(), unit, monthly, decimals: 0, zeros: 0 }
    }

    /// Whether this number of a text says what `fact` says, rounded.
    pub fn states(&self, fact: &Figure) -> bool {
        let measured = match (self.unit, fact.unit) {
            (Unit::Bare, _) => true,
            (Unit::Years, Unit::Months) => return (self.value * 12.0 - fact.value).abs() < 1e-9,
            (own, other) => own == other && self.monthly == fact.monthly,
        };
        let off = (self.value - fact.value).abs();
        let to_digits = off <= 0.5 * 10f64.powi(-self.decimals) + 1e-9;
        let to_tens = self.zeros > 0 && off <= 0.5 * 10f64.powi(self.zeros) && off <= ROUNDED_SHARE_MAX * fact.value;
        measured && (to_digits || to_tens)
    }
}

/// Every number of `text`, in digits or words. `currency` is the code that marks money where no sign does.
pub fn figures(text: &str, currency: &str) -> Vec<Figure> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if first.is_ascii_digit() {
            number_length(rest)
        } else if first.is_alphabetic() {
            rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (written, after) = rest.split_at(length);
        if let Some(value) = value_of(written, first) {
            found.push(figure(written, value, &text[..at], after, currency));
        }
        at += length;
    }
    found
}

fn value_of(written: &str, first: char) -> Option<f64> {
    if first.is_ascii_digit() {
        return Some(written.replace(',', "").parse().unwrap_or(f64::NAN));
    }
    if first.is_numeric() {
        return Some(f64::NAN); // Fractions and foreign digits.
    }
    let word = written.to_lowercase();
    let known = WORDS.iter().find(|(name, _)| *name == word).map(|&(_, value)| value);
    known.or_else(|| VAGUE.contains(&word.as_str()).then_some(f64::NAN))
}

/// Bytes of the number `text` begins with: digits, with commas and one point between digits.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let (mut end, mut point) = (0, false);
    loop {
        if digit(end) {
            end += 1;
        } else if digit(end + 1) && !point && matches!(bytes[end], b',' | b'.') {
            point |= bytes[end] == b'.';
            end += 1;
        } else {
            return end;
        }
    }
}

fn figure(written: &str, value: f64, before: &str, after: &str, currency: &str) -> Figure {
    let plain = written.replace(',', "");
    let (whole, decimals) = plain.split_once('.').unwrap_or((&plain, ""));
    let zeros = if decimals.is_empty() { whole.len() - whole.trim_end_matches('0').len() } else { 0 };
    let after = after.to_lowercase();
    let after = after.trim_start_matches([' ', '-', '\u{a0}', '\u{2011}']);
    let before = before.trim_end();
    let is_money = before.ends_with(['$', '£', '€']) || (!currency.is_empty() && before.ends_with(currency));
    let named: [(&str, Unit); 10] = [
        ("%", Unit::Percent),
        ("percent", Unit::Percent),
        ("per cent", Unit::Percent),
        ("kwh", Unit::Energy),
        ("cent", Unit::Cents),
        ("¢", Unit::Cents),
        ("month", Unit::Months),
        ("year", Unit::Years),
        ("dollar", Unit::Money),
        ("pound", Unit::Money),
    ];
    let unit = match named.iter().find(|(word, _)| after.starts_with(word)) {
        _ if is_money => Unit::Money,
        Some(&(_, unit)) => unit,
        None => Unit::Bare,
    };
    let monthly = matches!(unit, Unit::Money | Unit::Energy) && of_a_month(after);
    Figure { written: written.to_owned(), value, unit, monthly, decimals: decimals.len() as i32, zeros: zeros as i32 }
}

/// Whether the amount before these words is one of a month.
fn of_a_month(after: &str) -> bool {
    let rest = ["kwh", "dollars", "pounds"].iter().fold(after, |rest, unit| rest.strip_prefix(unit).unwrap_or(rest));
    let rest = rest.trim_start();
    ["a month", "per month", "each month", "every month", "monthly", "/month", "/ month"]
        .iter()
        .any(|words| rest.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_what_they_measure() {
        let text =
            "Pay $1,234.50, £20 a month, CHF 12, 20%, 12-month, 11,020 kWh, 500 kWh a month, 11.2 cents, two years, 7.";
        let read: Vec<_> = figures(text, "CHF").iter().map(|f| (f.value, f.unit, f.monthly)).collect();
        let expected = [
            (1_234.5, Unit::Money, false),
            (20.0, Unit::Money, true),
            (12.0, Unit::Money, false),
            (20.0, Unit::Percent, false),
            (12.0, Unit::Months, false),
            (11_020.0, Unit::Energy, false),
            (500.0, Unit::Energy, true),
            (11.2, Unit::Cents, false),
            (2.0, Unit::Years, false),
            (7.0, Unit::Bare, false),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_number_matches_a_fact_within_its_own_rounding() {
        let cases = [
            ("$1,234", 1_234.4, true),
            ("$1,234.40", 1_234.4, true),
            ("$1,234.4", 1_234.44, true),
            ("$1,234.45", 1_234.4, false),
            ("$1,235", 1_234.4, false),
            ("$1,230", 1_234.4, true),
            ("$1,200", 1_234.4, false),
            ("$12,000", 12_040.0, true),
            ("$200", 210.0, false),
            ("$0", 0.0, true),
        ];
        for (text, fact, expected) in cases {
            let read = figures(text, "USD");
            assert_eq!(read[0].states(&Figure::fact(fact, Unit::Money, false)), expected, "{text} for {fact}");
        }
    }

    #[test]
    fn a_number_of_another_unit_is_another_number() {
        let year = Figure::fact(12.0, Unit::Months, false);
        for (text, expected) in [("12 months", true), ("1 year", true), ("$12", false), ("12%", false), ("12", true)] {
            assert_eq!(figures(text, "USD")[0].states(&year), expected, "{text}");
        }
        assert!(!figures("$20 a month", "USD")[0].states(&Figure::fact(20.0, Unit::Money, false)));
    }

    #[test]
    fn words_that_claim_a_number_without_saying_it_match_nothing() {
        for text in ["half", "twice", "½", "٣", "a dozen"] {
            let read = figures(text, "USD");
            assert_eq!(read.len(), 1, "{text}");
            assert!(!read[0].states(&Figure::fact(0.5, Unit::Bare, false)), "{text}");
        }
        assert_eq!(figures("one plan", "USD"), []);
    }
}
