//! Reference data of markets we know: utilities, the names exports use for them, territories, dated delivery charges.
//!
//! The data are facts, in our own catalog JSON under `assets/markets`, without suppliers and plans. Texas: delivery
//! charges from the utilities' published tariffs as collected in the public files named in each market's notes; ZIP
//! prefixes by three digits, with the four- and five-digit exceptions known to lie elsewhere. Territories do not follow
//! ZIPs exactly: the meter's own utility, where the household names it, goes before the ZIP.

use crate::domain::catalog::CatalogFile;
use std::sync::LazyLock;

/// The reference data of a market: `texas`, `ohio`, `us`, `au-nem`, `gb`.
pub fn reference(market: &str) -> Option<&'static CatalogFile> {
    static MARKETS: LazyLock<Vec<CatalogFile>> = LazyLock::new(|| {
        [
            include_str!("../../../assets/markets/texas.json"),
            include_str!("../../../assets/markets/ohio.json"),
            include_str!("../../../assets/markets/us.json"),
            include_str!("../../../assets/markets/au-nem.json"),
            include_str!("../../../assets/markets/gb.json"),
        ]
        .into_iter()
        .map(|text| serde_json::from_str(text).expect("a test reads every market file"))
        .collect()
    });
    MARKETS.iter().find(|catalog| catalog.market.id == market)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::catalog::json;

    #[test]
    fn every_market_file_is_a_catalog_without_faults() {
        for id in ["texas", "ohio", "us", "au-nem", "gb"] {
            let catalog = reference(id).unwrap_or_else(|| panic!("{id} is embedded"));
            let text = json::write_json(catalog);
            assert_eq!(json::read(&text).map(|import| import.catalog).as_ref(), Ok(catalog), "{id}");
        }
        assert!(reference("atlantis").is_none());
    }
}
