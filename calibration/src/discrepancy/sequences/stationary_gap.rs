//! Gap of the kinds that two chains spend their time in, in the long run.
//!
//! `D = 1/2 sum_i |pi_i - rho_i|`, pi and rho being the stationary laws of the internal and the
//! external transition matrix: the limits of their mean laws from their observed starts, another
//! user coming at each step with the probability `restart` (`chain.rs`; Levin and Peres, *Markov
//! chains and mixing times*, 2nd edition, 2017, chapter 1). Two chains can have one stationary law
//! and differ in every transition: `transition-distance` sees that.

use super::chain::{RESTART, pair_counts, stationary};
use super::counts::Counts;
use crate::discrepancy::lanes::InLanes;
use crate::discrepancy::{Discrepancy, DiscrepancyError, Parameter, Prepared};
use crate::sample::{Sample, Shape};

/// `stationary-gap`.
#[derive(Clone, Copy, Debug)]
pub struct StationaryGap {
    /// The probability that another user comes, at each step of the chain.
    pub restart: f64,
}

const NAME: &str = "stationary-gap";

struct OnPairs {
    internal: Counts,
    external: Counts,
    kinds: usize,
    restart: f64,
}

impl InLanes for OnPairs {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        Some(std::array::from_fn(|lane| {
            let law = |counts: &[f64]| stationary(counts, self.kinds, self.restart);
            let (p, q) = (law(&p[lane]), law(&q[lane]));
            let value = p.iter().zip(&q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
            value.is_finite().then_some(value)
        }))
    }
}

impl Discrepancy for StationaryGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of stationary laws"
    }

    fn definition(&self) -> &'static str {
        "1/2 sum |pi_i - rho_i| over kinds i, pi and rho the stationary laws of the transitions"
    }

    fn reference(&self) -> &'static str {
        "Levin and Peres, Markov chains and mixing times, 2nd edition, 2017, chapter 1"
    }

    fn cost(&self) -> &'static str {
        super::chain::COST
    }

    fn parameters(&self) -> &'static [Parameter] {
        &[RESTART]
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { restart: *values.first()? }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn most(&self) -> f64 {
        1.0
    }

    fn shape(&self) -> Shape {
        Shape::Category
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        let ([internal, external], kinds) = pair_counts(NAME, internal, external)?;
        Ok(Box::new(OnPairs { internal, external, kinds, restart: self.restart }))
    }
}
