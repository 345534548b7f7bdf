//! Shortfall of the external categories.
//!
//! `D = 1 - |{k: p_k > 0, q_k > 0}| / |{k: q_k > 0}|`: the share of the categories of the real users
//! that no simulated user has, 1 - CategoryCoverage of SDMetrics. It has no witness: a category
//! counts from its first row on.

use super::total_variation::Side;
use super::{Discrepancy, DiscrepancyError, Prepared, check};
use crate::sample::{Sample, Shape};

/// `category-shortfall`.
pub struct CategoryShortfall;

const NAME: &str = "category-shortfall";

struct OnShares {
    internal: Side,
    external: Side,
}

impl Prepared for OnShares {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let (p, q) = (self.internal.shares(internal)?, self.external.shares(external)?);
        let real = || p.iter().zip(&q).filter(|cell| *cell.1 > 0.0);
        let missed = real().filter(|cell| *cell.0 <= 0.0).count();
        Some(missed as f64 / real().count() as f64).filter(|value| value.is_finite())
    }
}

impl Discrepancy for CategoryShortfall {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Shortfall of categories"
    }

    fn definition(&self) -> &'static str {
        "1 - |{k: p_k > 0, q_k > 0}| / |{k: q_k > 0}| over categories k"
    }

    fn reference(&self) -> &'static str {
        "SDMetrics, CategoryCoverage; DataCebo, Synthetic Data Metrics, 2023"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
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
        Ok(Box::new(OnShares { internal: Side::of(internal), external: Side::of(external) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_by_hand() {
        let sample = |values: &[f64]| Sample {
            shape: Shape::Category,
            categories: 5,
            ..Sample::real(values.to_vec())
        };
        let (p, q) = (sample(&[0.0, 0.0, 4.0]), sample(&[0.0, 1.0, 2.0, 2.0, 3.0]));
        assert_eq!(CategoryShortfall.value(&p, &q), Ok(0.75));
        let prepared = CategoryShortfall.prepare(&p, &q).unwrap();
        assert_eq!(prepared.value(&[1.0; 3], &[1.0, 1.0, 0.0, 0.0, 0.0]), Some(0.5));
    }
}
