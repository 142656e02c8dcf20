//! From usage to the coming year: the market a household is in, its usage profile, its projection.

use crate::app::error::Error;
use crate::domain::advice::UserProfile;
use crate::domain::catalog::{Market, PropertyType, TypicalUse};
use crate::domain::market::{Place, Snapshot, UtilityRef};
use crate::domain::usage::profile::{Profile, profile};
use crate::domain::usage::projection::{Projection, ShapeSource, project};
use crate::domain::usage::readings::ReadingSet;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Where a household is, as far as the catalogs know.
#[derive(Debug, Clone)]
pub struct Home {
    pub market: Arc<Market>,
    pub zone: TimeZone,
    /// The utility, where there is retail choice.
    pub utility: Option<UtilityRef>,
}

impl Home {
    /// By ZIP; a ZIP in no catalog is taken to be in a market of its own, on UTC.
    pub fn at(snapshot: &Snapshot, zip_code: Option<&str>) -> Home {
        let (market, utility) = match zip_code.map(|zip| snapshot.place(zip)) {
            Some(Place::Served { utility, .. }) => (Some(utility.market), Some(utility)),
            Some(Place::NoChoice { market }) => (Some(market), None),
            Some(Place::Unknown) | None => (None, None),
        };
        let market = market.or((snapshot.markets().len() == 1).then_some(0));
        let entry = market.and_then(|market| snapshot.markets().get(market));
        Home::of(entry.map_or_else(unknown_market, |entry| entry.market.clone()), utility)
    }

    /// In the market of a plan.
    pub fn of(market: Arc<Market>, utility: Option<UtilityRef>) -> Home {
        let zone = TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC);
        Home { market, zone, utility }
    }

    pub fn today(&self, now: Timestamp) -> Date {
        now.to_zoned(self.zone.clone()).date()
    }
}

fn unknown_market() -> Arc<Market> {
    Arc::new(Market {
        id: "unknown".to_owned(),
        name: "Unknown".to_owned(),
        currency: "USD".to_owned(),
        time_zone: "UTC".to_owned(),
        no_choice_zips: Vec::new(),
        typical_annual_kwh: TypicalUse::default(),
        monthly_shape: Vec::new(),
    })
}

/// A household's coming year.
#[derive(Debug, Clone)]
pub struct Outlook {
    pub as_of: Date,
    pub projection: Projection,
    pub analysis: Profile,
}

/// Projects `usage`. The same usage, place and day give the same outlook to the last digit.
pub fn of(home: &Home, property: PropertyType, usage: &ReadingSet, now: Timestamp) -> Result<Outlook, Error> {
    let as_of = home.today(now);
    let seed = seed(home, property, usage, as_of);
    let projection = project(usage, as_of, &home.market, property, &home.zone, seed)
        .map_err(|error| Error::field("usage_data", error.to_string(), "usage"))?;
    Ok(Outlook { as_of, projection, analysis: profile(usage, &home.market, property) })
}

impl Outlook {
    /// As clients read it.
    pub fn user_profile(&self) -> UserProfile {
        UserProfile::of(&self.analysis, &self.projection)
    }
}

/// `held` or `standard`.
pub const fn shape_name(shape: ShapeSource) -> &'static str {
    match shape {
        ShapeSource::Held => "held",
        ShapeSource::Standard => "standard",
    }
}

/// Everything random follows from the input.
fn seed(home: &Home, property: PropertyType, usage: &ReadingSet, as_of: Date) -> u64 {
    let mut hash = Sha256::new();
    hash.update(format!("{}/{}/{as_of}", home.market.id, property.as_str()));
    for month in usage.monthly() {
        hash.update(month.month.to_string());
        hash.update(month.energy.mwh_thousandths().to_le_bytes());
    }
    u64::from_le_bytes(hash.finalize()[..8].try_into().expect("a digest has 32 bytes"))
}
