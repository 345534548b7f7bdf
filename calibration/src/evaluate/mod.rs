//! Evaluates simulations against held-out real users: the panel, with noise floor and uncertainty.
//!
//! For each metric, a pair of a feature and a discrepancy D:
//!
//! - *value*: the mean over evaluation seeds of D(internal, test);
//! - *floor*: D(train, test), as the two sides are, without making their sizes equal: a training
//!   set larger than the simulations gives a floor that is a little low, which errs on the strict
//!   side. Where there is no training log, the floor is D between two random halves of the test
//!   users. Halves are smaller than the whole, so this floor is higher than between samples of full
//!   size (by about sqrt 2 for distances that shrink as 1 / sqrt n, such as Kolmogorov-Smirnov and
//!   Wasserstein-1, and by about 2 for squared ones, such as Cramer-von Mises and energy-nd), and a
//!   value near it is not yet proof of equality. A metric that has a value but no floor is in the panel
//!   all the same, without what follows from a floor;
//! - *gap closed*: `1 - (value - floor) / (before - floor)`, where `before` is the value of the
//!   uncalibrated run.
//!
//! The same metrics count for every calibrator, so that their medians compare: a metric that the
//! rewards optimised is marked, and left out of the outer median, for all of them. Intervals are
//! made as [`bootstrap`] says, p-values as [`permutation`] and numbers of users needed as [`power`].
//! Logs that name different kinds are compared over all of them, those of the test log first. Where a
//! few users have most of the rows of a feature, verdicts, effects and the mean excess count every user
//! alike (`concentration.rs`). Everything is a function of the logs, the config and the streams,
//! whatever the number of threads.

pub mod bootstrap;
mod by_statistics;
mod concentration;
mod config;
mod default_panel;
mod effect;
mod false_discovery;
mod families;
mod in_panels;
mod metrics;
pub mod permutation;
pub mod power;
mod reference;
mod relations;
mod report;
mod summary;
mod validation;
mod warnings;
mod work;

use rayon::prelude::*;
use trueup_env::finance::KindEffect;
use trueup_env::{EventLog, Streams};

pub use by_statistics::evaluate_by_statistics;
pub use config::{Breadth, Metric, PanelConfig};
pub use default_panel::ALL;
pub use false_discovery::FalseDiscovery;
pub use summary::gap_closed;
pub use validation::Validation;
pub use work::Tell;

use crate::classifier::{Examined, Twins, examine};
use crate::discrepancy::LookupError;
use crate::features;
use crate::money;
use crate::panel::CalibratorPanel;
use crate::reward::Term;
use crate::sample::{Sample, Shape};
use bootstrap::{Measured, Weights};
use concentration::Concentration;
use families::Families;
use metrics::Panel;
use permutation::{Null, Relabellings};
use power::Order;
use reference::Reference;
use work::Work;

/// The simulations of one calibrator.
#[derive(Clone, Debug)]
pub struct Run {
    /// Name of the calibrator.
    pub name: String,
    /// One log an evaluation seed; at least one.
    pub logs: Vec<EventLog>,
}

/// Why there is no panel.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum PanelError {
    /// No such feature.
    #[error("unknown feature `{name}` in the metrics of the panel; there are: {known}")]
    UnknownFeature {
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// No such discrepancy, or parameters that it does not have.
    #[error("in the metrics of the panel: {0}")]
    Lookup(#[from] LookupError),
    /// The discrepancy compares other rows.
    #[error(
        "the discrepancy `{discrepancy}` compares {wanted:?} rows, the feature `{feature}` has {given:?} rows"
    )]
    DoesNotSuit {
        /// Name of the feature.
        feature: String,
        /// Name of the discrepancy.
        discrepancy: String,
        /// Rows of the feature.
        given: Shape,
        /// Rows that the discrepancy compares.
        wanted: Shape,
    },
    /// A wildcard that stands for nothing.
    #[error(
        "no pair of the feature `{feature}` and the discrepancy `{discrepancy}` has fitting rows"
    )]
    NothingFits {
        /// Name of the feature, or `*`.
        feature: String,
        /// Name of the discrepancy, or `*`.
        discrepancy: String,
    },
    /// A setting out of range.
    #[error("panel: {0}")]
    BadConfig(String),
    /// Runs that cannot be told apart, or have no logs.
    #[error("{0}")]
    BadRuns(String),
    /// Two logs of different worlds.
    #[error("{which} cannot be compared with the test users: {why}")]
    Mismatch {
        /// Which log.
        which: String,
        /// What differs.
        why: String,
    },
    /// Too few users.
    #[error("{which} has {users} users; a comparison needs at least {least}")]
    TooFewUsers {
        /// Which log.
        which: String,
        /// How many it has.
        users: usize,
        /// How many it needs.
        least: usize,
    },
    /// All metrics were left out.
    #[error("no metric can be measured on these real users: {0}")]
    NothingToMeasure(String),
}

/// The fewest real users: two a half.
pub const LEAST_USERS: usize = 4;

/// Evaluates the runs on one panel, in the order given. `terms` is what the rewards of any run
/// optimised. The run named `config.before` is where `gap_closed` starts; without it there is none.
///
/// # Errors
/// Bad settings, logs of different clocks or kinds, too few users, or nothing to measure. A metric
/// that cannot be measured is no error: it is listed in [`CalibratorPanel::left_out`].
pub fn evaluate(
    runs: &[Run],
    train: Option<&EventLog>,
    test: &EventLog,
    terms: &[Term],
    config: &PanelConfig,
    streams: &Streams,
) -> Result<Vec<CalibratorPanel>, PanelError> {
    evaluate_telling(runs, train, test, terms, config, streams, &|_, _| {})
}

/// [`evaluate`], which tells how far it is: with many users it takes minutes.
///
/// # Errors
/// As for [`evaluate`].
pub fn evaluate_telling(
    runs: &[Run],
    train: Option<&EventLog>,
    test: &EventLog,
    terms: &[Term],
    config: &PanelConfig,
    streams: &Streams,
    tell: &Tell<'_>,
) -> Result<Vec<CalibratorPanel>, PanelError> {
    config.check().map_err(PanelError::BadConfig)?;
    check(runs, train, test)?;
    if let Some((runs, train, test)) = relations::united(runs, train, test) {
        return evaluate_telling(&runs, train.as_ref(), &test, terms, config, streams, tell);
    }
    let simulated: Vec<&EventLog> = runs.iter().flat_map(|run| &run.logs).collect();
    let real: Vec<&EventLog> = [test].into_iter().chain(train).collect();
    let (kinds, effects) = EventLog::united_kinds(real.iter().chain(&simulated).copied());
    let differs = |log: &&EventLog| log.kinds() != kinds || log.effects() != effects;
    if real.iter().chain(&simulated).any(differs) {
        let notes: Vec<Option<String>> = runs.iter().map(|run| other_kinds(run, test)).collect();
        let (runs, train, test) = over_kinds(runs, train, test, (&kinds, &effects))?;
        let mut panels =
            evaluate_telling(&runs, train.as_ref(), &test, terms, config, streams, tell)?;
        panels.iter_mut().zip(notes).for_each(|(panel, note)| panel.notes.extend(note));
        return Ok(panels);
    }
    let panel = metrics::choose(config, &real, &simulated)?;
    let sides = Sides::of(test, &panel);
    let reference = Reference::new(train, test, &sides.samples, config.replicates, streams);
    let concentrations = Concentrations::of(runs, train, &sides, &panel);
    let concentrated = concentrations.any();

    let jobs: Vec<(usize, usize)> = runs
        .iter()
        .enumerate()
        .flat_map(|(r, run)| (0..run.logs.len()).map(move |s| (r, s)))
        .collect();
    // The floor is one more pair of logs.
    let pairs = [jobs.len() + 1, runs.len()];
    let weightings = [config.replicates, config.permutations];
    let work = Work::new(panel.metrics.len(), pairs, weightings, tell);
    let evaluation = Evaluation {
        panel: &panel,
        config,
        external: &sides,
        train: train.map(features::user_vectors),
        work: &work,
        concentrated: &concentrated,
    };
    let (floor, measured) = rayon::join(
        || evaluation.floor(&reference, streams),
        || -> Vec<Judged> {
            let judge = |&(run, seed): &(usize, usize)| {
                let run: &Run = &runs[run];
                let own = streams.child("run", 0).child(&run.name, seed as u64);
                evaluation.judge(&run.logs[seed], &reference.test_weights, seed == 0, &own)
            };
            jobs.par_iter().map(judge).collect()
        },
    );
    let mut by_run: Vec<Vec<Judged>> = runs.iter().map(|_| Vec::new()).collect();
    for ((run, _), judged) in jobs.into_iter().zip(measured) {
        by_run[run].push(judged);
    }
    let study = report::Study {
        concentrations: &concentrations,
        panel: &panel,
        terms,
        config,
        users: Users {
            reference: reference.logs().map(EventLog::user_count),
            test: test.user_count(),
            halves: train.is_none(),
        },
        rows: sides.samples.iter().map(Sample::rows).collect(),
    };
    let mut panels = study.panels(runs, &by_run, &floor)?;
    for (panel, run) in panels.iter_mut().zip(runs) {
        let own = streams.child("run", 0).child(&run.name, 0);
        panel.notes.extend(relations::notes(run, test, &reference.test_weights, config, &own));
    }
    let figures = money::figures(runs, test, config.replicates, streams);
    panels.iter_mut().zip(figures).for_each(|(panel, figures)| panel.figures = figures);
    Ok(panels)
}

/// How many real users there are.
#[derive(Clone, Copy, Debug)]
struct Users {
    /// On the two sides of the floor.
    reference: [usize; 2],
    /// In the test log.
    test: usize,
    /// Whether the sides of the floor are halves of the test log.
    halves: bool,
}

fn check(runs: &[Run], train: Option<&EventLog>, test: &EventLog) -> Result<(), PanelError> {
    if runs.is_empty() {
        return Err(PanelError::BadRuns("there is no run to evaluate".into()));
    }
    comparable("the test log", test, test, LEAST_USERS)?;
    if let Some(train) = train {
        comparable("the training log", train, test, 2)?;
    }
    for (i, run) in runs.iter().enumerate() {
        if runs[..i].iter().any(|other| other.name == run.name) {
            return Err(PanelError::BadRuns(format!("two runs are named `{}`", run.name)));
        }
        if run.logs.is_empty() {
            let why = format!("the run `{}` has no internal log: it needs one a seed", run.name);
            return Err(PanelError::BadRuns(why));
        }
        for (seed, log) in run.logs.iter().enumerate() {
            comparable(&format!("internal log {seed} of `{}`", run.name), log, test, 2)?;
        }
    }
    Ok(())
}

fn comparable(
    which: &str,
    log: &EventLog,
    test: &EventLog,
    least: usize,
) -> Result<(), PanelError> {
    let users = log.user_count();
    if users < least {
        return Err(PanelError::TooFewUsers { which: which.into(), users, least });
    }
    let mismatch = |why| Err(PanelError::Mismatch { which: which.into(), why });
    let (own, other) = (log.clock(), test.clock());
    if (own.tick, own.horizon) != (other.tick, other.horizon) {
        let words = |c: &trueup_env::Clock| format!("{} ticks of a {}", c.horizon, c.tick.name());
        return mismatch(format!("it has {}, they have {}", words(own), words(other)));
    }
    Ok(())
}

/// The kinds that only one side names.
fn other_kinds(run: &Run, test: &EventLog) -> Option<String> {
    let simulated = run.logs.first()?;
    let only = |side: &str, own: &EventLog, other: &EventLog| {
        let kinds = own.kinds().iter().filter(|kind| !other.kinds().contains(kind));
        let kinds: Vec<&str> = kinds.map(String::as_str).collect();
        (!kinds.is_empty()).then(|| format!("only the {side} log names: {}", kinds.join(", ")))
    };
    let sides = [only("simulated", simulated, test), only("real", test, simulated)];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    (!sides.is_empty()).then(|| format!("Kinds differ; {}.", sides.join("; ")))
}

/// The same logs over these kinds.
fn over_kinds(
    runs: &[Run],
    train: Option<&EventLog>,
    test: &EventLog,
    (kinds, effects): (&[String], &[KindEffect]),
) -> Result<(Vec<Run>, Option<EventLog>, EventLog), PanelError> {
    let over = |which: &str, log: &EventLog| {
        log.clone().over_kinds(kinds, effects).map_err(|error| {
            let why = format!("together they have too many kinds: {error}");
            PanelError::Mismatch { which: which.into(), why }
        })
    };
    let run = |run: &Run| {
        let which = format!("a log of `{}`", run.name);
        let logs = run.logs.iter().map(|log| over(&which, log)).collect::<Result<_, _>>()?;
        Ok(Run { name: run.name.clone(), logs })
    };
    let runs = runs.iter().map(run).collect::<Result<_, PanelError>>()?;
    let train = train.map(|train| over("the training log", train)).transpose()?;
    Ok((runs, train, over("the test log", test)?))
}

/// Of each feature of the panel, how its rows are spread over the users of each side; none without
/// rows.
struct Concentrations {
    test: Vec<Option<Concentration>>,
    train: Vec<Option<Concentration>>,
    /// Of each run, in its most concentrated log.
    runs: Vec<Vec<Option<Concentration>>>,
}

impl Concentrations {
    fn of(runs: &[Run], train: Option<&EventLog>, test: &Sides, panel: &Panel) -> Self {
        let of_log = |log: &EventLog| -> Vec<Option<Concentration>> {
            panel.sources.par_iter().map(|source| Concentration::of(&source.sample(log))).collect()
        };
        let of_run = |run: &Run| {
            let logs: Vec<_> = run.logs.iter().map(of_log).collect();
            let least = |source: usize| {
                let own = logs.iter().filter_map(|log| log[source]);
                own.min_by(|a, b| a.effective.total_cmp(&b.effective))
            };
            (0..panel.sources.len()).map(least).collect()
        };
        Self {
            test: test.samples.iter().map(Concentration::of).collect(),
            train: train.map(of_log).unwrap_or_default(),
            runs: runs.iter().map(of_run).collect(),
        }
    }

    /// Whether a feature is concentrated on the side of one run, or of the real users.
    fn is_high(&self, run: usize, source: usize) -> bool {
        [&self.test, &self.train, &self.runs[run]].into_iter().any(|side| high(side, source))
    }

    /// Of each feature, whether it is concentrated on any side.
    fn any(&self) -> Vec<bool> {
        let any = |source| (0..self.runs.len()).any(|run| self.is_high(run, source));
        (0..self.test.len()).map(any).collect()
    }
}

fn high(side: &[Option<Concentration>], source: usize) -> bool {
    side.get(source).copied().flatten().is_some_and(|own| own.is_high())
}

/// The rows of all features of the panel over one log.
struct Sides {
    samples: Vec<Sample>,
    vectors: Sample,
}

impl Sides {
    fn of(log: &EventLog, panel: &Panel) -> Self {
        let samples = panel.sources.par_iter().map(|source| source.sample(log)).collect();
        Self { samples, vectors: features::user_vectors(log) }
    }
}

/// The two samples of each feature.
fn pairs<'a>(left: &'a Sides, right: &'a Sides) -> Vec<[&'a Sample; 2]> {
    left.samples.iter().zip(&right.samples).map(|(left, right)| [left, right]).collect()
}

/// What was measured on one pair of logs.
struct Judged {
    /// One entry a metric of the panel: the measurement, or why there is none.
    metrics: Vec<Result<Measured, String>>,
    /// One entry a metric: the measurement with every user counted alike, where a few have most of
    /// the rows of the feature on any side.
    alike: Vec<Option<Measured>>,
    /// One entry a metric: the permutation test, for the first evaluation seed.
    nulls: Vec<Option<Null>>,
    /// One entry a metric: how it shrinks with the number of users; only for the floor.
    orders: Vec<Order>,
    /// The classifier test; none with too few users.
    examined: Option<Examined>,
    /// Who equals a real user, for the first evaluation seed.
    twins: Option<Twins>,
}

/// What all measurements share.
struct Evaluation<'a> {
    panel: &'a Panel,
    config: &'a PanelConfig,
    external: &'a Sides,
    /// The vectors of the training users.
    train: Option<Sample>,
    work: &'a Work<'a>,
    /// Of each feature, whether a few users have most of its rows on any side.
    concentrated: &'a [bool],
}

impl Evaluation<'_> {
    fn judge(&self, log: &EventLog, external: &Weights, first: bool, streams: &Streams) -> Judged {
        let weights = bootstrap::weights(log.user_count(), self.config.replicates, streams);
        let sides = [&Sides::of(log, self.panel), self.external];
        let [own, test] = sides.map(|side| &side.vectors);
        let twins = first.then(|| Twins::of(own, test, self.train.as_ref())).flatten();
        let compare = || self.compare(sides, [&weights, external], first, streams);
        let test = || if first { self.test(sides, streams) } else { Vec::new() };
        let (judged, nulls) = rayon::join(compare, test);
        Judged { nulls, twins, ..judged }
    }

    /// The permutation test of each metric. All seeds are one law, so one of them is tested.
    fn test(&self, [left, right]: [&Sides; 2], streams: &Streams) -> Vec<Option<Null>> {
        if self.config.permutations == 0 {
            return Vec::new();
        }
        let users = [left, right].map(|side| side.vectors.users);
        let streams = streams.child("permutation", 0);
        let relabellings =
            Relabellings::new(users[0], users[1], self.config.permutations, &streams);
        families::test(self.panel, &pairs(left, right), &relabellings, self.work)
    }

    fn floor(&self, reference: &Reference<'_>, streams: &Streams) -> Judged {
        let [left, right] = reference.logs();
        let streams = streams.child("floor", 0);
        let left_sides = Sides::of(left, self.panel);
        let right_sides = Sides::of(right, self.panel);
        let (left, right) = reference.weights();
        let sides = [&left_sides, &right_sides];
        let order = |metric: &metrics::Chosen| {
            let [left, right] = sides.map(|side| &side.samples[metric.source]);
            Order::of(&*metric.discrepancy, left, right)
        };
        let orders = self.panel.metrics.par_iter().map(order).collect();
        Judged { orders, ..self.compare(sides, [left, right], false, &streams) }
    }

    fn compare(
        &self,
        [left, right]: [&Sides; 2],
        [left_weights, right_weights]: [&Weights; 2],
        first: bool,
        streams: &Streams,
    ) -> Judged {
        let families = Families::of(self.panel, pairs(left, right), self.work);
        let classify = || {
            let sides = [&left.vectors, &right.vectors];
            let names: Vec<&str> = features::user_features().map(|feature| feature.name).collect();
            let config = self.config.examination(first);
            let examined = examine(sides, [left_weights, right_weights], &names, &config, streams);
            self.work.classified(self.config.replicates);
            examined
        };
        let (metrics, examined) =
            rayon::join(|| families.measure(left_weights, right_weights), classify);
        let alike = families.measure_alike(self.concentrated, left_weights, right_weights);
        let (nulls, orders) = (Vec::new(), Vec::new());
        Judged { metrics, alike, nulls, orders, examined, twins: None }
    }
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod design_effect;
#[cfg(test)]
mod nasty_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod uncertainty_tests;
