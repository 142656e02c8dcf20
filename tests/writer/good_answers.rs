//! A service that answers: all plans at once, from the cache, after another try, or too late for one answer.

use crate::claude::{Answer, Claude, true_text};
use crate::{AMPLE, SHORT, settings, sheet, writer, written};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use treebeard::writer::{BreakerState, Figures, Writer};

#[test]
fn a_good_text_is_used_and_the_next_time_comes_from_the_cache() {
    let claude = Claude::good();
    let writer = writer(&claude.url, AMPLE);
    let first = written(&writer, vec![sheet(1), sheet(2)]);
    assert!(first[0].as_ref().is_some_and(|text| text.starts_with("Steady 12 from Acorn Power suits")), "{first:?}");
    assert_eq!(written(&writer, vec![sheet(1), sheet(2)]), first);
    assert_eq!(claude.asked().len(), 2);
    let expected = Figures {
        asked: 4,
        worded: 4,
        from_cache: 2,
        fallbacks: 0,
        calls: 2,
        failed_calls: 0,
        retries: 0,
        refused_texts: 0,
        late: 0,
        calls_left_today: 998,
        breaker: BreakerState::Closed,
    };
    assert_eq!(writer.figures(), expected);
}

#[test]
fn the_plans_of_an_answer_are_asked_for_at_once() {
    // Nothing is answered before all three have asked.
    let all_there = Barrier::new(3);
    let claude = Claude::answering(move |_, asked| {
        all_there.wait();
        Answer::Text(true_text(asked))
    });
    let texts = written(&writer(&claude.url, AMPLE), vec![sheet(1), sheet(2), sheet(3)]);
    assert_eq!(texts.iter().flatten().count(), 3);
}

#[test]
fn no_more_calls_than_allowed_are_under_way() {
    let (under_way, most) = (Mutex::new(0), Arc::new(Mutex::new(0)));
    let seen = most.clone();
    let claude = Claude::answering(move |_, asked| {
        let now = {
            let mut count = under_way.lock().expect("a number");
            *count += 1;
            *count
        };
        let mut most = seen.lock().expect("a number");
        *most = now.max(*most);
        drop(most);
        // Time for another call to be met.
        std::thread::sleep(std::time::Duration::from_millis(5));
        // Counted down before the answer is given, so a call that follows never meets it.
        *under_way.lock().expect("a number") -= 1;
        Answer::Text(true_text(asked))
    });
    let one = treebeard::writer::Settings { concurrency: 1, ..settings(&claude.url, AMPLE) };
    let writer = Writer::start(one).expect("a thread");
    assert_eq!(written(&writer, (1..=6).map(sheet).collect()).iter().flatten().count(), 6);
    assert_eq!(*most.lock().expect("a number"), 1);
}

#[test]
fn the_same_sheet_twice_is_one_call() {
    let claude = Claude::good();
    let texts = written(&writer(&claude.url, AMPLE), vec![sheet(1), sheet(1)]);
    assert_eq!(texts.iter().flatten().count(), 2);
    assert_eq!(claude.asked().len(), 1);
}

#[test]
fn what_may_pass_is_tried_again() {
    for (status, more) in
        [(429, "retry-after: 0\r\n"), (429, ""), (529, "retry-after: 0\r\n"), (529, ""), (500, ""), (503, "")]
    {
        let claude = Claude::answering(move |number, asked| match number {
            0 => Answer::Status(status, more, "{}".into()),
            _ => Answer::Text(true_text(asked)),
        });
        let writer = writer(&claude.url, AMPLE);
        assert!(written(&writer, vec![sheet(1)])[0].is_some(), "{status}");
        let figures = writer.figures();
        assert_eq!((figures.calls, figures.retries, figures.breaker), (2, 1, BreakerState::Closed), "{status}");
    }
}

#[test]
fn a_text_that_comes_late_is_kept_for_the_next() {
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let claude = Claude::answering(move |_, asked| {
        // Opens when the test lets go of the other end.
        let _opened = gate.lock().expect("one waits").recv();
        Answer::Text(true_text(asked))
    });
    let writer = writer(&claude.url, SHORT);
    // A machine so slow that the call had not begun by the deadline asks again.
    while claude.asked().is_empty() {
        assert_eq!(written(&writer, vec![sheet(1)]), [None]);
    }
    drop(release);
    while writer.figures().late == 0 {
        std::thread::yield_now();
    }
    let calls = claude.asked().len();
    assert!(written(&writer, vec![sheet(1)])[0].is_some());
    assert_eq!(claude.asked().len(), calls, "from the cache");
}
