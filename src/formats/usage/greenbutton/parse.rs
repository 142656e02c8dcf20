//! The XML of a Green Button feed as a stream of events, down to compact readings and the links between entries.

use super::super::gather::{Gather, check_count};
use super::super::text::Source;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use crate::domain::usage::reading_log::ReadingLog;
use crate::domain::usage::readings::{Quality, RawReading};
use crate::formats::error::{FormatError, Place};
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use std::collections::HashMap;
use std::io::BufReader;

const ESPI: &str = "http://naesb.org/espi";
const ATOM: &str = "http://www.w3.org/2005/Atom";
/// An ESPI feed nests eight deep.
const MAX_DEPTH: usize = 64;
/// Atom links of one entry that are remembered.
const MAX_RELATED: usize = 64;
const AGAIN: &str = "Download the Green Button file again and give it unchanged";

/// What of an entry's links ties it to others.
#[derive(Debug, Clone, Default)]
pub struct Links {
    own: String,
    up: String,
    related: Vec<String>,
}

#[derive(Debug, Default)]
pub struct Point {
    /// ServiceCategory: 0 is electricity, 1 gas.
    pub kind: Option<i64>,
    links: Links,
}

#[derive(Debug, Default)]
pub struct Meter {
    links: Links,
    last_point: Option<usize>,
}

#[derive(Debug, Default)]
pub struct ReadingType {
    pub commodity: Option<i64>,
    pub flow: Option<i64>,
    pub multiplier: Option<i32>,
    pub uom: Option<i64>,
    pub accumulation: Option<i64>,
    links: Links,
}

#[derive(Debug)]
pub struct Block {
    /// How many readings it has.
    pub count: usize,
    /// Start of its first reading.
    pub start: Option<i64>,
    /// Seconds of its shortest reading, and of its longest.
    pub lengths: Option<(u32, u32)>,
    /// The `up` link (or its own), as an index into the feed's links.
    pub link: usize,
    /// By order of entries, for feeds whose links say nothing.
    pub last_meter: Option<usize>,
    last_point: Option<usize>,
}

/// What a feed holds. Until its unit is known a reading's energy is its value in millionths of the stated unit.
#[derive(Debug, Default)]
pub struct Feed {
    pub points: Vec<Point>,
    pub meters: Vec<Meter>,
    pub types: Vec<ReadingType>,
    pub blocks: Vec<Block>,
    /// Those of the first block, then those of the second, and so on.
    pub readings: ReadingLog,
    pub has_local_time: bool,
    /// Readings without a value.
    pub empty: u64,
    links: Vec<String>,
    link_numbers: HashMap<String, usize>,
}

impl Feed {
    /// Blocks with the same number are one series.
    pub fn stream_of(&self, block: usize) -> usize {
        self.meter_of(&self.blocks[block]).map_or(self.blocks[block].link, |meter| meter + self.links.len())
    }

    pub fn meter_of(&self, block: &Block) -> Option<usize> {
        let link = self.links.get(block.link).map_or("", String::as_str);
        let is_linked = |meter: &Meter| {
            let own = meter.links.own.as_str();
            meter.links.related.iter().any(|related| related == link)
                || !own.is_empty() && link.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'))
        };
        let linked = if link.is_empty() { None } else { self.meters.iter().position(is_linked) };
        linked.or(block.last_meter).or(if self.meters.len() == 1 { Some(0) } else { None })
    }

    pub fn type_of(&self, meter: Option<usize>) -> Option<&ReadingType> {
        let linked = meter.and_then(|n| self.meters.get(n)).and_then(|meter| {
            self.types.iter().find(|kind| !kind.links.own.is_empty() && meter.links.related.contains(&kind.links.own))
        });
        linked.or_else(|| match (meter, self.types.len()) {
            (_, 1) => self.types.first(),
            (Some(n), count) if count == self.meters.len() => self.types.get(n),
            _ => None,
        })
    }

    pub fn point_of(&self, meter: Option<usize>, block: &Block) -> Option<usize> {
        let Some(meter) = meter.and_then(|n| self.meters.get(n)) else {
            return block.last_point.or(if self.points.is_empty() { None } else { Some(0) });
        };
        let is_linked = |point: &Point| {
            let own = point.links.own.as_str();
            let below =
                |link: &str| !own.is_empty() && link.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
            below(&meter.links.own)
                || below(&meter.links.up)
                || !meter.links.up.is_empty() && point.links.related.contains(&meter.links.up)
        };
        self.points.iter().position(is_linked).or(meter.last_point).or(if self.points.is_empty() {
            None
        } else {
            Some(0)
        })
    }

    fn link_number(&mut self, link: String) -> usize {
        if let Some(number) = self.link_numbers.get(&link) {
            return *number;
        }
        let number = self.links.len();
        self.link_numbers.insert(link.clone(), number);
        self.links.push(link);
        number
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Feed,
    Entry,
    Link,
    UsagePoint,
    ServiceCategory,
    MeterReading,
    ReadingType,
    LocalTimeParameters,
    IntervalBlock,
    IntervalReading,
    ReadingQuality,
    TimePeriod,
    Text(Text),
    Other,
}

/// Elements whose text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    Kind,
    Commodity,
    FlowDirection,
    Multiplier,
    Uom,
    Accumulation,
    Start,
    Duration,
    Value,
    Quality,
}

fn tag(namespace: &ResolveResult, local: &str) -> Tag {
    match namespace {
        ResolveResult::Bound(Namespace(ESPI)) => match local {
            "UsagePoint" => Tag::UsagePoint,
            "ServiceCategory" => Tag::ServiceCategory,
            "MeterReading" => Tag::MeterReading,
            "ReadingType" => Tag::ReadingType,
            "LocalTimeParameters" => Tag::LocalTimeParameters,
            "IntervalBlock" => Tag::IntervalBlock,
            "IntervalReading" => Tag::IntervalReading,
            "ReadingQuality" => Tag::ReadingQuality,
            "timePeriod" => Tag::TimePeriod,
            "kind" => Tag::Text(Text::Kind),
            "commodity" => Tag::Text(Text::Commodity),
            "flowDirection" => Tag::Text(Text::FlowDirection),
            "powerOfTenMultiplier" => Tag::Text(Text::Multiplier),
            "uom" => Tag::Text(Text::Uom),
            "accumulationBehaviour" => Tag::Text(Text::Accumulation),
            "start" => Tag::Text(Text::Start),
            "duration" => Tag::Text(Text::Duration),
            "value" => Tag::Text(Text::Value),
            "quality" => Tag::Text(Text::Quality),
            _ => Tag::Other,
        },
        ResolveResult::Bound(Namespace(ATOM)) => match local {
            "feed" => Tag::Feed,
            "entry" => Tag::Entry,
            "link" => Tag::Link,
            _ => Tag::Other,
        },
        _ => Tag::Other,
    }
}

/// Reads a feed to its end.
pub fn read(source: Source, gather: &mut Gather) -> Result<Feed, FormatError> {
    let guarded = source.text();
    let unbroken = guarded.unbroken();
    let mut reader = NsReader::from_reader(BufReader::with_capacity(64 * 1024, guarded));
    let mut state = State::default();
    let mut buffer = Vec::with_capacity(4 * 1024);
    loop {
        buffer.clear();
        let position = reader.buffer_position();
        let (namespace, event) =
            reader.read_resolved_event_into(&mut buffer).map_err(|error| malformed(&error, position))?;
        unbroken.set(0);
        match event {
            Event::Start(start) => {
                let tag = tag(&namespace, start.local_name().as_ref());
                state.begin(tag, &start)?;
            }
            Event::Empty(start) => {
                let tag = tag(&namespace, start.local_name().as_ref());
                state.begin(tag, &start)?;
                state.end(gather)?;
            }
            Event::End(_) => state.end(gather)?,
            Event::Text(text) if state.collects => state.append(&text.into_inner()),
            Event::CData(text) if state.collects => state.append(&text.into_inner()),
            Event::GeneralRef(reference) => {
                let is_known = matches!(&*reference, "lt" | "gt" | "amp" | "quot" | "apos") || reference.is_char_ref();
                if !is_known {
                    return Err(FormatError::file("the XML refers to an entity of its own, which is not read", AGAIN));
                }
                if let (true, Ok(Some(c))) = (state.collects, reference.resolve_char_ref()) {
                    state.append(c.encode_utf8(&mut [0; 4]));
                }
            }
            Event::DocType(_) => {
                return Err(FormatError::file("the XML has a document type, which is not read", AGAIN));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !state.stack.is_empty() {
        return Err(FormatError::file("the XML ends in the middle: the file is cut off", AGAIN));
    }
    if state.feed.blocks.is_empty() {
        return Err(FormatError::file(
            "the Green Button file has no IntervalBlock, so no readings",
            "Download it with usage data in it",
        ));
    }
    Ok(state.feed)
}

fn malformed(error: &quick_xml::Error, position: u64) -> FormatError {
    match error {
        quick_xml::Error::Io(error) => FormatError::read(error),
        quick_xml::Error::Syntax(_) => {
            FormatError::file(format!("the XML is cut off or broken after byte {position} ({error})"), AGAIN)
        }
        _ => FormatError::file(format!("the XML is broken after byte {position} ({error})"), AGAIN),
    }
}

#[derive(Default)]
struct State {
    feed: Feed,
    stack: Vec<Tag>,
    text: String,
    /// Whether the innermost element's text is wanted.
    collects: bool,
    links: Links,
    /// What the current entry added, whose links are complete only at its end.
    entry_start: [usize; 4],
    start: Option<i64>,
    duration: Option<i64>,
    value: Option<String>,
    estimated: bool,
}

impl State {
    fn begin(&mut self, tag: Tag, start: &BytesStart) -> Result<(), FormatError> {
        if self.stack.len() == MAX_DEPTH {
            return Err(FormatError::file(format!("the XML nests more than {MAX_DEPTH} elements deep"), AGAIN));
        }
        let feed = &mut self.feed;
        match tag {
            Tag::Entry => {
                self.links = Links::default();
                self.entry_start = [feed.points.len(), feed.meters.len(), feed.types.len(), feed.blocks.len()];
            }
            Tag::Link if self.stack.last() == Some(&Tag::Entry) => self.links.take(start),
            Tag::UsagePoint => feed.points.push(Point::default()),
            Tag::MeterReading => {
                feed.meters.push(Meter { last_point: feed.points.len().checked_sub(1), ..Meter::default() });
            }
            Tag::ReadingType => feed.types.push(ReadingType::default()),
            Tag::LocalTimeParameters => feed.has_local_time = true,
            Tag::IntervalBlock => {
                check_count(feed.blocks.len())?;
                feed.blocks.push(Block {
                    count: 0,
                    start: None,
                    lengths: None,
                    link: usize::MAX,
                    last_meter: feed.meters.len().checked_sub(1),
                    last_point: feed.points.len().checked_sub(1),
                });
            }
            Tag::IntervalReading => {
                (self.start, self.duration, self.value, self.estimated) = (None, None, None, false);
            }
            _ => {}
        }
        let few = feed.points.len().max(feed.meters.len()).max(feed.types.len());
        if few > 1_000 {
            return Err(FormatError::file("the file holds more than 1,000 meters", "Give one household's file"));
        }
        self.stack.push(tag);
        self.collects = matches!(tag, Tag::Text(_));
        self.text.clear();
        Ok(())
    }

    fn append(&mut self, text: &str) {
        // A number is short; what is longer is not one.
        if self.text.len() < 64 {
            self.text.push_str(text);
        }
    }

    fn end(&mut self, gather: &mut Gather) -> Result<(), FormatError> {
        let tag = self.stack.pop();
        self.collects = false;
        match tag {
            Some(Tag::Text(text)) => self.leaf(text),
            Some(Tag::IntervalReading) => return self.reading(gather),
            Some(Tag::Entry) => self.end_entry(),
            _ => {}
        }
        Ok(())
    }

    fn leaf(&mut self, leaf: Text) {
        let text = self.text.trim();
        let number = || text.parse::<i64>().ok();
        let parent = self.stack.last().copied();
        match (parent, leaf) {
            (Some(Tag::ServiceCategory), Text::Kind) => {
                if let Some(point) = self.feed.points.last_mut() {
                    point.kind = number();
                }
            }
            (Some(Tag::ReadingType), leaf) => {
                let number = number();
                let Some(kind) = self.feed.types.last_mut() else { return };
                match leaf {
                    Text::Commodity => kind.commodity = number,
                    Text::FlowDirection => kind.flow = number,
                    // One that cannot be read must not pass for none.
                    Text::Multiplier => {
                        kind.multiplier = Some(number.and_then(|n| i32::try_from(n).ok()).unwrap_or(i32::MAX));
                    }
                    Text::Uom => kind.uom = number,
                    Text::Accumulation => kind.accumulation = number,
                    _ => {}
                }
            }
            // Some stamps have a fraction of a second.
            (Some(Tag::TimePeriod), Text::Start) => {
                self.start = text.split('.').next().and_then(|whole| whole.parse().ok());
            }
            (Some(Tag::TimePeriod), Text::Duration) => {
                self.duration = text.split('.').next().and_then(|whole| whole.parse().ok());
            }
            (Some(Tag::IntervalReading), Text::Value) => self.value = Some(text.to_owned()),
            (Some(Tag::ReadingQuality | Tag::IntervalReading), Text::Quality) => {
                // 8 and 9 are estimates, 12 a projection.
                self.estimated |= matches!(text, "8" | "9" | "12");
            }
            _ => {}
        }
    }

    fn reading(&mut self, gather: &mut Gather) -> Result<(), FormatError> {
        gather.rows_read += 1;
        let record = gather.rows_read;
        let place = |field: &str| Place::record(record).field(field);
        let text = match &self.value {
            None => {
                self.feed.empty += 1;
                return Ok(());
            }
            Some(text) if text.is_empty() => {
                self.feed.empty += 1;
                return Ok(());
            }
            Some(text) => text,
        };
        let in_range = -5_000_000_000i64..10_000_000_000;
        let Some(start) = self.start.filter(|start| in_range.contains(start)) else {
            return gather.reject(place("start"), "the reading has no start, or one that is not seconds since 1970");
        };
        let duration = self.duration.and_then(|seconds| u32::try_from(seconds).ok());
        let Some(seconds) = duration.filter(|seconds| (60..=400 * 86_400).contains(seconds)) else {
            return gather.reject(place("duration"), "the reading has no duration between a minute and 400 days");
        };
        let Some(millionths) = millionths(text) else {
            return gather.reject(place("value"), "the value is not a number");
        };
        if self.feed.blocks.is_empty() {
            return gather.reject(place("value"), "the reading is in no IntervalBlock");
        }
        check_count(self.feed.readings.len())?;
        if let Some(block) = self.feed.blocks.last_mut() {
            block.count += 1;
            block.start = block.start.or(Some(start));
            let (shortest, longest) = block.lengths.unwrap_or((seconds, seconds));
            block.lengths = Some((shortest.min(seconds), longest.max(seconds)));
        }
        self.feed.readings.push(RawReading {
            start,
            seconds,
            register: Register::Import,
            energy: Energy::from_mwh_thousandths(millionths),
            quality: if self.estimated { Quality::Estimated } else { Quality::Actual },
            revision: 0,
            line: record,
        });
        Ok(())
    }

    fn end_entry(&mut self) {
        let links = std::mem::take(&mut self.links);
        let [points, meters, types, blocks] = self.entry_start;
        let feed = &mut self.feed;
        for block in blocks..feed.blocks.len() {
            let link = if links.up.is_empty() { links.own.clone() } else { links.up.clone() };
            feed.blocks[block].link = feed.link_number(link);
        }
        feed.points[points..].iter_mut().for_each(|point| point.links = links.clone());
        feed.meters[meters..].iter_mut().for_each(|meter| meter.links = links.clone());
        feed.types[types..].iter_mut().for_each(|kind| kind.links = links.clone());
    }
}

impl Links {
    fn take(&mut self, start: &BytesStart) {
        let (mut rel, mut href) = (String::new(), String::new());
        for attribute in start.attributes().filter_map(Result::ok) {
            match attribute.key.local_name().as_ref() {
                "rel" => rel = attribute.value.to_string(),
                "href" => href = attribute.value.to_string(),
                _ => {}
            }
        }
        let href = href.trim_end_matches('/').to_owned();
        match rel.as_str() {
            "self" => self.own = href,
            "up" => self.up = href,
            "related" if self.related.len() < MAX_RELATED => self.related.push(href),
            _ => {}
        }
    }
}

/// A value in millionths: exact for whole numbers and up to six decimals.
fn millionths(text: &str) -> Option<i64> {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.checked_mul(1_000_000);
    }
    let value: f64 = text.parse().ok()?;
    (value.abs() < 9e12).then(|| (value * 1e6).round() as i64)
}
