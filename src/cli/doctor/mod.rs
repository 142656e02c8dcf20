//! `treebeard doctor`: looks at everything the service depends on, says what is wrong and what to do about it.

mod backups;
mod data;
mod finding;
mod machine;
mod place;
mod settings;
mod trial;

use crate::cli::{Failure, SettingFlags, output};
use crate::config::{Config, DatabaseUrl, Loaded};
use clap::Args;
use finding::{Finding, Status};
use serde_json::json;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  treebeard doctor\n  treebeard doctor --fix\n  treebeard doctor --json\n  \
                         CLAUDE_API_KEY=... treebeard doctor --ai")]
pub struct Arguments {
    /// Only make one tiny call of the Claude API, to see whether key, model and address are good
    #[arg(long, conflicts_with = "fix")]
    ai: bool,
    /// Put right what can be put right without losing anything: permissions, a missing folder, a backup, migrations
    #[arg(long)]
    fix: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments, settings: &SettingFlags) -> Result<(), Failure> {
    if arguments.ai {
        return trial::run(&settings.load(&[])?, arguments.json);
    }
    let mut findings = match settings.load_quietly(&[]) {
        Ok(loaded) => examined(&loaded),
        Err(Failure::Usage(message)) => {
            vec![Finding::problem("settings", message, "Correct what is named; `treebeard config check` looks again.")]
        }
        Err(other) => return Err(other),
    };
    if arguments.fix {
        findings.iter_mut().for_each(Finding::mend);
    }
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let (problems, warnings) = (count(Status::Problem), count(Status::Warning));
    if arguments.json {
        output::print_json(&json!({
            "ok": problems == 0, "problems": problems, "warnings": warnings, "checks": findings,
        }))?;
    } else {
        output::print(&told(&findings))?;
        output::print(&format!("{} checks: {problems} problems, {warnings} warnings", findings.len()))?;
    }
    if problems == 0 { Ok(()) } else { Err(Failure::ChecksFailed) }
}

/// Every check, in an order in which what comes first explains what follows.
fn examined(loaded: &Loaded) -> Vec<Finding> {
    let config = &loaded.config;
    let mut findings = settings::check(loaded);
    findings.extend(place::check(config));
    findings.extend(data::check(config));
    findings.extend(backups::check(config));
    findings.extend(machine::check(config));
    findings
}

fn told(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let word = match (finding.status, finding.fixed) {
            (_, true) => "fixed",
            (Status::Ok, _) => "ok",
            (Status::Warning, _) => "warning",
            (Status::Problem, _) => "problem",
            (Status::Skipped, _) => "-",
        };
        text += &format!("{word:8} {}: {}\n", finding.check, finding.message);
        if let Some(remedy) = finding.remedy.as_ref().filter(|_| !finding.fixed) {
            let by_itself = if finding.fixable { " (--fix does it)" } else { "" };
            text += &format!("         {remedy}{by_itself}\n");
        }
    }
    text
}

/// The SQLite file, if that is what is used.
fn sqlite_file(config: &Config) -> Option<&Path> {
    match &config.database.url {
        DatabaseUrl::Sqlite(path) => Some(path),
        DatabaseUrl::Postgres(_) => None,
    }
}

/// Files that others than their owner may read are for the owner alone.
fn private(check: &'static str, what: &str, files: Vec<PathBuf>) -> Finding {
    let open: Vec<PathBuf> =
        files.into_iter().filter(|path| mode(path).is_some_and(|mode| mode & 0o077 != 0)).collect();
    let Some(first) = open.first() else {
        return Finding::ok(check, format!("{what}: nobody but the owner has access"));
    };
    let mode = mode(first).unwrap_or_default();
    Finding::problem(
        check,
        format!("{what}: others than the owner have access to {} (mode {mode:o})", first.display()),
        format!("chmod go= {}", open.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ")),
    )
    .mended_by(move || {
        open.iter().try_for_each(|path| {
            let kept = std::fs::metadata(path).map_err(|error| error.to_string())?.permissions().mode() & 0o700;
            std::fs::set_permissions(path, Permissions::from_mode(kept))
                .map_err(|error| format!("{}: {error}", path.display()))
        })
    })
}

/// Permissions of what is at `path`; `None`: nothing is.
fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|data| data.permissions().mode() & 0o777)
}
