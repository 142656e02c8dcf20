//! When the household uses electricity: a heat map of the week, one cell per weekday and hour.

use super::drawing::{At, drawing};
use crate::domain::usage::week::HourOfWeek;
use maud::{Markup, html};

const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const SIZE: (u32, u32) = (560, 226);
const LEFT: f64 = 40.0;
const TOP: f64 = 6.0;
const CELL: (f64, f64) = (21.5, 24.0);
/// Shades of the legend.
const SHADES: u32 = 5;

pub fn figure(hours: &HourOfWeek) -> Markup {
    let most = hours.kwh.iter().flatten().copied().fold(0.0, f64::max);
    // Nothing used leaves the map empty instead of dividing by nothing.
    let shade = |kwh: f64| At(if most > 0.0 { (kwh / most * 10.0).round() / 10.0 } else { 0.0 });
    let content = html! {
        @for (day, row) in hours.kwh.iter().enumerate() {
            @let y = TOP + CELL.1 * day as f64;
            text class="tick" x=(At(LEFT - 6.0)) y=(At(y + CELL.1 / 2.0 + 4.0)) text-anchor="end" { (&DAYS[day][..3]) }
            @for (hour, kwh) in row.iter().enumerate() {
                rect class="cell" x=(At(LEFT + CELL.0 * hour as f64)) y=(At(y)) width=(At(CELL.0 - 1.5)) height=(At(CELL.1 - 1.5))
                    rx="2" fill-opacity=(shade(*kwh)) {}
            }
        }
        @for hour in (0..=24).step_by(6) {
            text class="tick" x=(At(LEFT + CELL.0 * f64::from(hour))) y=(At(TOP + CELL.1 * 7.0 + 15.0)) text-anchor=(anchor(hour)) {
                (format!("{hour:02}:00"))
            }
        }
        @for n in 0..=SHADES {
            rect class="cell" x=(At(LEFT + 62.0 + 16.0 * f64::from(n))) y=(At(TOP + CELL.1 * 7.0 + 28.0)) width="14.5" height="12"
                rx="2" fill-opacity=(At(f64::from(n) / f64::from(SHADES))) {}
        }
        text class="tick" x=(At(LEFT + 56.0)) y=(At(TOP + CELL.1 * 7.0 + 38.0)) text-anchor="end" { "0 kWh" }
        text class="tick" x=(At(LEFT + 66.0 + 16.0 * f64::from(SHADES + 1))) y=(At(TOP + CELL.1 * 7.0 + 38.0)) {
            (format!("{most:.2} kWh in an hour"))
        }
    };
    html! {
        figure class="wide" {
            figcaption { "Mean use by weekday and hour: the stronger the colour, the more" }
            (drawing("hours", SIZE, "Usage by hour of the week", &description(hours), &content))
        }
        (table(hours))
    }
}

const fn anchor(hour: u32) -> &'static str {
    match hour {
        0 => "start",
        24 => "end",
        _ => "middle",
    }
}

fn description(hours: &HourOfWeek) -> String {
    let all =
        hours.kwh.iter().zip(DAYS).flat_map(|(row, day)| row.iter().enumerate().map(move |(h, kwh)| (*kwh, day, h)));
    match all.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((kwh, day, hour)) if kwh > 0.0 => {
            format!("A grid of seven days by 24 hours. The most, {kwh:.2} kWh, on {day} from {hour:02}:00.")
        }
        _ => "A grid of seven days by 24 hours, without use.".to_owned(),
    }
}

fn table(hours: &HourOfWeek) -> Markup {
    html! {
        details {
            summary { "Usage by hour of the week as a table" }
            div class="scroll" role="region" tabindex="0" aria-label="Usage by hour of the week" {
                table class="figures" {
                    caption { "Mean kWh in each hour" }
                    thead {
                        tr { th scope="col" { "Hour" } @for day in DAYS { th scope="col" { (&day[..3]) } } }
                    }
                    tbody {
                        @for hour in 0..24 {
                            tr {
                                th scope="row" { (format!("{hour:02}:00")) }
                                @for day in &hours.kwh { td { (format!("{:.2}", day[hour])) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
