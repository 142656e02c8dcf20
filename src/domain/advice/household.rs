//! The household's usage as the answer tells it.

use super::answer::{ProjectedUse, UserProfile, rounded};
use super::year::MONTHS;
use crate::domain::units::Energy;
use crate::domain::usage::profile::Profile;
use crate::domain::usage::projection::{Projection, ShapeSource};

impl UserProfile {
    pub fn of(profile: &Profile, projection: &Projection) -> UserProfile {
        let observed = UserProfile {
            profile_type: profile.profile_type.as_str().to_owned(),
            projected_annual_kwh: 0.0,
            mean_monthly_kwh: 0.0,
            has_seasonal_pattern: profile.seasonality.seasonal,
            confidence_score: 0.0,
            projected_months: Vec::new(),
            hourly_shape: String::new(),
        };
        observed.with_projection(projection)
    }

    /// The same household with another year ahead: what was observed of it stays.
    pub fn with_projection(&self, projection: &Projection) -> UserProfile {
        let annual: Energy = projection.months.iter().map(|month| month.expected).sum();
        let kwh = |energy: Energy| rounded(energy.kwh(), 3);
        UserProfile {
            profile_type: self.profile_type.clone(),
            projected_annual_kwh: kwh(annual),
            mean_monthly_kwh: kwh(annual.scale(1, MONTHS as i64)),
            has_seasonal_pattern: self.has_seasonal_pattern,
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
