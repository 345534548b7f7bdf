//! Precision, recall, density and coverage of simulated users, as shortfalls.
//!
//! With B(y) the ball around a row y out to its k-th nearest neighbour on its own side
//! (`balls.rs` says more), X internal and Y external:
//!
//! - `precision-shortfall`: the share of internal rows in no ball of an external row: users that
//!   could not be real;
//! - `recall-shortfall`: the share of external rows in no ball of an internal row: real users that
//!   the simulation cannot produce (Kynkäänniemi, Karras, Laine, Lehtinen and Aila, *Improved
//!   precision and recall metric for assessing generative models*, NeurIPS 2019);
//! - `density-gap`: `|density - 1|`, density being the mean number of external balls that an internal
//!   row is in, over the mean number that an external row is in (k where there are no ties): above 1
//!   where simulated users crowd in the dense places, below where they miss them;
//! - `coverage-shortfall`: the share of external rows without an internal row in their ball: real
//!   users that nobody resembles. It is not 0 between equal laws: a ball is missed by all of m fresh
//!   rows with probability about (1/2)^k at n = m (Naeem, Oh, Uh, Choi and Yoo, *Reliable fidelity
//!   and diversity metrics for generative models*, ICML 2020).
//!
//! They see supports, not laws: 0 does not mean equality. At most `rows` rows a side are compared,
//! evenly spaced over the users.

use rayon::prelude::*;

use super::balls::{Balls, Held, Side, Weighted};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, vectors};
use crate::sample::{Sample, Shape};

/// Which of the four numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// Internal rows in the external support.
    Precision,
    /// External rows in the internal support.
    Recall,
    /// External balls that internal rows are in.
    Density,
    /// External balls with internal rows in them.
    Coverage,
}

/// One of the four discrepancies.
#[derive(Clone, Copy, Debug)]
pub struct Support {
    /// Which one.
    pub aspect: Aspect,
    /// Balls reach out to this nearest neighbour, 1 to 100.
    pub k: usize,
    /// The most rows a side that are compared.
    pub rows: usize,
}

impl Support {
    /// With five neighbours and at most 2,000 rows.
    pub const fn new(aspect: Aspect) -> Self {
        Self { aspect, k: 5, rows: 2000 }
    }
}

impl Discrepancy for Support {
    fn name(&self) -> &'static str {
        match self.aspect {
            Aspect::Precision => "precision-shortfall",
            Aspect::Recall => "recall-shortfall",
            Aspect::Density => "density-gap",
            Aspect::Coverage => "coverage-shortfall",
        }
    }

    fn title(&self) -> &'static str {
        match self.aspect {
            Aspect::Precision => "Shortfall of precision",
            Aspect::Recall => "Shortfall of recall",
            Aspect::Density => "Gap of density",
            Aspect::Coverage => "Shortfall of coverage",
        }
    }

    fn definition(&self) -> &'static str {
        match self.aspect {
            Aspect::Precision => {
                "share of internal rows in no k-nearest-neighbour ball of an external row"
            }
            Aspect::Recall => {
                "share of external rows in no k-nearest-neighbour ball of an internal row"
            }
            Aspect::Density => {
                "|external balls that an internal row is in / those that an external row is in - 1|"
            }
            Aspect::Coverage => {
                "share of external rows with no internal row in their k-nearest-neighbour ball"
            }
        }
    }

    fn reference(&self) -> &'static str {
        match self.aspect {
            Aspect::Precision | Aspect::Recall => {
                "Kynkäänniemi, Karras, Laine, Lehtinen and Aila, Improved precision and recall metric for assessing generative models, NeurIPS 2019"
            }
            Aspect::Density | Aspect::Coverage => {
                "Naeem, Oh, Uh, Choi and Yoo, Reliable fidelity and diversity metrics for generative models, ICML 2020"
            }
        }
    }

    fn cost(&self) -> &'static str {
        "O(min(n, rows)^2 d) time once, then about O(min(n, rows) k) a value and in memory"
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "k",
                meaning: "balls reach out to this nearest neighbour",
                default: 5.0,
                low: 1.0,
                high: 100.0,
                whole: true,
            },
            Parameter {
                name: "rows",
                meaning: "the most rows a side that are compared",
                default: 2000.0,
                low: 10.0,
                high: 20_000.0,
                whole: true,
            },
        ]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let [k, rows] = *values else { return None };
        Some(Box::new(Self { aspect: self.aspect, k: k as usize, rows: rows as usize }))
    }

    fn most(&self) -> f64 {
        match self.aspect {
            Aspect::Density => f64::INFINITY,
            _ => 1.0,
        }
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        vectors::check(self.name(), 1, internal, external)?;
        let Balls { internal, external } = Balls::of(internal, external, self.k.max(1), self.rows);
        let held = match self.aspect {
            Aspect::Recall => Held::of(&internal, &external),
            _ => Held::of(&external, &internal),
        };
        Ok(Box::new(Sides { internal, external, held, aspect: self.aspect }))
    }
}

struct Sides {
    internal: Side,
    external: Side,
    /// What the balls of the external rows hold; for recall those of the internal ones.
    held: Held,
    aspect: Aspect,
}

impl Prepared for Sides {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        let value = match self.aspect {
            Aspect::Precision => outside(&p.shares, &self.held_by_any(&q, p.shares.len())),
            Aspect::Recall => outside(&q.shares, &self.held_by_any(&p, q.shares.len())),
            Aspect::Density => (self.density(&p, &q) / q.own_density() - 1.0).abs(),
            Aspect::Coverage => {
                let mut inside = vec![false; q.shares.len()];
                for row in q.rows() {
                    inside[row] = self.held_by(&q, row).any(|other| p.is_there(other));
                }
                outside(&q.shares, &inside)
            }
        };
        value.is_finite().then_some(value)
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let pairs = internal.par_iter().zip(external);
        pairs.map(|(p, q)| self.value(p, q)).collect()
    }
}

impl Sides {
    /// The rows of the other side in the ball of a row.
    fn held_by(&self, centres: &Weighted<'_>, row: usize) -> impl Iterator<Item = usize> {
        let others = match self.aspect {
            Aspect::Recall => &self.external,
            _ => &self.internal,
        };
        self.held.by(centres, others, row)
    }

    /// Which of the rows of the other side are in any ball.
    fn held_by_any(&self, centres: &Weighted<'_>, others: usize) -> Vec<bool> {
        let mut inside = vec![false; others];
        for row in centres.rows() {
            self.held_by(centres, row).for_each(|other| inside[other] = true);
        }
        inside
    }

    /// The mean number of external balls that an internal row is in, as a share of all balls.
    fn density(&self, p: &Weighted<'_>, q: &Weighted<'_>) -> f64 {
        let held = |row: usize| self.held_by(q, row).map(|other| p.shares[other]).sum::<f64>();
        q.rows().map(|row| q.shares[row] * held(row)).sum()
    }
}

/// The summed shares of the rows that are not inside.
fn outside(shares: &[f64], inside: &[bool]) -> f64 {
    shares.iter().zip(inside).filter(|(_, inside)| !**inside).map(|(share, _)| share).sum()
}
