//! Projections of two sides on fixed directions: what sliced distances share.
//!
//! Each projection is a pair of weighted samples on the line, where optimal transport is a matter
//! of sorting. Directions come from a fixed stream, so they are the same in every run.

use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use trueup_env::Streams;

use super::coupling::{self, Lanes, Masses, Parabolas, Room, Sorted};
use super::distinct::Distinct;
use super::joint::{Points, Side};
use super::lanes::InLanes;
use super::sliced_wasserstein::Over;
use super::standardised::sign;
use super::steps;
use super::{DiscrepancyError, Weighted, Witness};

/// Names the stream of directions.
const STREAM: u64 = 0x736c_6963;

/// Directions of length 1, evenly distributed over the sphere.
pub(super) fn random_directions(count: usize, width: usize) -> Vec<Vec<f64>> {
    let direction = |k: usize| {
        let mut stream = Streams::new(STREAM).stream("directions", k as u64);
        (0..width).map(|_| stream.sample::<f64, _>(StandardNormal)).collect()
    };
    (0..count).map(|k| unit(direction(k))).collect()
}

/// Of length 1.
pub(super) fn unit(direction: Vec<f64>) -> Vec<f64> {
    let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
    direction.into_iter().map(|x| x / length).collect()
}

fn project(row: &[f64], direction: &[f64]) -> f64 {
    row.iter().zip(direction).map(|(z, x)| z * x).sum()
}

fn projected(side: &Side, direction: &[f64]) -> Vec<f64> {
    (0..side.len()).map(|i| project(side.row(i), direction)).collect()
}

impl Over {
    /// Of `W_p^p` of each projection; none where one is not finite.
    fn combine(self, costs: impl ExactSizeIterator<Item = f64>) -> Option<f64> {
        let count = costs.len().max(1) as f64;
        let value = match self {
            Self::Mean => costs.sum::<f64>() / count,
            Self::Max => costs.fold(0.0, |a, b| if b > a || b.is_nan() { b } else { a }),
        };
        value.is_finite().then_some(value)
    }
}

/// Projections that a thread takes at a time.
const TOGETHER: usize = 16;

/// Two sides, sorted along each direction.
pub(super) struct Sorts {
    sides: [Distinct; 2],
    projections: Vec<Projection>,
    over: Over,
    order: u8,
}

/// Two sides, sorted along a direction.
struct Projection {
    internal: Sorted,
    /// None where both sides have the same rows.
    external: Option<Sorted>,
}

impl Projection {
    fn sides(&self) -> [&Sorted; 2] {
        [&self.internal, self.external.as_ref().unwrap_or(&self.internal)]
    }
}

impl Sorts {
    /// Sorts the projections.
    pub(super) fn new(sides: [Side; 2], directions: &[Vec<f64>], over: Over, order: u8) -> Self {
        let sides = sides.each_ref().map(Distinct::of);
        let [x, y] = sides.each_ref().map(|side| &side.rows);
        let same = x.rows == y.rows;
        let sort = |direction: &Vec<f64>| Projection {
            internal: Sorted::of(&projected(x, direction)),
            external: (!same).then(|| Sorted::of(&projected(y, direction))),
        };
        let projections = directions.par_iter().map(sort).collect();
        Self { sides, projections, over, order }
    }
}

impl InLanes for Sorts {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let [x, y] = &self.sides;
        // Masses are the users' weights as they are, not shares: whole numbers stay exact.
        let (p, q) = (x.masses(internal)?, y.masses(external)?);
        let lanes = [Lanes::new(&p), Lanes::new(&q)];
        let costs = |projections: &[Projection]| -> Vec<[f64; L]> {
            let mut room = Room::default();
            let sides = projections.iter().map(Projection::sides);
            sides.map(|sides| coupling::costs(sides, lanes, self.order, &mut room)).collect()
        };
        let costs = self.projections.par_chunks(TOGETHER).flat_map_iter(costs);
        let costs: Vec<[f64; L]> = costs.collect();
        Some(std::array::from_fn(|lane| {
            let cost = self.over.combine(costs.iter().map(|costs| costs[lane]))?;
            Some(if self.order == 2 { cost.sqrt() } else { cost })
        }))
    }
}

/// `W_p^p` of each projection of weighted rows.
fn costs(points: &Points, directions: &[Vec<f64>], order: u8) -> Vec<f64> {
    let ((x, p), (y, q)) = (&points.internal, &points.external);
    let cost = |direction: &Vec<f64>| {
        let (x, y) = (Sorted::of(&projected(x, direction)), Sorted::of(&projected(y, direction)));
        coupling::cost(Masses::new(&x, p), Masses::new(&y, q), order)
    };
    directions.par_iter().map(cost).collect()
}

/// The mean or the largest `W_p^p`.
pub(super) fn weighted_value(
    points: &Points,
    directions: &[Vec<f64>],
    over: Over,
    order: u8,
) -> f64 {
    over.combine(costs(points, directions, order).into_iter()).unwrap_or(f64::MAX)
}

/// What is paid along one direction.
#[derive(Clone, Debug, PartialEq)]
enum Curve {
    /// The witness of Wasserstein-1.
    Line(Witness),
    /// The first variation of the squared Wasserstein-2.
    Parabolas(Parabolas),
}

/// The mean over directions of the witness of each projection.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slices {
    directions: Vec<Vec<f64>>,
    curves: Vec<Curve>,
}

impl Slices {
    /// The witness of the mean, or along the direction of the largest.
    pub(super) fn new(
        points: &Points,
        directions: &[Vec<f64>],
        over: Over,
        order: u8,
    ) -> Result<Self, DiscrepancyError> {
        let directions = match over {
            Over::Mean => directions.to_vec(),
            Over::Max => {
                let costs = costs(points, directions, order);
                // The first of equal ones, as in the value.
                let largest =
                    directions.iter().zip(costs).reduce(|a, b| if b.1 > a.1 { b } else { a });
                largest.into_iter().map(|(direction, _)| direction.clone()).collect()
            }
        };
        let ((x, p), (y, q)) = (&points.internal, &points.external);
        let curve = |direction: &Vec<f64>| {
            let (u, v) = (projected(x, direction), projected(y, direction));
            if order == 1 {
                let (u, v) = (Weighted::new(&u, p), Weighted::new(&v, q));
                let curve = steps::on_points(u, v, |steps| steps.running_integral(sign));
                return curve.map(|(knots, values)| Curve::Line(Witness::Curve { knots, values }));
            }
            let (u, v) = (Sorted::of(&u), Sorted::of(&v));
            Ok(Curve::Parabolas(Parabolas::of(Masses::new(&u, p), Masses::new(&v, q))))
        };
        let curves = directions.par_iter().map(curve).collect::<Result<_, _>>()?;
        Ok(Self { directions, curves })
    }

    /// At a standardised row.
    pub(super) fn at(&self, row: &[f64]) -> f64 {
        let along = |(direction, curve): (&Vec<f64>, &Curve)| {
            let z = project(row, direction);
            match curve {
                Curve::Line(witness) => witness.at(z),
                Curve::Parabolas(phi) => -phi.at(z),
            }
        };
        let sum: f64 = self.directions.iter().zip(&self.curves).map(along).sum();
        sum / self.directions.len().max(1) as f64
    }
}

#[cfg(test)]
#[path = "sliced_tests.rs"]
mod tests;
