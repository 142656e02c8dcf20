//! The page that documents our own formats is true: it names every column, and its example is a catalog.

use crate::import;
use treebeard::formats::catalog::{COLUMNS, CatalogOptions};

const PAGE: &str = include_str!("../../assets/schemas/README.md");

#[test]
fn the_page_names_every_column_of_the_csv() {
    let table: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let missing: Vec<&str> =
        COLUMNS.into_iter().filter(|name| !table.iter().any(|row| row.contains(&format!("`{name}`")))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_example_of_the_page_is_a_catalog() {
    let (_, rest) = PAGE.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let import = import(example.as_bytes(), &CatalogOptions::default());
    assert_eq!(import.catalog.plans.len(), 1);
    assert!(import.rejected.is_empty());
}
