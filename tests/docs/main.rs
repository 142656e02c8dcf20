//! The documents hold: their links lead somewhere, their commands run, what is made from the code is what the code says.

mod checklist;
mod commands;
mod links;
mod look;
mod page;
mod runs;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/mod.rs"]
mod support;
mod terminal;

use treebeard::app::error::CODES;

#[test]
fn the_configuration_reference_is_what_the_code_says() {
    let committed = include_str!("../../docs/configuration.md");
    assert!(
        treebeard::config::reference::page() == committed,
        "docs/configuration.md is old: run `cargo run -- config reference > docs/configuration.md`"
    );
}

#[test]
fn every_code_of_a_wrong_field_is_given_somewhere() {
    let mut sources = Vec::new();
    page::files_below(&page::top().join("src"), "rs", &mut sources);
    let texts: Vec<String> = sources
        .iter()
        .filter(|path| !path.ends_with("app/error.rs"))
        .map(|path| std::fs::read_to_string(path).expect("sources are UTF-8"))
        .collect();
    let unused: Vec<&str> = CODES
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| !texts.iter().any(|text| text.contains(&format!("\"{code}\""))))
        .collect();
    assert!(unused.is_empty(), "no field is refused with {unused:?}");
}
