//! Files that are not usage data: each is told what it is and what to do.

use super::support::{options, refusal, shared};
use treebeard::formats::usage::{UsageFormat, UsageOptions, detect, read};

#[test]
fn a_file_of_another_type_is_named() {
    for (bytes, reason) in [
        (&b"%PDF-1.7\n..."[..], "the file is a PDF, not usage data"),
        (b"PK\x03\x04\x14\x00", "the file is a ZIP archive or an Excel workbook, not usage data"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "the file is an old Excel workbook, not usage data"),
        (b"\x89PNG\r\n\x1a\n", "the file is a picture, not usage data"),
        (b"\xff\xd8\xff\xe0", "the file is a picture, not usage data"),
        (b"\x1f\x8b\x08", "the file is gzip-compressed, not usage data"),
        (b"\x00\x01\x02\x03\x04\x05", "the file is not text"),
        (b"", "the file is empty"),
        (b"  \n ", "the file is empty"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "the file is a web page"),
        (b"<?xml version=\"1.0\"?><note/>", "the file is XML, but not Green Button (ESPI)"),
        (b"{\"a\": 1}", "the file is JSON, but not Octopus consumption data"),
        (b"{\"plans\": []}", "the file is a list of plans, not usage data"),
        (b"Hello, this is a letter.", "no column of the file is known to hold a time and another one energy"),
        (b"month,therms\n2024-01,30\n", "the values are in therms, which is not electrical energy"),
        (b"date,price\n2024-01-01,0.12\n", "the file holds prices, not usage"),
    ] {
        let error = detect(bytes).expect_err(reason);
        assert_eq!(error.reason, reason);
        assert!(!error.remedy.is_empty(), "{reason} has no remedy");
        assert_eq!(read(bytes, &options("America/Chicago")).expect_err(reason), error);
    }
}

#[test]
fn naming_a_format_does_not_make_a_picture_usage() {
    for format in UsageFormat::ALL {
        let options = UsageOptions { format: Some(format), ..options("America/Chicago") };
        assert_eq!(
            read(&b"\x89PNG\r\n"[..], &options).expect_err("a picture").reason,
            "the file is a picture, not usage data"
        );
        assert!(read(&b"some words\nand more\n"[..], &options).is_err(), "{format}");
        assert!(read(&b""[..], &options).is_err(), "{format}");
    }
}

#[test]
fn real_catalogs_are_told_from_usage() {
    for path in [
        "powertochoose/ptc_export_2020-12_oncor_aep.csv",
        "powertochoose/ptc_export_2026-09_excerpt.csv",
        "powertochoose/light_plans_2026-01-14.csv",
        "powertochoose/oncor_offers_2026-07.json",
        "urdb/v8-json/openei_plan_data.json",
        "ohio/apples_to_apples_aes.xml",
        "au/cdr/globird_single_rate.json",
        "uk/octopus_getproduct.json",
    ] {
        let Some(bytes) = shared("real_catalogs_are_told_from_usage", path) else { return };
        let error = read(&bytes[..], &options("America/Chicago")).expect_err(path);
        assert_eq!(error.reason, "the file is a list of plans, not usage data", "{path}");
    }
}

#[test]
fn a_quotation_mark_that_is_never_closed_ends_reading() {
    let text = format!("timestamp,kwh\n2024-01-02 00:00,0.1\n\"2024-01-02 00:30,{}", "0.2\n".repeat(1_000_000));
    assert!(refusal(&text).contains("one record is longer than 1 MiB"), "{}", refusal(&text));
}

#[test]
fn reading_stops_after_a_hundred_bad_rows() {
    let text = "timestamp,kwh\n".to_owned() + &"nonsense,0.1\n".repeat(500);
    let error = refusal(&text);
    assert!(
        error.starts_with("line 2, timestamp: `nonsense` is not a time") && error.contains("and 99 more bad rows"),
        "{error}"
    );
    let partial = UsageOptions { partial: true, ..options("America/Chicago") };
    let file =
        read((text + "2024-01-02 00:00,0.1\n2024-01-02 00:15,0.1\n").as_bytes(), &partial).expect("two good rows");
    assert_eq!((file.rejected.len(), file.rows_rejected, file.rows_read), (100, 500, 502));
    assert_eq!(file.notes.last().map(String::as_str), Some("400 more rows were rejected than are listed."));
}

#[test]
fn identifiers_in_the_wrong_column_are_masked() {
    let error = refusal("date,kwh\n10443720000000001,0.1\n");
    assert!(error.contains("`*****************` is not a time") && !error.contains("1044"), "{error}");
}

#[test]
fn formats_are_named_and_named_back() {
    for format in UsageFormat::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    let error = "greenbutton".parse::<UsageFormat>().expect_err("no such name");
    assert!(error.starts_with("`greenbutton` is not a usage format: write one of monthly, periods,"), "{error}");
}
