//! Gap of how long users stay with a kind before they do another.
//!
//! `D = sum_i s_i |d_P,i - d_Q,i|`: d_i is the mean length of the runs of kind i, in events, a run
//! being consecutive events of one kind of a user (the window cuts the first and the last), 0 for a
//! kind that nobody has; s_i is the share of kind i in the external runs. In a Markov chain d_i is
//! 1 / (1 - P_ii) (Rabiner, *A tutorial on hidden Markov models*, Proceedings of the IEEE 77, 1989,
//! section II). It looks at order, and so has no witness.

use super::counts::Counts;
use super::sequences;
use crate::discrepancy::lanes::InLanes;
use crate::discrepancy::{Discrepancy, DiscrepancyError, Prepared, check};
use crate::sample::{Sample, Shape};

/// `dwell-gap`.
pub struct DwellGap;

const NAME: &str = "dwell-gap";
/// Features of more categories are refused.
const MOST_KINDS: usize = 1 << 20;

/// Rows of each kind and, behind them, runs of each kind.
fn counts(side: &'static str, sample: &Sample) -> Result<Counts, DiscrepancyError> {
    let kinds = sample.categories as u32;
    let mut pairs = Vec::new();
    for (user, rows) in sequences(side, sample)? {
        pairs.extend(rows.iter().map(|&kind| (user, kind as u32)));
        let runs = rows.chunk_by(|a, b| a == b);
        pairs.extend(runs.map(|run| (user, kinds + run[0] as u32)));
    }
    Ok(Counts::of(sample.users, 2 * sample.categories, pairs.into_iter()))
}

fn gap(p: &[f64], q: &[f64]) -> f64 {
    let kinds = q.len() / 2;
    let total: f64 = q[kinds..].iter().sum();
    let dwell = |side: &[f64], kind: usize| {
        let runs = side[kinds + kind];
        if runs > 0.0 { side[kind] / runs } else { 0.0 }
    };
    let term = |kind: usize| q[kinds + kind] / total * (dwell(p, kind) - dwell(q, kind)).abs();
    (0..kinds).map(term).sum()
}

struct OnRuns {
    internal: Counts,
    external: Counts,
}

impl InLanes for OnRuns {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        Some(std::array::from_fn(|lane| {
            let value = gap(&p[lane], &q[lane]);
            value.is_finite().then_some(value)
        }))
    }
}

impl Discrepancy for DwellGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of runs of a kind"
    }

    fn definition(&self) -> &'static str {
        "sum s_i |d_P,i - d_Q,i|, d_i the mean run of kind i, s_i its share of the external runs"
    }

    fn reference(&self) -> &'static str {
        "Rabiner, A tutorial on hidden Markov models, Proceedings of the IEEE 77, 1989"
    }

    fn cost(&self) -> &'static str {
        "O((n + m) log(n + m)) once, then O(n + m) a value; O(n + m) memory"
    }

    fn ordered(&self) -> bool {
        true
    }

    fn unit(&self) -> &'static str {
        "events"
    }

    fn shape(&self) -> Shape {
        Shape::Category
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Category, 1, internal, external)?;
        if external.categories > MOST_KINDS {
            let kinds = external.categories;
            return Err(DiscrepancyError::Mismatch(format!(
                "{NAME} compares runs of at most {MOST_KINDS} kinds, and there are {kinds}"
            )));
        }
        let internal = counts("internal", internal)?;
        Ok(Box::new(OnRuns { internal, external: counts("external", external)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_by_hand() {
        let sample = |rows: &[(u32, f64)]| Sample {
            shape: Shape::Category,
            width: 1,
            values: rows.iter().map(|row| row.1).collect(),
            user: rows.iter().map(|row| row.0).collect(),
            users: 2,
            categories: 3,
        };
        // External runs: 00, 1 and 1: two kinds with mean runs 2 and 1, shares 1/3 and 2/3.
        let q = sample(&[(0, 0.0), (0, 0.0), (0, 1.0), (1, 1.0)]);
        // Internal runs: 0, 111, 2; a run does not go on at the next user.
        let p = sample(&[(0, 0.0), (0, 1.0), (0, 1.0), (0, 1.0), (1, 2.0)]);
        let value = DwellGap.value(&p, &q).unwrap();
        assert!((value - (1.0 / 3.0 + 2.0 * 2.0 / 3.0)).abs() < 1e-15, "{value}");
    }
}
