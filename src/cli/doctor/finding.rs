//! What a check found, what to do about it, and what the doctor can do about it itself.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// It works, and wants attention.
    Warning,
    /// It does not work, or data are in danger.
    Problem,
    /// There is nothing to check.
    Skipped,
}

/// Puts right what was found, or says why it could not.
pub type Remedy = Box<dyn FnOnce() -> Result<(), String>>;

#[derive(Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub status: Status,
    pub message: String,
    /// What to do, in a sentence; `None`: nothing.
    pub remedy: Option<String>,
    /// Whether `--fix` does it.
    pub fixable: bool,
    pub fixed: bool,
    #[serde(skip)]
    pub fix: Option<Remedy>,
}

impl Finding {
    fn new(check: &'static str, status: Status, message: String, remedy: Option<String>) -> Self {
        Finding { check, status, message, remedy, fixable: false, fixed: false, fix: None }
    }

    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Finding::new(check, Status::Ok, message.into(), None)
    }

    pub fn skipped(check: &'static str, message: impl Into<String>) -> Self {
        Finding::new(check, Status::Skipped, message.into(), None)
    }

    pub fn warning(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding::new(check, Status::Warning, message.into(), Some(remedy.into()))
    }

    pub fn problem(check: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Finding::new(check, Status::Problem, message.into(), Some(remedy.into()))
    }

    pub fn mended_by(mut self, fix: impl FnOnce() -> Result<(), String> + 'static) -> Self {
        self.fixable = true;
        self.fix = Some(Box::new(fix));
        self
    }

    /// Does what can be done; a finding that is put right is no longer one.
    pub fn mend(&mut self) {
        let Some(fix) = self.fix.take() else { return };
        match fix() {
            Ok(()) => {
                self.fixed = true;
                self.status = Status::Ok;
            }
            Err(error) => self.message += &format!("; it could not be put right: {error}"),
        }
    }
}
