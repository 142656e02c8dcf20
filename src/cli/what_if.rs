//! `treebeard what-if`: the advice of `recommend`, for the household as it might be.

use crate::app::recommendations::Generated;
use crate::cli::household::{self, Household, HouseholdFlags};
use crate::cli::{Failure, SettingFlags, advice_table, output};
use crate::domain::advice::{self, AffectedPlans, Priorities, RankedPlan, RateChange, Recommendation, Scenario};
use crate::domain::usage::changes::{DayWindow, ElectricVehicle, HeatPump, Shift, Solar, UsageChanges};
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use uuid::Uuid;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard what-if --catalog plans.json --usage meter.csv --zip 75001 --ev 60@23:00-05:00\n  \
    treebeard what-if --usage meter.csv --zip 75001 --solar 6 --usage-factor 0.9 --json\n  \
    treebeard what-if --usage meter.csv --zip 75001 --shift 30@16:00-20:00,01:00-05:00 --rate-change variable=20")]
#[command(group = ArgGroup::new("changes").required(true).multiple(true))]
pub struct Arguments {
    #[command(flatten)]
    household: HouseholdFlags,
    /// Times the household's own use, as in 0.9
    #[arg(long, value_name = "FACTOR", group = "changes", help_heading = "Scenario")]
    usage_factor: Option<f64>,
    /// Move this percentage of the use of some hours into others, every day
    #[arg(long, value_name = "PERCENT@FROM-TO,FROM-TO", value_parser = shift, group = "changes", help_heading = "Scenario")]
    shift: Option<Shift>,
    /// A heat pump's kWh from January to December, twelve numbers
    #[arg(long, value_name = "KWH,..", value_parser = heat_pump, group = "changes", help_heading = "Scenario")]
    heat_pump: Option<HeatPump>,
    /// A car charged at home: kWh a week, and between which hours
    #[arg(long, value_name = "KWH@FROM-TO", value_parser = vehicle, group = "changes", help_heading = "Scenario")]
    ev: Option<ElectricVehicle>,
    /// Solar panels: kW, and the kWh one kW makes in a year [default: what is usual in the region]
    #[arg(long, value_name = "KW[@KWH]", value_parser = solar, group = "changes", help_heading = "Scenario")]
    solar: Option<Solar>,
    /// Energy prices of current, variable or all plans change by a percentage; may be repeated
    #[arg(long = "rate-change", value_name = "PLANS=PERCENT", value_parser = rate_change, allow_hyphen_values = true, group = "changes", help_heading = "Scenario")]
    rate_changes: Vec<RateChange>,
    /// Other percentages for cost, flexibility, renewable energy and supplier rating
    #[arg(long, value_name = "C,F,R,S", value_parser = household::priorities, group = "changes", help_heading = "Scenario")]
    new_priorities: Option<Priorities>,
    /// Print the answer as JSON, as the API gives it
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let now = Timestamp::now();
    let Household { snapshot, request, .. } = household::read(&arguments.household, settings, now)?;
    let scenario = Scenario {
        usage: UsageChanges {
            factor: arguments.usage_factor,
            shift: arguments.shift,
            heat_pump: arguments.heat_pump.clone(),
            electric_vehicle: arguments.ev,
            solar: arguments.solar,
        },
        rates: arguments.rate_changes.clone(),
        priorities: arguments.new_priorities,
    };
    scenario.usage.check().map_err(Failure::usage)?;
    let changed = advice::what_if(&snapshot, &request, &scenario).map_err(Failure::failed)?;
    if arguments.json {
        return output::print_json(&Generated::new(Uuid::now_v7(), now, &changed));
    }
    let before = advice::recommend(&snapshot, &request).map_err(Failure::failed)?;
    output::print(&(difference(&before, &changed) + &advice_table::text(&changed)))
}

/// The best plan before and after, and what it costs.
fn difference(before: &Recommendation, after: &Recommendation) -> String {
    let best = |advice: &Recommendation| {
        let told =
            |plan: &RankedPlan| format!("{}, {:.2} {}", plan.plan_name, plan.projected_annual_cost, advice.currency);
        let plan = advice.top_plans.first().map_or("no plan".to_owned(), told);
        format!("{plan} a year for {:.0} kWh", advice.user_profile.projected_annual_kwh)
    };
    format!("As it is:  {}\nWhat if:   {}\n\n", best(before), best(after))
}

fn number(text: &str, wanted: &str) -> Result<f64, String> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| format!("write it as {wanted}"))
}

fn window(text: &str, wanted: &str) -> Result<DayWindow, String> {
    let wrong = || format!("write it as {wanted}");
    let (from, to) = text.split_once('-').ok_or_else(wrong)?;
    Ok(DayWindow { from: from.parse().map_err(|_| wrong())?, to: to.parse().map_err(|_| wrong())? })
}

fn vehicle(text: &str) -> Result<ElectricVehicle, String> {
    let wanted = "KWH@FROM-TO, such as 60@23:00-05:00";
    let (kwh, hours) = text.split_once('@').ok_or_else(|| format!("write it as {wanted}"))?;
    let DayWindow { from, to } = window(hours, wanted)?;
    Ok(ElectricVehicle { kwh_per_week: number(kwh, wanted)?, from, to })
}

fn shift(text: &str) -> Result<Shift, String> {
    let wanted = "PERCENT@FROM-TO,FROM-TO, such as 30@16:00-20:00,01:00-05:00";
    let wrong = || format!("write it as {wanted}");
    let (percent, hours) = text.split_once('@').ok_or_else(wrong)?;
    let (out_of, into) = hours.split_once(',').ok_or_else(wrong)?;
    Ok(Shift { percent: number(percent, wanted)?, out_of: window(out_of, wanted)?, into: window(into, wanted)? })
}

fn solar(text: &str) -> Result<Solar, String> {
    let wanted = "KW or KW@KWH, such as 6 or 6@1400";
    match text.split_once('@') {
        Some((kw, kwh)) => Ok(Solar { kw: number(kw, wanted)?, kwh_per_kw: Some(number(kwh, wanted)?) }),
        None => Ok(Solar { kw: number(text, wanted)?, kwh_per_kw: None }),
    }
}

fn heat_pump(text: &str) -> Result<HeatPump, String> {
    let wanted = "twelve numbers, kWh from January to December";
    let kwh_by_month: Vec<f64> = text.split(',').map(|kwh| number(kwh, wanted)).collect::<Result<_, _>>()?;
    if kwh_by_month.len() == 12 { Ok(HeatPump { kwh_by_month }) } else { Err(format!("write it as {wanted}")) }
}

fn rate_change(text: &str) -> Result<RateChange, String> {
    let wanted = "PLANS=PERCENT, such as current=10, variable=-5 or all=3";
    let (plans, percent) = text.split_once('=').ok_or_else(|| format!("write it as {wanted}"))?;
    let plans = match plans.trim() {
        "current" => AffectedPlans::Current,
        "variable" => AffectedPlans::Variable,
        "all" => AffectedPlans::All,
        _ => return Err(format!("write it as {wanted}")),
    };
    Ok(RateChange { plans, percent: number(percent, wanted)? })
}
