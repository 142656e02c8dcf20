//! Every `treebeard` command that a page shows is one the program takes: its subcommands, flags and values are read by
//! the program's own rules.

use crate::page;
use clap::Parser;
use clap::error::ErrorKind;
use treebeard::cli::Arguments;

#[test]
fn every_command_in_a_block_is_taken_by_the_program() {
    let mut seen = 0;
    let mut findings = Vec::new();
    for page in page::all() {
        for block in page.blocks.iter().filter(|block| block.is_shell()) {
            for words in commands(&block.text).into_iter().filter_map(own) {
                seen += 1;
                if let Some(fault) = fault(&words, false) {
                    findings.push(format!("{}: {}: {fault}", page.path, words.join(" ")));
                }
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(seen > 40, "the pages show {seen} commands");
}

#[test]
fn every_command_in_a_sentence_is_one_of_the_program() {
    let mut findings = Vec::new();
    for page in page::all() {
        // A table of choices, `admin user list|show`, is read up to its first bar.
        for span in page.spans.iter().filter(|span| span.starts_with("treebeard ")) {
            let text = span.split(['|', '\u{2026}']).next().unwrap_or_default().replace("...", "");
            for words in commands(&text).into_iter().filter_map(own) {
                if let Some(fault) = fault(&words, true) {
                    findings.push(format!("{}: {span}: {fault}", page.path));
                }
            }
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// What is wrong with a command, if anything. In a sentence it may be named without all of its arguments.
fn fault(words: &[String], is_named_only: bool) -> Option<String> {
    let error = Arguments::try_parse_from(words).err()?;
    let stands_for_something = words.iter().any(|word| word.contains(['$', '\u{2026}']) || word.contains("..."));
    let is_fine = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => true,
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => is_named_only,
        // `--user $ID` has no value yet; nor has a flag that is named in a sentence.
        ErrorKind::ValueValidation | ErrorKind::InvalidValue => stands_for_something || is_named_only,
        _ => false,
    };
    (!is_fine).then(|| error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// The arguments of one of our commands, whatever stands before its name.
fn own(words: Vec<String>) -> Option<Vec<String>> {
    let is_before = |word: &String| matches!(word.as_str(), "sudo" | "exec" | "time") || word.contains('=');
    let words: Vec<String> = words.into_iter().skip_while(is_before).collect();
    words.first().is_some_and(|name| matches!(name.as_str(), "treebeard" | "./treebeard")).then_some(words)
}

/// The simple commands of a piece of shell, as words. Knows quotes, comments, continued lines and redirections, which is
/// what the pages use.
fn commands(shell: &str) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut letters = shell.chars().peekable();
    let mut skips_word = false;
    while let Some(letter) = letters.next() {
        let ends_command = matches!(letter, '\n' | ';' | '|' | '&' | '(' | ')' | '`');
        if ends_command || letter.is_whitespace() || matches!(letter, '<' | '>') {
            if let Some(done) = word.take().filter(|_| !std::mem::take(&mut skips_word)) {
                all.last_mut().expect("there is one").push(done);
            }
            if ends_command {
                all.push(Vec::new());
            }
            // What follows is a file, not an argument.
            skips_word |= matches!(letter, '<' | '>');
            continue;
        }
        match letter {
            '#' if word.is_none() => while letters.next_if(|next| *next != '\n').is_some() {},
            '\\' if letters.next_if_eq(&'\n').is_some() => {}
            '\\' => word.get_or_insert_default().extend(letters.next()),
            '\'' | '"' => {
                let text = word.get_or_insert_default();
                text.extend(std::iter::from_fn(|| letters.next_if(|next| *next != letter)));
                letters.next();
            }
            _ => word.get_or_insert_default().push(letter),
        }
    }
    if let Some(done) = word.filter(|_| !skips_word) {
        all.last_mut().expect("there is one").push(done);
    }
    all.retain(|words| !words.is_empty());
    all
}

#[test]
fn a_piece_of_shell_is_read_as_a_shell_does() {
    let shell = "sudo treebeard a --b 'c d' > out.txt   # e\nK=v treebeard \\\n  x | head -n 1\necho p | treebeard y && $(treebeard z)\n";
    let found: Vec<_> = commands(shell).into_iter().filter_map(own).collect();
    assert_eq!(
        found,
        [vec!["treebeard", "a", "--b", "c d"], vec!["treebeard", "x"], vec!["treebeard", "y"], vec!["treebeard", "z"]]
    );
}
