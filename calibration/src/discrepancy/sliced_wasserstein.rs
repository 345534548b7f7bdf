//! Sliced Wasserstein distance: optimal transport along many directions.
//!
//! `SW_p = (mean over directions u of W_p(u'X, u'Y)^p)^(1/p)` (Bonneel, Rabin, Peyré and Pfister,
//! *Sliced and Radon Wasserstein barycenters of measures*, Journal of Mathematical Imaging and
//! Vision 51, 2015), on standardised rows, hence in external standard deviations. On the line W_p is
//! a matter of sorting. The directions are fixed, so it is the same distance in every run; a
//! different set of as many directions would move it by about 1 / sqrt(projections). First variation
//! of `SW_p^p`: the mean of the dual potentials at the projected row; of order 2 rewards pay that of
//! the root.

use super::joint::{self, Points};
use super::joint_witness::{Form, JointWitness};
use super::sliced::{Over, Slices, Sorts, random_directions, weighted_value};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness};
use crate::sample::{Sample, Shape};

/// `sliced-wasserstein`.
#[derive(Clone, Copy, Debug)]
pub struct SlicedWasserstein {
    /// The most rows a side that are compared; at least 1.
    pub rows: usize,
    /// Number of directions; at least 1.
    pub projections: usize,
    /// p: 1 or 2.
    pub order: u8,
}

impl Default for SlicedWasserstein {
    fn default() -> Self {
        Self { rows: DEFAULT_ROWS, projections: DEFAULT_PROJECTIONS, order: 2 }
    }
}

const NAME: &str = "sliced-wasserstein";
const DEFAULT_ROWS: usize = 20_000;
const DEFAULT_PROJECTIONS: usize = 100;

/// The parameter `projections`.
pub(super) const fn projections_parameter(default: usize) -> Parameter {
    Parameter {
        name: "projections",
        meaning: "directions on which rows are projected",
        default: default as f64,
        low: 1.0,
        high: 10_000.0,
        whole: true,
    }
}

/// The parameter `order`.
pub(super) const ORDER: Parameter = Parameter {
    name: "order",
    meaning: "p of the Wasserstein distance",
    default: 2.0,
    low: 1.0,
    high: 2.0,
    whole: true,
};

impl Discrepancy for SlicedWasserstein {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Sliced Wasserstein (joint)"
    }

    fn definition(&self) -> &'static str {
        "(mean over directions u of W_p(u'X, u'Y)^p)^(1/p) on rows standardised by the external mean and sd"
    }

    fn reference(&self) -> &'static str {
        "Bonneel, Rabin, Peyré and Pfister, Sliced and Radon Wasserstein barycenters of measures, Journal of Mathematical Imaging and Vision 51, 2015"
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
        let directions = random_directions(self.projections, external.width);
        Ok(Box::new(Sorts::new(sides, &directions, Over::Mean, self.order)))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let witness = |points: Points| {
            let directions = random_directions(self.projections, points.scaling.width());
            let form = Form::Projected(Slices::new(&points, &directions, Over::Mean, self.order)?);
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
            let directions = random_directions(self.projections, points.scaling.width());
            weighted_value(&points, &directions, Over::Mean, self.order)
        }))
    }
}
