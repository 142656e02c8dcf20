//! How a command fails: a sentence for a person and an exit code for a script.

use crate::cli::output;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::process::ExitCode;

#[derive(Debug)]
pub enum Failure {
    /// 1: it was asked rightly and could not be done.
    Failed(String),
    /// 2: the arguments, the configuration or a file given cannot be used.
    Usage(String),
    /// 3: data of another version.
    Incompatible(String),
    /// 4: a check has printed what it found.
    ChecksFailed,
    /// Nobody reads our output any more, which is how `| head` ends: nothing to say, nothing wrong.
    OutputClosed,
}

impl Failure {
    pub fn failed(message: impl Display) -> Self {
        Failure::Failed(message.to_string())
    }
    pub fn usage(message: impl Display) -> Self {
        Failure::Usage(message.to_string())
    }

    /// Says what is wrong on stderr and gives the exit code.
    pub fn report(self) -> ExitCode {
        let (message, code) = match self {
            Failure::Failed(message) => (message, 1),
            Failure::Usage(message) => (message, 2),
            Failure::Incompatible(message) => (message, 3),
            Failure::ChecksFailed => return ExitCode::from(4),
            Failure::OutputClosed => return ExitCode::SUCCESS,
        };
        output::error(&message);
        ExitCode::from(code)
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Failed(message) | Failure::Usage(message) | Failure::Incompatible(message) => f.write_str(message),
            Failure::ChecksFailed => f.write_str("a check found problems"),
            Failure::OutputClosed => f.write_str("nobody reads the output"),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Failed(error.to_string()),
        }
    }
}
