//! The one error of the use cases: what went wrong in the caller's terms. `http/problem.rs` alone turns it into a status.

use crate::store::error::StoreError;

/// Why a use case did not do what it was asked. No variant carries submitted values, driver texts or paths except
/// [`Error::Internal`], whose text goes to the log and never to a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Well-formed input with wrong field values; every fault found, in the order of the input.
    #[error("{}", summary(.0))]
    Invalid(Vec<FieldFault>),
    /// A rule of the business that names no field: the e-mail is taken, the priorities do not sum to 100.
    #[error("{0}")]
    Rule(String),
    /// Who is asking is not established: no, an expired, a revoked or a wrong token; a wrong password.
    #[error("{0}")]
    Unauthenticated(String),
    /// Known, but not allowed to do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or it belongs to somebody else.
    #[error("{0}")]
    NotFound(String),
    /// The state of the thing does not allow it now.
    #[error("{0}")]
    Conflict(String),
    /// More than may be handled at once; try again after the seconds.
    #[error("{message}")]
    Busy { message: String, retry_after_seconds: u32 },
    /// One of the limits that are counted in the store, by its name.
    #[error("{message}")]
    Exceeded { limit: &'static str, message: String, retry_after_seconds: u32 },
    /// The store cannot be reached or cannot write.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// A defect of ours.
    #[error("internal error: {0}")]
    Internal(String),
}

/// The codes of wrong fields, and what each means. Clients rely on them: a code stays what it is. `docs/errors.md` lists
/// them for readers.
pub const CODES: [(&str, &str); 38] = [
    ("blank", "must not be blank"),
    ("common_password", "is on the list of common passwords"),
    ("conflict", "contradicts another field"),
    ("enum", "is not one of the values allowed"),
    ("file", "the file cannot be used as a whole"),
    ("format", "is not a date, month, time, UUID or e-mail address"),
    ("immutable", "cannot be changed"),
    ("invalid", "cannot be used as it is: the message says why"),
    ("invalid_token", "is the token of no link that is still good"),
    ("max_items", "has too many entries"),
    ("max_length", "is too long"),
    ("maximum", "is too large"),
    ("min_items", "has too few entries"),
    ("min_length", "is too short"),
    ("minimum", "is too small"),
    ("needs_account", "works only for who is signed in"),
    ("no_plans", "holds no plan that can be used"),
    ("not_in_force", "is not the version in force"),
    ("number", "is a number out of bounds or with too many decimals"),
    ("order", "lies before what it must follow"),
    ("pattern", "does not have the form it must have"),
    ("range", "lies out of bounds, or before what it must follow"),
    ("readings", "the readings do not fit together"),
    ("repeated_field", "is given more than once"),
    ("repeated_month", "is a month given before"),
    ("repeated_plan", "is a plan given before"),
    ("required", "is missing"),
    ("reused_key", "was used for another request"),
    ("row", "a row of the file is wrong"),
    ("sum", "does not add up to what it must"),
    ("type", "is of the wrong type"),
    ("unknown_document", "is not a document one can agree to"),
    ("unknown_field", "is not known here"),
    ("unknown_market", "is not a market of the catalog"),
    ("unknown_plan", "is not a plan of the catalog"),
    ("unknown_supplier", "is not a supplier of the file"),
    ("usage", "the usage does not do for a year ahead"),
    ("wrong_password", "is not the password of the account"),
];

/// One wrong field: `usage_data[3].kwh`, what is expected of it, and a stable short code of [`CODES`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFault {
    pub field: String,
    pub message: String,
    pub code: &'static str,
}

impl FieldFault {
    pub fn new(field: impl Into<String>, message: impl Into<String>, code: &'static str) -> Self {
        debug_assert!(CODES.iter().any(|(known, _)| *known == code), "{code} is missing in the list of codes");
        FieldFault { field: field.into(), message: message.into(), code }
    }
}

impl Error {
    /// One wrong field.
    pub fn field(field: impl Into<String>, message: impl Into<String>, code: &'static str) -> Self {
        Error::Invalid(vec![FieldFault::new(field, message, code)])
    }
}

/// The faults as one sentence: the first one, and how many more there are.
pub fn summary(faults: &[FieldFault]) -> String {
    let Some(first) = faults.first() else { return "The request has invalid values.".to_owned() };
    let more = match faults.len() {
        1 => String::new(),
        2 => " (and one more problem, see details)".to_owned(),
        count => format!(" (and {} more problems, see details)", count - 1),
    };
    match first.field.as_str() {
        "" => format!("The request {}{more}.", first.message),
        field => format!("{field} {}{more}.", first.message),
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let told = match error.cause() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        match error {
            StoreError::NotFound => Error::NotFound("There is no such thing any more.".to_owned()),
            StoreError::Dangling => Error::NotFound("What this belongs to does not exist any more.".to_owned()),
            StoreError::Conflict(_) => Error::Conflict("The same thing exists already.".to_owned()),
            _ if error.is_storage_fault() => Error::Unavailable(told),
            _ => Error::Internal(told),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_errors_has_every_code_and_no_other() {
        let page = include_str!("../../docs/errors.md");
        let (_, table) = page.split_once("| code | the field |").expect("the table of codes");
        let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
        let expected: Vec<String> = CODES.iter().map(|(code, meaning)| format!("| `{code}` | {meaning} |")).collect();
        assert_eq!(rows, expected);
    }
}
