//! The writer against a real HTTP server that answers well, badly, late or never.

mod bad_answers;
#[path = "../support/claude.rs"]
mod claude;
mod good_answers;
mod sent;

use secrecy::SecretString;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use treebeard::domain::advice::{Mark, PriceConfidence, RiskType, Savings, Severity};
use treebeard::domain::catalog::{CatalogFile, PlanKind};
use treebeard::domain::explain::{FactSheet, Priority};
use treebeard::domain::market::Snapshot;
use treebeard::writer::{Settings, Writer};

/// Long enough for any machine to answer within it.
const AMPLE: Duration = Duration::from_secs(60);
/// For a service that does not answer: the test waits that long.
const SHORT: Duration = Duration::from_millis(150);

fn settings(url: &str, deadline: Duration) -> Settings {
    Settings {
        api_key: SecretString::from("sk-planted-key-0123456789"),
        model: "claude-test".into(),
        base_url: url.into(),
        deadline,
        concurrency: 4,
        calls_per_day: 1_000,
    }
}

fn writer(url: &str, deadline: Duration) -> Writer {
    Writer::start(settings(url, deadline)).expect("threads")
}

/// The invented market, for the names of others.
fn market() -> Arc<Snapshot> {
    static MARKET: OnceLock<Arc<Snapshot>> = OnceLock::new();
    let build = || {
        let catalog: CatalogFile =
            serde_json::from_str(include_str!("../../assets/demo/catalog.json")).expect("the demo catalog");
        Arc::new(Snapshot::build(vec![catalog], 1, jiff::civil::date(2026, 1, 1)))
    };
    MARKET.get_or_init(build).clone()
}

fn sheet(rank: u32) -> FactSheet {
    FactSheet {
        rank,
        plan_name: "Steady 12".into(),
        supplier_name: "Acorn Power".into(),
        plan_type: PlanKind::Fixed,
        currency: "USD".into(),
        annual_cost: 1_234.4,
        cost_p10: 1_150.2,
        cost_p90: 1_320.9,
        average_rate: 11.2,
        savings: Some(Savings {
            annual_savings: 210.2,
            savings_percentage: 14.5,
            monthly_savings: 17.52,
            break_even_months: Some(9),
            switching_cost: 150.0,
        }),
        contract_months: 12,
        exit_fee: 150.0,
        renewable_percent: 20.0,
        profile_type: "seasonal".into(),
        annual_kwh: 11_020.437,
        seasonal: true,
        priorities: vec![Priority::Cost, Priority::Flexibility],
        marks: vec![Mark::Cheapest],
        differentiators: Vec::new(),
        trade_offs: vec!["Leaving early costs $150.00".into()],
        risks: vec![(RiskType::HighEtf, Severity::Warning)],
        shape_range: None,
        price_confidence: PriceConfidence::Verified,
    }
}

/// The texts for `sheets`, asked for as the service does.
fn written(writer: &Writer, sheets: Vec<FactSheet>) -> Vec<Option<Arc<str>>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(writer.write(sheets, &market()))
}
