//! Plans of other markets: US rate records, Ohio offers, Australian and British plans.

use super::{import, shared};
use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::json;
use treebeard::domain::calendar::{Month, Window, calendar_windows};
use treebeard::domain::catalog::{Delivery, ExitFee, PlanKind, PropertyType};
use treebeard::domain::tariff::model::Tag;
use treebeard::domain::tariff::{Load, Pricer, RateStructure, compile};
use treebeard::domain::units::{Energy, Money, Price};
use treebeard::domain::usage::readings::Intervals;
use treebeard::formats::catalog::{CatalogFormat, CatalogImport, CatalogOptions, read};

fn of(file: &str, test: &str) -> Option<CatalogImport> {
    shared(file, test).map(|bytes| import(&bytes, &CatalogOptions::default()))
}

fn reasons(import: &CatalogImport) -> Vec<String> {
    import.rejected.iter().map(ToString::to_string).collect()
}

fn dollars(value: f64) -> Price {
    Price::from_currency(value).expect("a price")
}

#[test]
fn a_rate_answer_becomes_windows_and_a_fixed_charge() {
    let test = "a_rate_answer_becomes_windows_and_a_fixed_charge";
    let Some(read) = of("data/urdb/v8-json/openei_plan_data.json", test) else { return };
    assert_eq!((read.format, read.rows_read, reasons(&read)), (CatalogFormat::Urdb, 1, Vec::new()));
    let plan = &read.catalog.plans[0];
    assert_eq!((plan.key.as_str(), plan.kind), ("574613aa5457a3557e906f5b", PlanKind::TimeOfUse));
    // The record ends the day before it starts: neither date is kept as an end.
    assert_eq!((plan.offer.from, plan.offer.to), (Some(date(2016, 5, 3)), None));
    assert_eq!(
        serde_json::to_value(&plan.rate).expect("plain data")["charges"],
        json!([
            {"id": "fixed", "label": "Fixed charge", "tags": ["fixed"],
             "amount": {"kind": "fixed", "value": 16.91, "per": "month"}},
            {"id": "energy", "label": "Energy charge", "tags": ["energy"], "amount": {"kind": "energy", "windows": [
                {"when": {"months": [5, 6, 7, 8, 9, 10], "days": ["mon", "tue", "wed", "thu", "fri"], "from": "12:00", "to": "19:00"},
                 "price": 0.273_019_17, "label": "Energy: period 1"},
                {"when": {"months": [5, 6, 7, 8, 9, 10], "days": ["sat", "sun"]},
                 "price": 0.082_563_83, "label": "Energy: period 2"},
                {"when": {"months": [5, 6, 7, 8, 9, 10], "days": ["mon", "tue", "wed", "thu", "fri"], "from": "19:00", "to": "12:00"},
                 "price": 0.082_563_83, "label": "Energy: period 2"},
                {"when": {"months": [1, 2, 3, 4, 11, 12], "days": ["mon", "tue", "wed", "thu", "fri"], "from": "12:00", "to": "19:00"},
                 "price": 0.224_987_79, "label": "Energy: period 3"},
                {"price": 0.082_543_08, "label": "Energy: period 4"},
            ]}},
        ])
    );
}

#[test]
fn records_beyond_the_model_are_refused_by_name() {
    let test = "records_beyond_the_model_are_refused_by_name";
    let Some(lookup) = of("data/urdb/v8-json/openei_lookup.json", test) else { return };
    assert!(lookup.catalog.plans.is_empty());
    assert!(reasons(&lookup).iter().all(|reason| reason.contains("has no energy prices")), "{:?}", reasons(&lookup));
    let record = |change: serde_json::Value| {
        let hours = vec![vec![0; 24]; 12];
        let mut record = json!({"name": "R", "utility": "U", "energyratestructure": [[{"rate": 0.1}]],
            "energyweekdayschedule": hours, "energyweekendschedule": hours});
        record.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        import(record.to_string().as_bytes(), &CatalogOptions::default())
    };
    assert_eq!(reasons(&record(json!({}))), Vec::<String>::new());
    for (change, reason) in [
        (
            json!({"energyratestructure": [[{"rate": 0.1, "max": 200, "unit": "kWh/kW"}, {"rate": 0.2, "unit": "kWh/kW"}]]}),
            "its tiers are limited in kWh/kW, which cannot be priced",
        ),
        (json!({"energyweekdayschedule": vec![vec![3; 24]; 12]}), "its schedule uses period 3, which has no prices"),
        (
            json!({"coincidentratestructure": [[{"rate": 1}]]}),
            "it has a demand charge at the system's peak (coincidentratestructure), which cannot be priced",
        ),
        (
            json!({"lookbackpercent": 80}),
            "it has a demand charge that looks back as no ratchet does (lookbackpercent), which cannot be priced",
        ),
        (
            json!({"fixedchargefirstmeter": 1, "fixedchargeunits": "$/kW"}),
            "an amount is per \"$/kW\", not per month, day or year",
        ),
    ] {
        assert_eq!(reasons(&record(change)), [format!("record 1: \"R\": {reason}")]);
    }
}

#[test]
fn json_text_inside_a_json_string_is_a_record_too() {
    let Some(bytes) =
        shared("data/urdb/v8-json/openei_fixed_charge_rate.json", "json_text_inside_a_json_string_is_a_record_too")
    else {
        return;
    };
    let text = String::from_utf8(bytes.clone()).expect("text");
    let wrapped = serde_json::to_string(&text).expect("a string");
    let options = CatalogOptions::default();
    assert_eq!(import(wrapped.as_bytes(), &options), import(&bytes, &options));
}

#[test]
fn commercial_records_carry_demand_charges_of_one_window_or_several() {
    let test = "commercial_records_carry_demand_charges_of_one_window_or_several";
    let Some(read) = of("data/urdb/v8-json/PGE_BEV-2-S_2025-09-08_Neat.json", test) else { return };
    assert_eq!(reasons(&read), Vec::<String>::new());
    let plan = &read.catalog.plans[0];
    assert_eq!(plan.eligibility.property_types, [PropertyType::Commercial]);
    let RateStructure::Tariff(tariff) = &plan.rate else { panic!("the full form") };
    assert_eq!(
        serde_json::to_value(tariff.charges.iter().find(|charge| charge.tags == [Tag::Demand])).expect("plain data"),
        json!({"id": "demand-0", "label": "Demand charge", "tags": ["demand"],
               "amount": {"kind": "demand", "price": 1.91, "averaging_minutes": 60}})
    );
    assert!(read.notes.iter().any(|note| note.contains("a charge for reactive power")), "{:?}", read.notes);
    let Some(split) = of("data/urdb/v8-json/LADWP_A-3.json", test) else { return };
    assert_eq!(reasons(&split), Vec::<String>::new());
    let charges = serde_json::to_value(&split.catalog.plans[0].rate).expect("plain data")["charges"].clone();
    let of = |id: &str| charges.as_array().expect("a list").iter().find(|charge| charge["id"] == id).cloned();
    // High demand on summer afternoons before and after the hours of the highest.
    let weekdays = json!(["mon", "tue", "wed", "thu", "fri"]);
    assert_eq!(
        of("demand-window-1").expect("a charge")["amount"],
        json!({"kind": "demand", "price": 3.3, "averaging_minutes": 60,
               "when": {"months": [6, 7, 8, 9], "days": weekdays, "from": "10:00", "to": "13:00"},
               "also": [{"months": [6, 7, 8, 9], "days": weekdays, "from": "17:00", "to": "20:00"}]})
    );
    assert_eq!(of("demand-window-0"), None, "the other hours cost nothing");
}

/// Hourly readings of January and February 2026, in kW: 250 on the first weekday afternoon, 120 at night, else 80.
fn factory() -> Load {
    let windows = calendar_windows(Month::new(2026, 1).expect("a month"), 2);
    let kw = |hour: usize| match hour {
        16 => 250,
        27 => 120,
        _ => 80,
    };
    let mut readings = Intervals::empty(&TimeZone::UTC, 60, date(2026, 1, 1), 59);
    for (hour, energy) in readings.import.iter_mut().enumerate() {
        *energy = Energy::from_whole_kwh(kw(hour));
    }
    Load::from_intervals(&readings, &windows)
}

#[test]
fn a_demand_charge_of_tiers_and_many_windows_is_billed_by_the_kilowatt() {
    let test = "a_demand_charge_of_tiers_and_many_windows_is_billed_by_the_kilowatt";
    let Some(read) = of("data/urdb/v8-json/pysam_urdbv7.json", test) else { return };
    assert_eq!(reasons(&read), Vec::<String>::new());
    let compiled = compile(&read.catalog.plans[0].rate.expand(None), None, None).expect("a tariff");
    let bills = Pricer::new(&factory()).bills(&compiled).expect("bills");
    let demand = |month: usize| -> Vec<(f64, i64)> {
        let lines = bills[month].lines.iter().filter(|line| line.kind == Tag::Demand);
        lines.map(|line| (line.quantity, line.amount.cents())).collect()
    };
    // 250 kW at 6.46; of the afternoon's 250 kW 100 at 19.539 and 150 at 13.093; of the night's 120 kW 100 at 8.091 and 20
    // at 4.676.
    assert_eq!(demand(0), [(250.0, 1_615_00), (100.0, 1_953_90), (150.0, 1_963_95), (100.0, 809_10), (20.0, 93_52)]);
    assert_eq!(demand(1), [(80.0, 516_80), (80.0, 1_563_12), (80.0, 647_28)]);
}

#[test]
fn a_look_back_is_a_ratchet_where_a_ratchet_can_say_it() {
    let record = |change: serde_json::Value| {
        let hours = vec![vec![0; 24]; 12];
        let mut record = json!({"name": "R", "utility": "U", "energyratestructure": [[{"rate": 0.1}]],
            "energyweekdayschedule": hours, "energyweekendschedule": hours,
            "flatdemandstructure": [[{"rate": 10}], [{"rate": 5}]],
            "flatdemandmonths": [0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]});
        record.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        import(record.to_string().as_bytes(), &CatalogOptions::default())
    };
    for change in [
        json!({"lookbackpercent": 0.5, "lookbackrange": 11}),
        json!({"lookbackPercent": 0.5, "lookbackRange": 11, "lookbackMonths": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}),
        json!({"lookbackpercent": 0.5, "lookbackmonths": vec![true; 12]}),
    ] {
        let read = record(change);
        assert_eq!(reasons(&read), Vec::<String>::new());
        let compiled = compile(&read.catalog.plans[0].rate.expand(None), None, None).expect("a tariff");
        let bills = Pricer::new(&factory()).bills(&compiled).expect("bills");
        let demand = |month: usize| -> Vec<(f64, i64)> {
            let lines = bills[month].lines.iter().filter(|line| line.kind == Tag::Demand);
            lines.map(|line| (line.quantity, line.amount.cents())).collect()
        };
        // January's price for January's demand; in February half of January's highest at February's price.
        assert_eq!((demand(0), demand(1)), (vec![(250.0, 2_500_00)], vec![(125.0, 625_00)]));
    }
    let summer = json!({"lookbackpercent": 0.5, "lookbackmonths": [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0]});
    assert_eq!(
        reasons(&record(summer)),
        [
            "record 1: \"R\": it has a demand charge that looks back as no ratchet does (lookbackpercent), which cannot be priced"
        ]
    );
}

#[test]
fn ohio_offers_are_supply_alone() {
    let Some(bytes) = shared("data/ohio/apples_to_apples_aes.xml", "ohio_offers_are_supply_alone") else { return };
    let read = import(&bytes, &CatalogOptions { utility: Some("AES Ohio"), ..CatalogOptions::default() });
    assert_eq!((read.format, read.rows_read, reasons(&read)), (CatalogFormat::Ohio, 80, Vec::new()));
    let plans = &read.catalog.plans;
    assert_eq!(plans.iter().filter(|plan| plan.kind == PlanKind::Variable).count(), 11);
    assert!(plans.iter().all(|plan| plan.delivery == Delivery::None && plan.utilities == ["aes-ohio"]));
    let first = &plans[0];
    assert_eq!((first.key.as_str(), first.name.as_str()), ("5b4f7e59-c217-44fb-940c-4cb1d5cbaa2f", "SureLock 12"));
    assert_eq!(first.exit, ExitFee::Flat { fee: dollars(100.0) });
    assert_eq!(serde_json::to_value(&first.rate).expect("plain data"), json!({"type": "fixed", "rate_per_kwh": 7.29}));
    let introductory = plans.iter().filter(|plan| plan.on_expiry.is_some()).count();
    assert_eq!(introductory, 6);
    let entity =
        plans.iter().find(|plan| plan.description.as_deref().is_some_and(|text| text.contains("Shipley Energy’s")));
    assert!(entity.is_some(), "character references are resolved");
}

#[test]
fn an_xml_with_a_document_type_or_foreign_entity_is_refused() {
    let refused = |text: &str| read(text.as_bytes(), &CatalogOptions::default()).expect_err("refused").to_string();
    assert_eq!(
        refused("<?xml version=\"1.0\"?>\n<!DOCTYPE Offers [<!ENTITY a \"b\">]>\n<Offers><Offer/></Offers>"),
        "line 2: the file has a document type declaration, which is refused. \
         Download the offers again from the Apples to Apples page"
    );
    assert!(
        refused("<Offers><Offer><Price>&a;</Price></Offer></Offers>")
            .contains("the entity &a; is not one of XML's own")
    );
    assert!(refused("<Offers><Offer><Price>0.07").contains("the file ends inside <Offers><Offer><Price>"));
}

#[test]
fn an_australian_plan_states_supply_and_usage_without_tax() {
    let Some(read) =
        of("data/au/cdr/globird_single_rate.json", "an_australian_plan_states_supply_and_usage_without_tax")
    else {
        return;
    };
    assert_eq!((read.format, reasons(&read)), (CatalogFormat::Cdr, Vec::new()));
    let plan = &read.catalog.plans[0];
    assert_eq!((plan.kind, plan.utilities.as_slice()), (PlanKind::Variable, &["ausgrid".to_owned()][..]));
    assert!(read.catalog.utilities.iter().any(|utility| utility.id == "ausgrid" && utility.zips.len() > 100));
    let compiled = compile(&plan.rate.expand(None), None, None).expect("a tariff");
    let window = Window { start: date(2026, 8, 1), end: date(2026, 8, 31) };
    let load = Load::from_totals(&[(window, Energy::from_whole_kwh(720))]);
    let bill = Pricer::new(&load).bills(&compiled).expect("a bill").remove(0);
    let sum = |tags: &[Tag]| {
        bill.lines.iter().filter(|line| tags.contains(&line.kind)).map(|line| line.amount).sum::<Money>()
    };
    // 720 kWh at 26.87 c and 30 days at 79 c: what another program makes of this plan, tax aside.
    assert_eq!(sum(&[Tag::Energy, Tag::Fixed]).cents(), 21_716);
    assert_eq!(sum(&[Tag::Tax]).cents(), 2_172);
    assert_eq!(sum(&[Tag::Fee]).cents(), 2_170, "264 a year for 30 days");
}

#[test]
fn inclusive_looking_ends_close_the_day_and_gaps_are_refused() {
    let plan = |end: &str| {
        let rate = |price: &str, from: &str, to: &str, name: &str| {
            json!({"displayName": name, "rates": [{"unitPrice": price}], "timeOfUse": [
                {"days": ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"], "startTime": from, "endTime": to}]})
        };
        let text = json!({"data": {"planId": "P", "brandName": "B", "displayName": "TOU", "fuelType": "ELECTRICITY",
            "electricityContract": {"tariffPeriod": [{"startDate": "01-01", "endDate": "12-31",
                "rateBlockUType": "timeOfUseRates", "dailySupplyCharge": "1.00",
                "timeOfUseRates": [rate("0.30", "15:00", end, "Peak"), rate("0.000001", "21:00", "14:59", "Free")]}]}}});
        import(text.to_string().as_bytes(), &CatalogOptions::default())
    };
    let whole = plan("20:59");
    let windows =
        serde_json::to_value(&whole.catalog.plans[0].rate).expect("plain data")["charges"][1]["amount"]["windows"]
            .clone();
    assert_eq!(
        windows,
        json!([{"when": {"from": "15:00", "to": "21:00"}, "price": 0.3, "label": "Peak"}, {"price": 0.000_001, "label": "Free"}])
    );
    assert_eq!(reasons(&plan("20:30")), ["record 1: \"TOU\": its times of use leave Mon 20:30 without a price"]);
}

#[test]
fn a_british_product_is_a_plan_for_each_region() {
    let Some(bytes) = shared("data/uk/octopus_getproduct.json", "a_british_product_is_a_plan_for_each_region") else {
        return;
    };
    let plain = import(&bytes, &CatalogOptions::default());
    assert_eq!((plain.format, plain.catalog.plans.len(), plain.rejected.len()), (CatalogFormat::Octopus, 14, 14));
    let first = &plain.catalog.plans[0];
    assert_eq!((first.utilities.as_slice(), first.kind), (&["gsp-a".to_owned()][..], PlanKind::Variable));
    assert_eq!(
        serde_json::to_value(&first.rate).expect("plain data")["charges"][0]["amount"],
        json!({"kind": "fixed", "value": 0.216_72, "per": "day"})
    );
    let clock = |text: &str| text.parse().expect("a time");
    let night = Some((clock("00:30"), clock("07:30")));
    let with_night = import(&bytes, &CatalogOptions { night, ..CatalogOptions::default() });
    assert_eq!((with_night.catalog.plans.len(), with_night.rejected.len()), (28, 0));
}
