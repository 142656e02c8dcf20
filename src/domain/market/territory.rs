//! Which utility serves a ZIP: an index of prefixes, the longest wins.

use crate::domain::catalog::{Market, Utility};
use std::collections::HashMap;

/// A utility by its place in the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtilityRef {
    pub market: usize,
    pub utility: usize,
}

/// What is known about a ZIP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Served by a utility with retail choice. `others` claim the same prefix: the caller may ask which it is.
    Served { utility: UtilityRef, others: Vec<UtilityRef> },
    /// In this market's country, without a choice of supplier.
    NoChoice { market: usize },
    /// In no catalog.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct Territories {
    prefixes: HashMap<String, Vec<Claim>>,
    longest: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Claim {
    Utility(UtilityRef),
    NoChoice(usize),
}

/// A ZIP as it is looked up: upper case, no spaces, ZIP+4 cut to its first five digits.
pub fn normal_zip(zip: &str) -> String {
    let zip: String = zip.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    match zip.split_once('-') {
        Some((five, four)) if five.len() == 5 && four.len() == 4 => five.to_owned(),
        _ => zip,
    }
}

impl Territories {
    pub(super) fn add_market(&mut self, market: usize, entry: &Market, utilities: &[Utility]) {
        for (utility, served) in utilities.iter().enumerate() {
            for zip in &served.zips {
                self.claim(zip, Claim::Utility(UtilityRef { market, utility }));
            }
        }
        for zip in &entry.no_choice_zips {
            self.claim(zip, Claim::NoChoice(market));
        }
    }

    fn claim(&mut self, zip: &str, claim: Claim) {
        let prefix = normal_zip(zip);
        self.longest = self.longest.max(prefix.len());
        let claims = self.prefixes.entry(prefix).or_default();
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }

    pub(super) fn place(&self, zip: &str) -> Place {
        let zip = normal_zip(zip);
        let lengths = (1..=zip.len().min(self.longest)).rev();
        let claims = lengths.filter_map(|length| zip.get(..length)).find_map(|prefix| self.prefixes.get(prefix));
        let Some(claims) = claims else { return Place::Unknown };
        let mut served = claims.iter().filter_map(|claim| match claim {
            Claim::Utility(utility) => Some(*utility),
            Claim::NoChoice(_) => None,
        });
        if let Some(utility) = served.next() {
            return Place::Served { utility, others: served.collect() };
        }
        match claims.first() {
            Some(&Claim::NoChoice(market)) => Place::NoChoice { market },
            _ => Place::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utility(id: &str, zips: &[&str]) -> Utility {
        Utility {
            id: id.into(),
            name: id.into(),
            aliases: Vec::new(),
            zips: zips.iter().map(ToString::to_string).collect(),
            delivery: None,
        }
    }

    fn territories() -> Territories {
        let market = Market {
            id: "texas".into(),
            name: "Texas".into(),
            currency: "USD".into(),
            time_zone: "America/Chicago".into(),
            no_choice_zips: vec!["902".into(), "78702".into()],
            typical_annual_kwh: crate::domain::catalog::TypicalUse::default(),
            monthly_shape: Vec::new(),
        };
        let mut territories = Territories::default();
        territories.add_market(0, &market, &[utility("north", &["75", "787"]), utility("south", &["77002", "78701"])]);
        territories.add_market(1, &Market { no_choice_zips: Vec::new(), ..market }, &[utility("east", &["78701"])]);
        territories
    }

    #[test]
    fn the_longest_prefix_of_a_zip_decides() {
        let place = |market, utility| UtilityRef { market, utility };
        let cases = [
            ("75001", Place::Served { utility: place(0, 0), others: vec![] }),
            ("78701", Place::Served { utility: place(0, 1), others: vec![place(1, 0)] }),
            ("78701-1234", Place::Served { utility: place(0, 1), others: vec![place(1, 0)] }),
            ("78799", Place::Served { utility: place(0, 0), others: vec![] }),
            ("78702", Place::NoChoice { market: 0 }),
            ("90210", Place::NoChoice { market: 0 }),
            ("10001", Place::Unknown),
            ("", Place::Unknown),
            ("é78701", Place::Unknown),
        ];
        for (zip, expected) in cases {
            assert_eq!(territories().place(zip), expected, "{zip}");
        }
    }
}
