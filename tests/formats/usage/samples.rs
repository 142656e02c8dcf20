//! Small valid files of every format, made here.

use std::fmt::Write;

pub const SMT_HEADER: &str = "ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION";

/// A day of Smart Meter Texas rows of 0.1 kWh; an autumn day repeats an hour, its first row mislabelled as the real files do.
pub fn smt_day(date: &str, is_autumn: bool) -> String {
    let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    let mut spans: Vec<(u32, u32)> = (0..96).map(|n| (n * 15, n * 15 + 15)).collect();
    if is_autumn {
        spans.splice(8..8, [(120, 75), (75, 90), (90, 105), (105, 120)]);
    }
    spans.iter().fold(String::new(), |mut text, (start, end)| {
        let (start, end) = (clock(*start), clock(*end));
        let _ = writeln!(text, "'10443720000000001,{date},{date} 06:18:33,{start},{end},.1,A,Consumption");
        text
    })
}

/// A Green Button reading of an hour.
pub fn espi_reading(start: i64, value: &str) -> String {
    format!(
        "<IntervalReading><timePeriod><duration>3600</duration><start>{start}</start></timePeriod><value>{value}</value></IntervalReading>"
    )
}

/// A Green Button feed: one usage point, one reading type, one block.
pub fn espi(reading_type: &str, block: &str) -> String {
    format!(
        r#"<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">
<entry><link rel="self" href="U/1"/><content><UsagePoint xmlns="http://naesb.org/espi"><ServiceCategory><kind>0</kind></ServiceCategory></UsagePoint></content></entry>
<entry><link rel="self" href="U/1/M/1"/><link rel="up" href="U/1/M"/><link rel="related" href="U/1/M/1/IntervalBlock"/><link rel="related" href="T/1"/><content><MeterReading xmlns="http://naesb.org/espi"/></content></entry>
<entry><link rel="self" href="T/1"/><content><ReadingType xmlns="http://naesb.org/espi">{reading_type}</ReadingType></content></entry>
<entry><link rel="self" href="U/1/M/1/IntervalBlock/1"/><link rel="up" href="U/1/M/1/IntervalBlock"/><content><IntervalBlock xmlns="http://naesb.org/espi">{block}</IntervalBlock></content></entry>
</feed>"#
    )
}

/// A NEM12 file of half-hours of 0.5 kWh on one day.
pub fn nem12() -> String {
    let values = vec!["0.5"; 48].join(",");
    format!(
        "100,NEM12,202401010000,M,R\n200,NMI1,E1,1,E1,N1,S,kWh,30,\n300,20240102,{values},A,,,20240103000000,\n900\n"
    )
}

/// One valid file of each format.
pub fn all() -> Vec<String> {
    let wide_header: Vec<String> = (0..48).map(|n| format!("{:02}:{:02}", n / 2, n % 2 * 30)).collect();
    let wide = format!("Date,{}\n2024-01-02,{}\n", wide_header.join(","), vec!["0.25"; 48].join(","));
    let hourly = (0..8_760).fold(String::from("kW\n"), |mut text, n| {
        let _ = writeln!(text, "0.{}", n % 10);
        text
    });
    let octopus = r#"{"count":2,"next":null,"results":[
{"consumption":0.2,"interval_start":"2024-01-02T00:30:00Z","interval_end":"2024-01-02T01:00:00Z"},
{"consumption":0.1,"interval_start":"2024-01-02T00:00:00Z","interval_end":"2024-01-02T00:30:00Z"}]}"#;
    vec![
        "month,kwh\n2024-01,850\n2024-02,790.5\n".to_owned(),
        "start,end,kwh\n2024-01-03,2024-02-02,850\n2024-02-02,2024-03-04,790\n".to_owned(),
        "timestamp,kwh\n2024-01-02 00:00,0.1\n2024-01-02 00:30,0.2\n2024-01-02 01:00,0.3\n".to_owned(),
        wide,
        format!("{SMT_HEADER}\n{}", smt_day("05/01/2022", false)),
        espi("<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom>", &espi_reading(1_704_175_200, "450")),
        nem12(),
        "100,NEM13,200401101030,M,R\n250,N,11,1,11,11,S,E,006342.8,20031005093055,A,,,007654.9,20040107100333,A,,,1312.1,kWh,,,\n900\n"
            .to_owned(),
        hourly,
        octopus.to_owned(),
    ]
}
