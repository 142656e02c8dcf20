//! The catalog in memory, compiled: plans ready to be priced, found by id, by ZIP and by utility.

mod average;
mod dependence;
mod listing;
mod shelf;
mod territory;
#[cfg(test)]
mod tests;

pub use average::{AveragePrices, cents_per_kwh};
pub use dependence::{Bend, Dependence};
use listing::Site;
pub use listing::{Listing, Offer};
use shelf::Shelf;
pub use shelf::{Row, Sort};
pub use territory::{Place, UtilityRef, normal_zip};

use crate::domain::catalog::{CatalogFile, Market, Supplier, Utility};
use average::ReferenceLoads;
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::Arc;
use territory::Territories;
use uuid::Uuid;

/// One revision of every catalog, immutable and shared.
#[derive(Debug)]
pub struct Snapshot {
    /// Of the stored catalog this was built from.
    pub revision: i64,
    markets: Vec<MarketEntry>,
    suppliers: Vec<SupplierEntry>,
    listings: Vec<Listing>,
    supplier_index: HashMap<Uuid, usize>,
    plan_index: HashMap<Uuid, usize>,
    /// Places of the listings sold under a utility.
    under: HashMap<UtilityRef, Vec<usize>>,
    shelf: Shelf,
    territories: Territories,
    problems: Vec<String>,
}

/// A market with the utilities of its territory.
#[derive(Debug)]
pub struct MarketEntry {
    pub market: Arc<Market>,
    pub utilities: Vec<Utility>,
    /// Mean stars of the market's rated suppliers, what few reviews are shrunk towards (method.md 4).
    pub mean_rating: Option<f64>,
}

#[derive(Debug)]
pub struct SupplierEntry {
    pub id: Uuid,
    /// Index of its market.
    pub market: usize,
    pub supplier: Supplier,
    /// All plans, and those that are active.
    pub plans: u32,
    pub active_plans: u32,
}

impl Snapshot {
    /// Compiles every plan. `as_of` is where the average prices' year begins; the plans themselves are dated when
    /// they are priced. Nothing is refused: what cannot be used is in [`Snapshot::problems`] or in its listing's faults.
    pub fn build(files: Vec<CatalogFile>, revision: i64, as_of: Date) -> Snapshot {
        let mut snapshot = Snapshot {
            revision,
            markets: Vec::new(),
            suppliers: Vec::new(),
            listings: Vec::new(),
            supplier_index: HashMap::new(),
            plan_index: HashMap::new(),
            under: HashMap::new(),
            shelf: Shelf::default(),
            territories: Territories::default(),
            problems: Vec::new(),
        };
        for file in files {
            snapshot.add_file(file, as_of);
        }
        snapshot.shelf = Shelf::of(&snapshot);
        snapshot
    }

    fn add_file(&mut self, file: CatalogFile, as_of: Date) {
        let market = self.markets.len();
        let mean_rating = mean_rating(&file.suppliers);
        self.territories.add_market(market, &file.market, &file.utilities);
        self.markets.push(MarketEntry { market: Arc::new(file.market), utilities: file.utilities, mean_rating });
        let suppliers = self.add_suppliers(market, file.suppliers);
        let mut loads = match ReferenceLoads::new(&self.markets[market].market, as_of) {
            Ok(loads) => Some(loads),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        };
        let first = self.listings.len();
        let mut site = Site::new(&self.markets[market], loads.as_mut().map(ReferenceLoads::pricers));
        for plan in file.plans {
            let Some(&supplier) = suppliers.get(&plan.supplier) else {
                self.problems.push(format!("plan {}: its supplier {} is not in the catalog", plan.key, plan.supplier));
                continue;
            };
            let listing = Listing::new(plan, market, supplier, &mut site);
            if self.plan_index.contains_key(&listing.id) {
                self.problems.push(format!("plan {}: its id {} is used twice", listing.plan.key, listing.id));
                continue;
            }
            let entry = &mut self.suppliers[supplier];
            entry.plans += 1;
            entry.active_plans += u32::from(listing.plan.active);
            self.plan_index.insert(listing.id, self.listings.len());
            self.listings.push(listing);
        }
        self.place_listings(market, first);
    }

    /// Notes under which utilities of the market the listings from `first` on are sold.
    fn place_listings(&mut self, market: usize, first: usize) {
        for utility in 0..self.markets[market].utilities.len() {
            let place = UtilityRef { market, utility };
            let sold = (first..self.listings.len()).filter(|&at| self.listings[at].serves(self, place)).collect();
            self.under.insert(place, sold);
        }
    }

    /// The market's suppliers by key.
    fn add_suppliers(&mut self, market: usize, suppliers: Vec<Supplier>) -> HashMap<String, usize> {
        let mut by_key = HashMap::new();
        for supplier in suppliers {
            let id = self.markets[market].market.supplier_id(&supplier);
            if self.supplier_index.contains_key(&id) {
                self.problems.push(format!("supplier {}: its id {id} is used twice", supplier.key));
                continue;
            }
            let at = self.suppliers.len();
            self.supplier_index.insert(id, at);
            by_key.insert(supplier.key.clone(), at);
            self.suppliers.push(SupplierEntry { id, market, supplier, plans: 0, active_plans: 0 });
        }
        by_key
    }

    pub fn markets(&self) -> &[MarketEntry] {
        &self.markets
    }
    pub fn suppliers(&self) -> &[SupplierEntry] {
        &self.suppliers
    }
    /// Every plan, those that are inactive or cannot be priced too, in catalog order.
    pub fn listings(&self) -> &[Listing] {
        &self.listings
    }
    /// What of the catalogs could not be used at all: doubled ids, unknown suppliers.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
    pub fn plan(&self, id: Uuid) -> Option<&Listing> {
        self.plan_index.get(&id).map(|&at| &self.listings[at])
    }
    pub fn supplier(&self, id: Uuid) -> Option<&SupplierEntry> {
        self.supplier_index.get(&id).map(|&at| &self.suppliers[at])
    }
    pub fn supplier_of(&self, listing: &Listing) -> &SupplierEntry {
        &self.suppliers[listing.supplier]
    }
    pub fn market_of(&self, listing: &Listing) -> &MarketEntry {
        &self.markets[listing.market]
    }

    /// Who serves a ZIP: the longest prefix decides; ZIP+4 is its first five digits.
    pub fn place(&self, zip: &str) -> Place {
        self.territories.place(zip)
    }
    /// The utility of that id, name or alias, whatever its case.
    pub fn utility_named(&self, name: &str) -> Option<UtilityRef> {
        let wanted = name.trim();
        let is = |other: &str| other.eq_ignore_ascii_case(wanted);
        self.markets.iter().enumerate().find_map(|(market, entry)| {
            let found = |utility: &Utility| {
                is(&utility.id) || is(&utility.name) || utility.aliases.iter().any(|alias| is(alias))
            };
            entry.utilities.iter().position(found).map(|utility| UtilityRef { market, utility })
        })
    }
    pub fn utility(&self, place: UtilityRef) -> &Utility {
        &self.markets[place.market].utilities[place.utility]
    }
    /// Every plan sold under a utility, in catalog order.
    pub fn plans_under(&self, place: UtilityRef) -> impl Iterator<Item = &Listing> {
        self.under.get(&place).into_iter().flatten().map(|&at| &self.listings[at])
    }
}

fn mean_rating(suppliers: &[Supplier]) -> Option<f64> {
    let rated: Vec<f64> = suppliers.iter().filter(|s| s.active).filter_map(|s| s.rating).collect();
    (!rated.is_empty()).then(|| rated.iter().sum::<f64>() / rated.len() as f64)
}
