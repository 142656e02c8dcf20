//! Passwords: what is accepted, how it is hashed, and the bounded pool the hashing runs in.
//!
//! argon2id over the NFC form of the whole password. A hash costs memory and a core for some ten milliseconds, so only
//! a few run at once, behind everything else; who cannot be served within a short wait is told to come back.

use crate::app::error::{Error, FieldFault};
use crate::app::hashers::{Hashers, Limits};
use crate::config::{Auth, PasswordPolicy};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

/// Longer ones are refused before any work is done.
pub const BYTES_MAX: usize = 1024;
const WAIT_MAX: Duration = Duration::from_millis(500);
/// Ten times what a pass over a KiB of memory takes a processor of these years that does nothing else.
const PATIENCE_PER_KIB_AND_PASS: Duration = Duration::from_micros(5);
const PATIENCE_MIN: Duration = Duration::from_millis(100);
/// After everything else left the hashers nothing, they are asked again.
const REST: Duration = Duration::from_secs(2);
/// A stored hash that asks for more than this is not computed: a foreign row must not take the machine down.
const MEMORY_KIB_CEILING: u32 = 128 * 1024;
const PASSES_CEILING: u32 = 30;

/// Well-known passwords and the words they are made of, lower case.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("../../assets/common-passwords.txt").split_whitespace().collect());

/// What came of comparing a password with a stored hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, and here is its hash with the present settings, to be stored instead.
    RightAndStale(String),
}

/// The hashing pool and the policy.
pub struct Passwords {
    policy: PasswordPolicy,
    params: Params,
    permits: Arc<Semaphore>,
    hashers: Arc<Hashers>,
    /// Compared against when there is no such account, so that the answer takes the same time.
    dummy: String,
    counters: Arc<Counters>,
}

#[derive(Default)]
struct Counters {
    computed: AtomicU64,
    nanoseconds: AtomicU64,
    refused: AtomicU64,
    waiting: AtomicU64,
}

/// What the pool does now and has done since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Passwords hashed or compared.
    pub computed: u64,
    pub time: Duration,
    /// Requests sent away because the pool was busy.
    pub refused: u64,
    /// Requests that wait for their turn now.
    pub waiting: u64,
    pub permits_free: u64,
}

impl Passwords {
    pub fn new(auth: &Auth) -> Result<Self, Error> {
        let params = Params::new(auth.argon2_memory_kib, auth.argon2_passes, auth.argon2_lanes, None)
            .map_err(|error| Error::Internal(format!("the argon2 settings are not usable: {error}")))?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = (cores / 2).max(1);
        let passes = params.m_cost().saturating_mul(params.t_cost());
        let patience = PATIENCE_PER_KIB_AND_PASS.saturating_mul(passes).max(PATIENCE_MIN);
        let hashers = Arc::new(Hashers::start(threads, Limits { patience, rest: REST })?);
        let (permits, dummy) = (Arc::new(Semaphore::new(threads)), nobodys_hash(&params));
        Ok(Passwords { policy: auth.password_policy, params, permits, hashers, dummy, counters: Arc::default() })
    }

    /// Whether a new password may be used; `field` is its name in the request.
    pub fn check(&self, field: &str, password: &str) -> Result<(), Error> {
        let faults = policy_faults(self.policy, field, password);
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    pub async fn hash(&self, password: &str) -> Result<String, Error> {
        let (params, password) = (self.params.clone(), password.to_owned());
        self.in_pool(move || hash_now(&params, &password)).await?
    }

    /// Compares with `stored`, or spends the same time when there is nothing stored.
    pub async fn verify(&self, stored: Option<&str>, password: &str) -> Result<Verdict, Error> {
        let known = stored.is_some();
        let stored = stored.unwrap_or(&self.dummy).to_owned();
        let (params, password) = (self.params.clone(), password.to_owned());
        let verdict = self.in_pool(move || verify_now(&params, &stored, &password)).await??;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    pub fn figures(&self) -> Figures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Figures {
            computed: of(&self.counters.computed),
            time: Duration::from_nanos(of(&self.counters.nanoseconds)),
            refused: of(&self.counters.refused),
            waiting: of(&self.counters.waiting),
            permits_free: self.permits.available_permits() as u64,
        }
    }

    /// The permit goes with the work, so a client that hangs up frees nothing early.
    async fn in_pool<T: Send + 'static>(&self, work: impl Fn() -> T + Send + Sync + 'static) -> Result<T, Error> {
        let (permit, counters, hashers) = (self.permit().await?, self.counters.clone(), self.hashers.clone());
        let timed = move || {
            let started = Instant::now();
            (work(), started.elapsed())
        };
        let task = tokio::spawn(async move {
            let (outcome, time) = hashers.run(timed).await?;
            counters.computed.fetch_add(1, Ordering::Relaxed);
            counters.nanoseconds.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
            drop(permit);
            Ok(outcome)
        });
        task.await.map_err(|_| Error::Internal("password hashing panicked".to_owned()))?
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        let _waiting = Waiting::one(&self.counters.waiting);
        let permit = self.permits.clone().acquire_owned();
        match tokio::time::timeout(WAIT_MAX, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(self.busy()),
        }
    }

    fn busy(&self) -> Error {
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        let message = "Too many sign-ins at once. Try again in a few seconds.".to_owned();
        Error::Busy { message, retry_after_seconds: 2 }
    }
}

/// Counts one request as waiting for as long as it does, also when its client hangs up.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn one(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn policy_faults(policy: PasswordPolicy, field: &str, password: &str) -> Vec<FieldFault> {
    let normal = normalise(password);
    let least = match policy {
        PasswordPolicy::Strict => 8,
        PasswordPolicy::Nist => 15,
        PasswordPolicy::Relaxed => 6,
    };
    let mut faults = Vec::new();
    if normal.chars().count() < least {
        faults.push(FieldFault::new(field, format!("must have at least {least} characters"), "min_length"));
    }
    if normal.len() > BYTES_MAX {
        faults.push(FieldFault::new(field, format!("must have at most {BYTES_MAX} bytes"), "max_length"));
    }
    if policy != PasswordPolicy::Relaxed && is_common(&normal) {
        faults.push(FieldFault::new(field, "is on the list of common passwords: choose another", "common_password"));
    }
    faults
}

/// On the list, whatever its case, also with the usual signs for letters (`p@ssw0rd`) or with up to five digits and
/// marks behind it (`dragon2024!`).
fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let is_listed = |text: &str| {
        let plain: String = text.chars().map(letter_meant).collect();
        COMMON.contains(text) || COMMON.contains(plain.as_str())
    };
    is_listed(&lower) || (stem.len() >= 4 && lower.len() - stem.len() <= 5 && is_listed(stem))
}

const fn letter_meant(sign: char) -> char {
    match sign {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '$' | '5' => 's',
        '7' => 't',
        other => other,
    }
}

fn normalise(password: &str) -> String {
    password.nfc().collect()
}

/// A hash of these settings that no password has: comparing with it costs what any comparison costs. It is written
/// down rather than computed, so that the start of the service needs neither the time nor the memory of one.
fn nobodys_hash(params: &Params) -> String {
    let (memory, passes, lanes) = (params.m_cost(), params.t_cost(), params.p_cost());
    // Base64 of 16 and of 32 zero bytes.
    let (salt, hash) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}")
}

fn hash_now(params: &Params, password: &str) -> Result<String, Error> {
    let mut salt = [0u8; 16];
    getrandom::fill(&mut salt).map_err(|error| Error::Internal(format!("no randomness: {error}")))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash = argon2.hash_password_with_salt(normalise(password).as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(|error| Error::Internal(format!("argon2: {error}")))
}

fn verify_now(params: &Params, stored: &str, password: &str) -> Result<Verdict, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Internal(format!("a stored password hash: {error}"));
    let parsed = PasswordHash::new(stored).map_err(|error| unreadable(&error))?;
    let theirs = Params::try_from(&parsed).map_err(|error| unreadable(&error))?;
    if theirs.m_cost() > MEMORY_KIB_CEILING || theirs.t_cost() > PASSES_CEILING {
        return Err(unreadable(&"asks for more memory or passes than is allowed"));
    }
    if password.len() > BYTES_MAX * 4 {
        return Ok(Verdict::Wrong);
    }
    let argon2 = Argon2::default();
    if argon2.verify_password(normalise(password).as_bytes(), &parsed).is_err() {
        return Ok(Verdict::Wrong);
    }
    let as_now = theirs.m_cost() >= params.m_cost() && theirs.t_cost() >= params.t_cost();
    if as_now && parsed.algorithm.as_str() == "argon2id" {
        return Ok(Verdict::Right);
    }
    hash_now(params, password).map(Verdict::RightAndStale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(policy: PasswordPolicy, password: &str) -> Vec<&'static str> {
        policy_faults(policy, "password", password).into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn each_policy_asks_what_it_says() {
        use PasswordPolicy::{Nist, Relaxed, Strict};
        assert_eq!(codes(Relaxed, "test123"), [""; 0]);
        assert_eq!(codes(Relaxed, "short"), ["min_length"]);
        assert_eq!(codes(Strict, "test123"), ["min_length", "common_password"]);
        assert_eq!(codes(Strict, "password1"), ["common_password"]);
        assert_eq!(codes(Strict, "PassWord1"), ["common_password"], "case does not hide it");
        assert_eq!(codes(Strict, "P@ssw0rd2024!"), ["common_password"], "nor do signs and a year");
        assert_eq!(codes(Strict, "violet tram seven"), [""; 0]);
        assert_eq!(codes(Nist, "violet tram se"), ["min_length"]);
        assert_eq!(codes(Relaxed, &"x".repeat(1025)), ["max_length"]);
    }

    #[test]
    fn both_unicode_forms_of_a_password_are_the_same_password() {
        let params = Params::new(64, 1, 1, None).expect("valid parameters");
        let stored = hash_now(&params, "caf\u{e9} noir").expect("a hash");
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_eq!(verify_now(&params, &stored, "cafe\u{301} noir").expect("a verdict"), Verdict::Right);
        assert_eq!(verify_now(&params, &stored, "cafe noir").expect("a verdict"), Verdict::Wrong);
    }

    #[test]
    fn the_hash_for_unknown_accounts_costs_what_a_real_one_costs_and_matches_nothing() {
        let params = Params::new(128, 2, 1, None).expect("valid parameters");
        let (nobodys, real) = (nobodys_hash(&params), hash_now(&params, "violet tram seven").expect("a hash"));
        let settings = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(settings(&nobodys), settings(&real));
        assert_eq!(nobodys.len(), real.len());
        assert_eq!(verify_now(&params, &nobodys, "violet tram seven").expect("computed"), Verdict::Wrong);
    }

    #[test]
    fn a_hash_of_weaker_settings_is_replaced_and_an_absurd_one_refused() {
        let (weak, strong) = (Params::new(64, 1, 1, None).unwrap(), Params::new(128, 1, 1, None).unwrap());
        let stored = hash_now(&weak, "violet tram seven").unwrap();
        let verdict = verify_now(&strong, &stored, "violet tram seven").unwrap();
        assert!(matches!(verdict, Verdict::RightAndStale(fresh) if fresh.contains("m=128,t=1,p=1")));
        let absurd = stored.replace("m=64", "m=4000000");
        assert!(verify_now(&strong, &absurd, "violet tram seven").is_err());
    }
}
