//! Every row of the table of risks, at its bound and just beside it; staying and its rules, each at its bound.

use crate::small::{self, AS_OF, Asked};
use serde_json::{Value, json};
use treebeard::domain::advice::{Recommendation, RiskLevel, RiskType, Severity, StayTrigger, SwitchAction};

/// The kinds and grades of plan 1's risks.
fn risks(answer: &Recommendation) -> Vec<(RiskType, Severity)> {
    answer.top_plans[0].risk_warnings.iter().map(|risk| (risk.risk_type, risk.severity)).collect()
}

/// The grade of one kind of risk of a plan at ten cents, $1,200 a year, with these changes.
fn grade(kind: RiskType, plan: Value, asked: Asked) -> Option<Severity> {
    let answer = small::advise(&json!([small::plan("a", 10.0, &plan)]), asked);
    risks(&answer).into_iter().find(|(other, _)| *other == kind).map(|(_, severity)| severity)
}

/// On a plan of `annual` dollars that costs `exit` dollars to leave.
fn on(annual: f64, exit: f64) -> Asked {
    Asked { current: Some(json!({ "annual_cost": annual, "early_termination_fee": exit })), ..Asked::default() }
}

const CRITICAL: Option<Severity> = Some(Severity::Critical);
const WARNING: Option<Severity> = Some(Severity::Warning);
const INFO: Option<Severity> = Some(Severity::Info);

#[test]
fn an_exit_fee_is_high_above_150_and_critical_above_300() {
    for (fee, expected) in [(150.0, None), (150.01, WARNING), (300.0, WARNING), (300.01, CRITICAL)] {
        let plan = json!({ "exit": { "kind": "flat", "fee": fee } });
        assert_eq!(grade(RiskType::HighEtf, plan, Asked::default()), expected, "{fee}");
    }
}

#[test]
fn savings_below_nothing_are_negative_and_never_low_as_well() {
    assert_eq!(grade(RiskType::NegativeSavings, json!({}), on(1_199.99, 0.0)), CRITICAL);
    assert_eq!(grade(RiskType::LowSavings, json!({}), on(1_199.99, 0.0)), None);
    assert_eq!(grade(RiskType::NegativeSavings, json!({}), on(1_200.0, 0.0)), None);
    assert_eq!(grade(RiskType::LowSavings, json!({}), on(1_200.0, 0.0)), WARNING);
}

#[test]
fn savings_are_low_below_five_percent_and_a_warning_below_100() {
    // 5 % of $1,263.16 is $63.16 and a hair more than is saved; at $1,263.20 it is a hair less.
    for (current, expected) in [(1_263.15, WARNING), (1_263.16, None)] {
        assert_eq!(grade(RiskType::LowSavings, json!({}), on(current, 0.0)), expected, "{current}");
    }
    // A plan of $2,400: saving $99.99 and $100 are both below 5 %.
    let dear = json!({ "rate": { "type": "fixed", "rate_per_kwh": 20 } });
    for (current, expected) in [(2_499.99, WARNING), (2_500.0, INFO)] {
        assert_eq!(grade(RiskType::LowSavings, dear.clone(), on(current, 0.0)), expected, "{current}");
    }
}

#[test]
fn a_break_even_is_long_after_18_months_and_too_long_after_24() {
    // $120 a year is $10 a month.
    for (fee, expected) in [(180.0, None), (180.01, WARNING), (240.0, WARNING), (240.01, CRITICAL)] {
        assert_eq!(grade(RiskType::BreakEvenTooLong, json!({}), on(1_320.0, fee)), expected, "{fee}");
    }
}

#[test]
fn a_price_that_may_change_is_a_warning_that_states_the_band() {
    let variable = json!({ "kind": "variable", "rate": { "type": "variable", "base_rate": 10 } });
    let answer = small::advise(&json!([small::plan("a", 10.0, &variable)]), Asked::default());
    let risk = &answer.top_plans[0].risk_warnings[0];
    assert_eq!((risk.risk_type, risk.severity), (RiskType::VariableRate, Severity::Warning));
    let range = answer.top_plans[0].cost_range;
    let band = format!("the year may cost ${:.0} to $1,{:03.0}", range.p10, range.p90 - 1_000.0);
    assert!(risk.message.contains("by about 15% either way") && risk.message.contains(&band), "{}", risk.message);
    for (kind, expected) in [("indexed", WARNING), ("fixed", None), ("tiered", None), ("prepaid", None)] {
        assert_eq!(grade(RiskType::VariableRate, json!({ "kind": kind }), Asked::default()), expected, "{kind}");
    }
}

fn with_credit(dollars: f64, from: i64) -> Value {
    json!({ "rate": { "type": "tariff", "charges": [
        { "id": "e", "label": "Energy", "tags": ["energy"], "amount": { "kind": "energy", "price": 0.1 } },
        { "id": "c", "label": "Credit", "tags": ["credit"], "credit": true, "if": { "usage": { "min_kwh": from } },
          "amount": { "kind": "fixed", "value": dollars, "per": "bill" } }] } })
}

#[test]
fn a_credit_is_a_cliff_where_the_band_crosses_it_and_a_tenth_of_the_bill_depends_on_it() {
    let cliff = |dollars, from, spread| {
        grade(RiskType::BillCreditCliff, with_credit(dollars, from), Asked { spread, ..Asked::default() })
    };
    // The band of 1,000 kWh and 5 % either way ends at 950 and 1,050 kWh.
    for (from, expected) in [(950, None), (951, WARNING), (1_050, WARNING), (1_051, None)] {
        assert_eq!(cliff(15.0, from, 5), expected, "{from} kWh");
    }
    // The bill beside the bound is about $100, half of the paths with the credit; a tenth of it is about $9.50.
    for (dollars, expected) in [(9.0, None), (11.0, WARNING)] {
        assert_eq!(cliff(dollars, 1_000, 5), expected, "${dollars}");
    }
}

#[test]
fn a_cliff_is_critical_where_the_year_may_vary_by_more_than_a_fifth() {
    for (dollars, spread, wide) in [(15.0, 1, false), (40.0, 10, true)] {
        let asked = Asked { spread, ..Asked::default() };
        let answer = small::advise(&json!([small::plan("a", 10.0, &with_credit(dollars, 1_000))]), asked);
        let plan = &answer.top_plans[0];
        let share = (plan.cost_range.p90 - plan.cost_range.p10) / plan.projected_annual_cost;
        assert_eq!(share > 0.2, wide, "{share}");
        let found = risks(&answer).into_iter().find(|(kind, _)| *kind == RiskType::BillCreditCliff);
        assert_eq!(found.map(|(_, severity)| severity), if wide { CRITICAL } else { WARNING }, "{share}");
    }
}

#[test]
fn a_minimum_use_fee_is_a_cliff_as_well() {
    let rate = json!({ "rate": { "type": "tariff", "charges": [
        { "id": "e", "label": "Energy", "tags": ["energy"], "amount": { "kind": "energy", "price": 0.1 } },
        { "id": "f", "label": "Minimum use fee", "tags": ["fee"], "if": { "usage": { "max_kwh": 1_000 } },
          "amount": { "kind": "fixed", "value": 15, "per": "bill" } }] } });
    assert_eq!(grade(RiskType::BillCreditCliff, rate, Asked { spread: 5, ..Asked::default() }), WARNING);
}

#[test]
fn hours_that_are_not_known_matter_where_the_price_depends_on_them() {
    let clock = json!({ "kind": "time_of_use", "rate": { "type": "time_of_use", "peak_rate": 20, "off_peak_rate": 8,
        "peak_hours": [17, 18] } });
    let asked = |hours_known| Asked { hours_known, ..Asked::default() };
    assert_eq!(grade(RiskType::ShapeUnknown, clock.clone(), asked(false)), WARNING);
    assert_eq!(grade(RiskType::ShapeUnknown, clock, asked(true)), None);
    assert_eq!(grade(RiskType::ShapeUnknown, json!({}), asked(false)), None);
}

#[test]
fn a_long_contract_does_not_suit_who_wants_to_be_flexible() {
    let cases = [(12, 31, None), (13, 30, None), (13, 31, WARNING)];
    for (term, flexibility, expected) in cases {
        let asked = Asked { priorities: [100 - flexibility, flexibility, 0, 0], ..Asked::default() };
        let found = grade(RiskType::ContractMismatch, json!({ "term_months": term }), asked);
        assert_eq!(found, expected, "{term} months, {flexibility}");
    }
}

#[test]
fn a_contract_that_ends_in_the_dear_months_is_noted() {
    // From January: June, July and August are the market's dearest three.
    for (term, expected) in [(0, None), (4, None), (5, INFO), (6, INFO), (7, INFO), (8, None), (12, None)] {
        let found = grade(RiskType::RenewalSeason, json!({ "term_months": term }), Asked::default());
        assert_eq!(found, expected, "{term} months from {AS_OF}");
    }
}

#[test]
fn stars_count_from_50_reviews_on() {
    let cases = [
        (2.49, 50, CRITICAL),
        (2.5, 50, WARNING),
        (3.49, 50, WARNING),
        (3.5, 50, None),
        (2.0, 49, None),
        (2.0, 51, CRITICAL),
    ];
    for (stars, reviews, expected) in cases {
        let asked = Asked { supplier: Some((stars, reviews)), ..Asked::default() };
        assert_eq!(grade(RiskType::SupplierRating, json!({}), asked), expected, "{stars} of {reviews}");
    }
}

#[test]
fn money_up_front_counts_deposit_connection_and_first_fee_together() {
    let upfront = |deposit: f64, connection: f64, monthly: f64| json!({ "deposit": deposit, "connection_fee": connection, "monthly_fee": monthly });
    let cases = [
        (upfront(50.0, 40.0, 10.0), None),
        (upfront(50.0, 40.0, 10.01), INFO),
        (upfront(100.0, 0.0, 0.0), None),
        (upfront(0.0, 100.01, 0.0), INFO),
    ];
    for (plan, expected) in cases {
        assert_eq!(grade(RiskType::UpfrontCost, plan.clone(), Asked::default()), expected, "{plan}");
    }
    assert_eq!(grade(RiskType::Prepaid, json!({ "kind": "prepaid" }), Asked::default()), INFO);
}

fn energy_at(price: f64) -> Value {
    json!([{ "id": "e", "label": "Energy", "tags": ["energy"], "amount": { "kind": "energy", "price": price } }])
}

#[test]
fn a_price_that_ends_or_rises_before_the_contract_is_promotional() {
    let by_month = |from: i64, later: f64| {
        json!({ "type": "tariff", "charges": energy_at(0.1),
        "versions": [{ "from_contract_month": from, "charges": energy_at(later) }] })
    };
    let by_date = |from: &str, later: f64| {
        json!({ "type": "tariff", "charges": energy_at(0.1),
        "versions": [{ "from_date": from, "charges": energy_at(later) }] })
    };
    let cases = [
        ("until month 11 of 12", by_month(12, 0.15), 12, WARNING),
        ("until the last of 12 months", by_month(13, 0.15), 12, None),
        ("until month 5 of 6", by_month(6, 0.15), 6, WARNING),
        ("after a contract of 6 months", by_month(7, 0.15), 6, None),
        ("without a contract", by_month(4, 0.15), 0, WARNING),
        ("a price that falls", by_month(4, 0.05), 12, None),
        ("a rise on the last day", by_date("2027-01-14", 0.15), 12, WARNING),
        ("a rise after the contract", by_date("2027-01-15", 0.15), 12, None),
        ("a rise that has happened", by_date("2026-01-15", 0.15), 12, None),
        ("a rise tomorrow", by_date("2026-01-16", 0.15), 12, WARNING),
        ("a fall on a date", by_date("2026-06-01", 0.05), 12, None),
    ];
    for (name, rate, term, expected) in cases {
        let plan = json!({ "rate": rate, "term_months": term });
        assert_eq!(grade(RiskType::Promotional, plan, Asked::default()), expected, "{name}");
    }
    let credit = |to: Value| {
        json!({ "rate": { "type": "tariff", "charges": [energy_at(0.1)[0],
        { "id": "c", "label": "Welcome", "tags": ["credit"], "credit": true, "amount": { "kind": "fixed", "value": 5,
          "per": "bill" }, "if": { "contract_months": { "from": 1, "to": to } } }] } })
    };
    assert_eq!(grade(RiskType::Promotional, credit(json!(11)), Asked::default()), WARNING);
    assert_eq!(grade(RiskType::Promotional, credit(json!(12)), Asked::default()), None);
}

#[test]
fn thin_data_is_told_once_for_the_answer() {
    let two = json!([small::plan("a", 10.0, &json!({})), small::plan("b", 11.0, &json!({}))]);
    for (confidence, expected) in [(0.49, CRITICAL), (0.5, WARNING), (0.69, WARNING), (0.7, None)] {
        let answer = small::advise(&two, Asked { confidence, ..Asked::default() });
        let told: Vec<Severity> = answer.data_risks.iter().map(|risk| risk.severity).collect();
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{confidence}");
        assert_eq!(answer.total_risks_detected as usize, told.len(), "once, not once a plan");
    }
}

#[test]
fn the_level_follows_plan_one_and_the_data() {
    use RiskLevel::{High, Low, Medium};
    let high = json!({ "exit": { "kind": "flat", "fee": 400 } });
    let fee = json!({ "exit": { "kind": "flat", "fee": 200 } });
    let three = json!({ "exit": { "kind": "flat", "fee": 200 }, "term_months": 24, "kind": "variable" });
    let flexible = [60, 40, 0, 0];
    let cases = [
        ("nothing", json!({}), Asked::default(), Low),
        ("one warning", fee.clone(), Asked::default(), Low),
        ("two warnings", fee.clone(), Asked { confidence: 0.6, ..Asked::default() }, Low),
        ("three warnings", three, Asked { priorities: flexible, ..Asked::default() }, Medium),
        ("one critical", high.clone(), Asked::default(), Medium),
        ("critical data alone", json!({}), Asked { confidence: 0.4, ..Asked::default() }, Medium),
        ("critical data with another", high.clone(), Asked { confidence: 0.4, ..Asked::default() }, High),
        ("two criticals", high, on(1_000.0, 0.0), High),
    ];
    for (name, plan, asked, expected) in cases {
        let answer = small::advise(&json!([small::plan("a", 10.0, &plan)]), asked);
        assert_eq!(answer.overall_risk_level, expected, "{name}: {:?} {:?}", risks(&answer), answer.data_risks);
    }
    // What stands on plan 2 changes nothing.
    let risky = small::plan("b", 11.0, &json!({ "exit": { "kind": "flat", "fee": 400 } }));
    let answer = small::advise(&json!([small::plan("a", 10.0, &json!({})), risky]), Asked::default());
    assert_eq!((answer.overall_risk_level, answer.critical_risk_count), (Low, 1));
}

fn triggers(plan: Value, current: Value) -> Vec<StayTrigger> {
    let asked = Asked { current: Some(current), ..Asked::default() };
    let answer = small::advise(&json!([small::plan("a", 10.0, &plan)]), asked);
    let stay = answer.stay_recommendation.expect("a current cost");
    assert_eq!((stay.should_stay, answer.should_stay), (!stay.triggers.is_empty(), !stay.triggers.is_empty()));
    stay.triggers
}

#[test]
fn staying_is_advised_at_each_of_its_four_bounds() {
    use StayTrigger::{BetterToWait, CurrentPlanNearBest, LongBreakEven, LowNetSavings};
    // Savings of $50 after everything are enough, of $49.99 are not.
    assert_eq!(triggers(json!({}), json!({ "annual_cost": 1_250 })), []);
    assert_eq!(triggers(json!({}), json!({ "annual_cost": 1_249.99 })), [LowNetSavings]);
    assert_eq!(triggers(json!({ "connection_fee": 20 }), json!({ "annual_cost": 1_270 })), []);
    assert_eq!(triggers(json!({ "connection_fee": 20.01 }), json!({ "annual_cost": 1_270 })), [LowNetSavings]);
    // 24 months to break even are not too long by themselves; the first year is.
    let current = |fee: f64| json!({ "annual_cost": 1_320, "early_termination_fee": fee });
    assert_eq!(triggers(json!({}), current(240.0)), [LowNetSavings]);
    assert_eq!(triggers(json!({}), current(240.01)), [LowNetSavings, LongBreakEven]);
    // Within 2 % of the best: $24 of $1,200.
    assert_eq!(triggers(json!({}), json!({ "annual_cost": 1_224 })), [LowNetSavings, CurrentPlanNearBest]);
    assert_eq!(triggers(json!({}), json!({ "annual_cost": 1_224.01 })), [LowNetSavings]);
    // A plan of $6,000: 2 % is more than $50.
    let dear = json!({ "rate": { "type": "fixed", "rate_per_kwh": 50 } });
    assert_eq!(triggers(dear.clone(), json!({ "annual_cost": 6_120 })), [CurrentPlanNearBest]);
    assert_eq!(triggers(dear, json!({ "annual_cost": 6_120.01 })), []);
    // A fee that waiting avoids, against $25 a month: a month and 13 of 28 days cost $36.61.
    let waiting =
        |fee: f64| json!({ "annual_cost": 1_500, "early_termination_fee": fee, "contract_end_date": "2026-03-14" });
    assert_eq!(triggers(json!({}), waiting(36.60)), []);
    assert_eq!(triggers(json!({}), waiting(36.62)), [BetterToWait]);
}

#[test]
fn the_confidence_is_the_share_of_paths_that_agree() {
    let clear = Asked { spread: 10, ..on(2_000.0, 0.0) };
    let confidence = |asked: Asked| {
        let answer = small::advise(&json!([small::plan("a", 10.0, &json!({}))]), asked);
        answer.stay_recommendation.expect("a current cost").confidence
    };
    assert!((confidence(clear) - 1.0).abs() < 1e-9, "$800 saved on every path");
    // About $50 saved, a little more or less with the use of the path.
    let close = confidence(Asked { spread: 60, ..on(1_250.5, 0.0) });
    assert!((0.3..0.9).contains(&close), "{close}");
}

#[test]
fn being_on_the_best_plan_is_certain_even_where_its_price_may_change() {
    let variable = json!({ "kind": "variable", "term_months": 0, "rate": { "type": "variable", "base_rate": 10 } });
    let plans = json!([small::plan("own", 10.0, &variable)]);
    let current = Some(json!({ "plan_id": small::id(&plans, "own") }));
    let answer = small::advise(&plans, Asked { spread: 20, current, ..Asked::default() });
    let stay = answer.stay_recommendation.expect("a current cost");
    assert!(stay.should_stay && (stay.confidence - 1.0).abs() < 1e-9, "{stay:?}");
    assert_eq!(answer.switch_timing.map(|timing| timing.action), Some(SwitchAction::Stay));
}
