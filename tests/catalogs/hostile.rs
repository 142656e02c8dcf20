//! Bytes nobody meant: no catalog reader panics, whatever it is given.

use proptest::prelude::*;
use treebeard::formats::catalog::{CatalogFormat, CatalogOptions, read};

/// A small well-formed file of each format, to be damaged.
const SEEDS: [(&str, CatalogFormat); 7] = [
    (
        r#"{"market":{"id":"m","name":"M","currency":"USD","time_zone":"America/Chicago"},"utilities":[],"suppliers":[{"key":"s","name":"S"}],"plans":[{"key":"p","name":"P","supplier":"s","kind":"tiered","term_months":1,"rate":{"type":"tiered","tiers":[{"up_to_kwh":500,"rate_per_kwh":9},{"up_to_kwh":null,"rate_per_kwh":12}]}}]}"#,
        CatalogFormat::Json,
    ),
    (
        "record,key,name,supplier,rate_cents_per_kwh,exit_fee,more\nmarket,m,M,,,,\"{\"\"currency\"\":\"\"USD\"\",\"\"time_zone\"\":\"\"UTC\"\"}\"\nplan,p,P,S,9.5,100,\n",
        CatalogFormat::Csv,
    ),
    (
        "\"[idKey]\",\"[TduCompanyName]\",\"[RepCompany]\",\"[Product]\",\"[kwh500]\",\"[kwh1000]\",\"[kwh2000]\",\"[Fees/Credits]\",\"[TermValue]\",\"[CancelFee]\"\n1,ONCOR,A,B,0.197,0.069,0.13,\"A bill credit of $125 for usage of 1,000 kWh or more. 4.9¢ for the first 1,000 kWh, 8.8¢ over 1,000 kWh\",12,20/month\n\"END OF FILE\"\n",
        CatalogFormat::PowerToChoose,
    ),
    (
        r#"{"items":[{"name":"R","utility":"U","energyratestructure":[[{"rate":0.1,"max":500,"unit":"kWh"},{"rate":0.2}]],"energyweekdayschedule":[[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]],"fixedchargefirstmeter":5,"mincharge":1,"flatdemandstructure":[[{"rate":2}]],"flatdemandmonths":[0],"startdate":1462258800}]}"#,
        CatalogFormat::Urdb,
    ),
    (
        r#"{"data":{"planId":"P","brandName":"B","displayName":"D","fuelType":"ELECTRICITY","electricityContract":{"tariffPeriod":[{"startDate":"11-01","endDate":"02-28","rateBlockUType":"singleRate","dailySupplyCharge":"1.1","singleRate":{"period":"P1D","rates":[{"unitPrice":"0.3","volume":"10"},{"unitPrice":"0.2"}]}}],"solarFeedInTariff":[{"tariffUType":"singleTariff","singleTariff":{"rates":[{"unitPrice":"0.05"}]}}],"discounts":[{"displayName":"X","type":"GUARANTEED","percentOfBill":{"rate":"0.1"}}],"fees":[{"type":"EXIT","term":"FIXED","amount":"20"}]}}}"#,
        CatalogFormat::Cdr,
    ),
    (
        "<?xml version=\"1.0\"?><Offers><Offer ID=\"1\"><SupplierInfo CompanyName=\"A &amp; B\"/><Price>0.07</Price><RateType>Fixed</RateType><TermLength>12</TermLength><OfferDetails>x &#8217; y</OfferDetails></Offer></Offers>",
        CatalogFormat::Ohio,
    ),
    (
        r#"{"code":"V","display_name":"D","available_from":"2020-01-01T00:00:00Z","single_register_electricity_tariffs":{"_A":{"direct_debit":{"code":"E","standing_charge_inc_vat":20,"standard_unit_rate_inc_vat":15}}}}"#,
        CatalogFormat::Octopus,
    ),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), format in 0..8usize) {
        let format = CatalogFormat::ALL.get(format).copied();
        let _ = read(&bytes[..], &CatalogOptions { format, ..CatalogOptions::default() });
    }

    #[test]
    fn damaged_files_never_panic(
        seed in 0..SEEDS.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3u8), 1..6),
    ) {
        let (text, format) = SEEDS[seed];
        let mut bytes = text.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at.min(bytes.len()), byte),
                _ => bytes.truncate(at.max(1)),
            }
        }
        let _ = read(&bytes[..], &CatalogOptions { format: Some(format), ..CatalogOptions::default() });
        let _ = read(&bytes[..], &CatalogOptions::default());
    }

    #[test]
    fn absurd_numbers_never_panic(seed in 0..SEEDS.len(), number in prop::sample::select(vec![
        "-1", "0", "1e308", "-1e308", "1e-300", "99999999999999999999", "NaN", "null", "\"\"", "[]", "0.000000001",
    ])) {
        let (text, format) = SEEDS[seed];
        for digit in ["12", "500", "0.1", "0.07", "20", "9", "1"] {
            let changed = text.replacen(digit, number, 3);
            let _ = read(changed.as_bytes(), &CatalogOptions { format: Some(format), ..CatalogOptions::default() });
        }
    }
}

#[test]
fn the_seeds_are_files_that_are_read() {
    for (text, format) in SEEDS {
        let read =
            read(text.as_bytes(), &CatalogOptions::default()).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(read.format, format);
    }
}
