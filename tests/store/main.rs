//! The store: one story of every aggregate, told on both engines, and what each engine must do by itself.

mod audit;
mod catalog;
#[path = "../support/dump.rs"]
mod dump;
mod engines;
#[path = "../support/grown.rs"]
mod grown;
#[path = "../support/old_schema.rs"]
mod old_schema;
mod opinions;
mod overview;
#[path = "../support/postgres.rs"]
mod postgres_cluster;
mod query_plans;
mod retention;
mod sqlite;
mod story;
mod upgrades;
mod world;

use treebeard::store::db::Engine;
use treebeard::store::{Options, Store};

type Part = fn(&Store);

/// Every part of the story; each makes its own users.
const STORY: &[(&str, Part)] = &[
    ("users", story::users),
    ("sessions", story::sessions),
    ("password resets", story::password_resets),
    ("preferences", story::preferences),
    ("current plans", story::current_plans),
    ("monthly usage", story::monthly_usage),
    ("interval usage", story::interval_usage),
    ("recommendations", story::recommendations),
    ("feedback", opinions::feedback),
    ("idempotency", story::idempotency),
    ("audit", audit::rows_are_added_found_and_never_changed),
    ("overview", overview::counts_and_summaries),
    ("log overview", overview::the_log_is_counted_and_read_on),
    ("audit expiry", audit::old_rows_expire_and_the_chain_holds),
    ("retention", retention::what_is_old_goes_some_at_a_time_and_the_rest_stays),
    ("inactive accounts", retention::an_account_is_inactive_when_nobody_was_there),
    ("samples", retention::the_planner_keeps_nothing_of_who_was_erased),
    ("audit tampering", audit::whatever_is_done_to_a_row_is_found),
    ("catalog", catalog::a_catalog_comes_back_as_it_was_imported),
    ("catalog changes", catalog::an_import_changes_what_differs_and_nothing_else),
    ("catalog refusals", catalog::a_refused_import_changes_nothing),
    ("single plans", catalog::single_plans_are_changed_by_version),
    ("erasure", story::erasure),
    ("transactions", engines::a_failed_write_undoes_itself_alone),
    ("panics", engines::a_panic_is_an_error_and_harms_nobody_else),
    ("reads", engines::a_read_sees_one_state_and_cannot_write),
];

fn tell(store: &Store) {
    for (name, part) in STORY {
        println!("{:?}: {name}", store.engine());
        part(store);
    }
}

#[test]
fn the_story_holds_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = world::open_sqlite(&folder, "story.db");
    assert_eq!(store.engine(), Engine::Sqlite);
    tell(&store);
    let other = format!("sqlite:{}", folder.path().join("waiting.db").display());
    engines::a_read_that_waits_too_long_is_refused_and_never_begun(&other);
}

#[test]
fn the_story_holds_on_postgresql() {
    let Some(cluster) = postgres_cluster::Cluster::start_or_skip("the_story_holds_on_postgresql") else { return };
    let url = cluster.database("story");
    let store = Store::open(&url, Options::default()).unwrap();
    assert_eq!(store.engine(), Engine::Postgres);
    tell(&store);
    engines::a_session_that_died_is_replaced(&store);
    engines::it_can_be_used_and_closed_inside_a_runtime(&url);
    engines::a_key_that_is_freed_meanwhile_can_be_had_the_next_time(&store, &url);
    engines::a_newer_schema_is_refused_on_postgresql(&url);
    upgrades::every_version_becomes_a_new_one_on_postgresql(&cluster);
    engines::a_read_that_waits_too_long_is_refused_and_never_begun(&cluster.database("waiting"));
    engines::nodes_that_start_together_migrate_once(&cluster.database("together"));
}
