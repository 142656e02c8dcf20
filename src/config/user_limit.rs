//! A limit of one account's own, `USER-ID=600`.

use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserLimit {
    pub user: Uuid,
    pub per_minute: u32,
}

impl FromStr for UserLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(user, count)| {
            let per_minute = count.trim().parse().ok().filter(|count| (1..=1_000_000).contains(count))?;
            Some(UserLimit { user: user.trim().parse().ok()?, per_minute })
        });
        parts.ok_or_else(|| format!("\"{text}\" is not a user's id and a number from 1 to 1000000: USER-ID=600"))
    }
}

impl fmt::Display for UserLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.user, self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_an_id_and_a_number() {
        let text = "00000000-0000-0000-0000-000000000007=600";
        let entry: UserLimit = text.parse().expect("an entry");
        assert_eq!(entry, UserLimit { user: Uuid::from_u128(7), per_minute: 600 });
        assert_eq!(entry.to_string(), text);
        for wrong in
            ["", "600", "x=600", "00000000-0000-0000-0000-000000000007=0", "00000000-0000-0000-0000-000000000007"]
        {
            assert!(wrong.parse::<UserLimit>().is_err(), "{wrong}");
        }
    }
}
