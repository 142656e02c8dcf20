//! Scenarios: each change moves the year and the advice as a plain calculation says it does.
#![allow(clippy::float_cmp, reason = "amounts of the answer are rounded, so equality is meant")]

use super::fixture::{SEASONAL_YEAR, fixed, plan, projection, request, snapshot};
use super::*;
use crate::domain::calendar::ClockTime;
use crate::domain::catalog::PlanKind;
use crate::domain::units::{Energy, Percent};
use crate::domain::usage::changes::{DayWindow, ElectricVehicle, HeatPump, Shift, Solar, UsageChanges};
use crate::domain::usage::projection::Projection;

const TOU: &str = r#"{"type":"time_of_use","peak_rate":30,"off_peak_rate":8,"peak_hours":[16,17,18,19]}"#;

fn clock(text: &str) -> ClockTime {
    text.parse().expect("a clock time")
}

fn window(from: &str, to: &str) -> DayWindow {
    DayWindow { from: clock(from), to: clock(to) }
}

fn usage(usage: UsageChanges) -> Scenario {
    Scenario { usage, ..Scenario::default() }
}

fn changed(changes: UsageChanges) -> Projection {
    changes.apply(&projection(SEASONAL_YEAR, 10)).expect("a change")
}

fn kwh(projection: &Projection) -> f64 {
    projection.months.iter().map(|month| month.expected).sum::<Energy>().kwh()
}

fn import(projection: &Projection) -> f64 {
    projection.intervals.import.iter().copied().sum::<Energy>().kwh()
}

#[test]
fn a_factor_scales_the_year_its_bands_and_the_bill() {
    let half = changed(UsageChanges { factor: Some(0.5), ..UsageChanges::default() });
    assert_eq!((kwh(&half), import(&half)), (6_000.0, 6_000.0));
    let before = projection(SEASONAL_YEAR, 10);
    assert_eq!(half.months[0].band.p90, before.months[0].band.p90.scale(1, 2));
    assert_eq!(half.paths, before.paths, "the spread is the same share of half as much");
    let scenario = usage(UsageChanges { factor: Some(0.5), ..UsageChanges::default() });
    let answer = what_if(&snapshot(vec![fixed("a", 10.0)]), &request(before), &scenario).expect("advice");
    assert_eq!(answer.top_plans[0].projected_annual_cost, 600.0);
    assert_eq!((answer.user_profile.projected_annual_kwh, answer.user_profile.mean_monthly_kwh), (6_000.0, 500.0));
    assert_eq!(answer.warnings[0], "This is a scenario: the use times 0.5.");
}

#[test]
fn nothing_changed_is_the_advice_itself() {
    let (snapshot, request) =
        (snapshot(vec![fixed("a", 10.0), fixed("b", 11.0)]), request(projection(SEASONAL_YEAR, 10)));
    let mut answer = what_if(&snapshot, &request, &Scenario::default()).expect("advice");
    assert_eq!(answer.warnings.remove(0), "This scenario changes nothing.");
    let mut advice = recommend(&snapshot, &request).expect("advice");
    advice.user_profile = request.profile.with_projection(&request.projection);
    assert_eq!(answer, advice);
}

#[test]
fn a_car_adds_its_energy_in_its_hours_and_no_uncertainty() {
    let car = ElectricVehicle { kwh_per_week: 70.0, from: clock("23:30"), to: clock("05:00") };
    let before = projection(SEASONAL_YEAR, 10);
    let with = changed(UsageChanges { electric_vehicle: Some(car), ..UsageChanges::default() });
    assert_eq!(kwh(&with), 12_000.0 + 365.0 * 10.0);
    let day = with.intervals.day_range(20);
    let added: Vec<i64> = with.intervals.import[day.clone()]
        .iter()
        .zip(&before.intervals.import[day])
        .map(|(after, before)| (*after - *before).mwh_thousandths())
        .collect();
    // Five and a half hours: half an hour before midnight, five after it.
    let hour = 10_000_000.0 / 5.5;
    for (n, added) in added.iter().enumerate() {
        let share = if n < 5 {
            1.0
        } else if n == 23 {
            0.5
        } else {
            0.0
        };
        assert!((*added as f64 - hour * share).abs() <= 1.0, "hour {n}: {added}");
    }
    let february = |of: &Projection| (of.months[0].expected, of.months[0].band);
    let ((old, old_band), (new, new_band)) = (february(&before), february(&with));
    assert_eq!(new - old, Energy::from_whole_kwh(280));
    assert_eq!(new_band.p90 - new, old_band.p90 - old, "the band is as wide as it was");
    let strayed = |of: &Projection| (of.paths[5][0] - 1_000_000) as f64 * of.months[0].expected.kwh();
    assert!((strayed(&with) - strayed(&before)).abs() < 2_000.0, "and so is every path");
}

#[test]
fn moving_use_between_hours_changes_no_month_and_the_bill_by_the_price_difference() {
    let shift = Shift { percent: 50.0, out_of: window("16:00", "20:00"), into: window("01:00", "05:00") };
    let before = projection([1_000; 12], 0);
    let changes = UsageChanges { shift: Some(shift), ..UsageChanges::default() };
    let after = changes.apply(&before).expect("a change");
    assert_eq!(after.months, before.months);
    let peak = |of: &Projection| {
        let steps =
            (0..of.intervals.days()).flat_map(|day| of.intervals.day_range(day).zip(of.intervals.clock_slots(day)));
        steps
            .filter(|(_, slot)| (16..20).contains(slot))
            .map(|(step, _)| of.intervals.import[step])
            .sum::<Energy>()
            .kwh()
    };
    assert!((peak(&after) - peak(&before) / 2.0).abs() < 1e-3);
    let (market, request) = (snapshot(vec![plan("tou", PlanKind::TimeOfUse, 12, TOU)]), request(before.clone()));
    let cost = |answer: &Recommendation| answer.top_plans[0].projected_annual_cost;
    let plain = recommend(&market, &request).expect("advice");
    let scenario = what_if(&market, &request, &usage(changes)).expect("advice");
    assert!((cost(&plain) - cost(&scenario) - peak(&before) / 2.0 * 0.22).abs() < 0.13, "22 cents a kWh");
    let range = |answer: &Recommendation| answer.top_plans[0].shape_range.expect("the hours are not known");
    assert!(range(&scenario).peakier < range(&plain).peakier, "the other shapes are shifted as well");
}

#[test]
fn a_heat_pump_adds_its_months_evenly() {
    let kwh_by_month = vec![400.0, 300.0, 200.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0, 200.0, 300.0];
    let with = changed(UsageChanges { heat_pump: Some(HeatPump { kwh_by_month }), ..UsageChanges::default() });
    let months: Vec<f64> = with.months.iter().map(|month| month.expected.kwh()).collect();
    // The projection begins in February.
    assert_eq!(
        months,
        [1_200.0, 1_000.0, 750.0, 850.0, 1_100.0, 1_300.0, 1_500.0, 1_400.0, 1_150.0, 1_000.0, 1_050.0, 1_200.0]
    );
}

#[test]
fn panels_are_used_first_and_feed_in_the_rest() {
    let solar = Solar { kw: 5.0, kwh_per_kw: Some(1_500.0) };
    let with = changed(UsageChanges { solar: Some(solar), ..UsageChanges::default() });
    let exported = with.intervals.export.iter().copied().sum::<Energy>().kwh();
    assert!((import(&with) - exported - (12_000.0 - 7_500.0)).abs() < 1e-6, "what comes in less what goes out");
    assert!(exported > 1_000.0 && kwh(&with) > 4_500.0 && kwh(&with) < 12_000.0, "{exported} {}", kwh(&with));
    assert!(with.intervals.import.iter().zip(&with.intervals.export).all(|(i, e)| i.is_zero() || e.is_zero()));
    let scenario = usage(UsageChanges { solar: Some(solar), ..UsageChanges::default() });
    let answer =
        what_if(&snapshot(vec![fixed("a", 10.0)]), &request(projection(SEASONAL_YEAR, 0)), &scenario).expect("advice");
    assert!((answer.top_plans[0].projected_annual_cost - import(&with) * 0.1).abs() < 0.1);
    assert!(answer.warnings[0].contains("5 kW of solar panels that make 7,500 kWh a year"), "{}", answer.warnings[0]);
}

#[test]
fn a_car_with_free_nights_changes_the_best_plan() {
    let nights = r#"{"type":"time_of_use","peak_rate":13,"off_peak_rate":0,"peak_hours":[5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23]}"#;
    let market = snapshot(vec![fixed("flat", 9.0), plan("nights", PlanKind::TimeOfUse, 12, nights)]);
    let request = request(projection(SEASONAL_YEAR, 5));
    let first = |answer: &Recommendation| answer.top_plans[0].plan_name.clone();
    assert_eq!(first(&recommend(&market, &request).expect("advice")), "Plan flat");
    let car = ElectricVehicle { kwh_per_week: 100.0, from: clock("00:00"), to: clock("05:00") };
    let scenario = usage(UsageChanges { electric_vehicle: Some(car), ..UsageChanges::default() });
    assert_eq!(first(&what_if(&market, &request, &scenario).expect("advice")), "Plan nights");
}

#[test]
fn prices_change_for_whom_it_is_said() {
    let market = || {
        let variable = plan("v", PlanKind::Variable, 0, r#"{"type":"variable","base_rate":10}"#);
        snapshot(vec![fixed("own", 10.0), fixed("other", 10.0), variable])
    };
    let own = market().listings()[0].id;
    let mut request = request(projection([1_000; 12], 0));
    request.current_plan = Some(CurrentPlan { plan_id: Some(own), ..CurrentPlan::default() });
    let costs = |plans, percent| {
        let scenario = Scenario { rates: vec![RateChange { plans, percent }], ..Scenario::default() };
        let answer = what_if(&market(), &request, &scenario).expect("advice");
        let of = |name: &str| {
            let found = answer.top_plans.iter().find(|plan| plan.plan_name == name).expect("a plan");
            found.projected_annual_cost
        };
        (of("Plan own"), of("Plan other"), of("Plan v"), answer.current_annual_cost)
    };
    assert_eq!(costs(AffectedPlans::Current, 20.0), (1_440.0, 1_200.0, 1_200.0, Some(1_440.0)));
    assert_eq!(costs(AffectedPlans::Variable, 10.0), (1_200.0, 1_200.0, 1_320.0, Some(1_200.0)));
    assert_eq!(costs(AffectedPlans::All, -50.0), (600.0, 600.0, 600.0, Some(600.0)));
    let rate = serde_json::from_str(r#"{"current_rate": 15, "monthly_fee": 5}"#).expect("a plan");
    request.current_plan = Some(rate);
    let scenario =
        Scenario { rates: vec![RateChange { plans: AffectedPlans::Current, percent: 10.0 }], ..Scenario::default() };
    let answer = what_if(&market(), &request, &scenario).expect("advice");
    assert_eq!(answer.current_annual_cost, Some(2_040.0), "16.5 cents and an unchanged fee");
    let told = "This is a scenario: energy prices of the current plan changed by 10%.";
    assert_eq!(answer.warnings[0], told);
}

#[test]
fn other_priorities_give_another_order() {
    let mut green = fixed("green", 11.0);
    green.renewable = Percent::from_percent(100.0).expect("a share");
    let market = snapshot(vec![fixed("cheap", 10.0), green]);
    let request = request(projection([1_000; 12], 0));
    let scenario = Scenario { priorities: Some(Priorities::new(0, 0, 100, 0).expect("100")), ..Scenario::default() };
    let answer = what_if(&market, &request, &scenario).expect("advice");
    assert_eq!(answer.top_plans[0].plan_name, "Plan green");
}

#[test]
fn values_that_make_no_sense_are_refused_by_name() {
    let refused = |usage: UsageChanges| usage.apply(&projection([1_000; 12], 0)).expect_err("refused").field;
    let none = UsageChanges::default;
    assert_eq!(refused(UsageChanges { factor: Some(-0.1), ..none() }), "usage_factor");
    assert_eq!(refused(UsageChanges { factor: Some(f64::NAN), ..none() }), "usage_factor");
    let pump = HeatPump { kwh_by_month: vec![1.0; 11] };
    assert_eq!(refused(UsageChanges { heat_pump: Some(pump), ..none() }), "heat_pump.kwh_by_month");
    let solar = Solar { kw: 1_001.0, kwh_per_kw: None };
    assert_eq!(refused(UsageChanges { solar: Some(solar), ..none() }), "solar.kw");
    let rates = vec![RateChange { plans: AffectedPlans::All, percent: 501.0 }];
    let scenario = Scenario { rates, ..Scenario::default() };
    let error = what_if(&snapshot(vec![]), &request(projection([1_000; 12], 0)), &scenario).expect_err("refused");
    assert!(error.to_string().starts_with("rate_changes must be"), "{error}");
}

#[test]
fn no_use_at_all_can_be_added_to() {
    let car = ElectricVehicle { kwh_per_week: 70.0, from: clock("00:00"), to: clock("00:00") };
    let changes = UsageChanges {
        electric_vehicle: Some(car),
        solar: Some(Solar { kw: 1.0, kwh_per_kw: None }),
        ..UsageChanges::default()
    };
    let with = changes.apply(&projection([0; 12], 0)).expect("a change");
    assert!(with.paths.iter().flatten().all(|share| *share == 1_000_000));
    assert!(kwh(&with) > 1_000.0);
}
