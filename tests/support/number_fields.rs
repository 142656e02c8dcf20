//! Every number a catalog can hold: one catalog with all of them, the bounds of each, and the catalog with one changed.
#![allow(dead_code)] // Each kind of test uses its own part.

use serde_json::{Value, json};

/// A number field, the least and the most it takes, and how fine.
pub struct NumberField {
    /// As faults name it: `plans[0].rate.rate_per_kwh`.
    pub path: &'static str,
    pub least: f64,
    pub most: f64,
    grain: Grain,
}

#[derive(Clone, Copy)]
enum Grain {
    Whole,
    Decimals(i32),
    Any,
}

impl NumberField {
    /// Values outside of the bounds, and one that is too fine.
    pub fn wrong(&self) -> Vec<Value> {
        let beyond = [self.least - 1.0, self.most + 1.0, -1e300, 1e300].map(|value| self.literal(value));
        let fine = match self.grain {
            Grain::Whole => Some(json!(self.least + 0.5)),
            Grain::Decimals(digits) => Some(json!(self.least.max(0.0) + 10_f64.powi(-digits - 1))),
            Grain::Any => None,
        };
        beyond.into_iter().chain(fine).collect()
    }

    /// The least and the most, which are taken.
    pub fn bounds(&self) -> [Value; 2] {
        [self.least, self.most].map(|value| self.literal(value))
    }

    fn literal(&self, value: f64) -> Value {
        match self.grain {
            Grain::Whole if value.abs() < 1e15 => json!(value as i64),
            _ => json!(value),
        }
    }

    /// One value that is far off, and the one that is too fine where there is one.
    pub fn two_wrong(&self) -> [Value; 2] {
        let wrong = self.wrong();
        [wrong[3].clone(), wrong[wrong.len() - 1].clone()]
    }

    /// The number of the plan whose tariff holds the field, and its path there.
    pub fn of_rate(&self) -> Option<(usize, &'static str)> {
        let (plan, path) = self.path.strip_prefix("plans[")?.split_once("].rate.")?;
        Some((plan.parse().ok()?, path))
    }

    /// The catalog with this value in the field.
    pub fn set(&self, value: Value) -> Value {
        let mut catalog = catalog();
        *catalog.pointer_mut(&pointer(self.path)).expect("the field is in the catalog") = value;
        catalog
    }
}

/// `plans[0].rate` as a JSON pointer.
pub fn pointer(path: &str) -> String {
    format!("/{}", path.replace('[', "/").replace(']', "").replace('.', "/"))
}

type Bounds = (f64, f64, Grain);

const PRICE: Bounds = (-1e6, 1e6, Grain::Decimals(9));
const CENTS: Bounds = (-1e8, 1e8, Grain::Decimals(7));
const PERCENT: Bounds = (-1e3, 1e3, Grain::Decimals(6));
const MONTH: Bounds = (1.0, 12.0, Grain::Whole);
const TERM: Bounds = (0.0, 600.0, Grain::Whole);
const COUNT: Bounds = (0.0, u32::MAX as f64, Grain::Whole);

const ROWS: &[(&str, Bounds)] = &[
    ("market.typical_annual_kwh.residential", (0.001, 1e9, Grain::Any)),
    ("market.typical_annual_kwh.commercial", (0.001, 1e9, Grain::Any)),
    ("market.monthly_shape[0]", (0.0, 1.0, Grain::Any)),
    ("utilities[0].delivery.versions[0].charges[0].amount.value", PRICE),
    ("suppliers[0].rating", (0.0, 5.0, Grain::Any)),
    ("suppliers[0].review_count", COUNT),
    ("plans[0].term_months", TERM),
    ("plans[0].monthly_fee", PRICE),
    ("plans[0].connection_fee", PRICE),
    ("plans[0].deposit", PRICE),
    ("plans[0].renewable", (0.0, 100.0, Grain::Decimals(6))),
    ("plans[0].eligibility.min_annual_kwh", COUNT),
    ("plans[0].eligibility.max_annual_kwh", COUNT),
    ("plans[0].exit.fee", PRICE),
    ("plans[0].published.kwh_500", PRICE),
    ("plans[0].published.kwh_1000", PRICE),
    ("plans[0].published.kwh_2000", PRICE),
    ("plans[0].provenance.confidence.residual_cents", (0.0, 1e6, Grain::Any)),
    ("plans[0].on_expiry.rate.rate_per_kwh", CENTS),
    ("plans[0].rate.rate_per_kwh", CENTS),
    ("plans[1].term_months", TERM),
    ("plans[1].rate.tiers[0].up_to_kwh", (0.001, 1e9, Grain::Any)),
    ("plans[1].rate.tiers[0].rate_per_kwh", CENTS),
    ("plans[1].rate.tiers[1].rate_per_kwh", CENTS),
    ("plans[1].exit.fee", PRICE),
    ("plans[1].provenance.confidence.residual_cents", (0.0, 1e6, Grain::Any)),
    ("plans[2].term_months", TERM),
    ("plans[2].rate.peak_rate", CENTS),
    ("plans[2].rate.off_peak_rate", CENTS),
    ("plans[2].rate.peak_hours[0]", (0.0, 23.0, Grain::Whole)),
    ("plans[2].exit.fee", PRICE),
    ("plans[3].term_months", TERM),
    ("plans[3].rate.base_rate", CENTS),
    ("plans[3].rate.historical_avg_rate", CENTS),
    ("plans[4].term_months", TERM),
    ("plans[4].rate.charges[0].amount.value", PRICE),
    ("plans[4].rate.charges[1].amount.price", PRICE),
    ("plans[4].rate.charges[2].amount.windows[0].when.months[0]", MONTH),
    ("plans[4].rate.charges[2].amount.windows[0].price", PRICE),
    ("plans[4].rate.charges[2].amount.windows[1].price", PRICE),
    ("plans[4].rate.charges[3].amount.blocks.bounds[0]", (0.001, 1e9, Grain::Any)),
    ("plans[4].rate.charges[3].amount.blocks.prices[0]", PRICE),
    ("plans[4].rate.charges[3].amount.blocks.prices[1]", PRICE),
    ("plans[4].rate.charges[4].amount.series.multiplier", (-1e3, 1e3, Grain::Any)),
    ("plans[4].rate.charges[4].amount.series.adder", PRICE),
    ("plans[4].rate.charges[4].amount.series.cap", PRICE),
    ("plans[4].rate.charges[4].amount.series.floor", PRICE),
    ("plans[4].rate.charges[4].amount.series.expected", PRICE),
    ("plans[4].rate.charges[5].amount.price", PRICE),
    ("plans[4].rate.charges[5].amount.averaging_minutes", (5.0, 60.0, Grain::Whole)),
    ("plans[4].rate.charges[5].amount.when.months[0]", MONTH),
    ("plans[4].rate.charges[5].amount.also[0].months[0]", MONTH),
    ("plans[4].rate.charges[5].amount.above[0].above_kw", (0.001, 1e9, Grain::Any)),
    ("plans[4].rate.charges[5].amount.above[0].price", PRICE),
    ("plans[4].rate.charges[5].amount.ratchet.months", COUNT),
    ("plans[4].rate.charges[5].amount.ratchet.percent", (0.0, 1e3, Grain::Decimals(6))),
    ("plans[4].rate.charges[5].amount.floor_kw", (0.0, 1e9, Grain::Any)),
    ("plans[4].rate.charges[6].amount.percent", PERCENT),
    ("plans[4].rate.charges[7].amount.value", PRICE),
    ("plans[4].rate.charges[7].if.usage.min_kwh", (0.0, 1e9, Grain::Any)),
    ("plans[4].rate.charges[7].if.usage.max_kwh", (0.0, 1e9, Grain::Any)),
    ("plans[4].rate.charges[7].if.months[0]", MONTH),
    ("plans[4].rate.charges[7].if.contract_months.from", (1.0, u32::MAX as f64, Grain::Whole)),
    ("plans[4].rate.charges[7].if.contract_months.to", (1.0, u32::MAX as f64, Grain::Whole)),
    ("plans[4].rate.versions[0].from_contract_month", (1.0, 1_200.0, Grain::Whole)),
    ("plans[4].rate.versions[0].charges[0].amount.price", PRICE),
    ("plans[4].rate.totals[0].min", PRICE),
    ("plans[4].rate.totals[0].max", PRICE),
    ("plans[4].rate.export.expires_month", MONTH),
    ("plans[4].rate.export.cap", PRICE),
    ("plans[4].rate.billing.digits", (0.0, 9.0, Grain::Whole)),
    ("plans[4].rate.tax.rates[0].percent", PERCENT),
    ("plans[4].rate.tax.rates[1].per_kwh", PRICE),
    ("plans[4].rate.price_sd", (0.0, 1e3, Grain::Decimals(6))),
];

pub fn number_fields() -> impl Iterator<Item = NumberField> {
    ROWS.iter().map(|(path, (least, most, grain))| NumberField { path, least: *least, most: *most, grain: *grain })
}

/// A catalog without a fault in which every number field of the model has a value.
pub fn catalog() -> Value {
    let plan = |key: &str, exit: Value, confidence: Value, rate: Value| {
        json!({
            "key": key, "name": key, "supplier": "acme", "kind": "fixed", "utilities": ["wires"], "term_months": 12,
            "rate": rate, "exit": exit, "provenance": {"confidence": confidence},
        })
    };
    let verified = || json!({"kind": "verified"});
    let mut fixed = plan(
        "fixed",
        json!({"kind": "flat", "fee": 150}),
        json!({"kind": "estimated", "residual_cents": 0.05}),
        json!({"type": "fixed", "rate_per_kwh": 10}),
    );
    let more = json!({
        "monthly_fee": 5, "connection_fee": 20, "deposit": 100, "renewable": 50,
        "eligibility": {"min_annual_kwh": 1000, "max_annual_kwh": 20000},
        "on_expiry": {"note": "month to month", "rate": {"type": "fixed", "rate_per_kwh": 20}},
        "published": {"kwh_500": 0.12, "kwh_1000": 0.11, "kwh_2000": 0.105},
    });
    let more = more.as_object().expect("an object").clone();
    fixed.as_object_mut().expect("an object").extend(more);
    let tiers = json!([{"up_to_kwh": 500, "rate_per_kwh": 8}, {"up_to_kwh": null, "rate_per_kwh": 12}]);
    json!({
        "market": {
            "id": "here", "name": "Here", "currency": "USD", "time_zone": "America/Chicago",
            "typical_annual_kwh": {"residential": 10000, "commercial": 70000},
            "monthly_shape": [0.08, 0.08, 0.08, 0.08, 0.08, 0.09, 0.09, 0.09, 0.09, 0.08, 0.08, 0.08],
        },
        "utilities": [{"id": "wires", "name": "Wires", "delivery": {"versions": [{"effective": "2026-01-01", "charges": [
            {"id": "d", "label": "Delivery", "tags": ["delivery"],
             "amount": {"kind": "fixed", "value": 4, "per": "month"}},
        ]}]}}],
        "suppliers": [{"key": "acme", "name": "Acme", "rating": 4, "review_count": 10}],
        "plans": [
            fixed,
            plan(
                "tiered",
                json!({"kind": "per_month_left", "fee": 15}),
                json!({"kind": "unreproduced", "residual_cents": 0.3}),
                json!({"type": "tiered", "tiers": tiers}),
            ),
            plan(
                "hours",
                json!({"kind": "declining", "fee": 200}),
                verified(),
                json!({"type": "time_of_use", "peak_rate": 20, "off_peak_rate": 8, "peak_hours": [16]}),
            ),
            plan(
                "variable",
                json!({"kind": "none"}),
                json!({"kind": "parsed"}),
                json!({"type": "variable", "base_rate": 10, "historical_avg_rate": 11}),
            ),
            plan("full", json!({"kind": "none"}), verified(), tariff()),
        ],
    })
}

fn tariff() -> Value {
    let charge = |id: &str, tag: &str, amount: Value| json!({"id": id, "label": id, "tags": [tag], "amount": amount});
    let mut credit = charge("credit", "credit", json!({"kind": "fixed", "value": 25, "per": "bill"}));
    credit["if"] = json!({
        "usage": {"min_kwh": 1000, "max_kwh": 2000}, "months": [6], "contract_months": {"from": 1, "to": 12},
    });
    let windows = json!([
        {"when": {"months": [6], "from": "12:00", "to": "20:00"}, "price": 0.2},
        {"price": 0.1},
    ]);
    let series = json!({
        "series": "hub", "multiplier": 1.1, "adder": 0.01, "cap": 1e6, "floor": -0.1, "expected": 0.05,
    });
    let demand = json!({
        "kind": "demand", "price": 5, "averaging_minutes": 15, "when": {"months": [6]},
        "also": [{"months": [7]}], "above": [{"above_kw": 10, "price": 4}],
        "ratchet": {"months": 11, "percent": 80}, "floor_kw": 2,
    });
    json!({
        "type": "tariff",
        "charges": [
            charge("base", "fixed", json!({"kind": "fixed", "value": 4.95, "per": "month"})),
            charge("flat", "energy", json!({"kind": "energy", "price": 0.1})),
            charge("windows", "energy", json!({"kind": "energy", "windows": windows})),
            charge("blocks", "energy", json!({"kind": "energy", "blocks": {"bounds": [500], "prices": [0.1, 0.2]}})),
            charge("series", "energy", json!({"kind": "energy", "series": series})),
            charge("demand", "demand", demand),
            charge("percent", "fee", json!({"kind": "percent", "percent": 5, "of": ["energy"]})),
            credit,
        ],
        "versions": [{
            "from_contract_month": 13,
            "charges": [charge("flat", "energy", json!({"kind": "energy", "price": 0.15}))],
        }],
        "totals": [{"id": "minimum", "label": "Minimum", "of": ["energy"], "min": 10, "max": 500, "per": "month"}],
        "export": {"offset": "all", "carry": "money", "expires_month": 12, "cap": 100},
        "billing": {"digits": 3},
        "tax": {"rates": [{"name": "a", "percent": 6}, {"name": "b", "per_kwh": 0.001}]},
        "price_sd": 15,
    })
}
