//! What is asked of both services, one request after the other over one connection.

use crate::hammer::{Manner, hammer, request};
use crate::{PASSWORD, Side, grown};
use serde_json::{Value, json};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Never the same question twice.
static ASKED: AtomicU64 = AtomicU64::new(1);

/// Makes a request of a side's facts and a number.
#[derive(Clone, Copy)]
pub enum Question {
    /// A page of 20 plans under the ZIP of one utility or, without, of all; made anew.
    Catalog {
        zip: bool,
    },
    /// The same page, kept.
    CatalogKept,
    Generate,
    Login,
    History,
    Answers,
    Profile,
}

pub const QUESTIONS: &[(&str, Question)] = &[
    ("catalog query: a page of 20 plans under a ZIP, made anew", Question::Catalog { zip: true }),
    ("catalog query: the same without a ZIP", Question::Catalog { zip: false }),
    ("catalog query: kept pages", Question::CatalogKept),
    ("generate, 12 months, 1,000 plans", Question::Generate),
    ("login", Question::Login),
    ("usage history", Question::History),
    ("own recommendations", Question::Answers),
    ("usage profile of a year of quarter hours", Question::Profile),
];

/// Milliseconds: the middle and the slow end; processor microseconds of the service a request.
#[derive(Clone, Copy)]
pub struct Seen {
    pub middle: f64,
    pub slow: f64,
    pub cost: f64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.2} ms, p99 {:.2} ms, processor {:.0} µs", self.middle, self.slow, self.cost)
    }
}

pub fn ask(side: &Side, question: Question, spell: Duration) -> Seen {
    let (bearers, metered, size) = (side.bearers.clone(), side.metered.clone(), side.size.clone());
    let before = side.server.processor();
    let (counted, _) = hammer(side.server.address, Manner::full(1, spell), move |_, _| {
        let n = ASKED.fetch_add(1, Ordering::Relaxed);
        let one_of = |all: &[String]| all[n as usize % all.len()].clone();
        let zip = grown::zip(n as usize % size.utilities);
        let page = format!("/api/v1/plans/catalog?zip_code={zip}&page_size=20");
        let anew = [("cache-control", "no-cache")];
        match question {
            Question::Catalog { zip: true } => request("GET", &page, &anew, ""),
            Question::Catalog { zip: false } => request("GET", "/api/v1/plans/catalog?page_size=20", &anew, ""),
            Question::CatalogKept => request("GET", &page, &[], ""),
            Question::Generate => {
                let signed = [("authorization", one_of(&bearers))];
                let signed = [(signed[0].0, signed[0].1.as_str())];
                request("POST", "/api/v1/recommendations/generate", &signed, &advice(&zip, n))
            }
            Question::Login => {
                // From all over the store.
                let user = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % size.users;
                let body = json!({ "username": grown::email(user), "password": PASSWORD });
                request("POST", "/api/v1/auth/login", &[], &body.to_string())
            }
            Question::History => signed("/api/v1/usage/history", &one_of(&bearers)),
            Question::Answers => signed("/api/v1/recommendations?page_size=1", &one_of(&bearers)),
            Question::Profile => signed("/api/v1/usage/profile", &one_of(&metered)),
        }
    });
    let others = counted.statuses.keys().any(|status| *status != 200);
    assert!(!others, "200 expected: {:?}", counted.statuses);
    let (count, used) = (counted.durations.count() as f64, side.server.processor() - before);
    let milliseconds = |percent| counted.durations.percentile(percent).as_secs_f64() * 1e3;
    Seen { middle: milliseconds(50.0), slow: milliseconds(99.0), cost: used * 1e6 / count }
}

fn signed(path: &str, bearer: &str) -> Vec<u8> {
    request("GET", path, &[("authorization", bearer)], "")
}

/// A question that nobody asked before.
pub fn advice(zip: &str, n: u64) -> String {
    let months: Vec<Value> = (1..=12)
        .map(|month| json!({ "month": format!("2025-{month:02}-01"), "kwh": 800.0 + (n % 100_000) as f64 / 100.0 }))
        .collect();
    json!({ "user_data": { "zip_code": zip }, "usage_data": months, "options": { "explanations": "template" } })
        .to_string()
}
