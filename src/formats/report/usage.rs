//! The household's expected use by month, with the band eight of ten simulated years fall in.

use super::drawing::{At, Scale, drawing, grid};
use super::words::{kwh, long_month, short_month, whole};
use crate::domain::advice::Recommendation;
use maud::{Markup, html};

const SIZE: (u32, u32) = (560, 240);
const LEFT: f64 = 54.0;
const RIGHT: f64 = 552.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 210.0;

pub fn figure(advice: &Recommendation) -> Markup {
    let months = &advice.user_profile.projected_months;
    let scale = Scale::over(months.iter().flat_map(|month| [month.kwh, month.p10, month.p90]), BOTTOM, TOP);
    let step = (RIGHT - LEFT) / months.len().max(1) as f64;
    let content = html! {
        (grid(&scale, (LEFT, RIGHT), whole))
        @for (n, month) in months.iter().enumerate() {
            @let middle = LEFT + step * (n as f64 + 0.5);
            @let top = scale.at(month.kwh);
            rect class="bar" x=(At(middle - step * 0.34)) y=(top) width=(At(step * 0.68)) height=(At(scale.at(0.0).0 - top.0)) {}
            line class="whisker" x1=(At(middle)) x2=(At(middle)) y1=(scale.at(month.p10)) y2=(scale.at(month.p90)) {}
            @for end in [month.p10, month.p90] {
                line class="whisker" x1=(At(middle - 4.0)) x2=(At(middle + 4.0)) y1=(scale.at(end)) y2=(scale.at(end)) {}
            }
            text class="tick" x=(At(middle)) y=(At(BOTTOM + 18.0)) text-anchor="middle" { (short_month(month.month)) }
        }
    };
    html! {
        figure class="wide" {
            figcaption { "Expected kWh by month; the thin lines hold eight of ten simulated years" }
            (drawing("used", SIZE, "Usage by month", &description(advice), &content))
        }
        details {
            summary { "Usage by month as a table" }
            div class="scroll" role="region" tabindex="0" aria-label="Usage by month" {
                table class="figures" {
                    thead {
                        tr {
                            th scope="col" { "Month" }
                            th scope="col" { "Expected kWh" }
                            th scope="col" { "Low (P10)" }
                            th scope="col" { "High (P90)" }
                        }
                    }
                    tbody {
                        @for month in months {
                            tr {
                                th scope="row" { (long_month(month.month)) }
                                td { (whole(month.kwh)) }
                                td { (whole(month.p10)) }
                                td { (whole(month.p90)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn description(advice: &Recommendation) -> String {
    let months = &advice.user_profile.projected_months;
    let year = kwh(advice.user_profile.projected_annual_kwh);
    match months.iter().max_by(|a, b| a.kwh.total_cmp(&b.kwh)) {
        Some(most) => format!("Twelve bars, {year} in all. The most in {}, {}.", long_month(most.month), kwh(most.kwh)),
        None => format!("{year} in all."),
    }
}
