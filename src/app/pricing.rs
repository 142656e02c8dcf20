//! What one plan would cost this household: twelve bills of the coming year, every charge a line.

use crate::app::catalog::no_such;
use crate::app::error::Error;
use crate::app::outlook::{self, Home, shape_name};
use crate::app::recommendations::Held;
use crate::app::{App, Result, figures, json};
use crate::domain::calendar::calendar_windows;
use crate::domain::catalog::PropertyType;
use crate::domain::market::{Listing, Offer, Snapshot, UtilityRef};
use crate::domain::tariff::model::Tag;
use crate::domain::tariff::{Bill, Line, Load, Pricer};
use crate::domain::units::{Energy, Money};
use crate::domain::usage::projection::Projection;
use crate::domain::usage::readings::{MonthReading, ReadingSet};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// What a caller states about the usage to price; what is absent is taken from the account.
#[derive(Debug, Clone, Default)]
pub struct PriceAsked {
    /// Distinct months in order of time.
    pub usage: Option<Vec<MonthReading>>,
    pub zip_code: Option<String>,
    pub property_type: Option<PropertyType>,
}

impl App {
    /// The twelve bills of the coming year under a plan, on the usage stated or else held.
    pub async fn price_plan(&self, plan: Uuid, user: Option<Uuid>, asked: PriceAsked) -> Result<Vec<u8>> {
        let snapshot = self.catalog.snapshot();
        if snapshot.plan(plan).is_none() {
            return Err(no_such("plan"));
        }
        let held = match user {
            Some(user) => self.held(user, asked.usage.is_none()).await?,
            None => Held::default(),
        };
        let Some(usage) = asked.usage.map(ReadingSet::Months).or(held.usage) else {
            let message = "is required: state 1 to 60 months, or sign in with an account that holds usage";
            return Err(Error::field("usage_data", message, "required"));
        };
        let zip_code = asked.zip_code.or(held.zip_code);
        let property = asked.property_type.unwrap_or(held.property_type);
        let now = self.now();
        self.workbench
            .run(move || {
                let listing = snapshot.plan(plan).ok_or_else(|| no_such("plan"))?;
                let market = snapshot.market_of(listing).market.clone();
                let home = Home::of(market, Home::at(&snapshot, zip_code.as_deref()).utility);
                let outlook = outlook::of(&home, property, &usage, now)?;
                json(&price(&snapshot, listing, home.utility, &outlook.projection)?)
            })
            .await
    }
}

/// The coming year under one plan.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "PlanBills")]
pub struct PlanBills {
    pub plan_id: Uuid,
    pub plan_name: String,
    pub supplier_name: String,
    /// ISO 4217.
    pub currency: String,
    /// Whose delivery charges are in the bills; `null` where the price is the same under each utility.
    pub utility: Option<String>,
    /// Twelve.
    pub months: Vec<MonthBill>,
    pub total_kwh: f64,
    /// The twelve bills together.
    pub total: f64,
    /// Fees paid once, on joining.
    pub one_time: f64,
    /// The first year: bills and what is paid once.
    pub annual_cost: f64,
    /// Of the twelve bills, cents per kWh; `null` when nothing is used.
    pub average_rate_per_kwh: Option<f64>,
    /// What the plan costs by kind of charge; the parts sum to `total`.
    pub totals_by_kind: Vec<KindTotal>,
    /// `held`: hours of use from the household's own readings; `standard`: from the market's standard load shape.
    pub hourly_shape: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MonthBill {
    /// First day of the month.
    pub month: Date,
    pub kwh: f64,
    pub total: f64,
    /// Cents per kWh; `null` when nothing is used.
    pub average_rate_per_kwh: Option<f64>,
    pub lines: Vec<BillLine>,
}

/// One charge of a bill.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BillLine {
    pub label: String,
    pub kind: Tag,
    /// In `unit`s.
    pub quantity: f64,
    pub unit: String,
    /// Currency per unit; percent where the unit is `%`.
    pub rate: f64,
    /// Negative for a credit.
    pub amount: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct KindTotal {
    pub kind: Tag,
    pub amount: f64,
}

/// Prices `listing` on the projected year. `place` is where the household is, when that is known.
pub fn price(
    snapshot: &Snapshot,
    listing: &Listing,
    place: Option<UtilityRef>,
    projection: &Projection,
) -> Result<PlanBills> {
    let offer = offer_at(listing, place)?;
    let tariff = offer.compiled.as_ref().map_err(|faults| {
        let fault = faults.first().map_or_else(String::new, |fault| format!(" ({fault})"));
        Error::Rule(format!("This plan cannot be priced{fault}. Choose another one."))
    })?;
    let windows = calendar_windows(projection.first_month, 12);
    let load = Load::from_intervals(&projection.intervals, &windows);
    let bills = Pricer::new(&load)
        .bills(tariff)
        .map_err(|fault| Error::Rule(format!("This plan cannot be priced on this usage ({fault}).")))?;
    let total: Money = bills.iter().map(|bill| bill.total).sum();
    let energy: Energy = bills.iter().map(|bill| bill.kwh).sum();
    let one_time = listing.one_time_fees();
    let market = snapshot.market_of(listing);
    Ok(PlanBills {
        plan_id: listing.id,
        plan_name: listing.plan.name.clone(),
        supplier_name: snapshot.supplier_of(listing).supplier.name.clone(),
        currency: market.market.currency.clone(),
        utility: offer.utility.and_then(|at| market.utilities.get(at)).map(|utility| utility.name.clone()),
        total_kwh: figures::kwh(energy),
        total: figures::money(total),
        one_time: figures::money(one_time),
        annual_cost: figures::money(total + one_time),
        average_rate_per_kwh: figures::average_rate(total, energy),
        totals_by_kind: totals_by_kind(&bills),
        months: bills.iter().map(month_bill).collect(),
        hourly_shape: shape_name(projection.shape).to_owned(),
    })
}

/// The plan as sold where the household is; where that is not known, under the first utility it can be priced under.
fn offer_at(listing: &Listing, place: Option<UtilityRef>) -> Result<&Offer> {
    let found = match place {
        Some(place) if place.market == listing.market => listing.offer(place),
        _ => listing.offers.iter().find(|offer| offer.compiled.is_ok()).or(listing.offers.first()),
    };
    found.ok_or_else(|| {
        Error::Rule("This plan is not sold in that ZIP's territory. Choose another plan or ZIP.".to_owned())
    })
}

fn month_bill(bill: &Bill) -> MonthBill {
    MonthBill {
        month: bill.window.start,
        kwh: figures::kwh(bill.kwh),
        total: figures::money(bill.total),
        average_rate_per_kwh: figures::average_rate(bill.total, bill.kwh),
        lines: bill.lines.iter().map(bill_line).collect(),
    }
}

fn bill_line(line: &Line) -> BillLine {
    BillLine {
        label: line.label.clone(),
        kind: line.kind,
        quantity: figures::rounded(line.quantity, 3),
        unit: line.unit.to_owned(),
        rate: figures::rounded(line.rate, 9),
        amount: figures::money(line.amount),
    }
}

fn totals_by_kind(bills: &[Bill]) -> Vec<KindTotal> {
    let lines = || bills.iter().flat_map(|bill| &bill.lines);
    let kinds = [Tag::Energy, Tag::Delivery, Tag::Fixed, Tag::Demand, Tag::Fee, Tag::Credit, Tag::Export, Tag::Tax];
    kinds
        .into_iter()
        .filter(|kind| lines().any(|line| line.kind == *kind))
        .map(|kind| {
            let sum: Money = lines().filter(|line| line.kind == kind).map(|line| line.amount).sum();
            KindTotal { kind, amount: figures::money(sum) }
        })
        .collect()
}
