//! Several weightings at once: a bootstrap asks for hundreds of values of one pair of samples, and
//! a pass over its rows serves [`LANES`] of them in the time of about one.

use super::Prepared;

/// Weightings of one pass: two vector registers of doubles.
pub(super) const LANES: usize = 4;

/// A prepared pair of samples that can be measured under L weightings in one pass. Each lane is
/// computed as if it were alone, to the last bit.
pub(super) trait InLanes: Send + Sync {
    /// The value of each lane, none where it is undefined; none at all where the weights of any
    /// lane leave a side without rows.
    fn lanes<const L: usize>(
        &self,
        internal: [&[f64]; L],
        external: [&[f64]; L],
    ) -> Option<[Option<f64>; L]>;
}

impl<T: InLanes> Prepared for T {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let [value] = self.lanes([internal], [external])?;
        value
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let alone = |(p, q): (&Vec<f64>, &Vec<f64>)| self.value(p, q);
        let pairs = internal.chunks(LANES).zip(external.chunks(LANES));
        let values = pairs.flat_map(|(p, q)| {
            let together = match (p.as_array::<LANES>(), q.as_array::<LANES>()) {
                (Some(p), Some(q)) => self.lanes(slices(p), slices(q)),
                _ => None,
            };
            match together {
                Some(values) => values.to_vec(),
                None => p.iter().zip(q).map(alone).collect(),
            }
        });
        values.collect()
    }
}

pub(super) fn slices<const L: usize>(weights: &[Vec<f64>; L]) -> [&[f64]; L] {
    weights.each_ref().map(Vec::as_slice)
}
