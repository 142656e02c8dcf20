//! A panic is told by its place: neither the log nor the answer holds what the program was working on.

use poem::endpoint::make;
use poem::{Endpoint, EndpointExt, Request, Response};
use std::fmt::Debug;
use std::process::Command;
use treebeard::app::workbench::Workbench;
use treebeard::config::{Config, Sources};
use treebeard::http::layers::{fallback, request_id};
use treebeard::ops::logging;
use treebeard::store::db::Tx;
use treebeard::store::error::StoreError;
use treebeard::store::{Options, Store};

const CHILD: &str = "TREEBEARD_TEST_PANICS";
const SECRET: &str = "planted-in-a-panic-8d60534f1c";

/// This test once more, as a process of its own whose log can be read.
#[test]
fn a_panic_tells_where_it_was_and_nothing_of_the_request() {
    if std::env::var_os(CHILD).is_some() {
        return panic_in_every_room();
    }
    let itself = std::env::current_exe().expect("a path");
    let name = "panics::a_panic_tells_where_it_was_and_nothing_of_the_request";
    let output = Command::new(itself)
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, "1")
        .env("RUST_BACKTRACE", "1")
        .output()
        .expect("it runs");
    let (said, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{log}");
    let crashes: Vec<&str> = log.lines().filter(|line| line.contains("sys_crash")).collect();
    assert_eq!(crashes.len(), 5, "{log}");
    assert!(crashes.iter().all(|line| line.contains("tests/http/panics.rs:")), "each says where: {log}");
    assert!(crashes[0].contains("the program's own words"), "{}", crashes[0]);
    assert!(said.contains("500") && said.contains("Internal Server Error"), "{said}");
    for text in [&said, &log] {
        assert!(!text.contains(SECRET), "the secret was told:\n{text}");
    }
}

fn panic_in_every_room() {
    let config = Config::load(&Sources::default()).expect("the defaults").config;
    logging::start(&config.logging, true, None);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let plain = make(|_| async { panicking(None) });
        let filled = make(|mut request: Request| async move {
            let body = request.take_body().into_string().await.unwrap_or_default();
            panicking(Some(body))
        });
        for answer in [answer(plain).await, answer(filled).await] {
            println!("{answer}");
        }
        let bench = Workbench::start().expect("its threads start");
        let shown = bench.run(|| Ok(unexpected(SECRET.parse::<u8>().map_err(|_| SECRET)))).await;
        println!("{:?}", shown.err());
    });
    drop(runtime);
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&format!("sqlite:{}", folder.path().join("a.db").display()), Options::default());
    let store = store.expect("a store");
    let write = |_: &mut Tx<'_>| -> Result<(), StoreError> { panic!("cannot write {SECRET}") };
    let written = store.write_blocking(write);
    println!("{written:?}");
    let read = store.read_blocking(|_| -> Result<(), StoreError> { panic!("cannot read {SECRET}") });
    println!("{read:?}");
}

/// What comes of a request with the secret in it.
async fn answer(endpoint: impl Endpoint<Output = Response> + 'static) -> String {
    let served = request_id::layer(fallback::layer(endpoint));
    let uri = format!("/{SECRET}?token={SECRET}");
    let request = Request::builder().uri_str(uri).header("authorization", SECRET).body(SECRET.to_owned());
    let response = served.map_to_response().call(request).await.expect("an answer");
    let head = format!("{} {:?}", response.status(), response.headers());
    head + &response.into_body().into_string().await.expect("text")
}

fn panicking(body: Option<String>) -> Response {
    match body {
        None => panic!("the program's own words"),
        Some(body) => panic!("cannot take {body}"),
    }
}

#[track_caller]
fn unexpected<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("a number")
}
