//! Raw readings in file order, kept as what differs from the reading before: some five bytes each instead of forty.
//!
//! A meter file of a hundred megabytes holds half a million readings, nearly all of which follow the one before in
//! time, in length and in line. Everything that works on them goes through them in order, so nothing else is needed.

use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::readings::{Quality, RawReading};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::iter::Peekable;

/// Bytes of a chunk: growing never copies what is held.
const CHUNK: usize = 32 * 1_024;
/// No reading needs more: one byte of flags, one of register and quality, five numbers.
const LONGEST: usize = 2 + 5 * 10;
/// Readings sorted at once.
const SLAB: usize = 32 * 1_024;

/// What of a reading is not as its predecessor lets expect.
const START: u8 = 1;
const SECONDS: u8 = 2;
const KIND: u8 = 4;
const REVISION: u8 = 8;
const LINE: u8 = 16;

const QUALITIES: [Quality; 4] = [Quality::Actual, Quality::Estimated, Quality::Filled, Quality::Missing];
const REGISTERS: [Register; 3] = [Register::Import, Register::Export, Register::Controlled];

/// What stands before the first reading.
const NOTHING: RawReading = RawReading {
    start: 0,
    seconds: 0,
    register: Register::Import,
    energy: Energy::ZERO,
    quality: Quality::Actual,
    revision: 0,
    line: 0,
};

/// Any number of raw readings, to be read in the order they were put in.
#[derive(Clone, PartialEq, Eq)]
pub struct ReadingLog {
    chunks: Vec<Vec<u8>>,
    len: usize,
    last: RawReading,
}

impl ReadingLog {
    pub const fn new() -> Self {
        ReadingLog { chunks: Vec::new(), len: 0, last: NOTHING }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, reading: RawReading) {
        let before = std::mem::replace(&mut self.last, reading);
        self.len += 1;
        let chunk = self.chunk();
        let flags_at = chunk.len();
        chunk.push(0);
        let kind = |reading: &RawReading| reading.register as u8 | (reading.quality as u8) << 4;
        let mut flags = 0;
        if kind(&reading) != kind(&before) {
            flags = KIND;
            chunk.push(kind(&reading));
        }
        let mut differs = |flag: u8, value: i64, expected: i64, chunk: &mut Vec<u8>| {
            if value != expected {
                flags |= flag;
                put(chunk, value.wrapping_sub(expected));
            }
        };
        differs(START, reading.start, before.start.wrapping_add(i64::from(before.seconds)), chunk);
        differs(SECONDS, i64::from(reading.seconds), i64::from(before.seconds), chunk);
        differs(REVISION, reading.revision, before.revision, chunk);
        differs(LINE, reading.line as i64, (before.line as i64).wrapping_add(1), chunk);
        put(chunk, reading.energy.mwh_thousandths());
        chunk[flags_at] = flags;
    }

    pub fn iter(&self) -> Iter<'_> {
        Iter { chunks: self.chunks.iter(), bytes: &[], last: NOTHING, left: self.len }
    }

    pub fn first(&self) -> Option<RawReading> {
        self.iter().next()
    }

    /// The last one put in.
    pub fn last(&self) -> Option<RawReading> {
        (self.len > 0).then_some(self.last)
    }

    /// Keeps what is wanted.
    pub fn retain(&mut self, is_wanted: impl FnMut(&RawReading) -> bool) {
        *self = self.iter().filter(is_wanted).collect();
    }

    /// The same readings by start; those of one start stay in their order. Sorted in slabs that are then merged, so
    /// that it needs little room whatever the order was.
    pub fn sorted(self) -> Self {
        if self.iter().is_sorted_by_key(|reading| reading.start) {
            return self;
        }
        let mut runs = Vec::new();
        let mut slab = Vec::with_capacity(SLAB.min(self.len));
        let mut readings = self.iter();
        loop {
            slab.clear();
            slab.extend(readings.by_ref().take(SLAB));
            if slab.is_empty() {
                return merged(&runs);
            }
            slab.sort_by_key(|reading: &RawReading| reading.start);
            runs.push(slab.iter().copied().collect::<ReadingLog>());
        }
    }

    /// Where the next reading goes.
    fn chunk(&mut self) -> &mut Vec<u8> {
        let has_room = self.chunks.last().is_some_and(|chunk| chunk.len() + LONGEST <= CHUNK);
        if !has_room {
            // The first chunk grows, for small files.
            self.chunks.push(Vec::with_capacity(if self.chunks.is_empty() { 0 } else { CHUNK }));
        }
        self.chunks.last_mut().expect("one was just put in")
    }
}

/// Readings of sorted logs, sorted; of those of one start, the earlier log's come first.
fn merged(runs: &[ReadingLog]) -> ReadingLog {
    let mut heads: Vec<Peekable<Iter<'_>>> = runs.iter().map(|run| run.iter().peekable()).collect();
    let first = |(run, head): (usize, &mut Peekable<Iter<'_>>)| head.peek().map(|next| Reverse((next.start, run)));
    let mut order: BinaryHeap<Reverse<(i64, usize)>> = heads.iter_mut().enumerate().filter_map(first).collect();
    let mut sorted = ReadingLog::new();
    while let Some(Reverse((_, run))) = order.pop() {
        sorted.extend(heads[run].next());
        order.extend(heads[run].peek().map(|next| Reverse((next.start, run))));
    }
    sorted
}

/// Readings in the order they were put in.
#[derive(Clone)]
pub struct Iter<'a> {
    chunks: std::slice::Iter<'a, Vec<u8>>,
    bytes: &'a [u8],
    last: RawReading,
    left: usize,
}

impl Iterator for Iter<'_> {
    type Item = RawReading;

    fn next(&mut self) -> Option<RawReading> {
        if self.bytes.is_empty() {
            self.bytes = self.chunks.next()?;
        }
        let flags = self.byte()?;
        if flags & KIND != 0 {
            let kind = usize::from(self.byte()?);
            self.last.register = REGISTERS.get(kind & 15).copied().unwrap_or_default();
            self.last.quality = QUALITIES.get(kind >> 4).copied().unwrap_or_default();
        }
        let mut differs = |flag: u8| if flags & flag == 0 { Some(0) } else { take(&mut self.bytes) };
        let (start, seconds) = (differs(START)?, differs(SECONDS)?);
        let (revision, line) = (differs(REVISION)?, differs(LINE)?);
        let last = &mut self.last;
        last.start = last.start.wrapping_add(i64::from(last.seconds)).wrapping_add(start);
        last.seconds = (i64::from(last.seconds) + seconds) as u32;
        last.revision = last.revision.wrapping_add(revision);
        last.line = (last.line as i64).wrapping_add(1).wrapping_add(line) as u64;
        last.energy = Energy::from_mwh_thousandths(take(&mut self.bytes)?);
        self.left = self.left.saturating_sub(1);
        Some(self.last)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl Iter<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }
}

/// Appends a number, small ones of either sign in few bytes: seven bits a byte, the lowest first.
fn put(bytes: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        bytes.push(left as u8 | 0x80);
        left >>= 7;
    }
    bytes.push(left as u8);
}

fn take(bytes: &mut &[u8]) -> Option<i64> {
    let (mut value, mut shift) = (0u64, 0);
    loop {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
        shift += 7;
    }
}

impl Default for ReadingLog {
    fn default() -> Self {
        ReadingLog::new()
    }
}

impl Extend<RawReading> for ReadingLog {
    fn extend<I: IntoIterator<Item = RawReading>>(&mut self, readings: I) {
        readings.into_iter().for_each(|reading| self.push(reading));
    }
}

impl FromIterator<RawReading> for ReadingLog {
    fn from_iter<I: IntoIterator<Item = RawReading>>(readings: I) -> Self {
        let mut log = ReadingLog::new();
        log.extend(readings);
        log
    }
}

impl<'a> IntoIterator for &'a ReadingLog {
    type Item = RawReading;
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for ReadingLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}
