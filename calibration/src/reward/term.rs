//! A term of a reward, made ready: its feature, its discrepancy, and the external distribution.

use trueup_env::EventLog;

use super::points::Points;
use super::{RewardError, Term, suggestion};
use crate::discrepancy::{self, DISCREPANCIES, Discrepancy};
use crate::features::{self, Definition, FEATURES, Feature};
use crate::statistics::{Form, Statistics};

/// One term with all that it needs of the real users.
pub(super) struct Ready {
    pub feature: &'static Feature,
    pub discrepancy: &'static dyn Discrepancy,
    pub weight: f64,
    pub external: Points,
}

/// What a rollout looks like to a term.
pub(super) struct Rollout {
    /// The feature's distribution; empty where it is defined for no user.
    pub points: Points,
    /// Users with rows.
    pub users: usize,
    /// Rows per user of the log.
    pub rows_per_user: f64,
}

impl Ready {
    fn new(term: &Term, statistics: &Statistics) -> Result<Self, RewardError> {
        let unknown = |what, name: &str, known: Vec<&str>| RewardError::Unknown {
            what,
            name: name.into(),
            suggestion: suggestion(name, &known),
            known: known.join(", "),
        };
        let feature = features::find(&term.feature).ok_or_else(|| {
            unknown("feature", &term.feature, FEATURES.iter().map(|f| f.name).collect())
        })?;
        let discrepancy = discrepancy::find(&term.discrepancy).ok_or_else(|| {
            let known = DISCREPANCIES.iter().map(|d| d.name()).collect();
            unknown("discrepancy", &term.discrepancy, known)
        })?;
        let no_witness = |why: &str| RewardError::NoWitness {
            discrepancy: term.discrepancy.clone(),
            feature: term.feature.clone(),
            why: why.into(),
        };
        if !(term.weight > 0.0 && term.weight.is_finite()) {
            let (feature, weight) = (&term.feature, term.weight);
            return Err(RewardError::BadTerms(format!(
                "the term on `{feature}` has the weight {weight}; give a positive number"
            )));
        }
        if discrepancy.shape() != feature.shape() {
            let (compares, holds) = (discrepancy.shape(), feature.shape());
            return Err(no_witness(&format!(
                "it compares {compares:?} rows, and the feature has {holds:?} rows"
            )));
        }
        let measured = statistics
            .feature(feature.name)
            .ok_or_else(|| RewardError::NotMeasured(term.feature.clone()))?;
        let external = match &measured.form {
            Form::Grid(distribution) => Points::of_distribution(distribution),
            Form::Counts { counts } => Points::of_counts(counts),
            Form::Pair { .. } => return Err(no_witness("it is a feature of pairs")),
        };
        if external.is_empty() {
            return Err(RewardError::NotMeasured(term.feature.clone()));
        }
        let ready = Self { feature, discrepancy, weight: term.weight, external };
        match discrepancy.witness(ready.external.weighted(), ready.external.weighted()) {
            None => Err(no_witness("it has none on any feature")),
            Some(Err(source)) => {
                Err(RewardError::Discrepancy { feature: term.feature.clone(), source })
            }
            Some(Ok(_)) => Ok(ready),
        }
    }

    /// Makes all terms ready.
    pub fn all(terms: &[Term], statistics: &Statistics) -> Result<Vec<Self>, RewardError> {
        if terms.is_empty() {
            return Err(RewardError::BadTerms("a reward needs at least one term".into()));
        }
        for (i, term) in terms.iter().enumerate() {
            let same = |other: &Term| {
                other.feature == term.feature && other.discrepancy == term.discrepancy
            };
            if terms[..i].iter().any(same) {
                let (feature, discrepancy) = (&term.feature, &term.discrepancy);
                return Err(RewardError::BadTerms(format!(
                    "the term `{discrepancy}` on `{feature}` stands twice: keep one and set its \
                     weight"
                )));
            }
        }
        terms.iter().map(|term| Self::new(term, statistics)).collect()
    }

    /// The feature over a simulated log.
    pub fn measure(&self, log: &EventLog) -> Rollout {
        let sample = self.feature.sample(log);
        let points = match self.feature.definition {
            Definition::Category(_) | Definition::CategoryPair(_) => {
                let mut counts = vec![0.0; sample.categories];
                for &category in &sample.values {
                    if let Some(count) = counts.get_mut(category as usize) {
                        *count += 1.0;
                    }
                }
                Points::of_counts(&counts)
            }
            _ => Points::of(&sample.values),
        };
        Rollout {
            points,
            users: sample.users_with_rows(),
            rows_per_user: sample.rows() as f64 / log.user_count().max(1) as f64,
        }
    }

    /// The discrepancy of `internal` as rewards count it: a distance, so the root where the
    /// discrepancy is a square. None without rows.
    pub fn distance(&self, internal: &Points) -> Result<Option<f64>, RewardError> {
        if internal.is_empty() {
            return Ok(None);
        }
        let value = self.discrepancy.weighted_value(internal.weighted(), self.external.weighted());
        let Some(value) = value else { return Ok(None) };
        let value = value.map_err(|source| self.failed(source))?;
        Ok(Some(if self.discrepancy.squared() { value.max(0.0).sqrt() } else { value }))
    }

    /// An error of the discrepancy, with the name of the feature.
    pub fn failed(&self, source: discrepancy::DiscrepancyError) -> RewardError {
        RewardError::Discrepancy { feature: self.feature.name.into(), source }
    }
}

/// The weighted mean of distances over the terms that have one.
///
/// # Errors
/// When none has: no simulated user did anything that a term looks at.
pub(super) fn mean_distance(terms: &[Ready], found: &[Option<f64>]) -> Result<f64, RewardError> {
    let (mut sum, mut weight) = (0.0, 0.0);
    for (term, found) in terms.iter().zip(found) {
        if let Some(value) = found {
            sum += term.weight * value;
            weight += term.weight;
        }
    }
    if weight > 0.0 {
        return Ok(sum / weight);
    }
    let features: Vec<&str> = terms.iter().map(|term| term.feature.name).collect();
    Err(RewardError::BadTerms(format!(
        "no simulated user has a row of any rewarded feature ({}): add a term on a feature that \
         every user has, such as event_count",
        features.join(", ")
    )))
}
