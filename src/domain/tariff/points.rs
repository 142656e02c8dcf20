//! Points: windows of a load with their energy scaled, which bills are computed at.

use crate::domain::calendar::{Month, Window};
use crate::domain::tariff::amounts::scaled;
use crate::domain::tariff::load::Load;
use crate::domain::tariff::model::Register;
use crate::domain::units::Energy;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What bills ask about a window of a load, found once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub window: Window,
    pub days: i64,
    /// Whether it is one calendar month.
    pub is_month: bool,
    /// The month it closes in, 1..=12, and that month's days.
    pub month: u8,
    pub month_days: i64,
}

impl Frame {
    pub fn of(window: Window) -> Frame {
        let close = Month::of(window.close());
        Frame {
            window,
            days: window.days(),
            is_month: window == Month::of(window.start).window(),
            month: window.close().month() as u8,
            month_days: i64::from(close.days()),
        }
    }
}

/// One window at one amount of energy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Point {
    /// Of the window among the load's.
    pub index: usize,
    pub window: Window,
    pub frame: Frame,
    /// Millionths every energy is scaled by.
    pub factor: i64,
    /// Imported energy, scaled; what bands and per-kWh taxes look at.
    pub usage: Energy,
}

impl Point {
    pub fn of(load: &Load, index: usize, factor: i64) -> Point {
        let frame = load.frames()[index];
        let usage = scaled(load.totals(Register::Import)[index].mwh_thousandths(), factor);
        Point { index, window: frame.window, frame, factor, usage: Energy::from_mwh_thousandths(usage) }
    }
}

/// Any number of points of one load, in any order.
#[derive(Debug, Clone, Default)]
pub struct Points {
    list: Vec<Point>,
    fingerprint: u64,
}

impl Points {
    /// From the number of a window and the millionths its energy is scaled by. Windows the load has not are left out.
    pub fn of(load: &Load, wanted: impl IntoIterator<Item = (usize, i64)>) -> Points {
        let windows = load.windows().len();
        let held = wanted.into_iter().filter(|(window, _)| *window < windows);
        let mut hasher = DefaultHasher::new();
        let point = |(window, factor)| {
            (window, factor).hash(&mut hasher);
            Point::of(load, window, factor)
        };
        Points { list: held.map(point).collect(), fingerprint: hasher.finish() }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn list(&self) -> &[Point] {
        &self.list
    }

    /// The same for the same points of one load.
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}
