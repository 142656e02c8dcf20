//! The first administrator: whoever starts a service that has none is shown a link, good for one use.

use crate::people::{ADMIN, PASSWORD, People};
use crate::support::{Reply, Server, engine};
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use treebeard::store::audit::{self, AuditFilter};
use treebeard::store::db::filter::Page;
use treebeard::store::{Options, Store, first_admin};

const FIRST: &str = "/api/v1/auth/first-admin";

fn open(server: &Server, token: &str, email: &str) -> Reply {
    let body = json!({ "token": token, "email": email, "password": PASSWORD }).to_string();
    server.post(FIRST, &[], &body)
}

fn spent() -> Vec<(String, String)> {
    vec![("token".to_owned(), "invalid_token".to_owned())]
}

#[test]
fn the_link_a_fresh_service_prints_opens_one_administrators_account() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = engine::database(folder.path(), "fresh.db");
    let start =
        || Server::with(&[("DATABASE_URL", &address), ("TREEBEARD_SERVER__PUBLIC_URL", "https://trees.example.org")]);
    let server = start();
    let first = server.first_admin_token();
    assert!(server.printed().contains("https://trees.example.org/first-admin#"), "{}", server.printed());
    assert_eq!(first.len(), 64);
    assert_eq!(server.stop(), Some(0));

    let server = start();
    let token = server.first_admin_token();
    assert_eq!(open(&server, &first, ADMIN).faults(), spent(), "a new start, a new link");
    let weak = json!({ "token": token, "email": ADMIN, "password": "abc" }).to_string();
    assert_eq!(server.post(FIRST, &[], &weak).faults(), [("password".to_owned(), "min_length".to_owned())]);
    server.register("anna@example.org");
    assert_eq!(open(&server, &token, "Anna@example.org").problem(400)["error"], "Bad Request", "taken already");
    let opened = open(&server, &token, ADMIN);
    assert_eq!(opened.status, 204, "what was refused has not used the link up: {}", opened.body);
    assert_eq!(open(&server, &token, "eve@example.org").faults(), spent());
    assert_eq!(open(&server, &"0".repeat(64), "eve@example.org").faults(), spent());
    let login = json!({ "username": ADMIN, "password": PASSWORD }).to_string();
    let bearer = server.post("/api/v1/auth/login", &[], &login).value()["access_token"].clone();
    let bearer = format!("Bearer {}", bearer.as_str().expect("a token"));
    assert_eq!(server.get("/api/v1/admin/stats", &[("authorization", &bearer)]).status, 200);
    assert!(!server.log().contains(&token) && !server.log().contains(&first), "the log tells no secret");
    assert_eq!(server.stop(), Some(0));

    let store = Store::open(&address, Options::default()).expect("the store");
    let wanted = AuditFilter { event: Some("user_created".to_owned()), success: Some(true), ..AuditFilter::default() };
    let read = store.read_blocking(move |conn| audit::list(conn, &wanted, Page { limit: 9, offset: 0 }));
    let details: Vec<_> = read.expect("the log").items.into_iter().filter_map(|entry| entry.detail).collect();
    assert_eq!(details[0], json!({ "role": "admin", "by": "first link" }));
    drop(store);
    assert_eq!(start().printed(), "", "there is an administrator now");
}

#[test]
fn without_a_public_address_the_link_leads_to_where_the_service_listens() {
    let server = Server::start();
    let token = server.first_admin_token();
    let link = format!("http://{}/first-admin#{token}", server.address);
    assert!(server.printed().contains(&link), "{link} in {}", server.printed());
}

#[test]
fn a_link_is_good_for_an_hour_and_for_nothing_once_there_is_an_administrator() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let address = engine::database(folder.path(), "late.db");
    let store = Store::open(&address, Options::default()).expect("a store");
    let (now, hash) = (Timestamp::now(), [7; 32]);
    let late = now.checked_add(61.minutes()).expect("a time");
    store.write_blocking(move |tx| first_admin::replace(tx, hash, now + 60.minutes())).expect("a link");
    let good = |at| store.read_blocking(move |conn| first_admin::is_good(conn, hash, at)).expect("read");
    assert_eq!((good(now), good(late)), (true, false));
    assert!(!store.write_blocking(move |tx| first_admin::spend(tx, hash, late)).expect("asked"));
    assert!(store.write_blocking(move |tx| first_admin::spend(tx, hash, now)).expect("asked"));
    assert!(!good(now));
    drop(store);

    let people = People::meet();
    assert_eq!(people.server.printed(), "");
    let off = Server::with(&[("ADMIN_API_ENABLED", "false")]);
    assert_eq!(off.printed(), "", "there is nothing to administer");
}

#[test]
fn the_page_the_link_leads_to_runs_only_its_own_script() {
    let page = Server::start().get("/first-admin", &[]);
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("script-src 'sha256-") && policy.contains("default-src 'none'"), "{policy}");
    assert!(page.body.contains(FIRST) && !page.body.contains("http://") && !page.body.contains("https://"));
}
