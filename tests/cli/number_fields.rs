//! Every number of a tariff that is beyond its bounds or too fine, told by its whole path by the commands.

#[path = "../support/number_fields.rs"]
mod table;

use crate::run::Place;
use table::number_fields;

#[test]
fn a_wrong_number_of_a_catalog_or_a_tariff_is_told_by_its_whole_path() {
    let place = Place::new();
    let usage = place.file("usage.csv", "month,kwh\n2025-01,1000\n");
    for field in number_fields() {
        for value in field.bounds() {
            let outcome = place.run(&["catalog", "validate", &place.file("plans.json", &field.set(value).to_string())]);
            assert!(!outcome.stderr.contains(field.path), "{}", outcome.stderr);
        }
        for value in field.two_wrong() {
            let catalog = field.set(value);
            let file = place.file("plans.json", &catalog.to_string());
            place.run(&["catalog", "validate", &file]).refused(1, &[&format!("{}: ", field.path)]);
            let Some((plan, path)) = field.of_rate() else { continue };
            let file = place.file("tariff.json", &catalog["plans"][plan]["rate"].to_string());
            let outcome = place.run(&["price", "--tariff", &file, "--usage", &usage]);
            outcome.refused(1, &[&format!("{path}: ")]);
            assert!(!outcome.stderr.contains('⟨'), "{}", outcome.stderr);
        }
    }
}

#[test]
fn a_wrong_number_in_a_cell_of_our_csv_is_told_by_line_and_path() {
    let place = Place::new();
    let file = place.file("plans.json", &table::catalog().to_string());
    let csv = place.run(&["catalog", "export", &file, "--format", "csv"]).stdout;
    let (line, _) =
        csv.lines().enumerate().find(|(_, line)| line.contains("averaging_minutes")).expect("the full tariff");
    for (good, wrong, path) in [
        ("\"\"value\"\":4.95", "\"\"value\"\":0.0000000001", "rate.charges[0].amount.value"),
        ("\"\"percent\"\":80.0", "\"\"percent\"\":8000.0", "rate.charges[5].amount.ratchet.percent"),
        ("\"\"digits\"\":3", "\"\"digits\"\":-3", "rate.billing.digits"),
    ] {
        assert!(csv.contains(good), "{csv}");
        let file = place.file("plans.csv", &csv.replace(good, wrong));
        place.run(&["catalog", "validate", &file]).refused(1, &[&format!("line {}, {path}: ", line + 1)]);
    }
}
