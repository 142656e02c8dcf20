//! When to switch: every month to the contract's end, every shape of exit fee, the last fourteen days, odd calendars.

use crate::small::{self, AS_OF, Asked};
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use treebeard::domain::advice::{SwitchAction, SwitchTiming};

fn timing_on(as_of: Date, plans: &Value, current: Value) -> SwitchTiming {
    let answer = small::advise(plans, Asked { as_of, current: Some(current), ..Asked::default() });
    answer.switch_timing.expect("a plan to switch to")
}

/// From a plan of $120 a month to one of $100.
fn timing(as_of: Date, end: Option<&str>, fee: f64) -> SwitchTiming {
    let current = json!({ "annual_cost": 1_440, "early_termination_fee": fee, "contract_end_date": end });
    timing_on(as_of, &json!([small::plan("new", 10.0, &json!({}))]), current)
}

fn days(timing: &SwitchTiming) -> Vec<String> {
    timing.options.iter().map(|option| option.date.to_string()).collect()
}

#[test]
fn every_month_to_the_end_of_the_contract_and_the_first_free_day_are_compared() {
    let timing = timing(AS_OF, Some("2026-05-20"), 200.0);
    let expected = ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15", "2026-05-06", "2026-05-15"];
    assert_eq!(days(&timing), expected);
    let fees: Vec<f64> = timing.options.iter().map(|option| option.exit_fee).collect();
    assert_eq!(fees, [200.0, 200.0, 200.0, 200.0, 0.0, 0.0]);
    // Today: $200 and $1,200. On the free day: three months and 21 of 30 days at $20 more.
    let totals = (timing.cost_if_now, timing.cost_if_then, timing.savings_over_now);
    assert_eq!(totals, (Some(1_400.0), Some(1_274.0), 126.0));
    assert_eq!((timing.action, timing.recommended_date), (SwitchAction::Wait, date(2026, 5, 6)));
    assert!(timing.reason.starts_with("From 2026-05-06 the current contract can be left without a fee"));
}

#[test]
fn a_contract_can_be_left_without_a_fee_from_fourteen_days_before_its_end() {
    let cases = [("2026-01-28", 0.0), ("2026-01-29", 0.0), ("2026-01-30", 200.0), ("2026-01-31", 200.0)];
    for (end, fee) in cases {
        assert_eq!(timing(AS_OF, Some(end), 200.0).exit_fee_now, fee, "{end}");
    }
    let tomorrow = timing(AS_OF, Some("2026-01-30"), 200.0);
    assert_eq!((tomorrow.action, tomorrow.recommended_date), (SwitchAction::Wait, date(2026, 1, 16)));
}

#[test]
fn an_exit_fee_has_the_shape_its_plan_states() {
    let shapes = [
        (json!({ "kind": "flat", "fee": 120 }), [120.0, 120.0, 120.0, 120.0, 0.0]),
        (json!({ "kind": "per_month_left", "fee": 20 }), [80.0, 60.0, 40.0, 20.0, 0.0]),
        // A third of the twelve months is left, then a quarter, then a sixth.
        (json!({ "kind": "declining", "fee": 120 }), [40.0, 30.0, 20.0, 10.0, 0.0]),
        (json!({ "kind": "none" }), [0.0; 5]),
    ];
    for (exit, expected) in shapes {
        let own = small::plan("own", 12.0, &json!({ "exit": exit }));
        let plans = json!([own, small::plan("new", 10.0, &json!({}))]);
        let current = json!({ "plan_id": small::id(&plans, "own"), "contract_end_date": "2026-04-30" });
        let timing = timing_on(AS_OF, &plans, current);
        assert_eq!(days(&timing), ["2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15", "2026-04-16"]);
        let fees: Vec<f64> = timing.options.iter().map(|option| option.exit_fee).collect();
        assert_eq!(fees, expected, "{exit}");
    }
}

#[test]
fn what_a_stated_fee_is_goes_before_the_catalogs() {
    let plans = json!([
        small::plan("own", 12.0, &json!({ "exit": { "kind": "flat", "fee": 120 } })),
        small::plan("new", 10.0, &json!({}))
    ]);
    let id = small::id(&plans, "own");
    let stated = json!({ "plan_id": id, "contract_end_date": "2026-06-30", "early_termination_fee": 35 });
    assert_eq!(timing_on(AS_OF, &plans, stated).exit_fee_now, 35.0);
    // Without any date the fee is always due.
    assert_eq!(timing_on(AS_OF, &plans, json!({ "plan_id": id })).exit_fee_now, 120.0);
    // The end follows from the start and the term of the plan.
    let started = timing_on(AS_OF, &plans, json!({ "plan_id": id, "contract_start_date": "2025-02-01" }));
    assert_eq!(started.contract_end_date, Some(date(2026, 1, 31)));
}

#[test]
fn contracts_that_have_ended_or_have_no_end_cost_nothing_to_leave_or_always_the_same() {
    use SwitchAction::{Stay, SwitchNow};
    let cases = [
        ("ended long ago", Some("2020-01-01"), 200.0, SwitchNow, 0.0),
        ("ended yesterday", Some("2026-01-14"), 200.0, SwitchNow, 0.0),
        ("ends today", Some("2026-01-15"), 200.0, SwitchNow, 0.0),
        ("month to month, no dates", None, 0.0, SwitchNow, 0.0),
        ("a fee and no dates", None, 200.0, SwitchNow, 200.0),
        ("a fee that is never earned back, and no dates", None, 240.0, Stay, 240.0),
    ];
    for (name, end, fee, action, due) in cases {
        let timing = timing(AS_OF, end, fee);
        assert_eq!((timing.action, timing.exit_fee_now), (action, due), "{name}");
        assert_eq!((timing.recommended_date, timing.options.len()), (AS_OF, 1), "{name}");
    }
}

#[test]
fn leap_days_and_month_ends_lose_no_day() {
    let leap = timing(date(2028, 2, 29), Some("2028-05-31"), 200.0);
    assert_eq!(days(&leap), ["2028-02-29", "2028-03-29", "2028-04-29", "2028-05-17", "2028-05-29"]);
    let end_of_month = timing(date(2026, 1, 31), Some("2026-04-30"), 200.0);
    assert_eq!(days(&end_of_month), ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-16", "2026-04-30"]);
    let on_the_leap_day = timing(date(2028, 1, 15), Some("2028-02-29"), 200.0);
    assert_eq!(days(&on_the_leap_day), ["2028-01-15", "2028-02-15"]);
    assert_eq!((on_the_leap_day.recommended_date, on_the_leap_day.exit_fee_then), (date(2028, 2, 15), 0.0));
}

#[test]
fn the_horizon_is_twelve_months_or_the_rest_of_a_longer_contract() {
    for (end, months) in
        [("2026-02-01", 12), ("2027-01-14", 12), ("2027-01-15", 13), ("2028-01-14", 24), ("2199-12-31", 60)]
    {
        assert_eq!(timing(AS_OF, Some(end), 200.0).horizon_months, months, "{end}");
    }
}

#[test]
fn the_price_after_the_contract_counts_from_the_day_after_its_end() {
    let after = json!({ "note": "Month to month.", "rate": { "type": "fixed", "rate_per_kwh": 42 } });
    let own = small::plan("own", 12.0, &json!({ "on_expiry": after, "exit": { "kind": "flat", "fee": 900 } }));
    let plans = json!([own, small::plan("new", 11.9, &json!({}))]);
    let current = json!({ "plan_id": small::id(&plans, "own"), "contract_end_date": "2026-12-29" });
    let answer = small::advise(&plans, Asked { current: Some(current), ..Asked::default() });
    // Eleven months and 15 of 31 days at $120, 16 days at $420 a month: what the first year costs on it.
    let term = answer.top_plans[0].over_term.as_ref().expect("a contract");
    let stayed = 11.0 * 120.0 + 120.0 * 15.0 / 31.0 + 420.0 * 16.0 / 31.0;
    let told = term.years[0].current_cost.expect("a current cost");
    assert!((told - stayed).abs() < 0.01, "{told} {stayed}");
}

#[test]
fn a_contract_is_told_year_by_year_with_what_comes_after_it() {
    let after = json!({ "note": "Month to month at 15 cents.", "rate": { "type": "fixed", "rate_per_kwh": 15 } });
    let new = json!({ "term_months": 30, "connection_fee": 25, "on_expiry": after,
        "rate": { "type": "tariff", "charges": energy(0.08), "versions": [
            { "from_contract_month": 7, "charges": energy(0.10) }, { "from_contract_month": 25, "charges": energy(0.12) }] } });
    let plans = json!([small::plan("new", 8.0, &new)]);
    let current = json!({ "annual_cost": 1_440, "early_termination_fee": 50 });
    let answer = small::advise(&plans, Asked { current: Some(current), ..Asked::default() });
    let term = serde_json::to_value(&answer.top_plans[0].over_term).expect("JSON");
    let year = |months, cost: f64, current: f64| {
        json!({ "months": months, "cost": cost, "current_cost": current,
        "savings": current - cost })
    };
    let expected = json!({
        "contract_months": 30,
        "years": [year(12, 1_080.0, 1_440.0), year(12, 1_200.0, 1_440.0), year(6, 720.0, 720.0)],
        "total_cost": 3_025.0,
        "total_savings": 525.0,
        "after": "Month to month at 15 cents.",
        "annual_cost_after": 1_800.0,
    });
    assert_eq!(term, expected);
    let monthly = json!([small::plan("free", 9.0, &json!({ "term_months": 0 }))]);
    assert_eq!(small::advise(&monthly, Asked::default()).top_plans[0].over_term, None);
}

fn energy(price: f64) -> Value {
    json!([{ "id": "e", "label": "Energy", "tags": ["energy"], "amount": { "kind": "energy", "price": price } }])
}
