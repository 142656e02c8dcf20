//! Free text of an offer as words, amounts and sentence ends: lower case, no accents, no thousands commas.

use unicode_normalization::UnicodeNormalization;

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    /// `$9.95`
    Dollars(f64),
    /// `13.3¢`
    Cents(f64),
    /// Any other number.
    Number(f64),
    /// The end of a sentence or line.
    Stop,
}

/// The tokens of a text.
pub fn tokens(text: &str) -> Vec<Token> {
    let plain: String =
        text.chars().nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).flat_map(char::to_lowercase).collect();
    let mut tokens = Vec::new();
    let mut dollar = false;
    for line in plain.lines() {
        for piece in line.split([' ', '\t', '\u{a0}', '/', '(', ')', ';', '|', '"', '!', '¡', '*']) {
            let ends = piece.ends_with(['.', '?']);
            let bare = piece.trim_matches(|c: char| matches!(c, '.' | ',' | ':' | '?' | '¿' | '\'' | '“' | '”'));
            if bare == "$" {
                dollar = true;
                continue;
            }
            if !bare.is_empty() {
                tokens.push(token(bare, std::mem::take(&mut dollar)));
            }
            if ends {
                tokens.push(Token::Stop);
            }
        }
        tokens.push(Token::Stop);
    }
    tokens
}

fn token(bare: &str, after_dollar: bool) -> Token {
    let number =
        |text: &str| text.replace(',', "").parse::<f64>().ok().filter(|value| value.is_finite() && *value < 1e9);
    if let Some(amount) = bare.strip_prefix('$').and_then(number) {
        return Token::Dollars(amount);
    }
    if let Some(cents) = bare.strip_suffix('¢').and_then(number) {
        return Token::Cents(cents);
    }
    if let Some(kwh) = bare.strip_suffix("kwh").and_then(number) {
        return Token::Number(kwh);
    }
    match number(bare).filter(|_| bare.starts_with(|c: char| c.is_ascii_digit())) {
        Some(amount) if after_dollar => Token::Dollars(amount),
        Some(value) => Token::Number(value),
        None => Token::Word(bare.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_words_and_sentence_ends_are_told_apart() {
        let word = |text: &str| Token::Word(text.to_owned());
        assert_eq!(
            tokens("Crédito de $ 35 si 1,000 kWh.\n13.3¢ $60.00/monthly"),
            [
                word("credito"),
                word("de"),
                Token::Dollars(35.0),
                word("si"),
                Token::Number(1000.0),
                word("kwh"),
                Token::Stop,
                Token::Stop,
                Token::Cents(13.3),
                Token::Dollars(60.0),
                word("monthly"),
                Token::Stop,
            ]
        );
    }
}
