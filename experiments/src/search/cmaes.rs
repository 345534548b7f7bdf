//! CMA-ES: a normal distribution over the box of the axes, moved, stretched and turned towards the
//! better half of each generation.
//!
//! The (mu/mu_w, lambda)-CMA-ES with cumulative step-size adaptation, rank-one and rank-mu update
//! and negative weights, with the default parameters of Hansen, *The CMA evolution strategy: a
//! tutorial*, arXiv 1604.00772. Names of fields are those of the tutorial.
//!
//! Each axis is its share from 0 to 1 (logarithms of logarithmic axes; cells of whole numbers). A
//! point outside is reflected at the bounds before it is tried; the update sees where it was drawn.
//! Failed trials rank last.

use rand_distr::{Distribution, StandardNormal};
use trueup_env::random::Streams;

use super::eigen::{self, Matrix};

/// What a config says about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmaEs {
    /// Trials in all.
    pub budget: usize,
    /// Trials in a generation, lambda; none for 4 + 3 ln n, rounded down, of n axes.
    pub population: Option<usize>,
    /// The first standard deviation, as a share of the axes.
    pub sigma: f64,
}

impl CmaEs {
    /// Trials in a generation over `n` axes.
    pub fn population(&self, n: usize) -> usize {
        let default = 4 + (3.0 * (n.max(1) as f64).ln()) as usize;
        self.population.unwrap_or(default).max(2)
    }
}

/// Constants that follow from the number of axes and the population.
#[derive(Clone, Debug)]
struct Constants {
    /// Recombination weights of the ranks, best first; the worse half is negative.
    weights: Vec<f64>,
    mu: usize,
    mu_eff: f64,
    c_c: f64,
    c_sigma: f64,
    d_sigma: f64,
    c_1: f64,
    c_mu: f64,
    /// The mean length of a standard normal vector.
    chi: f64,
}

/// The distribution before a generation.
#[derive(Clone, Debug)]
pub struct State {
    constants: Constants,
    generation: u64,
    mean: Vec<f64>,
    sigma: f64,
    covariance: Matrix,
    /// Roots of the eigenvalues of the covariance, and its eigenvectors as columns.
    axes: (Vec<f64>, Matrix),
    p_sigma: Vec<f64>,
    p_c: Vec<f64>,
}

/// A drawn point: `z` is standard normal, `y` has the covariance.
struct Draw {
    z: Vec<f64>,
    y: Vec<f64>,
}

impl State {
    /// The distribution before the first generation, around `mean`.
    pub fn new(mean: Vec<f64>, sigma: f64, population: usize) -> Self {
        let n = mean.len();
        Self {
            constants: Constants::new(n, population),
            generation: 0,
            mean,
            sigma,
            covariance: eigen::identity(n),
            axes: (vec![1.0; n], eigen::identity(n)),
            p_sigma: vec![0.0; n],
            p_c: vec![0.0; n],
        }
    }

    /// The points of the generation, before they are reflected.
    pub fn points(&self, streams: &Streams) -> Vec<Vec<f64>> {
        let point = |draw: Draw| -> Vec<f64> {
            self.mean.iter().zip(&draw.y).map(|(mean, y)| mean + self.sigma * y).collect()
        };
        self.draws(streams).into_iter().map(point).collect()
    }

    fn draws(&self, streams: &Streams) -> Vec<Draw> {
        let streams = streams.child("cmaes", self.generation);
        let draw = |i: usize| {
            let mut stream = streams.stream("point", i as u64);
            let z: Vec<f64> =
                self.mean.iter().map(|_| StandardNormal.sample(&mut stream)).collect();
            let (lengths, vectors) = &self.axes;
            let scaled: Vec<f64> = z.iter().zip(lengths).map(|(z, length)| z * length).collect();
            Draw { z, y: vectors.iter().map(|row| dot(row, &scaled)).collect() }
        };
        (0..self.constants.weights.len()).map(draw).collect()
    }

    /// Takes the generation's objectives, in the order of [`State::points`]; none for a failure.
    /// Where all failed, the next generation is drawn from the same distribution.
    pub fn update(&mut self, objectives: &[Option<f64>], streams: &Streams) {
        let draws = self.draws(streams);
        self.generation += 1;
        let worth = |i: usize| {
            objectives.get(i).copied().flatten().filter(|x| !x.is_nan()).unwrap_or(f64::INFINITY)
        };
        let mut order: Vec<usize> = (0..draws.len()).collect();
        order.sort_by(|&a, &b| worth(a).total_cmp(&worth(b)));
        if order.first().is_none_or(|&best| worth(best) == f64::INFINITY) {
            return;
        }
        let ranked: Vec<&Draw> = order.iter().map(|&i| &draws[i]).collect();
        let Constants { mu_eff, c_c, c_sigma, d_sigma, chi, .. } = self.constants;
        let (z, y) = (self.recombined(&ranked, |d| &d.z), self.recombined(&ranked, |d| &d.y));
        for (mean, y) in self.mean.iter_mut().zip(&y) {
            *mean += self.sigma * y;
        }
        // The covariance to the power of -1/2, times y, is the eigenvectors times z.
        let turned = self.axes.1.iter().map(|row| dot(row, &z));
        let gain = (c_sigma * (2.0 - c_sigma) * mu_eff).sqrt();
        for (p, whitened) in self.p_sigma.iter_mut().zip(turned) {
            *p = (1.0 - c_sigma) * *p + gain * whitened;
        }
        let length = dot(&self.p_sigma, &self.p_sigma).sqrt();
        let n = self.mean.len() as f64;
        let warm = (1.0 - (1.0 - c_sigma).powf(2.0 * self.generation as f64)).sqrt();
        let moves = length / warm < (1.4 + 2.0 / (n + 1.0)) * chi;
        let gain = if moves { (c_c * (2.0 - c_c) * mu_eff).sqrt() } else { 0.0 };
        for (p, y) in self.p_c.iter_mut().zip(&y) {
            *p = (1.0 - c_c) * *p + gain * y;
        }
        self.turn(&ranked, moves);
        // Beyond the box by orders of magnitude, reflection makes any step the same.
        self.sigma =
            (self.sigma * ((c_sigma / d_sigma) * (length / chi - 1.0)).exp()).clamp(1e-300, 1e3);
    }

    /// The weighted mean of the better half.
    fn recombined(&self, ranked: &[&Draw], part: impl Fn(&Draw) -> &[f64]) -> Vec<f64> {
        let mut mean = vec![0.0; self.mean.len()];
        for (draw, weight) in ranked.iter().zip(&self.constants.weights).take(self.constants.mu) {
            for (sum, x) in mean.iter_mut().zip(part(draw)) {
                *sum += weight * x;
            }
        }
        mean
    }

    /// The new covariance, equation 47 of the tutorial, and its axes.
    fn turn(&mut self, ranked: &[&Draw], moves: bool) {
        let Constants { c_c, c_1, c_mu, weights, .. } = &self.constants;
        let (n, c_1, c_mu) = (self.mean.len(), *c_1, *c_mu);
        let lost = if moves { 0.0 } else { c_c * (2.0 - c_c) };
        let keep = 1.0 + c_1 * lost - c_1 - c_mu * weights.iter().sum::<f64>();
        // A negative weight counts as if its point lay at the distance of a typical one: the matrix
        // stays positive.
        let scaled = ranked.iter().zip(weights).map(|(draw, &weight)| match weight < 0.0 {
            true => weight * n as f64 / dot(&draw.z, &draw.z).max(1e-300),
            false => weight,
        });
        let scaled: Vec<f64> = scaled.collect();
        for i in 0..n {
            for j in 0..=i {
                let rank_mu: f64 =
                    ranked.iter().zip(&scaled).map(|(draw, w)| w * draw.y[i] * draw.y[j]).sum();
                let rank_one = self.p_c[i] * self.p_c[j];
                let new = keep * self.covariance[i][j] + c_1 * rank_one + c_mu * rank_mu;
                (self.covariance[i][j], self.covariance[j][i]) = (new, new);
            }
        }
        let (values, vectors) = eigen::symmetric(&self.covariance);
        self.axes = (values.iter().map(|value| value.max(1e-300).sqrt()).collect(), vectors);
    }
}

impl Constants {
    /// Table 1 of the tutorial.
    fn new(axes: usize, population: usize) -> Self {
        let (n, lambda) = (axes.max(1) as f64, population as f64);
        let mu = population / 2;
        let raw: Vec<f64> =
            (1..=population).map(|i| ((lambda + 1.0) / 2.0).ln() - (i as f64).ln()).collect();
        let effective = |weights: &[f64]| {
            let sum: f64 = weights.iter().sum();
            sum * sum / weights.iter().map(|w| w * w).sum::<f64>().max(1e-300)
        };
        let (mu_eff, mu_eff_negative) = (effective(&raw[..mu]), effective(&raw[mu..]));
        let c_1 = 2.0 / ((n + 1.3).powi(2) + mu_eff);
        let c_mu = 2.0 * (0.25 + mu_eff + 1.0 / mu_eff - 2.0) / ((n + 2.0).powi(2) + mu_eff);
        let c_mu = c_mu.min(1.0 - c_1);
        let negative = (1.0 + c_1 / c_mu)
            .min(1.0 + 2.0 * mu_eff_negative / (mu_eff + 2.0))
            .min((1.0 - c_1 - c_mu) / (n * c_mu));
        let sum = |sign: f64| raw.iter().map(|w| (sign * w).max(0.0)).sum::<f64>().max(1e-300);
        let (plus, minus) = (sum(1.0), sum(-1.0));
        let weight = |w: &f64| if *w >= 0.0 { w / plus } else { negative.max(0.0) * w / minus };
        let c_sigma = (mu_eff + 2.0) / (n + mu_eff + 5.0);
        let excess = (((mu_eff - 1.0).max(0.0) / (n + 1.0)).sqrt() - 1.0).max(0.0);
        Self {
            weights: raw.iter().map(weight).collect(),
            mu,
            mu_eff,
            c_c: (4.0 + mu_eff / n) / (n + 4.0 + 2.0 * mu_eff / n),
            c_sigma,
            d_sigma: 1.0 + 2.0 * excess + c_sigma,
            c_1,
            c_mu,
            chi: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
        }
    }
}

/// A coordinate reflected at 0 and 1 until it lies between them.
pub fn reflected(x: f64) -> f64 {
    let folded = x.rem_euclid(2.0);
    if folded > 1.0 { 2.0 - folded } else { folded }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
