//! What is wrong with the settings of a reward, told before there are statistics: a run should not
//! read its data, or train, to find a name that does not exist.

use super::{RewardConfig, RewardError, Term, plain};
use super::{joint, relation};
use crate::discrepancy::{self, Discrepancy, Named, Weighted, has_witness, relation_gap};
use crate::features::{self, Definition, Feature, of_kind};
use crate::panel::USER_VECTOR;
use crate::sample::Shape;

/// A setting that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {error}")]
pub struct Mistake {
    /// Where it stands below the reward, as in `terms.1.discrepancy`.
    pub key: String,
    /// What is wrong with it.
    pub error: RewardError,
}

/// What a reward asks of a discrepancy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A witness.
    Witness,
    /// A value on weighted rows.
    Value,
}

impl Need {
    /// Whether a discrepancy has it.
    fn met(self, discrepancy: &dyn Discrepancy) -> bool {
        // Rows of any shape: what is asked is whether there is an answer, and not which.
        let width = if discrepancy.shape() == Shape::Vector { 2 } else { 1 };
        let rows = Weighted { values: &[0.0, 1.0, 1.0, 0.0], width, weights: None };
        match self {
            Self::Witness => has_witness(discrepancy),
            Self::Value => discrepancy.weighted_value(rows, rows).is_some(),
        }
    }

    /// That a discrepancy does not have it.
    pub fn unmet(self) -> &'static str {
        match self {
            Self::Witness => "it has no witness; `trueup metrics` marks those that have one with *",
            Self::Value => "it has no value on shares",
        }
    }
}

impl RewardConfig {
    /// Checks all that can be told without statistics.
    ///
    /// # Errors
    /// The first setting that no statistics could serve: names and parameters that do not exist,
    /// discrepancies that do not suit, numbers out of range.
    pub fn check(&self) -> Result<(), Mistake> {
        let at = |key: &str, found: Result<(), RewardError>| {
            found.map_err(|error| Mistake { key: key.into(), error })
        };
        let (given, mixed, need) = match self {
            Self::Witness(config) => {
                at("memory", share("memory", config.memory))?;
                at("decay", share("decay", config.decay))?;
                (&config.terms, config.rate, Need::Witness)
            }
            Self::Shared(config) => (&config.terms, config.rate, Need::Value),
            Self::Difference(config) => (&config.terms, config.rate, Need::Value),
            Self::LeaveOneOut(config) => (&config.terms, config.rate, Need::Value),
            Self::Pwil(config) => {
                at("sharpness", sharpness(config.sharpness))?;
                return of_features(config.features.as_deref());
            }
            Self::Density(config) => return of_features(config.features.as_deref()),
        };
        at("rate", rate(mixed))?;
        given.as_deref().map_or(Ok(()), |given| terms(given, need))
    }
}

/// A share of the past: at least 0 and under 1.
pub(super) fn share(name: &str, share: f64) -> Result<(), RewardError> {
    let problem = || format!("{name} is {share}; give a share of at least 0 and under 1");
    (0.0..1.0).contains(&share).then_some(()).ok_or_else(|| RewardError::BadTerms(problem()))
}

/// How fast adaptive weights move: above 0 and up to 10.
pub(super) fn rate(rate: f64) -> Result<(), RewardError> {
    let problem =
        || format!("the rate of the weights is {rate}; give a number above 0 and up to 10");
    (rate > 0.0 && rate <= 10.0).then_some(()).ok_or_else(|| RewardError::BadTerms(problem()))
}

/// How quickly the pay of PWIL falls with the cost: above 0 and up to 100.
pub(super) fn sharpness(sharpness: f64) -> Result<(), RewardError> {
    let problem = || format!("sharpness is {sharpness}; give a number above 0 and up to 100");
    let fits = sharpness > 0.0 && sharpness <= 100.0;
    fits.then_some(()).ok_or_else(|| RewardError::BadTerms(problem()))
}

/// Checks the terms of a reward: each of them, and that none stands twice.
pub(super) fn terms(terms: &[Term], need: Need) -> Result<(), Mistake> {
    if terms.is_empty() {
        let error = RewardError::BadTerms("a reward needs at least one term".into());
        return Err(Mistake { key: "terms".into(), error });
    }
    let mut seen: Vec<(String, String)> = Vec::with_capacity(terms.len());
    for (i, term) in terms.iter().enumerate() {
        let mistake = |(key, error): (&str, RewardError)| {
            let key =
                if key.is_empty() { format!("terms.{i}") } else { format!("terms.{i}.{key}") };
            Mistake { key, error }
        };
        let label = if need == Need::Witness && joint::is_joint(term) {
            joint::suits(term).map_err(mistake)?;
            term.discrepancy.clone()
        } else if need == Need::Witness && relation::is_relation(term) {
            relation::suits(term).map_err(mistake)?;
            term.discrepancy.clone()
        } else {
            self::term(term, need, None).map_err(mistake)?.1.label().to_owned()
        };
        let kind = of_kind::kind_of(&term.feature).map(of_kind::name);
        let own = (kind.unwrap_or_else(|| term.feature.clone()), label);
        if seen.contains(&own) {
            let (feature, label) = own;
            return Err(mistake((
                "",
                RewardError::BadTerms(format!(
                    "the term `{label}` on `{feature}` stands twice: keep one and set its weight"
                )),
            )));
        }
        seen.push(own);
    }
    Ok(())
}

/// Checks the features of a reward that names no discrepancies.
fn of_features(given: Option<&[String]>) -> Result<(), Mistake> {
    if given.is_some_and(<[String]>::is_empty) {
        let error = RewardError::BadTerms("a reward needs at least one feature".into());
        return Err(Mistake { key: "features".into(), error });
    }
    for (i, feature) in given.into_iter().flatten().enumerate() {
        let mistake = |error| Mistake { key: format!("features.{i}"), error };
        let one = plain::term(feature.clone(), 1.0).map_err(mistake)?;
        term(&one, Need::Value, None).map_err(|(_, error)| mistake(error))?;
        if given.into_iter().flatten().take(i).any(|earlier| earlier == feature) {
            let problem = format!("the feature `{feature}` stands twice");
            return Err(mistake(RewardError::BadTerms(problem)));
        }
    }
    Ok(())
}

/// Checks the weight of a term.
pub(super) fn weight(term: &Term) -> Result<(), (&'static str, RewardError)> {
    let Term { feature, weight, .. } = term;
    if *weight > 0.0 && weight.is_finite() {
        return Ok(());
    }
    let problem =
        format!("the term on `{feature}` has the weight {weight}; give a positive number");
    Err(("weight", RewardError::BadTerms(problem)))
}

/// Finds a feature in logs of these kinds; where they are not known yet, of any kind.
pub(super) fn feature(name: &str, kinds: Option<&[String]>) -> Option<&'static Feature> {
    match (kinds, of_kind::kind_of(name)) {
        (Some(kinds), _) => of_kind::find_among(name, kinds),
        (None, None) => features::find(name).or_else(|| features::relation::find_among(name, None)),
        (None, Some(of_kind::ALL_KINDS)) => None,
        (None, Some(kind)) => of_kind::of(kind, 0),
    }
}

/// The feature and the discrepancy of a term on numbers or categories, or its key that is wrong.
/// Without the kinds of the log, a feature of one kind is taken on trust.
pub(super) fn term(
    term: &Term,
    need: Need,
    kinds: Option<&[String]>,
) -> Result<(&'static Feature, Named), (&'static str, RewardError)> {
    let refuse = |key: &'static str, why: String| {
        let (discrepancy, feature) = (term.discrepancy.clone(), term.feature.clone());
        Err((key, RewardError::NoWitness { discrepancy, feature, why }))
    };
    let found = feature(&term.feature, kinds);
    if relation::is_relation(term) {
        let only = "only the reward `witness` pays for relations of covariates, and only by";
        return refuse("discrepancy", format!("{only} {}", relation_gap::NAME));
    }
    let vectors = |feature: &&Feature| matches!(feature.definition, Definition::Pair(_));
    if term.feature == USER_VECTOR || found.filter(vectors).is_some() {
        let only = "only the reward `witness` pays for vectors, and only by";
        return refuse("discrepancy", format!("{only} {}", joint::NAMES.join(", ")));
    }
    let feature = found.ok_or_else(|| ("feature", plain::unknown(&term.feature, kinds)))?;
    let discrepancy = discrepancy::named(&term.discrepancy);
    let discrepancy = discrepancy.map_err(|error| ("discrepancy", error.into()))?;
    weight(term)?;
    match feature.definition {
        Definition::Series(_) => return refuse("feature", "it is a series of all users".into()),
        Definition::Path { .. } => return refuse("feature", "statistics hold no paths".into()),
        _ => {}
    }
    if discrepancy.shape() != feature.shape() {
        let (compares, holds) = (discrepancy.shape(), feature.shape());
        let why = format!("it compares {compares:?} rows, and the feature has {holds:?} rows");
        return refuse("discrepancy", why);
    }
    if !need.met(&*discrepancy) {
        return refuse("discrepancy", need.unmet().into());
    }
    Ok((feature, discrepancy))
}
