//! The twelve months as CSV: figures that agree with the advice, and names no spreadsheet takes for formulas.

use crate::household::cases;

#[test]
fn every_row_has_every_column_and_the_year_ends_it() {
    for case in cases() {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(case.csv.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows of one length");
        assert_eq!(rows.len(), 14, "{}: a header, twelve months, the year", case.name);
        assert_eq!((&rows[0][0], &rows[13][0]), ("month", "year"), "{}", case.name);
        assert!(case.csv.ends_with("\r\n") && case.csv.matches("\r\n").count() == 14, "{}", case.name);
        for row in &rows[1..13] {
            assert!(row.iter().skip(1).all(|cell| cell.parse::<f64>().is_ok()), "{}: {row:?}", case.name);
        }
    }
}

#[test]
fn no_cell_of_text_begins_like_a_formula() {
    let hostile = cases().iter().find(|case| case.name == "hostile").expect("the case is there");
    let header = csv::Reader::from_reader(hostile.csv.as_bytes()).headers().cloned().expect("a header");
    assert!(header.iter().any(|cell| cell.starts_with("'=1+1 ")), "{header:?}");
    assert!(header.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@'])), "{header:?}");
}

/// Columns of a plan, its months and their bands; the bands are the tenth and ninetieth percentile of each month.
#[test]
fn the_expected_bill_of_a_month_lies_in_its_band_and_the_months_sum_to_the_year() {
    let everything = cases().iter().find(|case| case.name == "everything").expect("the case is there");
    let mut reader = csv::Reader::from_reader(everything.csv.as_bytes());
    let columns = reader.headers().expect("a header").len();
    let rows: Vec<Vec<f64>> = reader
        .records()
        .map(|row| row.expect("a row").iter().skip(1).map(|cell| cell.parse().unwrap_or(f64::NAN)).collect())
        .collect();
    let (months, year) = rows.split_at(12);
    // After the month: kWh with its band, the current plan, then three columns a plan.
    let sum = |column: usize| months.iter().map(|row| row[column]).sum::<f64>();
    assert!((sum(3) - year[0][3]).abs() < 0.05, "the current plan: {} and {}", sum(3), year[0][3]);
    for plan in (4..columns - 1).step_by(3) {
        assert!(sum(plan) <= year[0][plan] + 0.05, "one-time fees only add");
        for row in months {
            let (bill, low, high) = (row[plan], row[plan + 1], row[plan + 2]);
            assert!(low <= bill + 0.01 && bill <= high + 0.01 && low < high, "{low} <= {bill} <= {high}");
        }
        // Months do not all go the same way in one year, so the year's band is no wider than the sum of theirs.
        assert!(sum(plan + 2) - sum(plan + 1) >= year[0][plan + 2] - year[0][plan + 1], "the band of plan {plan}");
    }
}
