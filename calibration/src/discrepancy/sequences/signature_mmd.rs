//! Distance between the expected signatures of two sets of paths.
//!
//! `D = |E_P S(x) - E_Q S(y)|`, the Euclidean length over all terms of the levels 1 to `depth`: the
//! maximum mean discrepancy with the truncated signature kernel `k(x, y) = <S(x), S(y)>`. The
//! expected signature determines the law of paths (Chevyrev and Oberhauser, *Signature moments to
//! characterize laws of stochastic processes*, Journal of Machine Learning Research 23, 2022), and
//! its first levels tell order and joint movement that no distribution of single points does. The
//! value of a user's signature is linear in his weight, so a bootstrap is one pass over users. It
//! looks at whole paths, and so has no witness at a row.

use super::signature::{signature, terms};
use super::{sequences, whole};
use crate::discrepancy::lanes::InLanes;
use crate::discrepancy::user_sums::UserSums;
use crate::discrepancy::wide::{self, Kernel};
use crate::discrepancy::{Discrepancy, DiscrepancyError, Parameter, Prepared, check};
use crate::sample::{Sample, Shape};

/// `signature-mmd`.
#[derive(Clone, Copy, Debug)]
pub struct SignatureMmd {
    /// The deepest level, 1 to 6.
    pub depth: usize,
}

const NAME: &str = "signature-mmd";
/// Signatures of more terms are refused.
const MOST_TERMS: usize = 10_000;

/// The signature of each user's path.
struct Side {
    owners: Vec<u32>,
    terms: usize,
    /// Users x terms.
    signatures: Vec<f64>,
    paths: UserSums<1>,
}

impl Side {
    fn of(side: &'static str, sample: &Sample, depth: usize) -> Result<Self, DiscrepancyError> {
        let width = sample.width;
        let Some(terms) = terms(width, depth).filter(|terms| (1..=MOST_TERMS).contains(terms))
        else {
            return Err(DiscrepancyError::Mismatch(format!(
                "signatures of depth {depth} of paths of {width} numbers a point have no terms or \
                 more than {MOST_TERMS}; use another depth"
            )));
        };
        let (mut owners, mut signatures) = (Vec::new(), Vec::new());
        for (user, points) in sequences(side, sample)? {
            owners.push(user);
            signatures.extend(signature(points, width, depth));
        }
        let counted = owners.iter().map(|&user| (user as usize, [1.0]));
        let paths = UserSums::of(sample.users, counted);
        Ok(Self { owners, terms, signatures, paths })
    }

    /// The expected signature in each lane; none where a weighting leaves no path.
    fn under<const L: usize>(&self, weights: [&[f64]; L]) -> Option<Vec<[f64; L]>> {
        let totals = self.paths.under_each(weights)?;
        Some(wide::run(Mean { side: self, weights, totals: totals.map(|[total]| total) }))
    }
}

/// The pass over users.
struct Mean<'a, const L: usize> {
    side: &'a Side,
    weights: [&'a [f64]; L],
    totals: [f64; L],
}

impl<const L: usize> Kernel for Mean<'_, L> {
    type Output = Vec<[f64; L]>;

    #[inline(always)]
    fn work(self) -> Self::Output {
        let Self { side, weights, totals } = self;
        let mut sums = vec![[0.0; L]; side.terms];
        for (&user, signature) in side.owners.iter().zip(side.signatures.chunks_exact(side.terms)) {
            let share: [f64; L] =
                std::array::from_fn(|lane| weights[lane][user as usize] / totals[lane]);
            if share == [0.0; L] {
                continue;
            }
            for (sum, term) in sums.iter_mut().zip(signature) {
                for lane in 0..L {
                    sum[lane] += share[lane] * term;
                }
            }
        }
        sums
    }
}

struct OnPaths {
    internal: Side,
    external: Side,
}

impl InLanes for OnPaths {
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]> {
        let (p, q) = (self.internal.under(internal)?, self.external.under(external)?);
        let mut squares = [0.0; L];
        for (p, q) in p.iter().zip(&q) {
            for lane in 0..L {
                squares[lane] += (p[lane] - q[lane]) * (p[lane] - q[lane]);
            }
        }
        Some(squares.map(|square: f64| square.is_finite().then(|| square.sqrt())))
    }
}

impl Discrepancy for SignatureMmd {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Distance of paths"
    }

    fn definition(&self) -> &'static str {
        "|E_P S(x) - E_Q S(y)|, S the signature of a user's path, levels 1 to depth"
    }

    fn reference(&self) -> &'static str {
        "Chevyrev and Oberhauser, Signature moments to characterize laws of stochastic processes, Journal of Machine Learning Research 23, 2022"
    }

    fn cost(&self) -> &'static str {
        "O((n + m) d^depth) once, then O(users d^depth) a value; memory of one signature a user"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const { &[whole("depth", "the deepest level of the signatures", 3.0, 1.0, 6.0)] }
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        Some(Box::new(Self { depth: *values.first()? as usize }))
    }

    fn symmetric(&self) -> bool {
        true
    }

    fn ordered(&self) -> bool {
        true
    }

    fn shape(&self) -> Shape {
        Shape::Path
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Path, external.width, internal, external)?;
        let internal = Side::of("internal", internal, self.depth)?;
        Ok(Box::new(OnPaths { internal, external: Side::of("external", external, self.depth)? }))
    }
}
