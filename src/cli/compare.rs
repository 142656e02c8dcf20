//! `treebeard compare`: two to five plans of a catalog side by side on one household's meter file.

use crate::app::outlook::{self, Home};
use crate::cli::advice_table::push_wrapped;
use crate::cli::household::{self, Property};
use crate::cli::meter_file::{self, MeterFlags};
use crate::cli::plan_file::PlanFlags;
use crate::cli::{Failure, SettingFlags, output};
use crate::domain::advice::{Measure, PlanComparison, compare_plans};
use crate::domain::market::{Listing, Place, Snapshot, UtilityRef};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard compare --catalog plans.json --usage meter.csv --plans ash/cheap-12,oak/green-0\n  \
    treebeard compare --usage meter.csv --zip 75001 --plans 'Cheap 12,Green 0' --json")]
pub struct Arguments {
    /// Plans on sale, in any catalog format [default: the imported catalog]
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Meter file; - reads standard input
    #[arg(long, value_name = "FILE")]
    usage: PathBuf,
    /// Two to five plans, each by id, key or name
    #[arg(long, value_name = "PLAN,PLAN", value_delimiter = ',', required = true)]
    plans: Vec<String>,
    /// Where the household is, which decides the delivery charges [default: the first utility that sells all of them]
    #[arg(long)]
    zip: Option<String>,
    /// Its utility, by id or name
    #[arg(long, value_name = "NAME", conflicts_with = "zip")]
    utility: Option<String>,
    /// Day the comparison is for [default: today]
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Kind of property
    #[arg(long, value_name = "KIND", default_value = "residential")]
    property: Property,
    #[command(flatten, next_help_heading = "Meter file")]
    meter: MeterFlags,
    #[command(flatten, next_help_heading = "Catalog file")]
    files: PlanFlags,
    /// Print the comparison as JSON, as the API gives it
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    let now = Timestamp::now();
    let snapshot = household::snapshot(arguments.catalog.as_deref(), &arguments.files, arguments.as_of, settings, now)?;
    let listings: Vec<&Listing> =
        arguments.plans.iter().map(|wanted| plan(&snapshot, wanted.trim())).collect::<Result<_, _>>()?;
    let Some(first) = listings.first() else { return Err(Failure::usage("name two to five plans with --plans")) };
    let place = place(arguments, &snapshot)?;
    let home = Home::of(snapshot.market_of(first).market.clone(), place);
    let meter = meter_file::read(&arguments.usage, &arguments.meter, &home.zone)?;
    let on = arguments.as_of.map_or(Ok(now), |day| household::noon(day, &home.zone))?;
    let outlook = outlook::of(&home, arguments.property.into(), &meter.readings, on).map_err(Failure::failed)?;
    let ids: Vec<_> = listings.iter().map(|listing| listing.id).collect();
    let compared = compare_plans(&snapshot, &ids, place, outlook.as_of, &outlook.projection).map_err(Failure::usage)?;
    if arguments.json { output::print_json(&compared) } else { output::print(&text(&compared)) }
}

/// By id, key or name; a name that several plans have is refused.
fn plan<'a>(snapshot: &'a Snapshot, wanted: &str) -> Result<&'a Listing, Failure> {
    let listings = snapshot.listings();
    let by_id = wanted.parse().ok().and_then(|id| snapshot.plan(id));
    if let Some(found) = by_id.or_else(|| listings.iter().find(|listing| listing.plan.key == wanted)) {
        return Ok(found);
    }
    let named: Vec<&Listing> =
        listings.iter().filter(|listing| listing.plan.name.eq_ignore_ascii_case(wanted)).collect();
    match named[..] {
        [found] => Ok(found),
        [] => Err(Failure::usage(format!("{} (treebeard catalog list shows them)", unknown(snapshot, wanted)))),
        _ => {
            let keys: Vec<&str> = named.iter().take(5).map(|listing| listing.plan.key.as_str()).collect();
            let count = named.len();
            Err(Failure::usage(format!("{count} plans are called {wanted}: say which by its key, {}", keys.join(", "))))
        }
    }
}

fn unknown(snapshot: &Snapshot, wanted: &str) -> String {
    let likeness = |listing: &Listing| {
        let plan = &listing.plan;
        let like = |text: &str| strsim::jaro_winkler(&text.to_lowercase(), &wanted.to_lowercase());
        like(&plan.key).max(like(&plan.name))
    };
    let nearest = snapshot.listings().iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let hint = nearest.filter(|listing| likeness(listing) > 0.8).map(|listing| listing.plan.key.as_str());
    let hint = hint.map_or(String::new(), |key| format!(", did you mean {key}?"));
    format!("no plan of the catalog has the id, key or name {wanted}{hint}")
}

fn place(arguments: &Arguments, snapshot: &Snapshot) -> Result<Option<UtilityRef>, Failure> {
    if let Some(name) = &arguments.utility {
        let found = snapshot.utility_named(name);
        return found.map(Some).ok_or_else(|| Failure::usage(format!("the catalog knows no utility called {name}")));
    }
    let Some(zip) = &arguments.zip else { return Ok(None) };
    match snapshot.place(zip) {
        Place::Served { utility, .. } => Ok(Some(utility)),
        Place::NoChoice { .. } => Err(Failure::usage(format!("{zip} has no retail choice, so no plan is sold there"))),
        Place::Unknown => Err(Failure::usage(format!("no utility of the catalog serves the ZIP {zip}"))),
    }
}

/// A plan a column, a measure a row; the best of a row is marked.
fn text(compared: &PlanComparison) -> String {
    let place = compared.utility.as_deref().unwrap_or("any utility");
    let (kwh, day) = (compared.projected_annual_kwh, compared.as_of);
    let mut text =
        format!("{kwh:.0} kWh in the coming year under {place}, compared on {day} in {}\n\n", compared.currency);
    let mut head = vec!["measure"];
    head.extend(compared.plans.iter().map(|plan| plan.plan_name.as_str()));
    let mut table = output::table(&head);
    let mut suppliers = vec!["supplier".into()];
    suppliers.extend(compared.plans.iter().map(|plan| output::number(&plan.supplier_name)));
    table.add_row(suppliers);
    for measured in &compared.measures {
        let mut row = vec![name(measured.measure).into()];
        for (plan, value) in compared.plans.iter().zip(&measured.values) {
            let mark = if measured.best.contains(&plan.plan_id) { "* " } else { "" };
            row.push(output::number(
                value.map_or("-".to_owned(), |value| format!("{mark}{}", shown(measured.measure, value))),
            ));
        }
        table.add_row(row);
    }
    for (n, month) in compared.months.iter().enumerate() {
        let mut row = vec![format!("bill of {}-{:02}", month.year(), month.month()).into()];
        let bills = compared.plans.iter().map(|plan| plan.monthly_costs.get(n).copied().unwrap_or_default());
        row.extend(bills.map(|bill| output::number(format!("{bill:.2}"))));
        table.add_row(row);
    }
    text.push_str(&output::lines(&table));
    for plan in &compared.plans {
        text.push_str(&format!("\n{}, {}\n", plan.plan_name, plan.supplier_name));
        for good in &plan.gains {
            push_wrapped(&mut text, "   + ", good);
        }
        for bad in &plan.trade_offs {
            push_wrapped(&mut text, "   - ", bad);
        }
    }
    for warning in &compared.warnings {
        push_wrapped(&mut text, "! ", warning);
    }
    text.push_str(&format!("\n* the best of these\n{}\n", compared.disclaimer));
    text
}

const fn name(measure: Measure) -> &'static str {
    match measure {
        Measure::AnnualCost => "year",
        Measure::CostSpread => "p90 - p10",
        Measure::WorstMonth => "dearest month",
        Measure::ContractLength => "term, months",
        Measure::ExitFee => "exit fee",
        Measure::Renewable => "green, %",
        Measure::SupplierRating => "stars",
    }
}

fn shown(measure: Measure, value: f64) -> String {
    match measure {
        Measure::ContractLength | Measure::Renewable => format!("{value:.0}"),
        Measure::SupplierRating => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
