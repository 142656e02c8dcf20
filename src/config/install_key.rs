//! The signing key of an installation that was given none: made once, kept in the data directory, readable by its
//! owner only. Production never gets here: it refuses to start without a key of its own.

use secrecy::SecretString;
use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

const FILE_NAME: &str = "secret_key";

/// The key kept in `data_dir`, made first if there is none. Two processes that start together agree on one.
pub fn install_key(data_dir: &Path) -> io::Result<SecretString> {
    let path = data_dir.join(FILE_NAME);
    DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
    let unique = data_dir.join(format!("{FILE_NAME}.{}", std::process::id()));
    if !path.exists() {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let halves = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let hex: String = halves.filter_map(|half| char::from_digit(u32::from(half), 16)).collect();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unique)?;
        file.write_all(hex.as_bytes())?;
        file.sync_all()?;
        // A hard link never replaces: whoever comes second keeps the first one's key.
        let linked = std::fs::hard_link(&unique, &path);
        std::fs::remove_file(&unique)?;
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let mut file = OpenOptions::new().read(true).open(&path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let key = text.trim();
    if key.len() < 32 {
        return Err(io::Error::other(format!("{} holds no key: delete the file and start again", path.display())));
    }
    Ok(SecretString::from(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn the_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let first = install_key(&data).expect("a key");
        let second = install_key(&data).expect("the same key");
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(first.expose_secret().len(), 64);
        let mode = std::fs::metadata(data.join(FILE_NAME)).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&data).expect("the folder").count(), 1);
    }

    #[test]
    fn two_installations_have_different_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let one = install_key(&folder.path().join("one")).expect("a key");
        let other = install_key(&folder.path().join("other")).expect("a key");
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
