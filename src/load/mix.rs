//! The mix: which calls users make, how often each, and with what. `docs/load.md` tells it to people.

use crate::load::client::Call;
use http::Method;
use rand::Rng;
use serde_json::{Value, json};

/// Operations of the API document with their weight: calls among a hundred.
pub const MIX: [(&str, u32); 10] = [
    ("list_plans", 40),
    ("get_plan", 15),
    ("list_suppliers", 8),
    ("get_market", 7),
    ("get_profile", 10),
    ("get_usage_history", 6),
    ("upload_usage", 5),
    ("generate_recommendations", 4),
    ("list_recommendations", 3),
    ("get_health", 2),
];

/// Where the users live: around Dallas, where the demo has plans, too.
pub const ZIPS: [&str; 4] = ["75001", "75006", "75019", "75080"];
/// Kinds of households, by what they use in a month; users of a kind ask the same.
const HOUSEHOLDS: u32 = 8;

/// The mix a person writes as `list_plans=90,get_plan=10`: what is not named is not called.
pub fn parse(text: &str) -> Result<Vec<(&'static str, u32)>, String> {
    let mut mix: Vec<(&'static str, u32)> = Vec::new();
    for part in text.split(',') {
        let (name, weight) = part.trim().split_once('=').unwrap_or((part.trim(), ""));
        let Some((operation, _)) = MIX.iter().find(|(known, _)| *known == name) else {
            let known = MIX.map(|(known, _)| known).join(", ");
            return Err(format!("\"{name}\" is no call of the mix; there are {known}"));
        };
        let weight = weight.parse().ok().filter(|weight| (1..=1_000).contains(weight));
        let weight = weight.ok_or_else(|| format!("write {name}=WEIGHT with a weight from 1 to 1000"))?;
        if mix.iter().any(|(known, _)| known == operation) {
            return Err(format!("{name} is given twice"));
        }
        mix.push((operation, weight));
    }
    Ok(mix)
}

/// One of the mix, as often as its weight says.
pub fn pick(mix: &[(&'static str, u32)], random: &mut impl Rng) -> &'static str {
    let mut left = random.random_range(0..mix.iter().map(|(_, weight)| weight).sum());
    for (operation, weight) in mix {
        if left < *weight {
            return operation;
        }
        left -= weight;
    }
    MIX[0].0
}

/// The call of an operation. `plans` are those the user has seen in a list.
pub fn call(operation: &str, plans: &[String], random: &mut impl Rng) -> Call {
    let zip = ZIPS[random.random_range(0..ZIPS.len())];
    match operation {
        "get_plan" if !plans.is_empty() => {
            Call::get(format!("/api/v1/plans/{}", plans[random.random_range(0..plans.len())]))
        }
        "list_suppliers" => Call::get("/api/v1/suppliers"),
        "get_market" => Call::get(format!("/api/v1/markets/{zip}")),
        "get_profile" => Call::get("/api/v1/users/profile"),
        "get_usage_history" => Call::get("/api/v1/usage/history"),
        "upload_usage" => {
            let months = json!({ "usage_data": months(random.random_range(0..HOUSEHOLDS)) });
            Call::json(Method::POST, "/api/v1/usage/upload", &months)
        }
        "generate_recommendations" => {
            let asked = json!({ "user_data": { "zip_code": zip },
                "usage_data": months(random.random_range(0..HOUSEHOLDS)), "options": { "explanations": "template" } });
            Call::json(Method::POST, "/api/v1/recommendations/generate", &asked)
        }
        "list_recommendations" => Call::get("/api/v1/recommendations"),
        "get_health" => Call::get("/health"),
        _ => {
            let sort = ["name", "price_500", "price_1000", "price_2000"][random.random_range(0..4)];
            let page = random.random_range(1..=3);
            Call::get(format!("/api/v1/plans/catalog?zip_code={zip}&sort={sort}&page={page}&page_size=10"))
        }
    }
}

/// A year of one kind of household, hot summers included.
pub fn months(household: u32) -> Vec<Value> {
    let kwh = |month: u32| 500 + 100 * household + if (6..=9).contains(&month) { 600 } else { 0 };
    (1..=12).map(|month| json!({ "month": format!("2025-{month:02}-01"), "kwh": kwh(month) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_pcg::Pcg64;

    #[test]
    fn each_operation_comes_as_often_as_its_weight_says() {
        assert_eq!(MIX.iter().map(|(_, weight)| weight).sum::<u32>(), 100);
        let mut random = Pcg64::seed_from_u64(1);
        let mut seen = std::collections::BTreeMap::new();
        for _ in 0..100_000 {
            *seen.entry(pick(&MIX, &mut random)).or_insert(0_u32) += 1;
        }
        for (operation, weight) in MIX {
            let share = f64::from(seen[operation]) / 1_000.0;
            assert!((share - f64::from(weight)).abs() < 1.0, "{operation}: {share} %");
        }
    }

    #[test]
    fn another_mix_is_read_and_what_makes_no_sense_is_refused() {
        assert_eq!(parse("get_health=1, list_plans=9"), Ok(vec![("get_health", 1), ("list_plans", 9)]));
        for (text, word) in [("", "no call"), ("dance=1", "dance"), ("get_plan", "WEIGHT"), ("get_plan=0", "1 to 1000")]
        {
            assert!(parse(text).is_err_and(|fault| fault.contains(word)), "{text}");
        }
        assert!(parse("get_plan=1,get_plan=2").is_err_and(|fault| fault.contains("twice")));
    }

    #[test]
    fn a_plan_is_asked_for_only_once_one_was_listed() {
        let mut random = Pcg64::seed_from_u64(1);
        assert!(call("get_plan", &[], &mut random).path.starts_with("/api/v1/plans/catalog?"));
        assert_eq!(call("get_plan", &["7".to_owned()], &mut random).path, "/api/v1/plans/7");
    }
}
