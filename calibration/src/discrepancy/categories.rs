//! Divergences (`divergence.rs`) of the shares of categories. Witness: `-dD/dp_k` of category k.

use super::divergence::{self, Divergence};
use super::total_variation::{Side, shares};
use super::{Discrepancy, DiscrepancyError, Parameter, Prepared, Weighted, Witness, check};
use crate::sample::{Sample, Shape};

/// A divergence over categories.
#[derive(Clone, Copy)]
pub struct Categories {
    divergence: &'static Divergence,
    smoothing: f64,
}

const PLAIN: &[Parameter] = &[divergence::smoothing(0.0)];
const SMOOTHED: &[Parameter] = &[divergence::smoothing(divergence::SMALL)];

/// What is a function of the shares of categories.
pub(super) const FAMILY: &[&str] = &[
    "total-variation",
    "kl-categories",
    "g-categories",
    "psi-categories",
    "chi-squared-categories",
    "jensen-shannon-categories",
    "hellinger-categories",
    "category-shortfall",
];

impl Categories {
    pub(super) const fn of(divergence: &'static Divergence) -> Self {
        Self { divergence, smoothing: divergence.smoothing }
    }
}

struct OnShares {
    internal: Side,
    external: Side,
    form: Categories,
}

impl Prepared for OnShares {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let (p, q) = (self.internal.shares(internal)?, self.external.shares(external)?);
        let value = self.form.divergence.value(p.into_iter().zip(q), self.form.smoothing);
        value.is_finite().then_some(value)
    }
}

impl Discrepancy for Categories {
    fn name(&self) -> &'static str {
        self.divergence.names[1]
    }

    fn title(&self) -> &'static str {
        self.divergence.title
    }

    fn definition(&self) -> &'static str {
        self.divergence.definitions[1]
    }

    fn reference(&self) -> &'static str {
        self.divergence.reference
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn parameters(&self) -> &'static [Parameter] {
        if self.divergence.smoothing > 0.0 { SMOOTHED } else { PLAIN }
    }

    fn with(&self, values: &[f64]) -> Option<Box<dyn Discrepancy>> {
        let smoothing = *values.first()?;
        Some(Box::new(Self { smoothing, ..*self }))
    }

    fn symmetric(&self) -> bool {
        self.divergence.symmetric
    }

    fn also_optimises(&self) -> &'static [&'static str] {
        FAMILY
    }

    fn most(&self) -> f64 {
        self.divergence.most
    }

    fn shape(&self) -> Shape {
        Shape::Category
    }

    fn squared(&self) -> bool {
        self.divergence.squared
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(self.name(), Shape::Category, 1, internal, external)?;
        let (internal, external) = (Side::of(internal), Side::of(external));
        Ok(Box::new(OnShares { internal, external, form: *self }))
    }

    fn witness(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<Witness, DiscrepancyError>> {
        let pay = |cell| -self.divergence.variation(cell, self.smoothing);
        let table =
            |(p, q): (Vec<f64>, Vec<f64>)| Witness::Table(p.into_iter().zip(q).map(pay).collect());
        Some(shares(internal, external).map(table))
    }

    fn weighted_value(
        &self,
        internal: Weighted<'_>,
        external: Weighted<'_>,
    ) -> Option<Result<f64, DiscrepancyError>> {
        Some(shares(internal, external).and_then(|(p, q)| {
            let value = self.divergence.sum(p.into_iter().zip(q), self.smoothing);
            self.divergence.finite(self.name(), value)
        }))
    }

    fn value(&self, internal: &Sample, external: &Sample) -> Result<f64, DiscrepancyError> {
        self.divergence.alone(self, internal, external)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{hellinger, kl};
    use super::*;

    #[test]
    fn values_by_hand() {
        let (p, q) = ([0.0, 0.0, 0.0, 1.0], [0.0, 1.0]);
        let (p, q) = (Weighted::equal(&p), Weighted::equal(&q));
        let plain = |divergence| Categories { smoothing: 0.0, ..Categories::of(divergence) };
        let value = |divergence| plain(divergence).weighted_value(p, q).unwrap().unwrap();
        let expected = 0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((value(&kl::KL) - expected).abs() < 1e-15);
        let expected = 1.0 - (0.375_f64.sqrt() + 0.125_f64.sqrt());
        assert!((value(&hellinger::HELLINGER) - expected).abs() < 1e-15);
        let Some(Ok(Witness::Table(pays))) = plain(&kl::KL).witness(p, q) else { panic!() };
        assert_eq!(pays, [-1.5_f64.ln(), -0.5_f64.ln()]);
    }
}
