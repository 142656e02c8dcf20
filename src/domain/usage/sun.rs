//! What solar panels make, by step: the height of the sun and a clear-sky curve, scaled to a stated yearly yield.
//!
//! The curve gives the shape only. It is that of a clear sky on a level surface (Adnot, Bourges, Campana, Gicquel 1979:
//! 951.39 W/m² times the sine of the sun's height to the power 1.15), with the sun's declination after Cooper (1969).
//! Clouds, shade and the tilt of a roof move single hours; over a year the stated yield is met exactly.

use crate::domain::calendar::days_between;
use crate::domain::units::Energy;
use crate::domain::usage::readings::Intervals;
use crate::domain::usage::shape::apportion;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

/// W/m² with the sun overhead.
const CLEAR_SKY: f64 = 951.39;
const CLEAR_SKY_POWER: f64 = 1.15;

/// Where a time zone's households roughly are: latitude in degrees north, and what a kilowatt of panels is assumed to
/// make there in a year when the asker does not state it, kWh.
pub fn region(zone: &TimeZone) -> (f64, f64) {
    match zone.iana_name().and_then(|name| name.split('/').next()) {
        Some("Australia") => (-34.0, 1_400.0),
        Some("Europe") => (51.0, 950.0),
        _ => (35.0, 1_400.0),
    }
}

/// `annual` shared out over the steps of a year by the sun.
pub fn production(intervals: &Intervals, annual: Energy, latitude: f64) -> Vec<Energy> {
    let (start, offset) = (intervals.start(), standard_offset_seconds(intervals.first_day, &intervals.zone));
    let step = i64::from(intervals.minutes) * 60;
    let weights: Vec<i64> = (0..intervals.import.len() as i64)
        .map(|n| irradiance(start + n * step + step / 2 + offset, latitude).round() as i64)
        .collect();
    let mut made = vec![Energy::ZERO; weights.len()];
    apportion(annual, &weights, &mut made);
    made
}

/// W/m² at a moment of local standard time, seconds since 1970. Noon on that clock is taken for the sun's noon.
fn irradiance(local: i64, latitude: f64) -> f64 {
    let day = local.div_euclid(86_400);
    let hour = local.rem_euclid(86_400) as f64 / 3_600.0;
    // The year is 365.25 days; 1970 began at day zero.
    let day_of_year = (day as f64).rem_euclid(365.25) + 1.0;
    let declination = (23.45_f64).to_radians() * (std::f64::consts::TAU * (284.0 + day_of_year) / 365.25).sin();
    let hour_angle = (15.0 * (hour - 12.0)).to_radians();
    let latitude = latitude.to_radians();
    let height = latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * hour_angle.cos();
    if height > 0.0 { CLEAR_SKY * height.powf(CLEAR_SKY_POWER) } else { 0.0 }
}

/// The zone's offset without summer time: the lesser of midwinter's and midsummer's.
fn standard_offset_seconds(day: Date, zone: &TimeZone) -> i64 {
    let at = |month: i8| {
        let noon = days_between(date(1970, 1, 1), date(day.year(), month, 1)) * 86_400 + 43_200;
        Timestamp::from_second(noon).map_or(0, |moment| i64::from(zone.to_offset(moment).seconds()))
    };
    at(1).min(at(7))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(zone: &str) -> Intervals {
        let zone = TimeZone::get(zone).expect("a zone");
        Intervals::empty(&zone, 60, date(2026, 1, 1), 365)
    }

    fn of_day(intervals: &Intervals, made: &[Energy], day: Date) -> Vec<f64> {
        let n = days_between(intervals.first_day, day) as u32;
        made[intervals.day_range(n)].iter().map(|energy| energy.kwh()).collect()
    }

    #[test]
    fn the_year_sums_to_the_yield_and_nights_make_nothing() {
        let intervals = year("America/Chicago");
        let made = production(&intervals, Energy::from_whole_kwh(8_400), 35.0);
        assert_eq!(made.iter().copied().sum::<Energy>(), Energy::from_whole_kwh(8_400));
        assert!(made.iter().all(|energy| !energy.is_negative()));
        let june = of_day(&intervals, &made, date(2026, 6, 21));
        assert_eq!((june[0], june[3], june[22]), (0.0, 0.0, 0.0));
        let (best, _) = june.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("hours");
        assert!((12..=13).contains(&best), "in summer time the sun stands highest at one: {june:?}");
    }

    #[test]
    fn summer_makes_more_than_winter_on_either_half_of_the_earth() {
        let total = |intervals: &Intervals, made: &[Energy], day| of_day(intervals, made, day).iter().sum::<f64>();
        for (zone, latitude, summer, winter) in [
            ("America/Chicago", 35.0, date(2026, 6, 21), date(2026, 12, 21)),
            ("Australia/Sydney", -34.0, date(2026, 12, 21), date(2026, 6, 21)),
        ] {
            let intervals = year(zone);
            let made = production(&intervals, Energy::from_whole_kwh(8_400), latitude);
            let ratio = total(&intervals, &made, summer) / total(&intervals, &made, winter);
            assert!((2.0..4.0).contains(&ratio), "{zone}: {ratio}");
        }
    }

    #[test]
    fn a_region_is_known_by_its_clock() {
        let at = |zone| region(&TimeZone::get(zone).expect("a zone"));
        assert_eq!(at("Australia/Sydney"), (-34.0, 1_400.0));
        assert_eq!(at("Europe/London"), (51.0, 950.0));
        assert_eq!(at("America/Chicago"), (35.0, 1_400.0));
    }
}
