//! What happens to the data when the power fails, processes are killed, disks fill up or give errors: the real binary
//! under load, with a library between it and the disk that notes and breaks its calls.
//!
//! Each test prints its figures: `cargo test --test faults -- --nocapture`. They take the machine one after the other.

mod busy;
#[path = "../support/dump.rs"]
mod dump;
mod errors;
mod full_disk;
mod kills;
mod load;
mod migrations;
#[path = "../support/old_schema.rs"]
mod old_schema;
#[allow(dead_code, reason = "each kind of test uses its own part")]
#[path = "../support/postgres.rs"]
mod postgres_cluster;
mod power;
mod readers;
mod replay;
mod restarts;
mod service;
mod shim;

use std::sync::{Mutex, MutexGuard, PoisonError};

static MACHINE: Mutex<()> = Mutex::new(());

/// Figures mean something only when nobody else measures.
fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same numbers in every run: from 0 to `below`.
fn chances(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed;
    move |below| {
        // Steele, Lea and Flood's SplitMix64.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % below
    }
}
