//! What the rewards that name features and no discrepancy share: their terms.

use super::{RewardError, Term, default_terms};
use crate::features::{self, FEATURES};
use crate::sample::Shape;
use crate::statistics::Statistics;

/// One term a feature, on Wasserstein-1 for numbers and total variation for categories. No list
/// means the features of [`default_terms`] with their weights.
///
/// # Errors
/// Unknown features, and those that are neither numbers nor categories.
pub(super) fn terms(
    features: Option<&[String]>,
    statistics: &Statistics,
) -> Result<Vec<Term>, RewardError> {
    let given: Vec<(String, f64)> = match features {
        Some(features) => features.iter().map(|feature| (feature.clone(), 1.0)).collect(),
        None => default_terms(statistics).into_iter().map(|t| (t.feature, t.weight)).collect(),
    };
    let term = |(feature, weight): (String, f64)| {
        let found = features::find(&feature).ok_or_else(|| unknown(&feature))?;
        let discrepancy = match found.shape() {
            Shape::Category => "total-variation",
            _ => "wasserstein-1",
        };
        Ok(Term { feature, discrepancy: discrepancy.into(), weight })
    };
    given.into_iter().map(term).collect()
}

/// That there is no such feature.
pub(super) fn unknown(name: &str) -> RewardError {
    let known: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
    RewardError::UnknownFeature {
        name: name.into(),
        suggestion: super::suggestion(name, &known),
        known: known.join(", "),
    }
}
