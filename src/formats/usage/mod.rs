//! Meter files in: each public usage format to raw readings.
