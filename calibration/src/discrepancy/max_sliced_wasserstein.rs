//! Max-sliced Wasserstein distance: optimal transport along the direction that tells the two sides
//! apart best.
//!
//! `max over directions u of W_p(u'X, u'Y)` (Deshpande and others, *Max-sliced Wasserstein distance
//! and its use for GANs*, CVPR 2019), on standardised rows, in external standard deviations. Where
//! they search for u, here the maximum is over a fixed set: the axes (each number by itself), the
//! sums and differences of two axes (what tells two numbers' correlation), and as many random
//! directions as asked for. So the value is at most the maximum over the sphere and no less than
//! that of any single number; it is a function of the two distributions whose first variation is
//! exact: that along the direction of the maximum.

use super::joint::{self, Points};
use super::joint_witness::{Form, JointWitness};
use super::sliced::{Over, Slices, Sorts, random_directions, unit, weighted_value};
use super::sliced_wasserstein::{ORDER, projections_parameter};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// `max-sliced-wasserstein`.
#[derive(Clone, Copy, Debug)]
pub struct MaxSlicedWasserstein {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Number of directions; at least 1.
    pub projections: usize,
    /// p: 1 or 2.
    pub order: u8,
}

impl Default for MaxSlicedWasserstein {
    fn default() -> Self {
        Self { rows: DEFAULT_ROWS, projections: DEFAULT_PROJECTIONS, order: 2 }
    }
}

const NAME: &str = "max-sliced-wasserstein";
const DEFAULT_ROWS: usize = 20_000;
const DEFAULT_PROJECTIONS: usize = 100;

/// The axes, `(e_a +- e_b) / sqrt(2)` for each two of them, and `random` others.
fn directions(random: usize, width: usize) -> Vec<Vec<f64>> {
    let axis = |a: usize| (0..width).map(|c| f64::from(u8::from(c == a))).collect::<Vec<_>>();
    let mut all: Vec<Vec<f64>> = (0..width).map(axis).collect();
    for b in 0..width {
        for a in 0..b {
            for sign in [1.0, -1.0] {
                let mut direction = axis(a);
                direction[b] = sign;
                all.push(unit(direction));
            }
        }
    }
    all.extend(random_directions(random, width));
    all
}

impl Discrepancy for MaxSlicedWasserstein {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Max-sliced Wasserstein (joint)"
    }

    fn definition(&self) -> &'static str {
        "max over directions u of W_p(u'X, u'Y): the axes, sums and differences of two axes, and random ones"
    }

    fn reference(&self) -> &'static str {
        "Deshpande, Hu, Sun, Pyrros, Siddiqui, Koyejo, Zhao, Forsyth and Schwing, Max-sliced Wasserstein distance and its use for GANs, CVPR 2019"
    }

    fn cost(&self) -> &'static str {
        "O(projections n (d + log n)) once, then O(projections n) a value; O(projections n) memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const PARAMETERS: &[Parameter] = &[
            joint::rows_parameter(DEFAULT_ROWS, 200_000),
            projections_parameter(DEFAULT_PROJECTIONS),
            ORDER,
        ];
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [rows, projections, order] = values else { return None };
        let (rows, projections) = (*rows as usize, *projections as usize);
        Some(Box::new(Self { rows, projections, order: *order as u8 }))
    }

    fn unit(&self) -> &'static str {
        "external sd"
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn squared(&self) -> bool {
        self.order == 2
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        let sides = joint::sides_of_samples(NAME, internal, external, self.rows)?;
        let directions = directions(self.projections, external.width);
        Ok(Box::new(Sorts::new(sides, &directions, Over::Max, self.order)))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let witness = |points: Points| {
            let directions = directions(self.projections, points.scaling.width());
            let form = Form::Projected(Slices::new(&points, &directions, Over::Max, self.order)?);
            Ok(Witness::Joint(Box::new(JointWitness { scaling: points.scaling, form })))
        };
        Some(Points::new(internal, external, self.rows).and_then(witness))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        let points = Points::new(internal, external, self.rows);
        Some(points.map(|points| {
            let directions = directions(self.projections, points.scaling.width());
            weighted_value(&points, &directions, Over::Max, self.order)
        }))
    }
}
