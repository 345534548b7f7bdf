//! Two sides under many weightings of their users: those that leave both sides rows are measured
//! together.

use super::Prepared;
use super::joint::Side;

/// Something that is measured on the shares of the rows of two sides.
pub(super) trait OnShares: Send + Sync {
    /// The sides.
    fn sides(&self) -> [&Side; 2];

    /// The value under each pair of shares. What lies below 0 is rounding.
    fn measure(&self, p: &[&[f64]], q: &[&[f64]]) -> Vec<f64>;
}

/// Sides that are measured on shares.
pub(super) struct ByShares<T>(pub(super) T);

impl<T: OnShares> Prepared for ByShares<T> {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        self.values(&[internal.to_vec()], &[external.to_vec()]).pop().flatten()
    }

    fn values(&self, internal: &[Vec<f64>], external: &[Vec<f64>]) -> Vec<Option<f64>> {
        let [x, y] = self.0.sides();
        let pairs = internal.iter().zip(external);
        let shares: Vec<_> = pairs.map(|(p, q)| x.shares(p).zip(y.shares(q))).collect();
        let defined = shares.iter().flatten();
        let (p, q): (Vec<&[f64]>, Vec<&[f64]>) =
            defined.map(|(p, q)| (p.as_slice(), q.as_slice())).unzip();
        let mut values = self.0.measure(&p, &q).into_iter();
        let value = |shares: &Option<_>| shares.as_ref().and_then(|_| values.next());
        let finite = |value: f64| value.is_finite().then_some(value.max(0.0));
        shares.iter().map(value).map(|value| value.and_then(finite)).collect()
    }
}
