//! Before a run: load, split and measure the data, and build the world. Everything that can be wrong
//! with config or data is found here, before a run directory exists.

use std::env::VarError;

use trueup_agents::calibrator::RewardSetting;
use trueup_calibration::external::{self, Account};
use trueup_calibration::reward::{Term, constant_features, default_terms};
use trueup_calibration::statistics::Statistics;
use trueup_calibration::world::fit_world;
use trueup_env::finance::Found;
use trueup_env::{CheckedWorld, EventLog, Streams};
use trueup_results::{DataSource, KindOfLog};

use crate::config::{Experiment, Judge, Split};
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::secret::secret;

/// What a run works on.
#[derive(Debug)]
pub struct Prepared {
    /// Statistics of the training users: all that worlds and rewards see.
    pub statistics: Statistics,
    /// The training users; none where only statistics were handed over.
    pub train: Option<EventLog>,
    /// The held-out users that judge; none where there is no log at all.
    pub test: Option<EventLog>,
    /// The world.
    pub world: CheckedWorld,
    /// What the reward optimises; none where no calibrator is trained on it.
    pub terms: Vec<Term>,
    /// What a reader must know of the log and of the reward.
    pub notes: Vec<String>,
    /// What became of the rows of the log.
    pub account: Option<Account>,
    /// Where the data came from.
    pub data: Vec<DataSource>,
}

impl Prepared {
    /// The kinds of the real users' events and what they do to money.
    pub fn kinds(&self) -> Vec<KindOfLog> {
        KindOfLog::all(&self.statistics.kinds, &self.statistics.effects)
    }

    /// Whether balances of the real users are known.
    pub fn has_balances(&self) -> bool {
        let known = |log: &EventLog| log.events().iter().any(|event| !event.balance.is_nan());
        self.train.iter().chain(&self.test).any(known)
            || self.statistics.effects.iter().any(|effect| effect.found == Found::Balance)
    }

    /// What is assumed of kinds whose effect on money nothing tells.
    pub fn assumptions(&self) -> Vec<String> {
        let Statistics { kinds, effects, .. } = &self.statistics;
        kinds.iter().zip(effects).filter_map(|(kind, effect)| effect.warning(kind)).collect()
    }
}

/// The variable that holds the key of the pseudonyms.
const KEY: &str = "TRUEUP_KEY";

/// The key of the pseudonyms: the environment's, or one drawn anew by the system, so that
/// pseudonyms of two runs cannot be joined. Nothing else depends on it.
///
/// # Errors
/// A key that is not UTF-8, or an operating system that gives no random numbers.
pub fn pseudonym_key() -> Result<String, Failure> {
    match std::env::var(KEY) {
        Ok(key) if !key.is_empty() => Ok(key),
        // Another key in its place would give pseudonyms that nobody can find again.
        Err(VarError::NotUnicode(_)) => Err(Failure::invalid_because(
            format!("the key in the variable {KEY} is not UTF-8"),
            "give a key of letters and digits",
        )),
        _ => Ok(secret()?.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}

/// Loads and measures the data and builds the world. Writes nothing.
///
/// # Errors
/// Data, a world or a reward that are not valid.
pub fn prepare(experiment: &Experiment, reporter: &Reporter) -> Result<Prepared, Failure> {
    let from = &experiment.external;
    let streams = Streams::new(experiment.seed);
    let mut data = Vec::new();
    let mut log = None;
    let mut account = None;
    let mut warnings = Vec::new();
    if let Some(source) = &from.source {
        reporter.line(&format!("reading {source}"));
        let loaded = external::load(source, from.map.as_ref(), &pseudonym_key()?)
            .map_err(Failure::invalid)?;
        data.push(DataSource { source: source.clone(), sha256: loaded.sha256 });
        warnings.extend(loaded.warnings);
        account = Some(loaded.account);
        let effects = experiment.world.effects(loaded.log.kinds(), loaded.log.effects());
        log = Some(loaded.log.with_effects(&effects));
    }
    let (mut statistics, train, mut test) = match (&from.statistics, log) {
        (Some(path), log) => {
            reporter.line(&format!("reading {}", path.display()));
            let bytes = std::fs::read(path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                Failure::invalid_because(message, "`trueup describe LOG --statistics` writes one")
            })?;
            let sha256 = trueup_results::provenance::sha256(&bytes);
            data.push(DataSource { source: path.display().to_string(), sha256 });
            (Statistics::load(path).map_err(Failure::invalid)?, None, log)
        }
        (None, Some(log)) => {
            let Split { test, judge, validation, seed } = experiment.split;
            let draws = Streams::new(seed.unwrap_or(experiment.seed));
            let mut split =
                external::split(&log, test, &draws.child("split", 0)).map_err(Failure::invalid)?;
            if judge == Judge::Validation {
                let streams = draws.child("validation", 0);
                split = external::split(&split.train, validation, &streams)
                    .map_err(Failure::invalid)?;
            }
            (Statistics::of(&split.train), Some(split.train), Some(split.test))
        }
        (None, None) => {
            return Err(Failure::invalid_because("no external data", "name a source"));
        }
    };
    statistics.effects = experiment.world.effects(&statistics.kinds, &statistics.effects);
    let world = fit_world(&experiment.world, &statistics).map_err(Failure::invalid)?;
    let mut terms = Vec::new();
    let mut notes = Vec::new();
    if experiment.is_rewarded() {
        let setting = RewardSetting {
            world: &world,
            statistics: &statistics,
            log: train.as_ref(),
            streams: streams.child("terms", 0),
        };
        let by_default = experiment.reward.has_default_terms();
        terms = experiment.reward.terms(&setting).map_err(|error| {
            if !by_default || !default_terms(&statistics).is_empty() {
                return Failure::invalid(error);
            }
            let message = "the reward has no terms: what it looks at by default has one value for \
                           all real users";
            let help = "name terms under [reward], or leave out what is trained on it";
            Failure::invalid_because(message, help)
        })?;
        if by_default {
            let constant = constant_features(&statistics);
            notes.extend(constant.iter().map(|feature| {
                format!("the reward leaves {feature} out: all real users have one value of it")
            }));
        }
    }
    if let Some(log) = test.take() {
        same_world(&statistics, &log)?;
        // Both sides are judged by one reading of their kinds.
        test = Some(log.with_effects(&statistics.effects));
    }
    let notes = warnings.into_iter().chain(notes).collect();
    let prepared = Prepared { statistics, train, test, world, terms, notes, account, data };
    for note in prepared.assumptions().iter().chain(&prepared.notes) {
        reporter.line(note);
    }
    Ok(prepared)
}

/// Statistics from elsewhere have to fit the log they are held against.
fn same_world(statistics: &Statistics, test: &EventLog) -> Result<(), Failure> {
    let (a, b) = (&statistics.clock, test.clock());
    if (a.tick, a.horizon) != (b.tick, b.horizon) || statistics.kinds != test.kinds() {
        let words = |clock: &trueup_env::Clock, kinds: &[String]| {
            format!("{} {}s of {}", clock.horizon, clock.tick.name(), kinds.join(", "))
        };
        let message = format!(
            "the statistics hold {}, the source holds {}",
            words(a, &statistics.kinds),
            words(b, test.kinds())
        );
        return Err(Failure::invalid_because(message, "use the same map for both"));
    }
    Ok(())
}
