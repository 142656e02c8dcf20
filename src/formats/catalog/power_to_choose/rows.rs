//! The three layouts the offers come in, as one kind of row.
//!
//! The export (2020: 28 columns, since 2026: 29) puts its header names in square brackets, quotes newlines inside
//! fields, and ends with a row `END OF FILE`; prices are in dollars. The normalised daily CSV has prices in cents with
//! float noise; the JSON form has a plan id that its English and Spanish twins share.

use super::super::text::filled;
use crate::formats::{FormatError, Place, Rejection};
use serde_json::Value;
use std::collections::HashMap;

const REMEDY: &str = "Download the export again";

/// One offer as stated, amounts still as text where their writing varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub place: Place,
    pub id: String,
    pub utility: String,
    pub company: String,
    pub product: String,
    /// Averages at 500, 1,000 and 2,000 kWh, currency per kWh.
    pub averages: [f64; 3],
    pub fees: String,
    pub prepaid: bool,
    pub time_of_use: bool,
    /// `Fixed`, `Variable` or `Indexed`.
    pub rate_type: String,
    pub renewable: f64,
    pub term_months: u32,
    pub cancel_fee: String,
    pub special_terms: Option<String>,
    pub promotion: Option<String>,
    pub website: Option<String>,
    pub phone: Option<String>,
    pub terms_url: Option<String>,
    pub label_url: Option<String>,
    pub new_customers_only: bool,
    pub english: bool,
    pub rating: Option<f64>,
}

/// Cells of a row by the name its layout gives them.
struct Cells {
    place: Place,
    by_name: HashMap<String, String>,
    /// Prices are in cents.
    cents: bool,
}

/// Every offer, and every row that is none.
pub fn read(text: &str) -> Result<(Vec<Row>, Vec<Rejection>), FormatError> {
    let (mut rows, mut rejected) = (Vec::new(), Vec::new());
    let all = if super::super::text::is_json(text) { from_json(text)? } else { from_csv(text, &mut rejected)? };
    for cells in all {
        match cells.row() {
            Ok(row) => rows.push(row),
            Err(rejection) => rejected.push(rejection),
        }
    }
    Ok((rows, rejected))
}

fn from_csv(text: &str, rejected: &mut Vec<Rejection>) -> Result<Vec<Cells>, FormatError> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let broken = |error: csv::Error| FormatError::file(format!("the header cannot be read: {error}"), REMEDY);
    let header: Vec<String> =
        reader.headers().map_err(broken)?.iter().map(|name| canonical(name.trim().trim_matches(['[', ']']))).collect();
    for needed in ["id", "utility", "company", "product", "price_500", "price_1000", "price_2000"] {
        if !header.iter().any(|name| name == needed) {
            let reason = format!("the header has no column for the {}", needed.replace('_', " at "));
            return Err(FormatError::new(Place::line(1), reason, REMEDY));
        }
    }
    let cents = text.lines().next().unwrap_or_default().contains("price_kwh_500");
    let mut all = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let place = Place::line(record.position().map_or(0, csv::Position::line));
                if record.get(0).is_some_and(|cell| cell.trim().eq_ignore_ascii_case("END OF FILE")) {
                    continue;
                }
                let by_name = header.iter().cloned().zip(record.iter().map(str::to_owned)).collect();
                all.push(Cells { place, by_name, cents });
            }
            Err(error) => {
                rejected.push(Rejection { place: Place::FILE, reason: format!("a row cannot be read: {error}") });
            }
        }
    }
    Ok(all)
}

fn from_json(text: &str) -> Result<Vec<Cells>, FormatError> {
    let offers: Vec<HashMap<String, Value>> = serde_json::from_str(text)
        .map_err(|error| FormatError::file(format!("this is not a JSON list of offers: {error}"), REMEDY))?;
    let plain = |value: Value| match value {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let cells = |(n, offer): (usize, HashMap<String, Value>)| Cells {
        place: Place::record(n as u64 + 1),
        by_name: offer.into_iter().map(|(name, value)| (canonical(&name), plain(value))).collect(),
        cents: false,
    };
    Ok(offers.into_iter().enumerate().map(cells).collect())
}

/// One name for what each layout calls differently.
fn canonical(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "idkey" | "plan_id" => "id",
        "tducompanyname" | "tdu_area" | "tdu" => "utility",
        "repcompany" | "rep_name" | "rep" => "company",
        "plan_name" => "product",
        "kwh500" | "price_kwh_500" | "rate500" => "price_500",
        "kwh1000" | "price_kwh_1000" | "rate1000" => "price_1000",
        "kwh2000" | "price_kwh_2000" | "rate2000" => "price_2000",
        "fees/credits" | "fees_credits" => "fees",
        "is_prepaid" => "prepaid",
        "timeofuse" | "is_tou" | "time_of_use" => "time_of_use",
        "ratetype" | "rate_type" => "rate_type",
        "renewable_pct" => "renewable",
        "termvalue" | "term_months" => "term",
        "cancelfee" | "early_termination_fee" | "cancel_fee_raw" => "cancel_fee",
        "cancel_fee" => "cancel_fee_number",
        "specialterms" | "special_terms" => "special_terms",
        "promotiondesc" => "promotion_text",
        "termsurl" | "terms_url" => "terms_url",
        "factsurl" | "efl_url" => "label_url",
        "enrollphone" | "enroll_phone" => "phone",
        "newcustomer" | "new_customer" => "new_customer",
        other => other,
    }
    .to_owned()
}

impl Cells {
    fn get(&self, name: &str) -> &str {
        self.by_name.get(name).map_or("", |cell| cell.trim())
    }

    fn refuse(&self, field: &str, reason: String) -> Rejection {
        Rejection { place: self.place.clone().field(field), reason }
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.get(name).to_ascii_lowercase().as_str(), "true" | "1" | "yes")
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.get(name).replace(['$', '%', ','], "").trim().parse().ok().filter(|value: &f64| value.is_finite())
    }

    fn average(&self, name: &str) -> Result<f64, Rejection> {
        let stated = self
            .number(name)
            .ok_or_else(|| self.refuse(name, format!("the average price \"{}\" is not a number", self.get(name))))?;
        let price = if self.cents { stated / 100.0 } else { stated };
        if !(0.0001..=10.0).contains(&price) {
            return Err(self.refuse(name, format!("an average price of {stated} per kWh is absurd")));
        }
        // Noise of a conversion elsewhere: published prices have at most 0.01 cent.
        Ok((price * 1e4).round() / 1e4)
    }

    fn row(&self) -> Result<Row, Rejection> {
        for name in ["utility", "company", "product"] {
            if self.get(name).is_empty() {
                return Err(self.refuse(name, "is empty".to_owned()));
            }
        }
        let term = self.number("term").unwrap_or(0.0);
        if !(0.0..=600.0).contains(&term) {
            return Err(self.refuse("term", format!("{term} is not a number of months")));
        }
        let text = |name: &str| filled(self.get(name)).filter(|text| !text.eq_ignore_ascii_case("false"));
        Ok(Row {
            place: self.place.clone(),
            id: self.get("id").to_owned(),
            utility: self.get("utility").to_owned(),
            company: self.get("company").to_owned(),
            product: self.get("product").to_owned(),
            averages: [self.average("price_500")?, self.average("price_1000")?, self.average("price_2000")?],
            fees: text("fees").unwrap_or_default(),
            prepaid: self.flag("prepaid"),
            time_of_use: self.flag("time_of_use"),
            rate_type: self.get("rate_type").to_ascii_lowercase(),
            renewable: self.number("renewable").unwrap_or(0.0).clamp(0.0, 100.0),
            term_months: term as u32,
            cancel_fee: self.get("cancel_fee").to_owned(),
            special_terms: text("special_terms"),
            promotion: text("promotion_text"),
            website: text("website"),
            phone: text("phone"),
            terms_url: text("terms_url"),
            label_url: text("label_url"),
            new_customers_only: self.flag("new_customer"),
            english: !self.get("language").eq_ignore_ascii_case("spanish"),
            rating: self.number("rating").filter(|rating| (1.0..=5.0).contains(rating)),
        })
    }
}

/// One row an offer: Spanish twins give way to their English rows, repeated rows to the first.
///
/// Twins have ids of their own and often translated names, so a second pass pairs what is left by everything but the
/// name. A Spanish row without a twin stays.
pub fn without_twins(rows: Vec<Row>) -> Vec<Row> {
    type Key = (String, String, u32, [u64; 3], String);
    let key = |row: &Row| -> Key {
        let averages = row.averages.map(|price| (price * 1e6).round() as u64);
        (row.utility.to_lowercase(), row.company.to_lowercase(), row.term_months, averages, row.rate_type.clone())
    };
    let (english, spanish): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.english);
    let mut kept: Vec<Row> = Vec::new();
    // For every key: the products kept under it, and whether a Spanish row has claimed each.
    let mut products: HashMap<Key, Vec<(String, bool)>> = HashMap::new();
    for row in english {
        let known = products.entry(key(&row)).or_default();
        if known.iter().any(|(product, _)| *product == row.product) {
            continue;
        }
        known.push((row.product.clone(), false));
        kept.push(row);
    }
    let mut unnamed = Vec::new();
    for row in spanish {
        match products
            .get_mut(&key(&row))
            .and_then(|known| known.iter_mut().find(|(product, _)| *product == row.product))
        {
            Some((_, claimed)) => *claimed = true,
            None => unnamed.push(row),
        }
    }
    for row in unnamed {
        let known = products.entry(key(&row)).or_default();
        if known.iter().any(|(product, _)| *product == row.product) {
            continue;
        }
        if let Some((_, claimed)) = known.iter_mut().find(|(_, claimed)| !claimed) {
            *claimed = true;
        } else {
            known.push((row.product.clone(), true));
            kept.push(row);
        }
    }
    kept.sort_by_key(|row| row.place.at);
    kept
}
