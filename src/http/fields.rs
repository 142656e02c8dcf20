//! From checked request fields to domain values: what a schema cannot say is checked here, every fault by its path.

use crate::app::error::{Error, FieldFault};
use crate::domain::calendar::Month;
use crate::domain::from_json::join;
use crate::domain::tariff::RateStructure;
use crate::domain::units::{Energy, Price, UnitError};
use crate::domain::usage::readings::{MonthReading, Quality};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;

/// How far ahead of today a stated month may lie: clocks and calendars differ, years do not.
const MONTHS_AHEAD: i32 = 12;

/// The use of one month.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthUse {
    /// `YYYY-MM`, or any date of the month.
    #[schemars(extend("format" = "month"), length(max = 10))]
    pub month: String,
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub kwh: f64,
}

/// The faults found in one body so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<FieldFault>);

impl Faults {
    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>, code: &'static str) {
        self.0.push(FieldFault::new(field, message, code));
    }

    /// `value`, if nothing was wrong with the body it was made from.
    pub fn or<T>(self, value: T) -> Result<T, Error> {
        if self.0.is_empty() { Ok(value) } else { Err(Error::Invalid(self.0)) }
    }

    /// A value in its exact unit.
    pub fn exact<T>(&mut self, field: &str, value: Result<T, UnitError>) -> Option<T> {
        value.map_err(|wrong| self.add(field, wrong.to_string(), "number")).ok()
    }

    /// An amount of currency.
    pub fn price(&mut self, field: &str, value: Option<f64>) -> Option<Price> {
        self.exact(field, Price::from_currency(value?))
    }

    /// What a tariff must hold to mean something.
    pub fn rate(&mut self, field: &str, rate: &RateStructure) {
        for fault in rate.faults() {
            self.add(join(field, &fault.path), fault.message, "invalid");
        }
    }

    pub fn date(&mut self, field: &str, text: Option<&str>) -> Option<Date> {
        let date = text?.parse::<Date>().ok().filter(|date| (1900..=2199).contains(&date.year()));
        if date.is_none() {
            self.add(field, "must be a date between 1900-01-01 and 2199-12-31, YYYY-MM-DD", "format");
        }
        date
    }

    /// A text that is not blank, without the blanks around it.
    pub fn text(&mut self, field: &str, text: Option<&str>) -> Option<String> {
        let trimmed = text?.trim();
        if trimmed.is_empty() {
            self.add(field, "must not be blank: write it or leave it out", "min_length");
            return None;
        }
        Some(trimmed.to_owned())
    }

    /// Monthly use in order of time: months distinct, and none far in the future.
    pub fn months(&mut self, field: &str, stated: &[MonthUse], today: Date) -> Vec<MonthReading> {
        let latest = Month::of(today).plus(MONTHS_AHEAD);
        let mut seen = HashMap::new();
        let mut months = Vec::with_capacity(stated.len());
        for (n, entry) in stated.iter().enumerate() {
            let month = self.month(&format!("{field}[{n}].month"), &entry.month, latest);
            let energy = self.exact(&format!("{field}[{n}].kwh"), Energy::from_kwh(entry.kwh));
            let (Some(month), Some(energy)) = (month, energy) else { continue };
            if let Some(first) = seen.insert(month, n) {
                let message = format!("is the same month as {field}[{first}]: give each month once");
                self.add(format!("{field}[{n}].month"), message, "repeated_month");
            }
            months.push(MonthReading { month, energy, quality: Quality::Actual });
        }
        months.sort_unstable_by_key(|reading| reading.month);
        months
    }

    fn month(&mut self, field: &str, text: &str, latest: Month) -> Option<Month> {
        match text.parse::<Month>() {
            Ok(month) if month <= latest => return Some(month),
            Ok(_) => self.add(field, format!("lies too far ahead: {latest} is the latest accepted"), "range"),
            Err(wrong) => self.add(field, wrong.to_string(), "format"),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn faults_of(stated: &[(&str, f64)]) -> Vec<(String, &'static str)> {
        let stated: Vec<MonthUse> =
            stated.iter().map(|(month, kwh)| MonthUse { month: (*month).to_owned(), kwh: *kwh }).collect();
        let mut faults = Faults::default();
        faults.months("usage_data", &stated, date(2026, 11, 23));
        faults.0.into_iter().map(|fault| (fault.field, fault.code)).collect()
    }

    #[test]
    fn every_fault_of_a_list_of_months_is_named_by_its_path() {
        let stated = [("2026-01", 900.0), ("9999-01", 900.0), ("2026-01-15", 800.0), ("2029-01", f64::NAN)];
        let expected = [
            ("usage_data[1].month", "format"),
            ("usage_data[2].month", "repeated_month"),
            ("usage_data[3].month", "range"),
            ("usage_data[3].kwh", "number"),
        ];
        assert_eq!(faults_of(&stated), expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn distinct_months_up_to_a_year_ahead_are_taken() {
        assert_eq!(faults_of(&[("2026-01", 0.0), ("2027-11-30", 0.0), ("1900-01", 1e6)]), []);
        assert_eq!(faults_of(&[("2027-12", 0.0)]), [("usage_data[0].month".to_owned(), "range")]);
    }
}
