//! A store as large as wanted, written through the store's own functions in large transactions: users with what belongs
//! to them, a market of many utilities, a year of quarter hours of some meters.
#![allow(dead_code, reason = "a test and a bench use it")]

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;
use treebeard::domain::calendar::Month;
use treebeard::domain::catalog::{CatalogFile, PropertyType};
use treebeard::domain::sentiment::Sentiment;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::readings::{Intervals, Quality};
use treebeard::store::audit::{self, Event};
use treebeard::store::catalog::import::{self, ImportMode};
use treebeard::store::db::Tx;
use treebeard::store::error::StoreError;
use treebeard::store::feedback::{self, Feedback, FeedbackKind};
use treebeard::store::recommendations::{self, RankedPlan, Recommendation};
use treebeard::store::sessions::{self, Session};
use treebeard::store::usage_history::{self, MonthRow};
use treebeard::store::users::{self, NewUser, Role};
use treebeard::store::{Store, usage_days};
use uuid::Uuid;

/// How much of everything.
#[derive(Debug, Clone)]
pub struct Size {
    pub users: u64,
    /// The first so many users have one meter each, with readings of so many days before [`END`].
    pub meters: u64,
    pub days: u32,
    pub plans: usize,
    /// The plans are sold under one utility each, in turn.
    pub utilities: usize,
    /// What an answer that is kept looks like.
    pub answer: String,
}

/// Of every user's password; whoever wants to sign in has it made by the service before.
pub type PasswordHash<'a> = &'a str;

const USERS_AT_ONCE: u64 = 10_000;
const METERS_AT_ONCE: u64 = 100;
/// One user in so many has months of usage, a session and a line in the log; one in so many an answer and an opinion.
const ACTIVE: u64 = 10;
const ADVISED: u64 = 100;
const SUPPLIERS: usize = 40;

/// All of it.
pub fn grow(store: &Store, size: &Size, password: PasswordHash<'_>, now: Timestamp) {
    add_catalog(store, size, now);
    add_users(store, size, password, now);
    add_meters(store, size, now);
}

pub fn add_catalog(store: &Store, size: &Size, now: Timestamp) {
    let file = catalog(size.plans, size.utilities);
    store.write_blocking(move |tx| import::replace(tx, &file, ImportMode::Replace, now)).expect("the catalog is taken");
}

/// The last user came now, the first three years before.
pub fn add_users(store: &Store, size: &Size, password: PasswordHash<'_>, now: Timestamp) {
    let shared = Arc::new((size.clone(), password.to_owned()));
    for first in (0..size.users).step_by(USERS_AT_ONCE as usize) {
        let shared = shared.clone();
        let some = move |tx: &mut Tx<'_>| {
            let (size, password) = &*shared;
            (first..size.users.min(first + USERS_AT_ONCE)).try_for_each(|n| user(tx, size, n, password, now))
        };
        store.write_blocking(some).expect("users are kept");
    }
}

pub fn add_meters(store: &Store, size: &Size, now: Timestamp) {
    let year = readings(size.days, now);
    for first in (0..size.meters).step_by(METERS_AT_ONCE as usize) {
        let (meters, year) = (first..size.meters.min(first + METERS_AT_ONCE), year.clone());
        let some = move |tx: &mut Tx<'_>| -> Result<(), StoreError> {
            for n in meters {
                usage_days::save_intervals(tx, user_id(n), "", &year.of(n))?;
            }
            Ok(())
        };
        store.write_blocking(some).expect("readings are kept");
    }
}

/// Ids grow with the number, as those that are made in order of time do.
pub fn user_id(n: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + (u128::from(n) << 8))
}

pub fn email(n: u64) -> String {
    format!("customer.{n}@example.com")
}

/// In the territory of utility `n`.
pub fn zip(utility: usize) -> String {
    format!("{}01", 100 + utility)
}

fn user(tx: &mut Tx<'_>, size: &Size, n: u64, password: &str, now: Timestamp) -> Result<(), StoreError> {
    let seconds = 3 * 365 * 86_400 / size.users.max(1) * (size.users - 1 - n);
    let came = now - SignedDuration::from_secs(seconds as i64);
    let id = user_id(n);
    let new = NewUser {
        id,
        email: email(n),
        password_hash: password.to_owned(),
        name: format!("Customer {n}"),
        zip_code: zip((n % size.utilities as u64) as usize),
        property_type: PropertyType::Residential,
        role: Role::User,
        now: came,
    };
    users::create(tx, &new)?;
    if n.is_multiple_of(ACTIVE) {
        active(tx, n, came)?;
    }
    if n.is_multiple_of(ADVISED) {
        advised(tx, size, n, came)?;
    }
    Ok(())
}

fn active(tx: &mut Tx<'_>, n: u64, came: Timestamp) -> Result<(), StoreError> {
    let id = user_id(n);
    let months: Vec<MonthRow> = (0..12)
        .map(|back| MonthRow {
            month: Month::of(date(2025, 1 + back, 1)),
            energy: Energy::from_wh(700_000 + (n as i64 * 7_919 + i64::from(back) * 104_729) % 600_000),
            source: "upload".to_owned(),
            quality: Quality::Actual,
        })
        .collect();
    usage_history::save(tx, id, &months, came)?;
    let session = Session {
        id: Uuid::from_u128(id.as_u128() + 1),
        user_id: id,
        created_at: came,
        last_used_at: came,
        expires_at: came + SignedDuration::from_hours(14 * 24),
        ip: Some(format!("192.0.2.{}", n % 250)),
        user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".to_owned()),
        revoked_at: None,
    };
    let mut token = [7; 32];
    token[..8].copy_from_slice(&n.to_be_bytes());
    sessions::create(tx, &session, token)?;
    let event = Event {
        logged_at: came,
        event: "user_created".to_owned(),
        actor_id: Some(id),
        subject_id: Some(id),
        success: true,
        detail: json!({ "ip": "192.0.2.1" }),
    };
    audit::append(tx, &event).map(|_| ())
}

fn advised(tx: &mut Tx<'_>, size: &Size, n: u64, came: Timestamp) -> Result<(), StoreError> {
    let id = Uuid::from_u128(user_id(n).as_u128() + 2);
    let plan = Uuid::from_u128(u128::from(n % size.plans.max(1) as u64));
    let answer = Recommendation {
        id,
        user_id: Some(user_id(n)),
        claim_hash: None,
        created_at: came,
        expires_at: came + SignedDuration::from_hours(90 * 24),
        input_hash: [n as u8; 32],
        catalog_revision: 1,
        algorithm_version: "1".to_owned(),
        answer: size.answer.clone(),
        input: None,
    };
    let first = RankedPlan {
        rank: 1,
        plan_id: plan,
        plan_name: "Plan".to_owned(),
        supplier_name: "Supplier".to_owned(),
        annual_cost_cents: 120_000,
        composite_score: 80.0,
    };
    recommendations::create(tx, &answer, &[first])?;
    let opinion = Feedback {
        id: Uuid::from_u128(id.as_u128() + 1),
        user_id: Some(user_id(n)),
        plan_id: Some(plan),
        recommendation_id: Some(id),
        rating: (n / ADVISED % 5) as u8 + 1,
        text: (n / ADVISED).is_multiple_of(3).then(|| "What I was looking for".to_owned()),
        kind: FeedbackKind::Helpful,
        sentiment: Sentiment::Neutral,
        created_at: came,
    };
    feedback::create(tx, &opinion)
}

/// A base of readings that each meter has in its own way.
#[derive(Clone)]
struct Year(Intervals);

fn readings(days: u32, now: Timestamp) -> Year {
    let zone = TimeZone::get("America/Chicago").expect("the zone is compiled in");
    let last = now.to_zoned(zone.clone()).date();
    let first = last.checked_sub(jiff::Span::new().days(i64::from(days))).expect("a day of the calendar");
    Year(Intervals::empty(&zone, 15, first, days))
}

impl Year {
    /// Watt-hours of a household: a base, an evening, and noise of whole watt-hours, as meters count.
    fn of(&self, n: u64) -> Intervals {
        let mut year = self.0.clone();
        let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for (step, energy) in year.import.iter_mut().enumerate() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let evening = if (68..92).contains(&(step % 96)) { 350 } else { 90 };
            *energy = Energy::from_wh(evening + (state >> 33) as i64 % 160);
        }
        year.quality.fill(Quality::Actual);
        year
    }
}

/// A market of `utilities`, each with a territory, delivery charges and its share of the plans.
pub fn catalog(plans: usize, utilities: usize) -> CatalogFile {
    let suppliers: Vec<Value> = (0..SUPPLIERS)
        .map(|n| json!({"key": format!("s{n}"), "name": format!("Supplier {n}"), "rating": 3.5}))
        .collect();
    let territories: Vec<Value> = (0..utilities)
        .map(|n| {
            json!({"id": format!("u{n}"), "name": format!("Utility {n}"), "zips": [(100 + n).to_string()],
            "delivery": {"versions": [{"effective": "2020-09-01", "charges": [
                {"id": "wires", "label": "Delivery", "tags": ["delivery"],
                    "amount": {"kind": "energy", "price": 0.04 + n as f64 / 10_000.0}},
                {"id": "month", "label": "Delivery, monthly", "tags": ["delivery"],
                    "amount": {"kind": "fixed", "value": 4.23, "per": "bill"}}]}]}})
        })
        .collect();
    let plans: Vec<Value> = (0..plans).map(|n| plan(n, n % utilities)).collect();
    serde_json::from_value(json!({
        "market": {"id": "grown", "name": "Grown", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": territories, "suppliers": suppliers, "plans": plans,
    }))
    .expect("a catalog")
}

/// Fixed, variable, tiered and time-of-use prices in turn.
fn plan(n: usize, utility: usize) -> Value {
    let turn = n / 7;
    let cents = 8.0 + (turn % 97) as f64 / 10.0;
    let kind = ["fixed", "variable", "tiered", "time_of_use"][turn % 4];
    let terms = [0, 6, 12, 24, 36];
    let night = json!({"from": "21:00", "to": "06:00"});
    let rate = match turn % 4 {
        0 => json!({"type": "fixed", "rate_per_kwh": cents}),
        1 => json!({"type": "variable", "base_rate": cents}),
        2 => json!({"type": "tiered", "tiers": [{"up_to_kwh": 1_000, "rate_per_kwh": cents},
            {"up_to_kwh": null, "rate_per_kwh": cents + 2.0}]}),
        _ => json!({"type": "tariff", "charges": [{"id": "energy", "label": "Energy", "tags": ["energy"],
            "amount": {"kind": "energy", "windows": [{"when": night, "price": 0.05}, {"price": cents / 100.0}]}}]}),
    };
    json!({"key": format!("p{n}"), "name": format!("Plan {n}"), "supplier": format!("s{}", n % SUPPLIERS),
        "kind": kind, "term_months": terms[turn % 5], "delivery": "passthrough", "rate": rate,
        "utilities": [format!("u{utility}")], "renewable": (turn % 5 * 25) as f64,
        "exit": {"kind": "flat", "fee": (turn % 4 * 75) as f64},
        "description": "A plan with a description of the length that real ones have, which is a sentence or two."})
}
