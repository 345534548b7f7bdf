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

use super::balls::{Balls, Weighted};
use super::wide::{self, Kernel};
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
        "O(min(n, rows)^2 d) time once, O(min(n, rows)^2) a value and in memory"
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

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        vectors::check(self.name(), 1, internal, external)?;
        let balls = Balls::of(internal, external, self.k.max(1), self.rows);
        Ok(Box::new(Sides { balls, aspect: self.aspect }))
    }
}

struct Sides {
    balls: Balls,
    aspect: Aspect,
}

/// Weightings that look at the distances of a row while it is in the cache.
const TOGETHER: usize = 8;

impl Prepared for Sides {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        self.values(&[internal.to_vec()], &[external.to_vec()]).pop().flatten()
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let under = |(p, q): (&Vec<f64>, &Vec<f64>)| {
            let (p, q) = (self.balls.internal.under(p)?, self.balls.external.under(q)?);
            Some(Found { inside: vec![false; p.shares.len().max(q.shares.len())], sum: 0.0, p, q })
        };
        let some = |(p, q): (&[Vec<f64>], &[Vec<f64>])| -> Vec<Option<f64>> {
            let mut all: Vec<Option<Found<'_>>> = p.iter().zip(q).map(under).collect();
            for (row, squares) in self.balls.between().enumerate() {
                for found in all.iter_mut().flatten() {
                    wide::run(Look { aspect: self.aspect, row, squares, found });
                }
            }
            let value = |found: Found<'_>| found.value(self.aspect);
            all.into_iter().map(|found| found.and_then(value)).collect()
        };
        let chunks = internal.par_chunks(TOGETHER).zip(external.par_chunks(TOGETHER));
        chunks.map(some).collect::<Vec<_>>().concat()
    }
}

/// What is found under one weighting.
struct Found<'a> {
    p: Weighted<'a>,
    q: Weighted<'a>,
    /// Which rows, internal ones for precision, else external ones, are in.
    inside: Vec<bool>,
    /// The mean number of external balls that an internal row is in.
    sum: f64,
}

impl Found<'_> {
    fn value(&self, aspect: Aspect) -> Option<f64> {
        let outside = |shares: &[f64]| -> f64 {
            let rows = shares.iter().zip(&self.inside).filter(|(_, inside)| !**inside);
            rows.map(|(share, _)| share).sum()
        };
        let value = match aspect {
            Aspect::Precision => outside(&self.p.shares),
            Aspect::Recall | Aspect::Coverage => outside(&self.q.shares),
            Aspect::Density => (self.sum / self.q.own_density() - 1.0).abs(),
        };
        value.is_finite().then_some(value)
    }
}

/// Looks at the squared distances of an external row to all internal ones.
struct Look<'a, 'b> {
    aspect: Aspect,
    row: usize,
    squares: &'a [f32],
    found: &'a mut Found<'b>,
}

impl Kernel for Look<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn work(self) {
        let Self { aspect, row, squares, found: Found { p, q, inside, sum } } = self;
        let (reach, share) = (q.reach()[row], q.shares[row]);
        // Without branches, so that many are compared at once.
        let balls = || squares.iter().zip(p.reach());
        match aspect {
            Aspect::Precision if reach >= 0.0 => {
                let rows = inside.iter_mut().zip(squares);
                rows.for_each(|(inside, square)| *inside |= *square <= reach);
            }
            Aspect::Recall => {
                inside[row] = balls().fold(false, |any, (square, reach)| any | (square <= reach));
            }
            Aspect::Coverage => {
                let there = |own: &f32, square: &f32| (*own >= 0.0) & (*square <= reach);
                inside[row] = balls().fold(false, |any, (square, own)| any | there(own, square));
            }
            Aspect::Density if share > 0.0 => {
                *sum += share * within(squares, &p.shares, reach);
            }
            _ => {}
        }
    }
}

/// Rows of which mostly none is within reach.
const BLOCK: usize = 64;

/// The summed shares of the rows within reach.
#[inline(always)]
fn within(squares: &[f32], shares: &[f64], reach: f32) -> f64 {
    let mut sum = 0.0;
    for (squares, shares) in squares.chunks(BLOCK).zip(shares.chunks(BLOCK)) {
        if squares.iter().fold(false, |any, square| any | (*square <= reach)) {
            let rows = squares.iter().zip(shares).filter(|(square, _)| **square <= reach);
            rows.for_each(|(_, share)| sum += share);
        }
    }
    sum
}
