//! Files in the public formats, real and broken.

mod usage;
