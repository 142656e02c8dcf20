//! The catalog as anybody may read it: filters, orders, pages, caching, prices.

use crate::market::{Market, catalog};
use serde_json::{Value, json};

const CATALOG: &str = "/api/v1/plans/catalog";

fn names(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["plan_name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_plan_list_filters_sorts_and_pages() {
    let market = Market::open();
    let list = |query: &str| {
        let reply = market.server.get(&format!("{CATALOG}?{query}"), &[]);
        assert_eq!(reply.status, 200, "{query}: {}", reply.body);
        reply.value()
    };
    let all = list("page_size=100");
    let active = catalog().plans.iter().filter(|plan| plan.active).count();
    assert_eq!(all["total"], active);
    let mut sorted = names(&all);
    sorted.sort_by_key(|name| name.to_lowercase());
    assert_eq!(names(&all), sorted, "by name unless asked otherwise");

    let (first, second) = (list("page_size=7"), list("page_size=7&page=2"));
    assert_eq!([names(&first), names(&second)].concat(), sorted[..14]);
    assert_eq!((&first["has_next"], &first["has_previous"]), (&json!(true), &json!(false)));
    assert_eq!(first["total_pages"], active.div_ceil(7));
    assert_eq!(list("page=1000")["items"], json!([]));

    for item in list("plan_type=tiered&min_renewable=50&page_size=100")["items"].as_array().expect("items") {
        assert_eq!(item["plan_type"], "tiered");
        assert!(item["renewable_percentage"].as_f64() >= Some(50.0), "{item}");
    }
    for item in list("max_contract_length=0&page_size=100")["items"].as_array().expect("items") {
        assert_eq!(item["contract_length_months"], 0);
    }
    for sort in ["price_500", "price_1000", "price_2000"] {
        let page = list(&format!("zip_code=78701-1234&sort={sort}&page_size=100"));
        let level = sort.replace("price", "kwh");
        let prices: Vec<f64> = page["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter_map(|item| item["prices"][&level].as_f64())
            .collect();
        assert!(prices.len() > 10 && prices.is_sorted(), "{sort}: {prices:?}");
    }
    assert_eq!(list("zip_code=90210")["total"], 0, "no retail choice, no plans");
    let supplier = &all["items"][0]["supplier_id"].as_str().expect("an id").to_owned();
    for item in list(&format!("supplier_id={supplier}"))["items"].as_array().expect("items") {
        assert_eq!(item["supplier_id"], *supplier);
    }
    let word = sorted[0].split(' ').next().expect("a word").to_uppercase();
    assert!(names(&list(&format!("q={word}&page_size=100"))).contains(&sorted[0]));
}

#[test]
fn wrong_parameters_are_named() {
    let market = Market::open();
    for (query, field) in [
        ("zip_code=7870", "zip_code"),
        ("plan_type=free", "plan_type"),
        ("min_renewable=101", "min_renewable"),
        ("page=0", "page"),
        ("page_size=101", "page_size"),
        ("sort=luck", "sort"),
        ("supplier_id=1", "supplier_id"),
    ] {
        let faults = market.server.get(&format!("{CATALOG}?{query}"), &[]).faults();
        assert_eq!(faults.first().map(|fault| fault.0.as_str()), Some(field), "{query}");
    }
}

#[test]
fn a_known_answer_is_told_from_a_new_one() {
    let market = Market::open();
    let path = format!("{CATALOG}?zip_code=78701&page_size=5&page=2");
    let first = market.server.get(&path, &[]);
    assert_eq!(first.header("x-cache-status"), Some("MISS"));
    let second = market.server.get(&path, &[]);
    assert_eq!(second.header("x-cache-status"), Some("HIT"));
    assert_eq!(first.body, second.body);
    let fresh = market.server.get(&path, &[("cache-control", "no-cache")]);
    assert_eq!((fresh.header("x-cache-status"), &fresh.body), (Some("BYPASS"), &first.body));
    let tag = first.header("etag").expect("an ETag");
    let unchanged = market.server.get(&path, &[("if-none-match", tag)]);
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
    let compressed = market.server.get(&path, &[("accept-encoding", "gzip")]);
    assert_eq!((compressed.status, compressed.header("content-encoding")), (200, Some("gzip")));
    assert_ne!(compressed.header("etag"), Some(tag), "other bytes have another strong tag");
    let link = first.header("link").expect("links");
    assert!(link.contains("zip_code=78701&page_size=5&page=3>; rel=\"next\""), "{link}");
}

#[test]
fn one_plan_and_one_supplier_are_read_by_id_retired_ones_too() {
    let mut file = catalog();
    file.plans[0].active = false;
    let retired = file.market.plan_id(&file.plans[0]);
    let supplier = file.market.supplier_id(&file.suppliers[0]);
    let market = Market::of(file);
    let plan = market.server.get(&format!("/api/v1/plans/{retired}"), &[]).value();
    assert_eq!((&plan["id"], &plan["is_active"]), (&json!(retired), &json!(false)));
    assert!(plan["rate_structure"]["type"].is_string(), "{plan}");
    let listed = market.server.get(&format!("{CATALOG}?page_size=100"), &[]).value();
    assert!(listed["items"].as_array().expect("items").iter().all(|item| item["id"] != json!(retired)));
    let read = market.server.get(&format!("/api/v1/suppliers/{supplier}"), &[]).value();
    assert_eq!(read["id"], json!(supplier));
    assert!(read["plan_count"].as_u64() >= Some(1), "{read}");
    let unknown = "00000000-0000-7000-8000-000000000000";
    market.server.get(&format!("/api/v1/plans/{unknown}"), &[]).problem(404);
    market.server.get(&format!("/api/v1/suppliers/{unknown}"), &[]).problem(404);
    market.server.get("/api/v1/plans/not-an-id", &[]).problem(404);
    assert_eq!(
        market.server.get("/api/v1/suppliers?page_size=3", &[]).value()["items"].as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn every_zip_has_an_answer() {
    let market = Market::open();
    let zip = |zip: &str| market.server.get(&format!("/api/v1/markets/{zip}"), &[]).value();
    let served = zip("78701-1234");
    assert_eq!(served["zip_code"], "78701");
    assert_eq!(
        (&served["deregulated"], &served["market"], &served["currency"], &served["timezone"]),
        (&json!(true), &json!("demo"), &json!("USD"), &json!("America/Chicago"))
    );
    assert!(served["utility"].is_string() && served["plans"].as_u64() > Some(20), "{served}");
    let no_choice = zip("90210");
    assert_eq!(
        (&no_choice["deregulated"], &no_choice["utility"], &no_choice["plans"]),
        (&json!(false), &Value::Null, &json!(0))
    );
    assert_eq!(no_choice["market"], "demo");
    assert_eq!(zip("10001")["market"], Value::Null);
    assert_eq!(market.server.get("/api/v1/markets/7870", &[]).faults()[0].0, "zip_code");
}

#[test]
fn a_plan_is_priced_month_by_month_and_line_by_line() {
    let market = Market::open();
    let page = market.server.get(&format!("{CATALOG}?zip_code=78701&plan_type=fixed&q=steady"), &[]).value();
    let path = format!("/api/v1/plans/{}/price", page["items"][0]["id"].as_str().expect("an id"));
    let months: Vec<Value> =
        (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 1000 })).collect();
    let body = json!({ "zip_code": "78701", "usage_data": months }).to_string();
    let reply = market.server.post(&path, &[], &body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let priced = reply.value();
    let bills = priced["months"].as_array().expect("months");
    assert_eq!((bills.len(), &priced["total_kwh"]), (12, &json!(12_000.0)));
    for bill in bills {
        let lines: f64 =
            bill["lines"].as_array().expect("lines").iter().filter_map(|line| line["amount"].as_f64()).sum();
        assert!((lines - bill["total"].as_f64().expect("a total")).abs() < 0.02, "{bill}");
    }
    let total: f64 = bills.iter().filter_map(|bill| bill["total"].as_f64()).sum();
    assert!((total - priced["total"].as_f64().expect("a total")).abs() < 0.07, "{total}");
    let cents = priced["average_rate_per_kwh"].as_f64().expect("a rate");
    assert!((cents - total / 120.0).abs() < 0.001, "{cents}");

    let faults = market.server.post(&path, &[], "{}").faults();
    assert_eq!(faults, [("usage_data".to_owned(), "required".to_owned())]);
    let unknown = "/api/v1/plans/00000000-0000-7000-8000-000000000000/price";
    market.server.post(unknown, &[], &body).problem(404);
    let bearer = market.server.signed_in("anna@example.com");
    let upload = json!({ "usage_data": months }).to_string();
    assert_eq!(market.post(&bearer, "/api/v1/usage/upload", &upload).status, 200);
    assert_eq!(market.post(&bearer, &path, "{}").value()["total"], priced["total"], "held usage prices the same");
}

#[test]
fn plans_are_compared_side_by_side_on_what_is_stated() {
    let market = Market::open();
    let page = market.server.get("/api/v1/plans/catalog?zip_code=78701&sort=price_1000&page_size=5", &[]).value();
    let ids: Vec<Value> = page["items"].as_array().expect("plans").iter().map(|plan| plan["id"].clone()).collect();
    let ask = |body: Value| market.server.post("/api/v1/plans/compare", &[], &body.to_string());
    let months: Vec<Value> = (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 900 })).collect();
    let reply = ask(json!({ "plan_ids": ids, "zip_code": "78701", "usage_data": months }));
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer = reply.value();
    let plans = answer["plans"].as_array().expect("plans");
    assert_eq!(plans.len(), 5);
    for plan in plans {
        assert_eq!(plan["monthly_costs"].as_array().map(Vec::len), Some(12));
        assert!(
            !plan["gains"].as_array().expect("gains").is_empty()
                || !plan["trade_offs"].as_array().expect("trade-offs").is_empty()
        );
    }
    let cost = &answer["measures"][0];
    assert_eq!((&cost["measure"], cost["values"].as_array().map(Vec::len)), (&json!("annual_cost"), Some(5)));
    let least = plans.iter().filter_map(|plan| plan["projected_annual_cost"].as_f64()).fold(f64::INFINITY, f64::min);
    let best = plans.iter().find(|plan| plan["plan_id"] == cost["best"][0]).expect("the best of them");
    assert_eq!(best["projected_annual_cost"].as_f64(), Some(least));

    let faults =
        |body: Value| ask(body).faults().into_iter().map(|(field, code)| format!("{field} {code}")).collect::<Vec<_>>();
    assert_eq!(faults(json!({ "plan_ids": &ids[..1], "usage_data": months })), ["plan_ids min_items"]);
    assert_eq!(faults(json!({ "plan_ids": [ids[0], ids[0]], "usage_data": months })), ["plan_ids[1] repeated_plan"]);
    let nobody = "00000000-0000-0000-0000-000000000000";
    assert_eq!(faults(json!({ "plan_ids": [ids[0], nobody], "usage_data": months })), ["plan_ids[1] unknown_plan"]);
    assert_eq!(faults(json!({ "plan_ids": &ids[..2] })), ["usage_data required"]);
    assert_eq!(faults(json!({ "usage_data": months })), ["plan_ids required"]);
    let anna = market.server.signed_in("anna@example.com");
    let upload = json!({ "usage_data": months }).to_string();
    assert_eq!(market.post(&anna, "/api/v1/usage/upload", &upload).status, 200);
    let held = market.post(&anna, "/api/v1/plans/compare", &json!({ "plan_ids": ids }).to_string());
    assert_eq!(held.value()["plans"], answer["plans"]);
}
