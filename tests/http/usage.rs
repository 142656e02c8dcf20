//! Usage over HTTP: stated months, imported meter files, read back, analysed, erased.

use crate::market::Market;
use serde_json::{Value, json};

const UPLOAD: &str = "/api/v1/usage/upload";
const IMPORT: &str = "/api/v1/usage/import";
const HISTORY: &str = "/api/v1/usage/history";

fn pair(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

#[test]
fn months_are_held_replaced_and_read_newest_first() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let reply =
        market.post(&anna, UPLOAD, r#"{"usage_data":[{"month":"2026-01","kwh":900},{"month":"2025-12-24","kwh":0}]}"#);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.value();
    assert_eq!((&answer["success"], &answer["data"]["months_uploaded"]), (&json!(true), &json!(2)));
    market.post(&anna, UPLOAD, r#"{"usage_data":[{"month":"2026-01-31","kwh":950.1255}]}"#);
    let month = |day: &str, kwh: f64| json!({ "month": day, "kwh": kwh, "source": "upload", "quality": "actual" });
    assert_eq!(market.get(&anna, HISTORY).value(), json!([month("2026-01-01", 950.126), month("2025-12-01", 0.0)]));
    assert_eq!(market.get(&anna, &format!("{HISTORY}?limit=1")).value(), json!([month("2026-01-01", 950.126)]));
    let ben = market.server.signed_in("ben@example.com");
    assert_eq!(market.get(&ben, HISTORY).value(), json!([]), "another user's usage is their own");
    market.server.get(HISTORY, &[]).problem(401);
    assert_eq!(market.get(&anna, HISTORY).header("cache-control"), Some("private, no-store"));
}

#[test]
fn every_wrong_month_is_named() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let faults = |body: &str| market.post(&anna, UPLOAD, body).faults();
    assert_eq!(
        faults(r#"{"usage_data":[{"month":"2026-01","kwh":1e12},{"month":"9999-01","kwh":-1},{"month":"2026-02"}]}"#),
        [
            pair("usage_data[0].kwh", "maximum"),
            pair("usage_data[1].month", "format"),
            pair("usage_data[1].kwh", "minimum"),
            pair("usage_data[2].kwh", "required"),
        ]
    );
    assert_eq!(
        faults(
            r#"{"usage_data":[{"month":"2026-01","kwh":1},{"month":"2026-01-20","kwh":2},{"month":"2190-01","kwh":3}]}"#
        ),
        [pair("usage_data[1].month", "repeated_month"), pair("usage_data[2].month", "range")]
    );
    assert_eq!(faults(r#"{"usage_data":[]}"#), [pair("usage_data", "min_items")]);
    assert_eq!(
        faults(r#"{"usage_data":[{"month":"2026-01","kwh":1,"unit":"Wh"}]}"#),
        [pair("usage_data[0].unit", "unknown_field")]
    );
    assert_eq!(market.get(&anna, HISTORY).value(), json!([]), "nothing of a refused body is held");
}

/// Two days of quarter hours, the second with a bad row when asked for.
fn quarter_hours(bad_row: bool) -> String {
    let mut csv = "start,kwh\n".to_owned();
    for day in 1..=2 {
        for quarter in 0..96 {
            let value = if bad_row && day == 2 && quarter == 40 { "much" } else { "0.25" };
            csv.push_str(&format!("2026-06-{day:02} {:02}:{:02},{value}\n", quarter / 4, quarter % 4 * 15));
        }
    }
    csv
}

#[test]
fn a_meter_file_is_held_whole_and_read_back_at_any_resolution() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let headers = [("authorization", anna.as_str()), ("content-type", "text/csv")];
    let reply = market.server.request("POST", IMPORT, &headers, &quarter_hours(false));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let report = reply.value();
    assert_eq!((&report["format"], &report["resolution_minutes"]), (&json!("interval"), &json!(15)));
    assert_eq!(
        (&report["rows_read"], &report["rows_rejected"], &report["kwh_total"]),
        (&json!(192), &json!(0), &json!(48.0))
    );
    assert_eq!(report["time_span"], json!({ "first_date": "2026-06-01", "last_date": "2026-06-02" }));
    for (resolution, count, kwh) in [("15m", 192, 0.25), ("1h", 48, 1.0), ("1d", 2, 24.0)] {
        let path = format!("/api/v1/usage/intervals?resolution={resolution}");
        let answer = market.get(&anna, &path).value();
        let items = answer["items"].as_array().expect("items");
        assert_eq!(
            (items.len(), &items[0]["kwh"], &answer["kwh_total"]),
            (count, &json!(kwh), &json!(48.0)),
            "{resolution}"
        );
        // Midnight in Chicago.
        assert_eq!(items[0]["start"], "2026-06-01T05:00:00Z");
    }
    let one_day = market.get(&anna, "/api/v1/usage/intervals?from=2026-06-02&to=2026-06-02").value();
    assert_eq!(one_day["items"].as_array().map(Vec::len), Some(24));
    assert_eq!(
        market.get(&anna, "/api/v1/usage/intervals?from=2026-06-02&to=2026-06-01").faults(),
        [pair("to", "range")]
    );
    let profile = market.get(&anna, "/api/v1/usage/profile");
    assert_eq!(profile.status, 200, "{}", profile.body);
    let profile = profile.value();
    assert_eq!((&profile["kwh_total"], &profile["outlook"]["hourly_shape"]), (&json!(48.0), &json!("held")));
    let erased = market.server.request("DELETE", "/api/v1/usage", &[("authorization", &anna)], "").value();
    assert_eq!(erased["data"], json!({ "months": 0, "days": 2 }));
    assert_eq!(market.get(&anna, "/api/v1/usage/intervals").value()["items"], json!([]));
    market.get(&anna, "/api/v1/usage/profile").problem(404);
}

#[test]
fn a_form_carries_the_file_as_well() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let part = |name: &str| {
        let file = quarter_hours(false);
        format!(
            "--cut\r\ncontent-disposition: form-data; name=\"{name}\"; filename=\"meter.csv\"\r\ncontent-type: text/csv\r\n\r\n{file}\r\n--cut--\r\n"
        )
    };
    let headers = [("authorization", anna.as_str()), ("content-type", "multipart/form-data; boundary=cut")];
    let reply = market.server.request("POST", IMPORT, &headers, &part("file"));
    assert_eq!((reply.status, &reply.value()["rows_read"]), (200, &json!(192)), "{}", reply.body);
    let no_file = "--cut\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--cut--\r\n";
    assert_eq!(market.server.request("POST", IMPORT, &headers, no_file).faults(), [pair("file", "required")]);
}

#[test]
fn a_file_with_a_bad_row_is_refused_whole_unless_the_rest_is_wanted() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let headers = [("authorization", anna.as_str()), ("content-type", "text/csv")];
    let refused = market.server.request("POST", IMPORT, &headers, &quarter_hours(true));
    let problem = refused.problem(422);
    let place = problem["details"][0]["field"].as_str().unwrap_or_default().to_owned();
    assert!(place.starts_with("line 138"), "{problem}");
    assert_eq!(market.get(&anna, "/api/v1/usage/intervals").value()["items"], json!([]), "nothing is held");
    let partial = format!("{IMPORT}?partial=true");
    let report = market.server.request("POST", &partial, &headers, &quarter_hours(true)).value();
    assert_eq!((&report["rows_rejected"], &report["rejected"][0]["line"]), (&json!(1), &json!(138)));
    for (body, what) in [("", "an empty body"), ("\u{1}\u{2}\u{3}", "no text"), ("hello, world\n", "another table")] {
        assert_eq!(market.server.request("POST", IMPORT, &headers, body).status, 422, "{what}");
    }
    let unknown = market.server.request("POST", &format!("{IMPORT}?format=paper"), &headers, "x");
    assert_eq!(unknown.faults()[0].0, "format");
}

#[test]
fn imported_months_show_in_the_history() {
    let market = Market::open();
    let anna = market.server.signed_in("anna@example.com");
    let headers = [("authorization", anna.as_str()), ("content-type", "text/csv")];
    let csv = "month,kwh\n2026-01,900\n2026-02,800.5\n";
    let report = market.server.request("POST", IMPORT, &headers, csv).value();
    assert_eq!((&report["format"], &report["stored"]), (&json!("monthly"), &json!({ "days": 0, "months": 2 })));
    let history: Vec<Value> = serde_json::from_value(market.get(&anna, HISTORY).value()).expect("a list");
    assert_eq!(
        history[0],
        json!({ "month": "2026-02-01", "kwh": 800.5, "source": "import:monthly", "quality": "actual" })
    );
    assert_eq!(history.len(), 2);
}
