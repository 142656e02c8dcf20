//! Requests that carry a key take effect once: sent again, they get the first answer instead of a second effect.
//!
//! The key is claimed before the work begins, and the answer is kept in the transaction of the work's effect, so both
//! are there or neither is. Work that comes to nothing, or that nobody waits for any more, frees its key.

use crate::app::App;
use crate::app::error::Error;
use crate::store::Store;
use crate::store::db::Tx;
use crate::store::error::{Cause, StoreError};
use crate::store::idempotency::{self, Claim, KeptAnswer};
use jiff::{SignedDuration, Timestamp};
use std::future::Future;
use std::time::Duration;

/// The header that carries a key, as refusals name it.
pub const HEADER: &str = "Idempotency-Key";
/// How long a first answer is given again.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// What work may take beyond the time a request has: for a claim that a crash left behind.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(30);
/// How long a request waits for the one before it under the same key: most are done by then, and a node that has died
/// is known to be gone.
const WAITS: u32 = 10;
const WAIT: Duration = Duration::from_millis(100);
const CONTENT_TYPE: &str = "application/json";

/// A request under a key of its caller's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// The user's id: keys of different users have nothing to do with each other.
    pub scope: String,
    pub key: String,
    /// SHA-256 of all that makes the request what it is.
    pub request_hash: [u8; 32],
}

/// What work gets to keep its answer with, in the transaction of its effect.
#[derive(Debug, Clone)]
pub struct Once(Option<Claimed>);

#[derive(Debug, Clone)]
struct Claimed {
    request: Keyed,
    at: Timestamp,
}

impl Once {
    /// Keeps the answer. An error undoes the effect: the claim lapsed, and somebody else may be at work.
    pub fn keep(&self, tx: &mut Tx<'_>, body: &[u8]) -> Result<(), StoreError> {
        let Some(Claimed { request, at }) = &self.0 else { return Ok(()) };
        let answer = KeptAnswer { status: 200, content_type: CONTENT_TYPE.to_owned(), body: body.to_vec() };
        let until = at.saturating_add(KEPT_FOR).unwrap_or(Timestamp::MAX);
        idempotency::finish(tx, (&request.scope, &request.key), *at, &answer, until).map_err(|error| match error {
            StoreError::NotFound => {
                StoreError::Busy(Cause::new("another request has taken over the claim of this key"))
            }
            error => error,
        })
    }
}

impl App {
    /// Does `work`, unless `request` was done before: then answers what it answered.
    pub async fn once<W, F>(&self, request: Option<Keyed>, work: W) -> Result<Vec<u8>, Error>
    where
        W: FnOnce(Once) -> F,
        F: Future<Output = Result<Vec<u8>, Error>>,
    {
        let Some(request) = request else { return work(Once(None)).await };
        let mut waits = 0;
        let (claimed, claim) = loop {
            let claimed = Claimed { request: request.clone(), at: self.now() };
            let claim = self.claim(claimed.clone()).await?;
            if claim != Claim::InFlight || waits == WAITS {
                break (claimed, claim);
            }
            waits += 1;
            tokio::time::sleep(WAIT).await;
        };
        if let Some(answered) = answered(claim)? {
            return Ok(answered);
        }
        let mut unfinished = Unfinished { store: &self.store, claimed: Some(claimed.clone()) };
        let answer = work(Once(Some(claimed.clone()))).await;
        unfinished.claimed = None;
        if answer.is_err() {
            self.store.write(move |tx| release(tx, &claimed)).await?;
        }
        answer
    }

    async fn claim(&self, Claimed { request, at }: Claimed) -> Result<Claim, Error> {
        let lapses = lapses_at(at, self.config.server.request_timeout);
        let node = Some(self.store.nodes().number);
        let claim = move |tx: &mut Tx<'_>| {
            idempotency::sweep(tx, at)?;
            idempotency::claim(tx, (&request.scope, &request.key), request.request_hash, at, lapses, node)
        };
        Ok(self.store.write(claim).await?)
    }
}

/// The first answer, nothing when the request is new, and otherwise why it cannot be done under this key.
fn answered(claim: Claim) -> Result<Option<Vec<u8>>, Error> {
    match claim {
        Claim::New => Ok(None),
        Claim::Answered(kept) => Ok(Some(kept.body)),
        Claim::InFlight => Err(Error::Conflict(format!(
            "A request with this {HEADER} is still being worked on. Send it again in a moment for its answer."
        ))),
        Claim::OtherRequest => {
            Err(Error::field(HEADER, "was used for another request: take a new key for a new request", "reused_key"))
        }
    }
}

fn lapses_at(at: Timestamp, request_timeout: Duration) -> Timestamp {
    let allowed = SignedDuration::try_from(request_timeout + LEFT_BEHIND_AFTER).unwrap_or(KEPT_FOR);
    at.saturating_add(allowed).unwrap_or(Timestamp::MAX)
}

fn release(tx: &mut Tx<'_>, claimed: &Claimed) -> Result<(), StoreError> {
    idempotency::release(tx, (&claimed.request.scope, &claimed.request.key), claimed.at)
}

/// Frees the key of a request that was dropped half-way: its client hung up, or its time was over.
struct Unfinished<'a> {
    store: &'a Store,
    claimed: Option<Claimed>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let (Some(claimed), Ok(runtime)) = (self.claimed.take(), tokio::runtime::Handle::try_current()) else { return };
        let store = self.store.clone();
        runtime.spawn(async move {
            if let Err(error) = store.write(move |tx| release(tx, &claimed)).await {
                tracing::warn!(%error, "an idempotency key stays claimed until it lapses");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_stands_for_decides_what_is_answered() {
        let kept = KeptAnswer { status: 200, content_type: CONTENT_TYPE.to_owned(), body: b"{}".to_vec() };
        assert_eq!(answered(Claim::New).expect("go ahead"), None);
        assert_eq!(answered(Claim::Answered(kept)).expect("answered"), Some(b"{}".to_vec()));
        assert!(matches!(answered(Claim::InFlight), Err(Error::Conflict(_))));
        assert!(matches!(answered(Claim::OtherRequest), Err(Error::Invalid(faults)) if faults[0].field == HEADER));
    }

    #[test]
    fn a_claim_left_behind_outlives_every_request_but_not_by_much() {
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(lapses_at(at, Duration::from_secs(30)).as_second(), 60);
        assert_eq!(lapses_at(at, Duration::from_secs(3600)).as_second(), 3630);
    }
}
