//! How the covariates of a user hang together: the general location model on normal scores.
//!
//! The categories of a user are a cell, drawn by its share. Given the cell, the normal scores of the
//! user's numbers are normal with means of the cell and one covariance for all (Olkin and Tate,
//! *Multivariate correlation models with mixed discrete and continuous variables*, Annals of
//! Mathematical Statistics 32, 1961). A score becomes the number at the same cumulative share, so
//! that each covariate keeps its own distribution; without categories this is the Gaussian copula.

use libm::erfc;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::world::{Profile, WorldError};
use crate::random::Stream;

/// Scores beyond this are at the ends of a grid.
const FAR: f64 = 8.0;
/// Points of a table of cumulative shares, from -[`FAR`] to [`FAR`].
const POINTS: usize = 385;

/// Users who are alike in all categories.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The category of each covariate of categories, in their order.
    pub categories: Vec<u16>,
    /// Share of users; shares need not add up to 1.
    pub share: f64,
    /// Mean normal score of each covariate of numbers, in their order.
    pub means: Vec<f64>,
}

/// The joint law of covariates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joint {
    /// At least one.
    pub cells: Vec<Cell>,
    /// Lower triangle L of the covariance L L' of normal scores within a cell: row i has i + 1
    /// entries.
    pub factor: Vec<Vec<f64>>,
}

impl Joint {
    /// Checks that it is a law of the covariates of a profile.
    pub(super) fn check(&self, profile: &Profile) -> Result<(), WorldError> {
        let bad = |why: &str| Err(WorldError::new("profile.joint", why));
        let counts: Vec<usize> = (0..profile.names.len())
            .map(|i| profile.categories_of(i).len())
            .filter(|&count| count > 0)
            .collect();
        let numbers = profile.names.len() - counts.len();
        let total: f64 = self.cells.iter().map(|cell| cell.share).sum();
        if !(total > 0.0 && total.is_finite()) || self.cells.iter().any(|cell| cell.share < 0.0) {
            return bad("shares of cells are at least 0, and one is positive");
        }
        let fits = |cell: &Cell| {
            cell.categories.len() == counts.len()
                && cell
                    .categories
                    .iter()
                    .zip(&counts)
                    .all(|(&own, &count)| usize::from(own) < count)
                && cell.means.len() == numbers
                && cell.means.iter().all(|mean| mean.abs() <= FAR)
        };
        if !self.cells.iter().all(fits) {
            return bad("a cell names a category of each covariate of categories and has a mean \
                        score, within 8 of 0, of each covariate of numbers");
        }
        let row = |(i, row): (usize, &Vec<f64>)| {
            row.len() == i + 1 && row.iter().all(|x| x.abs() <= FAR) && row[i] > 0.0
        };
        if self.factor.len() != numbers || !self.factor.iter().enumerate().all(row) {
            return bad("the factor is a lower triangle with a row a covariate of numbers and a \
                        positive diagonal");
        }
        Ok(())
    }
}

/// A joint law made ready to draw from.
pub(super) struct Drawing<'a> {
    joint: &'a Joint,
    /// Cumulative shares of the cells.
    ends: Vec<f64>,
    /// Of each number, the share of users with a score up to each of [`POINTS`].
    tables: Vec<Vec<f64>>,
}

impl<'a> Drawing<'a> {
    pub(super) fn of(joint: &'a Joint) -> Self {
        let mut total = 0.0;
        let mut ends = Vec::with_capacity(joint.cells.len());
        for cell in &joint.cells {
            total += cell.share;
            ends.push(total);
        }
        let table = |(number, row): (usize, &Vec<f64>)| {
            let sd = row.iter().map(|x| x * x).sum::<f64>().sqrt();
            let below = |point: usize| {
                let z = FAR * (2.0 * point as f64 / (POINTS - 1) as f64 - 1.0);
                let one = |cell: &Cell| {
                    let deviation = (z - cell.means[number]) / sd;
                    cell.share * 0.5 * erfc(-deviation / std::f64::consts::SQRT_2)
                };
                joint.cells.iter().map(one).sum::<f64>() / total
            };
            (0..POINTS).map(below).collect()
        };
        let tables = joint.factor.iter().enumerate().map(table).collect();
        Self { joint, ends, tables }
    }

    /// Appends the covariates of one user.
    pub(super) fn draw(&self, profile: &Profile, stream: &mut Stream, into: &mut Vec<f64>) {
        let Some((last, total)) = self.joint.cells.len().checked_sub(1).zip(self.ends.last())
        else {
            return;
        };
        let at = stream.uniform() * total;
        let cell = &self.joint.cells[self.ends.partition_point(|end| *end <= at).min(last)];
        let normals: Vec<f64> =
            self.joint.factor.iter().map(|_| StandardNormal.sample(stream)).collect();
        let (mut categories, mut number) = (cell.categories.iter(), 0);
        for (i, grid) in profile.grids.iter().enumerate() {
            if !profile.categories_of(i).is_empty() {
                into.push(categories.next().copied().map_or(0.0, f64::from));
                continue;
            }
            let row = &self.joint.factor[number];
            let own: f64 = row.iter().zip(&normals).map(|(l, e)| l * e).sum();
            let share = self.share(number, cell.means[number] + own);
            into.push(grid[((share * grid.len() as f64) as usize).min(grid.len() - 1)]);
            number += 1;
        }
    }

    /// The share of users with a score of at most z.
    fn share(&self, number: usize, z: f64) -> f64 {
        let table = &self.tables[number];
        let at = ((z / FAR + 1.0) / 2.0).clamp(0.0, 1.0) * (POINTS - 1) as f64;
        let below = (at as usize).min(POINTS - 2);
        table[below] + (at - below as f64) * (table[below + 1] - table[below])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Streams;

    fn profile() -> Profile {
        let grid = |low: f64| (0..=100).map(|i| low + f64::from(i)).collect();
        Profile {
            names: vec!["age".into(), "region".into(), "income".into()],
            grids: vec![grid(0.0), vec![0.0, 1.0], grid(1000.0)],
            categories: vec![vec![], vec!["north".into(), "south".into()], vec![]],
            joint: Some(Joint {
                cells: vec![
                    Cell { categories: vec![0], share: 0.3, means: vec![0.7, 0.0] },
                    Cell { categories: vec![1], share: 0.7, means: vec![-0.3, 0.0] },
                ],
                // Unit variances and the correlation 0.6.
                factor: vec![vec![1.0], vec![0.6, 0.8]],
            }),
        }
    }

    /// Spearman's correlation of a Gaussian copula is `6 / pi asin(rho / 2)` (Pearson 1907); scores
    /// of a mixture are not quite normal, and the grid has 101 places. Standard errors of 20,000
    /// draws are below 0.008; the bounds are four of them.
    #[test]
    fn draws_keep_marginals_cells_and_correlations() {
        let profile = profile();
        profile.joint.as_ref().unwrap().check(&profile).unwrap();
        let drawing = Drawing::of(profile.joint.as_ref().unwrap());
        let (n, mut rows) = (20_000, Vec::new());
        for user in 0..n {
            let mut stream = Streams::new(3).stream("profile", user);
            drawing.draw(&profile, &mut stream, &mut rows);
        }
        let column = |c: usize| rows.iter().skip(c).step_by(3).copied();
        let mean = |values: &mut dyn Iterator<Item = f64>| {
            let (sum, count) = values.fold((0.0, 0.0), |(s, c), x| (s + x, c + 1.0));
            sum / count
        };
        // Uniform on 0 to 100, and on 1000 to 1100.
        assert!((mean(&mut column(0)) - 50.0).abs() < 4.0 * 29.2 / (n as f64).sqrt());
        assert!((mean(&mut column(2)) - 1050.0).abs() < 4.0 * 29.2 / (n as f64).sqrt());
        assert!((mean(&mut column(1)) - 0.7).abs() < 4.0 * 0.46 / (n as f64).sqrt());
        let of = |region: f64| {
            let own = rows.chunks_exact(3).filter(move |row| row[1] == region);
            mean(&mut own.map(|row| row[0])) / 100.0
        };
        // P(X_south < X_north) = Phi(1 / sqrt 2) = 0.7602 = 1/2 + the difference of mean ranks.
        assert!((of(0.0) - of(1.0) - 0.2602).abs() < 0.02, "{} {}", of(0.0), of(1.0));
        let deviations: Vec<[f64; 2]> =
            rows.chunks_exact(3).map(|row| [row[0] - 50.0, row[2] - 1050.0]).collect();
        let sum = |f: &dyn Fn(&[f64; 2]) -> f64| deviations.iter().map(f).sum::<f64>();
        let rho = sum(&|d| d[0] * d[1]) / (sum(&|d| d[0] * d[0]) * sum(&|d| d[1] * d[1])).sqrt();
        // The means of the cells add 0.21 to the variance of the first score.
        let expected = 6.0 / std::f64::consts::PI * (0.6 / 1.21_f64.sqrt() / 2.0).asin();
        assert!((rho - expected).abs() < 0.03, "{rho} {expected}");
    }

    #[test]
    fn a_law_of_other_covariates_is_refused() {
        let refused = |change: fn(&mut Joint)| {
            let mut profile = profile();
            let mut joint = profile.joint.take().unwrap();
            change(&mut joint);
            joint.check(&profile).unwrap_err().to_string()
        };
        assert!(refused(|joint| joint.cells.clear()).contains("shares"));
        assert!(refused(|joint| joint.cells[0].share = f64::NAN).contains("shares"));
        assert!(refused(|joint| joint.cells[0].categories[0] = 2).contains("category"));
        assert!(refused(|joint| joint.cells[1].means[1] = f64::NAN).contains("mean"));
        assert!(refused(|joint| joint.factor[1][1] = 0.0).contains("diagonal"));
        assert!(refused(|joint| joint.factor.truncate(1)).contains("factor"));
    }
}
