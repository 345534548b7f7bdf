//! What the rewards that name features and no discrepancy share: their terms.

use super::{RewardError, Term, check, default_terms};
use crate::features::{FEATURES, of_kind};
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
    given.into_iter().map(|(feature, weight)| term(feature, weight)).collect()
}

/// The term on one feature.
pub(super) fn term(feature: String, weight: f64) -> Result<Term, RewardError> {
    let found = check::feature(&feature, None).ok_or_else(|| unknown(&feature, None))?;
    let discrepancy = match found.shape() {
        Shape::Category => "total-variation",
        _ => "wasserstein-1",
    };
    Ok(Term { feature, discrepancy: discrepancy.into(), weight })
}

/// That there is no such feature, in logs of these kinds where they are known.
pub(super) fn unknown(name: &str, kinds: Option<&[String]>) -> RewardError {
    let of_kinds = of_kind::all(kinds.unwrap_or_default());
    let known: Vec<&str> = FEATURES.iter().chain(of_kinds).map(|feature| feature.name).collect();
    RewardError::UnknownFeature {
        name: name.into(),
        suggestion: super::suggestion(name, &known),
        known: known.join(", "),
    }
}
