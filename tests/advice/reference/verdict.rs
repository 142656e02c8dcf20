//! Savings, the best day, staying, and what can go wrong.

use super::Case;
use super::bills::Priced;
use super::current::{Cost, Days, Own, SPLIT, months_left, typical_exit_fee};
use super::world::{Plan, Rate};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeSet;
use treebeard::domain::advice::{RankedPlan, RiskLevel, RiskType, RiskWarning, Severity, SwitchAction, SwitchTiming};

impl Case<'_> {
    pub fn verdict(&self) {
        let cost = self.own.as_ref().and_then(|own| own.cost.as_ref());
        assert_eq!(self.answer.current_annual_cost.is_some(), cost.is_some(), "{}", self.name);
        if let (Some(told), Some(cost)) = (self.answer.current_annual_cost, cost) {
            self.near("the current year", told, cost.annual() as f64, self.own_slack());
        }
        for (plan, _, shown) in &self.plans {
            self.savings(plan, shown);
            self.risks(plan, shown);
        }
        self.level();
        let Some((_, best, shown)) = self.plans.first() else {
            assert!(self.answer.switch_timing.is_none() && self.answer.stay_recommendation.is_none(), "{}", self.name);
            return;
        };
        let timing = self.answer.switch_timing.as_ref().expect("a plan to switch to");
        match (&self.own, cost) {
            (Some(own), Some(cost)) => {
                self.timing(own, cost, shown, timing);
                self.staying(cost, best, shown, timing);
            }
            (Some(own), None) => {
                let free =
                    own.free_from().filter(|free| *free > self.market.as_of && own.exit_fee(self.market.as_of) > 0);
                let expected = free.map_or(SwitchAction::SwitchNow, |_| SwitchAction::Wait);
                assert_eq!(timing.action, expected, "{}", self.name);
                assert_eq!(timing.recommended_date, free.unwrap_or(self.market.as_of), "{}", self.name);
            }
            _ => assert_eq!(timing.action, SwitchAction::NoCurrentPlan, "{}", self.name),
        }
    }

    /// Recurring costs against recurring costs; what a switch costs stands apart and is counted once.
    fn savings(&self, plan: &Plan, shown: &RankedPlan) {
        let (Some(own), Some(current)) = (&self.own, self.answer.current_annual_cost) else {
            return assert_eq!(shown.savings, None, "{}", self.name);
        };
        let savings = shown.savings.expect("a current cost");
        let saved = (current - shown.projected_annual_cost) * 100.0 + plan.joining as f64;
        self.near("savings", savings.annual_savings, saved, 0.0);
        self.near("monthly savings", savings.monthly_savings, saved / 12.0, 0.5);
        let percent = if current == 0.0 { 0.0 } else { saved / current };
        assert!((savings.savings_percentage - percent).abs() <= 0.005 + 1e-6, "{}: {percent}", self.name);
        let is_own = own.plan.is_some_and(|own| own.name == plan.name);
        let switching = if is_own { 0 } else { own.exit_fee(self.market.as_of) + i128::from(plan.joining) };
        self.near("switching", savings.switching_cost, switching as f64, 0.0);
        // Month by month until the savings have paid for the switch.
        let saved = saved.round() as i128;
        let expected = (saved > 0).then(|| {
            let mut months = 0;
            while saved * months < switching * 12 {
                months += if switching * 12 > saved * (months + 1_000) { 1_000 } else { 1 };
            }
            months as u32
        });
        assert_eq!(savings.break_even_months, expected, "{}", self.name);
    }

    fn timing(&self, own: &Own<'_>, cost: &Cost, shown: &RankedPlan, timing: &SwitchTiming) {
        let as_of = self.market.as_of;
        let horizon = own.end.map_or(0, |end| months_left(as_of, end)).clamp(12, 60);
        let new: Vec<i128> = shown.monthly_costs.iter().map(|bill| (bill * 100.0).round() as i128).collect();
        let days = Days::of(as_of, horizon, own, cost, &new);
        let joining = (shown.cost_breakdown.one_time * 100.0).round() as i128;
        let total = |day: Date| days.switched_on(day) + (own.exit_fee(day) + joining) * SPLIT;
        let mut dates = BTreeSet::from([as_of]);
        if let Some(end) = own.end.filter(|end| *end > as_of) {
            let last = end.min(days.starts[horizon as usize]);
            dates.extend(days.starts.iter().copied().filter(|day| *day <= last));
            dates.extend(own.free_from().filter(|free| *free > as_of && *free <= last));
        }
        let told: Vec<Date> = timing.options.iter().map(|option| option.date).collect();
        assert_eq!(told, dates.iter().copied().collect::<Vec<_>>(), "{}", self.name);
        assert_eq!((i64::from(timing.horizon_months), timing.contract_end_date), (horizon, own.end), "{}", self.name);
        let slack = 0.51 + self.own_slack() * horizon as f64 / 12.0;
        let cents = |parts: i128| parts as f64 / SPLIT as f64;
        for option in &timing.options {
            self.near("a day", option.total_cost, cents(total(option.date)), slack);
            self.near("leaving", option.exit_fee, own.exit_fee(option.date) as f64, 0.0);
        }
        let least = dates.iter().map(|day| total(*day)).min().expect("today at least");
        let stayed = days.stayed(0, horizon as usize);
        let chosen = total(timing.recommended_date);
        self.near("the best day", cents(chosen) / 100.0, cents(least), 2.0 * slack);
        let clear = cost.exact && cents((stayed - least).abs()) > 1.0;
        if cost.exact {
            let best = *dates.iter().find(|day| total(**day) == least).expect("one of them");
            assert_eq!(timing.recommended_date, best, "{}", self.name);
        }
        if clear {
            let expected = match timing.recommended_date {
                _ if stayed <= least => SwitchAction::Stay,
                day if day == as_of => SwitchAction::SwitchNow,
                _ => SwitchAction::Wait,
            };
            assert_eq!(timing.action, expected, "{}", self.name);
        }
        let options = [timing.cost_if_now, timing.cost_if_then].map(|cost| cost.expect("a current cost"));
        self.near("waiting", timing.savings_over_now, (options[0] - options[1]) * 100.0, 1.0);
    }

    fn staying(&self, cost: &Cost, best: &Priced, shown: &RankedPlan, timing: &SwitchTiming) {
        let stay = self.answer.stay_recommendation.as_ref().expect("a current cost");
        let savings = shown.savings.expect("a current cost");
        let round = |dollars: f64| (dollars * 100.0).round() as i128;
        let switching = round(savings.switching_cost);
        let waiting = timing.action == SwitchAction::Wait && timing.savings_over_now > 0.0;
        let holds = |current: i128, new: i128| {
            let saved = current - new;
            let too_long = saved > 0 && switching * 12 > 24 * saved;
            [saved - switching < 50_00, too_long, waiting, saved * 50 <= new]
        };
        let new = round(shown.projected_annual_cost - shown.cost_breakdown.one_time);
        let expected = holds(round(self.answer.current_annual_cost.expect("a cost")), new);
        let names = ["low_net_savings", "long_break_even", "better_to_wait", "current_plan_near_best"];
        let expected: Vec<&str> =
            names.into_iter().zip(expected).filter(|(_, holds)| *holds).map(|(name, _)| name).collect();
        assert_eq!(serde_json::to_value(&stay.triggers).expect("names"), serde_json::json!(expected), "{}", self.name);
        assert_eq!((stay.should_stay, self.answer.should_stay), (!expected.is_empty(), !expected.is_empty()));
        self.near(
            "the first year",
            stay.net_annual_savings.expect("a cost"),
            savings.annual_savings * 100.0 - switching as f64,
            0.0,
        );
        assert_eq!(stay.break_even_months, savings.break_even_months, "{}", self.name);
        let pairs = cost.paths.iter().zip(&best.paths);
        let agree = pairs
            .filter(|(old, new)| holds(old.round() as i128, new.round() as i128).contains(&true) == stay.should_stay);
        let share = agree.count() as f64 / 64.0;
        assert!((share - stay.confidence).abs() <= 2.5 / 64.0, "{}: {share} {stay:?}", self.name);
    }

    fn risks(&self, plan: &Plan, shown: &RankedPlan) {
        let mut expected: BTreeSet<(RiskType, Severity)> = BTreeSet::new();
        let mut add = |kind, critical: bool, warning: bool| {
            if critical || warning {
                expected.insert((kind, if critical { Severity::Critical } else { Severity::Warning }));
            }
        };
        let exit = typical_exit_fee(plan);
        add(RiskType::HighEtf, exit > 300_00, exit > 150_00);
        if let Some(savings) = shown.savings {
            let cents = (savings.annual_savings * 100.0).round() as i128;
            let current = (self.answer.current_annual_cost.expect("a cost") * 100.0).round() as i128;
            add(RiskType::NegativeSavings, cents < 0, false);
            let low = cents >= 0 && (cents * 20 < current || current == 0);
            add(RiskType::LowSavings, false, low && cents < 100_00);
            if low && cents >= 100_00 {
                expected.insert((RiskType::LowSavings, Severity::Info));
            }
            let months = savings.break_even_months.unwrap_or(0);
            let mut add = |kind, critical: bool, warning: bool| {
                if critical || warning {
                    expected.insert((kind, if critical { Severity::Critical } else { Severity::Warning }));
                }
            };
            add(RiskType::BreakEvenTooLong, months > 24, months > 18);
        }
        let warn = |holds: bool, kind| holds.then_some((kind, Severity::Warning));
        let note = |holds: bool, kind| holds.then_some((kind, Severity::Info));
        let clock = matches!(plan.rate, Rate::Clock { .. });
        let end = self.market.as_of.checked_add(plan.term.months()).expect("a day");
        let weight = self.market.months[end.month() as usize - 1];
        let view = if plan.term == 0 { 12 } else { plan.term };
        let rises = matches!(plan.rate, Rate::Intro { price, later, months } if later > price && months < view);
        let (stars, reviews) = self.market.suppliers[plan.supplier];
        let stars = stars.filter(|_| reviews >= 50);
        let rows = [
            warn(plan.kind() == "variable", RiskType::VariableRate),
            warn(clock && !self.household.hours_known, RiskType::ShapeUnknown),
            warn(plan.term > 12 && self.household.priorities[1] > 30, RiskType::ContractMismatch),
            note(plan.term > 0 && weight >= 10, RiskType::RenewalSeason),
            warn(stars.is_some_and(|stars| (25..35).contains(&stars)), RiskType::SupplierRating),
            stars.is_some_and(|stars| stars < 25).then_some((RiskType::SupplierRating, Severity::Critical)),
            note(plan.deposit + plan.joining + plan.monthly_fee > 100_00, RiskType::UpfrontCost),
            note(plan.prepaid, RiskType::Prepaid),
            warn(rises, RiskType::Promotional),
        ];
        expected.extend(rows.into_iter().flatten());
        let told: BTreeSet<_> = shown.risk_warnings.iter().map(|risk| (risk.risk_type, risk.severity)).collect();
        let (cliffs, others): (BTreeSet<_>, BTreeSet<_>) =
            told.into_iter().partition(|(kind, _)| *kind == RiskType::BillCreditCliff);
        assert_eq!(others, expected, "{}: {plan:?}", self.name);
        self.cliff(plan, shown, cliffs.first().map(|(_, severity)| *severity));
        let order: Vec<Severity> = shown.risk_warnings.iter().map(|risk| risk.severity).collect();
        assert!(order.windows(2).all(|pair| pair[0] >= pair[1]), "{}: gravest first", self.name);
        assert_eq!((shown.risk_count as usize, shown.highest_risk_severity), (order.len(), order.first().copied()));
    }

    /// A month whose band crosses a bound at which its bill jumps by more than a tenth.
    fn cliff(&self, plan: &Plan, shown: &RankedPlan, told: Option<Severity>) {
        let (jump, bounds) = match plan.rate {
            Rate::Credit { cents, from, to, .. } => (cents, vec![Some(from), to]),
            Rate::LeastUse { cents, below, .. } => (cents, vec![Some(below)]),
            _ => return assert_eq!(told, None, "{}: {plan:?}", self.name),
        };
        // The engine prices a thousandth beside the bound: that much energy is in its jump as well.
        const BESIDE: f64 = 2_00.0;
        let (mut surely, mut perhaps) = (false, false);
        for bound in bounds.into_iter().flatten().map(|kwh| kwh * 1_000_000) {
            for ((low, high), bill) in self.household.bands.iter().zip(&shown.monthly_costs) {
                if *low < bound && bound <= *high {
                    let over = jump as f64 - 10.0 * bill.abs();
                    surely |= over > BESIDE;
                    perhaps |= over > -BESIDE;
                }
            }
        }
        assert!(told.is_some() || !surely, "{}: {plan:?}", self.name);
        assert!(told.is_none() || perhaps, "{}: {plan:?}", self.name);
        let year = shown.projected_annual_cost - shown.cost_breakdown.one_time;
        let over = shown.cost_range.p90 - shown.cost_range.p10 - year / 5.0;
        if let Some(told) = told.filter(|_| over.abs() > 0.02) {
            let expected = if over > 0.0 { Severity::Critical } else { Severity::Warning };
            assert_eq!(told, expected, "{}: {plan:?}", self.name);
        }
    }

    fn level(&self) {
        let data: Vec<Severity> = self.answer.data_risks.iter().map(|risk| risk.severity).collect();
        let expected = match self.household.confidence {
            ..=49 => vec![Severity::Critical],
            50..=69 => vec![Severity::Warning],
            _ => vec![],
        };
        assert_eq!(data, expected, "{}: once for the answer", self.name);
        let shown = &self.answer.top_plans;
        let first: &[RiskWarning] = shown.first().map_or(&[], |plan| &plan.risk_warnings);
        let count = |grade: Severity| {
            first.iter().filter(|risk| risk.severity == grade).count() + data.iter().filter(|s| **s == grade).count()
        };
        let (criticals, warnings) = (count(Severity::Critical), count(Severity::Warning));
        let level = if criticals >= 2 {
            RiskLevel::High
        } else if criticals == 1 || warnings >= 3 {
            RiskLevel::Medium
        } else {
            RiskLevel::Low
        };
        assert_eq!(self.answer.overall_risk_level, level, "{}", self.name);
        let all: Vec<Severity> =
            shown.iter().flat_map(|plan| &plan.risk_warnings).map(|risk| risk.severity).chain(data).collect();
        let critical = all.iter().filter(|severity| **severity == Severity::Critical).count();
        let told = (self.answer.total_risks_detected as usize, self.answer.critical_risk_count as usize);
        assert_eq!(told, (all.len(), critical), "{}", self.name);
    }
}
