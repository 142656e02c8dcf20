//! A WHERE clause put together from the conditions that were asked for, and the page of the result wanted.

use crate::store::db::Conn;
use crate::store::db::value::{Row, Value};
use crate::store::error::StoreError;

/// Which rows of a list to return; both ends are the caller's to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub limit: u32,
    pub offset: u32,
}

/// Some rows of a list and how many the whole list has.
#[derive(Debug, Clone, PartialEq)]
pub struct Paged<T> {
    pub items: Vec<T>,
    pub total: u64,
}

/// Conditions joined by AND, with their values.
#[derive(Debug, Default)]
pub struct Filter {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Filter {
    /// Adds a condition; its one `?` stands for `value`.
    pub fn and(&mut self, condition: &str, value: impl Into<Value>) {
        let place = self.place(value);
        self.conditions.push(condition.replacen('?', &place, 1));
    }

    /// As [`Filter::and`], if there is a value.
    pub fn and_some(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.and(condition, value);
        }
    }

    /// Adds a condition without a value.
    pub fn and_always(&mut self, condition: &str) {
        self.conditions.push(condition.to_owned());
    }

    /// Keeps rows one of whose `columns` contains `text`, whatever the case of its letters (of the English ones on SQLite).
    pub fn and_contains(&mut self, columns: &[&str], text: Option<&str>) {
        let Some(text) = text else { return };
        let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let place = self.place(format!("%{escaped}%"));
        let each: Vec<String> = columns
            .iter()
            .map(|column| format!("lower({column}) LIKE lower(CAST({place} AS TEXT)) ESCAPE '\\'"))
            .collect();
        self.conditions.push(format!("({})", each.join(" OR ")));
    }

    fn place(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn clause(&self) -> String {
        if self.conditions.is_empty() { String::new() } else { format!("WHERE {}", self.conditions.join(" AND ")) }
    }

    /// One page of `SELECT {columns} FROM {from} ... ORDER BY {order}`, and the count of all rows.
    pub fn page<T>(
        mut self,
        conn: &mut Conn<'_>,
        (columns, from, order): (&str, &str, &str),
        page: Page,
        read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Paged<T>, StoreError> {
        let clause = self.clause();
        let total = conn.one(&format!("SELECT count(*) FROM {from} {clause}"), &self.values, Row::take)?;
        let (limit, offset) = (self.place(page.limit), self.place(page.offset));
        let sql = format!("SELECT {columns} FROM {from} {clause} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        Ok(Paged { items: conn.query(&sql, &self.values, read)?, total })
    }

    /// `SELECT {select} FROM {from} ... {rest}`.
    pub fn query<T>(
        &self,
        conn: &mut Conn<'_>,
        (select, from, rest): (&str, &str, &str),
        read: impl FnMut(&mut Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        conn.query(&format!("SELECT {select} FROM {from} {} {rest}", self.clause()), &self.values, read)
    }
}
