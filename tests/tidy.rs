//! The house rules a compiler does not know, read from the sources: layers, sizes, first lines, banned words.

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms a room may use. Nothing points back; a room that is not listed may be used by nobody but `cli`.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &[]),
    ("formats", &["domain"]),
    ("store", &["domain"]),
    ("writer", &["domain"]),
    ("notifier", &[]),
    ("load", &[]),
    ("smoke", &[]),
    ("alerts", &[]),
    ("app", &["domain", "formats", "store", "writer", "notifier", "config"]),
    ("http", &["alerts", "app", "config", "domain", "formats", "ops"]),
    ("ops", &["app", "config", "domain", "formats"]),
    // The command line puts the parts together: it alone sees every room.
    (
        "cli",
        &[
            "alerts", "app", "config", "domain", "formats", "http", "load", "notifier", "ops", "smoke", "store",
            "writer",
        ],
    ),
];

/// Crates that belong to one room, so that what they do stays there.
const CRATES: &[(&str, &[&str])] = &[
    ("poem", &["http"]),
    ("poem_openapi", &["http"]),
    ("hyper", &["http", "load"]),
    ("rusqlite", &["store"]),
    ("postgres", &["store"]),
    ("r2d2", &["store"]),
    ("refinery", &["store"]),
    ("ureq", &["writer", "notifier", "ops", "smoke"]),
    ("opentelemetry", &["ops"]),
    ("opentelemetry_sdk", &["ops"]),
    ("opentelemetry_otlp", &["ops"]),
    ("tracing_opentelemetry", &["ops"]),
    ("lettre", &["notifier"]),
    ("age", &["app", "config", "store"]),
    ("rpassword", &["cli"]),
    ("clap", &["cli"]),
    ("comfy_table", &["cli"]),
    ("indicatif", &["cli"]),
    ("governor", &["http"]),
    ("tokio_rustls", &["http", "store"]),
    ("listenfd", &["http"]),
    ("sd_notify", &["ops"]),
    ("prometheus_client", &["http"]),
    ("pulldown_cmark", &["http"]),
    ("toml", &["config"]),
    ("tracing_subscriber", &["ops", "config"]),
];

/// What the pure rooms must not even name: clocks, files, sockets, threads, randomness of their own.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "tracing::",
    "getrandom",
    "async fn",
];

/// Split in two so that this list is not its own finding.
const BANNED: &[(&str, &str)] = &[
    ("todo", "!("),
    ("unimplemented", "!("),
    ("dbg", "!("),
    ("FIX", "ME"),
    ("TO", "DO"),
    ("XX", "X "),
    ("#[ign", "ore"),
    ("#[should_", "panic"),
    ("mod uti", "ls"),
    ("mod help", "ers"),
    ("mod com", "mon;"),
    ("/wo", "rk/"),
    ("/ho", "me/"),
    ("/ro", "ot/"),
];

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

struct Source {
    /// From the top of the package, `src/domain/units.rs`.
    path: String,
    text: String,
}

impl Source {
    /// `domain` for `src/domain/units.rs`; empty for `src/lib.rs`, `src/main.rs` and tests.
    fn room(&self) -> &str {
        let mut parts = self.path.strip_prefix("src/").unwrap_or("").split('/');
        let first = parts.next().unwrap_or("");
        first.strip_suffix(".rs").map_or(first, |file| if matches!(file, "lib" | "main") { "" } else { file })
    }
    /// Lines of code with their numbers, comments left out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(n, l)| (n + 1, l))
    }
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_in(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            files_in(&path, extensions, found);
        } else if path.extension().is_some_and(|end| extensions.iter().any(|known| end == *known)) {
            found.push(path);
        }
    }
}

fn sources(folders: &[&str], extensions: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        files_in(&top().join(folder), extensions, &mut paths);
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| Source {
            text: fs::read_to_string(&path).expect("sources are UTF-8"),
            path: path.strip_prefix(top()).expect("it lies below").to_string_lossy().into_owned(),
        })
        .collect()
}

fn rust() -> Vec<Source> {
    sources(&["src", "tests", "benches"], &["rs"])
}

#[track_caller]
fn none(what: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

#[test]
fn no_room_uses_a_room_above_it() {
    let mut findings = Vec::new();
    for source in rust().iter().filter(|source| !source.room().is_empty()) {
        let room = source.room();
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            findings.push(format!("{}: {room} is a room the rules do not know", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for (used, _) in ROOMS.iter().filter(|(used, _)| *used != room && !allowed.contains(used)) {
                let named = line.contains(&format!("crate::{used}::")) || line.contains(&format!("crate::{used};"));
                let grouped = line.contains("use crate::{") && line.contains(&format!("{used}::"));
                if named || grouped {
                    findings.push(format!("{}:{number}: {room} must not use {used}", source.path));
                }
            }
        }
    }
    none("rooms that point back", &findings);
}

#[test]
fn every_outside_crate_stays_in_its_room() {
    let mut findings = Vec::new();
    for source in rust().iter().filter(|source| !source.room().is_empty()) {
        for (number, line) in source.code() {
            for (name, rooms) in CRATES {
                let used = [format!("{name}::"), format!("use {name};")].iter().any(|form| {
                    line.match_indices(form.as_str()).any(|(at, _)| {
                        // `crate::store::postgres::` is ours, `r2d2_postgres::` another crate.
                        !line[..at].ends_with([':', '_']) && !line[..at].ends_with(|c: char| c.is_alphanumeric())
                    })
                });
                if used && !rooms.contains(&source.room()) {
                    findings.push(format!("{}:{number}: {name} belongs to {}", source.path, rooms.join(", ")));
                }
            }
        }
    }
    none("crates outside their room", &findings);
}

#[test]
fn the_pure_rooms_have_no_clock_and_no_way_out() {
    let mut findings = Vec::new();
    for source in rust().iter().filter(|source| matches!(source.room(), "domain" | "formats")) {
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", source.path, number + 1));
            }
        }
    }
    none("impure code in a pure room", &findings);
}

#[test]
fn every_file_says_in_its_first_line_what_it_is_for() {
    let findings: Vec<String> = rust()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: begins without a //! line", source.path))
        .collect();
    none("files without a first line", &findings);
}

#[test]
fn no_file_is_longer_than_500_lines() {
    let findings: Vec<String> = rust()
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_LINES_MAX)
        .map(|(source, lines)| format!("{}: {lines} lines", source.path))
        .collect();
    none("files that are too long", &findings);
}

#[test]
fn no_function_is_longer_than_70_lines() {
    let mut findings = Vec::new();
    for source in rust() {
        for (name, number, lines) in functions(&source.text) {
            if lines > FUNCTION_LINES_MAX {
                findings.push(format!("{}:{number}: fn {name} has {lines} lines", source.path));
            }
        }
    }
    none("functions that are too long", &findings);
}

/// Name, first line and length of every function, by the indentation rustfmt gives: a function ends at the first
/// closing brace in the column it began in.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let words = code.split("fn ").next().unwrap_or_default();
        let declares = code.contains("fn ")
            && words.split_whitespace().all(|word| {
                matches!(word, "async" | "const" | "unsafe" | "pub" | "extern" | "in") || word.starts_with("pub(")
            });
        if !declares || code.ends_with(';') {
            continue;
        }
        let name = code.split("fn ").nth(1).unwrap_or_default().split(['(', '<']).next().unwrap_or_default().to_owned();
        let end = lines[start..].iter().position(|later| {
            let trimmed = later.trim_start();
            later.len() - trimmed.len() == indent
                && (trimmed == "}" || trimmed.ends_with(';') || trimmed.ends_with("{}"))
        });
        if let Some(length) = end {
            found.push((name, start + 1, length + 1));
        }
    }
    found
}

#[test]
fn functions_are_measured_as_they_are_written() {
    let text = "impl X {\n    pub(super) async fn long(\n        one: u8,\n    ) -> u8 {\n        one\n    }\n}\nfn short() {}\n\
                // fn in a comment\nlet fn_like = 1;\n";
    assert_eq!(functions(text), [("long".to_owned(), 2, 5), ("short".to_owned(), 8, 1)]);
}

#[test]
fn nothing_is_left_undone_and_no_machine_is_named() {
    let mut findings = Vec::new();
    let mut all = sources(&["src", "tests", "benches", "migrations", "assets", "docs"], &["rs", "sql", "md", "toml"]);
    for name in ["README.md", "ARCHITECTURE.md", "treebeard.toml", "Cargo.toml"] {
        let text = fs::read_to_string(top().join(name)).unwrap_or_default();
        all.push(Source { path: name.to_owned(), text });
    }
    for source in all.iter().filter(|source| source.path != "tests/tidy.rs") {
        for (number, line) in source.text.lines().enumerate() {
            for (one, two) in BANNED.iter().filter(|(one, two)| line.contains(&format!("{one}{two}"))) {
                findings.push(format!("{}:{}: {one}{two}", source.path, number + 1));
            }
        }
    }
    none("words that must not stay", &findings);
}

#[test]
fn no_wildcard_import_outside_tests() {
    let mut findings = Vec::new();
    for source in rust().iter().filter(|source| source.path.starts_with("src/")) {
        for (number, line) in source.code() {
            let wild = line.trim_start().starts_with("use ") && line.trim_end().ends_with("::*;");
            if wild && !line.contains("super::*") {
                findings.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    none("wildcard imports", &findings);
}

/// Settings of parts that do not exist yet. Their environment names are promised, so they are read and checked, and
/// treebeard.toml says that they have no effect.
const AWAITED: &[&str] = &["model", "base_url", "deadline"];

#[test]
fn every_setting_has_an_effect() {
    // A setting without effect is a promise not kept: each field of Config is read outside src/config.
    let all = rust();
    let config = all.iter().find(|source| source.path == "src/config/mod.rs").expect("the settings are there");
    let mut findings = Vec::new();
    for (number, line) in config.code() {
        let Some(field) = line.strip_prefix("    pub ").and_then(|rest| rest.split_once(':')).map(|(name, _)| name)
        else {
            continue;
        };
        // The signing key is read through Config::signing_key.
        if AWAITED.contains(&field) || field == "secret_key" || field.contains(['(', ' ']) {
            continue;
        }
        let name = format!(".{field}");
        let reads = |line: &str| {
            let ends = |at: usize| !line[at + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
            line.match_indices(&name).any(|(at, _)| ends(at))
        };
        let outside = all.iter().filter(|source| source.path.starts_with("src/") && source.room() != "config");
        let used = outside.flat_map(|source| source.code()).any(|(_, line)| reads(line));
        if !used {
            findings.push(format!("src/config/mod.rs:{number}: nothing reads {field}"));
        }
    }
    none("settings without effect", &findings);
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let all = rust();
    let story = fs::read_to_string(top().join("tests/store/main.rs")).unwrap_or_default();
    let has_test = |place: &str, name: &str| {
        all.iter()
            .filter(|source| source.path.contains(place))
            .any(|source| source.text.contains(&format!("fn {name}(")))
    };
    let mut findings = Vec::new();
    for page in ["docs/security.md", "docs/privacy.md", "docs/checklist.md"] {
        let text = fs::read_to_string(top().join(page)).expect("the page is there");
        let rows = shown_by(&text);
        assert!(rows.len() > 5, "{page} names tests");
        for (row, named) in rows {
            if named.is_empty() {
                findings.push(format!("{page}: nothing shows {row}"));
            }
            for name in named {
                let known = match name.split_once(' ') {
                    _ if name.starts_with("docs/") => top().join(name).exists(),
                    // Said plainly, with what there is instead.
                    _ if name == "not here" => true,
                    Some(("cargo", call)) => is_target(call),
                    // A part of the story told on both engines.
                    Some(("store:", part)) => story.contains(&format!("(\"{part}\", ")),
                    Some((kind, path)) => {
                        let (file, test) = path.split_once("::").unwrap_or((path, ""));
                        let place = format!("tests/{kind}/{file}.rs");
                        top().join(&place).exists() && (test.is_empty() || has_test(&place, test))
                    }
                    None => has_test("", name),
                };
                if !known {
                    findings.push(format!("{page}: {name} is no test"));
                }
            }
        }
    }
    none("tests that pages name", &findings);
}

/// Whether the tests or the benchmark of a call such as `test --test http limits::` are there.
fn is_target(call: &str) -> bool {
    let words: Vec<&str> = call.split(' ').collect();
    let (folder, name) = match words[..] {
        ["test", "--test", name, ..] => ("tests", name),
        ["bench", "--bench", name, ..] => ("benches", name),
        _ => return matches!(words[0], "test" | "check" | "bench"),
    };
    let place = top().join(folder).join(name);
    place.join("main.rs").exists() || place.with_extension("rs").exists()
}

/// The rows of the tables that end in "shown by", each with what stands in backticks in that column. "The same" is as
/// the row above.
fn shown_by(page: &str) -> Vec<(&str, Vec<&str>)> {
    let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut within = false;
    for line in page.lines() {
        within = line.starts_with('|') && (within || line.ends_with("| shown by |"));
        if !within || line.ends_with("| shown by |") || line.starts_with("|--") {
            continue;
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let last = cells.last().copied().unwrap_or_default();
        let named = match last {
            "not here" => vec!["not here"],
            "the same" => rows.last().map(|(_, named)| named.clone()).unwrap_or_default(),
            _ => last.split('`').skip(1).step_by(2).collect(),
        };
        rows.push((cells[0], named));
    }
    rows
}
