//! Sliced Wasserstein distances: optimal transport along many directions, where it is a matter of
//! sorting.
//!
//! With `W_p(u)` the distance of the projections u'X and u'Y of standardised rows, hence in external
//! standard deviations:
//!
//! - `sliced-wasserstein`: `(mean over directions u of W_p(u)^p)^(1/p)` (Bonneel, Rabin, Peyré and
//!   Pfister, *Sliced and Radon Wasserstein barycenters of measures*, Journal of Mathematical Imaging
//!   and Vision 51, 2015). A different set of as many random directions would move it by about
//!   1 / sqrt(projections). First variation of its p-th power: the mean of the dual potentials at the
//!   projected row;
//! - `max-sliced-wasserstein`: `max over directions u of W_p(u)`, that which tells the two sides apart
//!   best (Deshpande and others, *Max-sliced Wasserstein distance and its use for GANs*, CVPR 2019).
//!   Where they search for u, here the maximum is over a fixed set: the axes (each number by itself),
//!   the sums and differences of two axes (what tells two numbers' correlation), and as many random
//!   directions as asked for. So the value is at most the maximum over the sphere and no less than
//!   that of any single number. Its first variation is exact: that along the direction of the
//!   maximum.
//!
//! Directions are fixed, so it is the same distance in every run. Of order 2 rewards pay the first
//! variation of the root.

use super::joint::{self, Points};
use super::joint_witness::{Form, JointWitness};
use super::sliced::{Slices, Sorts, random_directions, unit, weighted_value};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// How the distances of the projections become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Their mean.
    Mean,
    /// The largest.
    Max,
}

/// `sliced-wasserstein` and `max-sliced-wasserstein`.
#[derive(Clone, Copy, Debug)]
pub struct SlicedWasserstein {
    /// Which of the two.
    pub over: Over,
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Number of random directions; at least 1.
    pub projections: usize,
    /// p: 1 or 2.
    pub order: u8,
}

impl SlicedWasserstein {
    /// Of order 2, with 100 random directions and at most 20,000 rows.
    pub const fn new(over: Over) -> Self {
        Self { over, rows: 20_000, projections: 100, order: 2 }
    }

    /// The directions for rows of a width.
    fn directions(&self, width: usize) -> Vec<Vec<f64>> {
        let mut all = match self.over {
            Over::Mean => Vec::new(),
            Over::Max => axes_and_pairs(width),
        };
        all.extend(random_directions(self.projections, width));
        all
    }
}

/// The axes, and `(e_a +- e_b) / sqrt(2)` for each two of them.
fn axes_and_pairs(width: usize) -> Vec<Vec<f64>> {
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
    all
}

const PARAMETERS: &[Parameter] = &[
    joint::rows_parameter(20_000, 200_000),
    Parameter {
        name: "projections",
        meaning: "random directions on which rows are projected",
        default: 100.0,
        low: 1.0,
        high: 10_000.0,
        whole: true,
    },
    Parameter {
        name: "order",
        meaning: "p of the Wasserstein distance",
        default: 2.0,
        low: 1.0,
        high: 2.0,
        whole: true,
    },
];

impl Discrepancy for SlicedWasserstein {
    fn name(&self) -> &'static str {
        match self.over {
            Over::Mean => "sliced-wasserstein",
            Over::Max => "max-sliced-wasserstein",
        }
    }

    fn title(&self) -> &'static str {
        match self.over {
            Over::Mean => "Sliced Wasserstein (joint)",
            Over::Max => "Max-sliced Wasserstein (joint)",
        }
    }

    fn definition(&self) -> &'static str {
        match self.over {
            Over::Mean => {
                "(mean over directions u of W_p(u'X, u'Y)^p)^(1/p) on rows standardised by the external mean and sd"
            }
            Over::Max => {
                "max over directions u of W_p(u'X, u'Y): the axes, sums and differences of two axes, and random ones"
            }
        }
    }

    fn reference(&self) -> &'static str {
        match self.over {
            Over::Mean => {
                "Bonneel, Rabin, Peyré and Pfister, Sliced and Radon Wasserstein barycenters of measures, Journal of Mathematical Imaging and Vision 51, 2015"
            }
            Over::Max => {
                "Deshpande, Hu, Sun, Pyrros, Siddiqui, Koyejo, Zhao, Forsyth and Schwing, Max-sliced Wasserstein distance and its use for GANs, CVPR 2019"
            }
        }
    }

    fn cost(&self) -> &'static str {
        match self.over {
            Over::Mean => {
                "O(projections n (d + log n)) once, then O(projections n) a value; O(projections n) memory"
            }
            Over::Max => {
                "O((projections + d^2) n (d + log n)) once, then O((projections + d^2) n) a value and in memory"
            }
        }
    }

    fn parameters(&self) -> &'static [Parameter] {
        PARAMETERS
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [rows, projections, order] = *values else { return None };
        let (rows, projections) = (rows as usize, projections as usize);
        Some(Box::new(Self { over: self.over, rows, projections, order: order as u8 }))
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
        let sides = joint::sides_of_samples(self.name(), internal, external, self.rows)?;
        let directions = self.directions(external.width);
        Ok(Box::new(Sorts::new(sides, &directions, self.over, self.order)))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let witness = |points: Points| {
            let directions = self.directions(points.scaling.width());
            let form = Form::Projected(Slices::new(&points, &directions, self.over, self.order)?);
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
            let directions = self.directions(points.scaling.width());
            weighted_value(&points, &directions, self.over, self.order)
        }))
    }
}
