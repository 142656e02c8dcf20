//! The profile: statistics, seasons, the first rule that fits.

use crate::{market, months};
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::usage::profile::{Profile, ProfileType, Statistics, profile};
use treebeard::domain::usage::quality::QualityLevel;
use treebeard::domain::usage::readings::ReadingSet;

fn of(first: &str, kwh: &[i64]) -> Profile {
    profile(&months(first, kwh), &market(), PropertyType::Residential)
}

#[test]
fn the_first_rule_that_fits_names_the_profile() {
    let table: [(&str, Vec<i64>, ProfileType); 9] = [
        ("2024-01", vec![900, 900], ProfileType::InsufficientData),
        ("2024-01", vec![800, 800, 850, 900, 950, 1200, 1300, 1250, 1000, 900, 850, 820], ProfileType::Seasonal),
        ("2024-01", vec![1500, 1500, 900, 900, 900, 900, 900, 900, 900, 900, 900, 1500], ProfileType::Seasonal),
        ("2024-03", vec![400, 900, 1600, 700], ProfileType::Variable),
        ("2024-01", vec![1600; 12], ProfileType::HighUser),
        ("2024-01", vec![300; 12], ProfileType::LowUser),
        ("2024-01", vec![900; 12], ProfileType::Baseline),
        ("2024-01", vec![0; 12], ProfileType::LowUser),
        // Summer alone: the other season is not observed, so nothing is called seasonal.
        ("2024-06", vec![1200, 1300, 1250], ProfileType::Baseline),
    ];
    for (first, kwh, expected) in table {
        assert_eq!(of(first, &kwh).profile_type, expected, "{kwh:?}");
    }
}

#[test]
fn seasonal_starts_at_exactly_1_35() {
    let year = |summer: i64| {
        let mut kwh = [1000; 12];
        kwh[5..8].fill(summer);
        of("2024-01", &kwh).seasonality
    };
    assert_eq!((year(1350).seasonal, year(1350).summer_winter_ratio), (true, Some(1.35)));
    assert!(!year(1349).seasonal);
}

#[test]
fn a_winter_without_use_is_seasonal_and_has_no_ratio() {
    let seasons = of("2024-01", &[0, 0, 0, 100, 100, 100, 100, 100, 100, 0, 0, 0]).seasonality;
    assert_eq!((seasons.seasonal, seasons.summer_winter_ratio), (true, None));
}

#[test]
fn statistics_of_known_values() {
    assert_eq!(
        Statistics::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).map(|s| (s.min, s.max, s.mean, s.median)),
        Some((2.0, 9.0, 5.0, 4.5))
    );
    let statistics = Statistics::of(&[1.0, 2.0, 3.0, 4.0]).expect("values");
    assert!((statistics.sd - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert!((statistics.cv - statistics.sd / 2.5).abs() < 1e-12);
    let one = Statistics::of(&[7.0]).expect("a value");
    assert_eq!((one.sd, one.cv, one.median), (0.0, 0.0, 7.0));
    assert_eq!(Statistics::of(&[0.0, 0.0]).map(|s| s.cv), Some(0.0));
    assert_eq!(Statistics::of(&[]), None);
}

#[test]
fn twelve_months_are_good_data_and_the_annual_use_is_their_sum() {
    let whole = of("2023-01", &[900; 12]);
    assert_eq!((whole.months, whole.completeness, whole.quality.level), (12, 1.0, QualityLevel::Good));
    assert!((whole.annual_kwh - 10_800.0).abs() < 10.0, "{}", whole.annual_kwh);
    let nothing = profile(&ReadingSet::Months(Vec::new()), &market(), PropertyType::Residential);
    assert_eq!((nothing.profile_type, nothing.annual_kwh), (ProfileType::InsufficientData, 0.0));
}

#[test]
fn a_profile_is_plain_json() {
    let json = serde_json::to_value(of("2024-01", &[900; 12])).expect("a profile is JSON");
    assert_eq!(json["profile_type"], "baseline");
    assert_eq!((json["first_month"].as_str(), json["last_month"].as_str()), (Some("2024-01"), Some("2024-12")));
}
