//! What every request passes through, one concern per file; `http/mod.rs` says in which order.

pub mod bounds;
pub mod compression;
pub mod cors;
pub mod doors;
pub mod fallback;
pub mod limits;
pub mod record;
pub mod request_id;
pub mod security_headers;
