//! How far the dependence of all coordinate pairs is apart, whatever the coordinates' own
//! distributions.
//!
//! `C(u, v) = Pr[F_a(X_a) <= u, F_b(X_b) <= v]` is the copula of a pair, each F being the
//! distribution function of its own side (Deheuvels, *La fonction de dépendance empirique et ses
//! propriétés*, Bulletin de la Classe des Sciences, Académie royale de Belgique 65, 1979). Tied
//! rows share their step of F evenly, which makes C continuous (the checkerboard copula of Genest
//! and Nešlehová, *A primer on copulas for count data*, ASTIN Bulletin 37, 2007): rows that are all
//! equal have the copula u v of independence. `D = mean |C_P - C_Q|` over the pairs a < b and the
//! inner knots (i / cells, j / cells), from 0 to 1/6 as cells grow
//! (Rémillard and Scaillet, *Testing for equality between two copulas*, Journal of Multivariate
//! Analysis 100, 2009, sum up the squares of the same gaps).

use super::distinct::distinct;
use super::ranks::Ranks;
use super::vectors::{self, Owners};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared};
use crate::sample::{Sample, Shape};

/// `copula-distance`.
#[derive(Clone, Copy, Debug)]
pub struct CopulaDistance {
    /// Cells of the grid along each side, 2 to 50.
    pub cells: usize,
}

impl Default for CopulaDistance {
    fn default() -> Self {
        Self { cells: 10 }
    }
}

const NAME: &str = "copula-distance";

impl Discrepancy for CopulaDistance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Distance of copulas"
    }

    fn definition(&self) -> &'static str {
        "mean of |C_P(u, v) - C_Q(u, v)| over coordinate pairs and the knots of a grid"
    }

    fn reference(&self) -> &'static str {
        "Rémillard and Scaillet, Testing for equality between two copulas, Journal of Multivariate Analysis 100, 2009"
    }

    fn cost(&self) -> &'static str {
        "one sort a coordinate, then O((n + m) d^2) a value (times cells^2 where all is tied); O((n + m) d) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "cells",
            meaning: "cells of the grid along each side",
            default: 10.0,
            low: 2.0,
            high: 50.0,
            whole: true,
        }]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { cells: *values.first()? as usize }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        vectors::check(NAME, 2, internal, external)?;
        let cells = self.cells.clamp(2, 50);
        let [internal, external] = [internal, external].map(|sample| Side::of(sample, cells));
        Ok(Box::new(Copulas { internal, external, cells }))
    }
}

struct Copulas {
    internal: Side,
    external: Side,
    cells: usize,
}

impl Prepared for Copulas {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let mut gaps = self.internal.masses(internal)?;
        let masses = self.external.masses(external)?;
        gaps.iter_mut().zip(masses).for_each(|(gap, mass)| *gap -= mass);
        let (mut sum, mut knots) = (0.0, 0.0);
        for table in gaps.chunks_exact(self.cells * self.cells) {
            // C at the upper corner of a cell is the mass of all cells below and left of it.
            let mut above = vec![0.0; self.cells];
            for row in table.chunks_exact(self.cells).take(self.cells - 1) {
                let mut along = 0.0;
                for (above, mass) in above.iter_mut().zip(row).take(self.cells - 1) {
                    along += mass;
                    *above += along;
                    sum += above.abs();
                    knots += 1.0;
                }
            }
        }
        Some(sum / knots).filter(|value: &f64| value.is_finite())
    }
}

/// One side.
struct Side {
    owners: Owners,
    /// Which of the distinct rows each row is: equal rows have equal steps.
    places: Vec<u32>,
    /// Of the distinct rows.
    ranks: Vec<Ranks>,
    /// Number of distinct rows.
    rows: usize,
    cells: usize,
}

/// The part of the axis that a row's step of F covers, in cells.
#[derive(Clone, Copy, Default)]
struct Step {
    from: f64,
    to: f64,
}

impl Step {
    /// The cells that it covers, with the share of the step in each.
    fn spread(self, cells: usize, into: &mut Vec<(usize, f64)>) {
        into.clear();
        let length = self.to - self.from;
        let first = (self.from as usize).min(cells - 1);
        // A step that rounding has swallowed lies in one cell.
        if length <= 0.0 || self.to <= (first + 1) as f64 {
            into.push((first, 1.0));
            return;
        }
        let last = (self.to as usize).min(cells - 1);
        for cell in first..=last {
            let end = if cell == last { self.to } else { (cell + 1) as f64 };
            let share = (end - self.from.max(cell as f64)) / length;
            if share > 0.0 {
                into.push((cell, share));
            }
        }
    }
}

impl Side {
    fn of(sample: &Sample, cells: usize) -> Self {
        let (firsts, places) = distinct(&sample.values, sample.width);
        let column = |c: usize| -> Vec<f64> {
            firsts.iter().filter_map(|&first| sample.row(first).get(c).copied()).collect()
        };
        Self {
            owners: Owners::of(sample, 0..sample.rows()),
            ranks: (0..sample.width).map(|c| Ranks::of(&column(c))).collect(),
            rows: firsts.len(),
            places,
            cells,
        }
    }

    /// The mass of each cell of each pair's grid, in the order of [`vectors::pairs`].
    fn masses(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let mut shares = vec![0.0; self.rows];
        for (&place, share) in self.places.iter().zip(self.owners.shares(weights)?) {
            shares[place as usize] += share;
        }
        let width = self.ranks.len();
        let mut steps = vec![Step::default(); self.rows * width];
        for (c, ranks) in self.ranks.iter().enumerate() {
            ranks.each(&shares, |row, below, upto| {
                if let Some(step) = steps.get_mut(row * width + c) {
                    let cells = self.cells as f64;
                    *step = Step { from: below * cells, to: upto * cells };
                }
            });
        }
        let size = self.cells * self.cells;
        let mut masses = vec![0.0; width * (width - 1) / 2 * size];
        let mut spread: Vec<Vec<(usize, f64)>> = vec![Vec::new(); width];
        for (steps, &share) in steps.chunks_exact(width).zip(&shares) {
            if share == 0.0 {
                continue;
            }
            steps.iter().zip(&mut spread).for_each(|(step, into)| step.spread(self.cells, into));
            let tables = masses.chunks_exact_mut(size);
            for (table, (a, b)) in tables.zip(vectors::pairs(width)) {
                for &(row, first) in &spread[a] {
                    for &(column, second) in &spread[b] {
                        table[row * self.cells + column] += share * first * second;
                    }
                }
            }
        }
        Some(masses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: Vec<f64>) -> Sample {
        let users = values.len() / 2;
        let user = (0..users as u32).collect();
        Sample { shape: Shape::Vector, width: 2, values, user, users, categories: 0 }
    }

    /// min(u, v) of rows that rise together, max(u + v - 1, 0) of rows that move against each
    /// other, and u v of constant rows, at the knots of the grid.
    #[test]
    fn values_in_closed_form() {
        let up = rows((0..40).flat_map(|i| [f64::from(i), f64::from(i * i)]).collect());
        let down = rows((0..20).flat_map(|i| [f64::from(i), -f64::from(i)]).collect());
        let flat = rows(vec![5.0; 14]);
        let mean = |gap: fn(f64, f64) -> f64| {
            let knots = || (1..10).map(|i| f64::from(i) / 10.0);
            knots().flat_map(|u| knots().map(move |v| gap(u, v))).sum::<f64>() / 81.0
        };
        let copula = CopulaDistance::default();
        let cases = [
            (&up, &down, mean(|u, v| u.min(v) - (u + v - 1.0).max(0.0))),
            (&up, &flat, mean(|u, v| u.min(v) - u * v)),
            (&flat, &down, mean(|u, v| u * v - (u + v - 1.0).max(0.0))),
        ];
        for (p, q, expected) in cases {
            let value = copula.value(p, q).unwrap();
            assert!((value - expected).abs() < 1e-14, "{value} {expected}");
        }
    }
}
