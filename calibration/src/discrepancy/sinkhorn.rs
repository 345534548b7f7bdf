//! Sinkhorn divergence: entropic optimal transport between vectors, debiased.
//!
//! `S = OT(P, Q) - OT(P, P) / 2 - OT(Q, Q) / 2` (Feydy, Séjourné, Vialard, Amari, Trouvé and Peyré,
//! *Interpolating between optimal transport and MMD using Sinkhorn divergences*, AISTATS 2019), with
//! OT the cost |x - y|^2 between standardised rows plus epsilon times the relative entropy of the
//! plan. It is 0 only where P = Q, never negative, and lies between the squared Wasserstein-2
//! distance (epsilon to 0) and half a squared distance of means (epsilon to infinity). Other
//! tools report the costs of the plans without their entropy ([`Sinkhorn::of_plans`]), which need not
//! be 0 only where P = Q, and whose first variation is not in the potentials.

use rayon::prelude::*;

use super::distinct::Distinct;
use super::joint::{self, Points, Side};
use super::joint_witness::{Form, JointWitness};
use super::pairs::Columns;
use super::sinkhorn_scaling::{Outcome, Problem, Settings};
use super::sinkhorn_witness::SoftMinima;
use super::soft_minimum::SoftMinimum;
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// `sinkhorn`.
#[derive(Clone, Copy, Debug)]
pub struct Sinkhorn {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Weight of the entropy, in squared external standard deviations.
    pub epsilon: f64,
    /// The most passes over a kernel.
    pub iterations: usize,
    /// The largest sum of errors of a marginal at which it stops.
    pub tolerance: f64,
}

impl Default for Sinkhorn {
    fn default() -> Self {
        Self { rows: 1000, epsilon: 1.0, iterations: 1000, tolerance: 1e-6 }
    }
}

const NAME: &str = "sinkhorn";
/// Weightings of one pass over a kernel.
const LANES: usize = 8;

const PARAMETERS: &[Parameter] = &[
    joint::rows_parameter(1000, 5000),
    Parameter {
        name: "epsilon",
        meaning: "weight of the entropy, in squared external standard deviations",
        default: 1.0,
        low: 1e-3,
        high: 1e6,
        whole: false,
    },
    Parameter {
        name: "iterations",
        meaning: "the most iterations",
        default: 1000.0,
        low: 1.0,
        high: 1e6,
        whole: true,
    },
    Parameter {
        name: "tolerance",
        meaning: "the largest sum of errors of a marginal at which it stops",
        default: 1e-6,
        low: 1e-14,
        high: 0.1,
        whole: false,
    },
];

/// The three problems of a divergence.
struct Divergence {
    sides: [Distinct; 2],
    between: Problem,
    within: [Problem; 2],
    settings: Settings,
}

impl Divergence {
    fn new(sides: [Distinct; 2], [p, q]: [&[f64]; 2], settings: Settings) -> Self {
        let [x, y] = sides.each_ref().map(|side| &side.rows);
        let (between, within) = rayon::join(
            || Problem::between(x, y, p, q, settings),
            || rayon::join(|| Problem::within(x, p, settings), || Problem::within(y, q, settings)),
        );
        Self { within: within.into(), between, sides, settings }
    }

    /// S under each pair of shares, none where it is not finite, or was not reached.
    fn values<const L: usize>(&self, p: [&[f64]; L], q: [&[f64]; L]) -> [Option<f64>; L] {
        let between = self.between.values(p, q);
        let x = self.within[0].values(p, p);
        let y = self.within[1].values(q, q);
        std::array::from_fn(|lane| {
            let all = [between[lane], x[lane], y[lane]];
            let value = match all.map(Outcome::value) {
                [Some(between), Some(x), Some(y)] => between - 0.5 * (x + y),
                _ if all.iter().any(|one| matches!(one, Outcome::LeftRange)) => {
                    self.anew(p[lane], q[lane])?
                }
                _ => return None,
            };
            value.is_finite().then_some(value.max(0.0))
        })
    }

    /// S under weights at which the absorbed potentials are too far off.
    fn anew(&self, p: &[f64], q: &[f64]) -> Option<f64> {
        let [x, y] = self.sides.each_ref().map(|side| &side.rows);
        let [between] = Problem::between(x, y, p, q, self.settings).values([p], [q]);
        let [x] = Problem::within(x, p, self.settings).values([p], [p]);
        let [y] = Problem::within(y, q, self.settings).values([q], [q]);
        Some(between.value()? - 0.5 * (x.value()? + y.value()?))
    }
}

impl Sinkhorn {
    fn not_converged(&self) -> DiscrepancyError {
        DiscrepancyError::NotConverged { discrepancy: NAME, iterations: self.iterations }
    }

    fn settings(&self) -> Settings {
        let Self { epsilon, iterations, tolerance, .. } = *self;
        Settings { epsilon, iterations, tolerance }
    }
}

impl Sinkhorn {
    /// The divergence of the costs `E |x - y|^2` of the entropic plans, without their entropy, with
    /// every user counted once; not below 0.
    ///
    /// # Errors
    /// As for [`Discrepancy::prepare`].
    pub fn of_plans(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        let sides = joint::sides_of_samples(NAME, internal, external, self.rows)?;
        let sides = sides.each_ref().map(Distinct::of);
        let [p, q] = sides.each_ref().map(Distinct::even);
        let divergence = Divergence::new(sides, [&p, &q], self.settings());
        let Divergence { sides: [x, y], between, within: [within_x, within_y], .. } = divergence;
        let (x, y) = (x.rows, y.rows);
        let costs = [between.cost(&x, &y, &p, &q), within_x.cost(&x, &x, &p, &p)];
        let [between, within_x] = costs;
        Ok((between - 0.5 * (within_x + within_y.cost(&y, &y, &q, &q))).max(0.0))
    }
}

impl Discrepancy for Sinkhorn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Sinkhorn divergence (joint)"
    }

    fn definition(&self) -> &'static str {
        "OT(P, Q) - OT(P, P) / 2 - OT(Q, Q) / 2, OT the entropic cost of |x - y|^2 on standardised rows"
    }

    fn reference(&self) -> &'static str {
        "Feydy, Séjourné, Vialard, Amari, Trouvé and Peyré, Interpolating between optimal transport and MMD using Sinkhorn divergences, AISTATS 2019"
    }

    fn cost(&self) -> &'static str {
        "O(min(n, rows)^2 (d + iterations)) time, O(min(n, rows)^2) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [rows, epsilon, iterations, tolerance] = *values else { return None };
        let (rows, iterations) = (rows as usize, iterations as usize);
        Some(Box::new(Self { rows, epsilon, iterations, tolerance }))
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn squared(&self) -> bool {
        true
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        let sides = joint::sides_of_samples(NAME, internal, external, self.rows)?;
        let sides = sides.each_ref().map(Distinct::of);
        let [p, q] = sides.each_ref().map(Distinct::even);
        Ok(Box::new(Divergence::new(sides, [&p, &q], self.settings())))
    }

    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        let prepared = self.prepare(internal, external)?;
        let value = prepared.value(&vec![1.0; internal.users], &vec![1.0; external.users]);
        value.ok_or(self.not_converged())
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let ((x, p), (y, q)) = (&points.internal, &points.external);
            let between = Problem::between(x, y, p, q, self.settings());
            let within = Problem::within(x, p, self.settings());
            let soft = |side: &Side, potentials: &[f64], shares: &[f64]| {
                SoftMinimum::new(Columns::of(side), potentials, shares, self.epsilon)
            };
            let form = Form::Sinkhorn(SoftMinima {
                external: soft(y, &between.gamma, q),
                internal: soft(x, &within.phi, p),
                epsilon: self.epsilon,
            });
            Witness::Joint(Box::new(JointWitness { scaling: points.scaling, form }))
        }))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let value = |points: Points| {
            let ((x, p), (y, q)) = (points.internal, points.external);
            let sides = [x, y].map(Distinct::none);
            let divergence = Divergence::new(sides, [&p, &q], self.settings());
            let [value] = divergence.values([&p], [&q]);
            value.ok_or(self.not_converged())
        };
        Some(Points::new(internal, external, self.rows).and_then(value))
    }
}

impl Prepared for Divergence {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let p = self.sides[0].shares(internal)?;
        let q = self.sides[1].shares(external)?;
        let [value] = Self::values(self, [&p], [&q]);
        value
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let alone = |(p, q): (&Vec<f64>, &Vec<f64>)| Prepared::value(self, p, q);
        let together = |p: &[Vec<f64>; LANES], q: &[Vec<f64>; LANES]| {
            let mut shares = [const { [Vec::new(), Vec::new()] }; LANES];
            for (shares, (p, q)) in shares.iter_mut().zip(p.iter().zip(q)) {
                *shares = [self.sides[0].shares(p)?, self.sides[1].shares(q)?];
            }
            let side = |side: usize| shares.each_ref().map(|pair| pair[side].as_slice());
            Some(Self::values(self, side(0), side(1)))
        };
        let chunk = |(p, q): (&[Vec<f64>], &[Vec<f64>])| -> Vec<Option<f64>> {
            let lanes = p.as_array::<LANES>().zip(q.as_array::<LANES>());
            match lanes.and_then(|(p, q)| together(p, q)) {
                Some(values) => values.to_vec(),
                None => p.iter().zip(q).map(alone).collect(),
            }
        };
        let pairs = internal.par_chunks(LANES).zip(external.par_chunks(LANES));
        pairs.map(chunk).collect::<Vec<_>>().concat()
    }
}

#[cfg(test)]
#[path = "sinkhorn_tests.rs"]
mod tests;
