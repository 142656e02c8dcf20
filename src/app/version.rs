//! Which state of a thing a client has seen, so that a change can be refused that was made from an older one.

use crate::app::error::Error;
use crate::store::db::Tx;
use crate::store::users;
use sha2::{Digest, Sha256};
use std::fmt::{self, Debug, Write};
use uuid::Uuid;

/// Names one state: another state has another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// Of everything `state` shows.
    pub fn of(state: &impl Debug) -> Self {
        let mut name = String::with_capacity(32);
        for byte in &Sha256::digest(format!("{state:?}"))[..16] {
            let _ = write!(name, "{byte:02x}");
        }
        Version(name)
    }

    /// Of what counts its changes.
    pub fn numbered(changes: i64) -> Self {
        Version(changes.to_string())
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The state a change was made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is.
    #[default]
    Any,
    /// Something must be there.
    Existing,
    /// One of these.
    OneOf(Vec<String>),
}

impl Expected {
    /// Comes before the present state is read, in the transaction of the change: of two changes of what is the user's that
    /// were made for the same state, the second one sees what the first one made of it.
    pub fn hold(&self, tx: &mut Tx<'_>, user_id: Uuid) -> Result<(), Error> {
        if *self == Expected::Any { Ok(()) } else { Ok(users::lock(tx, user_id)?) }
    }

    /// Belongs in the transaction of the change; `present` is what is there now.
    pub fn check(&self, present: Option<&Version>) -> Result<(), Error> {
        let met = match (self, present) {
            (Expected::Any, _) | (Expected::Existing, Some(_)) => true,
            (Expected::OneOf(names), Some(present)) => names.contains(&present.0),
            (_, None) => false,
        };
        if met {
            return Ok(());
        }
        let message = "This is not the state that If-Match names any more. Read it again, then repeat the change.";
        Err(Error::Conflict(message.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_goes_through_only_from_the_state_it_was_made_for() {
        let (here, other) = (Version::of(&(1, "a")), Version::of(&(1, "b")));
        let of = |versions: &[&Version]| Expected::OneOf(versions.iter().map(ToString::to_string).collect());
        for (expected, present, met) in [
            (Expected::Any, None, true),
            (Expected::Any, Some(&here), true),
            (Expected::Existing, Some(&here), true),
            (Expected::Existing, None, false),
            (of(&[&here]), Some(&here), true),
            (of(&[&other, &here]), Some(&here), true),
            (of(&[&other]), Some(&here), false),
            (of(&[]), Some(&here), false),
            (of(&[&here]), None, false),
        ] {
            assert_eq!(expected.check(present).is_ok(), met, "{expected:?} {present:?}");
        }
    }
}
