//! An archive that only the holders of age keys can read: each file begins with a key of its own, encrypted for them by
//! age, and what its commits wrote is sealed with that key (ChaCha20-Poly1305, the number of the commit as nonce).
//!
//! What tells commits apart stays readable: the service has no private key, and must know where to go on and whether
//! anything is missing.

use age::x25519;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::io::{self, Read, Write};

/// What age begins all it encrypts with.
const AGE_MAGIC: &[u8] = b"age-encryption.org/";
const KEY_BYTES: usize = 32;

/// Keys that may open an archive; none: its commits are only told apart.
pub type Keys<'a> = &'a [&'a dyn age::Identity];

/// The key of one file.
pub struct FileKey(LessSafeKey);

impl FileKey {
    /// A new one, and how it stands in the file.
    pub fn new(recipients: &[x25519::Recipient]) -> io::Result<(Self, Vec<u8>)> {
        let mut secret = [0; KEY_BYTES];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let all = recipients.iter().map(|recipient| -> &dyn age::Recipient { recipient });
        let encryptor = age::Encryptor::with_recipients(all).map_err(io::Error::other)?;
        let mut wrapped = encryptor.wrap_output(Vec::new())?;
        wrapped.write_all(&secret)?;
        Ok((FileKey::of(&secret)?, wrapped.finish()?))
    }

    /// Whether a file's record is such a key.
    pub fn is_wrapped(record: &[u8]) -> bool {
        record.starts_with(AGE_MAGIC)
    }

    /// The key that stands in a file.
    pub fn open(wrapped: &[u8], keys: Keys<'_>) -> io::Result<Self> {
        let refused = |error: age::DecryptError| {
            io::Error::new(io::ErrorKind::PermissionDenied, format!("it does not open with this key: {error}"))
        };
        let decryptor = age::Decryptor::new(wrapped).map_err(refused)?;
        let mut secret = Vec::new();
        decryptor.decrypt(keys.iter().copied()).map_err(refused)?.read_to_end(&mut secret)?;
        FileKey::of(&secret)
    }

    fn of(secret: &[u8]) -> io::Result<Self> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, secret);
        key.map(|key| FileKey(LessSafeKey::new(key))).map_err(|_| io::Error::other("a key of another length"))
    }

    /// No two commits of a file have one number.
    pub fn seal(&self, number: u64, head: &[u8], mut body: Vec<u8>) -> io::Result<Vec<u8>> {
        let sealed = self.0.seal_in_place_append_tag(nonce(number), Aad::from(head), &mut body);
        sealed.map(|()| body).map_err(|_| io::Error::other("a commit cannot be encrypted"))
    }

    /// An error: it is not what was sealed.
    pub fn unseal(&self, number: u64, head: &[u8], mut body: Vec<u8>) -> io::Result<Vec<u8>> {
        let opened = self.0.open_in_place(nonce(number), Aad::from(head), &mut body);
        let length = opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a commit was changed"))?.len();
        body.truncate(length);
        Ok(body)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_opens_with_the_key_of_its_file_under_its_own_number_and_head_alone() {
        let (ours, theirs) = (x25519::Identity::generate(), x25519::Identity::generate());
        let (key, wrapped) = FileKey::new(&[ours.to_public()]).expect("a key");
        assert!(FileKey::is_wrapped(&wrapped));
        let sealed = key.seal(7, b"head", b"page".to_vec()).expect("sealed");
        let again = FileKey::open(&wrapped, &[&ours]).expect("it is for us");
        assert_eq!(again.unseal(7, b"head", sealed.clone()).expect("opened"), b"page");
        assert!(again.unseal(8, b"head", sealed.clone()).is_err(), "another number");
        assert!(again.unseal(7, b"hEad", sealed.clone()).is_err(), "another head");
        assert!(again.unseal(7, b"head", sealed[1..].to_vec()).is_err(), "cut");
        assert!(FileKey::open(&wrapped, &[&theirs]).is_err(), "it is not for them");
    }
}
