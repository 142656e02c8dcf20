//! What every chart is drawn with: a scale from values to places, round ticks, and a frame that says what it shows.

use maud::{Markup, html};
use std::fmt;

/// A place on the drawing, to a tenth of a unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At(pub f64);

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round() / 10.0;
        // No negative zero.
        write!(out, "{}", if tenths == 0.0 { 0.0 } else { tenths })
    }
}

/// Values `low..=high` laid over places `from..=to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// A scale that holds all `values` and zero, and ends on a tick; at least two units long.
    pub fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Scale {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for value in values.filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        if high - low < 2.0 {
            high = low + 2.0;
        }
        let step = step(low, high);
        Scale { low: (low / step).floor() * step, high: (high / step).ceil() * step, from, to }
    }

    /// Exactly from `low` to `high`.
    pub fn exact(low: f64, high: f64, from: f64, to: f64) -> Scale {
        Scale { low, high, from, to }
    }

    pub fn at(&self, value: f64) -> At {
        let share = if self.high > self.low { (value - self.low) / (self.high - self.low) } else { 0.0 };
        At(self.from + share.clamp(0.0, 1.0) * (self.to - self.from))
    }

    /// Round values to put a line at, low to high.
    pub fn ticks(&self) -> Vec<f64> {
        let step = step(self.low, self.high);
        let count = ((self.high - self.low) / step).round() as i32;
        (0..=count).map(|n| self.low + f64::from(n) * step).collect()
    }
}

/// One, two or five times a power of ten, so that about five steps fit; never below one.
fn step(low: f64, high: f64) -> f64 {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|of| of * power).find(|step| *step >= rough).unwrap_or(10.0 * power);
    step.max(1.0)
}

/// A drawing of `width` by `height` units. Who cannot see it is read the title and the description.
pub fn drawing(id: &str, size: (u32, u32), title: &str, description: &str, content: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {} {}", size.0, size.1)) role="img" aria-labelledby={ (id) "-title " (id) "-desc" }
            xmlns="http://www.w3.org/2000/svg" {
            title id={ (id) "-title" } { (title) }
            desc id={ (id) "-desc" } { (description) }
            (content)
        }
    }
}

/// Lines across from `left` to `right` at every tick, each with its value; the line of zero is stronger.
pub fn grid(scale: &Scale, (left, right): (f64, f64), label: impl Fn(f64) -> String) -> Markup {
    html! {
        @for tick in scale.ticks() {
            @let y = scale.at(tick);
            line class=(if tick == 0.0 { "zero" } else { "grid" }) x1=(At(left)) x2=(At(right)) y1=(y) y2=(y) {}
            text class="tick" x=(At(left - 6.0)) y=(At(y.0 + 3.5)) text-anchor="end" { (label(tick)) }
        }
    }
}

/// The points of a line, `x,y x,y`.
pub fn points(of: impl Iterator<Item = (At, At)>) -> String {
    of.map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_holds_its_values_and_zero_and_ends_on_ticks() {
        for (values, ticks) in [
            (vec![37.0, 183.0], vec![0.0, 50.0, 100.0, 150.0, 200.0]),
            (vec![-120.0, 300.0], vec![-200.0, -100.0, 0.0, 100.0, 200.0, 300.0]),
            (vec![0.0], vec![0.0, 1.0, 2.0]),
            (vec![f64::NAN, f64::INFINITY], vec![0.0, 1.0, 2.0]),
            (vec![9_000_000.0], vec![0.0, 2_000_000.0, 4_000_000.0, 6_000_000.0, 8_000_000.0, 10_000_000.0]),
        ] {
            assert_eq!(Scale::over(values.iter().copied(), 100.0, 0.0).ticks(), ticks, "{values:?}");
        }
    }

    #[test]
    fn places_run_from_one_end_to_the_other_and_never_beyond() {
        let scale = Scale::over([200.0].into_iter(), 100.0, 0.0);
        let places = [-50.0, 0.0, 50.0, 200.0, 900.0].map(|value| scale.at(value).to_string());
        assert_eq!(places, ["100", "100", "75", "0", "0"]);
        assert_eq!(At(-0.01).to_string(), "0");
    }
}
