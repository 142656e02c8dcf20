//! Ohio "Energy Choice: Apples to Apples" offers: `<Offers><Offer ID=...>` with a price per kWh and fees as `$10.00`.
//!
//! Traps: the price is for supply alone (the utility bills its wires whatever the supplier, so delivery is `none`); the
//! file does not name its utility territory; introductory prices are told only in prose, so what follows them is kept
//! as text; company addresses are no part of a plan. Document type declarations and entities of the file's own are
//! refused.

use super::fields::{Filling, plan, provenance};
use super::text::filled;
use super::{CatalogFormat, CatalogImport, CatalogOptions};
use crate::domain::catalog::{Delivery, ExitFee, Holdover, PlanKind};
use crate::domain::tariff::{Cents, RateStructure};
use crate::domain::units::{Percent, Price};
use crate::formats::{FormatError, Place};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::collections::HashMap;

const REMEDY: &str = "Download the offers again from the Apples to Apples page";

/// An offer as the file states it: element texts and attributes by name.
#[derive(Default)]
struct Offer(HashMap<String, String>);

impl Offer {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// `$10.00`, `0.0729`, `100%`: the number alone.
    fn number(&self, name: &str) -> Result<f64, String> {
        let Some(text) = self.get(name) else { return Ok(0.0) };
        let digits = text.trim_start_matches('$').trim_end_matches('%').replace(',', "");
        match digits.trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(format!("{name} \"{text}\" is not a number")),
        }
    }

    fn price(&self, name: &str) -> Result<Price, String> {
        Price::from_currency(self.number(name)?).map_err(|error| format!("{name} {error}"))
    }
}

pub fn read(text: &str, options: &CatalogOptions) -> Result<CatalogImport, FormatError> {
    let mut filling = Filling::start(options, "ohio")?;
    for (n, offer) in offers(text)?.into_iter().enumerate() {
        filling.rows_read += 1;
        if let Err(reason) = take(&mut filling, &offer, options) {
            filling.reject(Place::record(n as u64 + 1), reason);
        }
    }
    if filling.rows_read == 0 {
        return Err(FormatError::file("the file holds no offers", REMEDY));
    }
    if options.utility.is_none() {
        filling.note("the file does not name its utility: the plans count for every utility of the market; name it if you know it");
    }
    let Filling { catalog, rejected, notes, rows_read, .. } = filling;
    Ok(CatalogImport { format: CatalogFormat::Ohio, catalog, rows_read, rejected, notes, shares: None })
}

fn take(filling: &mut Filling, offer: &Offer, options: &CatalogOptions) -> Result<(), String> {
    let company = offer.get("CompanyName").or(offer.get("SupplierCompanyName")).ok_or("the offer names no supplier")?;
    let price = offer.price("Price")?;
    if price <= Price::ZERO {
        return Err("Price is missing or not above zero".to_owned());
    }
    let rate = Cents(price);
    let (kind, rate) = match offer.get("RateType").unwrap_or_default().to_ascii_lowercase().as_str() {
        "fixed" => (PlanKind::Fixed, RateStructure::Fixed { rate_per_kwh: rate }),
        "variable" => (PlanKind::Variable, RateStructure::Variable { base_rate: rate, historical_avg_rate: None }),
        other => return Err(format!("RateType \"{other}\" is neither Fixed nor Variable")),
    };
    let term = offer.number("TermLength")?;
    if !(0.0..=600.0).contains(&term) {
        return Err(format!("TermLength {term} is not a number of months"));
    }
    let exit = offer.price("EarlyTerminationFee")?;
    let monthly_fee = offer.price("MonthlyFee")?;
    let renewable = Percent::from_percent(offer.number("Renewable")?.clamp(0.0, 100.0)).unwrap_or_default();
    let supplier = filling.supplier(
        company,
        None,
        offer.get("SupplierWebSiteUrl").map(str::to_owned),
        offer.get("SupplierPhone").map(str::to_owned),
    );
    let details = offer.get("OfferDetails").map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
    let name = match &details {
        Some(text) if text.chars().count() <= 60 => text.clone(),
        _ => format!("{company} {} {}", term as u32, if kind == PlanKind::Fixed { "fixed" } else { "variable" }),
    };
    let wanted = offer.get("ID").map_or_else(|| format!("{supplier}-{}", super::text::slug(&name)), str::to_owned);
    let mut made = plan(filling.plan_key(&wanted), &name, supplier, kind, rate);
    made.utilities = options.utility.map(|name| filling.utility(name)).into_iter().collect();
    made.term_months = term as u32;
    made.monthly_fee = (!monthly_fee.is_zero()).then_some(monthly_fee);
    made.delivery = Delivery::None;
    made.exit = if exit > Price::ZERO { ExitFee::Flat { fee: exit } } else { ExitFee::None };
    made.renewable = renewable;
    made.description = details;
    made.terms_url = offer.get("TermsOfServiceURL").and_then(filled);
    made.provenance = provenance(options, CatalogFormat::Ohio);
    if offer.get("IsIntroductoryOffer") == Some("Yes") {
        let note = offer.get("IntroductoryOffer.Details").unwrap_or("introductory price").to_owned();
        made.provenance.evidence.push(note.clone());
        made.on_expiry = Some(Holdover { note, rate: None });
    }
    if offer.get("IsPromotionalOffer") == Some("Yes") {
        made.conditions.extend(offer.get("PromotionalOffer.Details").and_then(filled));
    }
    filling.catalog.plans.push(made);
    Ok(())
}

/// The attributes of an element; `Details` is told apart by its element.
fn attributes(offer: &mut Offer, element: &str, start: &BytesStart) -> Result<(), String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::default()).map_err(|error| error.to_string())?;
        let name = attribute.key.as_ref().to_owned();
        let name = if name == "Details" { format!("{element}.Details") } else { name };
        offer.0.insert(name, value.into_owned());
    }
    Ok(())
}

/// All offers of the file. Elements nest three deep; anything deeper is no offer list.
fn offers(text: &str) -> Result<Vec<Offer>, FormatError> {
    let mut reader = Reader::from_str(text);
    let (mut offers, mut current): (Vec<Offer>, Option<Offer>) = (Vec::new(), None);
    let mut path: Vec<String> = Vec::new();
    loop {
        let read = text.get(..reader.buffer_position() as usize).unwrap_or(text);
        let broken =
            |reason: String| FormatError::new(Place::line(read.matches('\n').count() as u64 + 1), reason, REMEDY);
        match reader.read_event().map_err(|error| broken(format!("the XML is broken: {error}")))? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                if path.len() > 16 {
                    return Err(broken("elements are nested too deep for an offer list".to_owned()));
                }
                if name == "Offer" {
                    current = Some(Offer::default());
                }
                if let Some(offer) = &mut current {
                    attributes(offer, &name, &start).map_err(broken)?;
                }
                path.push(name);
            }
            Event::Empty(start) => {
                let name = start.name().as_ref().to_owned();
                if let Some(offer) = &mut current {
                    attributes(offer, &name, &start).map_err(broken)?;
                }
            }
            Event::End(_) => {
                if path.pop().as_deref() == Some("Offer") {
                    offers.extend(current.take());
                }
            }
            Event::Text(piece) => append(&mut current, path.last(), &piece.into_inner()),
            Event::CData(piece) => append(&mut current, path.last(), &piece.into_inner()),
            Event::GeneralRef(entity) => {
                let letter = entity.resolve_char_ref().map_err(|error| broken(error.to_string()))?;
                let name = entity.into_inner();
                let text = match (letter, name.as_ref()) {
                    (Some(letter), _) => letter.to_string(),
                    (None, name) => quick_xml::escape::resolve_predefined_entity(name)
                        .ok_or_else(|| broken(format!("the entity &{name}; is not one of XML's own")))?
                        .to_owned(),
                };
                append(&mut current, path.last(), &text);
            }
            Event::DocType(_) => {
                return Err(broken("the file has a document type declaration, which is refused".to_owned()));
            }
            Event::Eof if path.is_empty() => return Ok(offers),
            Event::Eof => return Err(broken(format!("the file ends inside <{}>", path.join("><")))),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn append(offer: &mut Option<Offer>, element: Option<&String>, piece: &str) {
    if let (Some(offer), Some(element)) = (offer, element) {
        offer.0.entry(element.clone()).or_default().push_str(piece);
    }
}
