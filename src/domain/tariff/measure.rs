//! What sums alone cannot tell: energy in the order of time, demand, and the cost under a price series.

use crate::domain::calendar::Window;
use crate::domain::tariff::compile::Demand;
use crate::domain::tariff::load::Readings;
use crate::domain::tariff::model::{DemandMeasure, DemandPer, Register, SeriesPrice};
use crate::domain::tariff::price::PriceSeries;
use crate::domain::tariff::schedule::{NO_PERIOD, Schedule};
use crate::domain::units::{Energy, Money, Price, div_round};

/// A register's energy cut at every day and clock edge, in the order of time.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    pub steps: Vec<Step>,
    /// First step of each span; one entry more than spans.
    pub offsets: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// Counts days through the load, and months through the calendar.
    pub day: u32,
    pub month: u32,
    pub energy: i64,
    pub counts: bool,
}

pub(super) fn walk(readings: &Readings, schedule: &Schedule, register: Register, spans: &[Window]) -> Walk {
    let mut walk = Walk { steps: Vec::new(), offsets: vec![0] };
    let held = !readings.sums[register as usize].is_empty();
    let mut resolver = readings.resolver(schedule);
    for span in spans {
        let range = readings.day_range(*span);
        for (index, day) in readings.days[range.clone()].iter().enumerate().filter(|_| held) {
            let month = day.date.year() as u32 * 12 + day.date.month() as u32;
            readings.add_day(day, register, &mut resolver, |period, energy| {
                walk.steps.push(Step { day: (range.start + index) as u32, month, energy, counts: period != NO_PERIOD });
            });
        }
        walk.offsets.push(walk.steps.len());
    }
    walk
}

/// The demand of each window in milliwatts: the highest average over `averaging_minutes` (the readings' own step where
/// that is longer), the mean of the three highest days, or the sum of the days' highest.
pub(super) fn demand(readings: &Readings, schedule: &Schedule, demand: &Demand, windows: &[Window]) -> Vec<i64> {
    let sums = &readings.sums[Register::Import as usize];
    let minutes = u32::from(demand.averaging_minutes.max(readings.minutes));
    let mut resolver = readings.resolver(schedule);
    let of_window = |window: &Window| {
        let days = &readings.days[readings.day_range(*window)];
        let mut highest: Vec<i64> = Vec::with_capacity(days.len());
        for (index, day) in days.iter().enumerate() {
            let next = days.get(index + 1).map(|next| next.offset);
            let steps = next.map_or((sums.len() as u32).saturating_sub(1), |next| next) - day.offset;
            let length = (steps * u32::from(readings.minutes)).min(1_500);
            let segments = resolver.day(day.date).to_vec();
            let mut peak = 0;
            for from in (0..length).step_by(minutes as usize) {
                let clock = clock_at(day, from);
                let inside = segments.iter().any(|s| s.period != NO_PERIOD && s.from <= clock && clock < s.to);
                if inside && from + minutes <= length {
                    let energy =
                        readings.until(sums, day.offset, from + minutes) - readings.until(sums, day.offset, from);
                    peak = peak.max(energy * 60 / i64::from(minutes));
                }
            }
            highest.push(peak);
        }
        summarise(highest, demand)
    };
    if sums.is_empty() { vec![0; windows.len()] } else { windows.iter().map(of_window).collect() }
}

fn summarise(mut highest: Vec<i64>, demand: &Demand) -> i64 {
    match (demand.per, demand.measure) {
        (DemandPer::Day, _) => highest.iter().sum(),
        (DemandPer::Bill, DemandMeasure::Max) => highest.iter().copied().max().unwrap_or(0),
        (DemandPer::Bill, DemandMeasure::TopThreeDays) => {
            highest.sort_unstable_by(|a, b| b.cmp(a));
            let top = &highest[..highest.len().min(3)];
            div_round(top.iter().map(|peak| i128::from(*peak)).sum(), top.len().max(1) as i128) as i64
        }
    }
}

/// The clock at an elapsed minute of a day.
fn clock_at(day: &crate::domain::tariff::load::LoadDay, elapsed: u32) -> u16 {
    let elapsed = elapsed as u16;
    day.unusual.as_ref().map_or(elapsed, |local| {
        let stretch = local.stretches.iter().rev().find(|stretch| stretch.elapsed <= elapsed);
        stretch.map_or(elapsed, |stretch| stretch.clock + (elapsed - stretch.elapsed))
    })
}

/// Energy (mWh) and cost of each span; `None` where the series does not cover a reading that is not zero.
pub(super) fn series_cost(
    readings: &Readings,
    schedule: &Schedule,
    register: Register,
    price: &SeriesPrice,
    series: &PriceSeries,
    spans: &[Window],
) -> Option<Vec<(i64, Money)>> {
    let sums = &readings.sums[register as usize];
    if sums.is_empty() {
        return Some(vec![(0, Money::ZERO); spans.len()]);
    }
    let prices: Vec<Price> = series.prices.iter().map(|base| effective(price, *base)).collect();
    let step = i64::from(series.step_minutes.max(1)) * 60;
    // Readings longer than a price step are cut, as if their energy were even.
    let minutes = readings.minutes.min(series.step_minutes.max(1));
    let mut resolver = readings.resolver(schedule);
    let mut costs = Vec::with_capacity(spans.len());
    for span in spans {
        let (mut energy_sum, mut cost) = (0, Money::ZERO);
        for day in &readings.days[readings.day_range(*span)] {
            let segments = resolver.day(day.date).to_vec();
            let length = day.unusual.as_ref().map_or(1_440, |local| local.minutes);
            for from in (0..length).step_by(usize::from(minutes)) {
                let clock = clock_at(day, u32::from(from));
                if !segments.iter().any(|s| s.period != NO_PERIOD && s.from <= clock && clock < s.to) {
                    continue;
                }
                let until = |minute: u16| readings.until(sums, day.offset, u32::from(minute));
                let energy = until(from + minutes) - until(from);
                if energy == 0 {
                    continue;
                }
                let instant =
                    readings.start + i64::from(day.offset) * i64::from(readings.minutes) * 60 + i64::from(from) * 60;
                let index = usize::try_from((instant - series.start).div_euclid(step)).ok()?;
                cost += Energy::from_mwh_thousandths(energy) * *prices.get(index)?;
                energy_sum += energy;
            }
        }
        costs.push((energy_sum, cost));
    }
    Some(costs)
}

fn effective(price: &SeriesPrice, base: Price) -> Price {
    let scaled = Price::nearest(base.currency() * price.multiplier) + price.adder;
    let floored = price.floor.map_or(scaled, |floor| scaled.max(floor));
    price.cap.map_or(floored, |cap| floored.min(cap))
}
