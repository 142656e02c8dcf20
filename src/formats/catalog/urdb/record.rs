//! A rate record of either form as one kind of value: URDB v7 and v8 JSON, and the Ratebook form of them.
//!
//! Traps: schedules and structures may be JSON text inside a string; numbers may be text; v7 writes 1e38 for "no limit"
//! and whole numbers as floats; a price is `rate` plus `adj`; unit fields are filled although their structure is absent;
//! dates before 1970 mean unknown; some records end before they start.

use super::schedule::Schedule;
use crate::domain::tariff::model::Ratchet;
use crate::domain::units::Percent;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// One step of a price ladder: price per unit, and the cumulative limit up to which it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub price: f64,
    pub limit: Option<f64>,
    pub unit: String,
}

/// An amount with the unit the record gives it, `$/month`.
pub type Stated = (f64, String);

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    pub id: Option<String>,
    pub name: String,
    pub utility: String,
    pub sector: String,
    pub service: String,
    pub description: Option<String>,
    pub source: Option<String>,
    pub from: Option<Date>,
    pub to: Option<Date>,
    pub energy: Vec<Vec<Step>>,
    pub labels: Vec<String>,
    pub schedule: Option<Schedule>,
    pub fixed: Vec<Stated>,
    pub minimums: Vec<Stated>,
    pub flat_demand: Vec<Vec<Step>>,
    /// Period of each month.
    pub flat_demand_months: Vec<usize>,
    pub demand: Vec<Vec<Step>>,
    pub demand_schedule: Option<Schedule>,
    pub demand_unit: String,
    pub demand_minutes: Option<u16>,
    /// Demand of earlier months that counts.
    pub ratchet: Option<Ratchet>,
    /// What the record holds that a tariff of ours cannot say.
    pub beyond: Vec<String>,
    /// What is left out though it may matter.
    pub left_out: Vec<String>,
}

/// Reads one record; the reason says what makes it unusable.
pub fn read(object: &Map<String, Value>) -> Result<Record, String> {
    if object.contains_key("identity") { ratebook(object) } else { urdb(object) }
}

fn urdb(object: &Map<String, Value>) -> Result<Record, String> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let number = |name: &str| object.get(name).and_then(number);
    let structure = |name: &str| object.get(name).map_or(Ok(Vec::new()), |value| periods(name, value));
    let mut record = Record {
        id: text("label").map(str::to_owned),
        name: text("name").unwrap_or("Unnamed rate").to_owned(),
        utility: text("utility").unwrap_or("Unnamed utility").to_owned(),
        sector: text("sector").unwrap_or("Residential").to_owned(),
        service: text("servicetype").unwrap_or("Bundled").to_owned(),
        description: text("description").map(str::to_owned),
        source: text("source").map(str::to_owned),
        from: number("startdate").and_then(day),
        to: number("enddate").and_then(day),
        energy: structure("energyratestructure")?,
        labels: list(object.get("energytoulabels")).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        schedule: schedule(object, "energyweekdayschedule", "energyweekendschedule")?,
        flat_demand: structure("flatdemandstructure")?,
        flat_demand_months: whole_numbers(&list(object.get("flatdemandmonths"))).unwrap_or_default(),
        demand: structure("demandratestructure")?,
        demand_schedule: schedule(object, "demandweekdayschedule", "demandweekendschedule")?,
        demand_unit: text("demandunits").or(text("flatdemandunit")).unwrap_or("kW").to_owned(),
        demand_minutes: number("demandwindow").map(|minutes| minutes as u16),
        ..Record::default()
    };
    for (amount, unit, default) in
        [("fixedchargefirstmeter", "fixedchargeunits", "$/month"), ("fixedmonthlycharge", "", "$/month")]
    {
        if let Some(amount) = number(amount) {
            record.fixed.push((amount, text(unit).unwrap_or(default).to_owned()));
        }
    }
    for (amount, unit, default) in [
        ("mincharge", "minchargeunits", "$/month"),
        ("minmonthlycharge", "", "$/month"),
        ("annualmincharge", "", "$/year"),
    ] {
        if let Some(amount) = number(amount).filter(|amount| *amount > 0.0) {
            record.minimums.push((amount, text(unit).unwrap_or(default).to_owned()));
        }
    }
    if !list(object.get("coincidentratestructure")).is_empty() {
        record.beyond.push("a demand charge at the system's peak (coincidentratestructure)".to_owned());
    }
    look_back(object, &mut record);
    if number("demandreactivepowercharge").is_some_and(|price| price > 0.0) {
        record.left_out.push("a charge for reactive power is left out".to_owned());
    }
    Ok(record)
}

/// `lookbackrange` months of which the highest demand counts by `lookbackpercent`, a share of one. Some records name the
/// months of the year instead, which a ratchet cannot say unless they are all.
fn look_back(object: &Map<String, Value>, record: &mut Record) {
    // Answers of the interface write these names in lower case, its documentation does not.
    let member =
        |name: &str, other: &str| object.get(&format!("lookback{name}")).or(object.get(&format!("lookback{other}")));
    let number = |name: &str, other: &str| member(name, other).and_then(number).filter(|number| *number > 0.0);
    let named = list(member("months", "Months")).iter().filter(|month| is_set(month)).count();
    let Some(share) = number("percent", "Percent") else { return };
    let months = match (number("range", "Range"), named) {
        (Some(range), 0) => Some(range as u32),
        (None, 12) => Some(11),
        _ => None,
    };
    record.ratchet = months.and_then(|months| {
        let percent = Percent::from_percent((share * 1e8).round() / 1e6).ok().filter(|_| share <= 1.0)?;
        Some(Ratchet { months, percent })
    });
    if record.ratchet.is_none() {
        record.beyond.push("a demand charge that looks back as no ratchet does (lookbackpercent)".to_owned());
    }
}

/// `true`, or a number that is not zero.
fn is_set(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| number(value).is_some_and(|number| number != 0.0))
}

fn ratebook(object: &Map<String, Value>) -> Result<Record, String> {
    let part = |name: &str| object.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (identity, hours, dates) = (part("identity"), part("schedule"), part("effective_range"));
    let text = |part: &Map<String, Value>, name: &str| {
        part.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let date = |name: &str| text(&dates, name).and_then(|text| text.parse::<Date>().ok());
    let tiers = |period: &Value| period.get("tiers").cloned().unwrap_or_default();
    let energy = part("energy");
    let ladders: Vec<Value> = list(energy.get("periods")).iter().map(tiers).collect();
    let mut record = Record {
        name: text(&identity, "plan_name").unwrap_or_else(|| "Unnamed rate".to_owned()),
        utility: text(&identity, "utility_id").unwrap_or_else(|| "Unnamed utility".to_owned()),
        sector: text(&identity, "sector").unwrap_or_else(|| "residential".to_owned()),
        service: "Bundled".to_owned(),
        from: date("start"),
        to: date("end"),
        energy: periods("energy.periods", &Value::Array(ladders))?,
        schedule: schedule(&hours, "weekday", "weekend")?,
        ..Record::default()
    };
    let stated = |value: &Value| -> Option<Stated> {
        Some((number(value.get("amount")?)?, value.get("unit")?.as_str()?.to_owned()))
    };
    record.fixed = list(object.get("fixed_charges")).iter().filter_map(stated).collect();
    record.minimums = object.get("min_charge").and_then(stated).into_iter().collect();
    for value in list(object.get("unsupported")) {
        record.beyond.push(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    if object.get("demand").is_some_and(|demand| !demand.is_null()) {
        record.beyond.push("demand charges".to_owned());
    }
    let holidays = list(hours.get("holidays")).len();
    if holidays > 0 {
        record.left_out.push(format!("its {holidays} holidays are priced as ordinary days"));
    }
    Ok(record)
}

/// A number, also where it is written as text.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    number.is_finite().then_some(number)
}

/// A list, also where it is JSON text in a string.
fn list(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(items)) => items.clone(),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// Seconds since 1970 as a day; before 1970 and 1969's last hours mean unknown.
fn day(seconds: f64) -> Option<Date> {
    let stamp = Timestamp::from_second(seconds as i64).ok().filter(|_| seconds > 86_400.0)?;
    Some(stamp.to_zoned(TimeZone::UTC).date())
}

fn whole_numbers(values: &[Value]) -> Option<Vec<usize>> {
    values.iter().map(|value| number(value).filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as usize)).collect()
}

/// Ladders by period.
fn periods(name: &str, value: &Value) -> Result<Vec<Vec<Step>>, String> {
    let step = |value: &Value| -> Option<Step> {
        let part = |name: &str| value.get(name).and_then(number);
        Some(Step {
            price: part("rate").unwrap_or(0.0) + part("adj").unwrap_or(0.0),
            // 1e38 is "no limit" in records of version 7.
            limit: part("max").filter(|max| *max < 1e30),
            unit: ["unit", "max_unit"].iter().find_map(|name| value.get(*name)?.as_str()).unwrap_or("kWh").to_owned(),
        })
        .filter(|_| value.is_object())
    };
    let ladder = |(n, value): (usize, &Value)| {
        let steps: Option<Vec<Step>> = list(Some(value)).iter().map(step).collect();
        steps.filter(|steps| !steps.is_empty()).ok_or_else(|| format!("{name}[{n}] is not a list of prices"))
    };
    list(Some(value)).iter().enumerate().map(ladder).collect()
}

/// Twelve rows of 24 hours, twice; absent when neither is given.
fn schedule(object: &Map<String, Value>, weekday: &str, weekend: &str) -> Result<Option<Schedule>, String> {
    let rows = |name: &str| -> Result<Option<Vec<Vec<usize>>>, String> {
        let months = list(object.get(name));
        if months.is_empty() {
            return Ok(None);
        }
        let rows: Option<Vec<Vec<usize>>> = months.iter().map(|row| whole_numbers(&list(Some(row)))).collect();
        rows.filter(|rows| rows.len() == 12 && rows.iter().all(|row| row.len() == 24))
            .map(Some)
            .ok_or_else(|| format!("{name} is not 12 months of 24 periods"))
    };
    Ok(match (rows(weekday)?, rows(weekend)?) {
        (Some(weekday), Some(weekend)) => Some(Schedule { weekday, weekend }),
        (Some(rows), None) | (None, Some(rows)) => Some(Schedule { weekday: rows.clone(), weekend: rows }),
        (None, None) => None,
    })
}
