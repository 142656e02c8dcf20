//! Made-up markets and households, as plain numbers and as the JSON a catalog states.

use super::dice::Dice;
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use treebeard::domain::market::Snapshot;

/// Prices in thousandths of a cent per kWh, money in cents, energy in kWh.
#[derive(Debug, Clone)]
pub enum Rate {
    Flat(i64),
    Tiers { bounds: Vec<i64>, prices: Vec<i64> },
    Clock { peak: i64, rest: i64, from: i64, to: i64, workdays: bool },
    Variable { base: i64, usual: Option<i64> },
    Credit { price: i64, cents: i64, from: i64, above: bool, to: Option<i64>, including: bool },
    LeastUse { price: i64, cents: i64, below: i64 },
    Summer { price: i64, summer: i64 },
    LeastBill { price: i64, cents: i64 },
    Intro { price: i64, later: i64, months: i64 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exit {
    None,
    Flat(i64),
    PerMonth(i64),
    Declining(i64),
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub name: String,
    pub supplier: usize,
    pub term: i64,
    pub rate: Rate,
    pub prepaid: bool,
    pub monthly_fee: i64,
    pub joining: i64,
    pub deposit: i64,
    pub exit: Exit,
    pub renewable: i64,
    pub passthrough: bool,
    /// Thousandths of a cent per kWh after the contract.
    pub after: Option<i64>,
    pub active: bool,
    pub on_sale_until: Option<Date>,
    pub businesses_only: bool,
    pub most_kwh: Option<i64>,
    pub new_customers_only: bool,
    pub condition: Option<String>,
}

pub struct Market {
    pub plans: Vec<Plan>,
    /// Stars in tenths, and reviews.
    pub suppliers: Vec<(Option<i64>, i64)>,
    /// Delivery: cents a month, thousandths of a cent per kWh.
    pub delivery: (i64, i64),
    /// Weights of January..December.
    pub months: Vec<i64>,
    pub as_of: Date,
    pub snapshot: Snapshot,
}

pub const SUPPLIERS: usize = 4;

impl Market {
    pub fn new(dice: &mut Dice) -> Market {
        let days = [date(2026, 1, 15), date(2027, 2, 28), date(2028, 2, 29), date(2026, 8, 31), date(2026, 12, 1)];
        let as_of = dice.pick(&days);
        let suppliers: Vec<(Option<i64>, i64)> = (0..SUPPLIERS)
            .map(|_| (dice.chance(85).then(|| dice.between(10, 50)), dice.pick(&[0, 12, 49, 50, 51, 400])))
            .collect();
        let mut plans: Vec<Plan> = (0..8).map(|n| Plan::new(n, as_of, dice)).collect();
        if dice.chance(50) {
            // The same offer again: the order must not depend on anything but what decides it.
            let mut twin = plans[0].clone();
            twin.name = "Twin".into();
            twin.renewable = dice.pick(&[twin.renewable, 50]);
            plans.push(twin);
        }
        let mut months: Vec<i64> = (1..=12).collect();
        for n in (1..12).rev() {
            months.swap(n, dice.between(0, n as i64) as usize);
        }
        let delivery = (dice.between(0, 500), dice.between(1_000, 5_000));
        let file = catalog(&plans, &suppliers, delivery, &months);
        let file = serde_json::from_value(file).expect("a catalog");
        let snapshot = Snapshot::build(vec![file], 1, as_of);
        assert_eq!(snapshot.problems(), [""; 0]);
        Market { plans, suppliers, delivery, months, as_of, snapshot }
    }
}

impl Plan {
    fn new(n: usize, as_of: Date, dice: &mut Dice) -> Plan {
        let term = dice.pick(&[0, 1, 6, 12, 12, 13, 24, 36, 40]);
        let fee = dice.pick(&[100_00, 150_00, 150_01, 300_00, 300_01, 600_00]);
        let small = dice.between(5_00, 30_00);
        let exits = [Exit::None, Exit::Flat(fee), Exit::PerMonth(small), Exit::Declining(fee)];
        Plan {
            name: format!("Plan {n}"),
            supplier: dice.between(0, SUPPLIERS as i64 - 1) as usize,
            term,
            rate: Rate::new(dice),
            prepaid: dice.chance(10),
            monthly_fee: dice.pick(&[0, 0, 4_95, 9_95]),
            joining: dice.pick(&[0, 0, 0, 25_00, 100_00]),
            deposit: dice.pick(&[0, 0, 0, 75_00, 100_01]),
            exit: dice.pick(&exits),
            renewable: dice.pick(&[0, 6, 22, 50, 100]),
            passthrough: dice.chance(60),
            after: dice.chance(40).then(|| dice.between(8_000, 20_000)),
            active: !dice.chance(4),
            on_sale_until: dice.chance(30).then(|| dice.pick(&[as_of, as_of.yesterday().expect("a day")])),
            businesses_only: dice.chance(4),
            most_kwh: dice.chance(10).then(|| dice.between(6_000, 18_000)),
            new_customers_only: dice.chance(10),
            condition: dice.chance(15).then(|| "Autopay".into()),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self.rate {
            _ if self.prepaid => "prepaid",
            Rate::Variable { .. } => "variable",
            Rate::Tiers { .. } => "tiered",
            Rate::Clock { .. } => "time_of_use",
            _ => "fixed",
        }
    }

    fn json(&self) -> Value {
        let mut plan = json!({
            "key": self.name, "name": self.name, "supplier": format!("s{}", self.supplier), "kind": self.kind(),
            "term_months": self.term, "rate": self.rate.json(), "renewable": self.renewable, "active": self.active,
            "delivery": if self.passthrough { "passthrough" } else { "bundled" },
            "exit": match self.exit {
                Exit::None => json!({ "kind": "none" }),
                Exit::Flat(fee) => json!({ "kind": "flat", "fee": dollars(fee) }),
                Exit::PerMonth(fee) => json!({ "kind": "per_month_left", "fee": dollars(fee) }),
                Exit::Declining(fee) => json!({ "kind": "declining", "fee": dollars(fee) }),
            },
        });
        for (name, cents) in
            [("monthly_fee", self.monthly_fee), ("connection_fee", self.joining), ("deposit", self.deposit)]
        {
            if cents > 0 {
                plan[name] = json!(dollars(cents));
            }
        }
        if let Some(price) = self.after {
            plan["on_expiry"] = json!({ "note": "Month to month.", "rate": Rate::Flat(price).json() });
        }
        if let Some(last) = self.on_sale_until {
            plan["offer"] = json!({ "to": last.to_string() });
        }
        plan["conditions"] = self.condition.iter().map(|text| json!(text)).collect();
        plan["eligibility"] = json!({
            "property_types": if self.businesses_only { vec!["commercial"] } else { vec![] },
            "max_annual_kwh": self.most_kwh,
            "new_customers_only": self.new_customers_only,
        });
        plan
    }
}

impl Rate {
    fn new(dice: &mut Dice) -> Rate {
        let price = dice.between(6_000, 16_000);
        let other = dice.between(4_000, 25_000);
        match dice.between(0, 8) {
            0 => Rate::Flat(price),
            1 => {
                let (first, step) = (dice.between(300, 900), dice.between(200, 1_200));
                Rate::Tiers {
                    bounds: vec![first, first + step],
                    prices: vec![price, other, dice.between(5_000, 20_000)],
                }
            }
            2 => {
                let from = dice.between(0, 20);
                let to = dice.between(from + 1, 24);
                Rate::Clock { peak: other, rest: price, from, to, workdays: dice.chance(50) }
            }
            3 => Rate::Variable { base: price, usual: dice.chance(50).then_some(other) },
            4 => Rate::Credit {
                price,
                cents: dice.between(10_00, 125_00),
                from: dice.between(600, 1_400),
                above: dice.chance(50),
                to: dice.chance(40).then(|| dice.between(1_500, 2_000)),
                including: dice.chance(50),
            },
            5 => Rate::LeastUse { price, cents: dice.between(5_00, 30_00), below: dice.between(700, 1_200) },
            6 => Rate::Summer { price, summer: other },
            7 => Rate::LeastBill { price, cents: dice.between(20_00, 120_00) },
            _ => Rate::Intro { price, later: other, months: dice.between(1, 14) },
        }
    }

    pub fn json(&self) -> Value {
        let full = |amount: Value| json!({ "id": "energy", "label": "Energy", "tags": ["energy"], "amount": amount });
        let energy = |price: i64| full(json!({ "kind": "energy", "price": per_kwh(price) }));
        let sum = |cents: i64| json!({ "kind": "fixed", "value": dollars(cents), "per": "bill" });
        match self {
            Rate::Flat(price) => json!({ "type": "fixed", "rate_per_kwh": cents(*price) }),
            Rate::Tiers { bounds, prices } => {
                let limits = bounds.iter().map(|bound| json!(bound)).chain([Value::Null]);
                let tiers: Vec<Value> = limits
                    .zip(prices)
                    .map(|(limit, price)| json!({ "up_to_kwh": limit, "rate_per_kwh": cents(*price) }))
                    .collect();
                json!({ "type": "tiered", "tiers": tiers })
            }
            Rate::Clock { peak, rest, from, to, workdays } => {
                let hours: Vec<i64> = (*from..*to).collect();
                let days = if *workdays { vec!["mon", "tue", "wed", "thu", "fri"] } else { vec![] };
                json!({ "type": "time_of_use", "peak_rate": cents(*peak), "off_peak_rate": cents(*rest),
                        "peak_hours": hours, "peak_days": days })
            }
            Rate::Variable { base, usual } => json!({ "type": "variable", "base_rate": cents(*base),
                "historical_avg_rate": usual.map(cents) }),
            Rate::Credit { price, cents, from, above, to, including } => {
                let mut band = json!({ "min_kwh": from, "min_exclusive": above });
                if let Some(to) = to {
                    band["max_kwh"] = json!(to);
                    band["max_inclusive"] = json!(including);
                }
                let credit = json!({ "id": "credit", "label": "Usage credit", "tags": ["credit"], "credit": true,
                    "if": { "usage": band }, "amount": sum(*cents) });
                json!({ "type": "tariff", "charges": [energy(*price), credit] })
            }
            Rate::LeastUse { price, cents, below } => {
                let fee = json!({ "id": "least", "label": "Minimum use fee", "tags": ["fee"],
                    "if": { "usage": { "max_kwh": below } }, "amount": sum(*cents) });
                json!({ "type": "tariff", "charges": [energy(*price), fee] })
            }
            Rate::Summer { price, summer } => {
                let windows = json!([{ "when": { "months": [6, 7, 8, 9] }, "price": per_kwh(*summer) },
                    { "price": per_kwh(*price) }]);
                json!({ "type": "tariff", "charges": [full(json!({ "kind": "energy", "windows": windows }))] })
            }
            Rate::LeastBill { price, cents } => json!({ "type": "tariff", "charges": [energy(*price)],
                "totals": [{ "id": "least", "label": "Minimum bill", "of": ["energy"], "min": dollars(*cents),
                             "per": "bill" }] }),
            Rate::Intro { price, later, months } => json!({ "type": "tariff", "charges": [energy(*price)],
                "versions": [{ "from_contract_month": months + 1, "charges": [energy(*later)] }] }),
        }
    }
}

fn catalog(plans: &[Plan], suppliers: &[(Option<i64>, i64)], delivery: (i64, i64), months: &[i64]) -> Value {
    let suppliers: Vec<Value> = suppliers
        .iter()
        .enumerate()
        .map(|(n, (stars, reviews))| {
            json!({ "key": format!("s{n}"), "name": format!("Supplier {n}"), "review_count": reviews,
                    "rating": stars.map(|stars| stars as f64 / 10.0) })
        })
        .collect();
    let wires = json!({ "versions": [{ "effective": "2020-01-01", "charges": [
        { "id": "month", "label": "Delivery per month", "tags": ["delivery"],
          "amount": { "kind": "fixed", "value": dollars(delivery.0), "per": "month" } },
        { "id": "kwh", "label": "Delivery per kWh", "tags": ["delivery"],
          "amount": { "kind": "energy", "price": per_kwh(delivery.1) } }] }] });
    json!({
        "market": { "id": "made-up", "name": "Made up", "currency": "USD", "time_zone": "America/Chicago",
                    "monthly_shape": months.iter().map(|weight| *weight as f64 / 78.0).collect::<Vec<_>>() },
        "utilities": [{ "id": "north", "name": "North Wires", "zips": ["75"], "delivery": wires }],
        "suppliers": suppliers,
        "plans": plans.iter().map(Plan::json).collect::<Vec<_>>(),
    })
}

pub fn dollars(cents: i64) -> f64 {
    cents as f64 / 100.0
}

/// Cents per kWh from thousandths of a cent.
pub fn cents(price: i64) -> f64 {
    price as f64 / 1_000.0
}

fn per_kwh(price: i64) -> f64 {
    price as f64 / 100_000.0
}
