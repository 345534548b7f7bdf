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
use super::joint;
use super::ranks::Ranks;
use super::vectors::{self, Owners};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared};
use crate::neighbours::evenly;
use crate::sample::{Sample, Shape};

/// `copula-distance`.
#[derive(Clone, Copy, Debug)]
pub struct CopulaDistance {
    /// Cells of the grid along each side, 2 to 50.
    pub cells: usize,
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
}

impl CopulaDistance {
    /// Of a grid of ten by ten, on at most 200,000 rows.
    pub const fn new() -> Self {
        Self { cells: 10, rows: DEFAULT_ROWS }
    }
}

impl Default for CopulaDistance {
    fn default() -> Self {
        Self::new()
    }
}

const NAME: &str = "copula-distance";
const DEFAULT_ROWS: usize = 200_000;

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
        "one sort a coordinate, then O(min(n, rows) d^2 + cells^2 d^2) a value; O(min(n, rows) d) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            Parameter {
                name: "cells",
                meaning: "cells of the grid along each side",
                default: 10.0,
                low: 2.0,
                high: 50.0,
                whole: true,
            },
            joint::rows_parameter(DEFAULT_ROWS, 2_000_000),
        ];
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [cells, rows] = values else { return None };
        Some(Box::new(Self { cells: *cells as usize, rows: *rows as usize }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        1.0
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
        let side = |sample: &Sample| Side::of(sample, cells, self.rows);
        let [internal, external] = [internal, external].map(side);
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
#[derive(Clone, Copy, PartialEq)]
struct Step {
    from: f64,
    to: f64,
}

impl Step {
    /// The one cell that holds all of it; none where it reaches over a border.
    fn cell(self, cells: usize) -> Option<usize> {
        let first = (self.from as usize).min(cells - 1);
        // A step that rounding has swallowed lies in one cell.
        let inside = self.to <= self.from || self.to <= (first + 1) as f64 || first + 1 == cells;
        inside.then_some(first)
    }

    /// The cells that it covers, with the share of the step in each.
    fn spread(self, cells: usize) -> impl Iterator<Item = (usize, f64)> {
        let length = self.to - self.from;
        let last = (self.to as usize).min(cells - 1);
        let share = move |cell: usize| {
            let end = if cell == last { self.to } else { (cell + 1) as f64 };
            (end - self.from.max(cell as f64)) / length
        };
        let covered = (self.from as usize..=last).map(move |cell| (cell, share(cell)));
        covered.filter(|(_, share)| *share > 0.0)
    }
}

/// Where rows lie along a coordinate: in a cell, or with other rows on a step over a border. As there
/// are fewer such steps than cells, a few places hold all rows.
struct Along {
    /// The place of each row; below `cells` it is a cell.
    rows: Vec<u8>,
    /// Of each place the cells that it covers, with the share of each.
    places: Vec<Vec<(usize, f64)>>,
}

impl Along {
    fn of(ranks: &Ranks, shares: &[f64], cells: usize) -> Self {
        let mut rows = vec![0; shares.len()];
        let mut places: Vec<Vec<(usize, f64)>> = (0..cells).map(|cell| vec![(cell, 1.0)]).collect();
        let mut last = None;
        ranks.each(shares, |row, below, upto| {
            let step = Step { from: below * cells as f64, to: upto * cells as f64 };
            let place = step.cell(cells).unwrap_or_else(|| {
                if last != Some(step) {
                    last = Some(step);
                    places.push(step.spread(cells).collect());
                }
                places.len() - 1
            });
            if let Some(at) = rows.get_mut(row) {
                *at = place as u8;
            }
        });
        Self { rows, places }
    }
}

/// Rows whose shares are added up side by side, so that a sum need not wait for the one before.
const BESIDE: usize = 4;

/// The mass of each cell of a pair's grid: that of each pair of places first, then spread over cells.
fn table(a: &Along, b: &Along, shares: &[f64], cells: usize) -> Vec<f64> {
    let width = b.places.len();
    let mut pairs = vec![[0.0; BESIDE]; a.places.len() * width];
    for (row, ((&first, &second), share)) in a.rows.iter().zip(&b.rows).zip(shares).enumerate() {
        if let Some(sums) = pairs.get_mut(usize::from(first) * width + usize::from(second)) {
            sums[row % BESIDE] += share;
        }
    }
    let mut masses = vec![0.0; cells * cells];
    for (pairs, first) in pairs.chunks_exact(width).zip(&a.places) {
        for (sums, second) in pairs.iter().zip(&b.places) {
            let mass: f64 = sums.iter().sum();
            if mass > 0.0 {
                for &(row, of_row) in first {
                    for &(column, of_column) in second {
                        masses[row * cells + column] += mass * of_row * of_column;
                    }
                }
            }
        }
    }
    masses
}

impl Side {
    fn of(sample: &Sample, cells: usize, rows: usize) -> Self {
        let picks = || evenly(sample.rows(), rows.max(1));
        let values: Vec<f64> = picks().flat_map(|row| sample.row(row)).copied().collect();
        let (firsts, places) = distinct(&values, sample.width);
        let column = |c: usize| -> Vec<f64> {
            firsts
                .iter()
                .filter_map(|&first| values.get(first * sample.width + c).copied())
                .collect()
        };
        Self {
            owners: Owners::of(sample, picks()),
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
        let along = self.ranks.iter().map(|ranks| Along::of(ranks, &shares, self.cells));
        let along: Vec<Along> = along.collect();
        let pairs = vectors::pairs(along.len());
        let tables = pairs.map(|(a, b)| table(&along[a], &along[b], &shares, self.cells));
        Some(tables.collect::<Vec<_>>().concat())
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
