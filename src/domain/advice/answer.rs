//! The advice as clients read it: `contract.md`'s generate answer, without the ids and times its keeper adds.
//!
//! Money is rounded to cents, rates (cents per kWh) to four decimals, scores to two, energy (kWh) to three.

use crate::domain::catalog::PlanKind;
use crate::domain::units::Money;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a household should do, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recommendation {
    pub user_profile: UserProfile,
    /// Best first.
    pub top_plans: Vec<RankedPlan>,
    /// Plans that were eligible and priced.
    pub total_plans_analyzed: u32,
    pub warnings: Vec<String>,
    pub overall_risk_level: RiskLevel,
    pub total_risks_detected: u32,
    pub critical_risk_count: u32,
    pub should_stay: bool,
    /// `null` when there is no current plan to stay on.
    pub stay_recommendation: Option<Stay>,
    /// `null` when there is no plan to switch to.
    pub switch_timing: Option<SwitchTiming>,
    pub algorithm_version: String,
    pub disclaimer: String,
    /// The day the advice is for.
    pub as_of: Date,
    pub market: Option<String>,
    pub utility: Option<String>,
    /// ISO 4217.
    pub currency: String,
    /// What the household pays in the coming year if it changes nothing.
    pub current_annual_cost: Option<f64>,
    /// The same by month, for the months of `user_profile.projected_months`.
    #[serde(default)]
    pub current_monthly_costs: Option<Vec<f64>>,
    /// Over all eligible plans, shown or not.
    pub marks: Marks,
    /// Plans left out, by reason.
    pub excluded: Vec<Exclusion>,
    /// Risks of the data itself, said once.
    pub data_risks: Vec<RiskWarning>,
}

/// How the household uses electricity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserProfile {
    /// `insufficient_data`, `seasonal`, `variable`, `high_user`, `low_user` or `baseline`.
    pub profile_type: String,
    pub projected_annual_kwh: f64,
    pub mean_monthly_kwh: f64,
    pub has_seasonal_pattern: bool,
    /// 0..=1.
    pub confidence_score: f64,
    /// Twelve months from the month after `as_of`.
    pub projected_months: Vec<ProjectedUse>,
    /// `held`: from the household's own interval readings; `standard`: the market's standard load shape.
    pub hourly_shape: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectedUse {
    /// First day of the month.
    pub month: Date,
    pub kwh: f64,
    pub p10: f64,
    pub p90: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RankedPlan {
    /// From 1.
    pub rank: u32,
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_id: Uuid,
    pub supplier_name: String,
    pub supplier_website: Option<String>,
    pub plan_type: PlanKind,
    pub scores: Scores,
    /// Expected, with one-time fees.
    pub projected_annual_cost: f64,
    pub projected_monthly_cost: f64,
    /// All-in cents per kWh, one-time fees not included.
    pub average_rate_per_kwh: f64,
    pub cost_range: CostRange,
    /// Expected bills of the twelve months of `user_profile.projected_months`.
    pub monthly_costs: Vec<f64>,
    /// How far each of these months may be off: over the usage paths, and over the price where it may change.
    #[serde(default)]
    pub monthly_cost_ranges: Vec<MonthlyRange>,
    pub cost_breakdown: CostBreakdown,
    /// `null` without a current cost to compare with.
    pub savings: Option<Savings>,
    /// 0: month to month.
    pub contract_length_months: u32,
    pub early_termination_fee: f64,
    pub renewable_percentage: f64,
    pub monthly_fee: Option<f64>,
    pub explanation: String,
    pub explanation_source: ExplanationSource,
    pub key_differentiators: Vec<String>,
    pub trade_offs: Vec<String>,
    pub risk_warnings: Vec<RiskWarning>,
    pub risk_count: u32,
    pub highest_risk_severity: Option<Severity>,
    /// `cheapest`, `greenest`, `most_flexible`, `pareto_front`.
    pub marks: Vec<Mark>,
    /// The yearly cost under a flatter and under a peakier day, where the price depends on the hour and no interval
    /// data is held.
    pub shape_range: Option<ShapeRange>,
    /// How far the tariff itself can be trusted.
    pub price_confidence: PriceConfidence,
    /// The whole contract, and what comes after it; `null` for a plan without a contract.
    pub over_term: Option<OverTerm>,
}

/// A plan over its whole contract, at the prices known today and the use of the projected year.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverTerm {
    pub contract_months: u32,
    /// The last one may be shorter than twelve months.
    pub years: Vec<TermYear>,
    /// All bills of the contract and the one-time fees.
    pub total_cost: f64,
    /// Against staying, after the cost of switching; `null` without a current cost.
    pub total_savings: Option<f64>,
    /// What happens when the contract ends, as the plan's terms say it.
    pub after: String,
    /// Twelve months at the price the terms state for after the contract; `null` where they state none.
    pub annual_cost_after: Option<f64>,
}

/// Twelve months of a contract, or what is left of it. One-time fees and the cost of switching are not in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TermYear {
    pub months: u32,
    pub cost: f64,
    /// The same months on the current plan, after its end at what its terms state for then.
    pub current_cost: Option<f64>,
    pub savings: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    pub cost_score: f64,
    pub flexibility_score: f64,
    pub renewable_score: f64,
    pub rating_score: f64,
    pub composite_score: f64,
}

/// Yearly cost over the usage paths, one-time fees included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostRange {
    pub p10: f64,
    pub p90: f64,
    /// The dearest single month of any path.
    pub worst_month: f64,
}

/// The bill of one month over the usage paths.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MonthlyRange {
    pub p10: f64,
    pub p90: f64,
}

/// Of the expected year; the parts sum to `projected_annual_cost`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CostBreakdown {
    pub energy: f64,
    pub delivery: f64,
    pub fixed: f64,
    /// Negative: bill credits and export.
    pub credits: f64,
    pub fees: f64,
    pub taxes: f64,
    pub one_time: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Savings {
    /// Negative when the plan costs more than the current one.
    pub annual_savings: f64,
    /// Of the current yearly cost; 0 when that is zero.
    pub savings_percentage: f64,
    pub monthly_savings: f64,
    /// Months until the cost of switching is earned back; `null` when it never is.
    pub break_even_months: Option<u32>,
    /// The current plan's exit fee today and the new plan's one-time fees.
    pub switching_cost: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationSource {
    Ai,
    Template,
    /// None was asked for.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Cheapest,
    Greenest,
    MostFlexible,
    ParetoFront,
}

/// Ids of the best plan by each measure, and of those no other plan beats on all four.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Marks {
    pub cheapest: Option<Uuid>,
    pub greenest: Option<Uuid>,
    pub most_flexible: Option<Uuid>,
    pub pareto_front: Vec<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ShapeRange {
    pub flatter: f64,
    pub peakier: f64,
}

/// The catalog's word on a tariff, with the largest difference to the published averages in cents per kWh.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PriceConfidence {
    Verified,
    Parsed,
    Estimated { residual_cents: f64 },
    Unreproduced { residual_cents: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    Critical,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    Low,
    Medium,
    High,
}

/// The rows of method.md 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskType {
    HighEtf,
    NegativeSavings,
    LowSavings,
    BreakEvenTooLong,
    VariableRate,
    BillCreditCliff,
    ShapeUnknown,
    ContractMismatch,
    RenewalSeason,
    SupplierRating,
    UpfrontCost,
    Prepaid,
    Promotional,
    DataQuality,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskCategory {
    Contract,
    Cost,
    Supplier,
    Data,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RiskWarning {
    pub risk_type: RiskType,
    pub severity: Severity,
    pub category: RiskCategory,
    pub title: String,
    pub message: String,
    pub mitigation: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stay {
    pub should_stay: bool,
    pub reasoning: String,
    pub triggers: Vec<StayTrigger>,
    /// First-year savings of plan 1 after the cost of switching.
    pub net_annual_savings: Option<f64>,
    pub break_even_months: Option<u32>,
    /// The share of usage paths in which the advice holds, 0..=1.
    pub confidence: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StayTrigger {
    LowNetSavings,
    LongBreakEven,
    BetterToWait,
    CurrentPlanNearBest,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SwitchTiming {
    pub action: SwitchAction,
    /// The best day to switch.
    pub recommended_date: Date,
    /// What the best day saves over switching today, over `horizon_months`.
    pub savings_over_now: f64,
    /// Exit fee of the current plan today, and on the best day.
    pub exit_fee_now: f64,
    pub exit_fee_then: f64,
    /// Cost of the whole horizon when switching today, and on the best day; `null` without a current cost.
    pub cost_if_now: Option<f64>,
    pub cost_if_then: Option<f64>,
    pub horizon_months: u32,
    pub contract_end_date: Option<Date>,
    pub reason: String,
    /// Every day that was compared.
    pub options: Vec<TimingOption>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SwitchAction {
    SwitchNow,
    Wait,
    /// No day of the horizon makes switching pay.
    Stay,
    /// No current plan to leave.
    NoCurrentPlan,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimingOption {
    pub date: Date,
    pub exit_fee: f64,
    pub total_cost: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exclusion {
    pub reason: ExclusionReason,
    /// In words.
    pub message: String,
    pub plans: u32,
}

/// Why a plan is not eligible; a plan is counted once, at the first reason that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionReason {
    InactivePlan,
    InactiveSupplier,
    NotOnSale,
    PropertyType,
    AnnualUsage,
    NewCustomersOnly,
    ContractTooLong,
    NotGreenEnough,
    PlanType,
    CannotBePriced,
}

/// Currency, two decimals.
pub(super) fn dollars(money: Money) -> f64 {
    money.cents() as f64 / 100.0
}

/// `value` with that many decimals, half away from zero, and no negative zero.
pub(super) fn rounded(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded == 0.0 { 0.0 } else { rounded }
}
