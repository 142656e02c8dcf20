//! A household as commands take it: a catalog, a meter file, where it is, what matters to it, the plan it is on.

use crate::app::outlook::{self, Home};
use crate::cli::meter_file::{self, MeterFlags};
use crate::cli::plan_file::{self, PlanFlags};
use crate::cli::{Failure, SettingFlags, output, stored};
use crate::domain::advice::{self, CurrentPlan, Location, Options, Priorities};
use crate::domain::catalog::{PlanKind, PropertyType};
use crate::domain::market::{Place, Snapshot, UtilityRef};
use crate::domain::tariff::Cents;
use crate::domain::units::{Money, Price};
use crate::domain::usage::readings::ReadingSet;
use clap::{ArgGroup, Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// What advice is asked for.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true))]
pub struct HouseholdFlags {
    /// Plans on sale, in any catalog format [default: the imported catalog]
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Meter file; - reads standard input
    #[arg(long, value_name = "FILE")]
    usage: PathBuf,
    /// Where the household is
    #[arg(long, group = "where")]
    zip: Option<String>,
    /// Its utility, by id or name
    #[arg(long, value_name = "NAME", group = "where")]
    utility: Option<String>,
    /// Percentages for cost, flexibility, renewable energy and supplier rating
    #[arg(long, value_name = "C,F,R,S", default_value = "40,30,20,10", value_parser = priorities)]
    priorities: Priorities,
    /// Day the advice is for [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Kind of property
    #[arg(long, value_name = "KIND", default_value = "residential")]
    property: Property,
    /// How many plans to show, 1 to 10
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    top: u8,
    #[command(flatten, next_help_heading = "Filters")]
    filters: Filters,
    #[command(flatten, next_help_heading = "Current plan")]
    current: Current,
    #[command(flatten, next_help_heading = "Meter file")]
    meter: MeterFlags,
    #[command(flatten, next_help_heading = "Catalog file")]
    plans: PlanFlags,
}

#[derive(Debug, Args)]
struct Filters {
    /// Longest contract, in months
    #[arg(long, value_name = "MONTHS")]
    max_contract: Option<u32>,
    /// Least renewable share, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_renewable: Option<f64>,
    /// Only plans of this kind; may be repeated
    #[arg(long = "plan-type", value_name = "KIND")]
    plan_types: Vec<Kind>,
}

#[derive(Debug, Args)]
struct Current {
    /// The plan it is on, by id, where the catalog holds it
    #[arg(long, value_name = "ID")]
    current_plan: Option<Uuid>,
    /// What it pays now, all-in cents per kWh
    #[arg(long, value_name = "CENTS", value_parser = cents)]
    current_rate: Option<Cents>,
    /// What it pays a month beside that
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    current_fee: Option<Price>,
    /// What it pays a year, where the rate is not known
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    current_cost: Option<Price>,
    /// Last day of the current contract
    #[arg(long, value_name = "DATE")]
    contract_end: Option<Date>,
    /// What leaving it early costs
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    exit_fee: Option<Price>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Property {
    Residential,
    Commercial,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Fixed,
    Variable,
    Indexed,
    Tiered,
    TimeOfUse,
    Prepaid,
}

pub fn priorities(text: &str) -> Result<Priorities, String> {
    let parts: Vec<u8> = text
        .split(',')
        .map(|part| part.trim().parse::<u8>().ok().filter(|part| *part <= 100))
        .collect::<Option<_>>()
        .ok_or("write four whole numbers from 0 to 100, such as 40,30,20,10")?;
    let [cost, flexibility, renewable, rating] = parts[..] else {
        return Err(format!("there are {} numbers: write four, such as 40,30,20,10", parts.len()));
    };
    Priorities::new(cost, flexibility, renewable, rating).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "write a number such as 12.5".to_owned())
}

fn percent(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| {
        if (0.0..=100.0).contains(&value) { Ok(value) } else { Err("must be from 0 to 100".to_owned()) }
    })
}

fn cents(text: &str) -> Result<Cents, String> {
    let price = Price::from_cents(number(text)?).map_err(|error| error.to_string())?;
    if price < Price::ZERO { Err("must not be negative".to_owned()) } else { Ok(Cents(price)) }
}

fn amount(text: &str) -> Result<Price, String> {
    let price = Price::from_currency(number(text)?).map_err(|error| error.to_string())?;
    if price < Price::ZERO { Err("must not be negative".to_owned()) } else { Ok(price) }
}

/// What a command works on.
pub struct Household {
    pub snapshot: Snapshot,
    pub request: advice::Request,
    /// As the meter file has them.
    pub readings: ReadingSet,
}

/// The catalog and what is asked of it.
pub fn read(arguments: &HouseholdFlags, settings: &SettingFlags, now: Timestamp) -> Result<Household, Failure> {
    let snapshot = snapshot(arguments.catalog.as_deref(), &arguments.plans, arguments.as_of, settings, now)?;
    let market = snapshot.markets()[market(arguments, &snapshot)?].market.clone();
    let home = Home::of(market, None);
    let meter = meter_file::read(&arguments.usage, &arguments.meter, &home.zone)?;
    let property = PropertyType::from(arguments.property);
    let on = arguments.as_of.map_or(Ok(now), |day| noon(day, &home.zone))?;
    let outlook = outlook::of(&home, property, &meter.readings, on).map_err(Failure::failed)?;
    let request = advice::Request {
        as_of: outlook.as_of,
        place: location(arguments),
        property_type: property,
        profile: outlook.user_profile(),
        projection: outlook.projection,
        priorities: arguments.priorities,
        current_plan: current_plan(&arguments.current),
        options: options(arguments),
        include_risks: true,
    };
    Ok(Household { snapshot, request, readings: meter.readings })
}

/// The catalog, compiled, and what a person should know about how it was read.
pub fn snapshot(
    catalog: Option<&Path>,
    plans: &PlanFlags,
    as_of: Option<Date>,
    settings: &SettingFlags,
    now: Timestamp,
) -> Result<Snapshot, Failure> {
    let as_of = as_of.unwrap_or_else(|| now.to_zoned(TimeZone::UTC).date());
    let Some(path) = catalog else { return stored::snapshot(settings, as_of) };
    let import = plan_file::read(path, plans)?;
    if !import.rejected.is_empty() {
        output::note(&format!(
            "{} of {} offers were left out; treebeard catalog validate says why",
            import.rejected.len(),
            import.rows_read
        ));
    }
    Ok(Snapshot::build(vec![import.catalog], 0, as_of))
}

fn location(arguments: &HouseholdFlags) -> Location {
    match (&arguments.utility, &arguments.zip) {
        (Some(name), _) => Location::Utility(name.clone()),
        (None, zip) => Location::Zip(zip.clone().unwrap_or_default()),
    }
}

/// The household's market. A place without a choice of supplier is in one: that is an answer and no error.
fn market(arguments: &HouseholdFlags, snapshot: &Snapshot) -> Result<usize, Failure> {
    let names = |places: &[UtilityRef]| {
        places.iter().map(|place| snapshot.utility(*place).name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let known: Vec<&str> =
        snapshot.markets().iter().flat_map(|entry| entry.utilities.iter().map(|utility| utility.id.as_str())).collect();
    if let Some(name) = &arguments.utility {
        let found = snapshot.utility_named(name);
        return found.map(|place| place.market).ok_or_else(|| {
            Failure::usage(format!("the catalog knows no utility called {name}; it knows {}", known.join(", ")))
        });
    }
    let zip = arguments.zip.as_deref().unwrap_or_default();
    match snapshot.place(zip) {
        Place::Served { utility, others } => {
            if !others.is_empty() {
                output::note(&format!(
                    "{zip} is served by {} and by {}; {} is taken, --utility chooses",
                    names(&[utility]),
                    names(&others),
                    names(&[utility])
                ));
            }
            Ok(utility.market)
        }
        Place::NoChoice { market } => Ok(market),
        Place::Unknown => Err(Failure::usage(format!(
            "no utility of the catalog serves the ZIP {zip}: check it, or name the utility with --utility, one of {}",
            known.join(", ")
        ))),
    }
}

/// A moment that is on that day in the household's zone.
pub fn noon(day: Date, zone: &TimeZone) -> Result<Timestamp, Failure> {
    let moment =
        zone.to_zoned(day.at(12, 0, 0, 0)).map_err(|error| Failure::usage(format!("--as-of {day}: {error}")))?;
    Ok(moment.timestamp())
}

fn current_plan(given: &Current) -> Option<CurrentPlan> {
    let plan = CurrentPlan {
        plan_id: given.current_plan,
        current_rate: given.current_rate,
        monthly_fee: given.current_fee,
        contract_end_date: given.contract_end,
        early_termination_fee: given.exit_fee,
        annual_cost: given.current_cost.map(Price::once).filter(|cost| *cost > Money::ZERO),
        ..CurrentPlan::default()
    };
    (plan != CurrentPlan::default()).then_some(plan)
}

fn options(arguments: &HouseholdFlags) -> Options {
    Options {
        top_n: arguments.top,
        max_contract_length: arguments.filters.max_contract,
        min_renewable: arguments.filters.min_renewable,
        plan_types: arguments.filters.plan_types.iter().copied().map(PlanKind::from).collect(),
        explanations: advice::Explanations::Template,
    }
}

impl From<Property> for PropertyType {
    fn from(property: Property) -> PropertyType {
        match property {
            Property::Residential => PropertyType::Residential,
            Property::Commercial => PropertyType::Commercial,
        }
    }
}

impl From<Kind> for PlanKind {
    fn from(kind: Kind) -> PlanKind {
        match kind {
            Kind::Fixed => PlanKind::Fixed,
            Kind::Variable => PlanKind::Variable,
            Kind::Indexed => PlanKind::Indexed,
            Kind::Tiered => PlanKind::Tiered,
            Kind::TimeOfUse => PlanKind::TimeOfUse,
            Kind::Prepaid => PlanKind::Prepaid,
        }
    }
}
