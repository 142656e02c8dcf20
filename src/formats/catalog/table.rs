//! Our own CSV: one row a plan, simple prices in columns of their own, whatever is richer as JSON in one cell.
//!
//! `record` says what a row is: `plan` (also when empty), `supplier`, `utility` or `market`. A file of plans alone is
//! fine when the market and its utilities are given as the base; suppliers are then made from the names in `supplier`.
//! `rate_cents_per_kwh` is the price of a plan with one price; any other price is our `rate` JSON in the cell `rate`.
//! `more` holds every other field of the record as a JSON object, by the names of the catalog JSON.

use super::fields::Filling;
use super::text::slug;
use super::{CatalogFormat, CatalogImport, CatalogOptions, json};
use crate::domain::catalog::{CatalogFile, Plan, Supplier};
use crate::domain::from_json;
use crate::formats::{FormatError, Place, Rejection};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// The columns, in the order written; a file may have them in any order and leave out all but `key` and `name`.
pub const COLUMNS: [&str; 18] = [
    "record",
    "key",
    "name",
    "supplier",
    "kind",
    "utilities",
    "term_months",
    "rate_cents_per_kwh",
    "monthly_fee",
    "exit_fee_kind",
    "exit_fee",
    "renewable",
    "price_500",
    "price_1000",
    "price_2000",
    "active",
    "rate",
    "more",
];

const REMEDY: &str = "Correct the row, or export the catalog as CSV to see how each column is written";

/// Columns of a plan that hold one field each, and whether the field is a number.
const PLAIN: [(&str, bool); 6] = [
    ("name", false),
    ("supplier", false),
    ("kind", false),
    ("term_months", true),
    ("monthly_fee", true),
    ("renewable", true),
];

/// Whether a first line is the header of our CSV.
pub fn is_header(line: &str) -> bool {
    let names: Vec<&str> = line.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"')).collect();
    let own = names.iter().filter(|name| COLUMNS.contains(name)).count();
    names.contains(&"key") && names.contains(&"name") && own == names.len()
}

/// The whole catalog as CSV.
pub fn write_csv(catalog: &CatalogFile) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut put = |cells: &Map<String, Value>| {
        let row = COLUMNS.map(|name| match cells.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        });
        writer.write_record(&row).expect("memory takes every row");
    };
    put(&COLUMNS.iter().map(|name| ((*name).to_owned(), json!(name))).collect());
    put(&record_cells("market", "id", &catalog.market));
    for utility in &catalog.utilities {
        put(&record_cells("utility", "id", utility));
    }
    for supplier in &catalog.suppliers {
        put(&record_cells("supplier", "key", supplier));
    }
    for plan in &catalog.plans {
        put(&plan_cells(plan));
    }
    let bytes = writer.into_inner().expect("memory takes every row");
    String::from_utf8(bytes).expect("cells are text")
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Key and name in their columns, the rest in `more`.
fn record_cells(record: &str, key: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut more = object(value);
    let mut cells = Map::new();
    cells.insert("record".into(), json!(record));
    cells.insert("key".into(), more.shift_remove(key).unwrap_or_default());
    cells.insert("name".into(), more.shift_remove("name").unwrap_or_default());
    cells.insert("more".into(), json!(Value::Object(more).to_string()));
    cells
}

fn plan_cells(plan: &Plan) -> Map<String, Value> {
    let mut more = object(plan);
    let mut cells = Map::new();
    cells.insert("record".into(), json!("plan"));
    for name in ["key", "active"].into_iter().chain(PLAIN.map(|(name, _)| name)) {
        if let Some(value) = more.shift_remove(name) {
            cells.insert(name.into(), value);
        }
    }
    if plan.utilities.iter().all(|id| !id.contains(';') && !id.trim().is_empty()) {
        more.shift_remove("utilities");
        cells.insert("utilities".into(), json!(plan.utilities.join(";")));
    }
    if let Some(Value::Object(exit)) = more.shift_remove("exit") {
        cells.insert("exit_fee_kind".into(), exit.get("kind").cloned().unwrap_or_default());
        cells.insert("exit_fee".into(), exit.get("fee").cloned().unwrap_or_default());
    }
    if let Some(Value::Object(prices)) = more.shift_remove("published") {
        for level in ["500", "1000", "2000"] {
            let price = prices.get(&format!("kwh_{level}")).cloned().unwrap_or_default();
            cells.insert(format!("price_{level}"), price);
        }
    }
    if let Some(rate) = more.shift_remove("rate") {
        match rate.get("rate_per_kwh") {
            Some(cents) if rate.get("type") == Some(&json!("fixed")) => {
                cells.insert("rate_cents_per_kwh".into(), cents.clone());
            }
            _ => {
                cells.insert("rate".into(), json!(rate.to_string()));
            }
        }
    }
    if !more.is_empty() {
        cells.insert("more".into(), json!(Value::Object(more).to_string()));
    }
    cells
}

/// One row's cells by column name.
struct Row<'a> {
    line: u64,
    columns: &'a [String],
    cells: csv::StringRecord,
}

impl Row<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let column = self.columns.iter().position(|column| column == name)?;
        self.cells.get(column).map(str::trim).filter(|cell| !cell.is_empty())
    }

    fn refuse(&self, field: &str, reason: impl Into<String>) -> Rejection {
        Rejection { place: Place::line(self.line).field(field), reason: reason.into() }
    }

    fn number(&self, name: &str) -> Result<Option<Value>, Rejection> {
        let Some(cell) = self.get(name) else { return Ok(None) };
        match cell.parse::<f64>() {
            Ok(value) if value.fract() == 0.0 && value.abs() < 1e15 && !cell.contains(['.', 'e', 'E']) => {
                Ok(Some(json!(value as i64)))
            }
            Ok(value) if value.is_finite() => Ok(Some(json!(value))),
            _ => {
                Err(self
                    .refuse(name, format!("\"{cell}\" is not a number (write 12.5, not 12,5 and no currency sign)")))
            }
        }
    }

    fn json(&self, name: &str) -> Result<Option<Value>, Rejection> {
        let Some(cell) = self.get(name) else { return Ok(None) };
        serde_json::from_str(cell).map(Some).map_err(|error| self.refuse(name, format!("is not JSON: {error}")))
    }

    fn more(&self) -> Result<Map<String, Value>, Rejection> {
        match self.json("more")? {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(self.refuse("more", "is not a JSON object")),
        }
    }

    /// The record as its own type; a fault names the field.
    fn make<T: DeserializeOwned>(&self, map: Map<String, Value>) -> Result<T, Rejection> {
        from_json::read(Value::Object(map)).map_err(|misfit| {
            let field = if misfit.path.is_empty() { "the row" } else { &misfit.path };
            self.refuse(field, misfit.message)
        })
    }

    fn record<T: DeserializeOwned>(&self, key: &str) -> Result<T, Rejection> {
        let mut map = self.more()?;
        for (column, field) in [("key", key), ("name", "name")] {
            map.insert(field.to_owned(), json!(self.get(column).unwrap_or_default()));
        }
        self.make(map)
    }

    fn plan(&self) -> Result<Plan, Rejection> {
        let mut map = self.more()?;
        map.insert("key".into(), json!(self.get("key").unwrap_or_default()));
        for (name, number) in PLAIN {
            let value = if number { self.number(name)? } else { self.get(name).map(|text| json!(text)) };
            if let Some(value) = value {
                map.insert(name.into(), value);
            }
        }
        map.entry("term_months").or_insert(json!(0));
        map.entry("kind").or_insert(json!("fixed"));
        if let Some(utilities) = self.get("utilities") {
            let ids: Vec<&str> = utilities.split(';').map(str::trim).filter(|id| !id.is_empty()).collect();
            map.insert("utilities".into(), json!(ids));
        }
        if let Some(active) = self.get("active") {
            let flag = match active.to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => true,
                "false" | "no" | "0" => false,
                _ => return Err(self.refuse("active", format!("\"{active}\" is neither true nor false"))),
            };
            map.insert("active".into(), json!(flag));
        }
        self.plan_prices(&mut map)?;
        self.make(map)
    }

    fn plan_prices(&self, map: &mut Map<String, Value>) -> Result<(), Rejection> {
        match (self.number("rate_cents_per_kwh")?, self.json("rate")?) {
            (Some(cents), None) => {
                map.insert("rate".into(), json!({"type": "fixed", "rate_per_kwh": cents}));
            }
            (None, Some(rate)) => {
                map.insert("rate".into(), rate);
            }
            (Some(_), Some(_)) => {
                return Err(self.refuse("rate", "is given beside rate_cents_per_kwh: give one of them"));
            }
            (None, None) => return Err(self.refuse("rate_cents_per_kwh", "is empty, and so is rate: a plan needs one")),
        }
        let fee = self.number("exit_fee")?;
        match (self.get("exit_fee_kind").unwrap_or(if fee.is_some() { "flat" } else { "none" }), fee) {
            ("none", _) => {
                map.insert("exit".into(), json!({"kind": "none"}));
            }
            (kind, Some(fee)) => {
                map.insert("exit".into(), json!({"kind": kind, "fee": fee}));
            }
            (_, None) => return Err(self.refuse("exit_fee", "is empty though exit_fee_kind is given")),
        }
        let levels = [self.number("price_500")?, self.number("price_1000")?, self.number("price_2000")?];
        match levels {
            [Some(low), Some(middle), Some(high)] => {
                map.insert("published".into(), json!({"kwh_500": low, "kwh_1000": middle, "kwh_2000": high}));
            }
            [None, None, None] => {}
            _ => return Err(self.refuse("price_500", "the three average prices are given together or not at all")),
        }
        Ok(())
    }
}

/// Every row of the file that is a record of ours.
#[derive(Default)]
struct Records {
    market: Option<crate::domain::catalog::Market>,
    utilities: Vec<crate::domain::catalog::Utility>,
    suppliers: Vec<Supplier>,
    plans: Vec<Plan>,
}

impl Records {
    fn take(&mut self, row: &Row) -> Result<(), Rejection> {
        match row.get("record").unwrap_or("plan") {
            "plan" => self.plans.push(row.plan()?),
            "supplier" => self.suppliers.push(row.record("key")?),
            "utility" => self.utilities.push(row.record("id")?),
            "market" if self.market.is_some() => return Err(row.refuse("record", "is the second market of the file")),
            "market" => self.market = Some(row.record("id")?),
            other => {
                let known = "plan, supplier, utility or market";
                return Err(row.refuse("record", format!("\"{other}\" is none of {known}")));
            }
        }
        Ok(())
    }
}

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|d| header.bytes().filter(|b| b == d).count());
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).flexible(true).from_reader(text.as_bytes());
    let columns: Vec<String> = reader
        .headers()
        .map_err(|error| FormatError::file(format!("the header cannot be read: {error}"), REMEDY))?
        .iter()
        .map(|name| name.trim().to_owned())
        .collect();
    if let Some(unknown) = columns.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        let place = Place::line(1).field(unknown.clone());
        return Err(FormatError::new(
            place,
            "is not a column of ours",
            format!("The columns are {}", COLUMNS.join(", ")),
        ));
    }
    let mut records = Records::default();
    let mut rejected = Vec::new();
    for row in reader.records() {
        let taken = match row {
            Ok(cells) => {
                let line = cells.position().map_or(0, csv::Position::line);
                records.take(&Row { line, columns: &columns, cells })
            }
            Err(error) => Err(Rejection { place: Place::FILE, reason: format!("a row cannot be read: {error}") }),
        };
        rejected.extend(taken.err());
        if rejected.len() >= FormatError::MAX_REJECTIONS {
            break;
        }
    }
    match FormatError::of_rows(rejected, REMEDY) {
        Some(error) => Err(error),
        None => json::accept(CatalogFormat::Csv, assemble(records, options)?, REMEDY),
    }
}

fn assemble(records: Records, options: &CatalogOptions) -> Result<CatalogFile, FormatError> {
    let Records { market, utilities, suppliers, mut plans } = records;
    let (market, utilities) = match (market, options.base) {
        (Some(market), _) => (market, utilities),
        (None, Some(base)) => (base.market.clone(), [base.utilities.clone(), utilities].concat()),
        (None, None) => {
            return Err(FormatError::file(
                "no row says which market the plans belong to",
                "Add a row with record = market, or name the market the file belongs to",
            ));
        }
    };
    let catalog = CatalogFile { market, utilities, suppliers, plans: Vec::new() };
    let mut filling = Filling::of(catalog);
    for plan in &mut plans {
        if !filling.catalog.suppliers.iter().any(|supplier| supplier.key == plan.supplier)
            && slug(&plan.supplier) != "unnamed"
        {
            plan.supplier = filling.supplier(&plan.supplier.clone(), None, None, None);
        }
    }
    filling.catalog.plans = plans;
    Ok(filling.catalog)
}
