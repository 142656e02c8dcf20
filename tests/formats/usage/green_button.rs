//! Green Button: one test per trap.

use super::samples::{espi, espi_reading};
use super::support::{intervals, kwh, options, refusal, sum, texas};
use std::io::Read;
use treebeard::domain::tariff::model::Register::{Export, Import};
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{Quality, RawReadings};
use treebeard::formats::usage::{UsageOptions, read};

const WH: &str = "<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom>";
/// 2024-01-02T06:00Z, midnight in Texas.
const MIDNIGHT: i64 = 1_704_175_200;

fn one(reading_type: &str, value: &str) -> String {
    espi(reading_type, &espi_reading(MIDNIGHT, value))
}

#[test]
fn a_value_is_scaled_by_its_multiplier_and_unit() {
    for (reading_type, value, expected) in [
        (WH, "450", kwh(0.45)),
        ("<uom>72</uom>", "450", kwh(0.45)),
        (
            "<powerOfTenMultiplier>-3</powerOfTenMultiplier><uom>72</uom>",
            "450123",
            Energy::from_mwh_thousandths(450_123),
        ),
        ("<powerOfTenMultiplier>3</powerOfTenMultiplier><uom>72</uom>", "0.4501", kwh(0.4501)),
        (
            "<powerOfTenMultiplier>-6</powerOfTenMultiplier><uom>72</uom>",
            "450123500",
            Energy::from_mwh_thousandths(450_124),
        ),
        ("<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>38</uom>", "450", kwh(0.45)),
    ] {
        let file = texas(&one(reading_type, value)).unwrap_or_else(|error| panic!("{reading_type}: {error}"));
        assert_eq!(sum(&file, Import), (1, expected), "{reading_type} {value}");
    }
}

#[test]
fn average_power_counts_for_the_length_of_its_interval() {
    let quarter = espi_reading(MIDNIGHT, "1000").replace("3600", "900");
    let file = texas(&espi("<uom>38</uom>", &quarter)).expect("a quarter-hour of 1 kW");
    assert_eq!(sum(&file, Import), (1, kwh(0.25)));
}

#[test]
fn what_is_not_energy_is_left_out_and_said() {
    for (reading_type, said) in [
        ("<commodity>7</commodity><uom>119</uom>", "Readings that are gas are left out."),
        ("<uom>169</uom>", "Readings that are gas are left out."),
        ("<uom>73</uom>", "Readings that are reactive or apparent energy are left out."),
        (
            "<accumulationBehaviour>3</accumulationBehaviour><uom>72</uom>",
            "Readings that are meter totals, not energy per interval are left out.",
        ),
    ] {
        let error = refusal(&one(reading_type, "1"));
        assert!(error.starts_with("the file holds no electricity readings"), "{reading_type}: {error}");
        // Beside electricity it is only noted.
        let gas = second_point(&one(reading_type, "1"));
        let both = one(WH, "450").replace("</feed>", &gas);
        let file = texas(&both).unwrap_or_else(|error| panic!("{reading_type}: {error}"));
        assert_eq!((sum(&file, Import), &file.notes[..]), ((1, kwh(0.45)), &[said.to_owned()][..]));
    }
}

/// The entries of a feed with other links, to be put at the end of another feed.
fn second_point(feed: &str) -> String {
    let entries = &feed[feed.find("<entry>").expect("entries")..];
    entries.replace("U/1", "U/2").replace("T/1", "T/2")
}

#[test]
fn directions_tell_import_export_and_net() {
    let typed = |flow: u8| format!("<flowDirection>{flow}</flowDirection>{WH}");
    for (flow, import, export) in [(1, 1, 0), (0, 1, 0), (19, 0, 1)] {
        let file = texas(&one(&typed(flow), "450")).expect("a direction");
        assert_eq!((sum(&file, Import).0, sum(&file, Export).0), (import, export), "{flow}");
    }
    let net = espi(&typed(4), &(espi_reading(MIDNIGHT, "450") + &espi_reading(MIDNIGHT + 3_600, "-200")));
    let file = texas(&net).expect("net values");
    assert_eq!((sum(&file, Import), sum(&file, Export)), ((1, kwh(0.45)), (1, kwh(0.2))));
    let error = refusal(&one(&typed(1), "-200"));
    assert!(error.starts_with("record 1, value: -0.2 kWh is negative"), "{error}");
}

#[test]
fn elements_are_known_by_namespace_and_not_by_prefix() {
    let plain = one(WH, "450");
    let prefixed = [
        "UsagePoint",
        "ServiceCategory",
        "kind",
        "MeterReading",
        "ReadingType",
        "powerOfTenMultiplier",
        "uom",
        "IntervalBlock",
        "IntervalReading",
        "timePeriod",
        "duration",
        "start",
        "value",
    ]
    .iter()
    .fold(plain.clone(), |text, name| {
        text.replace(&format!("<{name}>"), &format!("<e:{name}>"))
            .replace(&format!("</{name}>"), &format!("</e:{name}>"))
            .replace(&format!("<{name} xmlns="), &format!("<e:{name} xmlns:e="))
    });
    assert!(prefixed.contains("<e:value>450</e:value>"));
    assert_eq!(sum(&texas(&prefixed).expect("prefixes"), Import), (1, kwh(0.45)));
    let foreign = plain.replace("http://naesb.org/espi", "http://example.org/naesb.org/espi");
    assert!(refusal(&foreign).starts_with("the Green Button file has no IntervalBlock"), "{}", refusal(&foreign));
}

#[test]
fn types_may_come_after_blocks_and_links_may_say_nothing() {
    let text = one(WH, "450");
    let entries: Vec<&str> = text.split("<entry>").collect();
    let [head, point, meter, kind, block] = entries[..] else { panic!("four entries") };
    let block = block.replace("</feed>", "");
    let late = [head, point, meter, &block, &format!("{kind}</feed>")].join("<entry>");
    assert_eq!(sum(&texas(&late).expect("a late type"), Import), (1, kwh(0.45)));
    let unlinked = text.replace("<link ", "<nolink ");
    assert_eq!(sum(&texas(&unlinked).expect("no links"), Import), (1, kwh(0.45)));
    let untyped = text.replace("ReadingType", "Otherwise");
    assert!(refusal(&untyped).contains("no ReadingType belongs to them"), "{}", refusal(&untyped));
}

#[test]
fn two_usage_points_are_chosen_between_by_position() {
    let both = one(WH, "450").replace("</feed>", &second_point(&one(WH, "700")));
    assert_eq!(
        refusal(&both),
        "the file holds 2 meters: 1 (1 rows), 2 (1 rows). Choose one by its position: meter 1 is the first in the file"
    );
    let second = UsageOptions { meter: Some("2".to_owned()), ..options("America/Chicago") };
    assert_eq!(sum(&read(both.as_bytes(), &second).expect("the second"), Import), (1, kwh(0.7)));
}

#[test]
fn the_same_use_in_two_resolutions_counts_once() {
    let hours = espi_reading(MIDNIGHT, "450") + &espi_reading(MIDNIGHT + 3_600, "450");
    let day = espi_reading(MIDNIGHT, "9000").replace("3600", "86400");
    let both = espi(WH, &hours).replace("</feed>", &second_point(&espi(WH, &day)).replace("U/2/M/1", "U/1/M/2"));
    let both = both.replacen("U/2", "U/1", 9);
    let file = texas(&both).expect("two resolutions");
    assert_eq!(sum(&file, Import), (2, kwh(0.9)));
    assert_eq!(file.notes, ["The file holds the same use in several resolutions: the finest is taken."]);
}

#[test]
fn local_times_written_as_utc_are_read_as_local() {
    // 2024-03-10, the day Texas skips 02:00, and the 11th: 24 rows each, from 00:00Z.
    let rows: String = (0..48).map(|n| espi_reading(1_710_028_800 + n * 3_600, "100")).collect();
    let text = espi(WH, &rows);
    let file = texas(&text).expect("local as UTC");
    let readings = intervals(&file);
    assert_eq!((readings.len(), readings[0].start), (47, 1_710_050_400));
    assert!(readings.windows(2).all(|pair| pair[1].start - pair[0].start == 3_600));
    assert_eq!(
        file.notes,
        [
            "Times are local clock times written as if they were UTC: they are read as local.",
            "1 readings name the hour that spring skips and are left out (0.100 kWh)."
        ]
    );
    // A feed that knows its time zone means what it says, and so does one near UTC.
    let zoned = text.replace(
        "</feed>",
        r#"<entry><content><LocalTimeParameters xmlns="http://naesb.org/espi"/></content></entry></feed>"#,
    );
    assert_eq!(intervals(&texas(&zoned).expect("true UTC"))[0].start, 1_710_028_800);
    let london = read(text.as_bytes(), &options("Europe/London")).expect("true UTC");
    assert_eq!(intervals(&london)[0].start, 1_710_028_800);
}

#[test]
fn daily_readings_are_days_and_longer_ones_billing_periods() {
    let row = |start: i64, seconds: u32| espi_reading(start, "20000").replace("3600", &seconds.to_string());
    // Midnights in Texas around the spring change: 23 hours, then 24.
    let file = texas(&espi(WH, &(row(1_710_050_400, 82_800) + &row(1_710_133_200, 86_400)))).expect("days");
    let RawReadings::Days(days) = &file.readings else { panic!("{:?}", file.readings) };
    assert_eq!(days.iter().map(|day| day.date.to_string()).collect::<Vec<_>>(), ["2024-03-10", "2024-03-11"]);
    let file = texas(&espi(WH, &row(MIDNIGHT, 30 * 86_400))).expect("a billing period");
    let RawReadings::Periods(periods) = &file.readings else { panic!("{:?}", file.readings) };
    assert_eq!((periods[0].window.days(), periods[0].energy), (30, kwh(20.0)));
}

#[test]
fn estimates_fractions_and_empty_values_are_understood() {
    let quality = "<ReadingQuality><quality>8</quality></ReadingQuality><timePeriod>";
    let rows = espi_reading(MIDNIGHT, "100").replace("<timePeriod>", quality)
        + &espi_reading(MIDNIGHT + 3_600, "").replace("<value></value>", "")
        + &espi_reading(MIDNIGHT + 7_200, "100").replace("</start>", ".000</start>");
    let file = texas(&espi(WH, &rows)).expect("three readings");
    let found: Vec<_> = intervals(&file).iter().map(|r| (r.start - MIDNIGHT, r.quality)).collect();
    assert_eq!(found, [(0, Quality::Estimated), (7_200, Quality::Actual)]);
    assert_eq!(file.notes, ["1 readings have no value and are left as gaps."]);
}

#[test]
fn document_types_entities_depth_and_cut_files_are_refused() {
    let text = one(WH, "450");
    let bomb = text.replace("<feed", r#"<!DOCTYPE lolz [<!ENTITY lol "lol">]><feed"#);
    assert!(refusal(&bomb).starts_with("the XML has a document type"), "{}", refusal(&bomb));
    let entity = text.replace("450", "&lol;");
    assert!(refusal(&entity).starts_with("the XML refers to an entity"), "{}", refusal(&entity));
    assert_eq!(sum(&texas(&text.replace("450", "&#52;50")).expect("a character reference"), Import), (1, kwh(0.45)));
    let deep = text.replace("<feed", &format!("{}<feed", "<a>".repeat(64)));
    assert!(refusal(&deep).starts_with("the XML nests more than 64 elements deep"), "{}", refusal(&deep));
    for cut in [text.len() - 8, text.find("<value>").expect("a value") + 9, text.find("<value>").expect("a value") + 3]
    {
        let error = refusal(&text[..cut]);
        assert!(error.contains("Download the Green Button file again"), "{cut}: {error}");
    }
    let long = text.replace("<value>", &format!("<!--{}--><value>", "x".repeat(3_000_000)));
    assert!(refusal(&long).contains("longer than 1 MiB"), "{}", refusal(&long));
}

/// A feed of any size that is never in memory: `blocks` days of hours.
struct Endless {
    head: std::io::Cursor<Vec<u8>>,
    day: i64,
    days: i64,
    part: std::io::Cursor<Vec<u8>>,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.head.read(buffer)?;
        if count > 0 {
            return Ok(count);
        }
        let count = self.part.read(buffer)?;
        if count > 0 || self.day > self.days {
            return Ok(count);
        }
        self.part = std::io::Cursor::new(if self.day == self.days {
            b"</feed>".to_vec()
        } else {
            let rows: String = (0..24).map(|n| espi_reading(MIDNIGHT + (self.day * 24 + n) * 3_600, "100")).collect();
            let feed = espi(WH, &rows);
            let start = feed.rfind("<entry>").expect("a block");
            feed.as_bytes()[start..feed.len() - "</feed>".len()].to_vec()
        });
        self.day += 1;
        self.part.read(buffer)
    }
}

#[test]
fn a_long_feed_is_read_as_a_stream() {
    let feed = espi(WH, "");
    let head = feed.as_bytes()[..feed.len() - "</feed>".len()].to_vec();
    let (head, part) = (std::io::Cursor::new(head), std::io::Cursor::default());
    let file = read(Endless { head, day: 0, days: 500, part }, &options("America/Chicago")).expect("a long feed");
    assert_eq!(sum(&file, Import), (12_000, kwh(1_200.0)));
}
