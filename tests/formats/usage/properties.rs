//! Whatever the bytes are, a reader answers or refuses: it never panics, and a refusal is a sentence with a remedy.

use super::samples;
use super::support::options;
use proptest::prelude::*;
use treebeard::formats::usage::{UsageFormat, UsageOptions, detect, read};

/// Reads bytes as every format, whole or in part.
fn read_every_way(bytes: &[u8]) {
    let _ = detect(bytes);
    for format in UsageFormat::ALL.into_iter().map(Some).chain([None]) {
        for partial in [false, true] {
            let options = UsageOptions { format, partial, ..options("America/Chicago") };
            match read(bytes, &options) {
                Ok(file) => assert!(partial || file.rejected.is_empty()),
                Err(error) => assert!(!error.reason.is_empty() && !error.remedy.is_empty(), "{error:?}"),
            }
        }
    }
}

#[test]
fn every_sample_is_valid() {
    for (format, text) in UsageFormat::ALL.into_iter().zip(samples::all()) {
        let file =
            read(text.as_bytes(), &options("America/Chicago")).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(file.format, format);
    }
}

#[test]
fn every_truncation_of_a_small_file_is_answered() {
    for text in samples::all().iter().filter(|text| text.len() < 2_000) {
        for end in 0..text.len() {
            if let Some(cut) = text.get(..end) {
                let _ = read(cut.as_bytes(), &options("America/Chicago"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read_every_way(&bytes);
    }

    #[test]
    fn arbitrary_tables_never_panic(text in "([a-z0-9:,;./\\- \"\u{e9}]{0,40}\n){0,12}") {
        read_every_way(text.as_bytes());
    }

    #[test]
    fn mutated_samples_never_panic(
        which in 0..10usize,
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0..12usize, "[-0-9a-zA-Z,;:.<>/\"'&\n ]{0,8}"), 1..6),
    ) {
        let mut bytes = samples::all().swap_remove(which).into_bytes();
        // The bare year is long and all alike: its end tells as much.
        bytes.truncate(30_000);
        for (at, length, text) in cuts {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, text.into_bytes());
        }
        let format = UsageFormat::ALL[which];
        for (format, partial) in [(Some(format), false), (Some(format), true), (None, true)] {
            let _ = read(&bytes[..], &UsageOptions { format, partial, ..options("America/Chicago") });
        }
    }

    #[test]
    fn dates_and_times_at_the_edges_never_panic(
        year in 0..10_000i32, month in 0..20i32, day in 0..40i32, hour in 0..30i32, minute in 0..70i32, offset in -30..30i32,
    ) {
        let text = format!("timestamp,kwh\n{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00{offset:+03}:00,1\n2199-12-31 23:45,1\n2199-12-31 24:00,1\n");
        read_every_way(text.as_bytes());
        let text = text.replace("timestamp", "start,end").replace(",1\n", ",2199-12-31,1\n");
        read_every_way(text.as_bytes());
    }
}
