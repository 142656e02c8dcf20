//! Maintenance as an operator runs it: what has expired goes, free pages go back, the log is folded.

use crate::backup::{add_user, store};
use crate::run::Place;
use crate::serve::Service;
use serde_json::Value;
use treebeard::store::db::Tx;
use treebeard::store::error::StoreError;

fn amounts(place: &Place) -> Vec<(String, u64)> {
    let steps = place.run(&["maintain", "--json"]).json();
    let steps = steps.as_array().expect("steps").clone();
    let amount = |step: &Value| (step["step"].as_str().map(str::to_owned), step["amount"].as_u64());
    steps.iter().map(amount).map(|(step, amount)| (step.expect("a name"), amount.expect("a number"))).collect()
}

fn amount_of(amounts: &[(String, u64)], step: &str) -> Option<u64> {
    amounts.iter().find(|(known, _)| known == step).map(|(_, amount)| *amount)
}

/// Things whose time is over, and a megabyte of pages that were used once.
fn neglect(place: &Place) {
    let user = add_user(place, "somebody@example.org");
    let leave = move |tx: &mut Tx<'_>| {
        let session =
            "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at) VALUES ($1, $2, 1, 1, $3)";
        let (ended, open) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        tx.execute(session, &[ended.into(), user.into(), 2_i64.into()])?;
        tx.execute(session, &[open.into(), user.into(), i64::MAX.into()])?;
        let token = "INSERT INTO refresh_tokens (hash, session_id, issued_at, expires_at) VALUES ($1, $2, 1, $3)";
        tx.execute(token, &[[1u8; 32].into(), open.into(), 2_i64.into()])?;
        tx.execute(token, &[[2u8; 32].into(), open.into(), i64::MAX.into()])?;
        let key = "INSERT INTO idempotency_keys (scope, key, request_hash, created_at, expires_at) \
                   VALUES ('a', $1, $2, 1, $3)";
        tx.execute(key, &["old".into(), [7u8; 32].into(), 2_i64.into()])?;
        tx.execute(key, &["new".into(), [7u8; 32].into(), i64::MAX.into()])?;
        tx.execute("CREATE TABLE filler (bytes BLOB)", &[])?;
        tx.execute("INSERT INTO filler VALUES (zeroblob(2000000))", &[])?;
        Ok::<_, StoreError>(())
    };
    let held = store(place);
    held.write_blocking(leave).expect("written");
    held.write_blocking(|tx| tx.execute("DROP TABLE filler", &[])).expect("dropped");
}

#[test]
fn what_has_expired_goes_free_pages_go_back_and_the_log_is_folded() {
    let place = Place::new();
    neglect(&place);
    let size = || std::fs::metadata(place.path().join("data/treebeard.db")).expect("a file").len();
    let before = size();
    let first = amounts(&place);
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "retention",
            "expired_tokens",
            "expired_reset_links",
            "expired_idempotency_keys",
            "statistics",
            "free_pages",
            "write_ahead_log"
        ]
    );
    assert_eq!(amount_of(&first, "expired_tokens"), Some(1));
    assert_eq!(amount_of(&first, "retention"), Some(2), "a session that ended in 1970, and the key");
    assert!(amount_of(&first, "free_pages").is_some_and(|pages| pages > 400), "{first:?}");
    assert!(size() + 1_500_000 < before, "{} of {before} bytes are left", size());
    let second = amounts(&place);
    assert!(second.iter().all(|(name, amount)| *amount == 0 || ["statistics", "write_ahead_log"].contains(&&**name)));
    let left: i64 = store(&place)
        .read_blocking(|conn| conn.one("SELECT count(*) FROM refresh_tokens", &[], |row| row.take()))
        .expect("a count");
    assert_eq!(left, 1, "what has not expired stays");
    assert!(place.run(&["maintain"]).stdout.starts_with("STEP"));
}

#[test]
fn beside_a_service_the_log_is_left_to_it() {
    let place = Place::new();
    neglect(&place);
    let service = Service::start(&place, &["serve", "--listen", "127.0.0.1:0"]);
    let done = amounts(&place);
    assert_eq!(amount_of(&done, "expired_tokens"), Some(1), "{done:?}");
    assert_eq!(amount_of(&done, "write_ahead_log"), None, "{done:?}");
    assert_eq!(service.stop(), Some(0));
}
