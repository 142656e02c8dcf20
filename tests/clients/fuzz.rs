//! Schemathesis over the whole API document, all its checks on: no fault of the service, no status that is not
//! declared, no answer that is not what its schema says, nothing wrong accepted.

use crate::{DOCUMENT, Market, PACKAGE, is_installed, tool};
use std::path::Path;
use std::process::Command;

/// These end sessions or the account: what came after them would only meet refusals.
const LAST: [&str; 4] = ["logout_all_sessions", "end_session", "change_password", "delete_my_account"];

#[test]
fn schemathesis_finds_nothing() {
    let program = tool("python/bin/schemathesis");
    if !is_installed("schemathesis_finds_nothing", &[&program]) {
        return;
    }
    let market = Market::open();
    fuzz(&program, &market, "sam@example.org", "--exclude-operation-id", &LAST);
    for operation in LAST {
        let email = format!("{operation}@example.org");
        fuzz(&program, &market, &email, "--include-operation-id", &[operation]);
    }
}

fn fuzz(program: &Path, market: &Market, email: &str, choice: &str, operations: &[&str]) {
    let config = Path::new(PACKAGE).join("tests/tools/schemathesis.toml");
    let chosen = operations.iter().flat_map(|operation| [choice, operation]);
    let output = Command::new(program)
        .arg("--config-file")
        .arg(config)
        .args(["run", DOCUMENT, "--url", &market.url(), "--no-color", "--checks=all"])
        .args(["--header", &format!("Authorization: {}", market.server.signed_in(email))])
        .args(["--phases=examples,coverage,fuzzing", "--max-examples=5", "--generation-deterministic"])
        .args(chosen)
        .current_dir(std::env::temp_dir())
        .output()
        .expect("schemathesis starts");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
}
