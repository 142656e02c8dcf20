//! Exact quantities: [`Energy`], [`Price`], [`Money`], [`Percent`].
//!
//! All are integers, so the same bill is the same to the last digit on every machine. The scales are chosen so that
//! a product needs no rounding: energy in milliwatt-hours (10⁻⁶ kWh) times a price in 10⁻⁹ currency per kWh is money
//! in 10⁻¹⁵ currency. Money is rounded in one place only, [`Money::round`], when a bill says so.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

/// Why a number from outside cannot be a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    #[error("is not a number")]
    NotANumber,
    #[error("is outside the range {min} to {max}")]
    OutOfRange { min: i64, max: i64 },
    #[error("has more than {digits} decimals")]
    TooFine { digits: u32 },
}

/// Scales a finite float to an integer, refusing digits finer than the scale holds.
fn scaled(value: f64, scale: f64, limit: i64, digits: u32) -> Result<i64, UnitError> {
    if !value.is_finite() {
        return Err(UnitError::NotANumber);
    }
    if value.abs() > limit as f64 {
        return Err(UnitError::OutOfRange { min: -limit, max: limit });
    }
    let exact = value * scale;
    let nearest = exact.round();
    // A decimal of up to 15 digits survives the trip through f64; what is left over is a finer digit.
    if (exact - nearest).abs() > 1e-3 + exact.abs() * 1e-14 {
        return Err(UnitError::TooFine { digits });
    }
    Ok(nearest as i64)
}

/// Energy in milliwatt-hours. Negative only as a difference, never as a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Energy(i64);

impl Energy {
    pub const ZERO: Energy = Energy(0);
    /// 10⁹ kWh: more than any household, and small enough that no product of ours overflows.
    pub const MAX_KWH: i64 = 1_000_000_000;

    pub const fn from_mwh_thousandths(milliwatt_hours: i64) -> Self {
        Energy(milliwatt_hours)
    }
    pub const fn from_wh(watt_hours: i64) -> Self {
        Energy(watt_hours * 1_000)
    }
    pub const fn from_whole_kwh(kwh: i64) -> Self {
        Energy(kwh * 1_000_000)
    }
    /// From kWh, rounded to the nearest milliwatt-hour. Refuses NaN, infinities and more than [`Self::MAX_KWH`].
    pub fn from_kwh(kwh: f64) -> Result<Self, UnitError> {
        if !kwh.is_finite() {
            return Err(UnitError::NotANumber);
        }
        if kwh.abs() > Self::MAX_KWH as f64 {
            return Err(UnitError::OutOfRange { min: -Self::MAX_KWH, max: Self::MAX_KWH });
        }
        Ok(Energy((kwh * 1e6).round() as i64))
    }
    /// Milliwatt-hours.
    pub const fn mwh_thousandths(self) -> i64 {
        self.0
    }
    pub fn kwh(self) -> f64 {
        self.0 as f64 / 1e6
    }
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
    /// `self × numerator / denominator`, rounded half away from zero.
    pub fn scale(self, numerator: i64, denominator: i64) -> Energy {
        debug_assert!(denominator > 0);
        Energy(div_round(i128::from(self.0) * i128::from(numerator), i128::from(denominator)) as i64)
    }
}

/// A price in 10⁻⁹ currency per unit; the unit (kWh, kW, bill, day) is the charge's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Price(i64);

impl Price {
    pub const ZERO: Price = Price(0);
    /// 10⁶ currency per unit: far above the highest capped wholesale price.
    pub const LIMIT: i64 = 1_000_000;

    pub const fn from_nanos(nanos: i64) -> Self {
        Price(nanos)
    }
    /// From currency per unit with at most nine decimals and at most [`Self::LIMIT`] in size.
    pub fn from_currency(value: f64) -> Result<Self, UnitError> {
        scaled(value, 1e9, Self::LIMIT, 9).map(Price)
    }
    /// From cents (or pence) per unit with at most seven decimals.
    pub fn from_cents(cents: f64) -> Result<Self, UnitError> {
        scaled(cents, 1e7, Self::LIMIT * 100, 7).map(Price)
    }
    /// From a computed value: rounded to 10⁻⁹, clamped to the limit; NaN is zero.
    pub fn nearest(value: f64) -> Self {
        Price((value * 1e9).round().clamp(-1e15, 1e15) as i64)
    }
    pub const fn nanos(self) -> i64 {
        self.0
    }
    pub fn currency(self) -> f64 {
        self.0 as f64 / 1e9
    }
    pub fn cents(self) -> f64 {
        self.0 as f64 / 1e7
    }
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// The price as an amount of money for exactly one unit.
    pub const fn once(self) -> Money {
        Money(self.0 as i128 * 1_000_000)
    }
}

/// Money in 10⁻¹⁵ currency, exact until [`Money::round`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// 10⁻¹⁵ currency in one unit of currency.
const FEMTOS: i128 = 1_000_000_000_000_000;

impl Money {
    pub const ZERO: Money = Money(0);

    pub const fn from_femtos(femtos: i128) -> Self {
        Money(femtos)
    }
    pub const fn from_cents(cents: i64) -> Self {
        Money(cents as i128 * (FEMTOS / 100))
    }
    /// From a currency amount with at most nine decimals.
    pub fn from_currency(value: f64) -> Result<Self, UnitError> {
        Price::from_currency(value).map(Price::once)
    }
    pub const fn femtos(self) -> i128 {
        self.0
    }
    /// Nearest float, for output and statistics only.
    pub fn currency(self) -> f64 {
        // Split so that cents survive even where i128 -> f64 would lose them.
        match i64::try_from(self.0) {
            Ok(small) => (small / FEMTOS as i64) as f64 + (small % FEMTOS as i64) as f64 / FEMTOS as f64,
            Err(_) => (self.0 / FEMTOS) as f64 + (self.0 % FEMTOS) as f64 / FEMTOS as f64,
        }
    }
    /// Rounded half away from zero to `digits` decimals (0..=9), as a utility bill does.
    #[inline]
    pub fn round(self, digits: u32) -> Money {
        const POW: [i64; 10] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
        if digits == 2
            && let Ok(small) = i64::try_from(self.0)
        {
            // The common case stays in 64 bits: a division by a constant, not a library call.
            const CENT: i64 = (FEMTOS / 100) as i64;
            let half = if small < 0 { -CENT / 2 } else { CENT / 2 };
            if let Some(shifted) = small.checked_add(half) {
                return Money(i128::from(shifted / CENT) * i128::from(CENT));
            }
        }
        let unit = FEMTOS / i128::from(POW[digits.min(9) as usize]);
        Money(div_round(self.0, unit) * unit)
    }
    /// Rounded to whole cents, as an integer.
    pub fn cents(self) -> i64 {
        div_round(self.0, FEMTOS / 100) as i64
    }
    /// `self × numerator / denominator`, rounded half away from zero at 10⁻¹⁵.
    pub fn scale(self, numerator: i64, denominator: i64) -> Money {
        debug_assert!(denominator > 0);
        Money(div_round(self.0 * i128::from(numerator), i128::from(denominator)))
    }
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// Division rounded half away from zero; `divisor` is positive.
#[inline]
pub fn div_round(value: i128, divisor: i128) -> i128 {
    debug_assert!(divisor > 0);
    if let (Ok(value), Ok(divisor)) = (i64::try_from(value), i64::try_from(divisor)) {
        // Most values are small, and a division in 64 bits is no library call.
        let half = if value < 0 { -(divisor / 2) } else { divisor / 2 };
        if let Some(shifted) = value.checked_add(half) {
            return i128::from(shifted / divisor);
        }
    }
    let half = divisor / 2;
    if value >= 0 { (value + half) / divisor } else { (value - half) / divisor }
}

/// A percentage in millionths of a percent; 100 % is `from_percent(100.0)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Percent(i64);

impl Percent {
    /// Percent.
    const LIMIT: i64 = 1_000;

    /// At most six decimals, -1,000 % to 1,000 %.
    pub fn from_percent(value: f64) -> Result<Self, UnitError> {
        scaled(value, 1e6, Self::LIMIT, 6).map(Percent)
    }
    pub fn percent(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// This share of an amount, rounded at 10⁻¹⁵.
    pub fn of(self, amount: Money) -> Money {
        Money(div_round(amount.0 * i128::from(self.0), 100_000_000))
    }
}

impl Mul<Price> for Energy {
    type Output = Money;
    #[inline]
    fn mul(self, price: Price) -> Money {
        Money(i128::from(self.0) * i128::from(price.0))
    }
}

macro_rules! arithmetic {
    ($name:ident) => {
        impl Add for $name {
            type Output = $name;
            #[inline]
            fn add(self, other: $name) -> $name {
                $name(self.0 + other.0)
            }
        }
        impl Sub for $name {
            type Output = $name;
            #[inline]
            fn sub(self, other: $name) -> $name {
                $name(self.0 - other.0)
            }
        }
        impl Neg for $name {
            type Output = $name;
            fn neg(self) -> $name {
                $name(-self.0)
            }
        }
        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: $name) {
                self.0 += other.0;
            }
        }
        impl SubAssign for $name {
            fn sub_assign(&mut self, other: $name) {
                self.0 -= other.0;
            }
        }
        impl Sum for $name {
            fn sum<I: Iterator<Item = $name>>(items: I) -> $name {
                items.fold($name::default(), |total, item| total + item)
            }
        }
    };
}
arithmetic!(Energy);
arithmetic!(Price);
arithmetic!(Money);

impl fmt::Display for Energy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} kWh", self.kwh())
    }
}

/// Two decimals, no currency sign: `-12.30`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.cents();
        let sign = if cents < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
    }
}

/// JSON forms: energy in kWh, prices and money in currency, percentages in percent; numbers, never strings. `$most` is
/// the largest size that is read.
macro_rules! number_json {
    ($name:ident, $to:ident, $from:path, $most:expr, $doc:literal) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_f64(self.$to())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = f64::deserialize(deserializer)?;
                $from(value).map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "number", "description": $doc, "minimum": -$most, "maximum": $most})
            }
        }
    };
}
number_json!(Energy, kwh, Energy::from_kwh, Energy::MAX_KWH, "kWh, at most six decimals");
number_json!(
    Price,
    currency,
    Price::from_currency,
    Price::LIMIT,
    "currency per unit (dollars, not cents), at most nine decimals"
);
number_json!(Money, currency, Money::from_currency, Price::LIMIT, "currency, at most nine decimals");
number_json!(Percent, percent, Percent::from_percent, Percent::LIMIT, "percent, at most six decimals");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_energy_and_price_is_exact() {
        let kwh = Energy::from_kwh(0.000_001).expect("a milliwatt-hour");
        assert_eq!((kwh * Price::from_nanos(1)).femtos(), 1);
        let bill = Energy::from_whole_kwh(1_000) * Price::from_cents(10.0).expect("a price");
        assert_eq!(bill, Money::from_cents(100_00));
    }

    #[test]
    fn money_rounds_half_away_from_zero() {
        for (femtos, cents) in [(5, 1), (4, 0), (-5, -1), (-4, 0), (15, 2), (25, 3)] {
            let money = Money::from_femtos(femtos * FEMTOS / 1_000);
            assert_eq!(money.round(2), Money::from_cents(cents), "{femtos} tenths of a cent");
            assert_eq!(money.cents(), cents);
        }
        let large = Money::from_cents(123_456_789_012) + Money::from_femtos(FEMTOS / 200);
        assert_eq!(large.round(2), Money::from_cents(123_456_789_013));
        assert_eq!(Money::from_femtos(FEMTOS / 2).round(0), Money::from_cents(100));
    }

    #[test]
    fn a_price_keeps_nine_decimals_and_refuses_a_tenth() {
        assert_eq!(Price::from_currency(0.061_196).map(Price::nanos), Ok(61_196_000));
        assert_eq!(Price::from_currency(0.000_000_001).map(Price::nanos), Ok(1));
        assert_eq!(Price::from_currency(0.000_000_000_1), Err(UnitError::TooFine { digits: 9 }));
        assert_eq!(Price::from_currency(f64::NAN), Err(UnitError::NotANumber));
        assert!(Price::from_currency(1e12).is_err());
    }

    #[test]
    fn money_prints_cents_with_its_sign() {
        assert_eq!(Money::from_cents(-5).to_string(), "-0.05");
        assert_eq!(Money::from_cents(123_456).to_string(), "1234.56");
    }
}
