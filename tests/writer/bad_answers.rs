//! A service that refuses, breaks, lies or hangs: the template does, and a failing service is left alone.

use crate::claude::{Answer, Claude, true_text};
use crate::{AMPLE, SHORT, market, settings, sheet, writer, written};
use serde_json::json;
use treebeard::writer::{BreakerState, Fault, Settings, Writer, try_out};

/// What a message holds, as the API sends it.
fn message(text: &str, stop_reason: &str) -> String {
    json!({ "content": [{ "type": "text", "text": text }], "stop_reason": stop_reason }).to_string()
}

#[test]
fn an_answer_that_is_none_is_left_to_the_template() {
    let long = "word ".repeat(2_200_000);
    let cases: [(&str, u16, String); 9] = [
        ("an error", 500, "{}".into()),
        ("overloaded", 529, "{}".into()),
        ("a refused key", 401, "{}".into()),
        ("an unknown model", 404, "{}".into()),
        ("garbage", 200, "\u{1}\u{2}<html>not JSON".into()),
        ("another shape", 200, r#"{"content":"text"}"#.into()),
        ("no content", 200, r#"{"content":[],"stop_reason":"end_turn"}"#.into()),
        ("a text cut off", 200, message(&"word ".repeat(50), "max_tokens")),
        ("10 MB", 200, message(&long, "end_turn")),
    ];
    for (name, status, body) in cases {
        let claude = Claude::answering(move |_, _| Answer::Status(status, "", body.clone()));
        let writer = writer(&claude.url, AMPLE);
        assert_eq!(written(&writer, vec![sheet(1)]), [None], "{name}");
        let calls = if status >= 500 { 3 } else { 1 };
        assert_eq!(writer.figures().calls, calls, "{name}");
        assert_eq!(writer.figures().fallbacks, 1, "{name}");
    }
}

#[test]
fn a_service_that_hangs_or_drips_costs_the_deadline_and_no_more() {
    for drips in [false, true] {
        let claude = Claude::answering(move |_, _| if drips { Answer::Drip } else { Answer::Never });
        let writer = writer(&claude.url, SHORT);
        assert_eq!(written(&writer, vec![sheet(1), sheet(2)]), [None, None]);
        assert_eq!(writer.figures().fallbacks, 2);
    }
}

#[test]
fn nobody_listening_is_left_to_the_template() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("http://{}", free.expect("a port nobody listens on any more"));
    assert_eq!(written(&writer(&url, AMPLE), vec![sheet(1)]), [None]);
}

#[test]
fn a_text_that_says_more_than_the_facts_is_dropped_and_not_asked_for_again() {
    let rival = market().suppliers()[0].supplier.name.clone();
    let rival_text = format!("{rival} would be dearer. ");
    let changes: [(&str, &str, &str); 5] = [
        ("a wrong number", "$1234", "$1134"),
        ("another supplier", "Look at", &format!("{rival_text}Look at")),
        ("markup", "Look at", "**Look** at"),
        ("a link", "Look at", "Look at www.acorn.example and"),
        ("another plan", "easy to follow", "easier than Birdsong 24"),
    ];
    for (name, part, other) in changes {
        let (part, other) = (part.to_owned(), other.to_owned());
        let claude = Claude::answering(move |_, asked| {
            let text = true_text(asked);
            assert!(text.contains(&part));
            Answer::Text(text.replace(&part, &other))
        });
        let writer = writer(&claude.url, AMPLE);
        assert_eq!(written(&writer, vec![sheet(1)]), [None], "{name}");
        assert_eq!(written(&writer, vec![sheet(1)]), [None], "{name}");
        let figures = writer.figures();
        assert_eq!((figures.calls, figures.refused_texts, figures.fallbacks), (1, 1, 2), "{name}");
    }
}

#[test]
fn a_longer_pause_than_anybody_waits_is_kept_by_all() {
    for status in [429, 529] {
        let claude = Claude::answering(move |_, _| Answer::Status(status, "retry-after: 500\r\n", "{}".into()));
        let writer = writer(&claude.url, AMPLE);
        assert_eq!(written(&writer, vec![sheet(1)]), [None]);
        assert_eq!(written(&writer, vec![sheet(2)]), [None]);
        assert_eq!(claude.asked().len(), 1, "{status}");
        assert_eq!(writer.figures().breaker, BreakerState::Open, "{status}");
    }
}

#[test]
fn after_five_failures_nothing_is_asked() {
    let claude = Claude::answering(|_, _| Answer::Status(400, "", "{}".into()));
    let one = Settings { concurrency: 1, ..settings(&claude.url, AMPLE) };
    let writer = Writer::start(one).expect("a thread");
    assert_eq!(written(&writer, (1..=9).map(sheet).collect()).iter().flatten().count(), 0);
    assert_eq!(claude.asked().len(), 5);
    assert_eq!(writer.figures().breaker, BreakerState::Open);
}

#[test]
fn the_daily_budget_is_never_exceeded() {
    let claude = Claude::good();
    let writer = Writer::start(Settings { calls_per_day: 2, ..settings(&claude.url, AMPLE) }).expect("threads");
    assert_eq!(written(&writer, (1..=5).map(sheet).collect()).iter().flatten().count(), 2);
    assert_eq!(claude.asked().len(), 2);
    assert_eq!((writer.figures().calls_left_today, writer.figures().fallbacks), (0, 3));
}

#[test]
fn the_trial_call_tells_good_refused_and_wrong() {
    let cases = [
        (200, message("yes", "max_tokens"), Ok(())),
        (401, "{}".into(), Err(Fault::Refused(401))),
        (404, "{}".into(), Err(Fault::Refused(404))),
        (503, "{}".into(), Err(Fault::Busy { status: 503, retry_after: None })),
        (200, "hello".into(), Err(Fault::Unusable("not of the API's shape"))),
    ];
    for (status, body, expected) in cases {
        let claude = Claude::answering(move |_, _| Answer::Status(status, "", body.clone()));
        assert_eq!(try_out(&settings(&claude.url, AMPLE)), expected);
        assert_eq!(claude.asked()[0].body["max_tokens"], 1);
    }
}
