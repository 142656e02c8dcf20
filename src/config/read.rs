//! Giving merged values their types, one problem per wrong value and never just the first.

use crate::config::layers::{Merged, Origin};
use crate::config::settings::find;
use jiff::civil::Time;
use secrecy::SecretString;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::Value;

/// Reads values by key. A wrong value is noted and a harmless one returned, so that reading goes on.
pub struct Reader {
    merged: Merged,
}

impl Reader {
    pub fn new(merged: Merged) -> Self {
        Reader { merged }
    }

    /// All problems found, and the notices.
    pub fn finish(self) -> (Vec<String>, Vec<String>) {
        (self.merged.problems, self.merged.notices)
    }

    pub fn notice(&mut self, text: String) {
        self.merged.notices.push(text);
    }

    /// Notes what is wrong with a setting; the sentence begins with the setting and where it was given.
    pub fn problem(&mut self, key: &str, message: &str) {
        let place = match self.merged.values.get(key).map(|raw| &raw.origin) {
            None | Some(Origin::Default) => String::new(),
            Some(origin) => format!(" ({origin})"),
        };
        self.merged.problems.push(format!("{key}{place} {message}"));
    }

    fn value(&self, key: &str) -> Value {
        debug_assert!(find(key).is_some(), "{key} is in the table of settings");
        self.merged.values.get(key).map_or(Value::String(String::new()), |raw| raw.value.clone())
    }

    pub fn text(&mut self, key: &str) -> String {
        if let Value::String(text) = self.value(key) {
            return text.trim().to_owned();
        }
        self.problem(key, "must be a text in quotes");
        String::new()
    }

    /// `None` when empty.
    pub fn secret(&mut self, key: &str) -> Option<SecretString> {
        let text = self.text(key);
        (!text.is_empty()).then(|| SecretString::from(text))
    }

    pub fn flag(&mut self, key: &str) -> bool {
        let value = self.value(key);
        let word = value.as_str().map(str::to_lowercase);
        match (value.as_bool(), word.as_deref()) {
            (Some(flag), _) => flag,
            (None, Some("true" | "1" | "yes" | "on")) => true,
            (None, Some("false" | "0" | "no" | "off")) => false,
            _ => {
                self.problem(key, "must be true or false");
                false
            }
        }
    }

    pub fn number(&mut self, key: &str, range: RangeInclusive<u32>) -> u32 {
        let number = match self.value(key) {
            Value::Integer(number) => Some(number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        self.in_range(key, number, range)
    }

    /// A limit, also written as a rate: `100/minute`.
    pub fn limit(&mut self, key: &str, per: &str, range: RangeInclusive<u32>) -> u32 {
        let Value::String(text) = self.value(key) else { return self.number(key, range) };
        let count = match text.split_once('/') {
            Some((count, unit)) if unit.trim().eq_ignore_ascii_case(per) => count.trim().parse().ok(),
            Some(_) => {
                self.problem(key, &format!("is a limit per {per}: write a number, or \"100/{per}\""));
                return *range.start();
            }
            None => text.trim().parse().ok(),
        };
        self.in_range(key, count, range)
    }

    fn in_range(&mut self, key: &str, number: Option<i64>, range: RangeInclusive<u32>) -> u32 {
        let number = number.and_then(|number| u32::try_from(number).ok()).filter(|number| range.contains(number));
        number.unwrap_or_else(|| {
            self.problem(key, &format!("must be a whole number from {} to {}", range.start(), range.end()));
            *range.start()
        })
    }

    pub fn seconds(&mut self, key: &str, range: RangeInclusive<u32>) -> Duration {
        Duration::from_secs(u64::from(self.number(key, range)))
    }

    /// `03:00`, UTC.
    pub fn time_of_day(&mut self, key: &str) -> Time {
        let text = self.text(key);
        let time = if text.len() == 5 { text.parse().ok() } else { None };
        time.unwrap_or_else(|| {
            self.problem(key, "must be a time of day (UTC) such as 03:00");
            Time::midnight()
        })
    }

    /// A TOML list, a JSON list in a text, or a text with commas.
    pub fn list(&mut self, key: &str) -> Vec<String> {
        let items = match self.value(key) {
            Value::Array(items) => items.into_iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Value::String(text) if text.trim_start().starts_with('[') => serde_json::from_str(&text).ok(),
            Value::String(text) => Some(text.split(',').map(str::to_owned).collect()),
            _ => None,
        };
        let items: Vec<String> = items.unwrap_or_else(|| {
            self.problem(key, "must be a list of texts: [\"one\", \"two\"], or one,two in the environment");
            Vec::new()
        });
        items.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
    }

    pub fn parsed_list<T: std::str::FromStr<Err = String>>(&mut self, key: &str) -> Vec<T> {
        let mut parsed = Vec::new();
        for item in self.list(key) {
            match item.parse() {
                Ok(value) => parsed.push(value),
                Err(message) => self.problem(key, &format!("holds a wrong entry: {message}")),
            }
        }
        parsed
    }

    /// One of a few words; the first is what a wrong word falls back to while problems are collected.
    pub fn choice<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> T {
        let text = self.text(key).to_lowercase();
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        let listed: Vec<&str> = words.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
        self.problem(key, &format!("must be one of {}", listed.join(", ")));
        words[0].1
    }
}
