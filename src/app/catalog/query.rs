//! Searching the plan list: filters and pages.

use super::item::PlanItem;
use super::page::{Page, PageRequest};
use crate::domain::catalog::PlanKind;
use crate::domain::market::{Place, Row, Snapshot, Sort};
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

/// The active plans that match.
pub fn page_of<'a>(snapshot: &'a Snapshot, query: &PlanQuery) -> Page<PlanItem<'a>> {
    let place = match query.zip_code.as_deref().map(|zip| snapshot.place(zip)) {
        None => None,
        Some(Place::Served { utility, .. }) => Some(utility),
        Some(Place::NoChoice { .. } | Place::Unknown) => return Page::of(query.page, 0, Vec::new()),
    };
    let filter = Filter::of(query);
    let (total, shown) = match place {
        Some(place) => filter.page(snapshot, &snapshot.on_sale_under(place, query.sort)),
        None => filter.page(snapshot, snapshot.on_sale(query.sort)),
    };
    let items = shown.into_iter().map(|row| PlanItem::new(snapshot, row.listing(snapshot), place));
    Page::of(query.page, total, items.collect())
}

struct Filter<'a> {
    query: &'a PlanQuery,
    /// Those of the text, lower case.
    words: Vec<String>,
}

impl Filter<'_> {
    fn of(query: &PlanQuery) -> Filter<'_> {
        let words = query.text.as_deref().unwrap_or_default().split_whitespace();
        Filter { query, words: words.map(str::to_lowercase).collect() }
    }

    /// How many of `rows` match, and those of the page.
    fn page(&self, snapshot: &Snapshot, rows: &[Row]) -> (usize, Vec<Row>) {
        let (skip, size) = (self.query.page.skip(), self.query.page.size());
        if self.admits_all() {
            return (rows.len(), rows.iter().skip(skip).take(size).copied().collect());
        }
        let (mut total, mut shown) = (0, Vec::new());
        for &row in rows.iter().filter(|row| self.admits(snapshot, **row)) {
            if total >= skip && shown.len() < size {
                shown.push(row);
            }
            total += 1;
        }
        (total, shown)
    }

    fn admits_all(&self) -> bool {
        let query = self.query;
        query.kind.is_none()
            && query.supplier.is_none()
            && query.min_renewable_thousandths.is_none()
            && query.max_contract_length.is_none()
            && self.words.is_empty()
    }

    fn admits(&self, snapshot: &Snapshot, row: Row) -> bool {
        let query = self.query;
        query.kind.is_none_or(|kind| row.kind == kind)
            && query.supplier.is_none_or(|id| row.supplier(snapshot).id == id)
            && query.min_renewable_thousandths.is_none_or(|least| row.renewable_percent * 1e3 >= f64::from(least))
            && query.max_contract_length.is_none_or(|most| row.term_months <= most)
            && (self.words.is_empty() || self.has_words(snapshot, row))
    }

    fn has_words(&self, snapshot: &Snapshot, row: Row) -> bool {
        let plan = &row.listing(snapshot).plan;
        let supplier = &row.supplier(snapshot).supplier.name;
        let text = format!("{} {supplier} {}", plan.name, plan.description.as_deref().unwrap_or_default());
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word))
    }
}
