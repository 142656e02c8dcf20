//! Backups encrypted for the holders of age keys: the service needs only public keys to make them.

use super::{Manifest, Watch, cannot};
use crate::app::error::Error;
use crate::store::backup::files;
use age::x25519;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

/// Keys that open encrypted backups.
#[derive(Default)]
pub struct Identities(Vec<Box<dyn age::Identity + Send + Sync>>);

impl Identities {
    /// From a file as `age-keygen` writes it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(cannot("read", path))?;
        let keys =
            age::IdentityFile::from_buffer(BufReader::new(file)).map_err(cannot("read as a key of age", path))?;
        let keys = keys.into_identities().map_err(|error| Error::Rule(format!("{}: {error}", path.display())))?;
        Ok(Identities(keys))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn keys(&self) -> Vec<&dyn age::Identity> {
        self.0.iter().map(|key| -> &dyn age::Identity { key.as_ref() }).collect()
    }
}

/// Encrypts a file; gives the SHA-256 and size of what went in.
pub(super) fn seal(
    plain: &Path,
    sealed: &Path,
    recipients: &[x25519::Recipient],
    watch: &Watch,
) -> Result<(String, u64), Error> {
    let unusable = |error: age::EncryptError| Error::Internal(format!("encrypting a backup: {error}"));
    let all = recipients.iter().map(|recipient| -> &dyn age::Recipient { recipient });
    let encryptor = age::Encryptor::with_recipients(all).map_err(unusable)?;
    let mut from = File::open(plain).map_err(cannot("read", plain))?;
    let size = from.metadata().map_err(cannot("read", plain))?.len();
    let write = || {
        let mut to = encryptor.wrap_output(files::Steady::create(sealed)?)?;
        let hashed = files::copy_hashed(&mut from, &mut to, &mut watch.counting("encrypting", size))?;
        let mut file = to.finish()?;
        file.flush()?;
        file.finish()?;
        Ok(hashed)
    };
    write().map_err(cannot("written", sealed))
}

/// Writes the database of a backup to `plain`, decrypted where it has to be, and makes sure that it is what was backed
/// up.
pub(super) fn open(
    manifest: &Manifest,
    folder: &Path,
    plain: &Path,
    identities: &Identities,
    watch: &Watch,
) -> Result<(), Error> {
    let path = folder.join(&manifest.file);
    let mut from = File::open(&path).map_err(cannot("read", &path))?;
    let mut to = files::create_file(plain).map_err(cannot("written", plain))?;
    let mut counting = watch.counting("copying", manifest.plain_bytes);
    let copied = if manifest.encrypted {
        if identities.is_empty() {
            let told = format!("The backup {} is encrypted: name the file with its key by --identity.", manifest.name);
            return Err(Error::Rule(told));
        }
        let refused = |error: age::DecryptError| {
            Error::Rule(format!("The backup {} does not open with this key: {error}.", manifest.name))
        };
        let keys = identities.keys();
        let mut reader = age::Decryptor::new(from).and_then(|one| one.decrypt(keys.into_iter())).map_err(refused)?;
        files::copy_hashed(&mut reader, &mut to, &mut counting)
    } else {
        files::copy_hashed(&mut from, &mut to, &mut counting)
    };
    let (sha256, bytes) = copied.map_err(cannot("copied", &path))?;
    to.sync_all().map_err(cannot("written", plain))?;
    if (&sha256, bytes) != (&manifest.plain_sha256, manifest.plain_bytes) {
        return Err(Error::Internal(format!(
            "{} is damaged: its checksum is not that of its manifest. Take another backup",
            path.display()
        )));
    }
    Ok(())
}
