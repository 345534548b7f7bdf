//! Witnesses: what rewards are made of.

use super::JointWitness;

/// How much a discrepancy falls when P gains mass at x: the first variation with its sign turned,
/// up to a constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Witness {
    /// Piecewise linear through (knot, value), constant outside; knots strictly ascending.
    Curve {
        /// Places.
        knots: Vec<f64>,
        /// Values there.
        values: Vec<f64>,
    },
    /// `linear z + square z^2` with `z = (x - centre) / scale`.
    Parabola {
        /// Centre.
        centre: f64,
        /// Scale, positive.
        scale: f64,
        /// Coefficient of z.
        linear: f64,
        /// Coefficient of z^2.
        square: f64,
    },
    /// One value a category.
    Table(Vec<f64>),
    /// A polynomial on each stretch between knots, with values of their own at the knots.
    Pieces {
        /// Places, strictly ascending.
        knots: Vec<f64>,
        /// Values there, one a knot.
        at: Vec<f64>,
        /// Left of each knot, and right of the last one: coefficients of 1, z, z^2, z^3, z^4.
        between: Vec<[f64; 5]>,
        /// Centre of `z = (x - centre) / scale`.
        centre: f64,
        /// Scale, positive.
        scale: f64,
    },
    /// A function of rows of several numbers.
    Joint(Box<JointWitness>),
}

impl Witness {
    /// One polynomial everywhere: coefficients of 1, z, z^2, z^3, z^4 with `z = (x - centre) /
    /// scale`.
    pub fn polynomial(coefficients: [f64; 5], centre: f64, scale: f64) -> Self {
        let (knots, at, between) = (Vec::new(), Vec::new(), vec![coefficients]);
        Self::Pieces { knots, at, between, centre, scale }
    }

    /// Steps: `left[i]` up to and with `knots[i]`, `last` right of all.
    pub fn steps(knots: Vec<f64>, left: Vec<f64>, last: f64) -> Self {
        let constant = |value: &f64| [*value, 0.0, 0.0, 0.0, 0.0];
        let between = left.iter().chain([&last]).map(constant).collect();
        Self::Pieces { knots, at: left, between, centre: 0.0, scale: 1.0 }
    }

    /// The witness at a row: at its first number where it knows only one; 0 at a row of another
    /// width than a joint witness has.
    pub fn at_row(&self, row: &[f64]) -> f64 {
        match (self, row) {
            (Self::Joint(joint), _) => joint.at_row(row),
            (_, []) => 0.0,
            (_, [x, ..]) => self.at(*x),
        }
    }

    /// The witness at `x` (for a table: at category number `x`; 0 outside it).
    pub fn at(&self, x: f64) -> f64 {
        match self {
            Self::Curve { knots, values } => {
                let above = knots.partition_point(|&knot| knot <= x);
                match (above.checked_sub(1), above) {
                    (None, _) => values.first().copied().unwrap_or(0.0),
                    (Some(below), above) if above == knots.len() => values[below],
                    (Some(below), above) => {
                        let share = (x - knots[below]) / (knots[above] - knots[below]);
                        values[below] + share * (values[above] - values[below])
                    }
                }
            }
            Self::Parabola { centre, scale, linear, square } => {
                let z = (x - centre) / scale;
                linear * z + square * z * z
            }
            Self::Table(values) => values.get(x as usize).copied().unwrap_or(0.0),
            Self::Pieces { knots, at, between, centre, scale } => {
                let piece = knots.partition_point(|&knot| knot < x);
                if let (true, Some(value)) = (knots.get(piece) == Some(&x), at.get(piece)) {
                    return *value;
                }
                let z = (x - centre) / scale;
                let coefficients = between.get(piece).copied().unwrap_or_default();
                coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * z + coefficient)
            }
            Self::Joint(joint) => joint.at_row(&[x]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_by_hand() {
        let steps = Witness::steps(vec![1.0, 2.0], vec![5.0, 6.0], 7.0);
        assert_eq!([0.0, 1.0, 1.5, 2.0, 2.5].map(|x| steps.at(x)), [5.0, 5.0, 6.0, 6.0, 7.0]);
        // 1 + z - z^4 at z = 2.
        let quartic = Witness::polynomial([1.0, 1.0, 0.0, 0.0, -1.0], 3.0, 0.5);
        assert_eq!(quartic.at(4.0), -13.0);
        let (at, between) = (vec![9.0], vec![[0.0; 5], [0.0, 1.0, 0.0, 0.0, 0.0]]);
        let hinge = Witness::Pieces { knots: vec![1.0], at, between, centre: 1.0, scale: 2.0 };
        assert_eq!([-5.0, 1.0, 2.0].map(|x| hinge.at(x)), [0.0, 9.0, 0.5]);
    }
}
