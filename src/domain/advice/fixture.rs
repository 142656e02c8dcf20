//! A small world for the tests: one market, plans in a line, a household with a known year.

use super::{Location, Options, Priorities, Request, UserProfile};
use crate::domain::calendar::Month;
use crate::domain::catalog::{
    CatalogFile, Delivery, Eligibility, ExitFee, Market, OfferDates, Plan, PlanKind, PropertyType, Provenance,
    Supplier, TypicalUse, Utility,
};
use crate::domain::market::Snapshot;
use crate::domain::tariff::RateStructure;
use crate::domain::units::{Energy, Percent, Price};
use crate::domain::usage::projection::{Band, ProjectedMonth, Projection, ShapeSource};
use crate::domain::usage::shape::{Shape, synthesise};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

pub const AS_OF: Date = date(2026, 1, 15);
/// A household with a hot summer; 12,000 kWh.
pub const SEASONAL_YEAR: [i64; 12] = [900, 800, 750, 850, 1_100, 1_300, 1_500, 1_400, 1_050, 800, 750, 800];

pub fn market() -> Market {
    Market {
        id: "test".into(),
        name: "Test".into(),
        currency: "USD".into(),
        time_zone: "America/Chicago".into(),
        no_choice_zips: vec!["90210".into()],
        typical_annual_kwh: TypicalUse::default(),
        monthly_shape: Vec::new(),
    }
}

pub fn supplier(key: &str, rating: Option<f64>, review_count: u32) -> Supplier {
    Supplier {
        key: key.into(),
        id: None,
        name: format!("{key} Energy"),
        rating,
        review_count,
        website: None,
        phone: None,
        active: true,
    }
}

/// A plan of supplier `s` without fees, in the named JSON form of its rate.
pub fn plan(key: &str, kind: PlanKind, term_months: u32, rate: &str) -> Plan {
    Plan {
        key: key.into(),
        id: None,
        name: format!("Plan {key}"),
        supplier: "s".into(),
        kind,
        utilities: Vec::new(),
        term_months,
        rate: serde_json::from_str::<RateStructure>(rate).expect("a rate"),
        monthly_fee: None,
        connection_fee: None,
        deposit: None,
        delivery: Delivery::Bundled,
        exit: ExitFee::None,
        renewable: Percent::default(),
        offer: OfferDates::default(),
        eligibility: Eligibility::default(),
        conditions: Vec::new(),
        on_expiry: None,
        description: None,
        terms_url: None,
        efl_url: None,
        published: None,
        provenance: Provenance::default(),
        active: true,
    }
}

pub fn fixed(key: &str, cents: f64) -> Plan {
    plan(key, PlanKind::Fixed, 12, &format!(r#"{{"type":"fixed","rate_per_kwh":{cents}}}"#))
}

/// `cents` a kWh and a $100 credit at 1,000 kWh or more.
pub fn credit(key: &str, cents: f64) -> Plan {
    let rate = format!(
        r#"{{"type":"tariff","charges":[
            {{"id":"energy","label":"Energy","tags":["energy"],"amount":{{"kind":"energy","price":{}}}}},
            {{"id":"credit","label":"Usage credit","tags":["credit"],"credit":true,"if":{{"usage":{{"min_kwh":1000}}}},
              "amount":{{"kind":"fixed","value":100,"per":"bill"}}}}]}}"#,
        cents / 100.0
    );
    plan(key, PlanKind::Fixed, 12, &rate)
}

pub fn dollars_price(dollars: i64) -> Price {
    Price::from_nanos(dollars * 1_000_000_000)
}

pub fn flat_exit(dollars: i64) -> ExitFee {
    ExitFee::Flat { fee: dollars_price(dollars) }
}

pub fn catalog(plans: Vec<Plan>) -> CatalogFile {
    let utility = |id: &str, zips: &[&str]| Utility {
        id: id.into(),
        name: format!("{id} wires"),
        aliases: Vec::new(),
        zips: zips.iter().map(ToString::to_string).collect(),
        delivery: None,
    };
    CatalogFile {
        market: market(),
        utilities: vec![utility("north", &["750", "787"]), utility("south", &["770"])],
        suppliers: vec![supplier("s", Some(4.0), 200), supplier("t", Some(3.0), 200)],
        plans,
    }
}

pub fn snapshot(plans: Vec<Plan>) -> Snapshot {
    Snapshot::build(vec![catalog(plans)], 1, AS_OF)
}

/// Twelve months from February 2026 with paths that stray up to `spread` percent either way.
pub fn projection(kwh: [i64; 12], spread: i64) -> Projection {
    let first_month = Month::of(AS_OF).plus(1);
    let zone = TimeZone::get("America/Chicago").expect("a zone");
    let energies: Vec<(Month, Energy)> =
        kwh.iter().enumerate().map(|(n, &kwh)| (first_month.plus(n as i32), Energy::from_whole_kwh(kwh))).collect();
    let band = |energy: Energy| Band {
        p10: energy.scale(100 - spread, 100),
        p50: energy,
        p90: energy.scale(100 + spread, 100),
    };
    // 64 evenly spread factors; each month walks through them in another order.
    let factor = |n: usize| 1_000_000 + spread * 10_000 * (2 * n as i64 - 63) / 63;
    let paths = (0..64).map(|n| std::array::from_fn(|month| factor((n * 5 + month * 19) % 64))).collect();
    Projection {
        first_month,
        months: energies
            .iter()
            .map(|&(month, expected)| ProjectedMonth { month, expected, band: band(expected) })
            .collect(),
        annual: band(energies.iter().map(|(_, energy)| *energy).sum()),
        paths,
        confidence: 0.95,
        intervals: synthesise(&energies, &zone, Shape::Standard),
        shape: ShapeSource::Standard,
        other_shapes: None,
    }
}

pub fn request(projection: Projection) -> Request {
    let annual = projection.months.iter().map(|month| month.expected).sum::<Energy>().kwh();
    Request {
        as_of: AS_OF,
        place: Location::Zip("78701".into()),
        property_type: PropertyType::Residential,
        profile: UserProfile {
            profile_type: "baseline".into(),
            projected_annual_kwh: annual,
            mean_monthly_kwh: annual / 12.0,
            has_seasonal_pattern: false,
            confidence_score: projection.confidence,
            projected_months: Vec::new(),
            hourly_shape: "standard".into(),
        },
        projection,
        priorities: Priorities::new(100, 0, 0, 0).expect("100"),
        current_plan: None,
        options: Options { top_n: 10, ..Options::default() },
        include_risks: true,
    }
}
