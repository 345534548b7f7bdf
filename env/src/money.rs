//! Sums of money that are exact in decimal digits.
//!
//! 0.10 + 0.20 is 0.30, in whatever order and in however many parts: amounts are added as whole
//! numbers of a small decimal unit, and a sum becomes a number again with one rounding.

use std::ops::{AddAssign, SubAssign};

use serde::{Deserialize, Serialize};

use crate::exact::ratio;

/// Units of [`Money::small`] in 1.
const FINE: u128 = 1_000_000_000_000_000_000;
/// Units of [`Money::large`] in 1.
const COARSE: u128 = 1_000_000;
/// Amounts from here on (3.4e10) are large.
const LARGE: f64 = (1_u64 << 35) as f64;

/// A sum of amounts of money.
///
/// An amount of up to nine decimal digits, as files and prices have it, counts as these digits say.
/// Any other counts as its nearest multiple of 1e-18, or of 1e-6 from 3.4e10 on: an amount below
/// 5e-19 is nothing. A sum beyond 1.7e32 stays there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Amounts below 3.4e10; so many that 2^32 of them fit.
    small: i128,
    /// The others.
    large: i128,
}

impl Money {
    /// An amount.
    #[inline]
    pub fn of(amount: f64) -> Self {
        let (size, sign) = (amount.abs(), if amount < 0.0 { -1 } else { 1 });
        if size < LARGE {
            Self { small: sign * units(size, FINE), large: 0 }
        } else {
            Self { small: 0, large: sign * units(size, COARSE) }
        }
    }

    /// The exact sum of amounts.
    pub fn sum(amounts: impl IntoIterator<Item = f64>) -> Self {
        let mut sum = Self::default();
        amounts.into_iter().for_each(|amount| sum += Self::of(amount));
        sum
    }

    /// The number closest to the sum.
    pub fn value(self) -> f64 {
        self.over(1)
    }

    /// The number closest to the sum divided by `n`; 0 for an `n` of 0.
    pub fn over(self, n: u64) -> f64 {
        let (units, per) = self.units();
        ratio(units, u128::from(n) * per)
    }

    /// The number closest to this part of `whole`; none where `whole` is not above 0.
    pub fn share_of(self, whole: Self) -> Option<f64> {
        let ((part, per), (whole, whole_per)) = (self.units(), whole.units());
        // Both in the coarser unit, if they differ: then one of them is huge.
        let coarse = |units: i128, own: u128| {
            if per == whole_per { units } else { units / (own / per.min(whole_per)) as i128 }
        };
        let (part, whole) = (coarse(part, per), coarse(whole, whole_per));
        (whole > 0).then(|| ratio(part, whole.unsigned_abs()))
    }

    /// The sum as a whole number of units, and the units in 1. Beyond 1.7e20 the unit is a
    /// millionth.
    fn units(self) -> (i128, u128) {
        if self.large == 0 {
            return (self.small, FINE);
        }
        let scale = (FINE / COARSE) as i128;
        match self.large.checked_mul(scale).and_then(|large| large.checked_add(self.small)) {
            Some(units) => (units, FINE),
            None => (self.large.saturating_add(self.small / scale), COARSE),
        }
    }
}

impl AddAssign for Money {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.small = self.small.saturating_add(other.small);
        self.large = self.large.saturating_add(other.large);
    }
}

impl SubAssign for Money {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        self.small = self.small.saturating_sub(other.small);
        self.large = self.large.saturating_sub(other.large);
    }
}

/// An amount of at least 0 as a whole number of units, `per` of them in 1.
#[inline]
fn units(amount: f64, per: u128) -> i128 {
    const MANTISSA: u64 = 1 << 53;
    // Digits that, divided by their power of ten, give the amount back are the digits it was read
    // from.
    for power in [100_u64, 1_000_000, 1_000_000_000] {
        let digits = (amount * power as f64 + 0.5) as u64;
        if digits < MANTISSA
            && digits as f64 / power as f64 == amount
            && per.is_multiple_of(u128::from(power))
        {
            return (u128::from(digits) * (per / u128::from(power))) as i128;
        }
    }
    let bits = amount.to_bits();
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & (MANTISSA / 2 - 1));
    if exponent == 0 {
        return 0;
    }
    let product = u128::from(fraction | (MANTISSA / 2)) * per;
    match exponent - 1075 {
        shift @ 0.. if shift < product.leading_zeros() as i32 - 1 => (product << shift) as i128,
        0.. => i128::MAX,
        shift @ -126..0 => (((product >> (-shift - 1)) + 1) >> 1) as i128,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(amounts: &[f64]) -> f64 {
        Money::sum(amounts.iter().copied()).value()
    }

    #[test]
    fn sums_are_those_of_their_digits() {
        assert_eq!(total(&[19.99; 3]), 59.97);
        assert_eq!(total(&[0.1, 0.2]), 0.3);
        assert_eq!(total(&[1234.57, 320.01]), 1554.58);
        assert_eq!(total(&[0.1; 10]), 1.0);
        assert_eq!(total(&[0.000_000_01; 3]), 0.000_000_03);
        assert_eq!(total(&[]), 0.0);
        assert_eq!(total(&[0.3, -0.1, -0.2]), 0.0);
        assert_eq!(total(&[-5e10, -0.1]), -50_000_000_000.1);
        assert_eq!(total(&[1e29, 1e29]), 2e29);
        assert_eq!(total(&[5e10, 0.1, 0.2]), 50_000_000_000.3);
        assert_eq!(total(&[1e-300, 5e-324, 0.0]), 0.0);
        assert!((total(&[f64::MAX; 2]) / 1.7e32 - 1.0).abs() < 0.01);
        assert_eq!(Money::sum([19.99; 6]).over(6), 19.99);
        assert_eq!(Money::sum([1.0; 2]).over(0), 0.0);
    }

    #[test]
    fn parts_and_differences() {
        let mut net = Money::sum([10.10, 0.2]);
        net -= Money::of(10.3);
        assert_eq!(net.value().to_bits(), 0.0_f64.to_bits());
        net -= Money::of(0.1);
        assert_eq!(net.value(), -0.1);
        assert_eq!(net.share_of(Money::of(0.4)), Some(-0.25));
        assert_eq!(Money::of(19.99).share_of(Money::sum([19.99; 3])), Some(1.0 / 3.0));
        assert_eq!(Money::of(1.0).share_of(Money::default()), None);
        let share = Money::of(3.0).share_of(Money::of(3e29)).unwrap();
        assert!((share / 1e-29 - 1.0).abs() < 1e-12, "{share}");
    }

    proptest! {
        /// Amounts in hundredths, against whole numbers.
        #[test]
        fn hundredths_add_up(amounts in prop::collection::vec(0..1_000_000_000_000_u64, 0..40)) {
            let read = |hundredths: u64| -> f64 {
                format!("{}.{:02}", hundredths / 100, hundredths % 100).parse().unwrap()
            };
            let sum = Money::sum(amounts.iter().map(|&amount| read(amount)));
            prop_assert_eq!(sum.value(), read(amounts.iter().sum()));
        }

        /// Any amount is itself, and any order gives the same sum, within a unit an amount of that
        /// of twice as many digits.
        #[test]
        fn any_amounts_in_any_order(amounts in prop::collection::vec(-2.0..70_f64, 1..20)) {
            let mut amounts: Vec<f64> = amounts.into_iter().map(f64::exp).collect();
            for &amount in &amounts {
                prop_assert_eq!(total(&[amount]), amount);
            }
            let sum = Money::sum(amounts.iter().copied());
            let plain: f64 = amounts.iter().sum();
            prop_assert!((sum.value() / plain - 1.0).abs() < 1e-14);
            amounts.reverse();
            prop_assert_eq!(Money::sum(amounts), sum);
        }
    }
}
