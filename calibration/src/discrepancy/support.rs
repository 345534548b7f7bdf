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

impl Prepared for Sides {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let p = self.balls.internal.under(internal)?;
        let q = self.balls.external.under(external)?;
        let value = match self.aspect {
            Aspect::Precision => self.precision_shortfall(&p, &q),
            Aspect::Recall => self.recall_shortfall(&p, &q),
            Aspect::Density => self.density_gap(&p, &q),
            Aspect::Coverage => self.coverage_shortfall(&p, &q),
        };
        value.is_finite().then_some(value)
    }
}

/// The summed shares of the rows that are not in.
fn outside(shares: &[f64], inside: impl IntoIterator<Item = bool>) -> f64 {
    shares.iter().zip(inside).filter(|(_, inside)| !inside).map(|(share, _)| share).sum()
}

impl Sides {
    fn precision_shortfall(&self, p: &Weighted<'_>, q: &Weighted<'_>) -> f64 {
        let mut inside = vec![false; p.shares.len()];
        for (squares, &reach) in self.balls.between().zip(q.reach()) {
            if reach >= 0.0 {
                inside
                    .iter_mut()
                    .zip(squares)
                    .for_each(|(inside, square)| *inside |= *square <= reach);
            }
        }
        outside(&p.shares, inside)
    }

    fn recall_shortfall(&self, p: &Weighted<'_>, q: &Weighted<'_>) -> f64 {
        // Without a branch, so that many are compared at once.
        let inside = |squares: &[f32]| {
            let pairs = squares.iter().zip(p.reach());
            pairs.fold(false, |inside, (square, reach)| inside | (square <= reach))
        };
        outside(&q.shares, self.balls.between().map(inside))
    }

    fn coverage_shortfall(&self, p: &Weighted<'_>, q: &Weighted<'_>) -> f64 {
        let there: Vec<bool> = p.reach().iter().map(|reach| *reach >= 0.0).collect();
        let inside = |(squares, reach): (&[f32], &f32)| {
            let pairs = squares.iter().zip(&there);
            pairs.fold(false, |inside, (square, there)| inside | (there & (square <= reach)))
        };
        outside(&q.shares, self.balls.between().zip(q.reach()).map(inside))
    }

    fn density_gap(&self, p: &Weighted<'_>, q: &Weighted<'_>) -> f64 {
        let inside = |squares, reach| wide::run(Inside { squares, shares: &p.shares, reach });
        let rows = self.balls.between().zip(q.reach()).zip(&q.shares);
        let there = rows.filter(|(_, share)| **share > 0.0);
        let density: f64 =
            there.map(|((squares, &reach), share)| share * inside(squares, reach)).sum();
        (density / q.own_density() - 1.0).abs()
    }
}

/// Rows of which mostly none is within reach.
const BLOCK: usize = 64;

/// The summed shares of the rows within reach.
struct Inside<'a> {
    squares: &'a [f32],
    shares: &'a [f64],
    reach: f32,
}

impl Kernel for Inside<'_> {
    type Output = f64;

    #[inline(always)]
    fn work(self) -> f64 {
        let mut sum = 0.0;
        for (squares, shares) in self.squares.chunks(BLOCK).zip(self.shares.chunks(BLOCK)) {
            // Without a branch, so that many are compared at once.
            let any = squares.iter().fold(false, |any, square| any | (*square <= self.reach));
            if any {
                let within =
                    squares.iter().zip(shares).filter(|(square, _)| **square <= self.reach);
                within.for_each(|(_, share)| sum += share);
            }
        }
        sum
    }
}
