//! What if the household used electricity otherwise: a projected year with more, less, other or own energy.
//!
//! Changes are made in this order: the whole use times a factor, use moved between hours, a heat pump, a car, solar
//! panels. The uncertainty of the household's own use stays what it was in kWh; what is added is taken as certain.

use super::sun;
use crate::domain::calendar::{ClockTime, Window};
use crate::domain::units::Energy;
use crate::domain::usage::projection::{Band, Projection, ShapeSource};
use crate::domain::usage::readings::Intervals;
use crate::domain::usage::shape::{Shape, apportion, days_of, steps_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Part of each day by the clock, `[from, to)`; it wraps midnight when `to` is not after `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayWindow {
    pub from: ClockTime,
    pub to: ClockTime,
}

/// A car charged at home, the same energy every day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ElectricVehicle {
    #[schemars(range(min = 0.0, max = 10_000.0))]
    pub kwh_per_week: f64,
    /// When it charges.
    pub from: ClockTime,
    pub to: ClockTime,
}

/// Panels behind the meter: their energy is used as it is made, the rest is fed into the grid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Solar {
    /// Peak power.
    #[schemars(range(min = 0.0, max = 1_000.0))]
    pub kw: f64,
    /// What a kilowatt makes in a year; an assumption for the region when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 3_000.0))]
    pub kwh_per_kw: Option<f64>,
}

/// An electric heat pump, spread evenly over the hours of each month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeatPump {
    /// January to December.
    #[schemars(length(min = 12, max = 12), inner(range(min = 0.0, max = 100_000.0)))]
    pub kwh_by_month: Vec<f64>,
}

/// Use moved within each day from one part of it into another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Of the use in `out_of`.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub percent: f64,
    pub out_of: DayWindow,
    pub into: DayWindow,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct UsageChanges {
    /// On the household's own use, 0..=10.
    pub factor: Option<f64>,
    pub shift: Option<Shift>,
    pub heat_pump: Option<HeatPump>,
    pub electric_vehicle: Option<ElectricVehicle>,
    pub solar: Option<Solar>,
}

/// A value no change can be made with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct ChangeError {
    pub field: &'static str,
    pub message: &'static str,
}

impl UsageChanges {
    pub fn is_empty(&self) -> bool {
        *self == UsageChanges::default()
    }

    /// The first value that makes no sense.
    pub fn check(&self) -> Result<(), ChangeError> {
        let within = |value: f64, most: f64| (0.0..=most).contains(&value);
        let hours = self.heat_pump.as_ref().map_or(&[][..], |pump| &pump.kwh_by_month);
        let rules = [
            (self.factor.is_none_or(|f| within(f, 10.0)), "usage_factor", "must be from 0 to 10"),
            (self.shift.is_none_or(|s| within(s.percent, 100.0)), "shift.percent", "must be from 0 to 100"),
            (
                self.heat_pump.is_none() || hours.len() == 12,
                "heat_pump.kwh_by_month",
                "must have twelve values, January to December",
            ),
            (hours.iter().all(|&kwh| within(kwh, 1e5)), "heat_pump.kwh_by_month", "must be from 0 to 100000 each"),
            (
                self.electric_vehicle.is_none_or(|car| within(car.kwh_per_week, 1e4)),
                "electric_vehicle.kwh_per_week",
                "must be from 0 to 10000",
            ),
            (self.solar.is_none_or(|solar| within(solar.kw, 1e3)), "solar.kw", "must be from 0 to 1000"),
            (
                self.solar.and_then(|solar| solar.kwh_per_kw).is_none_or(|kwh| within(kwh, 3e3)),
                "solar.kwh_per_kw",
                "must be from 0 to 3000",
            ),
        ];
        let broken = rules.into_iter().find(|(holds, ..)| !holds);
        broken.map_or(Ok(()), |(_, field, message)| Err(ChangeError { field, message }))
    }

    /// The projection as it would be.
    pub fn apply(&self, projection: &Projection) -> Result<Projection, ChangeError> {
        self.check()?;
        let mut changed = projection.clone();
        if self.is_empty() {
            return Ok(changed);
        }
        if projection.shape == ShapeSource::Standard {
            let other = [Shape::Flatter, Shape::Peakier].map(|shape| {
                let mut intervals = projection.reshaped(shape);
                self.change_use(&mut intervals);
                self.add_solar(&mut intervals);
                intervals
            });
            changed.other_shapes = Some(Box::new(other));
        }
        self.change_use(&mut changed.intervals);
        let used = monthly(&changed.intervals, projection);
        self.add_solar(&mut changed.intervals);
        let bought = monthly(&changed.intervals, projection);
        self.move_bands(&mut changed, &used, &bought);
        Ok(changed)
    }

    /// What the panels make in a year, if there are any.
    pub fn solar_production(&self, projection: &Projection) -> Option<Energy> {
        self.solar.map(|solar| yearly(solar, &projection.intervals))
    }

    fn millionths(&self) -> i64 {
        self.factor.map_or(1_000_000, |factor| (factor * 1e6).round() as i64)
    }

    fn change_use(&self, intervals: &mut Intervals) {
        let factor = self.millionths();
        if factor != 1_000_000 {
            scale_all(&mut intervals.import, factor);
            scale_all(&mut intervals.controlled, factor);
        }
        if let Some(shift) = self.shift {
            for day in 0..intervals.days() {
                move_within(intervals, day, shift);
            }
        }
        if let Some(pump) = &self.heat_pump {
            let months: Vec<Window> = months_of(intervals);
            for month in months {
                let kwh = pump.kwh_by_month.get(month.start.month() as usize - 1).copied().unwrap_or_default();
                let steps = steps_of(intervals, days_of(intervals, month));
                add(&mut intervals.import[steps.clone()], energy_of(kwh), &vec![1; steps.len()]);
            }
        }
        if let Some(car) = self.electric_vehicle {
            let window = DayWindow { from: car.from, to: car.to };
            let daily = energy_of(car.kwh_per_week / 7.0);
            for day in 0..intervals.days() {
                let weights = window.minutes_of(intervals, day);
                let steps = intervals.day_range(day);
                add(&mut intervals.import[steps], daily, &weights);
            }
        }
    }

    fn add_solar(&self, intervals: &mut Intervals) {
        let Some(solar) = self.solar else { return };
        let (latitude, _) = sun::region(&intervals.zone);
        let made = sun::production(intervals, yearly(solar, intervals), latitude);
        if intervals.export.is_empty() {
            intervals.export = vec![Energy::ZERO; intervals.import.len()];
        }
        for ((import, export), made) in intervals.import.iter_mut().zip(&mut intervals.export).zip(made) {
            let own = made.min(*import);
            *import -= own;
            *export += made - own;
        }
    }

    /// Months, bands and paths around the changed year.
    fn move_bands(&self, changed: &mut Projection, used: &[Energy], bought: &[Energy]) {
        let factor = self.millionths();
        let own: Vec<Energy> = changed.months.iter().map(|month| month.expected.scale(factor, 1_000_000)).collect();
        let total = |energies: &[Energy]| energies.iter().copied().sum::<Energy>();
        for (n, month) in changed.months.iter_mut().enumerate() {
            month.expected = bought[n];
            month.band = moved(month.band, factor, used[n] - own[n], (bought[n], used[n]));
        }
        changed.annual = moved(changed.annual, factor, total(used) - total(&own), (total(bought), total(used)));
        for path in &mut changed.paths {
            for (n, share) in path.iter_mut().enumerate() {
                let strayed = i128::from(*share - 1_000_000) * i128::from(own[n].mwh_thousandths());
                let all = i128::from(used[n].mwh_thousandths());
                *share = 1_000_000 + if all > 0 { (strayed / all) as i64 } else { 0 };
            }
        }
    }
}

fn moved(band: Band, factor: i64, added: Energy, (bought, used): (Energy, Energy)) -> Band {
    let at = |energy: Energy| {
        let energy = energy.scale(factor, 1_000_000) + added;
        if used.is_zero() { energy } else { share_of(energy, bought, used) }
    };
    Band { p10: at(band.p10), p50: at(band.p50), p90: at(band.p90) }
}

fn share_of(energy: Energy, part: Energy, whole: Energy) -> Energy {
    energy.scale(part.mwh_thousandths(), whole.mwh_thousandths())
}

fn yearly(solar: Solar, intervals: &Intervals) -> Energy {
    let (_, assumed) = sun::region(&intervals.zone);
    energy_of(solar.kw * solar.kwh_per_kw.unwrap_or(assumed))
}

/// To the nearest milliwatt-hour; bounded by [`UsageChanges::check`].
fn energy_of(kwh: f64) -> Energy {
    Energy::from_mwh_thousandths((kwh * 1e6).round() as i64)
}

fn months_of(intervals: &Intervals) -> Vec<Window> {
    let covered = intervals.window();
    let mut months = Vec::new();
    let mut month = crate::domain::calendar::Month::of(covered.start);
    while month.first_day() < covered.end && months.len() < 24 {
        months.push(month.window());
        month = month.plus(1);
    }
    months
}

fn monthly(intervals: &Intervals, projection: &Projection) -> Vec<Energy> {
    let of = |window| intervals.import[steps_of(intervals, days_of(intervals, window))].iter().copied().sum();
    projection.months.iter().map(|month| of(month.month.window())).collect()
}

/// The remainder is carried from step to step, so that the whole is scaled as each part is.
fn scale_all(steps: &mut [Energy], factor: i64) {
    let (mut cumulated, mut given) = (Energy::ZERO, Energy::ZERO);
    for step in steps {
        cumulated += *step;
        let due = cumulated.scale(factor, 1_000_000);
        *step = due - given;
        given = due;
    }
}

fn add(steps: &mut [Energy], energy: Energy, weights: &[i64]) {
    let mut parts = vec![Energy::ZERO; steps.len()];
    apportion(energy, weights, &mut parts);
    for (step, part) in steps.iter_mut().zip(parts) {
        *step += part;
    }
}

fn move_within(intervals: &mut Intervals, day: u32, shift: Shift) {
    let into = shift.into.minutes_of(intervals, day);
    if into.iter().all(|minutes| *minutes == 0) {
        return;
    }
    let out = shift.out_of.minutes_of(intervals, day);
    let whole = i64::from(intervals.minutes) * 10_000;
    let hundredths = (shift.percent * 100.0).round() as i64;
    let range = intervals.day_range(day);
    let mut moved = Energy::ZERO;
    for (step, minutes) in intervals.import[range.clone()].iter_mut().zip(out) {
        let part = step.scale(minutes * hundredths, whole);
        *step -= part;
        moved += part;
    }
    add(&mut intervals.import[range], moved, &into);
}

impl DayWindow {
    /// How many minutes of each step of a day lie in the window.
    fn minutes_of(self, intervals: &Intervals, day: u32) -> Vec<i64> {
        let (from, to) = (i64::from(self.from.minutes()), i64::from(self.to.minutes()));
        let parts = if from < to { [(from, to), (0, 0)] } else { [(from, 1_440), (0, to)] };
        let length = i64::from(intervals.minutes);
        let overlap = |slot: usize| {
            let start = slot as i64 * length;
            parts.iter().map(|&(from, to)| (to.min(start + length) - from.max(start)).max(0)).sum()
        };
        intervals.clock_slots(day).into_iter().map(overlap).collect()
    }
}
