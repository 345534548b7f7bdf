//! External statistics: all that rewards and worlds see of the real users.
//!
//! The way from a log to a reward goes through this object and never around it, so that whoever
//! owns the log can hand over a file of statistics and keep the log.
//!
//! What the file reveals. Marginal distributions, series per tick, and joint distributions of user
//! vectors and pairs by projections: no sequence, no user, no label. It is not anonymous in itself,
//! though: a quantile grid holds observed values, its ends are the smallest and the largest value of
//! some user, a log of few users shows most of their values, and counts are exact; what laws of
//! amounts reveal is said there ([`amount_law`]). Whoever may not reveal these makes the file with
//! [`privacy`]; any file that passes [`Statistics::check`] works.
//!
//! The form of the file is published as a JSON Schema, `schema/statistics.v3.schema.json`. Version 1
//! had no series, no joint statistics and no privacy record, version 2 no effects of kinds, no laws of
//! amounts, no covariates that are categories, nothing of how covariates hang together, no origin and
//! no population; such files are still read.

use serde::{Deserialize, Serialize};
use trueup_env::finance::KindEffect;
use trueup_env::{Clock, EventLog, Money};

use crate::discrepancy::mean_and_sd;
use crate::features::{self, Definition, Feature, Level, of_kind, relation};
use crate::population::Population;
use crate::relation::Sums;

pub mod amount_law;
pub(crate) mod dependence;
mod file;
pub mod joint;
mod origin;
pub mod privacy;
pub mod projection;

pub use amount_law::AmountLaw;
pub use dependence::{CategoryStatistics, CellStatistics, Dependence};
pub use file::{BadField, StatisticsError};
pub use joint::JointStatistics;
pub use origin::{HeldOut, Origin, digest};
pub use privacy::PrivacyRecord;

/// Format name written into every file.
pub const FORMAT: &str = "trueup-statistics";
/// Format version written into every file.
pub const VERSION: u32 = 3;
/// Probabilities of a quantile grid: 0, 1/512, ..., 1.
pub const GRID: usize = 513;

/// What a log of real users looks like, without the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`].
    pub version: u32,
    /// The clock of the log.
    pub clock: Clock,
    /// The kinds of the log.
    pub kinds: Vec<String>,
    /// What each kind does to money, and how that was found; in files of versions 1 and 2, what the
    /// names of the kinds tell.
    #[serde(default)]
    pub effects: Vec<KindEffect>,
    /// Number of users.
    pub users: usize,
    /// Number of events.
    pub events: usize,
    /// Number of events per kind.
    pub kind_events: Vec<usize>,
    /// The largest number of events of one user in one tick.
    pub max_events_in_tick: u32,
    /// Share of events that follow another event of the same user in the same tick.
    pub same_tick_share: f64,
    /// One entry a feature that is defined for at least one row, those of single kinds among them.
    pub features: Vec<FeatureStatistics>,
    /// Amounts per kind, as quantile grids (none for a kind without events).
    pub amounts: Vec<Option<Distribution>>,
    /// What amounts are drawn from, per kind; none in files of versions 1 and 2.
    #[serde(default)]
    pub amount_laws: Vec<Option<AmountLaw>>,
    /// Covariates of users that are numbers, as quantile grids of the marginals.
    pub covariates: Vec<(String, Distribution)>,
    /// Covariates of users that are categories; none in files of older versions.
    #[serde(default)]
    pub categories: Vec<CategoryStatistics>,
    /// How covariates hang together; none where there is only one, in private files, and in files of
    /// older versions: each is then drawn on its own.
    #[serde(default)]
    pub dependence: Option<Dependence>,
    /// Joint distributions of user vectors and of pairs; none in files of version 1.
    #[serde(default)]
    pub joint: Vec<JointStatistics>,
    /// How the numbers were made private; none where they are exact.
    #[serde(default)]
    pub privacy: Option<PrivacyRecord>,
    /// Where the statistics come from; none in files of older versions.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Whom the log is about; none in files of older versions.
    #[serde(default)]
    pub population: Option<Population>,
}

/// One feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureStatistics {
    /// Name of the feature.
    pub feature: String,
    /// Its level.
    pub level: Level,
    /// Number of rows.
    pub rows: usize,
    /// Number of users with rows.
    pub users: usize,
    /// The distribution of its rows.
    pub form: Form,
}

/// How a distribution is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// Real numbers.
    Grid(Distribution),
    /// Categories: rows per category.
    Counts {
        /// Rows per category.
        counts: Vec<f64>,
    },
    /// (earlier, later) pairs: means, standard deviations and correlation.
    Pair {
        /// Means of the two.
        mean: [f64; 2],
        /// Standard deviations (n) of the two.
        sd: [f64; 2],
        /// Pearson correlation; 0 where a side has no spread.
        correlation: f64,
    },
    /// A covariate beside a fact about users: how strongly they go together
    /// ([`relation`](crate::relation)).
    Relation {
        /// Correlation, or the mean standardised fact of each category.
        strengths: Vec<f64>,
        /// Share of each category among the users with the fact; 1 for a correlation.
        shares: Vec<f64>,
        /// Mean of the fact.
        mean: f64,
        /// Standard deviation (n) of the fact.
        sd: f64,
    },
    /// A series over the ticks of the window.
    Series {
        /// Sum of a tick over all users, divided by their number; one a tick.
        per_user: Vec<f64>,
    },
}

/// A one-dimensional distribution as quantiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distribution {
    /// The smallest observed value with cumulative share at least i / (len - 1), ascending. These
    /// are observed values (no interpolation), so that prices stay prices.
    pub quantiles: Vec<f64>,
    /// Mean.
    pub mean: f64,
    /// Standard deviation (n).
    pub sd: f64,
}

impl Distribution {
    /// The distribution of `values`; none for an empty slice.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let quantile = |i: usize| sorted[((i * n).div_ceil(GRID - 1)).clamp(1, n) - 1];
        let (mean, sd) = mean_and_sd(&sorted, None);
        Some(Self { quantiles: (0..GRID).map(quantile).collect(), mean, sd })
    }

    /// The distribution as weighted points, values ascending and distinct, weights of sum 1.
    ///
    /// Each interval of the grid holds the mass 1 / (len - 1), half of it at either end. In a
    /// long tail that puts too much on the outermost values, so the outer intervals are split
    /// otherwise: mass moves inwards from the end that pulls the mean of the points away from
    /// `mean`, until they agree or that end is empty.
    pub fn points(&self) -> (Vec<f64>, Vec<f64>) {
        let q = &self.quantiles;
        let Some(last) = q.len().checked_sub(1).filter(|&last| last > 0) else {
            return (q.clone(), vec![1.0; q.len()]);
        };
        let mass = 1.0 / last as f64;
        let mut weights = vec![mass; q.len()];
        (weights[0], weights[last]) = (mass / 2.0, mass / 2.0);
        let mean: f64 = q.iter().zip(&weights).map(|(q, w)| q * w).sum();
        let (outer, inner) = if mean > self.mean { (last, last - 1) } else { (0, 1) };
        let width = (q[outer] - q[inner]).abs();
        if width > 0.0 {
            let moved = ((mean - self.mean).abs() / width).min(mass / 2.0);
            weights[outer] -= moved;
            weights[inner] += moved;
        }
        let mut points: (Vec<f64>, Vec<f64>) = Default::default();
        for (&value, weight) in q.iter().zip(weights) {
            match (points.0.last(), points.1.last_mut()) {
                (Some(&before), Some(sum)) if before == value => *sum += weight,
                _ => {
                    points.0.push(value);
                    points.1.push(weight);
                }
            }
        }
        points
    }

    /// The observed value at cumulative share `p`: the quantile of the grid at or above it. Amounts
    /// are drawn from [`AmountLaw`]s instead.
    pub fn quantile(&self, p: f64) -> f64 {
        let last = self.quantiles.len() - 1;
        self.quantiles[((p * last as f64).ceil() as usize).min(last)]
    }
}

impl Statistics {
    /// Measures a log.
    pub fn of(log: &EventLog) -> Self {
        let kinds = log.kinds().len();
        let mut kind_events = vec![0; kinds];
        let mut amounts = vec![Vec::new(); kinds];
        let (mut max_events_in_tick, mut same_tick) = (0, 0usize);
        for user in 0..log.user_count() {
            for event in log.events_of(user) {
                kind_events[usize::from(event.kind)] += 1;
                amounts[usize::from(event.kind)].push((event.amount, user));
            }
            for tick in log.events_of(user).chunk_by(|a, b| a.tick == b.tick) {
                max_events_in_tick = max_events_in_tick.max(tick.len() as u32);
                same_tick += tick.len() - 1;
            }
        }
        let events = log.events().len();
        let facts = log.covariates();
        let column = |c: usize| -> Vec<f64> { facts.column(c).collect() };
        let covariates = facts.names.iter().enumerate();
        let covariates = covariates.filter(|(c, _)| facts.categories_of(*c).is_empty());
        let values = |amounts: &[(f64, usize)]| -> Vec<f64> {
            amounts.iter().map(|(amount, _)| *amount).collect()
        };
        let features = features::FEATURES.iter().chain(of_kind::all(log.kinds()));
        let features = features.chain(relation::measured(facts, log.kinds()));
        Self {
            format: FORMAT.into(),
            version: VERSION,
            clock: *log.clock(),
            kinds: log.kinds().to_vec(),
            effects: log.effects().to_vec(),
            users: log.user_count(),
            events,
            kind_events,
            max_events_in_tick,
            same_tick_share: same_tick as f64 / events.max(1) as f64,
            features: features.filter_map(|feature| feature_of(feature, log)).collect(),
            amounts: amounts.iter().map(|of_kind| Distribution::of(&values(of_kind))).collect(),
            amount_laws: amounts.iter().map(|of_kind| AmountLaw::of(of_kind)).collect(),
            covariates: covariates
                .filter_map(|(c, name)| Some((name.clone(), Distribution::of(&column(c))?)))
                .collect(),
            categories: dependence::categories(facts),
            dependence: Dependence::of(facts),
            joint: JointStatistics::all(log),
            privacy: None,
            origin: None,
            population: None,
        }
    }

    /// Whom the log is about. Where the file does not tell, active users if it has a common calendar
    /// and exact counts in which every user has an event.
    pub fn population(&self) -> Population {
        self.population.unwrap_or_else(|| {
            let calendar = self.clock.start_day.is_some() && self.privacy.is_none();
            let active = calendar && self.fewest_events().is_some_and(|fewest| fewest >= 1.0);
            if active { Population::Active } else { Population::All }
        })
    }

    /// The fewest events of a user.
    pub fn fewest_events(&self) -> Option<f64> {
        match &self.feature("event_count")?.form {
            Form::Grid(counts) => counts.quantiles.first().copied(),
            _ => None,
        }
    }

    /// What the amounts of a kind are drawn from; none for a kind without events. Where the file
    /// holds no law, it is that of the quantile grid.
    pub fn amount_law(&self, kind: usize) -> Option<AmountLaw> {
        let held = self.amount_laws.get(kind).cloned().flatten();
        held.or_else(|| AmountLaw::of_grid(self.amounts.get(kind)?.as_ref()?))
    }

    /// The joint statistics of `user_vector` or of a feature of pairs.
    pub fn joint(&self, name: &str) -> Option<&JointStatistics> {
        self.joint.iter().find(|entry| entry.feature == name)
    }

    /// The statistics of one feature.
    pub fn feature(&self, name: &str) -> Option<&FeatureStatistics> {
        self.features.iter().find(|entry| entry.feature == name)
    }
}

fn feature_of(feature: &Feature, log: &EventLog) -> Option<FeatureStatistics> {
    let sample = feature.sample(log);
    let form = match feature.definition {
        Definition::Event(_) | Definition::User(_) | Definition::Whole(_) => {
            Form::Grid(Distribution::of(&sample.values)?)
        }
        Definition::Category(_) | Definition::CategoryPair(_) | Definition::Class { .. } => {
            let mut counts = vec![0.0; sample.categories];
            sample.values.iter().for_each(|&category| counts[category as usize] += 1.0);
            Form::Counts { counts }
        }
        Definition::Pair(_) => {
            let side = |offset: usize| -> Vec<f64> {
                sample.values.iter().skip(offset).step_by(2).copied().collect()
            };
            let (earlier, later) = (Distribution::of(&side(0))?, Distribution::of(&side(1))?);
            let products = sample.values.chunks_exact(2);
            let cross = products.map(|p| (p[0] - earlier.mean) * (p[1] - later.mean)).sum::<f64>()
                / sample.rows() as f64;
            let scale = earlier.sd * later.sd;
            let correlation = if scale > 0.0 { cross / scale } else { 0.0 };
            Form::Pair { mean: [earlier.mean, later.mean], sd: [earlier.sd, later.sd], correlation }
        }
        Definition::Relation(_) => {
            let mut centre = (0.0, 0.0);
            let rows = sample.values.chunks_exact(2);
            rows.clone().for_each(|row| centre = (centre.0 + row[0], centre.1 + row[1]));
            let n = sample.rows().max(1) as f64;
            // Categories are no numbers to be centred.
            let x = if sample.categories == 0 { centre.0 / n } else { 0.0 };
            let mut sums = Sums::new(sample.categories);
            rows.for_each(|row| sums.add(1.0, row[0] - x, row[1] - centre.1 / n));
            let own = sums.strengths()?;
            let mean = centre.1 / n;
            Form::Relation { strengths: own.values, shares: own.shares, mean, sd: own.sd }
        }
        Definition::Series(_) => {
            let mut sums = vec![Money::default(); sample.categories];
            for row in sample.values.chunks_exact(2) {
                if let Some(sum) = sums.get_mut(row[0] as usize) {
                    *sum += Money::of(row[1]);
                }
            }
            let users = sample.users.max(1) as u64;
            Form::Series { per_user: sums.into_iter().map(|sum| sum.over(users)).collect() }
        }
        // No statistic of paths serves a discrepancy that would not need the sequences.
        Definition::Path { .. } => return None,
    };
    (sample.rows() > 0).then(|| FeatureStatistics {
        feature: feature.name.into(),
        level: feature.level,
        rows: sample.rows(),
        users: sample.users_with_rows(),
        form,
    })
}

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;
