//! A small world for single rules: one utility, one supplier, 1,000 kWh in every month from February 2026.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use treebeard::domain::advice::{Location, Options, Priorities, Recommendation, Request, UserProfile, recommend};
use treebeard::domain::calendar::Month;
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::market::Snapshot;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::projection::{Band, ProjectedMonth, Projection, ShapeSource};
use treebeard::domain::usage::shape::{Shape, synthesise};
use uuid::Uuid;

pub const AS_OF: Date = date(2026, 1, 15);

/// What is asked, apart from the plans.
pub struct Asked {
    pub as_of: Date,
    pub current: Option<Value>,
    pub priorities: [u8; 4],
    /// Paths stray evenly up to so many percent either way, and so does the band.
    pub spread: i64,
    pub confidence: f64,
    pub hours_known: bool,
    /// Stars and reviews of the supplier.
    pub supplier: Option<(f64, u32)>,
    pub kwh: i64,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            as_of: AS_OF,
            current: None,
            priorities: [100, 0, 0, 0],
            spread: 0,
            confidence: 0.95,
            hours_known: true,
            supplier: None,
            kwh: 1_000,
        }
    }
}

/// A fixed plan for twelve months at a price in cents, with changes.
pub fn plan(key: &str, cents: f64, changes: &Value) -> Value {
    let mut plan = json!({ "key": key, "name": key, "supplier": "s", "kind": "fixed", "term_months": 12,
        "rate": { "type": "fixed", "rate_per_kwh": cents } });
    for (name, value) in changes.as_object().expect("an object") {
        plan[name] = value.clone();
    }
    plan
}

pub fn snapshot(plans: &Value, supplier: Option<(f64, u32)>) -> Snapshot {
    let (stars, reviews) = supplier.unzip();
    let file = json!({
        "market": { "id": "small", "name": "Small", "currency": "USD", "time_zone": "America/Chicago",
                    "monthly_shape": [7, 6, 6, 6, 8, 11, 13, 12, 9, 7, 6, 9] },
        "utilities": [{ "id": "north", "name": "North Wires", "zips": ["75"] }],
        "suppliers": [{ "key": "s", "name": "Acorn", "rating": stars, "review_count": reviews.unwrap_or(0) }],
        "plans": plans,
    });
    Snapshot::build(vec![serde_json::from_value(file).expect("a catalog")], 1, AS_OF)
}

/// The id the catalog gives the plan of that key.
pub fn id(plans: &Value, key: &str) -> Uuid {
    let snapshot = snapshot(plans, None);
    snapshot.listings().iter().find(|listing| listing.plan.key == key).expect("listed").id
}

pub fn advise(plans: &Value, asked: Asked) -> Recommendation {
    let projection = projection(&asked);
    let annual: f64 = projection.months.iter().map(|month| month.expected.kwh()).sum();
    let [cost, flexibility, renewable, rating] = asked.priorities;
    let request = Request {
        as_of: asked.as_of,
        place: Location::Zip("75001".into()),
        property_type: PropertyType::Residential,
        profile: UserProfile {
            profile_type: "baseline".into(),
            projected_annual_kwh: annual,
            mean_monthly_kwh: annual / 12.0,
            has_seasonal_pattern: false,
            confidence_score: asked.confidence,
            projected_months: Vec::new(),
            hourly_shape: String::new(),
        },
        projection,
        priorities: Priorities::new(cost, flexibility, renewable, rating).expect("100"),
        current_plan: asked.current.map(|plan| serde_json::from_value(plan).expect("a current plan")),
        options: Options { top_n: 10, ..Options::default() },
        include_risks: true,
    };
    recommend(&snapshot(plans, asked.supplier), &request).expect("advice")
}

fn projection(asked: &Asked) -> Projection {
    let first_month = Month::of(asked.as_of).plus(1);
    let zone = TimeZone::get("America/Chicago").expect("a zone");
    let expected = Energy::from_whole_kwh(asked.kwh);
    let band = |energy: Energy| Band {
        p10: energy.scale(100 - asked.spread, 100),
        p50: energy,
        p90: energy.scale(100 + asked.spread, 100),
    };
    let months: Vec<(Month, Energy)> = (0..12).map(|n| (first_month.plus(n), expected)).collect();
    let factor = |n: i64| 1_000_000 + asked.spread * 10_000 * (2 * n - 63) / 63;
    Projection {
        first_month,
        months: months
            .iter()
            .map(|&(month, expected)| ProjectedMonth { month, expected, band: band(expected) })
            .collect(),
        annual: band(expected.scale(12, 1)),
        paths: (0..64).map(|n| [factor(n); 12]).collect(),
        confidence: asked.confidence,
        intervals: synthesise(&months, &zone, Shape::Standard),
        shape: if asked.hours_known { ShapeSource::Held } else { ShapeSource::Standard },
        other_shapes: None,
    }
}
