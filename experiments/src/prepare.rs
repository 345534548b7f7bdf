//! Before a run: load, split and measure the data, and build the world. Everything that can be wrong
//! with config or data is found here, before a run directory exists.

use std::env::VarError;

use trueup_agents::calibrator::RewardSetting;
use trueup_calibration::external::{self, Account};
use trueup_calibration::population::Population;
use trueup_calibration::reward::{Term, constant_features, default_terms};
use trueup_calibration::statistics::{HeldOut, Statistics};
use trueup_calibration::world::fit_world;
use trueup_env::finance::Found;
use trueup_env::{CheckedWorld, EventLog, Streams};
use trueup_results::{DataSource, Judges, KindOfLog};

use crate::config::{Experiment, Judge, Seen, Split};
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
    /// The training users of statistics that were made of the source, for what needs a second group
    /// of real users; no calibrator sees them.
    pub described: Option<EventLog>,
    /// The users that judge; none where there is no log at all.
    pub test: Option<EventLog>,
    /// Whether training has seen the users that judge, and what a reader must know of it.
    pub judges: (Judges, Option<String>),
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
    /// All that a reader must know of data and reward, what matters most first.
    pub fn all_notes(&self) -> Vec<String> {
        let judges = self.judges.1.iter().cloned();
        judges.chain(self.assumptions()).chain(self.notes.clone()).collect()
    }

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
    let mut population = Population::All;
    if let Some(source) = &from.source {
        reporter.line(&format!("reading {source}"));
        let loaded = external::load(source, from.map.as_ref(), &pseudonym_key()?)
            .map_err(Failure::invalid)?;
        population = loaded.population();
        data.push(DataSource { source: source.clone(), sha256: loaded.sha256 });
        warnings.extend(loaded.warnings);
        account = Some(loaded.account);
        let effects = experiment.world.effects(loaded.log.kinds(), loaded.log.effects());
        log = Some(loaded.log.with_effects(&effects));
    }
    let mut judges = (Judges::HeldOut, None);
    let (mut statistics, train, described, mut test) = match (&from.statistics, log) {
        (Some(path), log) => {
            reporter.line(&format!("reading {}", path.display()));
            let bytes = std::fs::read(path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                Failure::invalid_because(message, "`trueup describe LOG --statistics` writes one")
            })?;
            let sha256 = trueup_results::provenance::sha256(&bytes);
            data.push(DataSource { source: path.display().to_string(), sha256 });
            let statistics = Statistics::load(path).map_err(Failure::invalid)?;
            let blind = experiment.calibrators.iter().filter(|own| own.plan.needs_log());
            warnings.extend(blind.map(|own| {
                let name = &own.name;
                format!(
                    "{name} needs the log of the training users and will fail on statistics alone."
                )
            }));
            population = statistics.population();
            let Sides { described, test, found } = match log {
                Some(log) => {
                    same_world(&statistics, &log)?;
                    unseen(&statistics, log, from.seen)?
                }
                None => {
                    Sides { found: (Judges::Statistics, Some(FITTED.into())), ..Sides::default() }
                }
            };
            judges = found;
            (statistics, None, described, test)
        }
        (None, Some(log)) => {
            let Split { test, judge, validation, seed } = experiment.split;
            let draws = Streams::new(seed.unwrap_or(experiment.seed));
            let mut split = split_by(&log, test, &draws)?;
            if judge == Judge::Validation {
                let streams = draws.child("validation", 0);
                split = external::split(&split.train, validation, &streams)
                    .map_err(Failure::invalid)?;
            }
            population = experiment.evaluation.population.unwrap_or(population);
            let train = population.select(&split.train).into_owned();
            (Statistics::of(&train), Some(train), None, Some(split.test))
        }
        (None, None) => {
            return Err(Failure::invalid_because("no external data", "name a source"));
        }
    };
    statistics.population = Some(held_to(&statistics, population, experiment)?);
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
    let notes = warnings.into_iter().chain(notes).collect();
    // All sides are judged by one reading of their kinds, and are about the same population.
    let population = statistics.population();
    let alike =
        |log: EventLog| population.select(&log.with_effects(&statistics.effects)).into_owned();
    test = test.map(alike);
    let described = described.map(alike);
    let prepared =
        Prepared { statistics, train, described, test, judges, world, terms, notes, account, data };
    for note in prepared.all_notes() {
        reporter.line(&note);
    }
    Ok(prepared)
}

/// What a run on statistics alone says of its judgement.
const FITTED: &str = "Nobody is held out: there is no log of real users, so the statistics that \
    calibrators were fitted to also judge them. How near they are is how well they fit, and no proof \
    that other real users are met; floors are approximate.";

/// The draw of test users, the same for a run and for `describe --split`.
///
/// # Errors
/// A side with too few users, or with nothing to calibrate.
pub fn split_by(log: &EventLog, test: f64, draws: &Streams) -> Result<external::Split, Failure> {
    external::split(log, test, &draws.child("split", 0)).map_err(Failure::invalid)
}

/// The sides of a source beside statistics.
#[derive(Default)]
struct Sides {
    described: Option<EventLog>,
    test: Option<EventLog>,
    found: (Judges, Option<String>),
}

/// The users of a source that statistics have not seen, as far as they tell.
fn unseen(statistics: &Statistics, log: EventLog, seen: Seen) -> Result<Sides, Failure> {
    let origin = statistics.origin.clone().unwrap_or_default();
    let same = origin.is(&log);
    let unknown = |why: &str| {
        format!(
            "trueup cannot know whether the statistics have seen the users that judge: {why}. \
             `trueup describe LOG --split 0.5 --statistics FILE` writes statistics of one half of a \
             log, and a run with that log as its source is judged by the other half."
        )
    };
    let whole = |test, judges, note| Sides {
        test: Some(test),
        found: (judges, Some(note)),
        ..Sides::default()
    };
    if let (Some(true) | None, Some(HeldOut { share, seed })) = (same, origin.split) {
        let split = split_by(&log, share, &Streams::new(seed))?;
        let told = format!("those that its split (share {share}, seed {seed}) holds out");
        let found = match same {
            Some(_) => (
                Judges::HeldOut,
                Some(format!("The users that judge are {told} of the statistics.")),
            ),
            None => {
                let why = "the file is private and does not say of which log it was made. If it is \
                           this source, the users that judge are";
                (Judges::Unknown, Some(unknown(&format!("{why} {told}"))))
            }
        };
        let described = same.map(|_| split.train);
        return Ok(Sides { described, test: Some(split.test), found });
    }
    match same {
        Some(true) if seen == Seen::Refuse => Err(Failure::invalid_because(
            "the statistics were made of all users of the source: nobody is held out",
            "write statistics of one half with `trueup describe LOG --split 0.5 --statistics FILE`; \
             or set external.seen = \"accept\" to be judged by users that were seen, which \
             everything will say",
        )),
        Some(true) => {
            let note = "The users that judge are not held out: the statistics were made of them \
                        (external.seen = \"accept\"). How near simulated users are is how well they \
                        fit, and no proof that other real users are met.";
            Ok(whole(log, Judges::Seen, note.into()))
        }
        Some(false) => {
            let why =
                "they were made of another log than this source, or of this one read otherwise";
            Ok(whole(log, Judges::Unknown, unknown(why)))
        }
        None => {
            let why = "the file does not say of which log it was made";
            Ok(whole(log, Judges::Unknown, unknown(why)))
        }
    }
}

/// The population that the config asks for, or that of the data.
fn held_to(
    statistics: &Statistics,
    population: Population,
    experiment: &Experiment,
) -> Result<Population, Failure> {
    let asked = experiment.evaluation.population.unwrap_or(population);
    let others = statistics.fewest_events().is_some_and(|fewest| fewest < 1.0);
    if asked == Population::Active && others && statistics.privacy.is_none() {
        return Err(Failure::invalid_because(
            "evaluation.population is \"active\", but the statistics are about users without events \
             too",
            "set evaluation.population = \"all\", or name the log as external.source, without \
             external.statistics",
        ));
    }
    Ok(asked)
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
