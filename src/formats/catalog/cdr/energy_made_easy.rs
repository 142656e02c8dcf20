//! Plans as the Energy Made Easy site gives them, put into the form of the Consumer Data Right.
//!
//! Traps: prices of energy and supply are in cents but fees in dollars; days are one text, `MON|TUE`; times are `0600`
//! and `0959`, the last minute, not the end; the years of a period say nothing (one ends the day before it begins); prices
//! are without GST though fees say they are with it (the yearly costs beside a plan are its bills and 10 %); several
//! feed-in rates of one plan differ only in the words of their names; a government's scheme stands beside the retailer's.

use super::{items, text};
use serde_json::{Map, Value, json};

/// Members of a tariff period that hold prices we read, or none at all.
const KNOWN: [&str; 11] = [
    "blockRate",
    "blockDescription",
    "blockPeriod",
    "dailySupplyCharge",
    "description",
    "displayName",
    "endDate",
    "name",
    "startDate",
    "touBlock",
    "type",
];

/// The plan, where this is one of the site's.
pub fn plan(value: &Value) -> Option<&Value> {
    value.get("planData").filter(|plan| plan.is_object())
}

/// The same plan as an answer of the Consumer Data Right would hold it; what is no price of ours is refused by name.
pub fn as_plan_detail(answer: &Value, plan: &Value) -> Result<Value, String> {
    let contract = match items(plan, "contract") {
        [only] => only,
        other => return Err(format!("it has {} contracts: one was expected", other.len())),
    };
    if let Some(name) = ["controlledLoad", "demandCharge"].into_iter().find(|name| !absent(contract, name)) {
        return Err(format!("its {name} is in a form we do not know, so it cannot be priced"));
    }
    let periods: Result<Vec<Value>, String> = items(contract, "tariffPeriod").iter().map(period).collect();
    let code = |name: &str, known: &[(&str, &str)]| -> Value {
        let stated = text(plan, name).unwrap_or_default();
        known.iter().find(|(code, _)| *code == stated).map_or(json!(stated), |(_, meaning)| json!(meaning))
    };
    let postcodes = answer.get("postcodes").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    let postcodes: Vec<&String> =
        postcodes.filter(|code| code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())).collect();
    let area = text(plan, "distributor")
        .map_or(json!({}), |name| json!({ "distributors": [name], "includedPostcodes": postcodes }));
    Ok(json!({
        "planId": plan.get("planId"),
        "displayName": plan.get("planName"),
        "brandName": plan.get("retailerName"),
        "fuelType": code("fuelType", &[("E", "ELECTRICITY"), ("G", "GAS"), ("D", "DUAL")]),
        "customerType": code("customerType", &[("R", "RESIDENTIAL"), ("S", "BUSINESS"), ("B", "BUSINESS")]),
        "effectiveFrom": plan.get("effectiveDate"),
        "geography": area,
        "electricityContract": {
            "isFixed": contract.get("isFixed"),
            "timeZone": contract.get("timeDefinition"),
            "tariffPeriod": periods?,
            "solarFeedInTariff": feed_in(contract)?,
            "discounts": discounts(contract),
            "fees": fees(contract),
            "eligibility": conditions(contract),
            "variation": contract.get("variation"),
            "terms": contract.get("terms"),
        },
    }))
}

fn absent(value: &Value, name: &str) -> bool {
    match value.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

fn period(stated: &Value) -> Result<Value, String> {
    let members = stated.as_object().ok_or("a tariff period is no object")?;
    if let Some(name) = members.keys().find(|name| !KNOWN.contains(&name.as_str()) && !absent(stated, name)) {
        return Err(format!("its tariff period has {name}, which cannot be priced"));
    }
    let mut period = Map::new();
    for name in ["startDate", "endDate"] {
        period.insert(name.to_owned(), stated.get(name).cloned().unwrap_or_default());
    }
    period.insert("dailySupplyCharge".to_owned(), dollars(stated, "dailySupplyCharge")?);
    let reset = stated.get("blockPeriod");
    if absent(stated, "touBlock") {
        let single = json!({ "rates": rates(stated)?, "period": reset, "displayName": stated.get("name") });
        period.insert("rateBlockUType".to_owned(), json!("singleRate"));
        period.insert("singleRate".to_owned(), single);
    } else {
        let blocks = items(stated, "touBlock").iter().map(|block| {
            let windows: Vec<Value> = items(block, "timeOfUse").iter().map(window).collect();
            let of = json!({ "rates": rates(block)?, "period": reset, "timeOfUse": windows });
            let mut of = of.as_object().cloned().unwrap_or_default();
            of.insert("displayName".to_owned(), block.get("name").cloned().unwrap_or_default());
            Ok(Value::Object(of))
        });
        let blocks: Result<Vec<Value>, String> = blocks.collect();
        period.insert("rateBlockUType".to_owned(), json!("timeOfUseRates"));
        period.insert("timeOfUseRates".to_owned(), json!(blocks?));
    }
    Ok(Value::Object(period))
}

fn window(stated: &Value) -> Value {
    let days: Vec<&str> = text(stated, "days").unwrap_or_default().split('|').filter(|day| !day.is_empty()).collect();
    json!({ "days": days, "startTime": stated.get("startTime"), "endTime": stated.get("endTime") })
}

fn rates(part: &Value) -> Result<Vec<Value>, String> {
    let rate = |rate: &Value| {
        let mut of = rate.as_object().cloned().unwrap_or_default();
        of.insert("unitPrice".to_owned(), dollars(rate, "unitPrice")?);
        Ok(Value::Object(of))
    };
    items(part, "blockRate").iter().map(rate).collect()
}

/// Cents as dollars; nothing where nothing is stated.
fn dollars(value: &Value, name: &str) -> Result<Value, String> {
    let Some(member) = value.get(name).filter(|member| !member.is_null()) else { return Ok(Value::Null) };
    let cents = member.as_f64().or_else(|| member.as_str()?.trim().parse().ok());
    cents.map(|cents| json!(cents / 100.0)).ok_or_else(|| format!("{name} {member} is not an amount"))
}

/// The retailer's own rate. Where it has several, the hours of each stand in words alone, and none is taken.
fn feed_in(contract: &Value) -> Result<Vec<Value>, String> {
    let own: Vec<&Value> = items(contract, "solarFit").iter().filter(|rate| text(rate, "type") != Some("G")).collect();
    let [only] = own[..] else { return Ok(Vec::new()) };
    let prices: Result<Vec<Value>, String> = items(only, "singleTariffRates")
        .iter()
        .map(|rate| Ok(json!({ "unitPrice": dollars(rate, "unitPrice")?, "measureUnit": rate.get("measureUnit") })))
        .collect();
    Ok(vec![json!({ "tariffUType": "singleTariff", "singleTariff": { "rates": prices?, "period": "P1Y" } })])
}

fn discounts(contract: &Value) -> Vec<Value> {
    let discount = |discount: &Value| {
        let conditional = text(discount, "type") == Some("C");
        let percent = discount.get("discountPercent").and_then(Value::as_f64);
        let of_bill = percent.filter(|_| text(discount, "method") == Some("B"));
        json!({
            "displayName": discount.get("name"),
            "description": discount.get("description"),
            "type": if conditional { "CONDITIONAL" } else { "GUARANTEED" },
            "percentOfBill": of_bill.map(|percent| json!({ "rate": percent / 100.0 })),
        })
    };
    items(contract, "discount").iter().map(discount).collect()
}

/// Fees are for events; only those that say they are for leaving are taken into account.
fn fees(contract: &Value) -> Vec<Value> {
    let fee = |fee: &Value| {
        let words = text(fee, "description").unwrap_or_default().to_lowercase();
        let leaving = ["exit fee", "early termination", "early exit"].iter().any(|word| words.contains(word));
        let kind = if leaving { "EXIT" } else { "OTHER" };
        json!({ "type": kind, "term": "FIXED", "amount": fee.get("amount"), "description": fee.get("description") })
    };
    items(contract, "fee").iter().map(fee).collect()
}

/// What is told in words: feed-in rates that were not taken, and a term.
fn conditions(contract: &Value) -> Vec<Value> {
    let own = || items(contract, "solarFit").iter().filter(|rate| text(rate, "type") != Some("G"));
    let several = own().count() > 1;
    let words = own().filter(|_| several).filter_map(|rate| text(rate, "description"));
    let told = words.map(|words| json!({ "description": format!("Feed-in, not in the bills: {words}") }));
    let term = text(contract, "termType").filter(|term| *term != "N");
    told.chain(term.map(|term| json!({ "description": format!("Contract term: {term}") }))).collect()
}
