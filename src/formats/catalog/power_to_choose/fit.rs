//! From three average prices back to a price structure (numbers only; the tariff is made from the shape elsewhere).
//!
//! The averages at 500, 1,000 and 2,000 kWh are rounded to 0.1 cent, so a structure fits when it lies within half of
//! that at all three. Candidates come in the order of plainness: one price; a base charge and one price; the same with
//! the delivery charges inside; a monthly credit; then structures the three bills themselves suggest (a minimum-usage
//! fee, blocks, a usage credit). What the offer's text states is always tried first, as part of each.

use super::prose::{Stated, Sum};
use crate::domain::tariff::model::UsageBand;
use crate::domain::units::Energy;

/// The levels of use the averages are published for, in kWh.
pub const LEVELS: [f64; 3] = [500.0, 1000.0, 2000.0];

/// Half a step of published averages, currency per kWh, and the widest difference still called reproduced.
const ROUNDING: f64 = 0.000_500_1;
const WIDEST: f64 = 0.000_99;

/// A utility's delivery charges in force, currency a month and per kWh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DeliveryCharges {
    pub month: f64,
    pub kwh: f64,
}

/// A price structure that explains the averages, in currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Delivery is the utility's own tariff; otherwise it is inside these prices.
    pub passthrough: bool,
    /// The charges the text states are part of it.
    pub stated: bool,
    /// Per bill; negative: a credit.
    pub base: f64,
    /// Cumulative bounds in kWh, and one price more than bounds.
    pub bounds: Vec<f64>,
    pub prices: Vec<f64>,
    /// A fee or credit inferred from the averages.
    pub extra: Option<Sum>,
}

/// Shapes that fit, the plainest first; the caller takes the first that bills right.
pub fn shapes(averages: [f64; 3], stated: &Stated, delivery: Option<DeliveryCharges>) -> Vec<Shape> {
    let mut found = Vec::new();
    let mut views = Vec::new();
    for with_text in [true, false] {
        if with_text && stated.is_empty() {
            continue;
        }
        let text = |level: f64| if with_text { stated.bill(level) } else { 0.0 };
        let own_energy = with_text && stated.has_energy();
        if let Some(charges) = delivery {
            let left = rest(averages, |level| text(level) + charges.month + charges.kwh * level);
            views.push(View { left, passthrough: true, stated: with_text, own_energy });
        }
        let left = rest(averages, text);
        views.push(View { left, passthrough: false, stated: with_text, own_energy });
    }
    if stated.same_below == Some(1000.0) {
        found.extend(views.iter().filter(|view| !view.stated && !view.passthrough).filter_map(View::blocks));
    }
    for with_text in [true, false] {
        let of_text = || views.iter().filter(move |view| view.stated == with_text);
        for tolerance in [ROUNDING, WIDEST] {
            found.extend(of_text().filter_map(|view| view.linear(tolerance, |base| base >= -0.005)));
            found.extend(of_text().filter_map(|view| view.linear(tolerance, |base| base < 0.0)));
        }
        found.extend(of_text().filter(|view| view.stated).filter_map(View::blocks));
    }
    for view in views.iter().filter(|view| !view.stated) {
        found.extend(view.inferred());
    }
    // Nothing fits: the mean price, whose distance from the averages will be told.
    found.extend(views.last().map(|view| view.shape(0.0, Vec::new(), vec![averages.iter().sum::<f64>() / 3.0], None)));
    found
}

/// The averages less what is known.
fn rest(averages: [f64; 3], known: impl Fn(f64) -> f64) -> [f64; 3] {
    [0, 1, 2].map(|n| averages[n] - known(LEVELS[n]) / LEVELS[n])
}

/// What is left to explain once text and delivery charges are taken off.
struct View {
    left: [f64; 3],
    passthrough: bool,
    stated: bool,
    own_energy: bool,
}

impl View {
    fn shape(&self, base: f64, bounds: Vec<f64>, prices: Vec<f64>, extra: Option<Sum>) -> Shape {
        let base = (base * 100.0).round() / 100.0;
        let prices = prices.into_iter().map(|price| (price.max(0.0) * 1e5).round() / 1e5).collect();
        Shape { passthrough: self.passthrough, stated: self.stated, base, bounds, prices, extra }
    }

    /// One price, and a base charge that `accepts`: zero where it can be, else a customary sum, else the best.
    fn linear(&self, tolerance: f64, accepts: impl Fn(f64) -> bool) -> Option<Shape> {
        let x = LEVELS.map(|level| 1.0 / level);
        // The line through the outer levels, shifted half-way to the middle one, has the least largest error.
        let best = (self.left[0] - self.left[2]) / (x[0] - x[2]);
        let price = |base: f64| {
            let low = (0..3).map(|n| self.left[n] - tolerance - base * x[n]).fold(f64::NEG_INFINITY, f64::max);
            let high = (0..3).map(|n| self.left[n] + tolerance - base * x[n]).fold(f64::INFINITY, f64::min);
            if self.own_energy && low <= 0.0 && 0.0 <= high {
                return Some(0.0);
            }
            (low <= high && high >= 0.0).then(|| f64::midpoint(low.max(0.0), high))
        };
        let mut customary: Vec<f64> = vec![0.0];
        if self.passthrough {
            let mut usual = [4.95, 5.0, 9.95, 9.99, 10.0, 14.95, 14.99, 15.0, 19.95, 20.0, 24.95, 25.0, -5.0, -10.0];
            usual.sort_by(|a, b| (a - best).abs().total_cmp(&(b - best).abs()));
            customary.extend(usual);
        }
        let best = (best * 100.0).round() / 100.0;
        customary
            .into_iter()
            .chain([best])
            .filter(|base| accepts(*base))
            .find_map(|base| price(base).map(|price| self.shape(base, Vec::new(), vec![price], None)))
    }

    fn bill(&self, n: usize) -> f64 {
        self.left[n] * LEVELS[n]
    }

    /// Prices that differ below and above 1,000 kWh, with a base charge.
    fn blocks(&self) -> Option<Shape> {
        let low = (self.bill(1) - self.bill(0)) / 500.0;
        let high = (self.bill(2) - self.bill(1)) / 1000.0;
        let base = self.bill(0) - 500.0 * low;
        (low >= 0.0 && high >= 0.0 && base >= -0.005)
            .then(|| self.shape(base.max(0.0), vec![1000.0], vec![low, high], None))
    }

    /// Structures without a word in the text, from the three bills alone.
    fn inferred(&self) -> Vec<Shape> {
        let [low, middle, high] = [self.bill(0), self.bill(1), self.bill(2)];
        let above = (high - middle) / 1000.0;
        let mut found = Vec::new();
        // Nothing but energy from 1,000 kWh on, and a fixed sum more below it.
        let through_zero = f64::midpoint(middle / 1000.0, high / 2000.0);
        let fee = low - 500.0 * through_zero;
        if (middle / 1000.0 - high / 2000.0).abs() <= 2.0 * ROUNDING && through_zero >= 0.0 && fee > 1.0 {
            let band = UsageBand { max_kwh: kwh(1000.0), ..UsageBand::default() };
            found.push(self.shape(0.0, Vec::new(), vec![through_zero], Some(sum(fee, band))));
        }
        found.extend(self.blocks());
        // A credit from 1,000 kWh on.
        let base = low - 500.0 * above;
        let credit = base + 1000.0 * above - middle;
        if above >= 0.0 && base >= -0.005 && credit > 1.0 {
            let band = UsageBand { min_kwh: kwh(1000.0), ..UsageBand::default() };
            found.push(self.shape(base.max(0.0), Vec::new(), vec![above], Some(sum(-credit, band))));
        }
        // A credit at 1,000 kWh that is gone again at 2,000.
        let across = (high - low) / 1500.0;
        let base = low - 500.0 * across;
        let credit = base + 1000.0 * across - middle;
        if across >= 0.0 && base >= -0.005 && credit > 1.0 {
            let band = UsageBand { min_kwh: kwh(1000.0), max_kwh: kwh(2000.0), ..UsageBand::default() };
            found.push(self.shape(base.max(0.0), Vec::new(), vec![across], Some(sum(-credit, band))));
        }
        // Three blocks follow any bills that do not fall.
        let between = (middle - low) / 500.0;
        if low >= 0.0 && between >= 0.0 && above >= 0.0 {
            found.push(self.shape(0.0, vec![500.0, 1000.0], vec![low / 500.0, between, above], None));
        }
        found
    }
}

fn kwh(value: f64) -> Option<Energy> {
    Energy::from_kwh(value).ok()
}

fn sum(amount: f64, band: UsageBand) -> Sum {
    Sum { amount: (amount * 100.0).round() / 100.0, band, months: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(averages: [f64; 3], stated: &Stated) -> Shape {
        shapes(averages, stated, None).into_iter().next().expect("a shape")
    }

    #[test]
    fn a_credit_that_the_text_states_leaves_a_base_and_one_price() {
        let stated = super::super::prose::read("A bill credit of $125 will be applied if usage is 1000 kWh or more.");
        // Published averages of a real offer; its label states 19.1 cents and a base of $3.00.
        let shape = first([0.197, 0.069, 0.130], &stated);
        assert_eq!((shape.base, shape.prices, shape.stated), (3.0, vec![0.191], true));
    }

    #[test]
    fn without_a_text_the_same_averages_suggest_the_credit() {
        let shape = first([0.197, 0.069, 0.130], &Stated::default());
        let extra = shape.extra.expect("a credit");
        assert_eq!((shape.base, shape.prices, extra.amount), (3.0, vec![0.191], -125.0));
    }

    #[test]
    fn one_price_is_preferred_to_a_base_charge_that_rounding_explains() {
        let shape = first([0.1005, 0.1004, 0.1], &Stated::default());
        assert_eq!((shape.base, shape.bounds.len()), (0.0, 0));
        let delivery = DeliveryCharges { month: 4.06, kwh: 0.061_196 };
        let shapes = shapes([0.206, 0.191, 0.184], &Stated::default(), Some(delivery));
        assert!(shapes[0].passthrough && (shapes[0].base - 9.99).abs() < 0.05, "{:?}", shapes[0]);
    }
}
