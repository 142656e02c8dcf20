//! One day's readings of a meter as a few hundred bytes.
//!
//! Version (1), number of steps, then per register: the greatest common divisor of its values (0: register absent),
//! and each step's change from the step before in units of that divisor; then the qualities as runs of (length, kind).
//! Numbers are variable-length (seven bits a byte), signed ones zigzag. Meters count in whole watt-hours or tens of
//! them and change little from step to step, so most steps take one or two bytes.

use crate::domain::units::Energy;
use crate::domain::usage::readings::Quality;

const VERSION: u64 = 1;
/// A 25-hour day of one-minute readings.
const STEPS_MAX: u64 = 1_500;
const QUALITIES: [Quality; 4] = [Quality::Actual, Quality::Estimated, Quality::Filled, Quality::Missing];

/// The readings of one local day, in order of time. Registers the meter does not have are empty; the others and the
/// qualities are of one length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayValues {
    pub import: Vec<Energy>,
    pub export: Vec<Energy>,
    pub controlled: Vec<Energy>,
    /// Of the import values.
    pub quality: Vec<Quality>,
}

/// Why stored bytes are not a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored readings of a day cannot be decoded")]
pub struct DecodeError;

pub fn encode(day: &DayValues) -> Vec<u8> {
    let mut out = Vec::with_capacity(day.import.len() * 2 + 16);
    put(&mut out, VERSION);
    put(&mut out, day.import.len() as u64);
    for register in [&day.import, &day.export, &day.controlled] {
        put_register(&mut out, register);
    }
    for run in day.quality.chunk_by(|a, b| a == b) {
        put(&mut out, run.len() as u64);
        put(&mut out, QUALITIES.iter().position(|kind| *kind == run[0]).unwrap_or(0) as u64);
    }
    out
}

pub fn decode(bytes: &[u8]) -> Result<DayValues, DecodeError> {
    let mut rest = bytes;
    if take(&mut rest)? != VERSION {
        return Err(DecodeError);
    }
    let steps = take(&mut rest)?;
    if steps > STEPS_MAX {
        return Err(DecodeError);
    }
    let steps = steps as usize;
    let day = DayValues {
        import: take_register(&mut rest, steps)?,
        export: take_register(&mut rest, steps)?,
        controlled: take_register(&mut rest, steps)?,
        quality: take_qualities(&mut rest, steps)?,
    };
    if rest.is_empty() { Ok(day) } else { Err(DecodeError) }
}

fn put_register(out: &mut Vec<u8>, values: &[Energy]) {
    if values.is_empty() {
        put(out, 0);
        return;
    }
    let values = values.iter().map(|value| value.mwh_thousandths());
    // All values zero: any unit does.
    let unit = values.clone().fold(0, |a, b| gcd(a, b.unsigned_abs())).clamp(1, i64::MAX as u64);
    put(out, unit);
    let mut before = 0;
    for value in values {
        let value = value / unit as i64;
        put(out, zigzag(value.wrapping_sub(before)));
        before = value;
    }
}

fn take_register(rest: &mut &[u8], steps: usize) -> Result<Vec<Energy>, DecodeError> {
    let unit = i64::try_from(take(rest)?).map_err(|_| DecodeError)?;
    if unit == 0 {
        return Ok(Vec::new());
    }
    let mut before = 0_i64;
    let mut values = Vec::with_capacity(steps);
    for _ in 0..steps {
        before = before.wrapping_add(unzigzag(take(rest)?));
        values.push(Energy::from_mwh_thousandths(before.checked_mul(unit).ok_or(DecodeError)?));
    }
    Ok(values)
}

fn take_qualities(rest: &mut &[u8], steps: usize) -> Result<Vec<Quality>, DecodeError> {
    let mut qualities = Vec::with_capacity(steps);
    while qualities.len() < steps {
        let length = take(rest)?;
        let kind = *QUALITIES.get(take(rest)? as usize).ok_or(DecodeError)?;
        if length == 0 || length > (steps - qualities.len()) as u64 {
            return Err(DecodeError);
        }
        qualities.resize(qualities.len() + length as usize, kind);
    }
    Ok(qualities)
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

const fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(DecodeError)?;
        *rest = tail;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};

    fn quarter_hours() -> DayValues {
        let import: Vec<Energy> = (0..96).map(|n| Energy::from_wh(120 + (n * 37) % 400)).collect();
        DayValues { quality: vec![Quality::Actual; 96], import, ..DayValues::default() }
    }

    #[test]
    fn a_day_of_quarter_hours_takes_about_two_bytes_a_reading() {
        let bytes = encode(&quarter_hours());
        assert!(bytes.len() <= 200, "{} bytes", bytes.len());
        assert_eq!(decode(&bytes), Ok(quarter_hours()));
    }

    #[test]
    fn a_day_without_use_takes_one_byte_a_reading() {
        let day =
            DayValues { import: vec![Energy::ZERO; 24], quality: vec![Quality::Missing; 24], ..DayValues::default() };
        assert_eq!(encode(&day).len(), 24 + 7);
        assert_eq!(decode(&encode(&day)), Ok(day));
    }

    #[test]
    fn cut_bytes_are_refused_wherever_they_are_cut() {
        let bytes = encode(&quarter_hours());
        for length in 0..bytes.len() {
            assert_eq!(decode(&bytes[..length]), Err(DecodeError), "cut to {length}");
        }
    }

    #[test]
    fn a_day_longer_than_any_is_refused() {
        assert_eq!(decode(&[1, 0xDD, 0x0B, 0, 0, 0]), Err(DecodeError), "1,501 steps");
    }

    fn register(steps: usize) -> impl Strategy<Value = Vec<Energy>> {
        let some = prop::collection::vec(any::<i64>().prop_map(Energy::from_mwh_thousandths), steps);
        prop_oneof![Just(Vec::new()), some]
    }

    fn quality() -> impl Strategy<Value = Quality> {
        (0..QUALITIES.len()).prop_map(|n| QUALITIES[n])
    }

    proptest! {
        #[test]
        fn every_day_survives_the_round_trip(day in (1_usize..100).prop_flat_map(|steps| (
            prop::collection::vec(any::<i64>().prop_map(Energy::from_mwh_thousandths), steps),
            register(steps), register(steps), prop::collection::vec(quality(), steps),
        ))) {
            let (import, export, controlled, quality) = day;
            let day = DayValues { import, export, controlled, quality };
            prop_assert_eq!(decode(&encode(&day)), Ok(day));
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }
}
