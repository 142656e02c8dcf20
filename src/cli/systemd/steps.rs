//! What installing and uninstalling does to a machine: a list that is told first or done, one step at a time.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a file is called until it is whole.
const TEMPORARY: &str = "treebeard-new";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Puts a program in the place of another; whoever runs the old one keeps it.
    Program {
        from: PathBuf,
        to: PathBuf,
    },
    /// A file that follows the program.
    Ours {
        path: PathBuf,
        text: String,
    },
    /// A file that is the operator's once it is there.
    Theirs {
        path: PathBuf,
        text: String,
    },
    /// A random key, if there is none.
    Key {
        path: PathBuf,
    },
    RemoveFile {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
    Run {
        program: &'static str,
        arguments: Vec<String>,
    },
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    Changed,
    /// It was so already, or is not ours to change.
    AsItWas,
}

/// What it would do.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Program { from, to } => write!(f, "copy {} to {}", from.display(), to.display()),
            Step::Ours { path, .. } => write!(f, "write {}", path.display()),
            Step::Theirs { path, .. } => write!(f, "write {}, unless it is there", path.display()),
            Step::Key { path } => write!(f, "write a random key to {}, unless it is there", path.display()),
            Step::RemoveFile { path } => write!(f, "remove {}", path.display()),
            Step::RemoveFolder { path } => write!(f, "remove {} and all in it", path.display()),
            Step::Run { program, arguments } => write!(f, "run {program} {}", arguments.join(" ")),
        }
    }
}

impl Step {
    pub fn run(program: &'static str, arguments: &[&str]) -> Self {
        Step::Run { program, arguments: arguments.iter().map(|&argument| argument.to_owned()).collect() }
    }

    pub fn apply(&self) -> io::Result<Done> {
        match self {
            Step::Program { from, to } => replace(to, &fs::read(from)?, 0o755),
            Step::Ours { path, text } => replace(path, text.as_bytes(), 0o644),
            Step::Theirs { path, text } => create(path, text.as_bytes(), 0o644),
            Step::Key { path } => create(path, random_key()?.as_bytes(), 0o600),
            Step::RemoveFile { path } => gone(fs::remove_file(path)),
            // A link to a folder is removed, not followed.
            Step::RemoveFolder { path } if path.is_symlink() => gone(fs::remove_file(path)),
            Step::RemoveFolder { path } => gone(fs::remove_dir_all(path)),
            Step::Run { program, arguments } => {
                let status = Command::new(program).args(arguments).status()?;
                if status.success() {
                    return Ok(Done::Changed);
                }
                Err(io::Error::other(format!("it ended with {status}")))
            }
        }
    }
}

fn gone(outcome: io::Result<()>) -> io::Result<Done> {
    match outcome {
        Ok(()) => Ok(Done::Changed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Done::AsItWas),
        Err(error) => Err(error),
    }
}

/// Whole or not at all: a half-written program or unit is never seen.
fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Done> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(Done::AsItWas);
    }
    let beside = path.with_extension(TEMPORARY);
    gone(fs::remove_file(&beside))?;
    write_new(&beside, bytes, mode)?;
    fs::rename(&beside, path)?;
    Ok(Done::Changed)
}

fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<Done> {
    match write_new(path, bytes, mode) {
        Ok(()) => Ok(Done::Changed),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Done::AsItWas),
        Err(error) => Err(error),
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// 64 hexadecimal digits.
fn random_key() -> io::Result<String> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Ok(halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect())
}
