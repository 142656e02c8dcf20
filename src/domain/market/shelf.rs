//! The plans on sale, in each order a list is asked for: a page out of 100,000 plans costs what one out of 1,000 does.

use super::{Listing, Snapshot, SupplierEntry, UtilityRef};
use crate::domain::catalog::PlanKind;
use std::collections::HashMap;

/// The order of a list; plans without the figure come last, equal ones by name and id.
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

impl Sort {
    const BY_FIGURE: [Sort; 5] = [Sort::Price500, Sort::Price1000, Sort::Price2000, Sort::Renewable, Sort::Contract];

    /// What is sorted by, least first.
    fn figure(self, listing: &Listing, place: Option<UtilityRef>) -> f64 {
        let price = |level: usize| listing.prices(place).map_or(f64::INFINITY, |prices| prices.levels()[level]);
        match self {
            Sort::Name => 0.0,
            Sort::Price500 => price(0),
            Sort::Price1000 => price(1),
            Sort::Price2000 => price(2),
            Sort::Renewable => -listing.plan.renewable.percent(),
            Sort::Contract => f64::from(listing.plan.term_months),
        }
    }
}

/// What a list filters by, of one plan: a few bytes beside those of its neighbours.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Indices of the plan and of its supplier in the snapshot.
    listing: u32,
    supplier: u32,
    pub kind: PlanKind,
    pub term_months: u32,
    pub renewable_percent: f64,
}

impl Row {
    fn of(at: u32, listing: &Listing) -> Row {
        let plan = &listing.plan;
        Row {
            listing: at,
            supplier: listing.supplier as u32,
            kind: plan.kind,
            term_months: plan.term_months,
            renewable_percent: plan.renewable.percent(),
        }
    }

    pub fn listing(self, snapshot: &Snapshot) -> &Listing {
        &snapshot.listings[self.listing as usize]
    }
    pub fn supplier(self, snapshot: &Snapshot) -> &SupplierEntry {
        &snapshot.suppliers[self.supplier as usize]
    }
}

/// Rows of the plans that are on sale somewhere.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// By listing: its place among all names.
    ranks: Vec<u32>,
    orders: HashMap<Sort, Vec<Row>>,
}

impl Shelf {
    pub fn of(snapshot: &Snapshot) -> Shelf {
        let listing = |at: u32| &snapshot.listings[at as usize];
        let mut by_name: Vec<u32> = (0..snapshot.listings.len() as u32).collect();
        by_name.sort_by_cached_key(|&at| (listing(at).plan.name.to_lowercase(), listing(at).id));
        let mut ranks = vec![0; by_name.len()];
        for (rank, &at) in by_name.iter().enumerate() {
            ranks[at as usize] = rank as u32;
        }
        let on_sale = by_name.into_iter().filter(|&at| snapshot.is_active(listing(at)));
        let rows: Vec<Row> = on_sale.map(|at| Row::of(at, listing(at))).collect();
        let mut orders = HashMap::from([(Sort::Name, rows.clone())]);
        for sort in Sort::BY_FIGURE {
            let mut keyed: Vec<(f64, Row)> =
                rows.iter().map(|&row| (sort.figure(listing(row.listing), None), row)).collect();
            // Stable: equal ones stay in the order of their names.
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            orders.insert(sort, keyed.into_iter().map(|(_, row)| row).collect());
        }
        Shelf { ranks, orders }
    }
}

impl Snapshot {
    /// Whether both the plan and its supplier are active.
    pub fn is_active(&self, listing: &Listing) -> bool {
        listing.plan.active && self.supplier_of(listing).supplier.active
    }

    /// Every active plan.
    pub fn on_sale(&self, sort: Sort) -> &[Row] {
        self.shelf.orders.get(&sort).map_or(&[], Vec::as_slice)
    }

    /// Those sold under a utility, at its prices.
    pub fn on_sale_under(&self, place: UtilityRef, sort: Sort) -> Vec<Row> {
        let sold = self.under.get(&place).map_or(&[][..], Vec::as_slice);
        let mut keyed: Vec<(f64, u32, Row)> = sold
            .iter()
            .map(|&at| (at, &self.listings[at]))
            .filter(|(_, listing)| self.is_active(listing))
            .map(|(at, listing)| (sort.figure(listing, Some(place)), self.shelf.ranks[at], Row::of(at as u32, listing)))
            .collect();
        keyed.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        keyed.into_iter().map(|(_, _, row)| row).collect()
    }
}
