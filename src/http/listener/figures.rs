//! What the listener counts.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Counts since the start, and what is so now. One per process.
#[derive(Debug, Default)]
pub struct Figures {
    accepted: AtomicU64,
    closed: AtomicU64,
    accept_faults: AtomicU64,
    handshake_faults: AtomicU64,
    slow_headers: AtomicU64,
    answered_at_once: AtomicU64,
    certificate_loads: AtomicU64,
    certificate_faults: AtomicU64,
    /// Seconds since 1970; 0 without a certificate.
    certificate_expires: AtomicI64,
}

impl Figures {
    /// Connections taken.
    pub fn connections(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
    /// Connections now.
    pub fn open(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed).saturating_sub(self.closed.load(Ordering::Relaxed))
    }
    /// Times the system would not give a connection.
    pub fn accept_faults(&self) -> u64 {
        self.accept_faults.load(Ordering::Relaxed)
    }
    /// TLS handshakes that failed or took too long.
    pub fn handshake_faults(&self) -> u64 {
        self.handshake_faults.load(Ordering::Relaxed)
    }
    /// Requests given up because their headers did not arrive in time.
    pub fn slow_headers(&self) -> u64 {
        self.slow_headers.load(Ordering::Relaxed)
    }
    /// Requests that the fast lane has answered.
    pub fn answered_at_once(&self) -> u64 {
        self.answered_at_once.load(Ordering::Relaxed)
    }
    /// Certificates put in force.
    pub fn certificate_loads(&self) -> u64 {
        self.certificate_loads.load(Ordering::Relaxed)
    }
    /// New certificates that were no good, so that the old one stayed.
    pub fn certificate_faults(&self) -> u64 {
        self.certificate_faults.load(Ordering::Relaxed)
    }
    /// When the certificate in force expires, seconds since 1970.
    pub fn certificate_expires(&self) -> Option<i64> {
        Some(self.certificate_expires.load(Ordering::Relaxed)).filter(|at| *at != 0)
    }

    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn accept_failed(&self) {
        self.accept_faults.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn handshake_failed(&self) {
        self.handshake_faults.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn header_was_slow(&self) {
        self.slow_headers.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn has_answered_at_once(&self) {
        self.answered_at_once.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn certificate_loaded(&self, expires: i64) {
        self.certificate_loads.fetch_add(1, Ordering::Relaxed);
        self.certificate_expires.store(expires, Ordering::Relaxed);
    }
    pub(super) fn certificate_failed(&self) {
        self.certificate_faults.fetch_add(1, Ordering::Relaxed);
    }
}
