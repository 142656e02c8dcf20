//! Rates of a tariff period or controlled load: steps, times of use, seasons.

use super::super::fields::charge;
use super::{dollars, items, text};
use crate::domain::calendar::{ClockTime, Day, MonthDay};
use crate::domain::tariff::model::{
    Amount, BlockScope, BlockUnit, Blocks, Charge, DateRange, Register, Reset, Tag, When, WindowPrice,
};
use crate::domain::units::{Energy, Price};
use serde_json::Value;

/// A price, or steps of prices, in one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    pub when: When,
    pub label: String,
    /// Price and the width of the step in kWh; the last is open.
    pub steps: Vec<(Price, Option<f64>)>,
    /// What the steps start again with: `P1D`, `P1M`, ...
    pub reset: Option<String>,
    /// Which rate of the file it is: windows of one rate share its steps.
    rate: usize,
}

/// The pieces of a tariff period or controlled load.
pub fn pieces(part: &Value) -> Result<Vec<Piece>, String> {
    let season = season(part)?;
    match text(part, "rateBlockUType") {
        Some("singleRate") | None if part.get("singleRate").is_some() => {
            let single = &part["singleRate"];
            let when = When { dates: season, ..When::default() };
            Ok(vec![piece(single, when, 0)?])
        }
        Some("timeOfUseRates") | None => {
            let mut pieces = Vec::new();
            for (n, rate) in items(part, "timeOfUseRates").iter().enumerate() {
                for window in items(rate, "timeOfUse") {
                    pieces.push(piece(rate, clock_window(window, &season)?, n)?);
                }
            }
            covered(&pieces)?;
            Ok(pieces)
        }
        Some(other) => Err(format!("its prices are {other}, which cannot be priced")),
    }
}

fn piece(rate: &Value, when: When, n: usize) -> Result<Piece, String> {
    let mut steps = Vec::new();
    for step in items(rate, "rates") {
        let price = dollars(step, "unitPrice")?.ok_or("a rate has no unitPrice")?;
        if let Some(unit) = text(step, "measureUnit").filter(|unit| *unit != "KWH") {
            return Err(format!("a rate is per {unit}, not per kWh"));
        }
        steps.push((price, dollars(step, "volume")?.map(Price::currency)));
    }
    if steps.is_empty() {
        return Err("a rate has no prices".to_owned());
    }
    let label = text(rate, "displayName").or(text(rate, "type")).unwrap_or("Usage").to_owned();
    Ok(Piece { when, label, steps, reset: text(rate, "period").map(str::to_owned), rate: n })
}

/// A period's dates, both ends included; none when they are the whole year.
fn season(part: &Value) -> Result<Vec<DateRange>, String> {
    let (Some(from), Some(to)) = (text(part, "startDate"), text(part, "endDate")) else { return Ok(Vec::new()) };
    // Later versions write a full date; the year says nothing, since the dates recur.
    let day = |text: &str| -> Result<MonthDay, String> {
        let short =
            if text.len() > 5 { text.get(text.len().min(10) - 5..text.len().min(10)).unwrap_or(text) } else { text };
        short.parse().map_err(|error| format!("the date \"{text}\" {error}"))
    };
    let (from, to) = (day(from)?, day(to)?);
    let after = next_day(to);
    Ok(if after == from { Vec::new() } else { vec![DateRange { from, to }] })
}

/// The day after, in a year without a 29 February.
fn next_day(day: MonthDay) -> MonthDay {
    let date =
        jiff::civil::Date::new(2001, day.month, day.day.min(28)).unwrap_or(jiff::civil::Date::constant(2001, 1, 1));
    let last = date.days_in_month();
    if day.day >= last {
        MonthDay { month: day.month % 12 + 1, day: 1 }
    } else {
        MonthDay { month: day.month, day: day.day + 1 }
    }
}

/// The months of a season that begins and ends with a month; all twelve when it names none.
pub fn whole_months(part: &Value) -> Option<Vec<u8>> {
    let ranges = season(part).ok()?;
    let Some(range) = ranges.first() else { return Some(Vec::new()) };
    if range.from.day != 1 || next_day(range.to).day != 1 {
        return None;
    }
    let length = (range.to.month - range.from.month).rem_euclid(12) + 1;
    Some((0..length).map(|n| ((range.from.month - 1 + n) % 12 + 1) as u8).collect())
}

fn clock_window(window: &Value, season: &[DateRange]) -> Result<When, String> {
    let time = |name: &str| -> Result<Option<u16>, String> {
        let Some(stated) = text(window, name) else { return Ok(None) };
        let digits: String = stated.chars().filter(char::is_ascii_digit).take(4).collect();
        let number: u16 = digits.parse().map_err(|_| format!("{name} \"{stated}\" is not a time"))?;
        let minutes = number / 100 * 60 + number % 100;
        if digits.len() != 4 || number % 100 > 59 || minutes > 1440 {
            return Err(format!("{name} \"{stated}\" is not a time"));
        }
        Ok(Some(minutes))
    };
    let mut days = Vec::new();
    for day in items(window, "days") {
        match day.as_str().unwrap_or_default() {
            "MON" => days.push(Day::Mon),
            "TUE" => days.push(Day::Tue),
            "WED" => days.push(Day::Wed),
            "THU" => days.push(Day::Thu),
            "FRI" => days.push(Day::Fri),
            "SAT" => days.push(Day::Sat),
            "SUN" => days.push(Day::Sun),
            "BUSINESS_DAYS" => days.extend(Day::WEEKDAYS),
            "WEEKENDS" => days.extend(Day::WEEKEND),
            // No holiday calendar is stated: a holiday is the weekday it falls on.
            "PUBLIC_HOLIDAYS" => {}
            other => return Err(format!("\"{other}\" is not a day")),
        }
    }
    days.sort_unstable();
    days.dedup();
    let from = time("startTime")?.unwrap_or(0);
    let to = match time("endTime")? {
        // An end of 20:59 is the last minute of the window, not its end.
        Some(end) if end % 10 == 9 => end + 1,
        Some(end) => end,
        None => 1440,
    };
    let all_day = from % 1440 == to % 1440;
    Ok(When {
        dates: season.to_vec(),
        months: Vec::new(),
        days: if days.len() == 7 { Vec::new() } else { days },
        from: if all_day { None } else { ClockTime::from_minutes(from % 1440) },
        to: if all_day { None } else { ClockTime::from_minutes(to) },
    })
}

/// Every minute of the week has a price.
fn covered(pieces: &[Piece]) -> Result<(), String> {
    if pieces.is_empty() {
        return Err("its times of use name no hours".to_owned());
    }
    for day in Day::WEEKDAYS.into_iter().chain(Day::WEEKEND) {
        let of_day = || pieces.iter().map(|piece| &piece.when).filter(|w| w.days.is_empty() || w.days.contains(&day));
        for minute in 0..1440u16 {
            let inside = |when: &When| match (when.from.map(ClockTime::minutes), when.to.map(ClockTime::minutes)) {
                (Some(from), Some(to)) if from < to => (from..to).contains(&minute),
                (Some(from), Some(to)) => minute >= from || minute < to,
                _ => true,
            };
            if !of_day().any(inside) {
                return Err(format!(
                    "its times of use leave {day:?} {:02}:{:02} without a price",
                    minute / 60,
                    minute % 60
                ));
            }
        }
    }
    Ok(())
}

/// Pieces as charges: windows of one charge where each has one price, else a charge each.
pub fn charges(id: &str, label: &str, register: Register, pieces: &[Piece]) -> Result<Vec<Charge>, String> {
    if let [only] = pieces {
        let when = (only.when != When::default()).then(|| only.when.clone());
        return Ok(vec![charge(id, label, Tag::Energy, ladder(only, register, when)?)]);
    }
    if pieces.iter().all(|piece| piece.steps.len() == 1) {
        let last = pieces.len() - 1;
        let windows = pieces.iter().enumerate().map(|(n, piece)| WindowPrice {
            when: (n < last).then(|| piece.when.clone()),
            price: piece.steps[0].0,
            label: Some(piece.label.clone()),
        });
        return Ok(vec![charge(id, label, Tag::Energy, energy(register, Shape::Windows(windows.collect()), None))]);
    }
    let mut charges = Vec::new();
    for (n, piece) in pieces.iter().enumerate() {
        let windows =
            pieces.iter().filter(|other| other.rate == piece.rate && other.when.dates == piece.when.dates).count();
        if piece.steps.len() > 1 && windows > 1 {
            return Err(format!("\"{}\" has steps over several windows, which cannot be priced", piece.label));
        }
        let amount = ladder(piece, register, Some(piece.when.clone()))?;
        charges.push(charge(format!("{id}-{}", n + 1), format!("{label}: {}", piece.label), Tag::Energy, amount));
    }
    Ok(charges)
}

enum Shape {
    Flat(Price),
    Windows(Vec<WindowPrice>),
    Blocks(Blocks),
}

fn energy(register: Register, shape: Shape, when: Option<When>) -> Amount {
    let (price, windows, blocks) = match shape {
        Shape::Flat(price) => (Some(price), Vec::new(), None),
        Shape::Windows(windows) => (None, windows, None),
        Shape::Blocks(blocks) => (None, Vec::new(), Some(blocks)),
    };
    Amount::Energy { register, price, windows, series: None, blocks, when, delivery_exempt: false }
}

/// One price, or steps whose bounds are the sums of their widths.
pub fn ladder(piece: &Piece, register: Register, when: Option<When>) -> Result<Amount, String> {
    if let [(price, _)] = piece.steps[..] {
        return Ok(energy(register, Shape::Flat(price), when));
    }
    let (reset, unit) = match piece.reset.as_deref() {
        // "15 kWh a day" is a daily allowance times the days of the bill.
        Some("P1D") => (Reset::Bill, BlockUnit::KwhPerDay),
        Some("P1M") => (Reset::Month, BlockUnit::Kwh),
        other => return Err(format!("its steps start again every {}, which cannot be priced", other.unwrap_or("?"))),
    };
    let (mut bounds, mut reached) = (Vec::new(), 0.0);
    for (_, width) in &piece.steps[..piece.steps.len() - 1] {
        reached += width.filter(|width| *width > 0.0).ok_or("a step before the last has no volume")?;
        bounds.push(Energy::from_kwh(reached).map_err(|error| format!("a step's volume {error}"))?);
    }
    let prices = piece.steps.iter().map(|(price, _)| *price).collect();
    Ok(energy(
        register,
        Shape::Blocks(Blocks { bounds, prices, reset, unit, scope: BlockScope::PerWindow, prorate: false }),
        when,
    ))
}

/// A piece from a feed-in tariff's own shape.
pub fn feed_in(part: &Value) -> Result<Piece, String> {
    piece(part, When::default(), 0)
}

/// The windows of a time-varying feed-in rate.
pub fn feed_in_windows(rate: &Value) -> Result<Vec<(When, Price)>, String> {
    let price = piece(rate, When::default(), 0)?.steps[0].0;
    items(rate, "timeVariations").iter().map(|window| Ok((clock_window(window, &[])?, price))).collect()
}
