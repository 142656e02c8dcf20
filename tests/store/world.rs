//! The small world the story is told in: times, users, a market.

use jiff::{SignedDuration, Timestamp};
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use treebeard::domain::catalog::{CatalogFile, PropertyType};
use treebeard::store::users::{NewUser, Role, User};
use treebeard::store::{Options, Store, users};
use uuid::Uuid;

pub fn open_sqlite(folder: &TempDir, name: &str) -> Store {
    let url = format!("sqlite:{}", folder.path().join(name).display());
    Store::open(&url, Options::default()).unwrap()
}

/// `minutes` after the story's noon.
pub fn at(minutes: i64) -> Timestamp {
    "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

/// A new number each time.
pub fn id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

pub fn new_user(email: &str) -> NewUser {
    NewUser {
        id: id(),
        email: email.to_owned(),
        password_hash: "$argon2id$not-a-real-hash".to_owned(),
        name: "Ada".to_owned(),
        zip_code: "78701".to_owned(),
        property_type: PropertyType::Residential,
        role: Role::User,
        now: at(0),
    }
}

pub fn user(store: &Store, email: &str) -> User {
    let new = new_user(email);
    store.write_blocking(move |tx| users::create(tx, &new)).unwrap()
}

/// Two suppliers, two utilities, three plans.
pub fn catalog(market: &str) -> CatalogFile {
    serde_json::from_value(serde_json::json!({
        "market": {"id": market, "name": "Testland", "currency": "USD", "time_zone": "America/Chicago"},
        "utilities": [
            {"id": "north", "name": "North Wires", "zips": ["787"]},
            {"id": "south", "name": "South Wires", "zips": ["786"]}
        ],
        "suppliers": [
            {"key": "zephyr", "name": "Zephyr Power", "rating": 4.5, "review_count": 12},
            {"key": "acorn", "name": "Acorn Energy"}
        ],
        "plans": [
            plan("steady", "Steady 12", "zephyr", 12),
            plan("free", "Free Nights", "acorn", 24),
            plan("month", "Monthly", "acorn", 0)
        ]
    }))
    .unwrap()
}

pub fn plan(key: &str, name: &str, supplier: &str, term_months: u32) -> serde_json::Value {
    serde_json::json!({
        "key": key, "name": name, "supplier": supplier, "kind": "fixed", "term_months": term_months,
        "rate": {"type": "fixed", "rate_per_kwh": 12.5}, "renewable": 40
    })
}
