//! What people may ask about what is held on them, and that an erasure leaves nothing of them in any column.

use crate::market::{Market, catalog};
use crate::people::{PASSWORD, treebeard};
use crate::postgres::Cluster;
use crate::support::{Reply, Server, engine};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use tempfile::TempDir;
use treebeard::app::privacy::map::{CLASSES, IMPERSONAL};
use treebeard::store::catalog::import::{ImportMode, replace};
use treebeard::store::db::{Conn, Engine};
use treebeard::store::error::StoreError;
use treebeard::store::{Options, Store};
use uuid::Uuid;

const CONSENTS: &str = "/api/v1/users/consents";
const EXPORT: &str = "/api/v1/users/me/export";
const ME: &str = "/api/v1/users/me";

#[test]
fn the_documents_in_force_are_served_with_their_version() {
    let server = Server::with(&[("TREEBEARD_PRIVACY__OPERATOR", "Fangorn & Sons")]);
    let listed = server.get("/api/v1/legal", &[]).value();
    let names: Vec<_> = listed.as_array().expect("a list").iter().map(|one| one["document"].clone()).collect();
    assert_eq!(names, ["terms", "privacy", "marketing", "disclaimer"]);
    for document in listed.as_array().expect("a list") {
        let page = server.get(document["url"].as_str().expect("an address"), &[]);
        assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("script-src 'none'")));
        let version = format!("Version {}", document["version"].as_str().expect("a version"));
        assert!(page.body.contains(&version) && page.body.contains("Fangorn &amp; Sons"), "{}", page.body);
    }
    let policy = server.get("/legal/privacy", &[]).body;
    assert!(CLASSES.iter().all(|class| policy.contains(class.holds)), "the policy names every class of data");
    server.get("/legal/nothing", &[]).problem(404);
}

#[test]
fn a_consent_is_given_withdrawn_and_never_changed() {
    let server = Server::start();
    let bearer = server.signed_in("anna@example.com");
    let headers = [("authorization", bearer.as_str())];
    let read = || server.get(CONSENTS, &headers).value();
    let say = |body: Value| server.post(CONSENTS, &headers, &body.to_string());
    let before = read();
    assert_eq!(before["history"], json!([]));
    let version = before["documents"][0]["version"].as_str().expect("a version").to_owned();
    assert_eq!((&before["documents"][0]["agreed"], &before["documents"][0]["last"]), (&json!(false), &Value::Null));

    let given = say(json!({ "document": "terms", "version": version, "granted": true }));
    assert_eq!(given.status, 200, "{}", given.body);
    assert_eq!(say(json!({ "document": "terms", "granted": true })).body, given.body, "the same adds nothing");
    let withdrawn = say(json!({ "document": "terms", "granted": false })).value();
    let after = read();
    assert_eq!(after["history"], json!([given.value(), withdrawn]));
    assert_eq!((&after["documents"][0]["agreed"], &after["documents"][0]["last"]), (&json!(false), &withdrawn));

    let outdated = say(json!({ "document": "terms", "version": "1999", "granted": true })).faults();
    assert_eq!(outdated, [("version".to_owned(), "not_in_force".to_owned())]);
    let unknown = say(json!({ "document": "disclaimer", "granted": true })).faults();
    assert_eq!(unknown, [("document".to_owned(), "unknown_document".to_owned())]);
    let other = server.signed_in("ben@example.com");
    assert_eq!(server.get(CONSENTS, &[("authorization", &other)]).value()["history"], json!([]));
}

#[test]
fn a_new_account_agrees_to_the_documents_in_force_or_to_none() {
    let server = Server::start();
    let version = server.get("/api/v1/legal", &[]).value()[0]["version"].clone();
    let register = |version: &Value| {
        let body = json!({ "email": "anna@example.com", "password": "test123", "name": "Anna", "zip_code": "78701",
                           "consents": [{ "document": "terms", "version": version }] });
        server.post("/api/v1/auth/register", &[], &body.to_string())
    };
    let faults = register(&json!("1999")).faults();
    assert_eq!(faults, [("consents[0].version".to_owned(), "not_in_force".to_owned())]);
    let tokens = register(&version).value();
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
    assert_eq!(server.get(CONSENTS, &[("authorization", &bearer)]).value()["documents"][0]["agreed"], true);
}

/// Somebody of whom every kind of data is held.
struct Somebody<'a> {
    server: &'a Server,
    email: &'static str,
    bearer: String,
    id: String,
}

impl<'a> Somebody<'a> {
    fn arrive(server: &'a Server, email: &'static str) -> Self {
        let body = json!({ "email": email, "password": "test123", "name": "Wandlimb Birchlegs", "zip_code": "78701" });
        let tokens = server.post("/api/v1/auth/register", &[], &body.to_string());
        assert_eq!(tokens.status, 201, "{}", tokens.body);
        let bearer = format!("Bearer {}", tokens.value()["access_token"].as_str().expect("a token"));
        let id = server.get("/api/v1/auth/me", &[("authorization", &bearer)]).value()["id"].clone();
        let somebody = Somebody { server, email, bearer, id: id.as_str().expect("an id").to_owned() };
        somebody.leave_traces();
        somebody
    }

    fn leave_traces(&self) {
        let prefer =
            json!({ "cost_priority": 70, "flexibility_priority": 10, "renewable_priority": 10, "rating_priority": 10 });
        self.done("POST", "/api/v1/users/preferences", &prefer);
        let plan = json!({ "supplier_name": "Wandlimb Power", "plan_name": "Birchlegs 12", "current_rate": 14.5 });
        self.done("PUT", "/api/v1/users/current-plan", &plan);
        self.done("POST", CONSENTS, &json!({ "document": "terms", "granted": true }));
        let days =
            (1..=28).flat_map(|day| (0..24).map(move |hour| format!("2026-02-{day:02}T{hour:02}:00:00-06:00,1.25")));
        let file = format!("start,kwh\n{}\n", days.collect::<Vec<_>>().join("\n"));
        let headers = [("authorization", self.bearer.as_str()), ("content-type", "text/csv")];
        let reply = self.server.request("POST", "/api/v1/usage/import?format=interval", &headers, &file);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let months = (1..=12).map(|month| json!({ "month": format!("2025-{month:02}"), "kwh": 900.5 }));
        let usage = json!({ "usage_data": months.collect::<Vec<_>>() }).to_string();
        let keyed = [("authorization", self.bearer.as_str()), ("idempotency-key", "wandlimb-1")];
        assert_eq!(self.server.post("/api/v1/usage/upload", &keyed, &usage).status, 200);
        self.done("POST", "/api/v1/recommendations/generate", &json!({}));
        let wrong = json!({ "username": self.email, "password": "guessed" }).to_string();
        assert_eq!(self.server.post("/api/v1/auth/login", &[], &wrong).status, 401);
    }

    fn done(&self, method: &str, path: &str, body: &Value) -> Reply {
        let reply = self.server.json(method, path, &[("authorization", &self.bearer)], &body.to_string());
        assert!((200..300).contains(&reply.status), "{method} {path}: {}", reply.body);
        reply
    }

    fn get(&self, path: &str) -> Reply {
        self.server.get(path, &[("authorization", &self.bearer)])
    }
}

#[test]
fn an_export_holds_everything_that_is_held() {
    let market = Market::open();
    let anna = Somebody::arrive(&market.server, "wandlimb@fangorn.example");
    let reply = anna.get(EXPORT);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{}", reply.body);
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"treebeard-export.json\""));
    assert_eq!(reply.header("cache-control"), Some("private, no-store"));
    let export = reply.value();
    assert_eq!(export["account"]["email"], "wandlimb@fangorn.example");
    assert_eq!(export["preferences"]["cost_priority"], 70);
    assert_eq!(export["current_plan"]["supplier_name"], "Wandlimb Power");
    assert_eq!(export["consents"][0]["document"], "terms");
    let count = |part: &str| export[part].as_array().map_or(0, Vec::len);
    assert_eq!((count("sessions"), count("recommendations"), count("retried_requests")), (1, 1, 1));
    assert_eq!((count("usage_days"), count("usage_months")), (28, 13));
    assert_eq!(export["usage_days"][0]["import_kwh"].as_array().map(Vec::len), Some(24));
    let kept = anna.get("/api/v1/recommendations").value();
    assert_eq!(export["recommendations"][0]["id"], kept["items"][0]["recommendation_id"]);
    let events: BTreeSet<&str> =
        export["activity"].as_array().expect("a list").iter().filter_map(|one| one["event"].as_str()).collect();
    assert!(
        events.is_superset(&BTreeSet::from(["user_created", "user_consent_changed", "sensitive_read"])),
        "{events:?}"
    );
    for class in CLASSES.iter().filter_map(|class| class.export) {
        assert!(class.split(", ").all(|part| !export[part].is_null()), "{class} is a part of the export");
    }
    assert!(!reply.body.contains("argon2"), "no hash of the password");
    market.server.get(EXPORT, &[]).problem(401);
}

#[test]
fn an_archive_holds_a_file_for_each_part_and_months_that_can_be_imported_again() {
    let market = Market::open();
    let anna = Somebody::arrive(&market.server, "wandlimb@fangorn.example");
    let document = anna.get(EXPORT).value();
    let bytes = download(&market.server, &anna.bearer);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).expect("an archive");
    let names: BTreeSet<String> = archive.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let parts = document.as_object().expect("parts").keys().filter(|name| *name != "made_at");
    let expected =
        parts.map(|part| format!("{part}.json")).chain(["README.txt".to_owned(), "usage_months.csv".to_owned()]);
    assert_eq!(names, expected.collect());
    let mut file = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).expect("it is there").read_to_string(&mut text).expect("text");
        text
    };
    for part in ["account", "usage_days", "recommendations"] {
        let held: Value = serde_json::from_str(&file(&format!("{part}.json"))).expect("JSON");
        assert_eq!(held, document[part], "{part}");
    }
    let ben = market.server.signed_in("ben@example.com");
    let headers = [("authorization", ben.as_str()), ("content-type", "text/csv")];
    let months = file("usage_months.csv");
    let imported = market.server.request("POST", "/api/v1/usage/import", &headers, &months);
    assert_eq!(imported.status, 200, "{}: {months}", imported.body);
    let history = |bearer: &str| {
        let rows = market.get(bearer, "/api/v1/usage/history").value();
        rows.as_array()
            .expect("a list")
            .iter()
            .map(|row| (row["month"].clone(), row["kwh"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(history(&ben), history(&anna.bearer));
}

/// The bytes of an archive, which are no text.
fn download(server: &Server, bearer: &str) -> Vec<u8> {
    use std::io::Write;
    let mut stream = server.connect();
    let request = format!(
        "GET {EXPORT} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: {bearer}\r\naccept: application/zip\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let text = String::from_utf8_lossy(&answer[..head]).to_lowercase();
    assert!(text.contains(" 200 ") && text.contains("content-type: application/zip"), "{text}");
    answer.split_off(head + 4)
}

#[test]
fn a_preview_of_an_erasure_changes_nothing_and_asks_for_the_password_too() {
    let market = Market::open();
    let anna = Somebody::arrive(&market.server, "wandlimb@fangorn.example");
    let preview = |password: &str| {
        let body = json!({ "password": password }).to_string();
        market.server.json("DELETE", "/api/v1/users/me?dry_run=true", &[("authorization", &anna.bearer)], &body)
    };
    assert_eq!(preview("guessed").faults(), [("password".to_owned(), "wrong_password".to_owned())]);
    let seen = preview("test123").value();
    let rows = |table: &str| {
        let tables = seen["erased"].as_array().expect("a list").iter();
        tables.filter(|one| one["table"] == table).map(|one| one["rows"].clone()).collect::<Vec<_>>()
    };
    for (table, expected) in [("users", 1), ("usage_days", 28), ("usage_history", 13), ("consents", 1), ("sessions", 1)]
    {
        assert_eq!(rows(table), [json!(expected)], "{table}: {seen}");
    }
    assert_eq!(seen["anonymised"], json!([{ "table": "feedback", "rows": 0 }]));
    assert_eq!(preview("test123").value(), seen, "it is all still there");
    assert_eq!(anna.get("/api/v1/auth/me").status, 200);
}

/// A service on the database at `url` over the invented market.
fn serving(url: &str) -> Server {
    let file = catalog();
    let store = Store::open(url, Options::default()).expect("a store");
    let write = store.write_blocking(move |tx| replace(tx, &file, ImportMode::Replace, jiff::Timestamp::UNIX_EPOCH));
    write.expect("a catalog");
    drop(store);
    Server::with(&[("DATABASE_URL", url), ("SECRET_KEY", "kept-over-the-restart-0123456789abcdef")])
}

/// Every column of every table, as `table.column`.
fn columns(conn: &mut Conn<'_>) -> Result<Vec<(String, String)>, StoreError> {
    let sql = match conn.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = 'public'"
        }
    };
    conn.query(sql, &[], |row| Ok((row.take()?, row.take()?)))
}

/// Where any of `needles` (lower case) is found, as text or as bytes in hex.
fn found(conn: &mut Conn<'_>, needles: &[String]) -> Result<BTreeSet<String>, StoreError> {
    let mut places = BTreeSet::new();
    for (table, column) in columns(conn)? {
        let texts = match conn.engine() {
            Engine::Sqlite => format!(
                "CASE typeof(\"{column}\") WHEN 'blob' THEN NULL ELSE CAST(\"{column}\" AS TEXT) END, hex(\"{column}\")"
            ),
            Engine::Postgres => {
                format!("CAST(\"{column}\" AS TEXT), encode(convert_to(CAST(\"{column}\" AS TEXT), 'UTF8'), 'hex')")
            }
        };
        let mut holds = false;
        conn.each(&format!("SELECT {texts} FROM \"{table}\" WHERE \"{column}\" IS NOT NULL"), &[], |row| {
            let texts = [row.take::<Option<String>>()?, row.take::<Option<String>>()?];
            holds |= texts.iter().flatten().any(|text| {
                let text = text.to_lowercase();
                needles.iter().any(|needle| text.contains(needle.as_str()))
            });
            Ok(())
        })?;
        if holds {
            places.insert(format!("{table}.{column}"));
        }
    }
    Ok(places)
}

/// A name as it is written, as a database writes a uuid in hex, and as bytes of the text in hex.
fn needles(somebody: &Somebody<'_>) -> Vec<String> {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let texts = ["wandlimb", "birchlegs", somebody.email];
    texts.into_iter().flat_map(|text| [text.to_owned(), hex(text)]).collect()
}

fn nothing_is_left(url: &str) {
    let server = serving(url);
    let anna = Somebody::arrive(&server, "wandlimb@fangorn.example");
    let (words, id) = (needles(&anna), anna.id.clone());
    let ids = vec![id.clone(), id.replace('-', "")];
    anna.done("DELETE", ME, &json!({ "password": "test123" }));
    anna.get("/api/v1/auth/me").problem(401);
    let log = server.log();
    assert!(!log.to_lowercase().contains("fangorn.example"), "nor in the log");
    assert_eq!(server.stop(), Some(0));
    let store = Store::open(url, Options::default()).expect("a store");
    let by_words = store.read_blocking(move |conn| found(conn, &words)).expect("every column is searched");
    assert_eq!(by_words, BTreeSet::new(), "e-mail, name and what they wrote");
    let by_id = store.read_blocking(move |conn| found(conn, &ids)).expect("every column is searched");
    let sealed = ["audit_logs.actor_id", "audit_logs.subject_id"].map(str::to_owned);
    assert_eq!(by_id, BTreeSet::from(sealed), "the sealed log keeps an id that leads to nobody");
    let tables: BTreeSet<String> =
        store.read_blocking(columns).expect("columns").into_iter().map(|(table, _)| table).collect();
    let known: BTreeSet<&str> = CLASSES.iter().flat_map(|class| class.tables).chain(IMPERSONAL).copied().collect();
    // The engine's own statistics of indexes.
    let ours = tables.iter().filter(|table| !table.starts_with("sqlite_stat"));
    let unknown: Vec<_> = ours.filter(|table| !known.contains(table.as_str())).collect();
    assert!(unknown.is_empty(), "tables in no class of data: {unknown:?}");
}

#[test]
fn nothing_of_an_erased_account_is_found_in_any_column() {
    let folder = TempDir::new().expect("a folder");
    nothing_is_left(&format!("sqlite:{}", folder.path().join("left.db").display()));
    let Some(cluster) = Cluster::start_or_skip("nothing_of_an_erased_account_is_found_in_any_column") else { return };
    nothing_is_left(&cluster.database("erasures"));
}

#[test]
fn the_search_for_what_is_left_finds_what_is_there() {
    let folder = TempDir::new().expect("a folder");
    let url = engine::database(folder.path(), "there.db");
    let server = serving(&url);
    let anna = Somebody::arrive(&server, "wandlimb@fangorn.example");
    let (words, ids) = (needles(&anna), vec![anna.id.clone(), anna.id.replace('-', "")]);
    assert_eq!(server.stop(), Some(0));
    let store = Store::open(&url, Options::default()).expect("a store");
    let places = store.read_blocking(move |conn| found(conn, &words)).expect("every column is searched");
    for place in ["users.email", "users.email_folded", "users.name", "current_plans.supplier_name"] {
        assert!(places.contains(place), "{place}: {places:?}");
    }
    let places = store.read_blocking(move |conn| found(conn, &ids)).expect("every column is searched");
    assert!(places.contains("usage_days.user_id") && places.contains("users.id"), "{places:?}");
}

#[test]
fn who_was_erased_stays_erased_when_an_old_database_is_put_back() {
    let folder = TempDir::new().expect("a folder");
    let (database, copy) = (folder.path().join("live.db"), folder.path().join("copy.db"));
    let url = format!("sqlite:{}", database.display());
    for email in ["ada@example.org", "ben@example.org"] {
        treebeard(folder.path(), &url, &["admin", "create", email], PASSWORD);
    }
    std::fs::copy(&database, &copy).expect("copied");
    treebeard(folder.path(), &url, &["admin", "user", "delete", "ben@example.org", "--yes"], "");
    let listed = std::fs::read_to_string(folder.path().join("live.erased")).expect("the list is beside the database");
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(!listed.contains("ben@"), "a hash and a time");

    std::fs::copy(&copy, &database).expect("put back");
    for left in ["live.db-wal", "live.db-shm"] {
        let _may_be_gone = std::fs::remove_file(folder.path().join(left));
    }
    let server = Server::with(&[("DATABASE_URL", &url)]);
    let sign_in = |email: &str| {
        let body = json!({ "username": email, "password": PASSWORD }).to_string();
        server.post("/api/v1/auth/login", &[], &body).status
    };
    assert_eq!((sign_in("ada@example.org"), sign_in("ben@example.org")), (200, 401));
    server.logged("user_deleted_again");
    assert!(Uuid::parse_str(listed.get(..36).unwrap_or_default()).is_err(), "no id is in the list");
}
