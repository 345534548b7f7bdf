//! How strongly a covariate x of users goes with a fact y about what they did.
//!
//! A number x: one strength, Pearson's correlation. Categories x: a strength a category, the mean of
//! the standardised y among its users, `m_k = (mean_k(y) - mean(y)) / sd(y)`; with two equal
//! categories that is the correlation and its negative. The gap of two populations P and Q is
//!
//! `D^2 = sum_k q_k (s_k(P) - s_k(Q))^2`,
//!
//! q_k being the share of the category in Q, and 1 for numbers; so `D = |rho_P - rho_Q|` there. If y
//! follows from the category in Q, and has nothing to do with it in P, D is the correlation ratio 1.
//!
//! The first variation of a strength at a user (x, y), with z = (x - mean) / sd:
//!
//! - correlation: `z_x z_y - rho (z_x^2 + z_y^2) / 2` (Devlin, Gnanadesikan and Kettenring, *Robust
//!   estimation and outlier detection with correlation coefficients*, Biometrika 62, 1975);
//! - mean of a category: `1_k(x) (z_y - m_k) / p_k - z_y - m_k (z_y^2 - 1) / 2`.

/// Weighted sums of (x, y) rows, of which all strengths are functions.
#[derive(Clone, Debug, PartialEq)]
pub struct Sums {
    /// Number of categories of x; 0 for numbers.
    categories: usize,
    /// Weight, y, y^2; then x, x^2, x y, or weight and y of each category.
    pub sums: Vec<f64>,
}

impl Sums {
    /// Of no rows.
    pub fn new(categories: usize) -> Self {
        let own = if categories == 0 { 3 } else { 2 * categories };
        Self { categories, sums: vec![0.0; 3 + own] }
    }

    /// The same kind of sums with these numbers; none where they are too few or too many.
    pub fn with(&self, sums: Vec<f64>) -> Option<Self> {
        (sums.len() == self.sums.len()).then_some(Self { sums, ..*self })
    }

    /// Adds a row; numbers are best centred, as sums of squares lose digits far from 0.
    #[inline]
    pub fn add(&mut self, weight: f64, x: f64, y: f64) {
        let sums = &mut self.sums;
        sums[0] += weight;
        sums[1] += weight * y;
        sums[2] += weight * y * y;
        if self.categories == 0 {
            sums[3] += weight * x;
            sums[4] += weight * x * x;
            sums[5] += weight * x * y;
        } else if let Some(own) = sums[3..].chunks_exact_mut(2).nth(x as usize) {
            own[0] += weight;
            own[1] += weight * y;
        }
    }

    /// Sums of rows, each scaled to a total weight of 1, with a share of the second.
    pub fn mixed(&self, other: &Self, share: f64) -> Self {
        let total = |sums: &Self| if sums.sums[0] > 0.0 { sums.sums[0] } else { 1.0 };
        let (a, b) = (total(self), total(other));
        let pairs = self.sums.iter().zip(&other.sums);
        let mix = |(x, y): (&f64, &f64)| (1.0 - share) * x / a + share * y / b;
        Self { categories: self.categories, sums: pairs.map(mix).collect() }
    }

    /// The strengths; none without rows, or without spread of x or y.
    pub fn strengths(&self) -> Option<Strengths> {
        let [n, y, yy, own @ ..] = self.sums.as_slice() else { return None };
        let mean = y / n;
        let sd = spread(*n, *y, *yy)?;
        if self.categories == 0 {
            let [x, xx, xy] = own else { return None };
            let x_sd = spread(*n, *x, *xx)?;
            let rho = ((xy / n - (x / n) * mean) / (x_sd * sd)).clamp(-1.0, 1.0);
            let x = Some([x / n, x_sd]);
            return Some(Strengths { values: vec![rho], shares: vec![1.0], mean, sd, x });
        }
        let shares: Vec<f64> = own.chunks_exact(2).map(|own| own[0] / n).collect();
        // Where all are of one category, there is nothing to compare.
        if shares.iter().filter(|share| **share > 0.0).count() < 2 {
            return None;
        }
        let value = |own: &[f64]| if own[0] > 0.0 { (own[1] / own[0] - mean) / sd } else { 0.0 };
        let values = own.chunks_exact(2).map(value).collect();
        Some(Strengths { values, shares, mean, sd, x: None })
    }
}

/// Standard deviation (n) from a weight, a sum and a sum of squares; none where nothing is left but
/// rounding.
fn spread(n: f64, sum: f64, squares: f64) -> Option<f64> {
    let (mean, second) = (sum / n, squares / n);
    let variance = second - mean * mean;
    (variance > 1e-13 * second && variance.is_finite()).then(|| variance.sqrt())
}

/// The strengths of a population.
#[derive(Clone, Debug, PartialEq)]
pub struct Strengths {
    /// The correlation, or the standardised mean of y in each category; 0 in one of nobody.
    pub values: Vec<f64>,
    /// Share of each category; 1 for numbers.
    pub shares: Vec<f64>,
    /// Mean of y.
    pub mean: f64,
    /// Standard deviation (n) of y.
    pub sd: f64,
    /// Mean and standard deviation (n) of x; none for categories.
    pub x: Option<[f64; 2]>,
}

/// The square of the gap between the strengths of P and those of Q, whose shares count.
pub fn squared_gap(p: &[f64], q: &[f64], q_shares: &[f64]) -> f64 {
    p.iter().zip(q).zip(q_shares).map(|((p, q), share)| share * (p - q) * (p - q)).sum()
}

/// The first variation of [`squared_gap`] at P, as a function of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Variation {
    p: Strengths,
    /// Of each strength, the derivative of the squared gap.
    slopes: Vec<f64>,
}

impl Variation {
    /// At P, of the gap to strengths `q` with shares. `least_sd` is the least standard deviation of y
    /// by which it is standardised: below it a change of one user is no small change.
    pub fn new(p: &Strengths, q: &[f64], q_shares: &[f64], least_sd: f64) -> Self {
        let pairs = p.values.iter().zip(q).zip(q_shares);
        let slopes = pairs.map(|((p, q), share)| 2.0 * share * (p - q)).collect();
        Self { p: Strengths { sd: p.sd.max(least_sd), ..p.clone() }, slopes }
    }

    /// The derivative of the squared gap as mass moves from P to a user (x, y).
    #[inline]
    pub fn at(&self, x: f64, y: f64) -> f64 {
        let z = (y - self.p.mean) / self.p.sd;
        if let Some([mean, sd]) = self.p.x {
            let z_x = (x - mean) / sd;
            let (rho, slope) = (self.p.values[0], self.slopes[0]);
            return slope * (z_x * z - rho * (z_x * z_x + z * z) / 2.0);
        }
        let mut sum = 0.0;
        for (k, (m, slope)) in self.p.values.iter().zip(&self.slopes).enumerate() {
            // A category of nobody has no mean to move.
            if self.p.shares[k] > 0.0 {
                sum -= slope * (z + m * (z * z - 1.0) / 2.0);
                if k as f64 == x {
                    sum += slope * (z - m) / self.p.shares[k];
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use trueup_env::Streams;

    use super::*;

    fn rows(categories: usize, seed: u64, shift: f64) -> Vec<[f64; 2]> {
        let mut stream = Streams::new(seed).stream("rows", 0);
        let row = |_| {
            let (u, v) = (stream.uniform(), stream.uniform());
            let x = if categories == 0 { 3.0 * u } else { (u * categories as f64).floor() };
            [x, v + shift * x]
        };
        (0..40).map(row).collect()
    }

    fn sums(categories: usize, rows: &[[f64; 2]]) -> Sums {
        let mut sums = Sums::new(categories);
        rows.iter().for_each(|[x, y]| sums.add(1.0, *x, *y));
        sums
    }

    /// Sums of squares 21 and 8.75 and of products 6.5; means of the standardised y.
    #[test]
    fn strengths_by_hand() {
        let rows = [[1.0, 2.0], [2.0, 1.0], [4.0, 5.0], [7.0, 3.0]];
        let rho = sums(0, &rows).strengths().unwrap().values[0];
        assert!((rho - 6.5 / (21.0 * 8.75_f64).sqrt()).abs() < 1e-12, "{rho}");
        // y: 1, 1, 3, 5 with mean 2.5 and variance 2.75.
        let groups = sums(3, &[[0.0, 1.0], [0.0, 1.0], [2.0, 3.0], [2.0, 5.0]]);
        let own = groups.strengths().unwrap();
        let expected = 1.5 / 2.75_f64.sqrt();
        assert!((own.values[0] + expected).abs() < 1e-12 && own.values[1] == 0.0);
        assert!((own.values[2] - expected).abs() < 1e-12);
        assert_eq!(own.shares, [0.5, 0.0, 0.5]);
        assert!(sums(0, &[[1.0, 2.0], [1.0, 3.0]]).strengths().is_none());
        assert!(sums(2, &[[1.0, 2.0], [0.0, 2.0]]).strengths().is_none());
        assert!(sums(2, &[[1.0, 2.0], [1.0, 3.0]]).strengths().is_none());
        assert!(Sums::new(0).strengths().is_none());
    }

    /// Mixing mass eps at a user into P changes the squared gap by eps times the variation there.
    #[test]
    fn variations_are_finite_differences() {
        for categories in [0, 2, 5] {
            let (p, q) = (rows(categories, 1, 0.4), rows(categories, 2, -0.2));
            let (p, q) = (sums(categories, &p), sums(categories, &q).strengths().unwrap());
            let gap = |p: &Sums| squared_gap(&p.strengths().unwrap().values, &q.values, &q.shares);
            let own = p.strengths().unwrap();
            let variation = Variation::new(&own, &q.values, &q.shares, 0.0);
            let (mut mean, mut largest) = (0.0, 0.0_f64);
            for [x, y] in rows(categories, 1, 0.4) {
                mean += variation.at(x, y) / 40.0;
                let mut one = Sums::new(categories);
                one.add(1.0, x, y + 0.3);
                let eps = 1e-5;
                let ahead = gap(&p.mixed(&one, eps)) - gap(&p);
                let twice = gap(&p.mixed(&one, 2.0 * eps)) - gap(&p);
                let slope = (4.0 * ahead - twice) / (2.0 * eps);
                let expected = variation.at(x, y + 0.3);
                assert!((slope - expected).abs() < 1e-6, "{categories}: {slope} {expected}");
                largest = largest.max(expected.abs());
            }
            assert!(mean.abs() < 1e-12 && largest > 0.1, "{categories}: {mean} {largest}");
        }
    }
}
