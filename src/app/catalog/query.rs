//! Searching the plan list: filters, orders, pages.

use super::item::{PlanItem, is_active};
use super::page::{Page, PageRequest};
use crate::domain::catalog::PlanKind;
use crate::domain::market::{Listing, Place, Snapshot, UtilityRef};
use std::cmp::Ordering;
use uuid::Uuid;

/// What a caller asks of the plan list. Texts are kept as given: the same question is the same cache entry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct PlanQuery {
    pub zip_code: Option<String>,
    pub kind: Option<PlanKind>,
    pub supplier: Option<Uuid>,
    /// Thousandths of a percent.
    pub min_renewable_thousandths: Option<u32>,
    /// Months.
    pub max_contract_length: Option<u32>,
    /// Words of the plan's, supplier's name or the description.
    pub text: Option<String>,
    pub sort: Sort,
    pub page: PageRequest,
}

/// The order of the list; plans without the figure come last, equal ones by name and id.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    #[default]
    Name,
    /// Cheapest first at that many kWh a month.
    Price500,
    Price1000,
    Price2000,
    /// Greenest first.
    Renewable,
    /// Shortest first.
    Contract,
}

/// The active plans that match.
pub fn page_of<'a>(snapshot: &'a Snapshot, query: &PlanQuery) -> Page<PlanItem<'a>> {
    let place = match query.zip_code.as_deref().map(|zip| snapshot.place(zip)) {
        None => None,
        Some(Place::Served { utility, .. }) => Some(utility),
        Some(Place::NoChoice { .. } | Place::Unknown) => return Page::of(query.page, 0, Vec::new()),
    };
    let words = words(query.text.as_deref().unwrap_or_default());
    let wanted = |listing: &&Listing| is_active(snapshot, listing) && matches(snapshot, listing, query, &words);
    let mut found: Vec<&Listing> = match place {
        None => snapshot.listings().iter().filter(wanted).collect(),
        Some(place) => snapshot.plans_under(place).filter(wanted).collect(),
    };
    sort(&mut found, query.sort, place);
    let total = found.len();
    let shown = found.into_iter().skip(query.page.skip()).take(query.page.size());
    Page::of(query.page, total, shown.map(|listing| PlanItem::new(snapshot, listing, place)).collect())
}

fn matches(snapshot: &Snapshot, listing: &Listing, query: &PlanQuery, words: &[String]) -> bool {
    let plan = &listing.plan;
    query.kind.is_none_or(|kind| plan.kind == kind)
        && query.supplier.is_none_or(|id| snapshot.supplier_of(listing).id == id)
        && query.min_renewable_thousandths.is_none_or(|least| plan.renewable.percent() * 1e3 >= f64::from(least))
        && query.max_contract_length.is_none_or(|most| plan.term_months <= most)
        && (words.is_empty() || {
            let supplier = &snapshot.supplier_of(listing).supplier.name;
            let text = format!("{} {supplier} {}", plan.name, plan.description.as_deref().unwrap_or_default());
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

fn sort(found: &mut [&Listing], sort: Sort, place: Option<UtilityRef>) {
    let price = |level: usize| {
        move |listing: &&Listing| listing.prices(place).map_or(f64::INFINITY, |prices| prices.levels()[level])
    };
    match sort {
        Sort::Name => found.sort_by(|a, b| by_name(a, b)),
        Sort::Price500 => sort_by_figure(found, price(0)),
        Sort::Price1000 => sort_by_figure(found, price(1)),
        Sort::Price2000 => sort_by_figure(found, price(2)),
        Sort::Renewable => sort_by_figure(found, |listing| -listing.plan.renewable.percent()),
        Sort::Contract => sort_by_figure(found, |listing| f64::from(listing.plan.term_months)),
    }
}

fn sort_by_figure(found: &mut [&Listing], figure: impl Fn(&&Listing) -> f64) {
    found.sort_by(|a, b| figure(a).total_cmp(&figure(b)).then_with(|| by_name(a, b)));
}

fn by_name(a: &Listing, b: &Listing) -> Ordering {
    a.plan.name.to_lowercase().cmp(&b.plan.name.to_lowercase()).then_with(|| a.id.cmp(&b.id))
}
