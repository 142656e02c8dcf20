//! Access tokens (JWT, HS256 and nothing else) and refresh tokens (opaque, 256 bits, kept as a hash).

use crate::store::audit::hex;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Once;
use std::time::Duration;
use uuid::Uuid;

const ISSUER: &str = "treebeard";
const AUDIENCE: &str = "treebeard-api";
const ACCESS: &str = "access";
/// Clocks of several nodes may differ by this much.
const LEEWAY_SECONDS: i64 = 5;
/// About 150 bytes each.
const HELD_MAX: u64 = 20_000;

/// What an access token says. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    pub jti: Uuid,
    /// The session it was made in.
    pub sid: Uuid,
    pub iat: i64,
    pub exp: i64,
    /// Not ours; a token that has one is not good before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// `access`: a token made for anything else opens nothing here.
    pub r#type: String,
    pub is_admin: bool,
    /// The user's token version when it was made; a token of an older version is revoked.
    pub ver: i64,
}

/// What counts of the claims of a token that is ours, whole and of the right kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    pub user: Uuid,
    pub session: Uuid,
    pub version: i64,
    begins: i64,
    expires: i64,
}

/// Why a token was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    Expired,
    /// Not ours, altered, of another kind, or not a token at all.
    Invalid,
}

struct Key {
    id: String,
    encode: EncodingKey,
    decode: DecodingKey,
}

/// Signs with the present key, accepts the previous one too.
pub struct Tokens {
    keys: Vec<Key>,
    /// Derives successors of refresh tokens.
    derivation: SecretString,
    /// Tokens that have held, by their SHA-256: how often one comes, it is checked once.
    held: Cache<[u8; 32], Pass>,
    pub lifetime: Duration,
}

impl Tokens {
    pub fn new(secret: &SecretString, previous: Option<&SecretString>, lifetime: Duration) -> Self {
        install_provider();
        let keys = std::iter::once(secret).chain(previous).map(Key::new).collect();
        let held = Cache::builder().max_capacity(HELD_MAX).build();
        Tokens { keys, derivation: secret.clone(), held, lifetime }
    }

    /// A new access token; `now` in seconds since 1970.
    pub fn sign(&self, user: Uuid, session: Uuid, is_admin: bool, version: i64, now: i64) -> Result<String, JwtError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user,
            jti: Uuid::now_v7(),
            sid: session,
            iat: now,
            exp: now + self.lifetime.as_secs() as i64,
            nbf: None,
            r#type: ACCESS.to_owned(),
            is_admin,
            ver: version,
        };
        let key = &self.keys[0];
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &key.encode)
    }

    /// What a token says that is ours, whole, of the right kind and in its time.
    pub fn verify(&self, token: &str, now: i64) -> Result<Pass, Refused> {
        let hash = hash_of(token);
        let pass = match self.held.get(&hash) {
            Some(pass) => pass,
            None => {
                let pass = self.checked(token)?;
                self.held.insert(hash, pass);
                pass
            }
        };
        if pass.begins > now.saturating_add(LEEWAY_SECONDS) {
            return Err(Refused::Invalid);
        }
        if pass.expires.saturating_add(LEEWAY_SECONDS) <= now {
            return Err(Refused::Expired);
        }
        Ok(pass)
    }

    /// All of a token but its time.
    fn checked(&self, token: &str) -> Result<Pass, Refused> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Invalid)?;
        let key = self.keys.iter().find(|key| Some(&key.id) == header.kid.as_ref()).ok_or(Refused::Invalid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Its time is checked whenever it comes.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.decode, &validation).map_err(|_| Refused::Invalid)?.claims;
        if claims.r#type != ACCESS {
            return Err(Refused::Invalid);
        }
        Ok(Pass {
            user: claims.sub,
            session: claims.sid,
            version: claims.ver,
            begins: claims.nbf.unwrap_or(claims.iat).max(claims.iat),
            expires: claims.exp,
        })
    }

    /// The one refresh token that follows `parent`: whoever presents the same parent twice in the leeway gets the same
    /// successor, on any node and after a restart, without it being stored anywhere.
    pub fn successor(&self, parent: &str) -> String {
        let mut mac = mac(self.derivation.expose_secret().as_bytes());
        mac.update(b"refresh successor of ");
        mac.update(parent.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

/// A new opaque token, for whatever is kept as a hash: 256 random bits in hex.
pub fn new_opaque() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// What is stored of an opaque token.
pub fn hash_of(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl Key {
    fn new(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        let digest = Sha256::digest([b"treebeard key id ", bytes].concat());
        Key { id: hex(&digest[..6]), encode: EncodingKey::from_secret(bytes), decode: DecodingKey::from_secret(bytes) }
    }
}

/// The 32 bytes that 64 hex digits stand for.
pub fn from_hex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of every length")
}

/// jsonwebtoken's cryptography, cut down to the one algorithm used here: no other can be asked for by a token.
static HS256: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256(mac(key.as_bytes())))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::HS256 => Ok(Box::new(Hs256(mac(key.try_get_as_bytes()?)))),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A second call in one process finds the same provider in place.
        let _ = HS256.install_default();
    });
}

struct Hs256(Hmac<Sha256>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        Ok(mac.finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let mut mac = self.0.clone();
        mac.update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;
    const USER: Uuid = Uuid::from_u128(7);
    const SESSION: Uuid = Uuid::from_u128(8);

    fn tokens(secret: &str, previous: Option<&str>) -> Tokens {
        let previous = previous.map(SecretString::from);
        Tokens::new(&SecretString::from(secret), previous.as_ref(), Duration::from_secs(3600))
    }

    #[test]
    fn a_token_says_who_and_until_when() {
        let ours = tokens("one secret of thirty-two bytes..", None);
        let token = ours.sign(USER, SESSION, true, 3, NOW).expect("signed");
        let expected = Pass { user: USER, session: SESSION, version: 3, begins: NOW, expires: NOW + 3600 };
        assert_eq!(ours.verify(&token, NOW + 10), Ok(expected));
        assert!(ours.verify(&token, NOW + 3604).is_ok(), "clocks may differ by five seconds");
        assert_eq!(ours.verify(&token, NOW + 3605), Err(Refused::Expired));
        assert!(ours.verify(&token, NOW - 5).is_ok());
        assert_eq!(ours.verify(&token, NOW - 6), Err(Refused::Invalid), "issued in the future");
    }

    #[test]
    fn the_previous_key_opens_and_a_third_does_not() {
        let token =
            tokens("the old secret of many bytes....", None).sign(USER, SESSION, false, 0, NOW).expect("signed");
        let rotated = tokens("the new secret of many bytes....", Some("the old secret of many bytes...."));
        assert!(rotated.verify(&token, NOW).is_ok());
        assert_eq!(tokens("the new secret of many bytes....", None).verify(&token, NOW), Err(Refused::Invalid));
    }

    #[test]
    fn altered_unsigned_and_foreign_tokens_are_refused() {
        let ours = tokens("one secret of thirty-two bytes..", None);
        let token = ours.sign(USER, SESSION, false, 0, NOW).expect("signed");
        let (head, rest) = token.split_once('.').expect("three parts");
        let (claims, _) = rest.split_once('.').expect("three parts");
        // {"alg":"none","typ":"JWT"}
        let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
        for forged in
            [format!("{head}.{claims}."), format!("{head}.{claims}.AAAA"), none, String::new(), "a.b.c".into()]
        {
            assert_eq!(ours.verify(&forged, NOW), Err(Refused::Invalid), "{forged}");
        }
    }

    #[test]
    fn a_parent_always_has_the_same_successor() {
        let ours = tokens("one secret of thirty-two bytes..", None);
        assert_eq!(ours.successor("abc"), ours.successor("abc"));
        assert_ne!(ours.successor("abc"), ours.successor("abd"));
    }
}
