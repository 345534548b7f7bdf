//! How far the joint tables of all coordinate pairs are apart.
//!
//! Each coordinate is cut into cells, and for each pair a < b the cells make a table with the
//! probabilities p_ij of the internal and q_ij of the external rows: `D = mean over pairs of
//! 1/2 sum_ij |p_ij - q_ij|`, the total variation distance of the tables, from 0 to 1. On the same
//! cells this is one minus the score that SDMetrics calls ContingencySimilarity.
//!
//! Cells come from all external rows, whatever their weights, so that replicates compare the same
//! tables. A coordinate with at most `bins` distinct external values has a cell for each, and one
//! for all others: categories are compared as categories. A coordinate with more is cut at its
//! quantiles. (A pair of categories that is one category already, such as `kind_pair`, is what
//! `total-variation` is for.)

use super::distinct::distinct;
use super::lanes::InLanes;
use super::user_sums::UserSums;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, vectors};
use crate::sample::{Sample, Shape};

/// `contingency-distance`.
#[derive(Clone, Copy, Debug)]
pub struct ContingencyDistance {
    /// The most cells of a coordinate, 2 to 100.
    pub bins: usize,
}

impl Default for ContingencyDistance {
    fn default() -> Self {
        Self { bins: 10 }
    }
}

const NAME: &str = "contingency-distance";

impl Discrepancy for ContingencyDistance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Distance of joint tables"
    }

    fn definition(&self) -> &'static str {
        "mean over coordinate pairs of 1/2 sum |p_ij - q_ij| over the cells of both, cut at external quantiles"
    }

    fn reference(&self) -> &'static str {
        "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 4; 1 - ContingencySimilarity of SDMetrics"
    }

    fn cost(&self) -> &'static str {
        "O((n + m) d^2) a value; O(n + m) d bytes and O(d^2 bins^2) numbers of memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "bins",
            meaning: "the most cells of a coordinate",
            default: 10.0,
            low: 2.0,
            high: 100.0,
            whole: true,
        }]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { bins: *values.first()? as usize }))
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
        let bins = self.bins.clamp(2, 100);
        let column = |c: usize| external.values.iter().skip(c).step_by(external.width);
        let cells: Vec<Cells> =
            (0..external.width).map(|c| Cells::of(column(c).copied().collect(), bins)).collect();
        Ok(Box::new(Tables {
            internal: Side::of(internal, &cells),
            external: Side::of(external, &cells),
            width: external.width,
            cells: bins + 1,
        }))
    }
}

/// The cells of one coordinate.
enum Cells {
    /// A cell for each of these ascending values, and one for all others.
    Values(Vec<f64>),
    /// A cell up to each of these ascending bounds, and one beyond.
    Bounds(Vec<f64>),
}

impl Cells {
    fn of(mut values: Vec<f64>, bins: usize) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let mut distinct = values.clone();
        distinct.dedup();
        if distinct.len() <= bins {
            return Self::Values(distinct);
        }
        // The value at rank i n / bins closes cell i; equal bounds are one.
        let bound = |i: usize| values.get((i * values.len() / bins).max(1) - 1).copied();
        let mut bounds: Vec<f64> = (1..bins).filter_map(bound).collect();
        bounds.dedup();
        Self::Bounds(bounds)
    }

    /// The number of a value's cell, at most the number of bins.
    fn of_value(&self, value: f64) -> u8 {
        let cell = match self {
            Self::Values(values) => {
                let at = values.partition_point(|&known| known < value);
                if values.get(at) == Some(&value) { at } else { values.len() }
            }
            Self::Bounds(bounds) => bounds.partition_point(|&bound| bound < value),
        };
        cell as u8
    }
}

/// One side.
struct Side {
    counts: UserSums<1>,
    /// Of each row its user, and which of the distinct rows of cells it is.
    owners: Vec<(u32, u32)>,
    /// The distinct rows of cells, row-major.
    rows: Vec<u8>,
}

impl Side {
    fn of(sample: &Sample, cells: &[Cells]) -> Self {
        let counted = sample.user.iter().map(|&user| (user as usize, [1.0]));
        let values = sample.values.iter().zip(cells.iter().cycle());
        let all: Vec<f64> = values.map(|(&value, cells)| cells.of_value(value).into()).collect();
        let (firsts, places) = distinct(&all, sample.width);
        let row = |first: usize| &all[first * sample.width..(first + 1) * sample.width];
        Self {
            counts: UserSums::of(sample.users, counted),
            owners: sample.user.iter().copied().zip(places).collect(),
            rows: firsts.into_iter().flat_map(row).map(|&cell| cell as u8).collect(),
        }
    }
}

struct Tables {
    internal: Side,
    external: Side,
    width: usize,
    /// Cells of a coordinate.
    cells: usize,
}

impl Tables {
    /// Adds the rows of a side to the tables, each with its user's weight times the factors.
    fn add<const L: usize>(
        &self,
        side: &Side,
        weights: [&[f64]; L],
        factors: [f64; L],
        tables: &mut [[f64; L]],
    ) {
        let size = self.cells * self.cells;
        let mut steps = vec![[0.0; L]; side.rows.len() / self.width];
        for &(user, place) in &side.owners {
            let step = &mut steps[place as usize];
            for lane in 0..L {
                step[lane] +=
                    weights[lane].get(user as usize).copied().unwrap_or(0.0) * factors[lane];
            }
        }
        for (row, step) in side.rows.chunks_exact(self.width).zip(steps) {
            if step == [0.0; L] {
                continue;
            }
            let mut rest = &mut tables[..];
            for (a, &first) in row.iter().enumerate().skip(1) {
                let (of_a, others) = rest.split_at_mut(a * size);
                let at = usize::from(first) * self.cells;
                for (table, &second) in of_a.chunks_exact_mut(size).zip(row) {
                    if let Some(cell) = table.get_mut(at + usize::from(second)) {
                        cell.iter_mut().zip(step).for_each(|(cell, step)| *cell += step);
                    }
                }
                rest = others;
            }
        }
    }
}

impl InLanes for Tables {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let p = self.internal.counts.under_each(internal)?;
        let q = self.external.counts.under_each(external)?;
        let pairs = self.width * (self.width - 1) / 2;
        let mut tables = vec![[0.0; L]; pairs * self.cells * self.cells];
        // Over a common denominator, equal probabilities leave exactly 0 when weights are integers.
        let (over_p, over_q) = (q.map(|[total]| total), p.map(|[total]| -total));
        self.add(&self.internal, internal, over_p, &mut tables);
        self.add(&self.external, external, over_q, &mut tables);
        let mut sums = [0.0; L];
        for cell in &tables {
            sums.iter_mut().zip(cell).for_each(|(sum, gap)| *sum += gap.abs());
        }
        Some(std::array::from_fn(|lane| {
            let scale = 2.0 * pairs as f64 * p[lane][0] * q[lane][0];
            Some(sums[lane] / scale).filter(|value| value.is_finite())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f64], width: usize) -> Sample {
        let users = values.len() / width;
        let user = (0..users as u32).collect();
        Sample { shape: Shape::Vector, width, values: values.to_vec(), user, users, categories: 0 }
    }

    #[test]
    fn values_by_hand() {
        let joint = ContingencyDistance::default();
        // Equal margins; (0, 0) and (1, 1) against (0, 1) and (1, 0): disjoint tables.
        let same = rows(&[0.0, 0.0, 1.0, 1.0], 2);
        let other = rows(&[0.0, 1.0, 1.0, 0.0], 2);
        assert_eq!(joint.value(&same, &other), Ok(1.0));
        // A value that no external row has is a cell of its own.
        let half = rows(&[0.0, 0.0, 7.0, 1.0], 2);
        assert_eq!(joint.value(&half, &same), Ok(0.5));
    }

    #[test]
    fn quantile_cells() {
        let cells = Cells::of((0..100).map(f64::from).collect(), 4);
        let Cells::Bounds(bounds) = &cells else { panic!("100 values are more than 4") };
        assert_eq!(bounds, &[24.0, 49.0, 74.0]);
        assert_eq!(
            [-5.0, 24.0, 24.5, 74.0, 75.0, 1e9].map(|x| cells.of_value(x)),
            [0, 0, 1, 2, 3, 3]
        );
    }
}
