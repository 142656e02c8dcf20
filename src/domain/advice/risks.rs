//! What can go wrong with a plan, one warning per row of method.md 6.

use super::answer::{RiskCategory, RiskLevel, RiskType, RiskWarning, Severity, ShapeRange};
use super::cliffs::Cliff;
use super::ranking::{DEFAULT_PRICE_SD, Shown};
use super::savings::Comparison;
use super::wording::{about, grouped, money, months, percent};
use crate::domain::calendar::Month;
use crate::domain::catalog::{PlanKind, Supplier};
use crate::domain::units::{Money, Price};
use jiff::ToSpan;
use jiff::civil::Date;

/// A plan with what its risks depend on.
#[derive(Debug)]
pub struct Setting<'a> {
    pub plan: &'a Shown<'a>,
    pub supplier: &'a Supplier,
    pub savings: Option<&'a Comparison>,
    pub currency: &'a str,
    pub as_of: Date,
    /// Percent.
    pub flexibility_priority: u8,
    /// 1..=12: when the market's households use most.
    pub dearest_months: [i8; 3],
    /// The household's own hours are not known.
    pub shape_unknown: bool,
    pub shape_range: Option<ShapeRange>,
    pub cliffs: &'a [Cliff],
}

/// The plan's risks, gravest first.
pub fn plan_risks(setting: &Setting<'_>) -> Vec<RiskWarning> {
    let rows: [fn(&Setting<'_>) -> Option<RiskWarning>; 12] = [
        high_etf,
        savings_risk,
        break_even,
        variable_rate,
        bill_credit_cliff,
        shape_unknown,
        contract_mismatch,
        renewal_season,
        supplier_rating,
        upfront_cost,
        prepaid,
        promotional,
    ];
    let mut risks: Vec<RiskWarning> = rows.iter().filter_map(|row| row(setting)).collect();
    // Stable: risks of one severity keep the order of the table.
    risks.sort_by_key(|risk| std::cmp::Reverse(risk.severity));
    risks
}

/// How far the usage data can be trusted: said once per answer.
pub fn data_quality(confidence: f64) -> Option<RiskWarning> {
    let severity = graded(confidence < 0.5, confidence < 0.7)?;
    Some(RiskWarning {
        risk_type: RiskType::DataQuality,
        severity,
        category: RiskCategory::Data,
        title: "Little usage data".into(),
        message: format!(
            "The projection rests on usage data with a confidence of {}, so costs may differ from what is shown.",
            percent(confidence * 100.0)
        ),
        mitigation: Some("Add more months of usage, twelve if possible, or the meter's interval file.".into()),
    })
}

/// The level of the whole answer: what stands on plan 1 and in the data.
pub fn overall_level(first_plan: &[RiskWarning], data: Option<&RiskWarning>) -> RiskLevel {
    let count = |severity| first_plan.iter().filter(|risk| risk.severity == severity).count();
    let data_is = |severity| usize::from(data.is_some_and(|risk| risk.severity == severity));
    let criticals = count(Severity::Critical) + data_is(Severity::Critical);
    let warnings = count(Severity::Warning) + data_is(Severity::Warning);
    match (criticals, warnings) {
        (2.., _) => RiskLevel::High,
        (1, _) | (_, 3..) => RiskLevel::Medium,
        _ => RiskLevel::Low,
    }
}

fn graded(critical: bool, warning: bool) -> Option<Severity> {
    match (critical, warning) {
        (true, _) => Some(Severity::Critical),
        (_, true) => Some(Severity::Warning),
        _ => None,
    }
}

fn risk(
    risk_type: RiskType,
    severity: Severity,
    category: RiskCategory,
    title: &str,
    message: String,
    mitigation: &str,
) -> RiskWarning {
    let mitigation = (!mitigation.is_empty()).then(|| mitigation.to_owned());
    RiskWarning { risk_type, severity, category, title: title.into(), message, mitigation }
}

fn high_etf(setting: &Setting<'_>) -> Option<RiskWarning> {
    let fee = setting.plan.exit_fee;
    let severity = graded(fee > Money::from_cents(30_000), fee > Money::from_cents(15_000))?;
    let message = format!(
        "Leaving this plan before its {} are over costs {}.",
        months(setting.plan.candidate.listing.plan.term_months),
        money(setting.currency, fee)
    );
    let advice = "Take it only if you expect to stay for the whole term.";
    Some(risk(RiskType::HighEtf, severity, RiskCategory::Contract, "High exit fee", message, advice))
}

/// Negative or low: one of the two.
fn savings_risk(setting: &Setting<'_>) -> Option<RiskWarning> {
    let savings = setting.savings?;
    let annual = savings.annual();
    if annual.is_negative() {
        let message = format!("This plan costs {} a year more than the current one.", money(setting.currency, -annual));
        let advice = "Stay on the current plan unless something else about this one is worth the difference.";
        let (kind, title) = (RiskType::NegativeSavings, "Costs more than today");
        return Some(risk(kind, Severity::Critical, RiskCategory::Cost, title, message, advice));
    }
    if savings.percent() >= 5.0 {
        return None;
    }
    let severity = if annual < Money::from_cents(10_000) { Severity::Warning } else { Severity::Info };
    let message = format!(
        "Switching saves {} a year, {} of the current cost.",
        money(setting.currency, annual),
        percent(savings.percent())
    );
    let advice = "Weigh the savings against the effort of switching.";
    Some(risk(RiskType::LowSavings, severity, RiskCategory::Cost, "Low savings", message, advice))
}

fn break_even(setting: &Setting<'_>) -> Option<RiskWarning> {
    let savings = setting.savings?;
    let count = savings.break_even_months()?;
    let severity = graded(count > 24, count > 18)?;
    let message = format!(
        "It takes {} of savings to pay for the switch, which costs {}.",
        months(count),
        money(setting.currency, savings.switching_cost)
    );
    let advice = "Wait until the current contract can be left without a fee.";
    Some(risk(RiskType::BreakEvenTooLong, severity, RiskCategory::Cost, "Long break-even", message, advice))
}

fn variable_rate(setting: &Setting<'_>) -> Option<RiskWarning> {
    let listing = setting.plan.candidate.listing;
    if !matches!(listing.plan.kind, PlanKind::Variable | PlanKind::Indexed) {
        return None;
    }
    let sd = listing.tariff.price_sd.map_or(DEFAULT_PRICE_SD, |sd| sd.percent() / 100.0);
    let cost = &setting.plan.cost;
    let message = format!(
        "The energy price may change (by about {} either way); the year may cost {} to {}.",
        percent(sd * 100.0),
        about(setting.currency, (cost.p10 + setting.plan.one_time).currency()),
        about(setting.currency, (cost.p90 + setting.plan.one_time).currency())
    );
    let advice = "Watch the monthly price, or take a fixed plan.";
    Some(risk(RiskType::VariableRate, Severity::Warning, RiskCategory::Cost, "Price may change", message, advice))
}

fn bill_credit_cliff(setting: &Setting<'_>) -> Option<RiskWarning> {
    let steepest = setting.cliffs.iter().max_by_key(|cliff| cliff.jump)?;
    let touched = setting.cliffs.iter().map(|cliff| cliff.months).max().unwrap_or(0);
    let cost = &setting.plan.cost;
    let spread = (cost.p90 - cost.p10).currency();
    let severity = if spread > 0.2 * cost.annual.currency() { Severity::Critical } else { Severity::Warning };
    let message = format!(
        "A bill changes by up to {} when the month's use crosses {} kWh, which may happen in {}.",
        about(setting.currency, steepest.jump.currency()),
        grouped(steepest.bound.kwh().round() as u64),
        if touched == 1 { "1 month of the year".into() } else { format!("{touched} months of the year") }
    );
    let advice = "Keep an eye on the month's use before the meter is read, or take a plan without such a step.";
    Some(risk(
        RiskType::BillCreditCliff,
        severity,
        RiskCategory::Cost,
        "Bill depends on a usage threshold",
        message,
        advice,
    ))
}

fn shape_unknown(setting: &Setting<'_>) -> Option<RiskWarning> {
    if !(setting.shape_unknown && setting.plan.candidate.offer.dependence.hourly) {
        return None;
    }
    let message = match setting.shape_range {
        Some(range) => format!(
            "The price depends on the hour and your hours are not known: a flatter day makes {} a year, a peakier one {}.",
            about(setting.currency, range.flatter),
            about(setting.currency, range.peakier)
        ),
        None => "The price depends on the hour and your hours are not known.".into(),
    };
    let advice = "Upload the meter's interval file to be sure.";
    Some(risk(RiskType::ShapeUnknown, Severity::Warning, RiskCategory::Data, "Hours of use not known", message, advice))
}

fn contract_mismatch(setting: &Setting<'_>) -> Option<RiskWarning> {
    let term = setting.plan.candidate.listing.plan.term_months;
    if term <= 12 || setting.flexibility_priority <= 30 {
        return None;
    }
    let message = format!("Flexibility matters to you, and this contract runs {}.", months(term));
    let advice = "Look at the shorter contracts of the list.";
    let title = "Long contract";
    Some(risk(RiskType::ContractMismatch, Severity::Warning, RiskCategory::Contract, title, message, advice))
}

fn renewal_season(setting: &Setting<'_>) -> Option<RiskWarning> {
    let term = setting.plan.candidate.listing.plan.term_months;
    let end = setting.as_of.checked_add(i64::from(term).months()).ok().filter(|_| term > 0)?;
    if !setting.dearest_months.contains(&end.month()) {
        return None;
    }
    let message = format!(
        "A contract from today ends in {}, when the market uses most and new prices tend to be high.",
        Month::of(end)
    );
    let advice = "Compare plans a month or two before it ends.";
    let title = "Ends in the dear season";
    Some(risk(RiskType::RenewalSeason, Severity::Info, RiskCategory::Contract, title, message, advice))
}

fn supplier_rating(setting: &Setting<'_>) -> Option<RiskWarning> {
    let supplier = setting.supplier;
    let stars = supplier.rating.filter(|_| supplier.review_count >= 50)?;
    let severity = graded(stars < 2.5, stars < 3.5)?;
    let message = format!(
        "{} has {stars:.1} of 5 stars in {} reviews.",
        supplier.name,
        grouped(u64::from(supplier.review_count))
    );
    let advice = "Read what customers say about bills and service before you sign.";
    Some(risk(RiskType::SupplierRating, severity, RiskCategory::Supplier, "Low supplier rating", message, advice))
}

fn upfront_cost(setting: &Setting<'_>) -> Option<RiskWarning> {
    let plan = &setting.plan.candidate.listing.plan;
    let parts = [plan.deposit, plan.connection_fee, plan.monthly_fee];
    let upfront: Money = parts.into_iter().flatten().map(Price::once).sum();
    if upfront <= Money::from_cents(10_000) {
        return None;
    }
    let message =
        format!("Joining takes {} at the start, deposit and first fees together.", money(setting.currency, upfront));
    let advice = if plan.deposit.is_some() { "Ask when and how the deposit comes back." } else { "" };
    Some(risk(RiskType::UpfrontCost, Severity::Info, RiskCategory::Cost, "Money up front", message, advice))
}

fn prepaid(setting: &Setting<'_>) -> Option<RiskWarning> {
    if setting.plan.candidate.listing.plan.kind != PlanKind::Prepaid {
        return None;
    }
    let message = "Electricity is paid for in advance, and may be cut off when the balance is used up.".into();
    let advice = "Set up automatic payments or a low-balance alert.";
    Some(risk(RiskType::Prepaid, Severity::Info, RiskCategory::Contract, "Prepaid", message, advice))
}

fn promotional(setting: &Setting<'_>) -> Option<RiskWarning> {
    let term = setting.plan.candidate.listing.plan.term_months;
    let dependence = &setting.plan.candidate.offer.dependence;
    // Without a contract a year is looked at, as the costs do.
    let in_view = if term == 0 { 12 } else { term };
    let end = setting.as_of.saturating_add(i64::from(in_view).months());
    let before = if term == 0 { "" } else { ", before the contract does" };
    let message = if let Some(last) = dependence.promotion_until.filter(|&last| last < in_view) {
        format!("An introductory price or credit ends after {}{before}.", months(last))
    } else {
        let rise = dependence.rises_on.iter().find(|&&day| day > setting.as_of && day < end)?;
        let before = if term == 0 { "" } else { ", before the contract ends" };
        format!("The price rises, or a credit ends, on {rise}{before}.")
    };
    let advice = "Judge the plan by its price after that.";
    Some(risk(RiskType::Promotional, Severity::Warning, RiskCategory::Cost, "Introductory price", message, advice))
}
