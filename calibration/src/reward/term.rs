//! A term of a reward, made ready: its feature, its discrepancy, and the external distribution.

use trueup_env::{Clock, Event, EventLog, History};

use super::check::{self, Need};
use super::points::Points;
use super::{RewardError, Term};
use crate::discrepancy::{self, Named, Weighted};
use crate::features::{Definition, Feature};
use crate::population::Population;
use crate::sample::Shape;
use crate::statistics::{Form, Statistics};

/// One term with all that it needs of the real users.
pub(super) struct Ready {
    pub feature: &'static Feature,
    pub discrepancy: Named,
    pub weight: f64,
    pub external: Points,
    /// The discrepancy as the config spells it.
    pub given: String,
    /// Real users with rows.
    pub users: usize,
    /// Rows per real user.
    pub rows_per_user: f64,
    /// Whom the statistics are about. Among active users, features of users are not defined for
    /// whoever has no event.
    pub population: Population,
}

/// What a rollout looks like to a term.
#[derive(Clone, Debug, Default)]
pub(super) struct Rollout {
    /// The feature's distribution; empty where it is defined for no user.
    pub points: Points,
    /// Users with rows.
    pub users: usize,
    /// Rows per user of the log.
    pub rows_per_user: f64,
}

impl Ready {
    /// Makes a term ready for a reward that needs this of its discrepancy.
    fn new(term: &Term, statistics: &Statistics, need: Need) -> Result<Self, RewardError> {
        let (feature, discrepancy) =
            check::term(term, need, Some(&statistics.kinds)).map_err(|(_, error)| error)?;
        let no_witness = |why: &str| RewardError::NoWitness {
            discrepancy: term.discrepancy.clone(),
            feature: term.feature.clone(),
            why: why.into(),
        };
        let measured = statistics
            .feature(feature.name)
            .ok_or_else(|| RewardError::NotMeasured(term.feature.clone()))?;
        let external = match &measured.form {
            Form::Grid(distribution) => Points::of_distribution(distribution),
            Form::Counts { counts } => Points::of_counts(counts),
            Form::Pair { .. } | Form::Relation { .. } => {
                return Err(no_witness("it is a feature of pairs"));
            }
            Form::Series { .. } => return Err(no_witness("it is a series of all users")),
        };
        if external.is_empty() {
            return Err(RewardError::NotMeasured(term.feature.clone()));
        }
        let ready = Self {
            feature,
            discrepancy,
            weight: term.weight,
            external,
            given: term.discrepancy.clone(),
            users: measured.users,
            rows_per_user: measured.rows as f64 / statistics.users.max(1) as f64,
            population: statistics.population(),
        };
        ready.serving(need)
    }

    /// Itself, if its discrepancy gives what is needed.
    fn serving(self, need: Need) -> Result<Self, RewardError> {
        let (q, own) = (self.external.weighted(), &self.discrepancy);
        let has = match need {
            Need::Witness => own.witness(q, q).map(|w| w.map(|_| ())),
            Need::Value => own.weighted_value(q, q).map(|v| v.map(|_| ())),
        };
        match has {
            None => Err(RewardError::NoWitness {
                discrepancy: self.given,
                feature: self.feature.name.into(),
                why: need.unmet().into(),
            }),
            Some(Err(source)) => Err(self.failed(source)),
            Some(Ok(())) => Ok(self),
        }
    }

    /// Makes terms ready that [`check::terms`] has passed.
    pub fn all(
        terms: &[Term],
        statistics: &Statistics,
        need: Need,
    ) -> Result<Vec<Self>, RewardError> {
        terms.iter().map(|term| Self::new(term, statistics, need)).collect()
    }

    /// The feature over a simulated log.
    pub fn measure(&self, log: &EventLog) -> Rollout {
        let sample = self.feature.sample(&self.population.select(log));
        let points = match self.feature.definition {
            Definition::Category(_) | Definition::CategoryPair(_) | Definition::Class { .. } => {
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
        self.between(internal, &self.external)
    }

    /// The same between any two distributions of the feature.
    pub fn between(&self, p: &Points, q: &Points) -> Result<Option<f64>, RewardError> {
        self.weighted_distance(p.weighted(), q.weighted())
    }

    /// The same, as discrepancies see distributions.
    pub fn weighted_distance(
        &self,
        p: Weighted<'_>,
        q: Weighted<'_>,
    ) -> Result<Option<f64>, RewardError> {
        let value = self.discrepancy.weighted_value(p, q);
        let Some(value) = value else { return Ok(None) };
        let value = value.map_err(|source| self.failed(source))?;
        Ok(Some(if self.discrepancy.squared() { value.max(0.0).sqrt() } else { value }))
    }

    /// The distance of nobody: the mean distance of a single real row. So a first row that is drawn
    /// as real ones are earns nothing on average when it comes.
    pub fn of_nothing(&self) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for (value, weight) in self.external.values.iter().zip(&self.external.weights) {
            // Categories are told by their place, so the others stand there without mass.
            let one = if self.on_categories() {
                let there = self.external.values.iter();
                Points {
                    values: self.external.values.clone(),
                    weights: there.map(|other| f64::from(u8::from(other == value))).collect(),
                }
            } else {
                Points { values: vec![*value], weights: vec![1.0] }
            };
            if let Ok(Some(distance)) = self.between(&one, &self.external)
                && distance.is_finite()
            {
                sum += weight * distance;
                total += weight;
            }
        }
        if total > 0.0 { sum / total } else { 0.0 }
    }

    /// Whether rows are categories.
    pub fn on_categories(&self) -> bool {
        self.feature.shape() == Shape::Category
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
pub(super) fn mean_distance<'a>(
    terms: impl Iterator<Item = (f64, &'a str)>,
    found: &[Option<f64>],
) -> Result<f64, RewardError> {
    let (mut sum, mut total) = (0.0, 0.0);
    let mut features = Vec::new();
    for ((weight, feature), found) in terms.zip(found) {
        features.push(feature);
        if let Some(value) = found {
            sum += weight * value;
            total += weight;
        }
    }
    if total > 0.0 {
        return Ok(sum / total);
    }
    Err(RewardError::BadTerms(format!(
        "no simulated user has a row of any rewarded feature ({}): they do nothing any more; a \
         smaller update.learning_rate keeps training from that end, and where all users are \
         compared, a term on a feature that every user has, such as event_count, leads back",
        features.join(", ")
    )))
}

/// The row that a feature has at an event, a category as its number; none for features of users.
#[inline]
pub(super) fn row_at(
    definition: Definition,
    before: &History,
    event: &Event,
    clock: &Clock,
    kinds: usize,
) -> Option<f64> {
    match definition {
        Definition::Event(f) => f(before, event),
        Definition::Category(f) => f(before, event).map(|category| category as f64),
        Definition::CategoryPair(f) => {
            f(before, event).map(|[from, to]| (from * kinds + to) as f64)
        }
        Definition::Class { of, .. } => of(before, event, clock).map(|class| class as f64),
        Definition::User(_)
        | Definition::Whole(_)
        | Definition::Pair(_)
        | Definition::Relation(_)
        | Definition::Series(_)
        | Definition::Path { .. } => None,
    }
}
