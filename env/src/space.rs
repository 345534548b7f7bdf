//! Spaces: what observations and actions look like, with bounds.

use serde::{Deserialize, Serialize};

/// The set an observation or action lies in, after Gymnasium's spaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Space {
    /// Real vectors between bounds (inclusive; infinite bounds allowed), one pair a component.
    Box {
        /// Lower bounds.
        low: Vec<f32>,
        /// Upper bounds.
        high: Vec<f32>,
    },
    /// One of `n` choices, numbered from 0.
    Discrete {
        /// Number of choices.
        n: usize,
    },
    /// Several independent choices.
    MultiDiscrete {
        /// Number of choices of each component.
        n: Vec<usize>,
    },
    /// A choice, and for each choice but the first ("nothing") an amount of money of at least 0.
    KindAndAmount {
        /// Number of choices, "nothing" included.
        n: usize,
        /// The largest amount.
        high: f64,
    },
}

impl Space {
    /// Numbers per element: components of a vector, choices of a multi-discrete, 1 for a
    /// discrete, 2 for a kind with its amount.
    #[inline]
    pub fn size(&self) -> usize {
        match self {
            Self::Box { low, .. } => low.len(),
            Self::Discrete { .. } => 1,
            Self::MultiDiscrete { n } => n.len(),
            Self::KindAndAmount { .. } => 2,
        }
    }

    /// Whether `element` (as flat numbers) lies in the space; NaN never does.
    #[inline]
    pub fn contains(&self, element: &[f64]) -> bool {
        // There and back through an integer: where the processor cannot round, `fract` is a call.
        let whole = |value: f64| value as usize as f64 == value;
        let choice = |value: f64, n: usize| value >= 0.0 && value < n as f64 && whole(value);
        element.len() == self.size()
            && match self {
                Self::Box { low, high } => element
                    .iter()
                    .zip(low.iter().zip(high))
                    .all(|(&x, (&low, &high))| x >= f64::from(low) && x <= f64::from(high)),
                Self::Discrete { n } => choice(element[0], *n),
                Self::MultiDiscrete { n } => element.iter().zip(n).all(|(&x, &n)| choice(x, n)),
                Self::KindAndAmount { n, high } => {
                    choice(element[0], *n) && element[1] >= 0.0 && element[1] <= *high
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_follows_bounds_and_refuses_nan() {
        let space = Space::Box { low: vec![0.0, -1.0], high: vec![1.0, f32::INFINITY] };
        assert!(space.contains(&[0.5, 9.0]));
        assert!(!space.contains(&[1.5, 0.0]));
        assert!(!space.contains(&[f64::NAN, 0.0]));
        assert!(!space.contains(&[0.5]));
        assert!(Space::Discrete { n: 3 }.contains(&[2.0]));
        assert!(!Space::Discrete { n: 3 }.contains(&[1.5]));
        assert!(Space::MultiDiscrete { n: vec![2, 3] }.contains(&[1.0, 2.0]));
        assert!(Space::KindAndAmount { n: 2, high: 10.0 }.contains(&[1.0, 9.5]));
        assert!(!Space::KindAndAmount { n: 2, high: 10.0 }.contains(&[1.0, -0.5]));
    }
}
