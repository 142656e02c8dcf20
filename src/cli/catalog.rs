//! `treebeard catalog`: plan lists checked, listed, converted and kept.

use crate::cli::plan_file::{self, PlanFlags};
use crate::cli::stored::{self, ImportManner};
use crate::cli::{Failure, SettingFlags, catalog_diff, output};
use crate::domain::catalog::Confidence;
use crate::domain::market::{Listing, Place, Snapshot, UtilityRef};
use crate::formats::catalog::{CatalogImport, write_csv, write_json};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Cell;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    treebeard catalog validate plans.csv\n  \
    treebeard catalog list plans.csv --zip 75001\n  \
    treebeard catalog diff plans.csv\n  \
    treebeard catalog import plans.csv\n  \
    treebeard catalog export --format csv > plans.csv")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep the plans of a file: adds, changes and retires until the database says what the file says
    Import {
        file: PathBuf,
        #[command(flatten)]
        plans: PlanFlags,
        /// Say what would change and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Leave plans on sale that are not in the file; without it they are retired
        #[arg(long)]
        merge: bool,
        #[arg(long)]
        json: bool,
    },
    /// Show what an import would change: entries added (+), changed field by field (~) and retired (-)
    Diff {
        file: PathBuf,
        #[command(flatten)]
        plans: PlanFlags,
        /// Compare for an import that leaves plans on sale that are not in the file
        #[arg(long)]
        merge: bool,
        #[arg(long)]
        json: bool,
    },
    /// Check a file without keeping anything: every offer refused, every fault, how well bills match published prices
    Validate {
        file: PathBuf,
        #[command(flatten)]
        plans: PlanFlags,
        #[arg(long)]
        json: bool,
    },
    /// List plans with their all-in prices at 500, 1,000 and 2,000 kWh a month
    List {
        /// Catalog file [default: the imported catalog]
        file: Option<PathBuf>,
        #[command(flatten)]
        plans: PlanFlags,
        /// Only plans sold at this ZIP
        #[arg(long)]
        zip: Option<String>,
        /// Only plans sold under this utility
        #[arg(long, value_name = "NAME", conflicts_with = "zip")]
        utility: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Write a catalog in our own form
    Export {
        /// Catalog file in any format [default: the imported catalog]
        file: Option<PathBuf>,
        #[command(flatten)]
        plans: PlanFlags,
        #[arg(long, value_enum, default_value = "json")]
        format: Form,
        /// Which market, where several are imported
        #[arg(long, value_name = "ID")]
        market: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Form {
    Json,
    Csv,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    match &arguments.command {
        Command::Import { file, plans, dry_run, merge, json } => {
            let import = plan_file::read(file, plans)?;
            stored::import(settings, import, ImportManner { dry_run: *dry_run, merge: *merge, json: *json })
        }
        Command::Diff { file, plans, merge, json } => {
            catalog_diff::run(settings, plan_file::read(file, plans)?, *merge, *json)
        }
        Command::Validate { file, plans, json } => validate(&plan_file::read(file, plans)?, *json),
        Command::List { file, plans, zip, utility, json } => {
            let snapshot = match file {
                Some(file) => Snapshot::build(vec![plan_file::read(file, plans)?.catalog], 0, today()),
                None => stored::snapshot(settings, today())?,
            };
            list(&snapshot, zip.as_deref(), utility.as_deref(), *json)
        }
        Command::Export { file, plans, format, market } => {
            let catalog = match file {
                Some(file) => plan_file::read(file, plans)?.catalog,
                None => stored::market(settings, market.as_deref())?,
            };
            output::print(&match format {
                Form::Json => write_json(&catalog),
                Form::Csv => write_csv(&catalog),
            })
        }
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// What was read, as facts: shared by `validate` and `import`.
pub fn summary(import: &CatalogImport) -> Value {
    let catalog = &import.catalog;
    let rejected: Vec<Value> = import
        .rejected
        .iter()
        .map(|rejection| json!({"place": rejection.place.to_string(), "reason": rejection.reason}))
        .collect();
    let mut summary = json!({
        "format": import.format.as_str(),
        "market": catalog.market.id,
        "rows_read": import.rows_read,
        "plans": catalog.plans.len(),
        "suppliers": catalog.suppliers.len(),
        "utilities": catalog.utilities.len(),
        "rows_rejected": rejected.len(),
        "rejected": rejected,
        "notes": import.notes,
    });
    if let Some(shares) = import.shares {
        summary["published_prices"] = json!({
            "plans": shares.published,
            "reproduced": shares.reproduced,
            "from_stated_charges": shares.parsed,
            "share": (shares.share() * 1e4).round() / 1e4,
        });
    }
    summary
}

/// The summary for people.
pub fn summary_text(import: &CatalogImport) -> String {
    let catalog = &import.catalog;
    let mut text = format!(
        "{}: {} offers read, {} plans of {} suppliers in {}, {} left out\n",
        import.format,
        import.rows_read,
        catalog.plans.len(),
        catalog.suppliers.len(),
        catalog.market.name,
        import.rejected.len(),
    );
    if let Some(shares) = import.shares {
        text += &format!(
            "{} of {} plans with published average prices bill them within 0.1 cent ({:.1} %), {} of them from stated charges alone\n",
            shares.reproduced,
            shares.published,
            shares.share() * 100.0,
            shares.parsed,
        );
    }
    for note in &import.notes {
        text += &["  ", note, "\n"].concat();
    }
    for rejection in &import.rejected {
        text += &format!("  left out: {rejection}\n");
    }
    text
}

fn validate(import: &CatalogImport, as_json: bool) -> Result<(), Failure> {
    let snapshot = Snapshot::build(vec![import.catalog.clone()], 0, today());
    let faults: Vec<(String, String)> = snapshot
        .listings()
        .iter()
        .flat_map(|listing| listing.faults().into_iter().map(|fault| (listing.plan.key.clone(), fault.to_string())))
        .chain(snapshot.problems().iter().map(|problem| (String::new(), problem.clone())))
        .collect();
    let good = faults.is_empty() && import.rejected.is_empty();
    if as_json {
        let mut report = summary(import);
        report["ok"] = json!(good);
        report["faults"] =
            faults.iter().map(|(plan, fault)| json!({"plan": plan, "fault": fault})).collect::<Vec<_>>().into();
        output::print_json(&report)?;
    } else {
        let mut text = summary_text(import);
        for (plan, fault) in &faults {
            text += &format!("  cannot be priced: {plan} {fault}\n");
        }
        if good {
            text += "Every offer can be used.\n";
        }
        output::print(&text)?;
    }
    if good { Ok(()) } else { Err(Failure::ChecksFailed) }
}

fn list(snapshot: &Snapshot, zip: Option<&str>, utility: Option<&str>, as_json: bool) -> Result<(), Failure> {
    let place = match (zip, utility) {
        (Some(zip), _) => Some(at_zip(snapshot, zip)?),
        (None, Some(name)) => Some(snapshot.utility_named(name).ok_or_else(|| {
            Failure::usage(format!("the catalog knows no utility called {name}; treebeard catalog list shows all"))
        })?),
        (None, None) => None,
    };
    let mut listings: Vec<&Listing> = snapshot
        .listings()
        .iter()
        .filter(|listing| place.is_none_or(|place| listing.serves(snapshot, place)))
        .collect();
    let price = |listing: &Listing| listing.prices(place).map_or(f64::INFINITY, |prices| prices.kwh_1000);
    listings.sort_by(|one, other| price(one).total_cmp(&price(other)).then_with(|| one.plan.key.cmp(&other.plan.key)));
    if as_json {
        let items: Vec<Value> = listings.iter().map(|listing| item(snapshot, listing, place)).collect();
        return output::print_json(&items);
    }
    let mut table =
        output::table(&["key", "plan", "supplier", "kind", "term", "500", "1000", "2000", "green", "price from"]);
    for listing in &listings {
        let plan = &listing.plan;
        let prices = listing.prices(place).map(|prices| prices.levels());
        let level = |n: usize| output::number(prices.map_or("-".to_owned(), |levels| format!("{:.2}", levels[n])));
        table.add_row([
            Cell::new(&plan.key),
            Cell::new(&plan.name),
            Cell::new(&snapshot.supplier_of(listing).supplier.name),
            Cell::new(plan.kind.as_str()),
            output::number(plan.term_months),
            level(0),
            level(1),
            level(2),
            output::number(format!("{:.0} %", plan.renewable.percent())),
            Cell::new(confidence(plan.provenance.confidence)),
        ]);
    }
    output::print(&format!(
        "{}{} plans; prices in cents per kWh, everything included\n",
        output::lines(&table),
        listings.len()
    ))
}

fn at_zip(snapshot: &Snapshot, zip: &str) -> Result<UtilityRef, Failure> {
    match snapshot.place(zip) {
        Place::Served { utility, .. } => Ok(utility),
        Place::NoChoice { .. } => Err(Failure::usage(format!("there is no choice of supplier at {zip}"))),
        Place::Unknown => Err(Failure::usage(format!("no utility of the catalog serves the ZIP {zip}"))),
    }
}

fn item(snapshot: &Snapshot, listing: &Listing, place: Option<UtilityRef>) -> Value {
    let plan = &listing.plan;
    json!({
        "id": listing.id,
        "key": plan.key,
        "plan_name": plan.name,
        "supplier_name": snapshot.supplier_of(listing).supplier.name,
        "plan_type": plan.kind,
        "contract_length_months": plan.term_months,
        "renewable_percentage": plan.renewable,
        "utilities": plan.utilities,
        "is_active": plan.active,
        "prices": listing.prices(place),
        "price_confidence": plan.provenance.confidence,
    })
}

const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Verified => "charges stated",
        Confidence::Parsed => "charges read from text",
        Confidence::Estimated { .. } => "published averages",
        Confidence::Unreproduced { .. } => "not reproduced",
    }
}
