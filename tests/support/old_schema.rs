//! Databases as earlier versions of the program left them: their migrations up to one, with rows in what they had.

use refinery::{Migration, Runner, Target};
use std::path::Path;

/// "TreB", which every database of ours carries.
const APPLICATION_ID: i64 = 0x5472_6542;

/// Rows of the first version, on SQLite; `<<01>>` is a uuid that ends so.
const ROWS: &str = r#"
    INSERT INTO users VALUES (<<01>>, 'Ada@example.org', 'ada@example.org', '$argon2id$x', 'Ada', '78701',
        'residential', 'admin', 'active', 3, 1700000000000000, 1700000000000001, NULL);
    INSERT INTO users VALUES (<<02>>, 'ben@example.org', 'ben@example.org', '$argon2id$y', 'Ben', '75001',
        'commercial', 'user', 'deactivated', 0, 1700000000000002, 1700000000000003, 1700000000000004);
    INSERT INTO consents VALUES (<<03>>, <<01>>, 'terms', '2026-11', 1, 1700000000000000);
    INSERT INTO sessions VALUES (<<04>>, <<02>>, 1, 2, 3, '192.0.2.1', 'Firefox', NULL);
    INSERT INTO refresh_tokens VALUES (zeroblob(32), <<04>>, 1, 2, NULL, NULL);
    INSERT INTO user_preferences VALUES (<<01>>, 40, 30, 20, 10, 1);
    INSERT INTO current_plans VALUES (<<01>>, NULL, 'Oak', 'Oak 12', 179000000, 9950000000, NULL,
        '2025-06-01', '2026-05-31', NULL, NULL, 1);
    INSERT INTO usage_history SELECT <<02>>, printf('2025-%02d-01', value), value * 1000, 'upload', 'actual', 1
        FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 12) SELECT value FROM n);
    INSERT INTO usage_days SELECT <<02>>, 'm', date('2024-01-01', value || ' days'), 15, randomblob(200)
        FROM (WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 999) SELECT value FROM n);
    INSERT INTO markets VALUES ('m', '{"id":"m","name":"M","currency":"USD","time_zone":"America/Chicago"}', 1);
    INSERT INTO utilities VALUES ('m', 'u', 0, '{"id":"u","name":"U","zips":["750"]}');
    INSERT INTO suppliers VALUES (<<05>>, 'm', 'oak', 'Oak', 1, 0, '{"key":"oak","name":"Oak"}', 1, 1, 1, NULL);
    INSERT INTO plan_catalog VALUES (<<06>>, 'm', 'oak-12', <<05>>, 'Oak 12', 'fixed', 12, 33.3,
        1, 0, '{"key":"oak-12","name":"Oak 12","supplier":"oak","kind":"fixed","term_months":12,"rate":{"type":"fixed","rate_per_kwh":10}}', 1, 1, 1, NULL);
    INSERT INTO recommendations VALUES (<<07>>, <<02>>, NULL, 1, 2, zeroblob(32), 1, '1', '{}');
    INSERT INTO recommendation_plans VALUES (<<07>>, 1, <<06>>, 'Oak 12', 'Oak', 120000, 88.5);
    INSERT INTO feedback VALUES (<<08>>, <<02>>, <<06>>, NULL, 5, 'good', 'helpful',
        1, '2025-01-01');
    INSERT INTO idempotency_keys VALUES ('s', 'k', zeroblob(32), 200, 'application/json', x'7b7d', 1, 2);"#;

/// Rows of what later versions added, by the version.
const LATER_ROWS: &[(i32, &str)] = &[
    (2, "UPDATE recommendations SET input = '{\"zip_code\":\"75001\"}'"),
    (3, "INSERT INTO password_resets VALUES (<<02>>, zeroblob(32), 1, 2)"),
    (5, "INSERT INTO first_admin_link VALUES (1, zeroblob(32), 2)"),
    (6, "INSERT INTO erasures VALUES (zeroblob(32), 1)"),
    (7, "UPDATE feedback SET sentiment = 'positive'"),
];

/// The program's migrations for an engine, oldest first, as they lie in the repository.
pub fn migrations(engine: &str) -> Vec<Migration> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(engine);
    let files = std::fs::read_dir(folder).expect("the migrations are there").flatten();
    let mut all: Vec<Migration> = files
        .map(|file| {
            let name = file.file_name().to_string_lossy().trim_end_matches(".sql").to_owned();
            let text = std::fs::read_to_string(file.path()).expect("a migration is text");
            Migration::unapplied(&name, &text).expect("a migration is named as one")
        })
        .collect();
    all.sort_by_key(Migration::version);
    all
}

pub fn versions() -> Vec<i32> {
    migrations("sqlite").iter().map(Migration::version).collect()
}

/// A runner that stops after `version`.
pub fn runner(engine: &str, version: i32) -> Runner {
    Runner::new(&migrations(engine)).set_target(Target::Version(version))
}

/// Makes the file a program of schema `version` left, with rows.
pub fn make(path: &Path, version: i32) {
    let mut connection = rusqlite::Connection::open(path).expect("a new file");
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).expect("a log");
    connection.pragma_update(None, "application_id", APPLICATION_ID).expect("a mark");
    let filled = |connection: &rusqlite::Connection, sql: &str| {
        let sql = sql.replace("<<", "x'000000000000000000000000000000").replace(">>", "'");
        connection.execute_batch(&sql).expect("rows");
    };
    for known in versions().into_iter().filter(|known| *known <= version) {
        runner("sqlite", known).run(&mut connection).expect("it is applied");
        if known == 1 {
            filled(&connection, ROWS);
        }
        let rows = LATER_ROWS.iter().filter(|(added, _)| *added == known);
        rows.for_each(|(_, sql)| filled(&connection, sql));
    }
}
