//! Every statement of the store finds its rows by an index: what the story and every filter run is recorded by the log
//! of slow queries, and the plan of each is read on both engines.

use crate::grown::{Size, grow};
use crate::postgres_cluster::Cluster;
use crate::world::{at, id, new_user};
use std::collections::BTreeSet;
use std::fmt::{self, Debug};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use treebeard::domain::catalog::PlanKind;
use treebeard::domain::sentiment::Sentiment;
use treebeard::store::audit::{self, AuditFilter};
use treebeard::store::db::filter::Page;
use treebeard::store::db::value::Value;
use treebeard::store::db::{Conn, Tx};
use treebeard::store::error::StoreError;
use treebeard::store::feedback::{self, FeedbackFilter};
use treebeard::store::overview::{self, SummaryFilter};
use treebeard::store::plans::{self, PlanFilter};
use treebeard::store::recommendations::{self, RecommendationFilter};
use treebeard::store::suppliers::{self, SupplierFilter};
use treebeard::store::users::{self, Role, Status, UserFilter};
use treebeard::store::{
    Options, Store, catalog, consents, erasure, first_admin, idempotency, inspect, maintenance, password_resets,
    retention, sessions, usage_days,
};

/// Tables that do not grow with users, plans or time.
const SMALL: &[&str] = &["markets", "utilities", "catalog_revision", "audit_head", "audit_anchor", "first_admin_link"];

/// What may read a growing table from end to end: what the statement begins with, the tables, and why.
const MAY_SCAN: &[(&str, &[&str], &str)] = &[
    ("SELECT count(*) FROM audit_logs", &["audit_logs"], "staff are told how long a list is, or look for a hash"),
    ("SELECT count(*) FROM feedback", &["feedback"], "staff are told how long a list is"),
    ("SELECT count(*) FROM plan_catalog", &["plan_catalog"], "staff are told how long a list is"),
    ("SELECT count(*) FROM suppliers", &["suppliers"], "staff are told how long a list is"),
    ("SELECT count(*) FROM users", &["users"], "staff are told how long a list is"),
    ("SELECT key, id FROM suppliers", &["suppliers"], "all suppliers of a market, often all there are"),
    ("SELECT market_id, doc FROM", &["plan_catalog", "suppliers"], "the whole catalog is brought into memory"),
    ("SELECT event, count(*)", &["audit_logs"], "figures over the whole log, for staff"),
    ("SELECT created_on, count(*)", &["feedback"], "figures over all feedback, for staff"),
    ("SELECT rating, feedback_type", &["feedback"], "figures over all feedback, for staff"),
    ("SELECT id, user_id, plan_id", &["feedback"], "the first page of an export of all feedback, for staff"),
    ("SELECT (SELECT count(*) FROM users)", &["users", "recommendations"], "the overview for staff"),
    ("SELECT (SELECT count(*) FROM plan_catalog", &["plan_catalog", "sessions", "audit_logs"], "the doctor's look"),
    ("SELECT count(*) FROM usage_", &["usage_days", "usage_history"], "retention, once a day, asked of a reader"),
    ("SELECT user_id, month FROM", &["usage_history"], "retention, once a day, asked of a reader"),
    ("SELECT user_id, meter, day FROM", &["usage_days"], "retention, once a day, asked of a reader"),
    ("SELECT user_hash, erased_at", &["erasures"], "a restore goes through all who were erased"),
    ("SELECT id FROM users", &["users"], "a restore goes through all accounts"),
];

#[test]
fn every_statement_finds_its_rows_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, options: Options| {
        let url = format!("sqlite:{}", folder.path().join(name).display());
        Store::open(&url, options).unwrap()
    };
    let statements = recorded(&open("story.db", Options { slow_query: Duration::ZERO, ..Options::default() }));
    let mut findings = BTreeSet::new();
    let fresh = open("fresh.db", Options::default());
    findings.extend(statements.iter().flat_map(|sql| sqlite_scans(&fresh, sql, "without statistics")));
    let grown = open("grown.db", Options::default());
    let size = Size { users: 5_000, meters: 20, days: 100, plans: 2_000, utilities: 4, answer: "{}".repeat(1_000) };
    grow(&grown, &size, "none", at(0));
    grown.write_blocking(maintenance::analyze).unwrap();
    drop(grown);
    let grown = open("grown.db", Options::default());
    findings.extend(statements.iter().flat_map(|sql| sqlite_scans(&grown, sql, "with statistics")));
    if let Some(cluster) = Cluster::start_or_skip("every_statement_finds_its_rows_by_an_index") {
        let url = cluster.database("plans");
        drop(Store::open(&url, Options::default()).unwrap());
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        client.batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan").unwrap();
        findings.extend(statements.iter().flat_map(|sql| postgres_scans(&mut client, sql)));
    }
    let excuse = |scan: &Scan| {
        MAY_SCAN
            .iter()
            .position(|(begin, tables, _)| scan.sql.starts_with(begin) && tables.contains(&scan.table.as_str()))
    };
    let unexcused: Vec<String> = findings.iter().filter(|scan| excuse(scan).is_none()).map(Scan::to_string).collect();
    assert!(unexcused.is_empty(), "growing tables are read from end to end:\n{}", unexcused.join("\n"));
    let used: BTreeSet<usize> = findings.iter().filter_map(excuse).collect();
    let idle: Vec<&str> = (0..MAY_SCAN.len()).filter(|n| !used.contains(n)).map(|n| MAY_SCAN[n].0).collect();
    assert!(idle.is_empty(), "excuses that nothing needs: {idle:#?}");
    println!("{} statements, {} of them read a growing table from end to end", statements.len(), {
        findings.iter().map(|scan| &scan.sql).collect::<BTreeSet<_>>().len()
    });
}

/// So that removing a row does not look for those that refer to it in whole tables.
#[test]
fn every_reference_can_be_followed_backwards_by_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::world::open_sqlite(&folder, "references.db");
    let sql = "SELECT m.name || '.' || f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f \
               WHERE m.type = 'table' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) l, pragma_index_info(l.name) i \
               WHERE i.seqno = 0 AND i.name = f.\"from\" AND l.partial = 0) \
               AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = f.\"from\" AND c.pk = 1)";
    let missing: Vec<String> = store.read_blocking(move |conn| conn.query(sql, &[], |row| row.take())).unwrap();
    assert_eq!(missing, [] as [&str; 0]);
}

/// Takes the text of every statement out of the log of slow queries.
struct Recorder;

static STATEMENTS: LazyLock<Arc<Mutex<BTreeSet<String>>>> = LazyLock::new(Arc::default);

#[derive(Default)]
struct Sql(Option<String>);

impl Visit for Sql {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "sql" {
            self.0 = Some(value.to_owned());
        }
    }
    fn record_debug(&mut self, _field: &Field, _value: &dyn Debug) {}
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.fields().field("sql").is_some()
    }
    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut sql = Sql::default();
        event.record(&mut sql);
        STATEMENTS.lock().unwrap().extend(sql.0);
    }
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

/// Every statement the story and every filter run.
fn recorded(store: &Store) -> BTreeSet<String> {
    tracing::subscriber::set_global_default(Recorder).unwrap();
    crate::tell(store);
    store.read_blocking(every_filter).unwrap();
    store.read_blocking(what_the_story_leaves_out).unwrap();
    store.write_blocking(what_the_story_does_not_change).unwrap();
    let all = std::mem::take(&mut *STATEMENTS.lock().unwrap());
    // An INSERT reads nothing here, and what tests ask on their own is not the store's.
    let templates = templates();
    let asked = all.into_iter().filter(|sql| !["PRAGMA", "INSERT", "ANALYZE"].iter().any(|word| sql.starts_with(word)));
    let (ours, _): (BTreeSet<String>, BTreeSet<String>) =
        asked.partition(|sql| templates.iter().any(|template| template.matches(sql)));
    let untold: Vec<&String> =
        templates.iter().filter(|t| !ours.iter().any(|sql| t.matches(sql))).map(|template| &template.text).collect();
    assert!(untold.is_empty(), "statements that nothing here runs: {untold:#?}");
    // SQLite's own tables are small, and not there in every database.
    let tests_own = |sql: &String| sql.contains("'%") || (sql.starts_with("DELETE") && !sql.contains("WHERE"));
    ours.into_iter().filter(|sql| !sql.contains("sqlite_") && !tests_own(sql)).collect()
}

/// A statement as the sources write it, its `{}` standing for anything.
struct Template {
    text: String,
    pieces: Vec<String>,
}

impl Template {
    fn matches(&self, sql: &str) -> bool {
        let mut rest = sql;
        self.pieces.iter().enumerate().all(|(n, piece)| match rest.find(piece.as_str()) {
            Some(at) if n > 0 || at == 0 => {
                rest = &rest[at + piece.len()..];
                true
            }
            _ => false,
        })
    }
}

/// The files whose statements go over a whole database, or over another one.
const OTHERS: &[&str] = &["migrate", "backup", "archive", "transfer.rs", "db", "maintenance.rs"];

/// Every text of the store's sources that reads, changes or removes rows.
fn templates() -> Vec<Template> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store"), &mut files);
    let literal = regex::Regex::new(r#""((?:[^"\\]|\\.|\\\n)*)""#).unwrap();
    let hole = regex::Regex::new(r"\{[^}]*\}").unwrap();
    let mut found = Vec::new();
    for file in files {
        let code = std::fs::read_to_string(file).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let code = code.join("\n");
        for text in literal.captures_iter(&code).map(|found| found[1].replace("\\\n", "")) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let begins =
                ["SELECT ", "UPDATE ", "DELETE FROM ", "{change} WHERE"].iter().any(|word| text.starts_with(word));
            if begins
                && !["PRAGMA", "pragma_", "sqlite_master", "pg_notify", "advisory_lock"]
                    .iter()
                    .any(|word| text.contains(word))
            {
                let pieces = hole.split(&text).map(|piece| piece.trim().to_owned()).collect();
                found.push(Template { text, pieces });
            }
        }
    }
    assert!(found.len() > 60, "{} statements found in the sources", found.len());
    found
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (path, name) = (entry.path(), entry.file_name());
        if OTHERS.iter().any(|other| name == *other)
            || (path.extension().is_some_and(|end| end == "rs")
                && OTHERS.contains(&name.to_string_lossy().trim_end_matches(".rs")))
        {
            continue;
        }
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

/// Each list without a condition and with each of its conditions alone.
fn every_filter(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    let page = Page { limit: 20, offset: 20 };
    let text = || Some("a".to_owned());
    let (one, now) = (Some(id()), Some(at(0)));
    let all = UserFilter::default;
    for wanted in [
        all(),
        UserFilter { role: Some(Role::User), ..all() },
        UserFilter { status: Some(Status::Active), ..all() },
        UserFilter { text: text(), ..all() },
    ] {
        users::list(conn, &wanted, page)?;
    }
    let all = RecommendationFilter::default;
    for wanted in [
        all(),
        RecommendationFilter { user_id: one, ..all() },
        RecommendationFilter { created_from: now, ..all() },
        RecommendationFilter { created_to: now, ..all() },
    ] {
        recommendations::list(conn, &wanted, page)?;
    }
    let all = SummaryFilter::default;
    for wanted in [
        all(),
        SummaryFilter { user_id: one, ..all() },
        SummaryFilter { plan_id: one, ..all() },
        SummaryFilter { anonymous: Some(true), ..all() },
        SummaryFilter { anonymous: Some(false), ..all() },
        SummaryFilter { from: now, ..all() },
        SummaryFilter { to: now, ..all() },
    ] {
        overview::recommendations(conn, &wanted, page)?;
    }
    every_filter_of_the_catalog(conn, page)?;
    every_filter_of_feedback(conn, page)?;
    let all = AuditFilter::default;
    for wanted in [
        all(),
        AuditFilter { event: text(), ..all() },
        AuditFilter { actor_id: one, ..all() },
        AuditFilter { subject_id: one, ..all() },
        AuditFilter { success: Some(true), ..all() },
        AuditFilter { from: now, ..all() },
        AuditFilter { to: now, ..all() },
    ] {
        audit::list(conn, &wanted, page)?;
        audit::after(conn, &wanted, 0, 20)?;
        overview::audit_events(conn, &wanted)?;
    }
    Ok(())
}

fn every_filter_of_the_catalog(conn: &mut Conn<'_>, page: Page) -> Result<(), StoreError> {
    let text = || Some("a".to_owned());
    let all = PlanFilter::default;
    for wanted in [
        all(),
        PlanFilter { market_id: text(), ..all() },
        PlanFilter { supplier_id: Some(id()), ..all() },
        PlanFilter { kind: Some(PlanKind::Fixed), ..all() },
        PlanFilter { min_renewable: Some(1.0), ..all() },
        PlanFilter { max_term_months: Some(1), ..all() },
        PlanFilter { active: Some(true), ..all() },
        PlanFilter { deleted: true, ..all() },
        PlanFilter { text: text(), ..all() },
    ] {
        plans::list(conn, &wanted, page)?;
    }
    let all = SupplierFilter::default;
    for wanted in [
        all(),
        SupplierFilter { market_id: text(), ..all() },
        SupplierFilter { active: Some(true), ..all() },
        SupplierFilter { deleted: true, ..all() },
        SupplierFilter { text: text(), ..all() },
    ] {
        suppliers::list(conn, &wanted, page)?;
    }
    Ok(())
}

fn what_the_story_leaves_out(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    let (one, now) = (id(), at(0));
    for market in catalog::market_ids(conn)? {
        catalog::frame(conn, &market)?;
    }
    feedback::of_user(conn, one)?;
    sessions::all_of_user(conn, one)?;
    users::activity(conn, one, now)?;
    audit::about(conn, one)?;
    audit::last(conn, "sys_retention_run")?;
    audit::begin(conn)?;
    first_admin::is_good(conn, [0; 32], now)?;
    consents::latest(conn, one, "terms")?;
    retention::is_inactive(conn, one, now)?;
    password_resets::is_good(conn, [0; 32], now)?;
    usage_days::of_user(conn, one)?;
    idempotency::of_scope(conn, "nobody")?;
    erasure::listed(conn)?;
    erasure::everybody(conn)?;
    inspect::ages(conn).map(|_| ())
}

fn what_the_story_does_not_change(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    let (user, now) = (new_user("ended@example.com"), at(0));
    users::create(tx, &user)?;
    users::end_tokens(tx, user.id)?;
    sessions::sweep_tokens(tx, now)?;
    first_admin::spend(tx, [0; 32], now).map(|_| ())
}

fn every_filter_of_feedback(conn: &mut Conn<'_>, page: Page) -> Result<(), StoreError> {
    let (one, day) = (Some(id()), Some(jiff::civil::date(2026, 3, 1)));
    let all = FeedbackFilter::default;
    for wanted in [
        all(),
        FeedbackFilter { plan_id: one, ..all() },
        FeedbackFilter { recommendation_id: one, ..all() },
        FeedbackFilter { min_rating: Some(1), ..all() },
        FeedbackFilter { max_rating: Some(1), ..all() },
        FeedbackFilter { has_text: Some(true), ..all() },
        FeedbackFilter { has_text: Some(false), ..all() },
        FeedbackFilter { sentiment: Some(Sentiment::Neutral), ..all() },
        FeedbackFilter { from: day, ..all() },
        FeedbackFilter { to: day, ..all() },
    ] {
        feedback::search(conn, &wanted, page)?;
        feedback::following(conn, &wanted, one, 20)?;
        feedback::stats(conn, &wanted)?;
        feedback::by_day(conn, &wanted)?;
        feedback::top_plans(conn, &wanted, 20)?;
    }
    Ok(())
}

/// A growing table that a statement reads from end to end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Scan {
    table: String,
    sql: String,
    how: String,
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.table, self.how, self.sql)
    }
}

fn sqlite_scans(store: &Store, sql: &str, when: &str) -> Vec<Scan> {
    let (explain, none) = (format!("EXPLAIN QUERY PLAN {sql}"), vec![Value::Null; parameters(sql)]);
    let lines: Vec<String> = store
        .read_blocking(move |conn| {
            conn.query(&explain, &none, |row| {
                let (_, _, _): (Value, Value, Value) = (row.take()?, row.take()?, row.take()?);
                row.take()
            })
        })
        .unwrap_or_else(|error: StoreError| panic!("{sql}: {error:?}"));
    if goes_in_order(sql) && !lines.iter().any(|line| line == "USE TEMP B-TREE FOR ORDER BY") {
        return Vec::new();
    }
    let scanned = lines.iter().filter_map(|line| line.strip_prefix("SCAN "));
    scanned.filter_map(|rest| scan(rest.split(' ').next()?, sql, &format!("{:?}, {when}", store.engine()))).collect()
}

fn postgres_scans(client: &mut postgres::Client, sql: &str) -> Vec<Scan> {
    let none = vec!["NULL"; parameters(sql)].join(", ");
    let call = if none.is_empty() { String::new() } else { format!("({none})") };
    client.batch_execute(&format!("PREPARE asked AS {sql}")).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let row = client.query_one(&format!("EXPLAIN (FORMAT JSON) EXECUTE asked{call}"), &[]).unwrap();
    client.batch_execute("DEALLOCATE asked").unwrap();
    let plan: serde_json::Value = row.get(0);
    if goes_in_order(sql) && !plan.to_string().contains(r#""Node Type":"Sort""#) {
        return Vec::new();
    }
    let mut tables = BTreeSet::new();
    whole_tables(&plan, &mut tables);
    tables.iter().filter_map(|table| scan(table, sql, "Postgres")).collect()
}

/// Whether a statement stops at the end of a page: in the order of an index, without sorting, it reads no more.
fn goes_in_order(sql: &str) -> bool {
    sql.contains(" ORDER BY ") && sql.contains(" LIMIT ") && !sql.starts_with("SELECT (")
}

/// Tables of the nodes of a plan that read all rows, in their own order or in that of an index.
fn whole_tables(plan: &serde_json::Value, tables: &mut BTreeSet<String>) {
    match plan {
        serde_json::Value::Array(all) => all.iter().for_each(|one| whole_tables(one, tables)),
        serde_json::Value::Object(node) => {
            let kind = node.get("Node Type").and_then(|kind| kind.as_str()).unwrap_or_default();
            let whole = kind == "Seq Scan" || (kind.starts_with("Index") && !node.contains_key("Index Cond"));
            if let Some(table) = node.get("Relation Name").and_then(|name| name.as_str()).filter(|_| whole) {
                tables.insert(table.to_owned());
            }
            node.values().for_each(|value| whole_tables(value, tables));
        }
        _ => {}
    }
}

fn scan(table: &str, sql: &str, how: &str) -> Option<Scan> {
    // Of "SCAN CONSTANT ROW" and "SCAN 2-ROW VALUES CLAUSE" neither is a table.
    let is_table = table.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
    let grows = is_table && !SMALL.contains(&table);
    grows.then(|| Scan { table: table.to_owned(), sql: sql.to_owned(), how: how.to_owned() })
}

/// How many values a statement names.
fn parameters(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    numbers.filter_map(|number| number.parse().ok()).max().unwrap_or(0)
}
