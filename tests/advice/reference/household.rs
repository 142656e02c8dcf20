//! Made-up households: a year of hours, usage paths, what matters to them, what they are on.

use super::dice::Dice;
use super::world::{Market, Rate, cents, dollars};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use treebeard::domain::advice::{CurrentPlan, Location, Options, Priorities, Request, UserProfile};
use treebeard::domain::calendar::Month;
use treebeard::domain::catalog::PropertyType;
use treebeard::domain::units::Energy;
use treebeard::domain::usage::projection::{Band, ProjectedMonth, Projection, ShapeSource};
use treebeard::domain::usage::readings::Intervals;

/// What one hour of the coming year is: month from 0, clock hour, Monday to Friday.
#[derive(Debug, Clone, Copy)]
pub struct Hour {
    pub month: usize,
    pub clock: i64,
    pub workday: bool,
}

/// The hours of the twelve months after `as_of`, walked instant by instant.
pub struct Calendar {
    pub first: Date,
    pub hours: Vec<Hour>,
    empty: Intervals,
}

impl Calendar {
    pub fn after(as_of: Date) -> Calendar {
        let zone = TimeZone::get("America/Chicago").expect("a zone");
        let first = as_of.first_of_month().checked_add(1.month()).expect("a day");
        let end = first.checked_add(1.year()).expect("a day");
        let instant = |day: Date| day.to_zoned(zone.clone()).expect("midnight").timestamp().as_second();
        let hour = |second: i64| {
            let local = Timestamp::from_second(second).expect("an instant").to_zoned(zone.clone());
            let months = (i32::from(local.year()) - i32::from(first.year())) * 12 + i32::from(local.month())
                - i32::from(first.month());
            let workday = !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
            Hour { month: months as usize, clock: i64::from(local.hour()), workday }
        };
        let hours: Vec<Hour> = (instant(first)..instant(end)).step_by(3_600).map(hour).collect();
        let days = (instant(end) - instant(first) + 43_200) / 86_400;
        let empty = Intervals::empty(&zone, 60, first, days as u32);
        assert_eq!(empty.import.len(), hours.len());
        Calendar { first, hours, empty }
    }
}

/// How the household's own plan is known.
#[derive(Debug, Clone)]
pub enum Known {
    Nothing,
    Plan(usize),
    Structure(Rate, i64),
    Rate(i64, i64),
    Annual(i64),
    OnlyItsName,
}

pub struct Household {
    pub known: Known,
    pub supplier: Option<usize>,
    pub start: Option<Date>,
    pub end: Option<Date>,
    pub exit_fee: Option<i64>,
    pub hours_known: bool,
    pub confidence: i64,
    pub priorities: [u8; 4],
    pub longest: Option<i64>,
    pub greenest: Option<i64>,
    /// Milliwatt-hours of each hour.
    pub energy: Vec<i64>,
    /// Of each month.
    pub months: [i64; 12],
    /// Factors in millionths, as they are drawn.
    pub paths: Vec<[i64; 12]>,
    pub bands: Vec<(i64, i64)>,
}

impl Household {
    pub fn new(market: &Market, calendar: &Calendar, dice: &mut Dice) -> Household {
        let scale = dice.pick(&[0, 200, 700, 1_000, 1_000, 1_000, 1_800]);
        let size: Vec<i64> = (0..12).map(|_| dice.between(scale * 7 / 10, scale * 13 / 10)).collect();
        let energy: Vec<i64> = calendar.hours.iter().map(|hour| size[hour.month] * dice.between(200, 2_600)).collect();
        let spread = dice.pick(&[0, 50_000, 150_000, 300_000]);
        let paths = (0..64).map(|_| std::array::from_fn(|_| 1_000_000 + dice.between(-spread, spread))).collect();
        let mut months = [0; 12];
        calendar.hours.iter().zip(&energy).for_each(|(hour, held)| months[hour.month] += held);
        let width = |own: i64| own / 1_000_000 * spread * 8 / 10;
        let bands = months.iter().map(|&own| (own - width(own), own + width(own))).collect();
        let known = match dice.between(0, 6) {
            0 => Known::Nothing,
            1 | 2 => Known::Plan(dice.between(0, market.plans.len() as i64 - 1) as usize),
            3 => Known::Structure(structure(dice), dice.pick(&[0, 5_00])),
            4 => Known::Rate(dice.between(8_000, 22_000), dice.pick(&[0, 9_95])),
            5 => Known::Annual(dice.between(600_00, 3_500_00)),
            _ => Known::OnlyItsName,
        };
        let has_plan = !matches!(known, Known::Nothing);
        let end = (has_plan && dice.chance(70)).then(|| {
            let days = dice.pick(&[-40, -1, 0, 1, 13, 14, 15, 30, 90, 364, 365, 700, 1_400]);
            market.as_of.checked_add(i64::from(days).days()).expect("a day")
        });
        let cost = dice.pick(&[100, 70, 40, 25, 0]);
        let flexibility = dice.pick(&[0, 30, 31]).min(100 - cost);
        let rest = 100 - cost - flexibility;
        Household {
            known,
            supplier: (has_plan && dice.chance(50)).then(|| dice.between(0, 3) as usize),
            start: (has_plan && dice.chance(20)).then(|| market.as_of.checked_sub(100.days()).expect("a day")),
            end,
            exit_fee: (has_plan && dice.chance(50)).then(|| dice.pick(&[0, 50_00, 150_00, 400_00])),
            hours_known: !dice.chance(5),
            confidence: dice.pick(&[49, 50, 69, 70, 95]),
            priorities: [cost, flexibility, rest / 2, rest - rest / 2],
            longest: dice.chance(10).then(|| dice.pick(&[0, 12, 24])),
            greenest: dice.chance(10).then(|| dice.pick(&[6, 50])),
            energy,
            months,
            paths,
            bands,
        }
    }

    pub fn request(&self, market: &Market, calendar: &Calendar) -> Request {
        let [cost, flexibility, renewable, rating] = self.priorities;
        let projection = self.projection(calendar);
        let annual: f64 = projection.months.iter().map(|month| month.expected.kwh()).sum();
        let options = json!({ "top_n": 10, "max_contract_length": self.longest, "min_renewable": self.greenest,
            "explanations": "none" });
        Request {
            as_of: market.as_of,
            place: Location::Zip("75001".into()),
            property_type: PropertyType::Residential,
            profile: UserProfile {
                profile_type: "baseline".into(),
                projected_annual_kwh: annual,
                mean_monthly_kwh: annual / 12.0,
                has_seasonal_pattern: false,
                confidence_score: projection.confidence,
                projected_months: Vec::new(),
                hourly_shape: String::new(),
            },
            projection,
            priorities: Priorities::new(cost, flexibility, renewable, rating).expect("100"),
            current_plan: self.current_plan(market),
            options: serde_json::from_value::<Options>(options).expect("options"),
            include_risks: true,
        }
    }

    fn projection(&self, calendar: &Calendar) -> Projection {
        let milliwatt_hours = Energy::from_mwh_thousandths;
        let mut intervals = calendar.empty.clone();
        for (import, energy) in intervals.import.iter_mut().zip(&self.energy) {
            *import = milliwatt_hours(*energy);
        }
        let first_month = Month::of(calendar.first);
        let mut months: Vec<ProjectedMonth> = Vec::new();
        for (n, band) in self.bands.iter().enumerate() {
            let expected = milliwatt_hours(self.months[n]);
            let band = Band { p10: milliwatt_hours(band.0), p50: expected, p90: milliwatt_hours(band.1) };
            months.push(ProjectedMonth { month: first_month.plus(n as i32), expected, band });
        }
        let sum = |of: &dyn Fn(&ProjectedMonth) -> Energy| months.iter().map(of).sum();
        let annual = Band { p10: sum(&|m| m.band.p10), p50: sum(&|m| m.expected), p90: sum(&|m| m.band.p90) };
        Projection {
            first_month,
            annual,
            months,
            paths: self.paths.clone(),
            confidence: self.confidence as f64 / 100.0,
            intervals,
            shape: if self.hours_known { ShapeSource::Held } else { ShapeSource::Standard },
            other_shapes: None,
        }
    }

    fn current_plan(&self, market: &Market) -> Option<CurrentPlan> {
        let mut plan = json!({ "contract_start_date": self.start.map(|day| day.to_string()),
            "contract_end_date": self.end.map(|day| day.to_string()),
            "early_termination_fee": self.exit_fee.map(dollars),
            "supplier_name": self.supplier.map(|n| format!("supplier {n}")) });
        match &self.known {
            Known::Nothing => return None,
            Known::Plan(n) => {
                let listing =
                    market.snapshot.listings().iter().find(|listing| listing.plan.key == market.plans[*n].name);
                plan["plan_id"] = json!(listing.expect("listed").id);
            }
            Known::Structure(rate, fee) => {
                (plan["rate_structure"], plan["monthly_fee"]) = (rate.json(), json!(dollars(*fee)));
            }
            Known::Rate(price, fee) => {
                (plan["current_rate"], plan["monthly_fee"]) = (json!(cents(*price)), json!(dollars(*fee)));
            }
            Known::Annual(sum) => plan["annual_cost"] = json!(dollars(*sum)),
            Known::OnlyItsName => plan["plan_name"] = json!("Something"),
        }
        Some(serde_json::from_value(plan).expect("a current plan"))
    }
}

fn structure(dice: &mut Dice) -> Rate {
    let (price, other) = (dice.between(8_000, 20_000), dice.between(8_000, 20_000));
    let clock = Rate::Clock { peak: other, rest: price, from: 16, to: 20, workdays: true };
    let credit = Rate::Credit { price, cents: 60_00, from: 1_000, above: false, to: None, including: false };
    let variable = Rate::Variable { base: price, usual: None };
    dice.pick(&[
        Rate::Flat(price),
        Rate::Tiers { bounds: vec![500], prices: vec![price, other] },
        clock,
        credit,
        variable,
    ])
}
