//! Mixed writes over the API, what was acknowledged of them, and whether a database holds it.

use crate::service::{ask, register};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;

/// Something the service said it has kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Account(String),
    /// The account was erased.
    Erased(String),
    /// So many times was this changed for the account.
    Name(String, u64),
    Plan(String, u64),
    /// Twelve months at once.
    Months(String, u64),
}

impl Kept {
    /// As it stands in a log.
    pub fn line(&self) -> String {
        match self {
            Kept::Account(email) => format!("account {email} 0"),
            Kept::Erased(email) => format!("erased {email} 0"),
            Kept::Name(email, number) => format!("name {email} {number}"),
            Kept::Plan(email, number) => format!("plan {email} {number}"),
            Kept::Months(email, number) => format!("months {email} {number}"),
        }
    }

    pub fn parse(line: &str) -> Kept {
        let mut words = line.split(' ');
        let (kind, email, number) = (words.next(), words.next(), words.next());
        let email = email.expect("an account").to_owned();
        let number = number.and_then(|text| text.parse().ok()).expect("a number");
        match kind.expect("a kind") {
            "account" => Kept::Account(email),
            "erased" => Kept::Erased(email),
            "name" => Kept::Name(email, number),
            "plan" => Kept::Plan(email, number),
            "months" => Kept::Months(email, number),
            other => panic!("{other} is no kind"),
        }
    }
}

/// One caller with an account of its own, who changes something again and again.
pub struct Caller {
    pub address: SocketAddr,
    pub email: String,
    pub token: String,
}

impl Caller {
    /// The `number`th write: what was kept, or the status that refused it.
    pub fn write(&self, number: u64) -> io::Result<Result<Kept, u16>> {
        let email = self.email.clone();
        let (method, path, body, kept) = match number % 6 {
            0 => return self.come_and_go(number),
            1 | 4 => ("PUT", "/api/v1/users/profile", format!(r#"{{"name":"n{number}"}}"#), Kept::Name(email, number)),
            2 => ("POST", "/api/v1/usage/upload", months(number), Kept::Months(email, number)),
            3 => ("PUT", "/api/v1/users/current-plan", plan(number), Kept::Plan(email, number)),
            _ => return Ok(register(self.address, &self.other(number))?.map(|_| Kept::Account(self.other(number)))),
        };
        let (status, _) = ask(self.address, method, path, &self.token, &body)?;
        Ok(if status == 200 { Ok(kept) } else { Err(status) })
    }

    fn other(&self, number: u64) -> String {
        format!("{}.{number}", self.email)
    }

    /// An account that is opened and erased.
    fn come_and_go(&self, number: u64) -> io::Result<Result<Kept, u16>> {
        let email = self.other(number);
        let token = match register(self.address, &email)? {
            Ok(token) => token,
            Err(status) => return Ok(Err(status)),
        };
        let body = r#"{"password":"test123"}"#;
        let (status, _) = ask(self.address, "DELETE", "/api/v1/users/me", &token, body)?;
        Ok(if matches!(status, 200 | 204) { Ok(Kept::Erased(email)) } else { Err(status) })
    }
}

fn months(number: u64) -> String {
    let month = |month: u64| format!(r#"{{"month":"2025-{month:02}","kwh":{number}}}"#);
    format!(r#"{{"usage_data":[{}]}}"#, (1..=12).map(month).collect::<Vec<_>>().join(","))
}

fn plan(number: u64) -> String {
    format!(
        r#"{{"supplier_name":"S","plan_name":"p{number}","current_rate":17.9,"monthly_fee":9.95,"contract_start_date":"2025-06-01","contract_end_date":"2026-05-31","early_termination_fee":150}}"#
    )
}

/// What of `kept` the database does not hold, and what it holds half.
pub fn missing(connection: &Connection, kept: &[Kept]) -> Vec<String> {
    let is_there = "SELECT name FROM sqlite_master WHERE name = 'users'";
    if crate::dump::texts(connection, is_there).is_empty() {
        return Held::default().lacks(kept);
    }
    Held::read(|sql| {
        let mut statement = connection.prepare(sql).expect("it is prepared");
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        rows.and_then(Iterator::collect).expect("texts")
    })
    .lacks(kept)
}

/// The same of a database on PostgreSQL.
pub fn missing_on_postgresql(client: &mut postgres::Client, kept: &[Kept]) -> Vec<String> {
    Held::read(|sql| {
        let rows = client.query(sql, &[]).expect("it runs");
        rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
    })
    .lacks(kept)
}

#[derive(Default)]
struct Held {
    accounts: BTreeSet<String>,
    names: BTreeMap<String, u64>,
    plans: BTreeMap<String, u64>,
    /// The number of the last upload, and how many months are of it.
    months: BTreeMap<String, (u64, u64)>,
}

impl Held {
    /// With what answers a query in rows of texts.
    fn read(mut ask: impl FnMut(&str) -> Vec<Vec<String>>) -> Held {
        let mut held = Held::default();
        let number = |text: &str| text.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or_default();
        for row in ask("SELECT email, name FROM users") {
            held.names.insert(row[0].clone(), number(&row[1]));
            held.accounts.insert(row[0].clone());
        }
        for row in ask("SELECT email, plan_name FROM current_plans JOIN users ON id = user_id") {
            held.plans.insert(row[0].clone(), number(&row[1]));
        }
        // All months of one upload have one value.
        let months =
            "SELECT email, CAST(max(energy) AS TEXT), CAST(count(*) FILTER (WHERE energy = top) AS TEXT) FROM (
            SELECT email, energy, max(energy) OVER (PARTITION BY email) AS top
            FROM usage_history JOIN users ON id = user_id) AS each_month GROUP BY email";
        for row in ask(months) {
            let [energy, rows] = [&row[1], &row[2]].map(|text| text.parse::<u64>().expect("a number"));
            held.months.insert(row[0].clone(), (energy / ENERGY_OF_A_KWH, rows));
        }
        held
    }

    fn lacks(&self, kept: &[Kept]) -> Vec<String> {
        let mut missing: Vec<String> = kept
            .iter()
            .filter(|one| match one {
                Kept::Account(email) => !self.accounts.contains(email),
                Kept::Erased(email) => self.accounts.contains(email),
                Kept::Name(email, number) => self.names.get(email).is_none_or(|held| held < number),
                Kept::Plan(email, number) => self.plans.get(email).is_none_or(|held| held < number),
                Kept::Months(email, number) => self.months.get(email).is_none_or(|(held, _)| held < number),
            })
            .map(Kept::line)
            .collect();
        let halves = self.months.iter().filter(|(_, (_, rows))| *rows != 12);
        missing.extend(halves.map(|(email, (_, rows))| format!("{rows} of 12 months of {email}")));
        missing
    }
}

/// In milliwatt-hours, as the store keeps it.
const ENERGY_OF_A_KWH: u64 = 1_000_000;

/// Starts so many callers with accounts of their own.
pub fn callers(address: SocketAddr, count: usize) -> Vec<Caller> {
    let accounts = crate::service::register_all(address, count);
    accounts.into_iter().map(|(email, token)| Caller { address, email, token }).collect()
}

/// Whether an answer is a problem document of this status.
pub fn is_problem(body: &str, status: u16) -> bool {
    serde_json::from_str::<Value>(body).is_ok_and(|problem| problem["status"] == status)
}
