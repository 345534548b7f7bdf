//! Joint statistics: what a file holds of vectors, so that a reward can match how features hang
//! together without seeing a user.
//!
//! Vectors are standardised, `z = (x - mean) / sd` for each column, and then seen in two ways:
//!
//! - quantile grids of `u . z` along fixed random directions u. A distribution of vectors is known
//!   by its projections (Cramér and Wold 1936). The mean over directions of the 1-D Wasserstein
//!   distances is the sliced Wasserstein distance (Bonneel et al., *Sliced and Radon Wasserstein
//!   Barycenters of Measures*, Journal of Mathematical Imaging and Vision 51, 2015). The energy
//!   distance in d dimensions is the mean over directions of the 1-D ones divided by the mean of
//!   `|u . e|`, because `|x|` is the mean of `|u . x|` up to that constant (Székely and Rizzo,
//!   *Energy statistics*, Journal of Statistical Planning and Inference 143, 2013);
//! - means of `cos(w . z)` and `sin(w . z)` at fixed random frequencies w: their squared distance
//!   is the squared maximum mean discrepancy of a Gaussian kernel (Rahimi and Recht 2007).
//!
//! Directions and frequencies follow from a seed, so the file holds the seed and the counts.
//! Projections are rounded to a millionth of a standard deviation.

use serde::{Deserialize, Serialize};
use trueup_env::{Clock, EventLog, History};

use super::file::{BadField, bad};
use super::projection::{directions, dot, frequencies};
use super::{Distribution, Statistics};
use crate::discrepancy::mean_and_sd;
use crate::features::{self, Definition, Feature};
use crate::panel::USER_VECTOR;

/// Random directions of a file that this program writes.
pub const DIRECTIONS: usize = 64;
/// Probabilities of a projection's quantile grid: 0, 1/128, ..., 1.
pub const PROJECTION_GRID: usize = 129;
/// Random frequencies of a file that this program writes.
pub const FREQUENCIES: usize = 128;
/// What stands in a vector where a feature is not defined for a user, as in
/// [`features::user_vectors`].
pub const UNDEFINED: f64 = -1.0;

const SEED: u64 = 1;
/// The most directions or frequencies that a file may name.
const MOST: usize = 4096;

/// The joint distribution of vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointStatistics {
    /// `user_vector`, or the name of a feature of pairs.
    pub feature: String,
    /// What the columns are: features of users for `user_vector`, `earlier` and `later` for pairs.
    pub columns: Vec<String>,
    /// Number of vectors.
    pub rows: usize,
    /// Number of users with vectors.
    pub users: usize,
    /// Mean of each column.
    pub mean: Vec<f64>,
    /// Standard deviation (n) of each column.
    pub sd: Vec<f64>,
    /// Pearson correlations, columns x columns; 0 where a column has no spread.
    pub correlation: Vec<Vec<f64>>,
    /// Quantiles along random directions.
    pub projections: Projections,
    /// Means of random Fourier features.
    pub fourier: Fourier,
}

/// Quantile grids of standardised vectors along random directions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projections {
    /// What the directions follow from.
    pub seed: u64,
    /// One quantile grid a direction, like those of a [`Distribution`].
    pub quantiles: Vec<Vec<f64>>,
}

/// Means of `cos(w . z)` and `sin(w . z)` of standardised vectors at random frequencies w.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fourier {
    /// What the frequencies follow from.
    pub seed: u64,
    /// Bandwidth of the Gaussian kernel, in standard deviations.
    pub bandwidth: f64,
    /// Mean cosines, one a frequency.
    pub cosine: Vec<f64>,
    /// Mean sines, one a frequency.
    pub sine: Vec<f64>,
}

/// The names of pairs' columns.
const SIDES: [&str; 2] = ["earlier", "later"];

/// Features that a user vector is made of: those that are known at any time in the window.
fn running_features() -> impl Iterator<Item = &'static Feature> {
    features::FEATURES.iter().filter(|f| matches!(f.definition, Definition::User(_)))
}

/// Appends a user's running vector.
pub fn running_vector(columns: &[&Feature], history: &History, clock: &Clock, into: &mut Vec<f64>) {
    into.extend(columns.iter().map(|feature| match feature.definition {
        Definition::User(f) => f(history, clock).unwrap_or(UNDEFINED),
        _ => UNDEFINED,
    }));
}

impl JointStatistics {
    /// All of a log: the user vector, and each feature of pairs.
    pub fn all(log: &EventLog) -> Vec<Self> {
        let columns: Vec<&Feature> = running_features().collect();
        let mut rows = Vec::with_capacity(columns.len() * log.user_count());
        for user in 0..log.user_count() {
            let mut history = History::default();
            log.events_of(user).iter().for_each(|event| history.push(event));
            running_vector(&columns, &history, log.clock(), &mut rows);
        }
        let names = columns.iter().map(|feature| feature.name.to_owned()).collect();
        let mut all = Vec::new();
        all.extend(Self::of(USER_VECTOR, names, &rows, log.user_count()));
        for feature in features::FEATURES.iter() {
            if matches!(feature.definition, Definition::Pair(_)) {
                let sample = feature.sample(log);
                let users = sample.users_with_rows();
                let names = SIDES.map(String::from).to_vec();
                all.extend(Self::of(feature.name, names, &sample.values, users));
            }
        }
        all
    }

    /// Vectors of `columns` numbers, row by row; none without rows.
    fn of(feature: &str, columns: Vec<String>, values: &[f64], users: usize) -> Option<Self> {
        let width = columns.len();
        let rows = values.len().checked_div(width).filter(|&rows| rows > 0)?;
        let (mean, sd) = moments(values, width);
        let scales = scales(&mean, &sd);
        let standard: Vec<f64> =
            (0..values.len()).map(|i| (values[i] - mean[i % width]) / scales[i % width]).collect();
        let mut one = Self {
            feature: feature.into(),
            correlation: correlation(&standard, &sd, &scales),
            columns,
            rows,
            users,
            mean,
            sd,
            projections: Projections { seed: SEED, quantiles: Vec::new() },
            fourier: Fourier {
                seed: SEED,
                // The mean squared distance of two standardised vectors is twice their width.
                bandwidth: (width as f64).sqrt(),
                cosine: Vec::new(),
                sine: Vec::new(),
            },
        };
        one.projections.quantiles = directions(SEED, DIRECTIONS, width)
            .iter()
            .map(|u| grid(standard.chunks_exact(width).map(|z| dot(u, z)).collect()))
            .collect();
        for w in frequencies(SEED, FREQUENCIES, width, one.fourier.bandwidth) {
            let (mut cosine, mut sine) = (0.0, 0.0);
            for z in standard.chunks_exact(width) {
                let (s, c) = dot(&w, z).sin_cos();
                cosine += c;
                sine += s;
            }
            one.fourier.cosine.push(cosine / rows as f64);
            one.fourier.sine.push(sine / rows as f64);
        }
        Some(one)
    }

    /// What a column is divided by: its standard deviation, 1 where that is only rounding.
    pub fn scales(&self) -> Vec<f64> {
        scales(&self.mean, &self.sd)
    }

    /// The directions of the projections.
    pub fn directions(&self) -> Vec<Vec<f64>> {
        directions(self.projections.seed, self.projections.quantiles.len(), self.columns.len())
    }

    /// The frequencies of the Fourier features.
    pub fn frequencies(&self) -> Vec<Vec<f64>> {
        let Fourier { seed, bandwidth, cosine, .. } = &self.fourier;
        frequencies(*seed, cosine.len(), self.columns.len(), *bandwidth)
    }

    /// The distribution along direction `u`, which is the `k`-th of [`Self::directions`].
    pub fn projection(&self, k: usize, u: &[f64]) -> Option<Distribution> {
        let scales = self.scales();
        // A column without spread contributes none.
        let scaled: Vec<f64> = u
            .iter()
            .zip(self.sd.iter().zip(&scales))
            .map(|(u, (sd, scale))| u * sd / scale)
            .collect();
        let variance: f64 =
            self.correlation.iter().zip(&scaled).map(|(row, u)| u * dot(row, &scaled)).sum();
        let quantiles = self.projections.quantiles.get(k)?.clone();
        let (low, high) = (*quantiles.first()?, *quantiles.last()?);
        // Standardised vectors have the mean 0; rounding of the grid may end just beside it.
        Some(Distribution { mean: 0f64.clamp(low, high), sd: variance.max(0.0).sqrt(), quantiles })
    }

    /// Checks that every field can be.
    pub(super) fn check(&self, field: &str, whole: &Statistics) -> Result<(), BadField> {
        self.check_columns(field)?;
        let width = self.columns.len();
        if self.rows == 0 || self.users == 0 || self.users > whole.users {
            return bad(field, "has no rows or more users than there are; delete an empty entry");
        }
        if self.mean.len() != width || self.sd.len() != width || self.correlation.len() != width {
            return bad(field, format!("needs {width} means, sds and rows of correlations"));
        }
        let finite = |values: &[f64]| values.iter().all(|x| x.is_finite());
        if !finite(&self.mean) || !self.sd.iter().all(|sd| sd.is_finite() && *sd >= 0.0) {
            return bad(field, "means are finite and standard deviations at least 0");
        }
        let share = |r: &f64| (-1.0 - 1e-9..=1.0 + 1e-9).contains(r);
        if !self.correlation.iter().all(|row| row.len() == width && row.iter().all(share)) {
            return bad(
                format!("{field}.correlation"),
                format!("holds {width} rows of {width} numbers from -1 to 1"),
            );
        }
        let grids = &self.projections.quantiles;
        let sound = |grid: &Vec<f64>| grid.len() >= 2 && finite(grid) && grid.is_sorted();
        if grids.len() > MOST || !grids.iter().all(sound) {
            return bad(
                format!("{field}.projections.quantiles"),
                format!("holds at most {MOST} grids of finite, ascending numbers: sort them"),
            );
        }
        let Fourier { bandwidth, cosine, sine, .. } = &self.fourier;
        if !(bandwidth.is_finite() && *bandwidth > 0.0) {
            return bad(format!("{field}.fourier.bandwidth"), "is not a positive number");
        }
        if cosine.len() != sine.len()
            || cosine.len() > MOST
            || !cosine.iter().chain(sine).all(share)
        {
            return bad(
                format!("{field}.fourier"),
                format!("holds as many sines as cosines, at most {MOST}, from -1 to 1: cut them"),
            );
        }
        Ok(())
    }

    fn check_columns(&self, field: &str) -> Result<(), BadField> {
        if self.feature != USER_VECTOR {
            let pair = features::find(&self.feature)
                .is_some_and(|feature| matches!(feature.definition, Definition::Pair(_)));
            if !pair {
                return bad(field, "is no feature of vectors of this program; delete the entry");
            }
            if self.columns != SIDES {
                return bad(format!("{field}.columns"), "of pairs are `earlier` and `later`");
            }
            return Ok(());
        }
        let known = |name: &String| running_features().any(|feature| feature.name == name);
        if let Some(name) = self.columns.iter().find(|name| !known(name)) {
            return bad(
                format!("{field}.columns"),
                format!("names `{name}`, no feature of users of this program; delete the entry"),
            );
        }
        let twice = (1..self.columns.len()).any(|i| self.columns[..i].contains(&self.columns[i]));
        if self.columns.is_empty() || twice {
            return bad(format!("{field}.columns"), "names at least one feature, each once");
        }
        Ok(())
    }
}

/// Means and standard deviations (n) of columns.
fn moments(values: &[f64], width: usize) -> (Vec<f64>, Vec<f64>) {
    let column = |c: usize| values.iter().skip(c).step_by(width).copied().collect::<Vec<_>>();
    (0..width).map(|c| mean_and_sd(&column(c), None)).unzip()
}

/// The rule of `energy-nd`: a column whose spread is only rounding is centred and no more.
fn scales(mean: &[f64], sd: &[f64]) -> Vec<f64> {
    let scale = |(mean, sd): (&f64, &f64)| if *sd > 1e-12 * mean.abs() { *sd } else { 1.0 };
    mean.iter().zip(sd).map(scale).collect()
}

/// Correlations of standardised vectors; columns that are not scaled by their own spread have none.
fn correlation(standard: &[f64], sd: &[f64], scales: &[f64]) -> Vec<Vec<f64>> {
    let width = sd.len();
    let rows = (standard.len() / width) as f64;
    let mut sums = vec![vec![0.0; width]; width];
    for z in standard.chunks_exact(width) {
        for (a, row) in sums.iter_mut().enumerate() {
            row.iter_mut().zip(z).for_each(|(sum, b)| *sum += z[a] * b);
        }
    }
    let spread = |c: usize| sd[c] > 0.0 && sd[c] == scales[c];
    let entry = |a: usize, b: usize, sum: f64| match (a == b, spread(a) && spread(b)) {
        (true, _) => 1.0,
        (false, true) => (sum / rows).clamp(-1.0, 1.0),
        (false, false) => 0.0,
    };
    let row = |(a, row): (usize, &Vec<f64>)| {
        row.iter().enumerate().map(|(b, sum)| entry(a, b, *sum)).collect()
    };
    sums.iter().enumerate().map(row).collect()
}

/// Quantiles of a projection, rounded.
fn grid(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let at = |i: usize| values[(i * n).div_ceil(PROJECTION_GRID - 1).clamp(1, n) - 1];
    (0..PROJECTION_GRID).map(|i| (at(i) * 1e6).round() / 1e6).collect()
}
