//! What people may ask about what is held on them: documents, consents, a copy, erasure.

pub mod consents;
pub mod documents;
pub mod erasure;
pub mod erasure_list;
pub mod export;
pub mod map;
pub mod retention;
