//! The twelve months as CSV: a row per month, a column per plan, and a last row with the year.
//!
//! Numbers are plain decimals with a point. The year's row counts one-time fees, the months do not.

use super::words::full_name;
use crate::domain::advice::Recommendation;
use crate::formats::spreadsheet::text_cell;
use csv::{Terminator, WriterBuilder};

/// The comparison, with the header a spreadsheet shows.
pub fn csv(advice: &Recommendation) -> Vec<u8> {
    let rows = std::iter::once(header(advice)).chain(months(advice)).chain([year(advice)]);
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(&row).expect("rows of one length, written to memory");
    }
    writer.into_inner().expect("flushing to memory does not fail")
}

fn header(advice: &Recommendation) -> Vec<String> {
    let currency = &advice.currency;
    let mut row: Vec<String> = ["month", "kwh", "kwh_p10", "kwh_p90"].map(str::to_owned).to_vec();
    row.extend(advice.current_monthly_costs.iter().map(|_| format!("current plan, {currency}")));
    for plan in &advice.top_plans {
        let name = text_cell(&full_name(plan)).into_owned();
        row.extend([format!("{name}, {currency}"), format!("{name}, p10"), format!("{name}, p90")]);
    }
    row
}

fn months(advice: &Recommendation) -> impl Iterator<Item = Vec<String>> {
    advice.user_profile.projected_months.iter().enumerate().map(|(n, used)| {
        let mut row = vec![used.month.strftime("%Y-%m").to_string()];
        row.extend([used.kwh, used.p10, used.p90].map(|kwh| format!("{kwh:.3}")));
        row.extend(advice.current_monthly_costs.iter().map(|bills| cents(bills.get(n).copied())));
        for plan in &advice.top_plans {
            let band = plan.monthly_cost_ranges.get(n);
            row.extend(
                [plan.monthly_costs.get(n).copied(), band.map(|band| band.p10), band.map(|band| band.p90)].map(cents),
            );
        }
        row
    })
}

fn year(advice: &Recommendation) -> Vec<String> {
    let mut row = vec!["year".to_owned(), format!("{:.3}", advice.user_profile.projected_annual_kwh)];
    row.extend([String::new(), String::new()]);
    row.extend(advice.current_monthly_costs.iter().map(|_| cents(advice.current_annual_cost)));
    for plan in &advice.top_plans {
        let range = plan.cost_range;
        row.extend([plan.projected_annual_cost, range.p10, range.p90].map(|amount| cents(Some(amount))));
    }
    row
}

/// Empty where it is not known.
fn cents(amount: Option<f64>) -> String {
    amount.map_or_else(String::new, |amount| format!("{:.2}", if amount == 0.0 { 0.0 } else { amount }))
}
