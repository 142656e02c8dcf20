//! Databases of every earlier version become exactly what a new one is, with all their rows.

use crate::dump;
use crate::old_schema;
use crate::postgres_cluster::Cluster;
use treebeard::store::migrate::rehearsal;
use treebeard::store::{Address, Options, Store};

#[test]
fn a_database_of_every_version_becomes_a_new_one_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| {
        let path = folder.path().join(name);
        drop(Store::open(&format!("sqlite:{}", path.display()), Options::default()).unwrap());
        path
    };
    let new = dump::schema(&open("new.db"));
    for version in old_schema::versions() {
        let path = folder.path().join(format!("{version}.db"));
        old_schema::make(&path, version);
        let before = dump::rows(&path);
        open(&format!("{version}.db"));
        assert_eq!(dump::schema(&path), new, "version {version}");
        let connection = rusqlite::Connection::open(&path).unwrap();
        let mut kept = 0;
        for (table, columns, rows) in &before {
            assert_eq!(&dump::rows_of(&connection, table, columns), rows, "version {version}, {table}");
            kept += rows.len();
        }
        assert_eq!(dump::texts(&connection, "PRAGMA integrity_check"), ["ok"]);
        let dangling = "SELECT \"table\" FROM pragma_foreign_key_check";
        assert!(dump::texts(&connection, dangling).is_empty(), "version {version}");
        println!("SQLite: version {version} became {}: {} tables, {kept} rows kept", new.len(), before.len());
    }
}

/// Tables with their columns, constraints, indexes and triggers.
const SCHEMA: &str = "
    SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
        || coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1";

const POSTGRES_ROWS: &str = "
    INSERT INTO users (id, email, email_folded, password_hash, name, zip_code, property_type, role, status, token_version,
        created_at, updated_at)
    VALUES ('00000000-0000-0000-0000-000000000001', 'Ada@example.org', 'ada@example.org', 'x', 'Ada', '78701', 'residential',
        'admin', 'active', 3, now(), now());
    INSERT INTO user_preferences VALUES ('00000000-0000-0000-0000-000000000001', 40, 30, 20, 10, now())";

pub fn every_version_becomes_a_new_one_on_postgresql(cluster: &Cluster) {
    let schema = |url: &str| -> Vec<String> {
        let mut client = postgres::Client::connect(url, postgres::NoTls).unwrap();
        client.query(SCHEMA, &[]).unwrap().iter().map(|row| row.get(0)).collect()
    };
    let new = cluster.database("upgrade_new");
    drop(Store::open(&new, Options::default()).unwrap());
    let new = schema(&new);
    for version in old_schema::versions() {
        let url = cluster.database(&format!("upgrade_{version}"));
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        old_schema::runner("postgres", version).run(&mut client).unwrap();
        client.batch_execute(POSTGRES_ROWS).unwrap();
        let before = schema(&url);
        let rehearsed = rehearsal::rehearse(&Address::Postgres(url.clone())).unwrap();
        assert_eq!((&rehearsed.faults, rehearsed.status.applied), (&Vec::new(), i64::from(version)));
        assert_eq!(schema(&url), before, "a rehearsal changes nothing");
        drop(Store::open(&url, Options::default()).unwrap());
        assert_eq!(schema(&url), new, "version {version}");
        let kept =
            "SELECT email || name || token_version || cost_priority FROM users JOIN user_preferences ON id = user_id";
        let kept: String = client.query_one(kept, &[]).unwrap().get(0);
        assert_eq!(kept, "Ada@example.orgAda340", "version {version}");
        println!("PostgreSQL: version {version} became a new one");
    }
    let url = cluster.database("upgrade_stuck");
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    old_schema::runner("postgres", 1).run(&mut client).unwrap();
    client.batch_execute("CREATE TABLE password_resets (x TEXT)").unwrap();
    let before = schema(&url);
    let rehearsed = rehearsal::rehearse(&Address::Postgres(url.clone())).unwrap();
    assert!(rehearsed.faults.len() == 1 && rehearsed.faults[0].contains("password_resets"), "{rehearsed:?}");
    assert!(Store::open(&url, Options::default()).is_err());
    assert_eq!(schema(&url), before, "a migration that fails leaves nothing, nor do those before it");
}

/// What is pending is applied as a whole or not at all.
#[test]
fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stuck.db");
    old_schema::make(&path, 1);
    // The third migration makes a table of this name, after the second was applied.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE password_resets (x)").unwrap();
    let before = (dump::schema(&path), dump::rows(&path));
    let refused = Store::open(&format!("sqlite:{}", path.display()), Options::default()).err().unwrap();
    assert!(refused.cause().is_some_and(|cause| cause.contains("password_resets")), "{refused:?}");
    assert_eq!((dump::schema(&path), dump::rows(&path)), before);
    connection.execute_batch("DROP TABLE password_resets").unwrap();
    assert!(Store::open(&format!("sqlite:{}", path.display()), Options::default()).is_ok());
}
