//! The Israel Electric Corporation's interval CSV, as its export is publicly described: one test per trap.

use super::support::{intervals, kwh, options, sum};
use std::fmt::Write;
use treebeard::domain::tariff::model::Register::{Export, Import};
use treebeard::formats::FormatError;
use treebeard::formats::usage::{UsageFile, UsageFormat, read};

/// Lines about the customer, among them one that names the meter and one of underscores, as they stand above the table.
const PREAMBLE: &str = "\u{feff}\"שם לקוח\",\"כתובת\"\n\"פלונית\",\"רחוב 1, עיר\"\n\n\"מספר חוזה\",\"300000000\"\n\n\"קוד מונה\",\"סוג מונה\"\n\"503\",\"חכם\"\n\n\"תאריך התחלה\",\"01/03/2024\"\n\"תאריך סיום\",\"12/04/2024\"\n___________\n\n";

fn in_israel(text: &str) -> Result<UsageFile, FormatError> {
    read(text.as_bytes(), &options("Asia/Jerusalem"))
}

/// Quarter-hours of a day, the clock hours given.
fn quarters(text: &mut String, date: &str, hours: impl IntoIterator<Item = u32>, value: &str) {
    for hour in hours {
        for minute in [0, 15, 30, 45] {
            let _ = writeln!(text, "\"{date}\",\"{hour:02}:{minute:02}\",{value}");
        }
    }
}

#[test]
fn the_table_is_found_under_the_lines_about_the_customer() {
    let mut text = format!("{PREAMBLE}\"תאריך\",\"מועד תחילת הפעימה\",\"צריכה בקוט\"\"ש\"\n");
    quarters(&mut text, "01/03/2024", 0..24, "0.25");
    let file = in_israel(&text).expect("the export");
    assert_eq!((file.format, file.rows_read), (UsageFormat::Interval, 96));
    assert_eq!(sum(&file, Import), (96, kwh(24.0)));
    // Israel is two hours ahead of UTC in winter.
    assert_eq!(intervals(&file)[0].start, 1_709_244_000);
    assert!(!format!("{:?}", file.notes).contains("פלונית"), "nothing of the customer is kept");
}

#[test]
fn dates_are_day_first_even_where_nothing_tells_and_the_market_is_elsewhere() {
    let mut text = "תאריך\tמועד תחילת הפעימה\tצריכה בקוט\"ש\n____\t____\t____\n".to_owned();
    for (date, time) in [("03/02/2024", "0:00"), ("03/02/2024", "0:15"), ("03/02/2024", "0:30")] {
        let _ = writeln!(text, "{date}\t{time}\t0.044");
    }
    let file = read(text.as_bytes(), &options("America/Chicago")).expect("tabs and single-digit hours");
    assert_eq!(sum(&file, Import), (3, kwh(0.132)));
    assert_eq!(intervals(&file)[0].start, 1_706_940_000, "3 February, 00:00 in Chicago");
}

#[test]
fn what_is_fed_in_is_export_and_the_meter_has_a_column() {
    let header =
        "\"קוד ומספר מונה\",\"סוג מונה\",\"תאריך\",\"מועד תחילת הפעימה\",\"צריכה/ייצור בקוט\"\"ש\",\"הזרמה בקוט\"\"ש\"";
    let row = |meter: &str, time: &str| format!("\"{meter}\",\"חכם\",\"15/03/2024\",\"{time}\",0.3,0.1\n");
    let one = format!("{PREAMBLE}{header}\n{}{}", row("503-1", "10:00"), row("503-1", "10:15"));
    let file = in_israel(&one).expect("two registers");
    assert_eq!((sum(&file, Import), sum(&file, Export)), ((2, kwh(0.6)), (2, kwh(0.2))));
    let two = format!("{one}{}", row("503-2", "10:00"));
    let refusal = in_israel(&two).expect_err("two meters").to_string();
    assert!(refusal.contains("2 meters") && !refusal.contains("503"), "{refusal}");
}

#[test]
fn the_hour_autumn_repeats_is_two_hours_and_the_one_spring_skips_is_none() {
    let header = "תאריך,מועד תחילת הפעימה,\"צריכה בקוט\"\"ש\"\n";
    let mut autumn = header.to_owned();
    quarters(&mut autumn, "27/10/2024", [0, 1, 1, 2, 3], "0.1");
    let file = in_israel(&autumn).expect("an autumn night");
    let starts: Vec<i64> = intervals(&file).iter().map(|reading| reading.start).collect();
    assert_eq!(starts.len(), 20);
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 900), "{starts:?}");
    let mut spring = header.to_owned();
    quarters(&mut spring, "29/03/2024", [0, 1, 3, 4], "0.1");
    let starts: Vec<i64> = intervals(&in_israel(&spring).expect("a spring night")).iter().map(|r| r.start).collect();
    assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 900), "{starts:?}");
}
