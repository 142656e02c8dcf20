//! CSV of months, periods, intervals and days, bare values, Octopus JSON: one test per trap.

use super::support::{intervals, kwh, options, refusal, sum, texas};
use treebeard::domain::tariff::model::Register::{Export, Import};
use treebeard::domain::usage::readings::RawReadings;
use treebeard::formats::usage::{UsageFile, UsageFormat, UsageOptions, read};

fn good(text: &str) -> UsageFile {
    texas(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn months(file: &UsageFile) -> Vec<(String, f64)> {
    let RawReadings::Months(months) = &file.readings else { panic!("not months: {} {:?}", file.format, file.readings) };
    months.iter().map(|month| (month.month.to_string(), month.energy.kwh())).collect()
}

fn periods(file: &UsageFile) -> Vec<(String, String)> {
    let RawReadings::Periods(periods) = &file.readings else { panic!("not periods: {:?}", file.readings) };
    periods.iter().map(|period| (period.window.start.to_string(), period.window.end.to_string())).collect()
}

#[test]
fn months_are_read_however_a_spreadsheet_mangles_them() {
    let expected = vec![("2024-01".to_owned(), 1_234.5), ("2024-02".to_owned(), 790.0)];
    for text in [
        "month,kwh\n2024-01,1234.5\n2024-02,790\n",
        "\u{feff}month,kwh\r\n2024-01,1234.5\r\n2024-02,790\r\n",
        "Month;kWh\n2024-01;1234,5\n2024-02;790\n",
        "Month;kWh\n2024-01;1.234,5\n2024-02;790,0\n",
        "Month\tUsage (kWh)\nJan-24\t1234.5\nFeb-24\t790\n",
        "\"Billing Month\",\"Usage\"\n\"Jan 2024\",\"1,234.5\"\n\"Feb 2024\",\"790\"\n",
        "month,wh\n2024-01,1234500\n2024-02,790000\n",
        "Month,MWh\n2024-01,1.2345\n2024-02,0.79\n",
        "Year,Month,kWh\n2024,1,1234.5\n2024,2,790\nTotal,,2024.5\n",
        "2024-01,1234.5\n2024-02,790\n",
        "Usage history of my home\n\nPeriod,Cost ($),kWh\n2024-01,150,1234.5\n2024-02,99,790\n\n",
        "date,kwh\n1/1/2024,1234.5\n2/1/2024,790\n",
        "sep=;\nmonth;kwh\n2024-01;1234,5\n2024-02;790\n",
    ] {
        assert_eq!(months(&good(text)), expected, "{text}");
    }
}

#[test]
fn utf_16_is_read_with_and_without_its_mark() {
    let text = "month\tkwh\r\n2024-01\t850\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[&[0xff, 0xfe], &little[..]].concat(), [&[0xfe, 0xff], &big[..]].concat(), little, big] {
        let file = read(&bytes[..], &options("America/Chicago")).expect("UTF-16");
        assert_eq!(months(&file), [("2024-01".to_owned(), 850.0)]);
    }
}

#[test]
fn a_month_twice_a_bad_month_and_a_bad_value_are_each_said() {
    let error = texas("month,kwh\n2024-01,850\n2024-13,1\n2024-02,-4\n2024-01,1\n2024-03,2000000\n2024-04,\n")
        .expect_err("bad rows");
    let said: Vec<String> = error.rejected.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 3, month: `2024-13` is not a month (write YYYY-MM)",
            "line 4, kwh: -4 kWh is negative",
            "line 5, month: 2024-01 is there twice (first on line 2)",
            "line 6, kwh: 2000000 kWh is above the bound of 1000000 kWh for one value",
            "line 7, kwh: is empty",
        ]
    );
    let ambiguous = refusal("month,kwh\n2024-01,\"1,234\"\n");
    assert!(ambiguous.starts_with("line 2, kwh: `1,234` may mean thousands or decimals"), "{ambiguous}");
    let thousands = good("month,kwh\n2024-01,\"1,234\"\n2024-02,998\n");
    assert!((months(&thousands)[0].1 - 1_234.0).abs() < 1e-9);
    assert!(refusal("month,kW\n2024-01,3\n").starts_with("kW: kW is power, not energy"));
}

#[test]
fn ends_of_periods_are_settled_by_header_or_by_the_rows() {
    let of = |text: &str| periods(&good(text));
    let at = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    let chained = of("start,end,kwh\n2024-01-03,2024-02-02,850\n2024-02-02,2024-03-04,790\n");
    assert_eq!(chained, [at("2024-01-03", "2024-02-02"), at("2024-02-02", "2024-03-04")]);
    let following = of("start,end,kwh\n2024-01-03,2024-02-01,850\n2024-02-02,2024-03-03,790\n");
    assert_eq!(following, chained);
    assert_eq!(of("From,Through,kWh\n01/03/2024,02/01/2024,850\n"), [at("2024-01-03", "2024-02-02")]);
    assert_eq!(of("start,end_exclusive,kwh\n2024-01-03,2024-02-01,850\n"), [at("2024-01-03", "2024-02-01")]);
    assert_eq!(of("start,end,kwh\n2024-01-01,2024-01-31,850\n"), [at("2024-01-01", "2024-02-01")]);
    assert_eq!(of("start,end,kwh\n2024-01-01,2024-02-01,850\n"), [at("2024-01-01", "2024-02-01")]);
    let overlap = refusal("start,end_exclusive,kwh\n2024-01-01,2024-02-01,850\n2024-01-20,2024-03-01,850\n");
    assert!(overlap.starts_with("line 3, start: the period from 2024-01-20 overlaps the one on line 2"), "{overlap}");
}

#[test]
fn intervals_are_read_from_every_usual_layout() {
    for text in [
        "timestamp,kwh\n2024-01-02 00:00,0.1\n2024-01-02 00:30,0.2\n2024-01-02 01:00,0.3\n",
        "2024-01-02T00:00,0.1\n2024-01-02T00:30,0.2\n2024-01-02T01:00,0.3\n",
        "Date,Time,Usage (Wh)\n1/2/2024,12:00 AM,100\n1/2/2024,12:30 AM,200\n1/2/2024,1:00 AM,300\n",
        "Start,End,Value (kWh)\n2024-01-02 00:00,2024-01-02 00:30,0.1\n2024-01-02 00:30,2024-01-02 01:00,0.2\n2024-01-02 01:00,2024-01-02 01:30,0.3\n",
        "timestamp,kW\n2024-01-02 00:00,0.2\n2024-01-02 00:30,0.4\n2024-01-02 01:00,0.6\n",
        "interval end,kwh\n2024-01-02 00:30,0.1\n2024-01-02 01:00,0.2\n2024-01-02 01:30,0.3\n",
        "timestamp,kwh\n2024-01-02T06:00:00Z,0.1\n2024-01-02T06:30:00Z,0.2\n2024-01-02T07:00:00Z,0.3\n",
        "timestamp,kwh\n2024-01-02T00:00:00-06:00,0.1\n2024-01-02T00:30:00-06:00,0.2\n2024-01-02T01:00:00-06:00,0.3\n",
        "Name,A Person\nAddress,1 Some Street\n\nTYPE,DATE,START TIME,END TIME,USAGE,UNITS,COST\nElectric usage,2024-01-02,00:00,00:29,0.1,kWh,$0.02\n\
         Electric usage,2024-01-02,00:30,00:59,0.2,kWh,$0.02\nElectric usage,2024-01-02,01:00,01:29,0.3,kWh,$0.02\n",
        "Consumption (kwh), Estimated Cost Inc. Tax (p), Start, End\n0.1, 2.5, 2024-01-02T00:00:00-06:00, 2024-01-02T00:30:00-06:00\n\
         0.2, 2.5, 2024-01-02T00:30:00-06:00, 2024-01-02T01:00:00-06:00\n0.3, 2.5, 2024-01-02T01:00:00-06:00, 2024-01-02T01:30:00-06:00\n",
    ] {
        let file = good(text);
        let found: Vec<_> = intervals(&file).iter().map(|r| (r.start - 1_704_175_200, r.seconds, r.energy)).collect();
        assert_eq!(found, [(0, 1_800, kwh(0.1)), (1_800, 1_800, kwh(0.2)), (3_600, 1_800, kwh(0.3))], "{text}");
        assert_eq!(file.format, UsageFormat::Interval, "{text}");
    }
}

#[test]
fn the_repeated_hour_is_told_apart_by_the_order_of_the_rows() {
    let clocks = ["00:30", "01:00", "01:30", "01:00", "01:30", "02:00"];
    let text = |order: &[&str]| {
        order.iter().fold("timestamp,kwh\n".to_owned(), |text, clock| text + &format!("2022-11-06 {clock},0.1\n"))
    };
    let up = good(&text(&clocks));
    let starts =
        |file: &UsageFile| intervals(file).iter().map(|r| (r.start - 1_667_710_800) / 1_800).collect::<Vec<_>>();
    assert_eq!(starts(&up), [1, 2, 3, 4, 5, 6]);
    let down: Vec<&str> = ["03:00", "02:30"].into_iter().chain(clocks.iter().rev().copied()).collect();
    assert_eq!(starts(&good(&text(&down))), [8, 7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn the_skipped_hour_is_dropped_when_empty_and_refused_when_not() {
    let text =
        |value: &str| format!("timestamp,kwh\n2024-03-10 01:00,1\n2024-03-10 02:00,{value}\n2024-03-10 03:00,1\n");
    let file = good(&text("0"));
    assert_eq!(intervals(&file).iter().map(|r| r.start).collect::<Vec<_>>(), [1_710_054_000, 1_710_057_600]);
    assert_eq!(file.notes, ["1 rows without energy name the hour that spring skips and are left out."]);
    assert!(refusal(&text("1")).starts_with("line 3, timestamp: 2024-03-10 has no 02:00: the clocks skip it"));
}

#[test]
fn import_and_export_are_two_columns_or_a_channel() {
    let columns = good("timestamp,import_kwh,export_kwh\n2024-01-02 00:00,1,0\n2024-01-02 01:00,0,2\n");
    let channel = good(
        "timestamp,kwh,channel\n2024-01-02 00:00,1,Consumption\n2024-01-02 01:00,0,Consumption\n2024-01-02 00:00,0,Generation\n2024-01-02 01:00,2,Generation\n",
    );
    for file in [columns, channel] {
        assert_eq!((sum(&file, Import), sum(&file, Export)), ((2, kwh(1.0)), (2, kwh(2.0))));
    }
}

#[test]
fn rows_of_whole_days_are_days() {
    for text in [
        "date,kwh\n2024-01-02,20\n2024-01-03,21\n",
        "date,kwh\n02.01.2024,20\n03.01.2024,21\n",
        "timestamp,kwh\n2024-01-02 00:00,20\n2024-01-03 00:00,21\n",
    ] {
        let file = good(text);
        let RawReadings::Days(days) = &file.readings else { panic!("{text}: {:?}", file.readings) };
        let found: Vec<_> = days.iter().map(|day| (day.date.to_string(), day.energy)).collect();
        assert_eq!(found, [("2024-01-02".to_owned(), kwh(20.0)), ("2024-01-03".to_owned(), kwh(21.0))], "{text}");
    }
}

#[test]
fn wide_days_have_24_48_96_or_288_columns_by_any_name() {
    let clock = |n: usize, minutes: usize| format!("{:02}:{:02}", n * minutes / 60, n * minutes % 60);
    for (count, minutes) in [(24, 60), (48, 30), (96, 15), (288, 5)] {
        let values = vec!["0.1"; count].join(",");
        for names in [
            (0..count).map(|n| clock(n, minutes)).collect::<Vec<_>>(),
            (1..=count).map(|n| clock(n, minutes)).collect(),
            (1..=count).map(|n| n.to_string()).collect(),
            (1..=count).map(|n| format!("H{n}")).collect(),
        ] {
            let file = good(&format!("Meter,Date,Unit kWh,{}\nA,2024-01-02,kWh,{values}\n", names.join(",")));
            assert_eq!(file.format, UsageFormat::Wide);
            assert_eq!(sum(&file, Import), (count, kwh(count as f64 / 10.0)), "{names:?}");
            assert_eq!(intervals(&file)[0].start, 1_704_175_200);
        }
    }
}

#[test]
fn wide_days_follow_the_clock_or_have_columns_for_a_long_day() {
    let names = |count: usize| (1..=count).map(|n| format!("H{n}")).collect::<Vec<_>>().join(",");
    let row = |date: &str, count: usize| format!("{date},{}\n", vec!["1"; count].join(","));
    let spring = row("2024-03-10", 24).replacen("1,1,1,", "1,1,,", 1);
    let file = good(&format!("date kwh,{}\n{}{spring}", names(24), row("2024-03-09", 24)));
    assert_eq!(sum(&file, Import), (47, kwh(47.0)));
    assert!(intervals(&file).windows(2).all(|pair| pair[1].start - pair[0].start == 3_600));
    let long = format!("date kwh,{}\n{}{}", names(25), row("2024-11-02", 24), row("2024-11-03", 25));
    let file = good(&long);
    assert_eq!(sum(&file, Import), (49, kwh(49.0)));
    assert!(intervals(&file).windows(2).all(|pair| pair[1].start - pair[0].start == 3_600));
}

#[test]
fn bare_values_are_a_year_of_power_from_a_given_day() {
    for (count, hours) in [(8_760, 8_760.0), (8_784, 8_784.0), (17_520, 8_760.0), (35_040, 8_760.0)] {
        let text = "Load (kW)\n".to_owned() + &"1.5\n".repeat(count);
        let start = jiff::civil::date(2023, 1, 1);
        let file = read(text.as_bytes(), &UsageOptions { start: Some(start), ..options("UTC") }).expect("a year");
        assert_eq!((file.format, sum(&file, Import)), (UsageFormat::Hourly, (count, kwh(hours * 1.5))));
        assert_eq!(intervals(&file)[0].start, 1_672_531_200);
    }
    let energy = texas(&("kWh\n".to_owned() + &"0.5\n".repeat(17_520))).expect("a year of half-hours");
    assert_eq!(sum(&energy, Import), (17_520, kwh(8_760.0)));
    let error = refusal(&"1.5\n".repeat(8_761));
    assert!(error.starts_with("the file has 8761 values, which is no year"), "{error}");
}

#[test]
fn octopus_pages_are_instants_newest_first() {
    let text = r#"{"count": 500, "next": "https://example.org/page=2", "previous": null, "results": [
        {"consumption": 0.2, "interval_start": "2023-10-29T01:00:00Z", "interval_end": "2023-10-29T01:30:00Z"},
        {"consumption": 0.3, "interval_start": "2023-10-29T01:30:00+01:00", "interval_end": "2023-10-29T01:00:00Z"},
        {"consumption": null, "interval_start": "2023-10-29T00:00:00Z", "interval_end": "2023-10-29T00:30:00Z"}]}"#;
    let file = read(text.as_bytes(), &options("Europe/London")).expect("a page");
    let found: Vec<_> = intervals(&file).iter().map(|r| (r.start, r.seconds, r.energy)).collect();
    assert_eq!(found, [(1_698_541_200, 1_800, kwh(0.2)), (1_698_539_400, 1_800, kwh(0.3))]);
    assert_eq!(
        file.notes,
        ["1 entries have no value and are left as gaps.", "The file is one page: 3 of the 500 values the meter has."]
    );
    let error = refusal(&text[..text.len() - 40]);
    assert!(error.contains("the JSON ends in the middle. The download was cut off"), "{error}");
}
