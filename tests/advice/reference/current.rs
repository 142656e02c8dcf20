//! The plan a made-up household is on: what it costs, when it ends, what leaving it and waiting costs, day by day.

use super::bills::{Priced, Terms, half_up};
use super::household::{Calendar, Household, Known};
use super::world::{Exit, Market, Plan, Rate};
use jiff::ToSpan;
use jiff::civil::Date;

/// A cent in parts that every length of a month divides: 28, 29, 30 and 31 days.
pub const SPLIT: i128 = 377_580;

pub struct Own<'a> {
    pub plan: Option<&'a Plan>,
    pub end: Option<Date>,
    stated_fee: Option<i64>,
    pub cost: Option<Cost>,
}

pub struct Cost {
    pub months: [i128; 12],
    pub after: Option<[i128; 12]>,
    pub paths: Vec<f64>,
    pub exact: bool,
}

impl Cost {
    pub fn annual(&self) -> i128 {
        self.months.iter().sum()
    }
}

impl From<Priced> for Cost {
    fn from(priced: Priced) -> Cost {
        Cost { months: priced.months, after: None, paths: priced.paths, exact: priced.exact }
    }
}

impl<'a> Own<'a> {
    pub fn of(market: &'a Market, calendar: &Calendar, household: &Household) -> Option<Own<'a>> {
        let plan = match household.known {
            Known::Nothing => return None,
            Known::Plan(n) => Some(&market.plans[n]),
            _ => None,
        };
        let term = plan.map_or(0, |plan| plan.term);
        let by_term = household.start.filter(|_| term > 0);
        let by_term = by_term.map(|start| start.checked_add(term.months()).expect("a day").yesterday().expect("a day"));
        let end = household.end.or(by_term);
        let mut own = Own { plan, end, stated_fee: household.exit_fee, cost: None };
        own.cost = own.find_cost(market, calendar, household);
        Some(own)
    }

    fn find_cost(&self, market: &Market, calendar: &Calendar, household: &Household) -> Option<Cost> {
        let terms = |rate, fee, moving| Terms { rate, fee, delivery: None, start: None, moving };
        match &household.known {
            Known::Nothing | Known::OnlyItsName => None,
            Known::Structure(rate, fee) => Some(terms(rate, *fee, Some(1.0)).price(household, calendar).into()),
            Known::Rate(price, fee) => Some(terms(&Rate::Flat(*price), *fee, None).price(household, calendar).into()),
            Known::Annual(sum) => Some(spread(i128::from(*sum), household)),
            Known::Plan(_) => {
                let plan = self.plan?;
                let start = self.start(household, plan);
                let contract = Terms { start, ..Terms::of(plan, market.delivery) };
                let Some(price) = plan.after else { return Some(contract.price(household, calendar).into()) };
                let rate = Rate::Flat(price);
                let after: Cost = Terms { rate: &rate, ..contract }.price(household, calendar).into();
                let months = Some(after.months);
                let ended = self.end.is_some_and(|end| end < market.as_of);
                let own = if ended { after } else { contract.price(household, calendar).into() };
                Some(Cost { after: months, ..own })
            }
        }
    }

    /// The first day of the contract, stated or counted back from its end.
    fn start(&self, household: &Household, plan: &Plan) -> Option<Date> {
        let end = self.end.filter(|_| plan.term > 0);
        let by_end = end.map(|end| end.tomorrow().expect("a day").checked_sub(plan.term.months()).expect("a day"));
        household.start.or(by_end)
    }

    /// Cents for leaving on a day.
    pub fn exit_fee(&self, day: Date) -> i128 {
        if self.free_from().is_some_and(|free| day >= free) {
            return 0;
        }
        if let Some(fee) = self.stated_fee {
            return fee.into();
        }
        match (self.plan, self.end) {
            (Some(plan), Some(end)) => exit_fee(plan.exit, months_left(day, end), plan.term),
            (Some(plan), None) => typical_exit_fee(plan),
            _ => 0,
        }
    }

    pub fn free_from(&self) -> Option<Date> {
        self.end.map(|end| end.checked_sub(14.days()).expect("a day"))
    }
}

pub fn typical_exit_fee(plan: &Plan) -> i128 {
    match plan.exit {
        Exit::Flat(fee) => fee.into(),
        exit => exit_fee(exit, (plan.term + 1) / 2, plan.term),
    }
}

fn exit_fee(exit: Exit, left: i64, term: i64) -> i128 {
    let left = left.min(term);
    match exit {
        _ if left == 0 => 0,
        Exit::None => 0,
        Exit::Flat(fee) => fee.into(),
        Exit::PerMonth(fee) => i128::from(fee * left),
        Exit::Declining(fee) => half_up(i128::from(fee * left), term.into()),
    }
}

/// Counted one by one: each month begun counts.
pub fn months_left(day: Date, end: Date) -> i64 {
    let (mut count, mut month) = (0, (day.year(), day.month()));
    while (month.0, month.1, day.day()) <= (end.year(), end.month(), end.day()) {
        count += 1;
        month = if month.1 == 12 { (month.0 + 1, 1) } else { (month.0, month.1 + 1) };
    }
    if end >= day { count.max(1) } else { 0 }
}

fn spread(sum: i128, household: &Household) -> Cost {
    let energy = household.months.map(i128::from);
    let all: i128 = energy.iter().sum();
    let mut months: [i128; 12] =
        std::array::from_fn(|n| if all > 0 { half_up(sum * energy[n], all) } else { half_up(sum, 12) });
    months[11] = sum - months[..11].iter().sum::<i128>();
    let paths = (0..64).map(|n| {
        let used = |month: usize| {
            let mean = household.paths.iter().map(|path| path[month] as f64).sum::<f64>() / 64.0;
            energy[month] as f64 * household.paths[n][month] as f64 / mean
        };
        if all > 0 { sum as f64 * (0..12).map(used).sum::<f64>() / all as f64 } else { sum as f64 }
    });
    Cost { months, after: None, paths: paths.collect(), exact: false }
}

/// Every day from `as_of` over the months looked at, with what it costs on the old plan and on the new one.
pub struct Days {
    pub starts: Vec<Date>,
    dates: Vec<Date>,
    /// Sums of all days before, in parts of a cent.
    old: Vec<i128>,
    new: Vec<i128>,
}

impl Days {
    pub fn of(as_of: Date, count: i64, own: &Own<'_>, cost: &Cost, new: &[i128]) -> Days {
        let starts: Vec<Date> = (0..=count).map(|n| as_of.checked_add(n.months()).expect("a day")).collect();
        let mut days = Days { starts, dates: Vec::new(), old: vec![0], new: vec![0] };
        for (n, pair) in days.starts.windows(2).enumerate() {
            let length = i128::from(pair[0].until(pair[1]).expect("days").get_days());
            let mut day = pair[0];
            while day < pair[1] {
                let over = own.end.is_some_and(|end| day > end);
                let months = cost.after.filter(|_| over).unwrap_or(cost.months);
                days.old.push(days.old[days.old.len() - 1] + months[n % 12] * SPLIT / length);
                days.new.push(days.new[days.new.len() - 1] + new[n % 12] * SPLIT / length);
                days.dates.push(day);
                day = day.tomorrow().expect("a day");
            }
        }
        days
    }

    /// The old plan up to a day, the new one from it on.
    pub fn switched_on(&self, day: Date) -> i128 {
        let n = self.dates.partition_point(|date| *date < day);
        self.old[n] + self.new[self.new.len() - 1] - self.new[n]
    }

    /// All of it on the old plan, between two months.
    pub fn stayed(&self, from: usize, to: usize) -> i128 {
        let at = |month: usize| self.dates.partition_point(|date| *date < self.starts[month]);
        self.old[at(to)] - self.old[at(from)]
    }
}
