//! What a plan costs, the slow way: hour by hour, path by path, line by line, in whole numbers.

use super::household::{Calendar, Hour, Household};
use super::world::{Plan, Rate};
use jiff::ToSpan;
use jiff::civil::Date;

/// Of a cent: milliwatt-hours times thousandths of a cent per kWh.
const PARTS: i128 = 1_000_000_000;

/// A month's energy in milliwatt-hours: all of it, and that of the hours with a price of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct Month {
    pub all: i64,
    pub peak: i64,
    /// 1..=12.
    pub of_year: i8,
    pub of_contract: i64,
}

/// The bills of a plan on every path.
#[derive(Debug, Clone)]
pub struct Priced {
    /// Cents, expected.
    pub months: [i128; 12],
    /// The yearly totals in cents, prices that may change included.
    pub paths: Vec<f64>,
    pub worst: f64,
    /// The expected cost is exact to the cent: no bill bends.
    pub exact: bool,
}

impl Priced {
    pub fn annual(&self) -> i128 {
        self.months.iter().sum()
    }

    /// Between neighbours in proportion.
    pub fn at(&self, share: f64) -> f64 {
        let mut sorted = self.paths.clone();
        sorted.sort_by(f64::total_cmp);
        let place = share * 63.0;
        let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
        low + (high - low) * (place - place.floor())
    }
}

/// What is asked of a price: the rate, the fee beside it, the wires.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    pub rate: &'a Rate,
    pub fee: i64,
    pub delivery: Option<(i64, i64)>,
    /// The first day of the contract; that of the year when it is not stated.
    pub start: Option<Date>,
    /// Share of a bill of 1,000 kWh that a variable price moves; `None`: worked out.
    pub moving: Option<f64>,
}

impl Terms<'_> {
    pub fn of(plan: &Plan, delivery: (i64, i64)) -> Terms<'_> {
        let delivery = plan.passthrough.then_some(delivery);
        Terms { rate: &plan.rate, fee: plan.monthly_fee, delivery, start: None, moving: None }
    }

    /// Cents of each month on the expected use.
    pub fn plain(self, household: &Household, calendar: &Calendar) -> [i128; 12] {
        self.months(household, calendar).map(|month| self.bill(month))
    }

    pub fn price(self, household: &Household, calendar: &Calendar) -> Priced {
        let months = self.months(household, calendar);
        let plain: [i128; 12] = std::array::from_fn(|n| self.bill(months[n]));
        let factors = centred(&household.paths);
        let exact = matches!(
            self.rate,
            Rate::Flat(_) | Rate::Clock { .. } | Rate::Variable { .. } | Rate::Summer { .. } | Rate::Intro { .. }
        );
        let (mut sums, mut paths) = ([0i128; 12], Vec::new());
        let mut worst = f64::MIN;
        for (path, n) in factors.iter().zip(0..) {
            let moved = self.moved(n);
            let mut year = 0;
            for (month, sum) in sums.iter_mut().enumerate() {
                let own = months[month];
                let bill =
                    self.bill(Month { all: part(own.all, path[month]), peak: part(own.peak, path[month]), ..own });
                *sum += bill;
                year += bill;
                worst = worst.max(bill as f64 * moved);
            }
            paths.push(year as f64 * moved);
        }
        let expected = std::array::from_fn(|n| if exact { plain[n] } else { half_up(sums[n], 64) });
        worst = expected.iter().fold(worst, |worst, bill| worst.max(*bill as f64));
        Priced { months: expected, paths, worst, exact }
    }

    fn months(self, household: &Household, calendar: &Calendar) -> [Month; 12] {
        let mut months: [Month; 12] = std::array::from_fn(|n| Month {
            of_year: ((calendar.first.month() as usize + n - 1) % 12 + 1) as i8,
            of_contract: self.contract_month(calendar, n as i64),
            all: household.months[n],
            peak: 0,
        });
        if matches!(self.rate, Rate::Clock { .. }) {
            for (hour, energy) in calendar.hours.iter().zip(&household.energy).filter(|(hour, _)| self.is_peak(**hour))
            {
                months[hour.month].peak += energy;
            }
        }
        months
    }

    /// The month of the contract that the last day of the `n`-th bill lies in, counted one by one.
    fn contract_month(self, calendar: &Calendar, n: i64) -> i64 {
        let last = calendar.first.checked_add((n + 1).months()).expect("a day").yesterday().expect("a day");
        let start = self.start.unwrap_or(calendar.first);
        (0..1_000)
            .take_while(|count: &i64| start.checked_add(count.months()).is_ok_and(|begins| begins <= last))
            .count() as i64
    }

    fn is_peak(self, hour: Hour) -> bool {
        match self.rate {
            Rate::Clock { from, to, workdays, .. } => {
                *from <= hour.clock && hour.clock < *to && (hour.workday || !workdays)
            }
            _ => false,
        }
    }

    /// Cents of one month: every line rounded, then added up.
    pub fn bill(self, month: Month) -> i128 {
        let energy = |held: i64, price: i64| half_up(i128::from(held) * i128::from(price), PARTS);
        let over = |kwh: i64| month.all - kwh * 1_000_000;
        let mut lines = match self.rate {
            Rate::Flat(price) => energy(month.all, *price),
            Rate::Variable { base, usual } => energy(month.all, usual.unwrap_or(*base)),
            Rate::Clock { peak, rest, .. } => energy(month.peak, *peak) + energy(month.all - month.peak, *rest),
            Rate::Summer { price, summer } => {
                energy(month.all, if (6..=9).contains(&month.of_year) { *summer } else { *price })
            }
            Rate::Intro { price, later, months } => {
                energy(month.all, if month.of_contract > *months { *later } else { *price })
            }
            Rate::Tiers { bounds, prices } => {
                let mut below = 0;
                let mut sum = 0;
                for (bound, price) in bounds.iter().map(|kwh| kwh * 1_000_000).chain([i64::MAX]).zip(prices) {
                    sum += energy((month.all.min(bound) - below).max(0), *price);
                    below = bound;
                }
                sum
            }
            Rate::Credit { price, cents, from, above, to, including } => {
                let reached = over(*from) > 0 || (over(*from) == 0 && !above);
                let within = to.is_none_or(|to| over(to) < 0 || (over(to) == 0 && *including));
                energy(month.all, *price) - if reached && within { i128::from(*cents) } else { 0 }
            }
            Rate::LeastUse { price, cents, below } => {
                energy(month.all, *price) + if over(*below) < 0 { i128::from(*cents) } else { 0 }
            }
            Rate::LeastBill { price, cents } => energy(month.all, *price).max(i128::from(*cents)),
        };
        if let Some((by_month, by_kwh)) = self.delivery {
            lines += i128::from(by_month) + energy(month.all, by_kwh);
        }
        lines + i128::from(self.fee)
    }

    /// By how much a variable price moves the bills of the `n`-th path: quantiles of a logistic curve, mixed.
    fn moved(self, n: usize) -> f64 {
        let Rate::Variable { base, usual } = self.rate else { return 1.0 };
        let share = self.moving.unwrap_or_else(|| {
            let energy = usual.unwrap_or(*base) as f64;
            let (by_month, by_kwh) = self.delivery.unwrap_or_default();
            energy / (energy + by_kwh as f64 + (by_month + self.fee) as f64)
        });
        let place = ((n * 7 + 3) % 64) as f64 / 64.0 + 1.0 / 128.0;
        1.0 + share * 0.15 * (place / (1.0 - place)).ln() / 1.702
    }
}

/// Factors whose mean is one in every month, in millionths, cut off.
fn centred(paths: &[[i64; 12]]) -> Vec<[i64; 12]> {
    let sum = |month: usize| paths.iter().map(|path| i128::from(path[month])).sum::<i128>();
    paths
        .iter()
        .map(|path| std::array::from_fn(|month| (i128::from(path[month]) * 64_000_000 / sum(month)) as i64))
        .collect()
}

fn part(energy: i64, millionths: i64) -> i64 {
    half_up(i128::from(energy) * i128::from(millionths), 1_000_000) as i64
}

/// The quotient to the nearest whole number, half away from zero.
pub fn half_up(value: i128, by: i128) -> i128 {
    let whole = value / by;
    if (value - whole * by).abs() * 2 >= by { whole + value.signum() } else { whole }
}
