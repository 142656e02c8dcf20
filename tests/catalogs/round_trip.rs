//! What we write we read back the same, in both of our formats, and the schema says what the types say.

use super::{import, shared};
use jiff::civil::date;
use treebeard::formats::catalog::{CatalogFormat, CatalogOptions, check, read, schema, write_csv, write_json};

const FILES: [&str; 12] = [
    "data/powertochoose/ptc_export_2020-12_oncor_aep.csv",
    "data/powertochoose/ptc_export_2026-09_excerpt.csv",
    "data/powertochoose/light_plans_2026-01-14.csv",
    "data/powertochoose/oncor_offers_2026-07.json",
    "data/urdb/v8-json/openei_plan_data.json",
    "data/urdb/v8-json/LADWP_A-3.json",
    "data/urdb/ratebook/pge-e-1.json",
    "data/urdb/ratebook/sce-tou-d-prime.json",
    "data/urdb/ratebook/fpl-rs-1.json",
    "data/au/cdr/globird_single_rate.json",
    "data/uk/octopus_getproduct.json",
    "data/ohio/apples_to_apples_aes.xml",
];

#[test]
fn the_export_of_an_import_imports_to_the_same_catalog() {
    for file in FILES {
        let Some(bytes) = shared(file, "the_export_of_an_import_imports_to_the_same_catalog") else { return };
        let options = CatalogOptions { retrieved: Some(date(2026, 1, 14)), ..CatalogOptions::default() };
        let catalog = import(&bytes, &options).catalog;
        assert_eq!(check(&catalog), [], "{file}");
        for (format, text) in [(CatalogFormat::Json, write_json(&catalog)), (CatalogFormat::Csv, write_csv(&catalog))] {
            let again = import(text.as_bytes(), &CatalogOptions::default());
            assert_eq!(again.format, format, "{file}");
            assert!(again.catalog == catalog, "{file} through {format}");
        }
    }
}

/// After a change of the types: `UPDATE_SCHEMA=1 cargo test --test catalogs schema`.
#[test]
fn the_committed_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/schemas/catalog.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, schema()).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == schema(), "assets/schemas/catalog.schema.json is not the schema of the types: write it anew");
}

#[test]
fn reference_markets_and_exports_follow_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut texts: Vec<String> =
        ["texas", "gb"].into_iter().filter_map(treebeard::formats::catalog::reference).map(write_json).collect();
    if let Some(bytes) = shared(FILES[1], "reference_markets_and_exports_follow_the_schema") {
        texts.push(write_json(&import(&bytes, &CatalogOptions::default()).catalog));
    }
    for text in texts {
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let faults: Vec<String> = validator.iter_errors(&value).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
    }
}

const SMALL: &str = r#"{
  "market": {"id": "m", "name": "M", "currency": "USD", "time_zone": "America/Chicago"},
  "utilities": [{"id": "u", "name": "U"}],
  "suppliers": [{"key": "s", "name": "S"}],
  "plans": [{"key": "p", "name": "P", "supplier": "s", "kind": "fixed", "term_months": 12,
             "rate": {"type": "fixed", "rate_per_kwh": 10}}]
}"#;

#[test]
fn faults_of_our_json_are_named_by_their_path() {
    let refused = |from: &str, to: &str| {
        assert!(SMALL.contains(from), "{from}");
        let error = read(SMALL.replace(from, to).as_bytes(), &CatalogOptions::default()).expect_err("refused");
        format!("{}: {}", error.place, error.reason)
    };
    assert!(read(SMALL.as_bytes(), &CatalogOptions::default()).is_ok());
    for (from, to, said) in [
        (
            "\"supplier\": \"s\"",
            "\"supplier\": \"x\"",
            "plans[0].supplier: \"x\" is not the key of a supplier in this file",
        ),
        (
            "\"term_months\": 12",
            "\"term_months\": 12, \"utilities\": [\"v\"]",
            "plans[0].utilities[0]: \"v\" is not the id of a utility in this file",
        ),
        ("\"key\": \"p\"", "\"key\": \"\"", "plans[0].key: is empty"),
        ("America/Chicago", "Chicago", "market.time_zone: is not a time zone name such as America/Chicago"),
        (
            "\"fixed\", \"rate_per_kwh\": 10",
            "\"tiered\", \"tiers\": []",
            "plans[0].rate.tiers: must end with a tier whose `up_to_kwh` is null: the last tier is open",
        ),
    ] {
        assert_eq!(refused(from, to), said);
    }
    let unknown = refused("\"term_months\": 12", "\"term_month\": 12");
    assert!(unknown.starts_with("plans[0]") && unknown.contains("unknown field `term_month`"), "{unknown}");
    let twice = SMALL.replace("\"plans\": [", "\"plans\": [{\"key\": \"p\", \"name\": \"Q\", \"supplier\": \"s\", \"kind\": \"fixed\", \"term_months\": 0, \"rate\": {\"type\": \"fixed\", \"rate_per_kwh\": 9}},");
    let error = read(twice.as_bytes(), &CatalogOptions::default()).expect_err("refused");
    assert_eq!(error.to_string().split(". ").next(), Some("plans[1].key: \"p\" is used twice"));
}

#[test]
fn a_csv_of_plans_alone_needs_a_market_and_names_its_bad_cells() {
    let base = import(SMALL.as_bytes(), &CatalogOptions::default()).catalog;
    let options = CatalogOptions { base: Some(&base), ..CatalogOptions::default() };
    let header = "key,name,supplier,utilities,term_months,rate_cents_per_kwh,exit_fee";
    let text = format!("{header}\nq,Quick 12,New Power,u,12,9.9,150\n");
    let read_back = import(text.as_bytes(), &options);
    let plan = &read_back.catalog.plans[0];
    assert_eq!((plan.supplier.as_str(), plan.term_months), ("new-power", 12));
    assert_eq!(read_back.catalog.suppliers[0].name, "New Power");
    let refused =
        |text: String, options: &CatalogOptions| read(text.as_bytes(), options).expect_err("refused").to_string();
    assert!(
        refused(text.clone(), &CatalogOptions::default()).starts_with("no row says which market the plans belong to")
    );
    assert_eq!(
        refused(format!("{header}\nq,Q,S,u,12,\"9,9\",150\n"), &options),
        "line 2, rate_cents_per_kwh: \"9,9\" is not a number (write 12.5, not 12,5 and no currency sign). \
         Correct the row, or export the catalog as CSV to see how each column is written"
    );
}
