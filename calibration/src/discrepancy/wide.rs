//! The one place where sums over pairs of rows are compiled for wider vector units than the
//! target's baseline.
//!
//! A [`Kernel`] is ordinary safe Rust in loops that the compiler vectorises; [`run`] picks the copy
//! that was compiled for what the processor has. No copy fuses a product with a sum, and lanes of
//! a sum are fixed by the code, so all copies give the same bits.

/// Work that is compiled once a level. `work` and all that it calls must be `#[inline(always)]`: a
/// function that stays a call is compiled for the baseline.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// The work.
    fn work(self) -> Self::Output;
}

/// Runs a kernel at the widest level of this processor.
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
    {
        // SAFETY: the processor has the features that the function was compiled for.
        return unsafe { avx512(kernel) };
    }
    if is_x86_feature_detected!("avx2") {
        // SAFETY: as above.
        return unsafe { avx2(kernel) };
    }
    kernel.work()
}

/// Runs a kernel at the baseline, which is all there is to choose from.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
pub(crate) fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512dq,avx512vl")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.work()
}

/// Below this, [`exp`] is 0.
const LOWEST: f64 = -708.0;
/// Above this, [`exp`] stays where it is.
const HIGHEST: f64 = 709.0;
/// Adding it rounds to a whole number, which then stands in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts: products of the first with whole numbers below 2^20 are exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
/// 1 / k! from k = 13 down.
const TAYLOR: [f64; 14] = [
    1.605_904_383_682_161_3e-10,
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589_3e-7,
    2.755_731_922_398_589e-6,
    2.480_158_730_158_73e-5,
    1.984_126_984_126_984e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666_4e-2,
    1.666_666_666_666_666_6e-1,
    0.5,
    1.0,
    1.0,
];

/// `e^x` without a branch, so that it vectorises: `2^k e^r` with |r| <= ln 2 / 2 and a Taylor
/// polynomial. Good to 1e-15 of the value; 0 below -708, and e^709 from there up.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    let inside = if x > LOWEST { x } else { LOWEST };
    let inside = if inside < HIGHEST { inside } else { HIGHEST };
    let shifted = inside * std::f64::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = inside - whole * LN_2[0] - whole * LN_2[1];
    let mut sum = TAYLOR[0];
    for coefficient in &TAYLOR[1..] {
        sum = sum * rest + coefficient;
    }
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    if x > LOWEST { sum * power } else { 0.0 }
}

/// A dot product in 16 fixed lanes.
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let (a_blocks, a_rest) = a.as_chunks::<16>();
    let (b_blocks, b_rest) = b.as_chunks::<16>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..16 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_agrees_with_the_library() {
        for i in -70_800..=70_900 {
            let x = f64::from(i) * 0.01 + 1e-3 * f64::from(i % 7);
            if x > LOWEST && x < HIGHEST {
                let expected = x.exp();
                assert!((exp(x) - expected).abs() <= 1e-15 * expected, "{x}");
            }
        }
        assert_eq!((exp(0.0), exp(-709.0), exp(f64::NEG_INFINITY)), (1.0, 0.0, 0.0));
        assert!(exp(f64::INFINITY).is_finite() && exp(-707.9) > 0.0);
    }

    /// The dispatched copy against this one, which is compiled for the baseline.
    #[test]
    fn all_copies_give_the_same_bits() {
        struct Work<'a>(&'a [f64]);
        impl Kernel for Work<'_> {
            type Output = (Vec<f64>, f64);
            #[inline(always)]
            fn work(self) -> Self::Output {
                (self.0.iter().map(|&x| exp(x)).collect(), dot(self.0, self.0))
            }
        }
        let xs: Vec<f64> = (0..1003).map(|i| (f64::from(i) * 0.7).sin() * 30.0).collect();
        assert_eq!(run(Work(&xs)), Work(&xs).work());
    }
}
