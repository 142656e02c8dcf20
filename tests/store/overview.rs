//! What people who look after the service are shown of all of it.

use crate::world::{at, id, user};
use treebeard::store::Store;
use treebeard::store::audit::{self, AuditFilter};
use treebeard::store::db::filter::Page;
use treebeard::store::overview::{self, BestPlan, Counts, EventCount, SummaryFilter};
use treebeard::store::recommendations::{self, RankedPlan, Recommendation};
use treebeard::store::users::{self, Role};

const ALL: Page = Page { limit: 100, offset: 0 };

pub fn counts_and_summaries(store: &Store) {
    let counts = || store.read_blocking(|conn| overview::counts(conn, at(0), at(0))).unwrap();
    let before = counts();
    let owner = user(store, "overview@example.com").id;
    store.write_blocking(move |tx| users::set_role(tx, owner, Role::Support, at(0))).unwrap();
    let (plan_id, made) = (id(), [Some(owner), None].map(|user_id| (id(), user_id)));
    for (id, user_id) in made {
        let new = Recommendation {
            id,
            user_id,
            claim_hash: None,
            created_at: at(if user_id.is_some() { 1 } else { 2 }),
            expires_at: at(60),
            input_hash: [3; 32],
            catalog_revision: 7,
            algorithm_version: "1".to_owned(),
            answer: "{}".to_owned(),
            input: None,
        };
        let ranked = |rank, plan_id| RankedPlan {
            rank,
            plan_id,
            plan_name: "Steady".to_owned(),
            supplier_name: "Oak".to_owned(),
            annual_cost_cents: 123_456,
            composite_score: 50.0,
        };
        let plans = if user_id.is_some() { vec![ranked(1, plan_id), ranked(2, crate::world::id())] } else { vec![] };
        store.write_blocking(move |tx| recommendations::create(tx, &new, &plans)).unwrap();
    }
    let after = counts();
    let expected = Counts {
        users: before.users + 1,
        users_new: after.users_new,
        support: before.support + 1,
        recommendations: before.recommendations + 2,
        recommendations_new: before.recommendations_new + 2,
        recommendations_anonymous: before.recommendations_anonymous + 1,
        ..before
    };
    assert_eq!(after, expected);

    let list = |wanted: SummaryFilter| {
        store.read_blocking(move |conn| overview::recommendations(conn, &wanted, ALL)).unwrap().items
    };
    let of_plan = list(SummaryFilter { plan_id: Some(plan_id), ..SummaryFilter::default() });
    let best = BestPlan {
        plan_id,
        plan_name: "Steady".to_owned(),
        supplier_name: "Oak".to_owned(),
        annual_cost_cents: 123_456,
    };
    assert_eq!(of_plan.iter().map(|one| (one.id, one.best.clone())).collect::<Vec<_>>(), [(made[0].0, Some(best))]);
    let window = SummaryFilter { from: Some(at(2)), to: Some(at(3)), ..SummaryFilter::default() };
    let anonymous = list(SummaryFilter { anonymous: Some(true), ..window.clone() });
    assert!(anonymous.iter().any(|one| one.id == made[1].0 && one.best.is_none()), "{anonymous:?}");
    assert!(list(SummaryFilter { anonymous: Some(false), ..window }).iter().all(|one| one.user_id.is_some()));
}

pub fn the_log_is_counted_and_read_on(store: &Store) {
    let all = AuditFilter::default();
    let wanted = all.clone();
    let events = store.read_blocking(move |conn| overview::audit_events(conn, &wanted)).unwrap();
    let updated = EventCount { event: "user_updated".to_owned(), count: 1, failures: 0, last_at: at(2) };
    assert!(events.contains(&updated), "{events:?}");
    let rows = store.read_blocking(move |conn| audit::after(conn, &all, 1, 1)).unwrap();
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [2]);
}
