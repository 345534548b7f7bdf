//! Permutation test: could these two samples be one?
//!
//! If simulated and real users follow one law, then which of them are called simulated is chance.
//! So the users of both sides are pooled and relabelled at random, users and never single events,
//! with the sizes of the sides kept, and D is measured again. With B relabellings
//!
//! ```text
//! p = (1 + number of D* >= D) / (1 + B)
//! ```
//!
//! which is at most alpha with a probability of at most alpha, whatever the law, the discrepancy and
//! the sizes (Phipson and Smyth, *Permutation p-values should never be zero*, Statistical
//! Applications in Genetics and Molecular Biology 9, 2010). It rests on users being independent of
//! each other: users who share a simulated market are so only given the market.
//!
//! **How it is computed.** The pooled sample is prepared once, against itself, and a relabelling is
//! a weighting: 1 on the internal side and 0 on the external one for users who are called
//! simulated, and the other way round. Any discrepancy works as it is. What it takes from the
//! external rows before it knows the weights (a subsample, bins, the unit of coordinates) it then
//! takes from the pooled rows; D of the true labels is measured in the same way, so that all
//! relabellings are on one footing, and may therefore differ from the value in the panel. One that
//! keeps at most some rows keeps as many of the pooled ones, about half of them a side.
//!
//! A relabelling that leaves D undefined counts as D* >= D. Values that agree to 9 digits count as
//! equal.

use trueup_env::Streams;

use crate::discrepancy::Discrepancy;
use crate::sample::Sample;

/// Relabellings that are turned into weights at a time: the weights of all would be large.
const AT_A_TIME: usize = 32;

/// Values within this share of D are equal to it: sums in another order differ in the last digits.
const TIE: f64 = 1e-9;

/// Who is called simulated: the true labels, and random ones.
pub struct Relabellings {
    internal: usize,
    labels: Vec<Vec<bool>>,
    users: usize,
}

impl Relabellings {
    /// `permutations` random choices of `internal` of all users.
    pub fn new(internal: usize, external: usize, permutations: usize, streams: &Streams) -> Self {
        let users = internal + external;
        let choose = |permutation: usize| {
            let mut stream = streams.stream("relabel", permutation as u64);
            let mut labels: Vec<bool> = (0..users).map(|user| user < internal).collect();
            for last in (1..users).rev() {
                labels.swap(last, stream.below(last + 1));
            }
            labels
        };
        Self { internal, labels: (0..permutations).map(choose).collect(), users }
    }

    /// Whether they are of the users of a pooled sample that begins with those of `internal`.
    pub fn suits(&self, internal: &Sample, pooled: &Sample) -> bool {
        self.users == pooled.users && self.internal == internal.users
    }

    /// The true labels as weights of the two sides.
    pub fn truth(&self) -> [Vec<Vec<f64>>; 2] {
        weights(&[(0..self.users).map(|user| user < self.internal).collect()])
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The relabellings as weights of the two sides, some at a time.
    pub fn weights(&self) -> impl Iterator<Item = [Vec<Vec<f64>>; 2]> {
        self.labels.chunks(AT_A_TIME).map(weights)
    }
}

/// 1 for users who are called simulated and 0 for others; and the other way round.
fn weights(labels: &[Vec<bool>]) -> [Vec<Vec<f64>>; 2] {
    [true, false].map(|side| {
        let one = |label: &bool| if *label == side { 1.0 } else { 0.0 };
        labels.iter().map(|labels| labels.iter().map(one).collect()).collect()
    })
}

/// D of the true labels and of the relabellings, all measured on the pooled sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Null {
    /// D of the true labels.
    pub value: f64,
    /// D of each relabelling; none where it is undefined.
    pub permuted: Vec<Option<f64>>,
}

impl Null {
    /// Measures a discrepancy under all relabellings; none where it is not defined on the pooled
    /// users with their true labels.
    pub fn of(
        discrepancy: &dyn Discrepancy,
        internal: &Sample,
        external: &Sample,
        relabellings: &Relabellings,
    ) -> Option<Self> {
        let pooled = pooled(internal, external)?;
        if !relabellings.suits(internal, &pooled) {
            return None;
        }
        let prepared = discrepancy.prepare(&pooled, &pooled).ok()?;
        let measure = |[p, q]: [Vec<Vec<f64>>; 2]| prepared.values(&p, &q);
        let value = measure(relabellings.truth()).pop().flatten()?;
        let permuted = relabellings.weights().flat_map(measure).collect();
        Some(Self { value, permuted })
    }

    /// The p-value; 1 without relabellings.
    pub fn p(&self) -> f64 {
        let bar = self.value - TIE * self.value.abs();
        let reached = self.permuted.iter().filter(|value| value.is_none_or(|value| value >= bar));
        (1 + reached.count()) as f64 / (1 + self.permuted.len()) as f64
    }
}

/// The rows of both sides as one sample, the external users numbered after the internal ones; none
/// where the rows are not of one kind.
pub fn pooled(internal: &Sample, external: &Sample) -> Option<Sample> {
    let alike = internal.shape == external.shape
        && internal.width == external.width
        && internal.categories == external.categories;
    let first = u32::try_from(internal.users).ok()?;
    let owners = external.user.iter().map(|&user| user.checked_add(first));
    let mut user = internal.user.clone();
    user.extend(owners.collect::<Option<Vec<u32>>>()?);
    alike.then(|| Sample {
        values: [&internal.values[..], &external.values[..]].concat(),
        user,
        users: internal.users + external.users,
        shape: internal.shape,
        width: internal.width,
        categories: internal.categories,
    })
}

#[cfg(test)]
#[path = "permutation_tests.rs"]
mod tests;
