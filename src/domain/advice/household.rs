//! The household's usage as the answer tells it.

use super::answer::{ProjectedUse, UserProfile, rounded};
use super::year::MONTHS;
use crate::domain::units::Energy;
use crate::domain::usage::profile::Profile;
use crate::domain::usage::projection::{Projection, ShapeSource};

impl UserProfile {
    pub fn of(profile: &Profile, projection: &Projection) -> UserProfile {
        let annual: Energy = projection.months.iter().map(|month| month.expected).sum();
        let kwh = |energy: Energy| rounded(energy.kwh(), 3);
        UserProfile {
            profile_type: profile.profile_type.as_str().to_owned(),
            projected_annual_kwh: kwh(annual),
            mean_monthly_kwh: kwh(annual.scale(1, MONTHS as i64)),
            has_seasonal_pattern: profile.seasonality.seasonal,
            confidence_score: rounded(projection.confidence, 2),
            projected_months: projection
                .months
                .iter()
                .map(|month| ProjectedUse {
                    month: month.month.first_day(),
                    kwh: kwh(month.expected),
                    p10: kwh(month.band.p10),
                    p90: kwh(month.band.p90),
                })
                .collect(),
            hourly_shape: match projection.shape {
                ShapeSource::Held => "held".into(),
                ShapeSource::Standard => "standard".into(),
            },
        }
    }
}
