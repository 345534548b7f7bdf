//! Functions of single numbers over whole slices, as wide as the processor allows.

use super::simd::{Kernel, Level, fma, run};
use crate::architecture::Activation;
use crate::learner::ADAM;
use crate::tanh::{DENOMINATOR, LIMIT, NUMERATOR};

/// The approximation of [`crate::tanh`] with multiply-add, to 6e-7.
#[inline(always)]
fn tanh<L: Level>(x: f32) -> f32 {
    let x = x.clamp(-LIMIT, LIMIT);
    let square = x * x;
    let p = NUMERATOR.iter().rev().fold(0.0, |sum, c| fma::<L>(sum, square, *c));
    let q = DENOMINATOR.iter().rev().fold(0.0, |sum, c| fma::<L>(sum, square, *c));
    x * p / q
}

/// Terms of e^r = 1 + r + r^2 (c0 + c1 r + ...) on [-ln 2 / 2, ln 2 / 2] (Cephes, `expf`).
const EXPONENTIAL: [f32; 6] =
    [0.5, 1.666_666_5e-1, 4.166_579_6e-2, 8.333_452e-3, 1.398_2e-3, 1.987_569_1e-4];
/// Adding it rounds to a whole number, which then stands in the low bits.
const ROUND: f32 = 12_582_912.0;
/// ln 2 in two parts, the first with few bits.
const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);

/// e^x for x from -87 to 88, to 2 units in the last place; x is clamped to that.
#[inline(always)]
pub fn exp<L: Level>(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    let shifted = fma::<L>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let rest = fma::<L>(whole, -LN_2.1, fma::<L>(whole, -LN_2.0, x));
    let terms = EXPONENTIAL.iter().rev().fold(0.0, |sum, c| fma::<L>(sum, rest, *c));
    let power = shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23;
    (fma::<L>(terms, rest * rest, rest) + 1.0) * f32::from_bits(power)
}

/// Applies the activation in place.
pub fn activate(activation: Activation, x: &mut [f32]) {
    run(Activate { activation, x });
}

struct Activate<'a> {
    activation: Activation,
    x: &'a mut [f32],
}

impl Kernel for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        match self.activation {
            Activation::Tanh => self.x.iter_mut().for_each(|x| *x = tanh::<L>(*x)),
            Activation::Relu => self.x.iter_mut().for_each(|x| *x = x.max(0.0)),
        }
    }
}

/// Turns the gradient of an activation's values `y` (rows x width) into that of its arguments, in
/// place, and adds the sum over rows to `bias`.
pub fn activation_gradient(
    activation: Activation,
    y: &[f32],
    gradient: &mut [f32],
    bias: &mut [f32],
) {
    run(ActivationGradient { activation, y, gradient, bias });
}

struct ActivationGradient<'a> {
    activation: Activation,
    y: &'a [f32],
    gradient: &'a mut [f32],
    bias: &'a mut [f32],
}

impl Kernel for ActivationGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        let width = self.bias.len().max(1);
        for (gradient, y) in self.gradient.chunks_exact_mut(width).zip(self.y.chunks_exact(width)) {
            let row = gradient.iter_mut().zip(y).zip(self.bias.iter_mut());
            match self.activation {
                Activation::Tanh => row.for_each(|((gradient, y), bias)| {
                    *gradient *= fma::<L>(-y, *y, 1.0);
                    *bias += *gradient;
                }),
                Activation::Relu => row.for_each(|((gradient, y), bias)| {
                    *gradient = if *y > 0.0 { *gradient } else { 0.0 };
                    *bias += *gradient;
                }),
            }
        }
    }
}

/// Adds the rows of a matrix to `sum`.
pub fn add_rows(rows: &[f32], sum: &mut [f32]) {
    for row in rows.chunks_exact(sum.len().max(1)) {
        add(row, sum);
    }
}

/// Adds a vector to another.
pub fn add(x: &[f32], sum: &mut [f32]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
}

/// Numbers per partial sum of a norm.
const CHUNK: usize = 1024;

/// Sum of squares: in f32 within lanes of a chunk, in f64 over chunks.
pub fn squares(x: &[f32]) -> f64 {
    run(Squares(x))
}

struct Squares<'a>(&'a [f32]);

impl Kernel for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn at<L: Level>(self) -> f64 {
        let mut total = 0.0;
        for chunk in self.0.chunks(CHUNK) {
            let mut lanes = [0.0_f32; 32];
            let (whole, rest) = chunk.as_chunks::<32>();
            for x in whole {
                for (lane, x) in lanes.iter_mut().zip(x) {
                    *lane = fma::<L>(*x, *x, *lane);
                }
            }
            total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
            total += rest.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
        }
        total
    }
}

/// One step of Adam on a range of parameters.
pub struct Adam<'a> {
    /// Moved.
    pub parameters: &'a mut [f32],
    /// Running mean of the gradient.
    pub mean: &'a mut [f32],
    /// Running mean of its square.
    pub square: &'a mut [f32],
    /// The gradient, not yet clipped.
    pub gradient: &'a [f32],
    /// What clipping multiplies it with.
    pub factor: f32,
    /// Learning rate over the bias correction of the mean, rate / (1 - beta1^t).
    pub rate: f32,
    /// Root of the bias correction of the square, 1 / sqrt(1 - beta2^t).
    pub root: f32,
}

impl Adam<'_> {
    /// Takes the step.
    pub fn step(self) {
        run(self);
    }
}

impl Kernel for Adam<'_> {
    type Output = ();

    #[inline(always)]
    fn at<L: Level>(self) {
        let (first, second, epsilon) = ADAM;
        let moments = self.mean.iter_mut().zip(self.square.iter_mut());
        let steps = self.parameters.iter_mut().zip(self.gradient).zip(moments);
        for ((parameter, gradient), (mean, square)) in steps {
            let gradient = gradient * self.factor;
            *mean = fma::<L>(first, *mean, (1.0 - first) * gradient);
            *square = fma::<L>(second, *square, (1.0 - second) * gradient * gradient);
            *parameter -= self.rate * *mean / fma::<L>(square.sqrt(), self.root, epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::run_at_every_level;
    use super::*;

    /// tanh and exp of a number.
    struct Both(f32);

    impl Kernel for Both {
        type Output = (f32, f32);

        #[inline(always)]
        fn at<L: Level>(self) -> (f32, f32) {
            (tanh::<L>(self.0), exp::<L>(self.0))
        }
    }

    #[test]
    fn tanh_and_exp_agree_with_the_library_everywhere() {
        for i in -100_000..=100_000 {
            let x = i as f32 * 8.7e-4;
            let (t, e) = (f64::from(x).tanh(), f64::from(x).exp());
            for (tanh, exp) in run_at_every_level(|| Both(x)) {
                assert!((f64::from(tanh) - t).abs() < 6e-7, "tanh({x})");
                assert!((f64::from(exp) / e - 1.0).abs() < 2.5e-7, "exp({x}) is {e}, not {exp}");
            }
        }
        let (tanh, exp) = run(Both(f32::NAN));
        assert!(tanh.is_nan() && exp.is_nan() && run(Both(0.0)) == (0.0, 1.0));
    }

    #[test]
    fn squares_are_summed_whatever_the_length() {
        for n in [0, 1, 31, 32, 1023, 1024, 1025, 3000] {
            let x: Vec<f32> = (0..n).map(|i| (i as f32 * 0.7).sin()).collect();
            let exact: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
            let levels = run_at_every_level(|| Squares(&x));
            assert!(levels.iter().all(|sum| (sum - exact).abs() <= 1e-6 * exact), "{n}");
            assert!(levels[1..].windows(2).all(|pair| pair[0] == pair[1]));
        }
    }
}
