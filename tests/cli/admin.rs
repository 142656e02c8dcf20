//! `treebeard admin`: the first administrator and the accounts, by the real binary on a real file.

use crate::run::Place;
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};

const PASSWORD: &str = "violet tram seven\n";

/// Exit code, standard output and standard error of a run with `input` on standard input.
fn run(place: &Place, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_treebeard"))
        .args(arguments)
        .current_dir(place.path())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // A command that refuses its arguments may be gone already.
    let _may_be_gone = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

pub fn create(place: &Place, email: &str) {
    let (code, _, errors) = run(place, &["admin", "create", email], PASSWORD);
    assert_eq!(code, 0, "{errors}");
}

#[test]
fn a_fresh_store_has_no_users_and_no_default_account() {
    let place = Place::new();
    assert_eq!(place.run(&["admin", "user", "list", "--json"]).json(), json!([]));
}

#[test]
fn the_first_administrator_is_made_with_a_password_from_standard_input() {
    let place = Place::new();
    let (code, said, _) = run(&place, &["admin", "create", "Ada@example.org", "--name", "Ada"], PASSWORD);
    assert_eq!(code, 0);
    assert!(said.contains("Ada@example.org is an administrator now") && !said.contains("violet"), "{said}");
    let shown = place.run(&["admin", "user", "show", "ada@EXAMPLE.org", "--json"]).json();
    assert_eq!((&shown["name"], &shown["role"], &shown["status"]), (&json!("Ada"), &json!("admin"), &json!("active")));
    assert!(!shown.to_string().contains("argon2"), "no hash is shown");

    let (code, _, errors) = run(&place, &["admin", "create", "ada@example.org"], PASSWORD);
    assert_eq!(code, 1, "{errors}");
    let (code, _, errors) = run(&place, &["admin", "create", "ben@example.org"], "abc\n");
    assert_eq!((code, errors.contains("at least 6 characters"), errors.contains("abc")), (1, true, false), "{errors}");
    assert_eq!(run(&place, &["admin", "create", "nobody"], PASSWORD).0, 2);
}

#[test]
fn accounts_are_listed_changed_and_erased() {
    let place = Place::new();
    create(&place, "ada@example.org");
    create(&place, "ben@example.org");
    let listed = |filter: &[&str]| {
        let list = place.run(&[&["admin", "user", "list", "--json"], filter].concat()).json();
        let emails =
            list.as_array().expect("a list").iter().map(|user| user["email"].as_str().unwrap_or("").to_owned());
        emails.collect::<Vec<_>>()
    };
    let done = |arguments: &[&str]| {
        let outcome = place.run(&[&["admin", "user"], arguments].concat());
        assert_eq!(outcome.code, 0, "{arguments:?}: {}", outcome.stderr);
        outcome.stdout
    };
    assert_eq!(listed(&[]), ["ben@example.org", "ada@example.org"]);
    done(&["role", "ben@example.org", "support"]);
    assert_eq!(listed(&["--role", "support"]), ["ben@example.org"]);
    done(&["deactivate", "ben@example.org"]);
    assert_eq!(listed(&["--status", "deactivated", "--search", "BEN"]), ["ben@example.org"]);
    done(&["reactivate", "ben@example.org"]);
    assert_eq!(listed(&["--status", "deactivated"]), [""; 0]);
    assert!(done(&["list"]).contains("ada@example.org"));
    assert!(done(&["show", "ben@example.org"]).contains("support"));

    place.run(&["admin", "user", "delete", "ben@example.org"]).refused(2, &["ben@example.org", "--yes"]);
    done(&["delete", "ben@example.org", "--yes"]);
    assert_eq!(listed(&[]), ["ada@example.org"]);
    place.run(&["admin", "user", "show", "ben@example.org"]).refused(1, &["no such user"]);
}

#[test]
fn the_last_administrator_stays() {
    let place = Place::new();
    create(&place, "ada@example.org");
    for arguments in [
        &["role", "ada@example.org", "user"][..],
        &["deactivate", "ada@example.org"],
        &["delete", "ada@example.org", "--yes"],
    ] {
        let outcome = place.run(&[&["admin", "user"], arguments].concat());
        outcome.refused(1, &["This is the last administrator. Appoint another one first."]);
    }
    create(&place, "ben@example.org");
    assert_eq!(place.run(&["admin", "user", "role", "ada@example.org", "user"]).code, 0);
    place.run(&["admin", "user", "deactivate", "ben@example.org"]).refused(1, &["the last administrator"]);
}
