//! Distance between two laws of what follows what.
//!
//! With P and Q the transition matrices of the kinds,
//! `D = sum_i pi_i 1/2 sum_j |P_ij - Q_ij|`: the total variation between the laws of the next kind
//! (Levin and Peres, *Markov chains and mixing times*, 2nd edition, 2017, chapter 4), averaged over
//! where the external chain spends its time. pi is its stationary law, another user coming at each
//! step with the probability `restart`: the limit of its mean law from the observed start
//! (`chain.rs`), spread over the kinds that the external users leave. With `restart` above 0 all of
//! them have weight, and D is 0 only where all their laws are equal; with 0 the kinds that a chain
//! leaves for good have none. A kind that they leave and the internal users never do counts 1, the
//! largest distance: silence does not win. From 0 to 1.
//!
//! Witness, pi being fixed: with `s_j = 1/2 sign(Q_ij - P_ij)`, what is paid at the pair (i, j) is
//! `pi_i (s_j - sum_l P_il s_l) / p_i`, p_i being the mass of the pairs that start with i. At a
//! kink s_j is 0, but -1/2 for a pair that neither side has. In a row that the internal users lack,
//! the fall of D is a jump: the pair is paid its size, `pi_i Q_ij`.

use super::chain::{RESTART, kinds_of, pair_counts, row_sums, stationary};
use super::counts::Counts;
use crate::discrepancy::lanes::InLanes;
use crate::discrepancy::{
    Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness, check,
};
use crate::sample::{Sample, Shape};

/// `transition-distance`.
#[derive(Clone, Copy, Debug)]
pub struct TransitionDistance {
    /// The probability that another user comes, at each step of the chain.
    pub restart: f64,
}

const NAME: &str = "transition-distance";
/// Gaps up to here are rounding.
const ROUNDING: f64 = 1e-12;

/// The weight of each row: the stationary law of Q over the rows that it has.
fn weights(q: &[f64], kinds: usize, restart: f64) -> Vec<f64> {
    let left = row_sums(q, kinds);
    let mut shares = stationary(q, kinds, restart);
    shares.iter_mut().zip(&left).for_each(|(share, sum)| *share *= f64::from(*sum > 0.0));
    let total: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= total);
    shares
}

/// Rows of P and Q as laws, with their weight and the mass of the row of P; rows without weight
/// are left out.
fn rows<'a>(
    p: &'a [f64],
    q: &'a [f64],
    kinds: usize,
    restart: f64,
) -> impl Iterator<Item = (usize, f64, f64, Vec<(f64, f64)>)> + 'a {
    let (p_sums, q_sums) = (row_sums(p, kinds), row_sums(q, kinds));
    let weights = weights(q, kinds, restart).into_iter().enumerate();
    weights.filter(|(_, weight)| *weight > 0.0).map(move |(i, weight)| {
        let cells = i * kinds..(i + 1) * kinds;
        let (p_sum, q_sum) = (p_sums[i], q_sums[i]);
        let share = |p: f64| if p_sum > 0.0 { p / p_sum } else { 0.0 };
        let laws = p[cells.clone()].iter().zip(&q[cells]).map(|(p, q)| (share(*p), q / q_sum));
        (i, weight, p_sum, laws.collect())
    })
}

fn distance(p: &[f64], q: &[f64], kinds: usize, restart: f64) -> f64 {
    let row = |(_, weight, mass, laws): (usize, f64, f64, Vec<(f64, f64)>)| {
        let gap = laws.iter().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        weight * if mass > 0.0 { gap } else { 1.0 }
    };
    rows(p, q, kinds, restart).map(row).sum()
}

fn witness(p: &[f64], q: &[f64], kinds: usize, restart: f64) -> Vec<f64> {
    let mut table = vec![0.0; kinds * kinds];
    for (i, weight, mass, laws) in rows(p, q, kinds, restart) {
        let sign = |&(p, q): &(f64, f64)| match q - p {
            _ if p == 0.0 && q == 0.0 => -0.5,
            gap if gap.abs() > ROUNDING => 0.5 * gap.signum(),
            _ => 0.0,
        };
        let mean: f64 = laws.iter().map(|law| law.0 * sign(law)).sum();
        for (cell, law) in table[i * kinds..].iter_mut().zip(&laws) {
            let paid = if mass > 0.0 { (sign(law) - mean) / mass } else { law.1 };
            *cell = weight * paid;
        }
    }
    table
}

/// Shares of the pairs of both sides. The largest category of either is the last pair: rewards give
/// all of them, those without weight too.
fn tables(
    internal: Weighted<'_>,
    external: Weighted<'_>,
) -> Result<(Vec<f64>, Vec<f64>, usize), DiscrepancyError> {
    check::category_points(internal, external)?;
    let all = internal.values.iter().chain(external.values);
    let kinds = kinds_of(NAME, all.fold(0.0_f64, |most, &value| most.max(value)) as usize + 1)?;
    let side = |points: Weighted<'_>| {
        let mut shares = vec![0.0; kinds * kinds];
        for (i, &pair) in points.values.iter().enumerate() {
            shares[pair as usize] += points.weights.map_or(1.0, |weights| weights[i]);
        }
        let total: f64 = shares.iter().sum();
        shares.iter_mut().for_each(|share| *share /= total);
        shares
    };
    Ok((side(internal), side(external), kinds))
}

struct OnPairs {
    internal: Counts,
    external: Counts,
    kinds: usize,
    restart: f64,
}

impl Default for TransitionDistance {
    fn default() -> Self {
        Self { restart: RESTART.default }
    }
}

impl InLanes for OnPairs {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        Some(std::array::from_fn(|lane| {
            let value = distance(&p[lane], &q[lane], self.kinds, self.restart);
            value.is_finite().then_some(value)
        }))
    }
}

impl Discrepancy for TransitionDistance {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Distance of transitions"
    }

    fn definition(&self) -> &'static str {
        "sum pi_i 1/2 sum |P_ij - Q_ij| over kinds i, j; P, Q transition matrices, pi the stationary \
         law of Q; a row that P lacks counts 1"
    }

    fn reference(&self) -> &'static str {
        "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 4"
    }

    fn cost(&self) -> &'static str {
        super::chain::COST
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[RESTART]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { restart: *values.first()? }))
    }

    fn most(&self) -> f64 {
        1.0
    }

    fn shape(&self) -> Shape {
        Shape::Category
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        let ([internal, external], kinds) = pair_counts(NAME, internal, external)?;
        Ok(Box::new(OnPairs { internal, external, kinds, restart: self.restart }))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let tables = tables(internal, external);
        Some(tables.map(|(p, q, kinds)| Witness::Table(witness(&p, &q, kinds, self.restart))))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(tables(internal, external).map(|(p, q, kinds)| distance(&p, &q, kinds, self.restart)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // Q stays 1/3 and 2/3 of its time; the rows differ by 1/4 and 1/2.
        let q = [2.0, 2.0, 1.0, 3.0];
        let p = [1.0, 3.0, 3.0, 1.0];
        assert!((distance(&p, &q, 2, 0.0) - (0.25 / 3.0 + 1.0 / 3.0)).abs() < 1e-12);
        // The internal users never leave kind 1.
        assert!((distance(&[2.0, 2.0, 0.0, 0.0], &q, 2, 0.0) - 2.0 / 3.0).abs() < 1e-12);
        // The external users never leave kind 1: only kind 0 is compared.
        let ends = [1.0, 1.0, 0.0, 0.0];
        assert!((distance(&[3.0, 1.0, 0.0, 9.0], &ends, 2, 0.0) - 0.25).abs() < 1e-12);
        // A row that P lacks is paid where Q goes from it.
        let table = witness(&[1.0, 1.0, 0.0, 0.0], &[0.25, 0.25, 0.125, 0.375], 2, 0.0);
        assert!((table[2] - 0.25 * 2.0 / 3.0).abs() < 1e-12 && table[3] > table[2]);
    }

    #[test]
    fn only_pairs_of_kinds() {
        let sample = |categories: usize| Sample {
            shape: Shape::Category,
            categories,
            ..Sample::real(vec![0.0, 2.0])
        };
        let of = |categories| {
            TransitionDistance::default().value(&sample(categories), &sample(categories))
        };
        assert_eq!(of(4), Ok(0.0));
        for wrong in [3, 5, 65 * 65] {
            assert!(matches!(of(wrong), Err(DiscrepancyError::Mismatch(_))), "{wrong}");
        }
        let last = |last: f64| [0.0, last];
        let of = |last: [f64; 2]| {
            let points = Weighted::equal(&last);
            TransitionDistance::default().weighted_value(points, points).unwrap()
        };
        assert_eq!(of(last(8.0)), Ok(0.0));
        assert!(matches!(of(last(7.0)), Err(DiscrepancyError::Mismatch(_))));
    }
}
