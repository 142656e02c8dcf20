//! What every aggregate promises, on whatever engine.

use crate::audit::event;
use crate::opinions::opinion;
use crate::world::{at, id, new_user, user};
use jiff::SignedDuration;
use jiff::civil::date;
use jiff::tz::TimeZone;
use treebeard::domain::calendar::{Month, Window};
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::units::{Energy, Price};
use treebeard::domain::usage::readings::{DayReading, Intervals, Quality};
use treebeard::store::audit::{self, Event};
use treebeard::store::consents::{self, Consent};
use treebeard::store::current_plans::{self, CurrentPlan};
use treebeard::store::db::filter::Page;
use treebeard::store::erasure;
use treebeard::store::error::StoreError;
use treebeard::store::feedback;
use treebeard::store::idempotency::{self, Claim, KeptAnswer};
use treebeard::store::password_resets;
use treebeard::store::preferences::{self, Preferences};
use treebeard::store::recommendations::{self, RankedPlan, Recommendation, RecommendationFilter};
use treebeard::store::sessions::{self, Rotation, Session};
use treebeard::store::usage_days::{self, Meter};
use treebeard::store::usage_history::{self, MonthRow};
use treebeard::store::users::{self, ProfileChange, Role, Status, UserFilter};
use treebeard::store::{Store, db::Tx};
use uuid::Uuid;

const ALL: Page = Page { limit: 100, offset: 0 };

/// Writes and expects it to work.
fn write<T: Send + 'static>(
    store: &Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
) -> T {
    store.write_blocking(work).unwrap()
}

pub fn users(store: &Store) {
    let ada = user(store, "Ada@Example.com");
    assert_eq!(
        (ada.email.as_str(), ada.role, ada.status, ada.token_version),
        ("Ada@Example.com", Role::User, Status::Active, 0)
    );
    let found = store.read_blocking(|conn| users::by_email(conn, " ada@EXAMPLE.com ")).unwrap();
    assert_eq!(found, Some(ada.clone()));

    let twin = new_user("ADA@example.COM");
    let refused = store.write_blocking(move |tx| users::create(tx, &twin)).unwrap_err();
    assert!(refused.is_conflict(users::EMAIL_TAKEN), "{refused:?}");
    let nameless = users::NewUser { name: String::new(), ..new_user("nameless@example.com") };
    let refused = store.write_blocking(move |tx| users::create(tx, &nameless)).unwrap_err();
    assert_eq!(refused, StoreError::Rejected("users_name".to_owned()));

    let change = ProfileChange {
        zip_code: Some("77002".to_owned()),
        property_type: Some(PropertyType::Commercial),
        ..ProfileChange::default()
    };
    let changed = write(store, move |tx| users::change_profile(tx, ada.id, &change, at(1)));
    let expected = users::User {
        zip_code: "77002".to_owned(),
        property_type: PropertyType::Commercial,
        updated_at: at(1),
        ..ada.clone()
    };
    assert_eq!(changed, expected);

    write(store, move |tx| users::set_password(tx, ada.id, "another", true, at(2)));
    let admin = write(store, move |tx| users::set_role(tx, ada.id, Role::Admin, at(3)));
    assert_eq!((admin.role, admin.token_version, admin.password_hash.as_str()), (Role::Admin, 2, "another"));
    assert_eq!(store.read_blocking(users::count_active_admins).unwrap(), 1);
    let off = write(store, move |tx| users::set_status(tx, ada.id, Status::Deactivated, at(4)));
    assert_eq!((off.status, off.token_version), (Status::Deactivated, 3));
    let standing = store.read_blocking(move |conn| users::standing(conn, ada.id)).unwrap();
    assert_eq!(standing, Some((Role::Admin, Status::Deactivated, 3)));

    let wanted =
        UserFilter { role: Some(Role::Admin), status: Some(Status::Deactivated), text: Some("aDa@".to_owned()) };
    let list = store.read_blocking(move |conn| users::list(conn, &wanted, ALL)).unwrap();
    assert_eq!((list.total, list.items[0].id), (1, ada.id));
    let wild = UserFilter { text: Some("a%a".to_owned()), ..UserFilter::default() };
    assert_eq!(
        store.read_blocking(move |conn| users::list(conn, &wild, ALL)).unwrap().total,
        0,
        "a percent sign is itself"
    );
    let nobody = store.write_blocking(|tx| users::logged_in(tx, Uuid::nil(), at(0))).unwrap_err();
    assert_eq!(nobody, StoreError::NotFound);
}

pub fn sessions(store: &Store) {
    let owner = user(store, "sessions@example.com").id;
    let (first, second, third) = ([1; 32], [2; 32], [3; 32]);
    let week = SignedDuration::from_hours(7 * 24);
    let (leeway, age_max) = (SignedDuration::from_secs(30), SignedDuration::from_hours(30 * 24));
    let session = Session {
        id: id(),
        user_id: owner,
        created_at: at(0),
        last_used_at: at(0),
        expires_at: at(0) + week,
        ip: Some("192.0.2.7".to_owned()),
        user_agent: None,
        revoked_at: None,
    };
    let new = session.clone();
    write(store, move |tx| sessions::create(tx, &new, first));
    let rotate = |presented, offered, now| {
        write(store, move |tx| sessions::rotate(tx, presented, offered, now, now + week, leeway, age_max))
    };
    let rotated = Session { last_used_at: at(1), expires_at: at(1) + week, ..session.clone() };
    assert_eq!(rotate(first, second, at(1)), Rotation::Rotated(rotated.clone()));
    let soon = at(1) + SignedDuration::from_secs(30);
    assert_eq!(rotate(first, third, soon), Rotation::Repeated { session: rotated.clone(), successor: second });
    assert_eq!(rotate([9; 32], third, at(2)), Rotation::Refused);

    let open = store.read_blocking(move |conn| sessions::of_user(conn, owner, at(2))).unwrap();
    assert_eq!(open, vec![rotated.clone()]);
    let late = soon + SignedDuration::from_secs(1);
    assert_eq!(rotate(first, third, late), Rotation::Reused(Session { revoked_at: Some(late), ..rotated }));
    assert_eq!(rotate(second, third, late), Rotation::Refused, "its family is revoked");
    assert_eq!(store.read_blocking(move |conn| sessions::of_user(conn, owner, late)).unwrap(), vec![]);

    let (mine, other) = (Session { id: id(), ..session.clone() }, Session { id: id(), ..session });
    let (a, b) = (mine.clone(), other);
    write(store, move |tx| sessions::create(tx, &a, [4; 32]).and_then(|()| sessions::create(tx, &b, [5; 32])));
    let is_open = |id| store.read_blocking(move |conn| sessions::is_open(conn, id)).unwrap();
    assert!(is_open(mine.id) && !is_open(Uuid::nil()));
    let old = at(0) + SignedDuration::from_hours(29 * 24);
    let last = write(store, move |tx| {
        sessions::rotate(tx, [4; 32], [6; 32], at(1), at(1) + week, leeway, age_max)?;
        tx.execute("UPDATE refresh_tokens SET expires_at = $1", &[(old + week).into()])?;
        sessions::rotate(tx, [6; 32], [7; 32], old, old + week, leeway, age_max)
    });
    let Rotation::Rotated(last) = last else { panic!("{last:?}") };
    assert_eq!(last.expires_at, at(0) + age_max, "renewing does not make a session older than it may be");
    let stranger = user(store, "stranger@example.com").id;
    assert!(!write(store, move |tx| sessions::revoke_own(tx, stranger, mine.id, at(3))), "another user's");
    assert!(write(store, move |tx| sessions::revoke_own(tx, owner, mine.id, at(3))));
    assert!(!write(store, move |tx| sessions::revoke_own(tx, owner, mine.id, at(3))), "ended already");
    assert!(!is_open(mine.id));
    let another = Session { id: id(), ..mine.clone() };
    let kept = another.id;
    write(store, move |tx| sessions::create(tx, &another, [8; 32]));
    assert_eq!(write(store, move |tx| sessions::revoke_all(tx, owner, Some(kept), at(3))), 1);
    assert_eq!(write(store, move |tx| sessions::revoke_all(tx, owner, None, at(3))), 1);
    assert_eq!(write(store, move |tx| sessions::sweep(tx, at(0) + age_max + week)), 4);
    assert_eq!(store.read_blocking(move |conn| sessions::by_token(conn, second)).unwrap(), None, "tokens go with it");
}

pub fn password_resets(store: &Store) {
    let owner = user(store, "forgetful@example.com").id;
    let spend = |token: [u8; 32], now| store.write_blocking(move |tx| password_resets::spend(tx, token, now)).unwrap();
    write(store, move |tx| password_resets::replace(tx, owner, [1; 32], (at(0), at(30)), at(0)));
    write(store, move |tx| password_resets::replace(tx, owner, [2; 32], (at(1), at(31)), at(1)));
    let soon = write(store, move |tx| password_resets::replace(tx, owner, [9; 32], (at(2), at(32)), at(0)));
    assert!(!soon, "the link before it is too young");
    assert_eq!(store.read_blocking(move |conn| password_resets::made_at(conn, owner)).unwrap(), Some(at(1)));
    assert_eq!(spend([1; 32], at(2)), None, "a newer link has taken its place");
    assert_eq!(spend([2; 32], at(2)), Some(owner));
    assert_eq!(spend([2; 32], at(2)), None, "good for one use");
    write(store, move |tx| password_resets::replace(tx, owner, [3; 32], (at(1), at(31)), at(1)));
    assert_eq!(spend([3; 32], at(31)), None, "over");
    write(store, move |tx| password_resets::replace(tx, owner, [4; 32], (at(1), at(31)), at(1)));
    write(store, move |tx| password_resets::withdraw(tx, owner));
    assert_eq!(spend([4; 32], at(2)), None);
    write(store, move |tx| password_resets::replace(tx, owner, [5; 32], (at(1), at(31)), at(1)));
    assert_eq!(write(store, move |tx| password_resets::sweep(tx, at(32))), 1);
}

pub fn preferences(store: &Store) {
    let owner = user(store, "preferences@example.com").id;
    assert_eq!(store.read_blocking(move |conn| preferences::of_user(conn, owner)).unwrap(), None);
    for (cost, rating) in [(40, 10), (25, 25)] {
        let wanted = Preferences { cost, flexibility: 30, renewable: 20, rating, updated_at: at(i64::from(cost)) };
        write(store, move |tx| preferences::save(tx, owner, &wanted));
        assert_eq!(store.read_blocking(move |conn| preferences::of_user(conn, owner)).unwrap(), Some(wanted));
    }
    let too_much = Preferences { cost: 50, flexibility: 30, renewable: 20, rating: 10, updated_at: at(0) };
    let refused = store.write_blocking(move |tx| preferences::save(tx, owner, &too_much)).unwrap_err();
    assert_eq!(refused, StoreError::Rejected(preferences::SUM_IS_100.to_owned()));
    let nobodys = Preferences { cost: 100, flexibility: 0, renewable: 0, rating: 0, updated_at: at(0) };
    let refused = store.write_blocking(move |tx| preferences::save(tx, Uuid::nil(), &nobodys)).unwrap_err();
    assert_eq!(refused, StoreError::Dangling);

    let consent = |version: &str, granted| Consent {
        id: id(),
        document: "terms".to_owned(),
        version: version.to_owned(),
        granted,
        given_at: at(5),
    };
    let given = vec![consent("2026-01", true), consent("2026-01", false)];
    let wanted = given.clone();
    write(store, move |tx| given.iter().try_for_each(|consent| consents::append(tx, owner, consent)));
    assert_eq!(store.read_blocking(move |conn| consents::of_user(conn, owner)).unwrap(), wanted);
}

pub fn current_plans(store: &Store) {
    let owner = user(store, "plan@example.com").id;
    let plan = CurrentPlan {
        plan_id: Some(id()),
        supplier_name: Some("Zephyr".to_owned()),
        plan_name: None,
        rate: Some(Price::from_cents(12.3456).unwrap()),
        monthly_fee: Some(Price::from_currency(9.95).unwrap()),
        rate_structure: Some(serde_json::from_str(r#"{"type":"fixed","rate_per_kwh":12.5}"#).unwrap()),
        contract_start: Some(date(2025, 5, 1)),
        contract_end: Some(date(2026, 4, 30)),
        early_termination_fee: Some(Price::from_currency(150.0).unwrap()),
        annual_cost: None,
    };
    for wanted in [plan.clone(), CurrentPlan::default()] {
        let new = wanted.clone();
        write(store, move |tx| current_plans::save(tx, owner, &new, at(1)));
        assert_eq!(
            store.read_blocking(move |conn| current_plans::of_user(conn, owner)).unwrap(),
            Some((wanted, at(1)))
        );
    }
    let backwards = CurrentPlan { contract_end: Some(date(2025, 4, 30)), ..plan };
    let refused = store.write_blocking(move |tx| current_plans::save(tx, owner, &backwards, at(1))).unwrap_err();
    assert_eq!(refused, StoreError::Rejected(current_plans::CONTRACT_DATES.to_owned()));
    assert!(write(store, move |tx| current_plans::delete(tx, owner)));
    assert!(!write(store, move |tx| current_plans::delete(tx, owner)));
}

pub fn monthly_usage(store: &Store) {
    let owner = user(store, "months@example.com").id;
    let first = Month::new(2021, 3).unwrap();
    let row = |n: i32, kwh: i64| MonthRow {
        month: first.plus(n),
        energy: Energy::from_whole_kwh(kwh),
        source: "upload".to_owned(),
        quality: Quality::Actual,
    };
    // More rows than one statement carries.
    let rows: Vec<MonthRow> = (0..70).map(|n| row(n, 500 + i64::from(n))).collect();
    write(store, move |tx| usage_history::save(tx, owner, &rows, at(0)));
    let again =
        MonthRow { source: "import:green_button".to_owned(), quality: Quality::Estimated, ..row(69, 1_000_000) };
    let replaced = again.clone();
    write(store, move |tx| usage_history::save(tx, owner, &[replaced], at(1)));
    let newest = store.read_blocking(move |conn| usage_history::newest(conn, owner, 2)).unwrap();
    assert_eq!(newest, vec![again, row(68, 568)]);
    assert_eq!(write(store, move |tx| usage_history::delete(tx, owner)), 70);
}

pub fn interval_usage(store: &Store) {
    let owner = user(store, "intervals@example.com").id;
    let zone = TimeZone::get("America/Chicago").unwrap();
    // A year of quarter hours with both clock changes, a meter that exports, and a day nobody measured.
    let mut year = Intervals::empty(&zone, 15, date(2025, 1, 1), 365);
    year.export = vec![Energy::ZERO; year.import.len()];
    let unmeasured = year.day_range(100);
    for n in (0..year.import.len()).filter(|n| !unmeasured.contains(n)) {
        year.import[n] = Energy::from_wh((n as i64 * 7919) % 2_000);
        year.export[n] = Energy::from_wh((n as i64 * 104_729) % 300);
        year.quality[n] = if n % 500 == 0 { Quality::Estimated } else { Quality::Actual };
    }
    let new = year.clone();
    write(store, move |tx| usage_days::save_intervals(tx, owner, "m1", &new));
    let own = zone.clone();
    let held = store.read_blocking(move |conn| usage_days::load(conn, owner, "m1", &own, None)).unwrap();
    assert_eq!(held.intervals, Some(year.clone()));

    let march = Window { start: date(2025, 3, 9), end: date(2025, 3, 10) };
    let own = zone.clone();
    let held = store.read_blocking(move |conn| usage_days::load(conn, owner, "m1", &own, Some(march))).unwrap();
    let day = held.intervals.unwrap();
    assert_eq!((day.import.len(), &day.import[..]), (92, &year.import[year.day_range(67)]), "the day has 23 hours");

    let days: Vec<DayReading> = [3, 4]
        .map(|day| DayReading {
            date: date(2024, 2, day),
            import: Energy::from_wh(9_000),
            export: Energy::ZERO,
            quality: Quality::Actual,
        })
        .to_vec();
    let new = days.clone();
    write(store, move |tx| usage_days::save_days(tx, owner, "", &new));
    let held = store.read_blocking(move |conn| usage_days::load(conn, owner, "", &zone, None)).unwrap();
    assert_eq!((held.intervals, held.days), (None, days));
    let meters = store.read_blocking(move |conn| usage_days::meters(conn, owner)).unwrap();
    let meter = |meter: &str, first_day, last_day, days| Meter { meter: meter.to_owned(), first_day, last_day, days };
    assert_eq!(
        meters,
        vec![meter("", date(2024, 2, 3), date(2024, 2, 4), 2), meter("m1", date(2025, 1, 1), date(2025, 12, 31), 364)]
    );
    assert_eq!(write(store, move |tx| usage_days::delete(tx, owner)), 366);
}

fn recommendation(user_id: Option<Uuid>, minutes: i64) -> (Recommendation, Vec<RankedPlan>) {
    let new = Recommendation {
        id: id(),
        user_id,
        claim_hash: user_id.is_none().then_some([7; 32]),
        created_at: at(minutes),
        expires_at: at(minutes + 60),
        input_hash: [8; 32],
        catalog_revision: 3,
        algorithm_version: "1".to_owned(),
        answer: r#"{"top_plans": [1.50],  "b": 1, "a": "ü"}"#.to_owned(),
        input: user_id.map(|_| r#"{"zip_code":  "78701"}"#.to_owned()),
    };
    let plan = |rank| RankedPlan {
        rank,
        plan_id: id(),
        plan_name: format!("Plan {rank}"),
        supplier_name: "Zephyr".to_owned(),
        annual_cost_cents: 123_456,
        composite_score: 87.65,
    };
    (new, vec![plan(1), plan(2)])
}

pub fn recommendations(store: &Store) {
    let owner = user(store, "answers@example.com").id;
    let (older, plans) = recommendation(Some(owner), 0);
    let (newer, _) = recommendation(Some(owner), 10);
    let (anonymous, _) = recommendation(None, 20);
    for (new, plans) in [(&older, plans.clone()), (&newer, vec![]), (&anonymous, vec![])] {
        let new = new.clone();
        write(store, move |tx| recommendations::create(tx, &new, &plans));
    }
    let (first, claimed) = (older.id, anonymous.id);
    assert_eq!(store.read_blocking(move |conn| recommendations::by_id(conn, claimed)).unwrap(), Some(anonymous));
    assert_eq!(store.read_blocking(move |conn| recommendations::plans(conn, first)).unwrap(), plans);
    let filter = RecommendationFilter { user_id: Some(owner), ..RecommendationFilter::default() };
    let second_page =
        store.read_blocking(move |conn| recommendations::list(conn, &filter, Page { limit: 1, offset: 1 })).unwrap();
    assert_eq!((second_page.total, second_page.items), (2, vec![older.clone()]));
    let same = |minutes| {
        store.read_blocking(move |conn| recommendations::by_input(conn, owner, [8; 32], at(minutes))).unwrap()
    };
    assert_eq!((same(30), same(70)), (Some(newer), None), "an expired answer is none");

    write(store, move |tx| recommendations::delete(tx, first));
    assert_eq!(store.read_blocking(move |conn| recommendations::plans(conn, first)).unwrap(), vec![]);
    let gone = store.write_blocking(move |tx| recommendations::delete(tx, first)).unwrap_err();
    assert_eq!(gone, StoreError::NotFound);
    assert_eq!(write(store, |tx| recommendations::sweep(tx, at(75))), 1);
}

pub fn idempotency(store: &Store) {
    let claim = |hash: u8, minutes| {
        let (now, end) = (at(minutes), at(minutes + 60));
        write(store, move |tx| idempotency::claim(tx, ("someone", "key-1"), [hash; 32], now, end, None))
    };
    assert_eq!(claim(1, 0), Claim::New);
    assert_eq!(claim(1, 1), Claim::InFlight);
    write(store, |tx| idempotency::release(tx, ("someone", "key-1"), at(1)));
    assert_eq!(claim(1, 1), Claim::InFlight, "only its own claimant frees a key");
    write(store, |tx| idempotency::release(tx, ("someone", "key-1"), at(0)));
    assert_eq!(claim(1, 2), Claim::New);
    let answer = KeptAnswer { status: 201, content_type: "application/json".to_owned(), body: b"{}".to_vec() };
    let kept = answer.clone();
    let finish = move |claimed_at: i64| {
        let kept = kept.clone();
        store.write_blocking(move |tx| idempotency::finish(tx, ("someone", "key-1"), at(claimed_at), &kept, at(62)))
    };
    assert_eq!(finish(0), Err(StoreError::NotFound), "a claim that lapsed keeps nothing");
    assert_eq!(finish(2), Ok(()));
    assert_eq!(claim(1, 3), Claim::Answered(answer));
    assert_eq!(claim(2, 4), Claim::OtherRequest);
    assert_eq!(claim(2, 62), Claim::New, "a key is good for its time");
    assert_eq!(write(store, |tx| idempotency::sweep(tx, at(122))), 1);

    let claim_by = |node: i64, minutes| {
        let (now, end) = (at(minutes), at(minutes + 60));
        write(store, move |tx| idempotency::claim(tx, ("someone", "key-2"), [1; 32], now, end, Some(node)))
    };
    assert_eq!(claim_by(7, 0), Claim::New);
    assert_eq!(claim_by(7, 1), Claim::InFlight, "a node does not take its own work for left behind");
    assert_eq!(claim_by(8, 2), Claim::New, "the first node is not alive");
    let late = KeptAnswer { status: 200, content_type: "application/json".to_owned(), body: b"[]".to_vec() };
    let kept = store.write_blocking(move |tx| idempotency::finish(tx, ("someone", "key-2"), at(0), &late, at(62)));
    assert_eq!(kept, Err(StoreError::NotFound), "whose claim was taken over keeps nothing");
    write(store, |tx| idempotency::release(tx, ("someone", "key-2"), at(2)));
}

pub fn erasure(store: &Store) {
    let leaver = user(store, "leaver@example.com").id;
    let (answer, plans) = recommendation(Some(leaver), 0);
    let opinion = opinion(Some(leaver), id(), 3, Some("my address is leaver@example.com"), 0);
    let kept = opinion.id;
    write(store, move |tx| {
        recommendations::create(tx, &answer, &plans)?;
        feedback::create(tx, &opinion)?;
        let key = leaver.to_string();
        idempotency::claim(tx, (&key, "key"), [0; 32], at(0), at(60), None)?;
        let detail = serde_json::json!({"email": "leaver@example.com"});
        audit::append(tx, &Event { detail, ..event("user_created", Some(leaver), 0) })?;
        erasure::erase(tx, leaver, at(4))
    });
    for (table, column) in [("recommendations", "user_id"), ("feedback", "user_id"), ("users", "id")] {
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
        let left: i64 = store.read_blocking(move |conn| conn.one(&sql, &[leaver.into()], |row| row.take())).unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let texts: i64 = store
        .read_blocking(|conn| {
            let details = "SELECT count(*) FROM audit_details WHERE CAST(detail AS TEXT) LIKE '%leaver%'";
            let keys = "SELECT count(*) FROM idempotency_keys";
            Ok::<_, StoreError>(
                conn.one(details, &[], |row| row.take::<i64>())? + conn.one(keys, &[], |row| row.take::<i64>())?,
            )
        })
        .unwrap();
    assert_eq!(texts, 0);
    let sql = "SELECT rating, feedback_text FROM feedback WHERE id = $1";
    let read = move |conn: &mut treebeard::store::db::Conn<'_>| {
        conn.one(sql, &[kept.into()], |row| Ok((row.take::<i64>()?, row.take::<Option<String>>()?)))
    };
    assert_eq!(store.read_blocking(read).unwrap(), (3, None), "the rating stays, its author and text do not");
    assert_eq!(store.write_blocking(move |tx| erasure::erase(tx, leaver, at(5))), Err(StoreError::NotFound));
}
