//! Every call on the data fails once, while serving, starting and stopping: no panic, no wrong answer, nothing lost.

use crate::alone;
use crate::load::{Caller, Kept, missing};
use crate::service::{Service, ask, damage, register};
use crate::shim::{EIO, ENOSPC, Shim, What};
use std::collections::BTreeMap;

/// More calls than a round of requests makes.
const CALLS_MAX: u64 = 400;
/// More calls than a start makes.
const STARTS_MAX: u64 = 200;

#[test]
fn a_call_that_fails_harms_nobody_but_its_request() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let shim = Shim::new(folder.path());
    let service = Service::start(folder.path(), &shim.environment(None));
    let (mut kept, mut failed) = (Vec::new(), BTreeMap::<(char, &str), u32>::new());
    let (mut refused, mut round) = (0, 0);
    for (error, name) in [(EIO, "EIO"), (ENOSPC, "ENOSPC")] {
        for call in 1..=CALLS_MAX {
            assert!(call < CALLS_MAX, "a round of requests makes more calls than that");
            round += 1;
            shim.arm(call, What::Fail(error));
            refused += requests(&service, round, &mut kept, true);
            shim.disarm();
            let Some(kind) = shim.happened() else { break };
            *failed.entry((kind, name)).or_default() += 1;
        }
        round += 1;
        assert_eq!(requests(&service, round, &mut kept, false), 0, "all is well afterwards");
    }
    let (code, said) = service.stop();
    assert_eq!((code, said.contains("panicked")), (Some(0), false), "{said}");
    whole(folder.path(), &kept);
    println!(
        "errors: {} calls failed while serving ({failed:?}), {refused} requests refused with 503, {} kept, 0 lost, 0 panics",
        failed.values().sum::<u32>(),
        kept.len()
    );
}

/// A few writes and reads of a new account; how many were refused. Whatever is refused is refused with 503.
fn requests(service: &Service, round: u64, kept: &mut Vec<Kept>, may_fail: bool) -> u32 {
    let email = format!("r{round}@example.org");
    let mut refused = 0;
    let mut judge = |status: u16, good: u16, what: &str| {
        if status != good {
            assert!(may_fail && status == 503, "round {round}: {what} is answered with {status}:\n{}", service.log());
            refused += 1;
        }
    };
    let token = match register(service.address, &email).expect("it answers") {
        Ok(token) => token,
        Err(status) => {
            judge(status, 201, "registering");
            return refused;
        }
    };
    kept.push(Kept::Account(email.clone()));
    let caller = Caller { address: service.address, email, token };
    for number in [1, 2, 3] {
        match caller.write(number).expect("it answers") {
            Ok(one) => kept.push(one),
            Err(status) => judge(status, 200, "a write"),
        }
    }
    for path in ["/api/v1/users/profile", "/api/v1/usage/history", "/api/v1/users/current-plan"] {
        let (status, _) = ask(service.address, "GET", path, &caller.token, "").expect("it answers");
        // What was refused a moment ago is not there to be read.
        let good = if status == 404 && refused_some(kept, &caller.email) { 404 } else { 200 };
        judge(status, good, path);
    }
    refused
}

fn refused_some(kept: &[Kept], email: &str) -> bool {
    let suffix = format!(" {email} ");
    kept.iter().filter(|one| one.line().contains(&suffix)).count() < 4
}

fn whole(folder: &std::path::Path, kept: &[Kept]) {
    let database = folder.join("data/treebeard.db");
    assert_eq!(damage(&database), [""; 0]);
    let connection = rusqlite::Connection::open(&database).expect("it opens");
    assert_eq!(missing(&connection, kept), [""; 0]);
}

#[test]
fn a_call_that_fails_at_the_start_or_the_end_costs_no_data() {
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let shim = Shim::new(folder.path());
    let mut kept = Vec::new();
    let first = Service::start(folder.path(), &shim.environment(None));
    assert_eq!(requests(&first, 0, &mut kept, false), 0);
    drop(first);
    assert_eq!(Service::start(folder.path(), &shim.environment(None)).stop().0, Some(0));
    // A start and a stop after a good one make the fewest calls.
    let before = shim.calls();
    let counted = Service::start(folder.path(), &shim.environment(None));
    let starting = shim.calls() - before;
    let before = shim.calls();
    assert_eq!(counted.stop().0, Some(0));
    let stopping = shim.calls() - before;
    let (mut hit, mut refused, mut stopped) = (0, 0, 0);
    assert!(starting < STARTS_MAX && stopping <= starting, "{starting} calls, {stopping} at the end");
    for attempt in 0..starting {
        let error = if attempt % 2 == 0 { EIO } else { ENOSPC };
        shim.arm(1 + attempt, What::Fail(error));
        let outcome = Service::try_start(folder.path(), &shim.environment(None));
        // The last calls come when it listens already, and may come after this.
        hit += u32::from(shim.happened().is_some());
        match outcome {
            Ok(service) => {
                shim.arm(1 + attempt % stopping, What::Fail(error));
                let (code, said) = service.stop();
                stopped += u32::from(shim.happened().is_some());
                assert!(code.is_some() && !said.contains("panicked"), "{said}");
            }
            Err(said) => {
                refused += 1;
                assert!(said.contains("error:") && !said.contains("panicked"), "{said}");
            }
        }
        shim.disarm();
        whole(folder.path(), &kept);
    }
    let service = Service::start(folder.path(), &shim.environment(None));
    assert_eq!(requests(&service, 2, &mut kept, false), 0);
    drop(service);
    whole(folder.path(), &kept);
    println!(
        "errors: {hit} starts with a failing call (of {starting}), {refused} refused with a sentence, the others served; \
         {stopped} stops with one (of {stopping}); 0 lost, 0 panics"
    );
    assert!(u64::from(2 * hit) > starting && u64::from(2 * (stopped + refused)) > starting);
}
