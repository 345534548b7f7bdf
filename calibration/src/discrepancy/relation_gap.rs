//! Gap of the relation between a covariate of users and a fact about what they did.
//!
//! [`relation`](crate::relation) says what the strength of a relation is. It has no witness of single
//! numbers; the reward `witness` pays for relations by itself.

use super::measure::{Gap, Measure};
use super::user_sums::mean_and_sd;
use super::{Discrepancy, DiscrepancyError, Prepared, check, correlation_gap};
use crate::relation::{Strengths, Sums, squared_gap};
use crate::sample::{Sample, Shape};

/// `relation-gap`.
pub struct RelationGap;

/// Its name.
pub const NAME: &str = "relation-gap";
const FEW: &str = "it has no rows";

/// Rows of (category, standardised fact).
struct Rows {
    categories: usize,
    rows: Vec<(usize, f64, f64)>,
    users: usize,
}

impl Rows {
    fn of(sample: &Sample) -> Self {
        let facts: Vec<f64> = sample.values.iter().skip(1).step_by(2).copied().collect();
        let (mean, sd) = mean_and_sd(&facts, None);
        let scale = if sd > 0.0 { sd } else { 1.0 };
        let rows = sample.user.iter().zip(sample.values.chunks_exact(2));
        let row = |(user, row): (&u32, &[f64])| (*user as usize, row[0], (row[1] - mean) / scale);
        Self { categories: sample.categories, rows: rows.map(row).collect(), users: sample.users }
    }

    /// None where the weights are not one finite number of at least 0 a user, or leave nothing.
    fn under(&self, weights: &[f64]) -> Option<Result<Strengths, Measure>> {
        let sound = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if weights.len() != self.users || !weights.iter().all(sound) {
            return None;
        }
        let mut sums = Sums::new(self.categories);
        self.rows.iter().for_each(|(user, x, y)| sums.add(weights[*user], *x, *y));
        (sums.sums[0] > 0.0).then(|| sums.strengths().ok_or(Measure::NoSpread))
    }
}

struct Groups {
    internal: Rows,
    external: Rows,
}

impl Prepared for Groups {
    fn value(&self, internal: &[f64], external: &[f64]) -> Option<f64> {
        let q = self.external.under(external)?.ok()?;
        // Without spread among the simulated users, no category differs from another.
        let p = match self.internal.under(internal)? {
            Ok(strengths) => strengths.values,
            Err(_) => vec![0.0; q.values.len()],
        };
        Some(squared_gap(&p, &q.values, &q.shares).sqrt())
    }
}

impl Discrepancy for RelationGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn title(&self) -> &'static str {
        "Gap of relations"
    }

    fn definition(&self) -> &'static str {
        "|rho_P - rho_Q| of a covariate and a fact; for categories sqrt(sum_k q_k (m_k(P) - m_k(Q))^2), m_k the mean standardised fact"
    }

    fn reference(&self) -> &'static str {
        "Pearson, On a new method of determining correlation between a measured character A, and a character B, Biometrika 7, 1909"
    }

    fn cost(&self) -> &'static str {
        super::cost::PASS
    }

    fn shape(&self) -> Shape {
        Shape::Vector
    }

    fn prepare<'a>(
        &self,
        internal: &'a Sample,
        external: &'a Sample,
    ) -> Result<Box<dyn Prepared + 'a>, DiscrepancyError> {
        check::samples(NAME, Shape::Vector, 2, internal, external)?;
        if external.categories == 0 {
            let gap: Gap<6> = correlation_gap::gap(NAME, FEW, internal, external)?;
            return Ok(Box::new(gap));
        }
        for sample in [internal, external] {
            let codes: Vec<f64> = sample.values.iter().step_by(2).copied().collect();
            check::categories(&codes, Some(sample.categories))?;
        }
        let groups = Groups { internal: Rows::of(internal), external: Rows::of(external) };
        if let Some(Err(measure)) = groups.external.under(&vec![1.0; external.users]) {
            measure.required(NAME, "external", FEW)?;
        }
        Ok(Box::new(groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(categories: usize, values: &[f64]) -> Sample {
        let rows = values.len() / 2;
        let (shape, user) = (Shape::Vector, (0..rows as u32).collect());
        Sample { shape, width: 2, values: values.to_vec(), user, users: rows, categories }
    }

    #[test]
    fn values_by_hand() {
        // Means -1 and 1 of the standardised fact against the other way round, and against none.
        let up = sample(2, &[0.0, 1.0, 0.0, 1.0, 1.0, 2.0, 1.0, 2.0]);
        let down = sample(2, &[0.0, 7.0, 0.0, 7.0, 1.0, 2.0, 1.0, 2.0]);
        let none = sample(2, &[0.0, 1.0, 0.0, 2.0, 1.0, 1.0, 1.0, 2.0]);
        let flat = sample(2, &[0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        assert!((RelationGap.value(&down, &up).unwrap() - 2.0).abs() < 1e-12);
        assert!((RelationGap.value(&none, &up).unwrap() - 1.0).abs() < 1e-12);
        assert!((RelationGap.value(&flat, &up).unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(RelationGap.value(&up, &up), Ok(0.0));
        assert!(matches!(
            RelationGap.value(&up, &flat),
            Err(DiscrepancyError::Undefined { side: "external", .. })
        ));
        // For numbers it is the gap of correlations.
        let [up, down] = [up, down].map(|one| Sample { categories: 0, ..one });
        assert!((RelationGap.value(&down, &up).unwrap() - 2.0).abs() < 1e-12);
        // Weights: only the first of each category counts.
        let three = sample(2, &[0.0, 1.0, 1.0, 2.0, 0.0, 9.0]);
        let prepared = RelationGap.prepare(&three, &three).unwrap();
        assert_eq!(prepared.value(&[1.0, 1.0, 0.0], &[1.0, 1.0, 0.0]), Some(0.0));
        assert_eq!(prepared.value(&[0.0; 3], &[1.0; 3]), None);
        let two = prepared.value(&[2.0, 2.0, 0.0], &[1.0, 1.0, 1.0]).unwrap();
        assert!(two > 0.5, "{two}");
    }
}
