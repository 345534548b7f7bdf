//! Newton's method for the penalised logistic loss of `logistic.rs`.
//!
//! With the margins m_i = y_i (b + w . x_i) and the products along a step at hand, a loss along the
//! line costs one exponential a row, and second derivatives take the same exponentials. Rows lie
//! side by side, padded to whole vectors, with a 1 for the intercept at the end.

use crate::discrepancy::wide::{self, Kernel, exp};

/// The most Newton steps; a handful suffice unless numbers are extreme.
const STEPS: usize = 50;
/// The most halvings of a step.
const HALVINGS: usize = 40;
/// A step whose expected fall of the loss is below this part of the loss is the last: what is left
/// after it is of the order of the square.
const CONVERGED: f64 = 1e-11;
/// Numbers in a block of a row of second derivatives.
const LANES: usize = 8;
/// Factors in (1, 2] whose product is far from overflow.
const FACTORS: usize = 256;

/// The rows of one fit.
pub(super) struct Newton {
    /// Columns and the intercept.
    size: usize,
    /// Numbers from one row to the next.
    stride: usize,
    rows: Vec<f64>,
    /// -1 or 1 a row.
    signs: Vec<f64>,
}

/// A point on the way.
struct Place {
    margins: Vec<f64>,
    /// exp(-|margin|).
    exponentials: Vec<f64>,
    loss: f64,
}

impl Newton {
    /// Rows of `width` columns, each with whether it is positive.
    pub fn new<'a>(width: usize, sides: impl Iterator<Item = (&'a [f64], bool)>) -> Self {
        let (size, stride) = (width + 1, (width + 1).next_multiple_of(LANES));
        let (mut rows, mut signs) = (Vec::new(), Vec::new());
        for (row, positive) in sides {
            rows.extend_from_slice(row);
            rows.push(1.0);
            rows.resize((signs.len() + 1) * stride, 0.0);
            signs.push(if positive { 1.0 } else { -1.0 });
        }
        Self { size, stride, rows, signs }
    }

    /// Moves `point` (coefficients, then the intercept) to the minimum of the loss.
    pub fn descend(&self, point: &mut [f64]) {
        let mut now = self.place(point, self.margins(point));
        for _ in 0..STEPS {
            let (gradient, hessian) = self.derivatives(point, &now);
            let Some(step) = solve(hessian, &gradient) else { return };
            let fall = dot(&gradient, &step);
            let along = self.margins(&step);
            let mut length = 1.0;
            let moved = (0..HALVINGS).find_map(|_| {
                let next: Vec<f64> = point.iter().zip(&step).map(|(x, s)| x - length * s).collect();
                let margins = now.margins.iter().zip(&along).map(|(m, d)| m - length * d);
                let then = self.place(&next, margins.collect());
                // At the minimum the loss no longer falls by more than its rounding.
                let falls = then.loss <= now.loss - 1e-4 * length * fall + 1e-14 * now.loss;
                length *= 0.5;
                falls.then_some((next, then))
            });
            let Some((next, then)) = moved else { return };
            point.copy_from_slice(&next);
            now = then;
            if fall <= CONVERGED * now.loss.max(f64::MIN_POSITIVE) {
                return;
            }
        }
    }

    /// Products of a vector with the rows, with their signs.
    fn margins(&self, vector: &[f64]) -> Vec<f64> {
        let mut padded = vector.to_vec();
        padded.resize(self.stride, 0.0);
        wide::run(Margins { newton: self, vector: &padded })
    }

    fn place(&self, point: &[f64], margins: Vec<f64>) -> Place {
        let exponentials = wide::run(Exponentials(&margins));
        // log(1 + exp(-m)) = max(-m, 0) + log(1 + exp(-|m|)); many logarithms in one of a product.
        let wrong: f64 = margins.iter().map(|&m| (-m).max(0.0)).sum();
        let block = |block: &[f64]| block.iter().map(|e| 1.0 + e).product::<f64>().ln();
        let near: f64 = exponentials.chunks(FACTORS).map(block).sum();
        let coefficients = &point[..self.size - 1];
        let loss = 0.5 * dot(coefficients, coefficients) + (wrong + near);
        Place { margins, exponentials, loss }
    }

    /// Gradient and second derivatives (row-major, lower triangle) at a point.
    fn derivatives(&self, point: &[f64], place: &Place) -> (Vec<f64>, Vec<f64>) {
        let last = self.size - 1;
        let (mut gradient, padded) = wide::run(Derivatives { newton: self, place });
        gradient.truncate(self.size);
        gradient.iter_mut().zip(&point[..last]).for_each(|(g, w)| *g += w);
        let rows = padded.chunks(self.stride).take(self.size);
        let mut hessian: Vec<f64> = rows.flat_map(|row| &row[..self.size]).copied().collect();
        (0..last).for_each(|a| hessian[a * self.size + a] += 1.0);
        (gradient, hessian)
    }
}

struct Margins<'a> {
    newton: &'a Newton,
    /// As long as a stride.
    vector: &'a [f64],
}

impl Kernel for Margins<'_> {
    type Output = Vec<f64>;
    #[inline(always)]
    fn work(self) -> Vec<f64> {
        let Newton { stride, rows, signs, .. } = self.newton;
        let row = |(row, sign): (&[f64], &f64)| sign * wide::dot(row, self.vector);
        rows.chunks_exact(*stride).zip(signs).map(row).collect()
    }
}

struct Exponentials<'a>(&'a [f64]);

impl Kernel for Exponentials<'_> {
    type Output = Vec<f64>;
    #[inline(always)]
    fn work(self) -> Vec<f64> {
        self.0.iter().map(|margin| exp(-margin.abs())).collect()
    }
}

struct Derivatives<'a> {
    newton: &'a Newton,
    place: &'a Place,
}

impl Kernel for Derivatives<'_> {
    type Output = (Vec<f64>, Vec<f64>);
    /// Four rows at a time, so that each sum is loaded and stored once for four products.
    #[inline(always)]
    fn work(self) -> Self::Output {
        let Self { newton: Newton { size, stride, rows, signs }, place } = self;
        let (size, stride) = (*size, *stride);
        let (mut gradient, mut hessian) = (vec![0.0; stride], vec![0.0; size * stride]);
        let zeros = vec![0.0; stride];
        let count = signs.len();
        for first in (0..count).step_by(4) {
            let mut four = [zeros.as_slice(); 4];
            let (mut slopes, mut curves) = ([0.0; 4], [0.0; 4]);
            for (k, i) in (first..count.min(first + 4)).enumerate() {
                let (margin, e) = (place.margins[i], place.exponentials[i]);
                let share = 1.0 / (1.0 + e);
                slopes[k] = -signs[i] * share * if margin >= 0.0 { e } else { 1.0 };
                curves[k] = e * share * share;
                four[k] = &rows[i * stride..][..stride];
            }
            add(&mut gradient, four, slopes);
            for (a, sums) in hessian.chunks_exact_mut(stride).enumerate() {
                let weights = [0, 1, 2, 3].map(|k| curves[k] * four[k][a]);
                let used = (a + 1).next_multiple_of(LANES);
                add(&mut sums[..used], four, weights);
            }
        }
        (gradient, hessian)
    }
}

/// Adds weighted rows to sums, whose number is a multiple of [`LANES`].
#[inline(always)]
fn add(sums: &mut [f64], rows: [&[f64]; 4], weights: [f64; 4]) {
    let blocks = rows.map(|row| row.as_chunks::<LANES>().0);
    for (block, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| &blocks[k][block]);
        for lane in 0..LANES {
            sums[lane] += (weights[0] * a[lane] + weights[1] * b[lane])
                + (weights[2] * c[lane] + weights[3] * d[lane]);
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Solves a positive definite system of which the lower triangle is given (Cholesky); none where it
/// is singular.
fn solve(mut lower: Vec<f64>, right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    for j in 0..n {
        for i in j..n {
            let (a, b) = (&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
            let rest = lower[i * n + j] - dot(a, b);
            if i == j && !(rest.is_finite() && rest > 0.0) {
                return None;
            }
            lower[i * n + j] = if i == j { rest.sqrt() } else { rest / lower[j * n + j] };
        }
    }
    let mut x = right.to_vec();
    for i in 0..n {
        x[i] = (x[i] - dot(&lower[i * n..i * n + i], &x[..i])) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let above: f64 = (i + 1..n).map(|j| lower[j * n + i] * x[j]).sum();
        x[i] = (x[i] - above) / lower[i * n + i];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_by_hand() {
        // [[4, 2], [2, 3]] x = [2, 5]: x = (-1/2, 2).
        let x = solve(vec![4.0, 0.0, 2.0, 3.0], &[2.0, 5.0]).unwrap();
        assert!((x[0] + 0.5).abs() < 1e-15 && (x[1] - 2.0).abs() < 1e-15, "{x:?}");
        assert_eq!(solve(vec![0.0], &[1.0]), None);
    }

    /// Gradient and second derivatives against differences of the loss.
    #[test]
    fn derivatives_are_those_of_the_loss() {
        let rows: Vec<[f64; 3]> =
            (0..11).map(|i| [0.3, 0.7, 1.1].map(|c| (c * f64::from(i * i)).sin())).collect();
        let newton = Newton::new(3, rows.iter().enumerate().map(|(i, row)| (&row[..], i % 3 == 0)));
        let point = [0.4, -1.2, 0.7, 0.3];
        let at = |point: &[f64]| newton.place(point, newton.margins(point));
        let (gradient, hessian) = newton.derivatives(&point, &at(&point));
        for a in 0..4 {
            let moved = |by: f64| {
                let mut moved = point;
                moved[a] += by;
                moved
            };
            let [low, high] = [moved(-1e-5), moved(1e-5)].map(|point| {
                let place = at(&point);
                (place.loss, newton.derivatives(&point, &place).0)
            });
            let slope = (high.0 - low.0) / 2e-5;
            assert!((gradient[a] - slope).abs() < 1e-8, "{a}: {} {slope}", gradient[a]);
            for b in 0..=a {
                let curve = (high.1[b] - low.1[b]) / 2e-5;
                let found = hessian[a * 4 + b];
                assert!((found - curve).abs() < 1e-8, "{a}, {b}: {found} {curve}");
            }
        }
    }
}
