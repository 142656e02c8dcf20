//! Plans, suppliers and markets as clients read them.

use crate::app::figures;
use crate::domain::catalog::{Confidence, Delivery, ExitFee, OfferDates, PlanKind};
use crate::domain::market::{AveragePrices, Listing, Place, Snapshot, SupplierEntry, UtilityRef, normal_zip};
use crate::domain::tariff::RateStructure;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// One plan of the catalog.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Plan")]
pub struct PlanItem<'a> {
    pub id: Uuid,
    pub plan_name: &'a str,
    pub supplier_id: Uuid,
    pub supplier_name: &'a str,
    /// Stars, 0 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier_rating: Option<f64>,
    pub plan_type: PlanKind,
    /// 0: month to month.
    pub contract_length_months: u32,
    /// At half of the term.
    pub early_termination_fee: f64,
    /// How the fee for leaving early develops over the term.
    pub exit: ExitFee,
    pub renewable_percentage: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_fee: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_fee: Option<f64>,
    /// Of the plan and of its supplier.
    pub is_active: bool,
    pub rate_structure: &'a RateStructure,
    /// Who charges for the wires.
    pub delivery: Delivery,
    /// All-in cents per kWh at three levels of monthly use, under the utility asked for or else the plan's first;
    /// `null` for a plan that cannot be priced.
    pub prices: Option<AveragePrices>,
    /// How far the tariff can be trusted.
    pub confidence: Confidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferDates>,
    /// What the price depends on, in words.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    #[schemars(default)]
    pub conditions: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_url: Option<&'a str>,
    /// The price label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub efl_url: Option<&'a str>,
}

impl<'a> PlanItem<'a> {
    /// `place` decides the delivery charges in `prices`.
    pub fn new(snapshot: &'a Snapshot, listing: &'a Listing, place: Option<UtilityRef>) -> Self {
        let (plan, supplier) = (&listing.plan, snapshot.supplier_of(listing));
        PlanItem {
            id: listing.id,
            plan_name: &plan.name,
            supplier_id: supplier.id,
            supplier_name: &supplier.supplier.name,
            supplier_rating: supplier.supplier.rating,
            plan_type: plan.kind,
            contract_length_months: plan.term_months,
            early_termination_fee: figures::money(listing.typical_exit_fee()),
            exit: plan.exit,
            renewable_percentage: figures::score(plan.renewable.percent()),
            monthly_fee: plan.monthly_fee.map(figures::fee),
            connection_fee: plan.connection_fee.map(figures::fee),
            is_active: plan.active && supplier.supplier.active,
            rate_structure: &plan.rate,
            delivery: plan.delivery,
            prices: listing.prices(place),
            confidence: plan.provenance.confidence,
            offer: (plan.offer != OfferDates::default()).then_some(plan.offer),
            conditions: &plan.conditions,
            description: plan.description.as_deref(),
            terms_url: plan.terms_url.as_deref(),
            efl_url: plan.efl_url.as_deref(),
        }
    }
}

/// One retail supplier.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "Supplier")]
pub struct SupplierItem<'a> {
    pub id: Uuid,
    pub name: &'a str,
    /// Stars, 0 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
    pub review_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<&'a str>,
    pub market: &'a str,
    pub is_active: bool,
    /// Plans in the catalog, those no longer offered too.
    pub plan_count: u32,
    pub active_plan_count: u32,
}

impl<'a> SupplierItem<'a> {
    pub fn new(snapshot: &'a Snapshot, entry: &'a SupplierEntry) -> Self {
        SupplierItem {
            id: entry.id,
            name: &entry.supplier.name,
            rating: entry.supplier.rating,
            review_count: entry.supplier.review_count,
            website: entry.supplier.website.as_deref(),
            phone: entry.supplier.phone.as_deref(),
            market: snapshot.markets().get(entry.market).map_or("", |entry| &entry.market.id),
            is_active: entry.supplier.active,
            plan_count: entry.plans,
            active_plan_count: entry.active_plans,
        }
    }
}

/// What is known about a ZIP.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "ZipMarket")]
pub struct ZipAnswer<'a> {
    pub zip_code: String,
    /// Whether customers there choose their supplier.
    pub deregulated: bool,
    /// The utility that owns the wires; `null` where none is known.
    pub utility: Option<&'a str>,
    /// Other utilities that serve parts of the ZIP.
    pub other_utilities: Vec<&'a str>,
    /// Id of the market; `null` for a ZIP in no catalog.
    pub market: Option<&'a str>,
    /// ISO 4217.
    pub currency: Option<&'a str>,
    /// IANA name.
    pub timezone: Option<&'a str>,
    /// Active plans sold there.
    pub plans: u32,
    /// The same in one sentence.
    pub message: String,
}

impl<'a> ZipAnswer<'a> {
    pub fn new(snapshot: &'a Snapshot, zip_code: &str) -> Self {
        let mut answer = ZipAnswer {
            zip_code: normal_zip(zip_code),
            deregulated: false,
            utility: None,
            other_utilities: Vec::new(),
            market: None,
            currency: None,
            timezone: None,
            plans: 0,
            message: String::new(),
        };
        match snapshot.place(zip_code) {
            Place::Served { utility, others } => {
                answer.deregulated = true;
                answer.in_market(snapshot, utility.market);
                answer.utility = Some(&snapshot.utility(utility).name);
                answer.other_utilities = others.iter().map(|other| snapshot.utility(*other).name.as_str()).collect();
                answer.plans = on_sale(snapshot, utility);
                answer.message = format!(
                    "{} delivers electricity to {}; {} plans can be chosen.",
                    snapshot.utility(utility).name,
                    answer.zip_code,
                    answer.plans
                );
            }
            Place::NoChoice { market } => {
                answer.in_market(snapshot, market);
                answer.message = format!(
                    "{} has no retail choice: the local utility supplies everyone at its own rates.",
                    answer.zip_code
                );
            }
            Place::Unknown => {
                answer.message = format!("{} is in no market this service holds a catalog of.", answer.zip_code);
            }
        }
        answer
    }

    fn in_market(&mut self, snapshot: &'a Snapshot, market: usize) {
        if let Some(entry) = snapshot.markets().get(market) {
            self.market = Some(&entry.market.id);
            self.currency = Some(&entry.market.currency);
            self.timezone = Some(&entry.market.time_zone);
        }
    }
}

fn on_sale(snapshot: &Snapshot, place: UtilityRef) -> u32 {
    snapshot.plans_under(place).filter(|listing| snapshot.is_active(listing)).count() as u32
}
