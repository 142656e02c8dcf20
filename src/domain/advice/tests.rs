//! The whole way from catalog and usage to advice.
#![allow(clippy::float_cmp, reason = "amounts of the answer are rounded, so equality is meant")]

use super::fixture::{
    AS_OF, SEASONAL_YEAR, catalog, credit, dollars_price, fixed, flat_exit, plan, projection, request, snapshot,
};
use super::*;
use crate::domain::catalog::{Confidence, ExitFee, PlanKind, PropertyType};
use crate::domain::tariff::Cents;
use crate::domain::units::{Energy, Percent, Price};
use jiff::civil::date;

fn names(answer: &Recommendation) -> Vec<&str> {
    answer.top_plans.iter().map(|plan| plan.plan_name.trim_start_matches("Plan ")).collect()
}

fn advise(plans: Vec<crate::domain::catalog::Plan>, request: &Request) -> Recommendation {
    recommend(&snapshot(plans), request).expect("advice")
}

#[test]
fn a_fixed_ten_cents_and_1000_kwh_a_month_cost_100_a_month() {
    let answer = advise(vec![fixed("a", 10.0)], &request(projection([1_000; 12], 0)));
    let plan = &answer.top_plans[0];
    assert_eq!((plan.projected_annual_cost, plan.projected_monthly_cost), (1_200.0, 100.0));
    assert_eq!(plan.monthly_costs, [100.0; 12]);
    assert_eq!(plan.average_rate_per_kwh, 10.0);
    assert_eq!(plan.cost_range, CostRange { p10: 1_200.0, p90: 1_200.0, worst_month: 100.0 });
    assert_eq!(plan.cost_breakdown, CostBreakdown { energy: 1_200.0, ..CostBreakdown::default() });
    assert_eq!(plan.savings, None);
    assert_eq!(answer.stay_recommendation, None);
}

#[test]
fn a_bill_credit_plan_that_wins_on_flat_1000_kwh_loses_on_real_months() {
    let plans = || vec![fixed("fixed", 10.0), credit("credit", 18.0)];
    let flat = advise(plans(), &request(projection([1_000; 12], 0)));
    assert_eq!(names(&flat), ["credit", "fixed"]);
    let real = advise(plans(), &request(projection(SEASONAL_YEAR, 10)));
    assert_eq!(names(&real), ["fixed", "credit"]);
    let risks: Vec<RiskType> = real.top_plans[1].risk_warnings.iter().map(|risk| risk.risk_type).collect();
    assert_eq!(risks, [RiskType::BillCreditCliff]);
}

#[test]
fn stretches_between_bends_price_every_path_as_one_by_one() {
    let tiers = r#"{"type":"tiered","tiers":[{"up_to_kwh":500,"rate_per_kwh":8},{"up_to_kwh":1000,"rate_per_kwh":10},
        {"up_to_kwh":null,"rate_per_kwh":12}]}"#;
    let plans = vec![credit("credit", 18.0), plan("tiers", PlanKind::Tiered, 12, tiers), fixed("fixed", 11.3)];
    let snapshot = snapshot(plans);
    let projection = projection(SEASONAL_YEAR, 20);
    let load = year::YearLoad::new(&projection);
    let mut year = Year::new(&load, &projection);
    for listing in snapshot.listings() {
        let offer = &listing.offers[0];
        let tariff = offer.compiled.as_ref().expect("compiles");
        let quick = year.cost(tariff, &offer.dependence, None).expect("priced");
        let dependence = crate::domain::market::Dependence { straight: false, ..offer.dependence.clone() };
        let exact = year.cost(tariff, &dependence, None).expect("priced");
        for (quick, exact) in quick.paths.iter().zip(&exact.paths) {
            // Each of twelve bills is rounded to a cent, and so are the bills the lines go through.
            assert!((quick - exact).abs() < 0.12, "{}: {quick} {exact}", listing.plan.name);
        }
        assert!((quick.annual - exact.annual).currency().abs() < 0.12, "{}", listing.plan.name);
    }
}

#[test]
fn the_order_of_the_catalog_changes_nothing() {
    let mut plans: Vec<_> = (0..20).map(|n| fixed(&format!("p{n}"), 10.0 + f64::from(n % 5))).collect();
    plans.push(credit("credit", 15.0));
    let request = request(projection(SEASONAL_YEAR, 10));
    let forward = advise(plans.clone(), &request);
    plans.reverse();
    assert_eq!(advise(plans, &request), forward);
}

#[test]
fn the_parts_of_a_cost_add_up_to_it() {
    let mut with_fees = credit("credit", 14.0);
    with_fees.monthly_fee = Some(Price::from_nanos(4_950_000_000));
    with_fees.connection_fee = Some(dollars_price(25));
    let answer = advise(vec![with_fees], &request(projection(SEASONAL_YEAR, 15)));
    let plan = &answer.top_plans[0];
    let parts = plan.cost_breakdown;
    let sum = parts.energy + parts.delivery + parts.fixed + parts.credits + parts.fees + parts.taxes + parts.one_time;
    assert!((sum - plan.projected_annual_cost).abs() < 1e-6, "{parts:?}");
    assert_eq!((parts.fixed, parts.one_time), (59.4, 25.0));
    assert!(parts.credits < 0.0);
    let months: f64 = plan.monthly_costs.iter().sum();
    assert!((months + 25.0 - plan.projected_annual_cost).abs() < 1e-6);
}

#[test]
fn every_reason_not_to_be_eligible_is_counted_once() {
    let mut plans: Vec<_> = (0..9).map(|n| fixed(&format!("p{n}"), 10.0)).collect();
    plans[0].active = false;
    plans[1].supplier = "t".into();
    plans[2].offer.to = Some(date(2026, 1, 14));
    plans[3].eligibility.property_types = vec![PropertyType::Commercial];
    plans[4].eligibility.max_annual_kwh = Some(11_000);
    plans[5].eligibility.new_customers_only = true;
    plans[6].term_months = 36;
    plans[7].utilities = vec!["south".into()];
    plans.push(fixed("green", 12.0));
    plans[9].renewable = Percent::from_percent(100.0).expect("a share");
    let mut file = catalog(plans);
    file.suppliers[1].active = false;
    let snapshot = Snapshot::build(vec![file], 1, AS_OF);
    let mut request = request(projection([1_000; 12], 0));
    request.current_plan = Some(CurrentPlan { supplier_name: Some("S ENERGY".into()), ..CurrentPlan::default() });
    request.options.max_contract_length = Some(24);
    request.options.min_renewable = Some(50.0);
    let answer = recommend(&snapshot, &request).expect("advice");
    assert_eq!(names(&answer), ["green"]);
    let excluded: Vec<_> = answer.excluded.iter().map(|e| (e.reason, e.plans)).collect();
    let expected = [
        ExclusionReason::InactivePlan,
        ExclusionReason::InactiveSupplier,
        ExclusionReason::NotOnSale,
        ExclusionReason::PropertyType,
        ExclusionReason::AnnualUsage,
        ExclusionReason::NewCustomersOnly,
        ExclusionReason::ContractTooLong,
        ExclusionReason::NotGreenEnough,
    ]
    .map(|reason| (reason, 1));
    assert_eq!(excluded, expected);
}

#[test]
fn no_eligible_plan_is_an_answer_that_says_why() {
    let mut request = request(projection([1_000; 12], 0));
    request.options.plan_types = vec![PlanKind::Prepaid];
    let answer = advise(vec![fixed("a", 10.0)], &request);
    assert!(answer.top_plans.is_empty() && answer.switch_timing.is_none());
    assert_eq!(answer.warnings, ["No plan under north wires fits: 1 plan is not of a plan type asked for."]);
}

#[test]
fn a_zip_without_choice_and_an_unknown_zip_are_told_apart() {
    let mut request = request(projection([1_000; 12], 0));
    let warning = |request: &Request| advise(vec![fixed("a", 10.0)], request).warnings.join(" ");
    request.place = Location::Zip("90210-1234".into());
    assert_eq!(warning(&request), "90210-1234 has no retail choice: the local utility is the only supplier there.");
    request.place = Location::Zip("10001".into());
    assert!(warning(&request).starts_with("10001 is in no territory of the catalog"));
    request.place = Location::Utility("SOUTH".into());
    assert_eq!(advise(vec![fixed("a", 10.0)], &request).utility.as_deref(), Some("south wires"));
    request.place = Location::Utility("west".into());
    let error = recommend(&snapshot(vec![]), &request).expect_err("no such utility");
    assert_eq!(error.to_string(), "no utility of the catalog is called west: choose one of north, south");
}

#[test]
fn a_plan_that_could_not_be_reproduced_comes_after_every_exact_one() {
    let mut doubtful = fixed("doubtful", 5.0);
    doubtful.provenance.confidence = Confidence::Unreproduced { residual_cents: 2.5 };
    let answer = advise(vec![doubtful, fixed("a", 10.0), fixed("b", 12.0)], &request(projection([1_000; 12], 0)));
    assert_eq!(names(&answer), ["a", "b", "doubtful"]);
    assert_eq!(answer.top_plans[0].scores.cost_score, 100.0, "it sets no scale either");
    assert_eq!(answer.marks.cheapest, Some(answer.top_plans[0].plan_id));
    assert_eq!(answer.top_plans[2].marks, []);
    assert!(answer.warnings[0].contains("could not be reproduced (off by 2.50 cents per kWh, about $300 a year)"));
}

#[test]
fn the_current_plan_is_priced_from_the_best_source_given() {
    let snapshot = snapshot(vec![fixed("now", 15.0), fixed("new", 10.0)]);
    let id = snapshot.listings()[0].id;
    let rate = |cents: f64| Some(Cents(Price::from_cents(cents).expect("a price")));
    let all = CurrentPlan {
        plan_id: Some(id),
        rate_structure: Some(crate::domain::tariff::RateStructure::Fixed { rate_per_kwh: rate(14.0).expect("set") }),
        current_rate: rate(13.0),
        monthly_fee: Some(dollars_price(5)),
        annual_cost: Some(Money::from_cents(100_000)),
        ..CurrentPlan::default()
    };
    let cases = [
        (all.clone(), Some(1_800.0)),
        (CurrentPlan { plan_id: None, ..all.clone() }, Some(1_740.0)),
        (CurrentPlan { plan_id: None, rate_structure: None, ..all.clone() }, Some(1_620.0)),
        (CurrentPlan { plan_id: None, rate_structure: None, current_rate: None, ..all.clone() }, Some(1_000.0)),
        (CurrentPlan { monthly_fee: Some(dollars_price(5)), ..CurrentPlan::default() }, None),
        (CurrentPlan { plan_id: Some(uuid::Uuid::nil()), plan_name: None, ..all }, Some(1_740.0)),
    ];
    for (plan, expected) in cases {
        let mut request = request(projection([1_000; 12], 0));
        request.current_plan = Some(plan);
        let answer = recommend(&snapshot, &request).expect("advice");
        assert_eq!(answer.current_annual_cost, expected, "{:?}", request.current_plan);
        let saved = answer.top_plans[0].savings.map(|savings| savings.annual_savings);
        assert_eq!(saved, expected.map(|cost| cost - 1_200.0));
        assert_eq!(answer.stay_recommendation.is_some(), expected.is_some());
    }
}

#[test]
fn being_on_the_best_plan_is_a_reason_to_stay() {
    let snapshot = snapshot(vec![fixed("best", 10.0), fixed("other", 12.0)]);
    let mut request = request(projection(SEASONAL_YEAR, 10));
    request.current_plan = Some(CurrentPlan { plan_id: Some(snapshot.listings()[0].id), ..CurrentPlan::default() });
    let answer = recommend(&snapshot, &request).expect("advice");
    let stay = answer.stay_recommendation.expect("a current plan");
    assert!(answer.should_stay && stay.should_stay);
    assert_eq!(stay.triggers, [StayTrigger::LowNetSavings, StayTrigger::CurrentPlanNearBest]);
    assert_eq!(stay.confidence, 1.0);
    assert_eq!(answer.switch_timing.map(|timing| timing.action), Some(SwitchAction::Stay));
}

#[test]
fn an_exit_fee_that_waiting_avoids_advises_to_stay_until_then() {
    let mut request = request(projection([1_000; 12], 0));
    request.current_plan = Some(CurrentPlan {
        annual_cost: Some(Money::from_cents(150_000)),
        early_termination_fee: Some(dollars_price(200)),
        contract_end_date: Some(date(2026, 5, 31)),
        ..CurrentPlan::default()
    });
    let answer = advise(vec![fixed("new", 10.0)], &request);
    let stay = answer.stay_recommendation.expect("a current plan");
    assert_eq!(stay.triggers, [StayTrigger::BetterToWait]);
    assert_eq!(answer.switch_timing.map(|timing| timing.recommended_date), Some(date(2026, 5, 17)));
    let savings = answer.top_plans[0].savings.expect("a current plan");
    assert_eq!((savings.switching_cost, savings.break_even_months), (200.0, Some(8)));
}

#[test]
fn a_price_by_the_hour_without_interval_data_carries_its_range() {
    let rate = r#"{"type":"time_of_use","peak_rate":30,"off_peak_rate":8,"peak_hours":[16,17,18,19]}"#;
    let answer = advise(vec![plan("tou", PlanKind::TimeOfUse, 12, rate)], &request(projection(SEASONAL_YEAR, 5)));
    let plan = &answer.top_plans[0];
    let range = plan.shape_range.expect("a range");
    assert!(range.flatter < plan.projected_annual_cost && plan.projected_annual_cost < range.peakier, "{range:?}");
    assert!(plan.risk_warnings.iter().any(|risk| risk.risk_type == RiskType::ShapeUnknown));
}

#[test]
fn what_a_plan_is_tied_to_comes_first_among_its_trade_offs() {
    let mut tied = fixed("tied", 12.0);
    tied.conditions = vec!["Autopay".into(), " Paperless bills. ".into(), String::new()];
    tied.exit = flat_exit(100);
    let answer = advise(vec![fixed("free", 10.0), tied], &request(projection([1_000; 12], 0)));
    let expected = [
        "Only with: Autopay; Paperless bills",
        "Costs $240 a year more than the cheapest eligible plan",
        "Leaving early costs $100.00",
    ];
    assert_eq!(answer.top_plans[1].trade_offs, expected);
    assert!(answer.top_plans[0].trade_offs.is_empty());
}

#[test]
fn all_zero_usage_is_answered() {
    let answer = advise(vec![fixed("a", 10.0), credit("b", 12.0)], &request(projection([0; 12], 0)));
    assert_eq!(answer.top_plans.len(), 2);
    assert_eq!(answer.top_plans[0].projected_annual_cost, 0.0);
    assert_eq!(answer.top_plans[0].average_rate_per_kwh, 0.0);
}

#[test]
fn a_variable_price_carries_a_band_that_usage_alone_does_not_give() {
    let rate = r#"{"type":"variable","base_rate":10}"#;
    let answer = advise(vec![plan("v", PlanKind::Variable, 0, rate)], &request(projection([1_000; 12], 0)));
    let plan = &answer.top_plans[0];
    assert_eq!(plan.projected_annual_cost, 1_200.0);
    assert!(plan.cost_range.p10 < 1_000.0 && plan.cost_range.p90 > 1_400.0, "{:?}", plan.cost_range);
    assert!(plan.risk_warnings.iter().any(|risk| risk.risk_type == RiskType::VariableRate));
}

#[test]
fn gross_risks_of_the_first_plan_make_the_answer_risky() {
    let mut risky = fixed("risky", 10.0);
    risky.exit = flat_exit(400);
    risky.term_months = 24;
    let mut request = request(projection([1_000; 12], 0));
    request.priorities = Priorities::new(60, 40, 0, 0).expect("100");
    request.current_plan =
        Some(CurrentPlan { annual_cost: Some(Money::from_cents(100_000)), ..CurrentPlan::default() });
    let answer = advise(vec![risky.clone()], &request);
    let risks: Vec<_> = answer.top_plans[0].risk_warnings.iter().map(|risk| (risk.risk_type, risk.severity)).collect();
    let expected = [
        (RiskType::HighEtf, Severity::Critical),
        (RiskType::NegativeSavings, Severity::Critical),
        (RiskType::ContractMismatch, Severity::Warning),
    ];
    assert_eq!(risks, expected);
    assert_eq!((answer.overall_risk_level, answer.critical_risk_count), (RiskLevel::High, 2));
    request.include_risks = false;
    let without = advise(vec![risky], &request);
    assert!(without.top_plans[0].risk_warnings.is_empty());
    assert_eq!((without.overall_risk_level, without.total_risks_detected), (RiskLevel::High, 3));
}

#[test]
fn an_exit_fee_per_remaining_month_counts_at_half_term() {
    let mut by_month = fixed("a", 10.0);
    by_month.exit = ExitFee::PerMonthLeft { fee: dollars_price(25) };
    let answer = advise(vec![by_month], &request(projection([1_000; 12], 0)));
    assert_eq!(answer.top_plans[0].early_termination_fee, 150.0);
    assert_eq!(answer.top_plans[0].scores.flexibility_score, 68.0);
}

#[test]
fn the_answer_is_json_of_numbers_and_comes_back_the_same() {
    let mut request = request(projection(SEASONAL_YEAR, 10));
    request.current_plan =
        Some(CurrentPlan { annual_cost: Some(Money::from_cents(150_000)), ..CurrentPlan::default() });
    let answer = advise(vec![fixed("a", 10.0), credit("b", 14.0)], &request);
    let text = serde_json::to_string(&answer).expect("JSON");
    assert_eq!(serde_json::from_str::<Recommendation>(&text).expect("the same"), answer);
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(json["top_plans"][0]["projected_annual_cost"].is_f64());
    assert_eq!(json["top_plans"][0]["plan_type"], "fixed");
    assert_eq!(json["overall_risk_level"], "low");
    let energy: Energy = request.projection.months.iter().map(|month| month.expected).sum();
    assert_eq!(energy, Energy::from_whole_kwh(12_000));
}

/// The risks of a single plan for a household that pays `current` dollars a year.
fn risks_of(plan: crate::domain::catalog::Plan, current: i64, rating: (f64, u32)) -> Vec<(RiskType, Severity)> {
    let mut file = catalog(vec![plan]);
    (file.suppliers[0].rating, file.suppliers[0].review_count) = (Some(rating.0), rating.1);
    let mut request = request(projection([1_000; 12], 0));
    let annual_cost = Some(Money::from_cents(current * 100));
    request.current_plan = Some(CurrentPlan {
        annual_cost,
        early_termination_fee: (current == 1_300).then(|| dollars_price(170)),
        ..CurrentPlan::default()
    });
    let answer = recommend(&Snapshot::build(vec![file], 1, AS_OF), &request).expect("advice");
    answer.top_plans[0].risk_warnings.iter().map(|risk| (risk.risk_type, risk.severity)).collect()
}

#[test]
fn each_risk_is_raised_at_its_own_bound() {
    use RiskType as R;
    use Severity::{Critical, Info, Warning};
    let with = |change: &dyn Fn(&mut crate::domain::catalog::Plan)| {
        let mut plan = fixed("a", 10.0);
        change(&mut plan);
        plan
    };
    let plain = || with(&|_| ());
    let good = (4.0, 100);
    let cases = [
        ("nothing wrong", plain(), 2_000, good, vec![]),
        ("fee of 150", with(&|p| p.exit = flat_exit(150)), 2_000, good, vec![]),
        ("fee of 151", with(&|p| p.exit = flat_exit(151)), 2_000, good, vec![(R::HighEtf, Warning)]),
        ("fee of 301", with(&|p| p.exit = flat_exit(301)), 2_000, good, vec![(R::HighEtf, Critical)]),
        ("dearer", plain(), 1_199, good, vec![(R::NegativeSavings, Critical)]),
        ("same", plain(), 1_200, good, vec![(R::LowSavings, Warning)]),
        ("twenty months to break even", plain(), 1_300, good, vec![(R::BreakEvenTooLong, Warning)]),
        ("few stars, few reviews", plain(), 2_000, (2.0, 49), vec![]),
        ("three stars", plain(), 2_000, (3.0, 50), vec![(R::SupplierRating, Warning)]),
        ("two stars", plain(), 2_000, (2.0, 50), vec![(R::SupplierRating, Critical)]),
        ("deposit", with(&|p| p.deposit = Some(dollars_price(101))), 2_000, good, vec![(R::UpfrontCost, Info)]),
        ("prepaid", with(&|p| p.kind = PlanKind::Prepaid), 2_000, good, vec![(R::Prepaid, Info)]),
        ("ends in summer", with(&|p| p.term_months = 6), 2_000, good, vec![(R::RenewalSeason, Info)]),
    ];
    for (name, plan, current, rating, expected) in cases {
        assert_eq!(risks_of(plan, current, rating), expected, "{name}");
    }
}

#[test]
fn a_price_that_ends_before_the_contract_is_promotional() {
    let rate = r#"{"type":"tariff","charges":[
        {"id":"e","label":"Energy","tags":["energy"],"amount":{"kind":"energy","price":0.05}}],
        "versions":[{"from_contract_month":4,"charges":[
        {"id":"e","label":"Energy","tags":["energy"],"amount":{"kind":"energy","price":0.15}}]}]}"#;
    let promo = plan("promo", PlanKind::Fixed, 12, rate);
    assert_eq!(risks_of(promo, 5_000, (4.0, 100)), [(RiskType::Promotional, Severity::Warning)]);
}

#[test]
fn thin_data_is_a_risk_of_the_answer() {
    for (confidence, expected) in [(0.7, None), (0.69, Some(Severity::Warning)), (0.49, Some(Severity::Critical))] {
        let mut projection = projection([1_000; 12], 0);
        projection.confidence = confidence;
        let answer = advise(vec![fixed("a", 10.0)], &request(projection));
        assert_eq!(answer.data_risks.first().map(|risk| risk.severity), expected, "{confidence}");
        assert_eq!(answer.total_risks_detected, u32::from(expected.is_some()));
    }
}
