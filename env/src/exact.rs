//! Arithmetic that gives equal results for equal quantities.
//!
//! Sums are whole numbers of a small unit, so that neither the order nor the number of terms leaves
//! a trace; a quotient is rounded once. What passes through logarithms or roots is known to 1e-15
//! of itself or so: [`rounded`] makes values equal that differ by no more than that.

/// `numerator / denominator`, rounded to the nearest number; 0 over a denominator of 0.
pub fn ratio(numerator: i128, denominator: u128) -> f64 {
    if numerator == 0 || denominator == 0 {
        return 0.0;
    }
    let size = numerator.unsigned_abs();
    if size <= 1 << 53 && denominator <= 1 << 53 {
        return numerator as f64 / denominator as f64;
    }
    // 55 bits of the quotient and whether anything is left round as all of its bits would.
    let mut exponent = -(size.leading_zeros() as i32);
    let dividend = size << size.leading_zeros();
    let mut quotient = dividend / denominator;
    let mut rest = dividend - quotient * denominator;
    while quotient < 1 << 55 {
        let (double, beyond) = (rest << 1, rest >> 127 == 1);
        let bit = beyond || double >= denominator;
        rest = if bit { double.wrapping_sub(denominator) } else { double };
        quotient = quotient << 1 | u128::from(bit);
        exponent -= 1;
    }
    let value = (quotient | u128::from(rest > 0)) as f64 * 2_f64.powi(exponent);
    if numerator < 0 { -value } else { value }
}

/// The nearest multiple of 2^-32 (2.3e-10): far coarser than the errors of logarithms and roots,
/// far finer than what tells users apart. Numbers from 2^20 on are too large to have it, and stay.
#[inline]
pub fn rounded(x: f64) -> f64 {
    const UNIT: f64 = (1_u64 << 32) as f64;
    // Numbers of this size have no digits behind the point. 0 is added so that -0 is 0.
    const WHOLE: f64 = (1_u64 << 52) as f64;
    let units = x * UNIT;
    if units.abs() < WHOLE { ((units.abs() + WHOLE) - WHOLE).copysign(x) / UNIT + 0.0 } else { x }
}

/// The integer part of a quotient, downwards, and what is left.
#[inline]
fn floor_div(numerator: i128, denominator: i64) -> (i128, i128) {
    // Nearly always; a quotient of 128 bits takes ten times as long.
    if let Ok(small) = i64::try_from(numerator) {
        let quotient = small.div_euclid(denominator);
        return (quotient.into(), small.rem_euclid(denominator).into());
    }
    let denominator = i128::from(denominator);
    (numerator.div_euclid(denominator), numerator.rem_euclid(denominator))
}

/// The product, if it is sure to fit: a quicker question than whether it does.
#[inline]
fn times(a: i128, b: i128) -> Option<i128> {
    let free = a.unsigned_abs().leading_zeros() + b.unsigned_abs().leading_zeros();
    (free > 128).then(|| a.wrapping_mul(b))
}

/// The mean of n multiples of 2^-46 with this sum, as the nearest multiple of 2^-32 (compare
/// [`rounded`]); 0 for none.
#[inline]
pub fn mean(n: u32, sum: i128) -> f64 {
    let n = i64::from(n.max(1));
    let (units, _) = floor_div(sum + i128::from(n << 13), n << 14);
    units as f64 / (1_u64 << 32) as f64
}

/// The variance of n whole numbers with this sum and this sum of squares, over n (`less` = 0) or
/// n - 1 (`less` = 1) of them: exact before it becomes a number, so 0 for equal ones.
pub fn variance(n: u32, sum: i128, square_sum: i128, less: u32) -> f64 {
    let (whole, over) = (i64::from(n), i64::from(n) - i64::from(less));
    if over <= 0 {
        return 0.0;
    }
    // n^2 times the variance is n Q - S^2 = n (Q - a (S + b)) - b^2 with S = a n + b: without the
    // large squares that would cancel.
    let (a, b) = floor_div(sum, whole);
    let about = square_sum - times(a, sum + b).unwrap_or(square_sum);
    let pairs = whole as f64 * over as f64;
    match times(about, whole.into()) {
        Some(product) => (product - b * b).max(0) as f64 / pairs,
        // So large that b^2 / n, below n, is nothing beside it.
        None => about.max(0) as f64 / over as f64,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variances_by_hand() {
        assert_eq!(variance(3, 6, 14, 1), 1.0);
        assert_eq!(variance(3, 6, 14, 0), 2.0 / 3.0);
        assert_eq!(variance(2, -3, 5, 0), 0.25);
        assert_eq!((variance(1, 7, 49, 1), variance(0, 0, 0, 0)), (0.0, 0.0));
        let (n, x) = (1_000_003, -(1_i128 << 50) - 12_345);
        let (n_x, n_xx) = (i128::from(n) * x, i128::from(n) * x * x);
        assert_eq!(variance(n, n_x, n_xx, 1), 0.0);
        // One of them is larger by 1: (n - 1) / n^2.
        let expected = f64::from(n - 1) / f64::from(n) / f64::from(n);
        let found = variance(n, n_x + 1, n_xx + 2 * x + 1, 0);
        assert!((found / expected - 1.0).abs() < 1e-15, "{found} {expected}");
    }

    #[test]
    fn means_are_rounded_halves_up() {
        let unit = 2_f64.powi(-32);
        assert_eq!((mean(0, 0), mean(3, 3 << 46), mean(2, -(1 << 46))), (0.0, 1.0, -0.5));
        assert_eq!((mean(1, 1 << 13), mean(1, -(1 << 13))), (unit, 0.0));
        assert_eq!((mean(3, (3 << 13) - 1), mean(3, 3 << 13)), (0.0, unit));
        assert_eq!(mean(u32::MAX, (i128::from(u32::MAX) * 700) << 46), 700.0);
    }

    #[test]
    fn rounding_keeps_what_is_told_apart() {
        assert_eq!([0.0, -0.5, 3.0, 1e300].map(rounded), [0.0, -0.5, 3.0, 1e300]);
        assert_eq!(rounded(5_f64.ln() + 20_f64.ln()), rounded(2.0 * 10_f64.ln()));
        assert!((rounded(0.1) - 0.1).abs() <= 2_f64.powi(-33));
        assert_eq!(rounded(-1e-12).to_bits(), 0);
        assert!(rounded(f64::NAN).is_nan() && rounded(f64::INFINITY) == f64::INFINITY);
    }

    proptest! {
        /// Decimal digits are read with one rounding, by the standard library: an independent
        /// quotient by powers of ten.
        #[test]
        fn quotients_are_rounded_once(
            numerator in any::<i128>(),
            shift in 0_u32..127,
            digits in 0_u32..38,
        ) {
            let numerator = numerator >> shift;
            let expected: f64 = format!("{numerator}e-{digits}").parse().unwrap();
            prop_assert_eq!(ratio(numerator, 10_u128.pow(digits)), expected);
        }

        #[test]
        fn quotients_do_not_know_how_they_are_written(
            numerator in any::<i64>(),
            denominator in 1..u64::MAX,
            factor in 1..u64::MAX >> 2,
        ) {
            let (a, b, f) = (i128::from(numerator), u128::from(denominator), u128::from(factor));
            prop_assert_eq!(ratio(a, b).to_bits(), ratio(a * f as i128, b * f).to_bits());
        }
    }
}
