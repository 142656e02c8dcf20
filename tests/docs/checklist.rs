//! The operator's checklist is answered line by line.

use crate::page::top;
use std::fs;

/// The list of the service that this one replaces: numbers of its lines, then names of its procedures.
const LIST: &str = "../shared/checklist.md";

#[test]
fn every_line_of_the_operators_checklist_has_its_answer() {
    let page = fs::read_to_string(top().join("docs/checklist.md")).expect("the page is there");
    let answered: Vec<String> = rows(&page).map(|cells| cells[0].clone()).collect();
    assert_eq!(answered.iter().filter(|row| is_number(row)).count(), 201);
    assert_eq!(answered.len(), 201 + 13);
    for cells in rows(&page) {
        assert!(cells.len() == 4 && cells.iter().all(|cell| !cell.is_empty()), "{cells:?}");
    }
    let Ok(list) = fs::read_to_string(top().join(LIST)) else {
        assert!(std::env::var_os("CI").is_none(), "the shared data is absent");
        println!("skipped: every_line_of_the_operators_checklist_has_its_answer: shared data absent");
        return;
    };
    let asked: Vec<String> =
        rows(&list).map(|cells| if is_number(&cells[0]) { &cells[0] } else { &cells[1] }.clone()).collect();
    assert_eq!(answered, asked);
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The cells of all rows below the heads of tables.
fn rows(page: &str) -> impl Iterator<Item = Vec<String>> {
    let mut within = false;
    page.lines().filter_map(move |line| {
        let is_row = line.starts_with('|');
        let is_below = is_row && within;
        within = is_row && (within || line.starts_with("|--"));
        is_below.then(|| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
    })
}
