//! Feedback: what is counted of it, found again, and read in parts.

use crate::world::{at, id, user};
use jiff::civil::date;
use treebeard::domain::sentiment::Sentiment;
use treebeard::store::db::filter::Page;
use treebeard::store::error::StoreError;
use treebeard::store::feedback::{self, Feedback, FeedbackFilter, FeedbackKind};
use treebeard::store::{Store, db::Tx};
use uuid::Uuid;

const ALL: Page = Page { limit: 100, offset: 0 };

/// Feedback on a plan.
pub fn opinion(user_id: Option<Uuid>, plan_id: Uuid, rating: u8, text: Option<&str>, minutes: i64) -> Feedback {
    Feedback {
        id: id(),
        user_id,
        plan_id: Some(plan_id),
        recommendation_id: None,
        rating,
        text: text.map(str::to_owned),
        kind: FeedbackKind::Helpful,
        sentiment: Sentiment::of(text, rating),
        created_at: at(minutes),
    }
}

pub fn feedback(store: &Store) {
    let owner = user(store, "opinions@example.com").id;
    let (liked, disliked) = (id(), id());
    let tomorrow = 24 * 60;
    let given = [
        opinion(Some(owner), liked, 5, Some("good"), 0),
        opinion(None, liked, 4, None, 1),
        opinion(Some(owner), disliked, 1, Some("dear"), tomorrow),
    ];
    let new = given.clone();
    store.write_blocking(move |tx| new.iter().try_for_each(|one| feedback::create(tx, one))).unwrap();
    let six = opinion(None, liked, 6, None, 0);
    let refused = store.write_blocking(move |tx| feedback::create(tx, &six)).unwrap_err();
    assert_eq!(refused, StoreError::Rejected("feedback_rating".to_owned()));

    let everything = FeedbackFilter::default();
    let stats = store.read_blocking(move |conn| feedback::stats(conn, &everything)).unwrap();
    assert_eq!((stats.total, stats.by_rating, stats.with_text), (3, [1, 0, 0, 1, 1], 2));
    assert_eq!((stats.by_sentiment, stats.by_kind), ([2, 0, 1], [3, 0, 0, 0, 0]));
    assert_eq!(stats.mean_rating, Some(10.0 / 3.0));
    let days = store.read_blocking(|conn| feedback::by_day(conn, &FeedbackFilter::default())).unwrap();
    let days: Vec<_> = days.iter().map(|day| (day.day, day.count, day.mean_rating)).collect();
    assert_eq!(days, vec![(date(2026, 3, 1), 2, 4.5), (date(2026, 3, 2), 1, 1.0)]);
    let top = store.read_blocking(|conn| feedback::top_plans(conn, &FeedbackFilter::default(), 1)).unwrap();
    assert_eq!((top[0].plan_id, top[0].count, top.len()), (liked, 2, 1));
    let wanted = FeedbackFilter {
        max_rating: Some(4),
        has_text: Some(true),
        from: Some(date(2026, 3, 2)),
        to: Some(date(2026, 3, 2)),
        ..FeedbackFilter::default()
    };
    let found = store.read_blocking(move |conn| feedback::search(conn, &wanted, ALL)).unwrap();
    assert_eq!((found.total, found.items), (1, vec![given[2].clone()]));
    let since = move |minutes, limit| {
        let newest = move |tx: &mut Tx<'_>| {
            feedback::one_at_a_time(tx, owner)?;
            feedback::newest_of(tx, owner, at(minutes), limit)
        };
        store.write_blocking(newest).unwrap()
    };
    assert_eq!((since(0, 9), since(-1, 1)), (vec![given[2].clone()], vec![given[2].clone()]));
    assert_eq!(since(-1, 9), vec![given[2].clone(), given[0].clone()]);
    let page = move |after, limit| {
        let wanted = FeedbackFilter { sentiment: Some(Sentiment::Positive), ..FeedbackFilter::default() };
        store.read_blocking(move |conn| feedback::following(conn, &wanted, after, limit)).unwrap()
    };
    assert_eq!(page(None, 1), vec![given[0].clone()]);
    assert_eq!(page(Some(given[0].id), 9), vec![given[1].clone()]);
}
