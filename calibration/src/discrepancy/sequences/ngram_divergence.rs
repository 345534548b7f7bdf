//! Divergence between the n-grams of kinds: what comes after what, n events deep.
//!
//! `D = JS(P, Q) = 1/2 KL(P, M) + 1/2 KL(Q, M)` with `M = (P + Q) / 2`, in bits, from 0 to 1 (Lin,
//! *Divergence measures based on the Shannon entropy*, IEEE Transactions on Information Theory 37,
//! 1991), P and Q being the shares of the n-grams over all users. Before a user's first event stand
//! n - 1 times "nothing", and after the last once: how users begin and stop is part of the
//! comparison, and users with fewer than n events are too. It looks at order, and so has no
//! witness.

use super::counts::Counts;
use super::{sequences, whole};
use crate::discrepancy::lanes::InLanes;
use crate::discrepancy::{Discrepancy, DiscrepancyError, Parameter, Prepared, check};
use crate::sample::{Sample, Shape};

/// `ngram-divergence`.
#[derive(Clone, Copy, Debug)]
pub struct NgramDivergence {
    /// Events of an n-gram, 1 to 6.
    pub n: usize,
}

const NAME: &str = "ngram-divergence";

/// The n-grams of each user as numbers, `symbols^n` of them at most.
fn ngrams(
    side: &'static str,
    sample: &Sample,
    n: usize,
) -> Result<Vec<(u32, u64)>, DiscrepancyError> {
    // The last symbol is "nothing".
    let nothing = sample.categories as u64;
    let symbols = nothing + 1;
    let Some(all) = symbols.checked_pow(n as u32) else {
        return Err(DiscrepancyError::Mismatch(format!(
            "there are too many n-grams of {n} events of {nothing} kinds; use a smaller n"
        )));
    };
    let start = (1..n).fold(0, |gram, _| gram * symbols + nothing);
    let mut found = Vec::with_capacity(sample.rows() + sample.users);
    for (user, rows) in sequences(side, sample)? {
        let mut gram = start;
        for symbol in rows.iter().map(|&kind| kind as u64).chain([nothing]) {
            // The oldest symbol leaves at the top.
            gram = (gram % (all / symbols)) * symbols + symbol;
            found.push((user, gram));
        }
    }
    Ok(found)
}

fn divergence(p: &[f64], q: &[f64]) -> f64 {
    let (p_total, q_total): (f64, f64) = (p.iter().sum(), q.iter().sum());
    let term = |p: f64, mean: f64| if p > 0.0 { p * (p / mean).log2() } else { 0.0 };
    let gram = |(p, q): (&f64, &f64)| {
        let (p, q) = (p / p_total, q / q_total);
        let mean = (p + q) / 2.0;
        (term(p, mean) + term(q, mean)) / 2.0
    };
    p.iter().zip(q).map(gram).sum::<f64>().max(0.0)
}

struct OnGrams {
    internal: Counts,
    external: Counts,
}

impl InLanes for OnGrams {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        Some(std::array::from_fn(|lane| {
            let value = divergence(&p[lane], &q[lane]);
            value.is_finite().then_some(value)
        }))
    }
}

impl Discrepancy for NgramDivergence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Divergence of n-grams"
    }

    fn definition(&self) -> &'static str {
        "Jensen-Shannon divergence, in bits, of the shares of n-grams, with n - 1 times nothing \
         before the first event and once after the last"
    }

    fn reference(&self) -> &'static str {
        "Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991"
    }

    fn cost(&self) -> &'static str {
        super::super::cost::SORT
    }

    fn parameters(&self) -> &'static [Parameter] {
        const { &[whole("n", "events of an n-gram", 3.0, 1.0, 6.0)] }
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { n: *values.first()? as usize }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn ordered(&self) -> bool {
        true
    }

    fn unit(&self) -> &'static str {
        ""
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
        check::samples(NAME, Shape::Category, 1, internal, external)?;
        let p = ngrams("internal", internal, self.n.max(1))?;
        let q = ngrams("external", external, self.n.max(1))?;
        let mut known: Vec<u64> = p.iter().chain(&q).map(|(_, gram)| *gram).collect();
        known.sort_unstable();
        known.dedup();
        let numbered =
            |(user, gram): (u32, u64)| (user, known.partition_point(|other| *other < gram) as u32);
        Ok(Box::new(OnGrams {
            internal: Counts::of(internal.users, known.len(), p.into_iter().map(numbered)),
            external: Counts::of(external.users, known.len(), q.into_iter().map(numbered)),
        }))
    }
}
