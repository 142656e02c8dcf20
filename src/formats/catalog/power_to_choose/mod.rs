//! Texas Power to Choose offers: average prices at three levels of use, turned back into tariffs that bill them.
//!
//! The export gives no price components, only all-in averages (delivery included, taxes not) and a free text. Each
//! offer gets the plainest tariff that bills the averages within 0.1 cent: what the text states, the utility's known
//! delivery charges, and a base charge and energy price for the rest. Such a plan is `estimated` (`parsed` when the text
//! states everything); the averages stay with it as `published`. Time-of-use offers do not state their hours: their
//! tariff is the average under the label's own assumption, and says so.

mod cancel_fee;
mod fit;
mod prose;
mod rows;
mod tariffs;
mod words;

use super::fields::{Filling, plan, provenance};
use super::{CatalogFormat, CatalogImport, CatalogOptions, Reproduction};
use crate::domain::catalog::{Confidence, Delivery, ExitFee, Plan, PlanKind, PublishedPrices};
use crate::domain::tariff::RateStructure;
use crate::domain::units::{Percent, Price};
use crate::formats::FormatError;
use fit::Shape;
use prose::Stated;
use rows::Row;
use std::collections::HashMap;
use tariffs::DeliveryInForce;

/// A bill this close to the published average, in cents per kWh, reproduces it.
const REPRODUCED_CENTS: f64 = 0.1;

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let mut filling = Filling::start(options, "texas")?;
    let (rows, rejected) = rows::read(text)?;
    filling.rows_read = (rows.len() + rejected.len()) as u64;
    filling.rejected = rejected;
    if rows.is_empty() && filling.rejected.is_empty() {
        return Err(FormatError::file("the file holds no offers", "Download the export again"));
    }
    let rows_before = rows.len();
    let offers = rows::without_twins(rows);
    if offers.len() < rows_before {
        let count = rows_before - offers.len();
        filling.note(format!(
            "{count} rows repeat another offer (its Spanish text, or the same row): each offer is taken once"
        ));
    }
    let mut import = Importing { filling, options, delivery: HashMap::new(), shares: Reproduction::default() };
    for row in &offers {
        import.take(row);
    }
    import.finish()
}

struct Importing<'a> {
    filling: Filling,
    options: &'a CatalogOptions<'a>,
    /// By utility id.
    delivery: HashMap<String, Option<DeliveryInForce>>,
    shares: Reproduction,
}

impl Importing<'_> {
    fn take(&mut self, row: &Row) {
        let utility = self.filling.utility(&row.utility);
        let delivery = self.delivery_of(&utility);
        let stated = prose::read(&row.fees);
        let Some(fitted) = fitted(row, &stated, delivery.as_ref()) else {
            self.filling.reject(row.place.clone(), "no price structure bills these averages: a bill would be negative");
            return;
        };
        self.shares.published += 1;
        self.shares.reproduced += u32::from(fitted.residual_cents <= REPRODUCED_CENTS);
        self.shares.parsed += u32::from(fitted.confidence() == Confidence::Parsed);
        let supplier = self.filling.supplier(&row.company, row.rating, row.website.clone(), row.phone.clone());
        let wanted = if row.id.is_empty() {
            format!("{supplier}-{}-{utility}", super::text::slug(&row.product))
        } else {
            format!("ptc-{}", row.id)
        };
        let key = self.filling.plan_key(&wanted);
        let made = self.plan(row, key, supplier, utility, &fitted);
        self.filling.catalog.plans.push(made);
    }

    fn delivery_of(&mut self, utility: &str) -> Option<DeliveryInForce> {
        if let Some(known) = self.delivery.get(utility) {
            return known.clone();
        }
        let entry = self.filling.catalog.utilities.iter().find(|entry| entry.id == utility);
        let found = entry.and_then(|entry| tariffs::delivery_on(entry, self.options.retrieved));
        if found.is_none() {
            self.filling.note(format!(
                "no delivery charges of {utility} are known for {}: its plans carry them inside their own prices",
                self.options.retrieved.map_or_else(|| "an unknown day".to_owned(), |day| day.to_string())
            ));
        }
        self.delivery.insert(utility.to_owned(), found.clone());
        found
    }

    fn plan(&self, row: &Row, key: String, supplier: String, utility: String, fitted: &Fitted) -> Plan {
        let kind = kind_of(row, &fitted.shape);
        let (rate, monthly_fee) = tariffs::short_form(&fitted.shape, kind)
            .unwrap_or_else(|| (RateStructure::Tariff(fitted.tariff.clone()), None));
        let mut made = plan(key, &row.product, supplier, kind, rate);
        made.utilities = vec![utility];
        // A term of one month at a price that may change is no term.
        made.term_months = if row.term_months == 1 && row.rate_type != "fixed" { 0 } else { row.term_months };
        made.monthly_fee = monthly_fee;
        made.delivery = if fitted.shape.passthrough { Delivery::Passthrough } else { Delivery::Bundled };
        let exit = cancel_fee::read(&row.cancel_fee);
        if exit.is_none() && made.term_months > 0 {
            made.conditions.push("The source does not state the cancellation fee.".to_owned());
        }
        made.exit = exit.unwrap_or(ExitFee::None);
        made.renewable = Percent::from_percent(row.renewable).unwrap_or_default();
        made.eligibility.new_customers_only = row.new_customers_only;
        if row.time_of_use {
            made.conditions.push(
                "Prices differ by time of day, but the source states only averages under an assumed share of use in each \
                 period: your cost depends on when you use power."
                    .to_owned(),
            );
        }
        made.conditions.extend(row.promotion.clone());
        made.description.clone_from(&row.special_terms);
        made.terms_url.clone_from(&row.terms_url);
        made.efl_url.clone_from(&row.label_url);
        let [low, middle, high] = row.averages.map(Price::nearest);
        made.published = Some(PublishedPrices { kwh_500: low, kwh_1000: middle, kwh_2000: high });
        made.provenance = provenance(self.options, CatalogFormat::PowerToChoose);
        made.provenance.confidence = fitted.confidence();
        if !row.fees.is_empty() {
            made.provenance.evidence.push(row.fees.clone());
        }
        made
    }

    fn finish(self) -> Result<CatalogImport, FormatError> {
        let Importing { mut filling, shares, .. } = self;
        if filling.catalog.plans.is_empty() {
            filling.rejected.truncate(FormatError::MAX_REJECTIONS);
            return Err(FormatError::of_rows(filling.rejected, "Download the export again")
                .unwrap_or_else(|| FormatError::file("the file holds no offers", "Download the export again")));
        }
        let Filling { catalog, rejected, notes, rows_read, .. } = filling;
        let format = CatalogFormat::PowerToChoose;
        Ok(CatalogImport { format, catalog, rows_read, rejected, notes, shares: Some(shares) })
    }
}

fn kind_of(row: &Row, shape: &Shape) -> PlanKind {
    match row.rate_type.as_str() {
        _ if row.prepaid => PlanKind::Prepaid,
        _ if row.time_of_use => PlanKind::TimeOfUse,
        "variable" => PlanKind::Variable,
        "indexed" => PlanKind::Indexed,
        _ if shape.bounds.is_empty() => PlanKind::Fixed,
        _ => PlanKind::Tiered,
    }
}

/// A shape with its tariff and how far its bills are from the averages.
struct Fitted {
    shape: Shape,
    tariff: crate::domain::tariff::model::Tariff,
    residual_cents: f64,
    /// The text states every price of it.
    complete: bool,
}

impl Fitted {
    fn confidence(&self) -> Confidence {
        let residual_cents = (self.residual_cents * 1e4).round() / 1e4;
        if self.residual_cents > REPRODUCED_CENTS {
            Confidence::Unreproduced { residual_cents }
        } else if self.complete {
            Confidence::Parsed
        } else {
            Confidence::Estimated { residual_cents }
        }
    }
}

/// The first shape that bills the averages, or else the nearest.
fn fitted(row: &Row, stated: &Stated, delivery: Option<&DeliveryInForce>) -> Option<Fitted> {
    let charges = delivery.map(|known| known.charges);
    let (strict, relaxed) = (stated.clone(), stated.relaxed());
    let as_stated = |shape: &Shape| shape.stated && shape.bounds.is_empty();
    // The text to the letter, then with its bounds read kindly, before any structure of our own making.
    let of_text = |text: &Stated| fit::shapes(row.averages, text, charges).into_iter().filter(as_stated).collect();
    let mut candidates: Vec<(&Stated, Vec<Shape>)> = Vec::new();
    if !stated.is_empty() {
        candidates.push((&strict, of_text(&strict)));
        if relaxed != strict {
            candidates.push((&relaxed, of_text(&relaxed)));
        }
    }
    candidates.push((&strict, fit::shapes(row.averages, &strict, charges)));
    let mut nearest: Option<Fitted> = None;
    for (text, shape) in
        candidates.into_iter().flat_map(|(text, shapes)| shapes.into_iter().map(move |shape| (text, shape)))
    {
        let tariff = tariffs::tariff_of(&shape, text);
        let passed = delivery.filter(|_| shape.passthrough).map(|known| &known.tariff);
        let Some(residual_cents) = tariffs::residual_cents(&tariff, passed, row.averages) else { continue };
        let left_over = shape.prices.iter().any(|price| *price > 0.0) || shape.base.abs() >= 0.005;
        let complete = shape.stated && text.has_energy() && !left_over;
        if nearest.as_ref().is_none_or(|known| residual_cents < known.residual_cents) {
            nearest = Some(Fitted { shape, tariff, residual_cents, complete });
        }
        if residual_cents <= REPRODUCED_CENTS {
            break;
        }
    }
    nearest
}
