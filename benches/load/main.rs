//! What the service bears, as ratios to things run beside it: one Markdown table. `bash benches/load.sh` runs it, and
//! `docs/load.md` says what each row means. Linux only: memory and processor time are read from `/proc`.

mod hammer;
mod rows;
#[allow(dead_code, reason = "the other benches use the rest")]
mod servers;
#[path = "../world/mod.rs"]
mod world;

use std::process::ExitCode;
use std::time::Duration;

/// The allocator of the real binary, so that the bare route has the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long and how much.
pub struct Effort {
    /// Measurements of a ratio, side by side; their median counts.
    rounds: usize,
    /// One measurement.
    spell: Duration,
    users: u32,
    mix_seconds: u32,
    soak_seconds: u32,
    addresses: usize,
}

const FULL: Effort = Effort {
    rounds: 3,
    spell: Duration::from_secs(4),
    users: 100,
    mix_seconds: 60,
    soak_seconds: 300,
    addresses: 1_000_000,
};
const QUICK: Effort =
    Effort { rounds: 1, spell: Duration::from_secs(2), users: 20, mix_seconds: 6, soak_seconds: 8, addresses: 20_000 };

/// One line of the table.
pub struct Row {
    pub what: String,
    pub seen: String,
    pub goal: String,
    /// Without one where there is no goal.
    pub met: Option<bool>,
}

impl Row {
    pub fn new(what: impl Into<String>, seen: String, goal: &str, met: bool) -> Self {
        Row { what: what.into(), seen, goal: goal.to_owned(), met: Some(met) }
    }

    pub fn told(what: impl Into<String>, seen: String) -> Self {
        Row { what: what.into(), seen, goal: "none".to_owned(), met: None }
    }

    fn print(&self) {
        let met = match self.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "-",
        };
        println!("| {} | {} | {} | {met} |", self.what, self.seen, self.goal);
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    if let ["--bare", address, path, file] = words[..] {
        servers::serve_bare(address, path, file);
        return ExitCode::SUCCESS;
    }
    // `cargo test --benches` only wants to know that it compiles and starts.
    if words.len() == arguments.len() {
        return ExitCode::SUCCESS;
    }
    let Some((effort, parts)) = asked(&words) else {
        eprintln!(
            "known are --quick, --soak SECONDS, and of the parts: {}",
            rows::PARTS.map(|(name, _)| name).join(" ")
        );
        return ExitCode::from(2);
    };
    println!("| what | seen | goal | met |\n|---|---|---|---|");
    let mut missed = 0;
    for (name, part) in rows::PARTS {
        if parts.is_empty() || parts.contains(&name) {
            for row in part(&effort) {
                row.print();
                missed += u32::from(row.met == Some(false));
            }
        }
    }
    ExitCode::from(u8::from(missed > 0))
}

/// What the command line asks for.
fn asked<'a>(words: &[&'a str]) -> Option<(Effort, Vec<&'a str>)> {
    let mut effort = if words.contains(&"--quick") { QUICK } else { FULL };
    let mut parts = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--quick" => {}
            "--soak" => effort.soak_seconds = words.next()?.parse().ok()?,
            part if rows::PARTS.iter().any(|(name, _)| *name == part) => parts.push(part),
            _ => return None,
        }
    }
    Some((effort, parts))
}
