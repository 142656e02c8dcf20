//! Small parts every catalog reader needs: charges, provenance, and lists of suppliers and utilities as they are met.

use super::text::slug;
use super::{CatalogFormat, CatalogOptions, reference};
use crate::domain::catalog::{
    CatalogFile, Delivery, Eligibility, ExitFee, Market, OfferDates, Plan, PlanKind, Provenance, Supplier, Utility,
};
use crate::domain::tariff::RateStructure;
use crate::domain::tariff::model::{Amount, Billing, Charge, Combine, Per, Register, Round, Tag, Tariff, Tax};
use crate::domain::units::{Percent, Price};
use crate::formats::{FormatError, Place, Rejection};
use std::collections::{HashMap, HashSet};

/// The catalog being filled: market and utilities given, suppliers and plans as the file names them.
pub struct Filling {
    pub catalog: CatalogFile,
    pub rejected: Vec<Rejection>,
    pub notes: Vec<String>,
    pub rows_read: u64,
    /// Ids of utilities by the names already looked up.
    utility_ids: HashMap<String, String>,
    plan_keys: HashSet<String>,
}

impl Filling {
    /// Starts from the base catalog's market and utilities, or from those of a market we hold reference data of.
    pub fn start(options: &CatalogOptions, home: &str) -> Result<Self, FormatError> {
        let empty = |market: &Market, utilities: &[Utility]| CatalogFile {
            market: market.clone(),
            utilities: utilities.to_vec(),
            suppliers: Vec::new(),
            plans: Vec::new(),
        };
        let catalog = match (options.base, reference(home)) {
            (Some(base), _) => empty(&base.market, &base.utilities),
            (None, Some(known)) => empty(&known.market, &known.utilities),
            (None, None) => {
                return Err(FormatError::file(
                    format!("we hold no reference data of the market \"{home}\""),
                    "Give a catalog file with the market and its utilities as the base",
                ));
            }
        };
        Ok(Filling::of(catalog))
    }

    pub fn of(catalog: CatalogFile) -> Self {
        Filling {
            catalog,
            rejected: Vec::new(),
            notes: Vec::new(),
            rows_read: 0,
            utility_ids: HashMap::new(),
            plan_keys: HashSet::new(),
        }
    }

    /// The key of the supplier with this name, added when new.
    pub fn supplier(
        &mut self,
        name: &str,
        rating: Option<f64>,
        website: Option<String>,
        phone: Option<String>,
    ) -> String {
        let key = slug(name);
        if let Some(known) = self.catalog.suppliers.iter_mut().find(|supplier| supplier.key == key) {
            known.rating = known.rating.or(rating);
            known.website = known.website.take().or(website);
            known.phone = known.phone.take().or(phone);
        } else {
            self.catalog.suppliers.push(Supplier {
                key: key.clone(),
                id: None,
                name: name.trim().to_owned(),
                rating,
                review_count: 0,
                website,
                phone,
                active: true,
            });
        }
        key
    }

    /// The id of the utility with this name or alias, added (without a territory) when new.
    pub fn utility(&mut self, name: &str) -> String {
        if let Some(id) = self.utility_ids.get(name) {
            return id.clone();
        }
        let id = self.find_utility(name);
        self.utility_ids.insert(name.to_owned(), id.clone());
        id
    }

    fn find_utility(&mut self, name: &str) -> String {
        let wanted = slug(name);
        let same = |utility: &&Utility| {
            utility.id == wanted || slug(&utility.name) == wanted || utility.aliases.iter().any(|a| slug(a) == wanted)
        };
        if let Some(known) = self.catalog.utilities.iter().find(same) {
            return known.id.clone();
        }
        self.notes.push(format!(
            "the utility \"{}\" is not in the market's reference data: its plans match no ZIP until its ZIPs are given",
            name.trim()
        ));
        self.catalog.utilities.push(Utility {
            id: wanted.clone(),
            name: name.trim().to_owned(),
            aliases: Vec::new(),
            zips: Vec::new(),
            delivery: None,
        });
        wanted
    }

    pub fn reject(&mut self, place: Place, reason: impl Into<String>) {
        self.rejected.push(Rejection { place, reason: reason.into() });
    }

    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A key no plan has yet: the wanted one, or with the lowest number that makes it new.
    pub fn plan_key(&mut self, wanted: &str) -> String {
        let mut key = wanted.to_owned();
        let mut n = 1;
        while !self.plan_keys.insert(key.clone()) {
            n += 1;
            key = format!("{wanted}-{n}");
        }
        key
    }
}

/// A plan with nothing but the four things it cannot be without.
pub fn plan(key: String, name: &str, supplier: String, kind: PlanKind, rate: RateStructure) -> Plan {
    Plan {
        key,
        id: None,
        name: name.trim().to_owned(),
        supplier,
        kind,
        utilities: Vec::new(),
        term_months: 0,
        rate,
        monthly_fee: None,
        connection_fee: None,
        deposit: None,
        delivery: Delivery::Bundled,
        exit: ExitFee::None,
        renewable: Percent::default(),
        offer: OfferDates::default(),
        eligibility: Eligibility::default(),
        conditions: Vec::new(),
        on_expiry: None,
        description: None,
        terms_url: None,
        efl_url: None,
        published: None,
        provenance: Provenance::default(),
        active: true,
    }
}

/// Where plans of this import come from.
pub fn provenance(options: &CatalogOptions, format: CatalogFormat) -> Provenance {
    Provenance {
        source: Some(options.source.unwrap_or(format.as_str()).to_owned()),
        retrieved: options.retrieved,
        ..Provenance::default()
    }
}

/// A tariff of charges alone, its total rounded to cents.
pub fn tariff(charges: Vec<Charge>) -> Tariff {
    Tariff {
        charges,
        versions: Vec::new(),
        totals: Vec::new(),
        export: None,
        billing: Billing { round: Round::Total, ..Billing::default() },
        tax: Tax::default(),
        price_sd: None,
    }
}

pub fn charge(id: impl Into<String>, label: impl Into<String>, tag: Tag, amount: Amount) -> Charge {
    Charge {
        id: id.into(),
        label: label.into(),
        tags: vec![tag],
        amount,
        credit: false,
        condition: None,
        combine: Combine::Stack,
    }
}

pub const fn fixed(value: Price, per: Per) -> Amount {
    Amount::Fixed { value, per }
}

/// One price for all energy of the import register.
pub fn flat(price: Price) -> Amount {
    Amount::Energy {
        register: Register::Import,
        price: Some(price),
        windows: Vec::new(),
        series: None,
        blocks: None,
        when: None,
        delivery_exempt: false,
    }
}
