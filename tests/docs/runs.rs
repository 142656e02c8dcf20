//! Every block of commands of the guide is run, as a reader would, and prints what the page says.
//!
//! A block is marked by what it needs:
//!
//! - `sh` runs to its end; a block of `text` or `json` right behind it is what it prints, `...` standing for anything.
//! - `sh serves` keeps running; what follows finds it at the address it has.
//! - `sh stopped` wants the service stopped before.
//! - `sh needs ...` wants what this test has not; another one may have it: `packaging guide::` has a machine.

use crate::page::{self, Block, Page};
use crate::terminal::Terminal;
use std::process::Command;
use std::thread;

#[test]
fn every_block_of_commands_does_what_its_page_says() {
    for tool in ["bash", "curl", "jq", "openssl", "promtool"] {
        if Command::new(tool).arg("--help").output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "{tool} of .ci/run is missing");
            println!("skipped: every_block_of_commands_does_what_its_page_says: no {tool}");
            return;
        }
    }
    let pages = page::guide();
    let findings: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = pages.iter().map(|page| scope.spawn(|| faults(page))).collect();
        running.into_iter().filter_map(|page| page.join().expect("no page panics")).collect()
    });
    assert!(findings.is_empty(), "{}", findings.join("\n\n"));
}

#[test]
fn every_block_says_what_it_is() {
    let known =
        ["sh", "text", "json", "toml", "ts", "python", "rust", "java", "yaml", "nginx", "sql", "ini", "promql", "csv"];
    for page in page::guide() {
        for Block { info, text, .. } in &page.blocks {
            let (language, words) = info.split_once(' ').unwrap_or((info, ""));
            assert!(known.contains(&language), "{}: a block of \"{info}\":\n{text}", page.path);
            let first = words.split(' ').next().unwrap_or_default();
            assert!(["", "serves", "stopped", "needs"].contains(&first), "{}: {info}", page.path);
        }
    }
}

/// What a page says that is not so. After a fault the rest of it means nothing.
fn faults(page: &Page) -> Option<String> {
    let mut blocks = page.blocks.iter().peekable();
    let mut terminal = None;
    while let Some(block) = blocks.next() {
        let expected = blocks.peek().filter(|next| next.follows && matches!(next.info.as_str(), "text" | "json"));
        let condition = block.condition().and_then(|words| words.split(' ').next());
        if !block.is_shell() || condition == Some("needs") {
            continue;
        }
        let terminal = terminal.get_or_insert_with(Terminal::open);
        let outcome = match condition {
            Some("serves") => terminal.serve(&block.text),
            Some("stopped") => {
                terminal.stop();
                terminal.run(&block.text)
            }
            _ => terminal.run(&block.text),
        };
        let fault = match (outcome, expected) {
            (Err(fault), _) => fault,
            (Ok(printed), Some(expected)) if !is_like(&printed, &expected.text) => {
                format!("prints\n{printed}\nand not\n{}", expected.text)
            }
            (Ok(_), _) => continue,
        };
        return Some(format!("{}:\n{}\n{fault}", page.path, block.text));
    }
    None
}

/// Whether `printed` is `expected`, in which `...` stands for anything. Blanks at the ends of lines do not count.
fn is_like(printed: &str, expected: &str) -> bool {
    let plain = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned();
    let (printed, expected) = (plain(printed), plain(expected));
    let parts: Vec<&str> = expected.split("...").collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return printed == expected;
    }
    let Some(mut rest) = printed.strip_prefix(first) else { return false };
    for part in &parts[1..parts.len() - 1] {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[test]
fn three_dots_stand_for_anything() {
    for (printed, expected, like) in [
        ("a\n", "a", true),
        ("a 12 b  \n", "a ... b", true),
        ("a\nx\ny\nz", "a\n...\nz", true),
        ("a b", "a", false),
        ("ab", "ab...b", false),
        ("one two three", "... two ...", true),
    ] {
        assert_eq!(is_like(printed, expected), like, "{printed:?} {expected:?}");
    }
}
