//! A run, from the users that [`prepare`](crate::prepare) left to the report: calibrate, simulate,
//! judge, and write it all down. A calibrator that fails does not lose the others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trueup_calibration::calibrator::{Brief, CalibrationError, Remarks, Simulator};
use trueup_calibration::evaluate::{self, Run};
use trueup_calibration::external::{self, Account, ClockFile};
use trueup_calibration::panel::CalibratorPanel;
use trueup_calibration::population::{Drawn, Population};
use trueup_calibration::privacy::{Privacy, PrivacyConfig};
use trueup_calibration::statistics::Statistics;
use trueup_env::{EventLog, Streams};
use trueup_results::{
    CalibratorPrivacy, KindOfLog, MetricsWriter, ReportInput, Series, Summary, write_report,
};

use crate::calibrators::Setting;
use crate::config::{Experiment, Judge, Named};
use crate::failure::Failure;
use crate::prepare::Prepared;
use crate::progress::{ENV_STEPS, Reporter, interrupted, thousands};
use crate::recorder::Recorder;
use crate::session::{Session, Stop};
use crate::verdict::left_out;

/// The name of the real users in plots.
pub const REAL_USERS: &str = "real users";

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub summary: Summary,
    /// The run directory.
    pub folder: PathBuf,
    /// The report; none where every calibrator failed, or where none was asked for.
    pub report: Option<PathBuf>,
}

/// Runs an experiment in a run directory. What an earlier process has finished there is kept.
///
/// # Errors
/// A run that failed or was interrupted; its directory then says so.
pub fn run(
    experiment: &Experiment,
    prepared: &Prepared,
    session: Session,
    reporter: &Reporter,
) -> Result<Outcome, Failure> {
    let folder = session.directory.path().to_owned();
    let attempt = Attempt { experiment, prepared, session: &session, reporter };
    let result = attempt.go();
    let (summary, report) = session.finish(result, |(summary, _): &(Summary, _)| {
        summary.failed.iter().map(|f| format!("{}: {}", f.name, f.reason)).collect()
    })?;
    Ok(Outcome { summary, folder, report })
}

/// What a calibrator leaves.
struct Finished {
    /// One log an evaluation seed.
    logs: Vec<EventLog>,
    /// Environment steps of its training.
    env_steps: u64,
    /// What a reader must know of it.
    told: Told,
}

/// What a reader must know of a calibrator: what its remarks file holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Told {
    #[serde(flatten)]
    remarks: Remarks,
    /// Share of the users drawn that have no event; none in folders of older versions.
    inactive: Option<f64>,
}

fn env_steps(parameters: &BTreeMap<String, f64>) -> u64 {
    parameters.get(ENV_STEPS).map_or(0, |&steps| steps as u64)
}

fn log_file(name: &str, seed: usize) -> String {
    format!("logs/{name}-{seed}.csv")
}

fn parameters_file(name: &str) -> String {
    format!("policies/{name}/parameters.json")
}

fn remarks_file(name: &str) -> String {
    format!("policies/{name}/remarks.json")
}

/// One run in its directory.
struct Attempt<'a> {
    experiment: &'a Experiment,
    prepared: &'a Prepared,
    session: &'a Session,
    reporter: &'a Reporter,
}

impl Attempt<'_> {
    fn go(&self) -> Result<(Summary, Option<PathBuf>), Stop> {
        let Self { experiment, prepared, .. } = self;
        self.write_origin()?;
        let mut summary = Summary {
            name: experiment.name.clone(),
            seed: experiment.seed,
            dataset: dataset(experiment),
            train_users: prepared.statistics.users,
            test_users: prepared.test.as_ref().map_or(0, EventLog::user_count),
            kinds: prepared.kinds(),
            notes: prepared.all_notes(),
            judges: prepared.judges.0,
            population: Some(prepared.statistics.population()),
            ..Summary::default()
        };
        let mut metrics = self.session.directory.metrics()?;
        let mut runs = Vec::new();
        let mut told = BTreeMap::new();
        for calibrator in &experiment.calibrators {
            let name = calibrator.name.clone();
            let finished = match self.finished(&name) {
                Some(finished) => {
                    self.reporter.line(&format!("keeping {name}, which had finished"));
                    Ok(finished)
                }
                None => self.calibrate(calibrator, &mut metrics)?,
            };
            match finished {
                Ok(finished) => {
                    summary.env_steps += finished.env_steps;
                    for note in &finished.told.remarks.notes {
                        self.reporter.line(&format!("{name}: {note}"));
                    }
                    told.insert(name.clone(), finished.told);
                    runs.push(Run { name, logs: finished.logs });
                }
                Err(error) => {
                    let reason = error.to_string();
                    let reason = reason.strip_prefix(&format!("{name}: ")).unwrap_or(&reason);
                    self.reporter.line(&format!("{name} failed: {reason}"));
                    let reason = reason.to_owned();
                    summary.failed.push(trueup_results::Failure { name, reason });
                }
            }
            if interrupted() {
                return Err(Stop::Interrupted);
            }
        }
        let report = self.judge(&runs, &told, &mut summary)?;
        Ok((summary, report))
    }

    /// Config, provenance, clock and account: what there is before the first calibrator.
    fn write_origin(&self) -> Result<(), Stop> {
        let experiment = self.experiment;
        let seeds = vec![("run".into(), experiment.seed)];
        self.session.write_origin(experiment.text(), seeds, self.prepared.data.clone())?;
        let directory = &self.session.directory;
        let Statistics { clock, kinds, effects, .. } = &self.prepared.statistics;
        let (kinds, effects) = (kinds.clone(), effects.clone());
        let clock_file = ClockFile { clock: *clock, kinds, effects };
        directory.write_json(&format!("logs/{}", ClockFile::NAME), &clock_file)?;
        let mut account = self.prepared.account.as_ref().map_or(Vec::new(), Account::lines);
        account.extend(self.prepared.kinds().iter().map(KindOfLog::words));
        directory.write("account.txt", account.join("\n").as_bytes())?;
        Ok(())
    }

    /// What an earlier process has finished of a calibrator: all evaluation logs are there, and are
    /// what would be simulated again. Logs are read back to the bit.
    fn finished(&self, name: &str) -> Option<Finished> {
        if !self.session.resumed {
            return None;
        }
        let folder = self.session.directory.path();
        let Statistics { clock, kinds, effects, .. } = &self.prepared.statistics;
        let read = |seed: usize| {
            let path = folder.join(log_file(name, seed)).display().to_string();
            let log = external::read_log(&path, clock, kinds).ok()?.log.with_effects(effects);
            let fits = log.clock() == clock && log.user_count() == self.evaluation_users();
            fits.then_some(log)
        };
        let logs: Option<Vec<EventLog>> = (0..self.experiment.evaluation.seeds).map(read).collect();
        let text = std::fs::read_to_string(folder.join(parameters_file(name)));
        let env_steps = match text {
            Ok(text) => env_steps(&serde_json::from_str(&text).ok()?),
            // Not every calibrator has parameters.
            Err(_) => 0,
        };
        let told = match std::fs::read_to_string(folder.join(remarks_file(name))) {
            Ok(text) => serde_json::from_str(&text).ok()?,
            Err(_) => Told::default(),
        };
        Some(Finished { logs: logs?, env_steps, told })
    }

    /// Calibrates, simulates the evaluation logs, and writes what came out. The inner error is the
    /// calibrator's own.
    fn calibrate(
        &self,
        calibrator: &Named,
        metrics: &mut MetricsWriter,
    ) -> Result<Result<Finished, CalibrationError>, Stop> {
        let name = calibrator.name.as_str();
        let directory = &self.session.directory;
        self.reporter.line(&format!("calibrating {name}"));
        let streams = Streams::new(self.experiment.seed).child("calibrator", 0).child(name, 0);
        let recorder = Recorder::new(name, None, metrics, self.session.resumed)
            .until(self.session.pause(Some(name)));
        let record = |done: usize, total: usize, values: &[(&str, f64)]| {
            recorder.record(done, total, values)
        };
        let watch = self.reporter.watch(name, &record);
        let fitted = self.fit(calibrator, &streams, &watch);
        watch.finish();
        let paused = recorder.finish()?;
        let simulator = match fitted {
            Ok(simulator) => simulator,
            Err(CalibrationError::Interrupted) => return Err(self.session.stopped(paused)),
            Err(error) => return Ok(Err(error)),
        };
        for (file, bytes) in simulator.files() {
            directory.write(&format!("policies/{name}/{file}"), &bytes)?;
        }
        let parameters: BTreeMap<String, f64> = simulator.parameters().into_iter().collect();
        if !parameters.is_empty() {
            directory.write_json(&parameters_file(name), &parameters)?;
        }
        let drawn = match self.simulate(simulator.as_ref(), &streams) {
            Ok(drawn) => drawn,
            Err(error) => return Ok(Err(error)),
        };
        let inactive = drawn.iter().map(|drawn| drawn.inactive).sum::<f64>() / drawn.len() as f64;
        let told = Told { remarks: simulator.remarks(), inactive: Some(inactive) };
        directory.write_json(&remarks_file(name), &told)?;
        let mut logs = Vec::with_capacity(drawn.len());
        for (seed, Drawn { log, .. }) in drawn.into_iter().enumerate() {
            // Real users without balances have none to compare with: what wallets hold is then only
            // what keeps events feasible.
            let log = if self.prepared.has_balances() { log } else { log.without_balances() };
            let file = log_file(name, seed);
            let fail = |error| Stop::Failed(Failure::run(error));
            let (mut users, mut events) = (Vec::new(), Vec::new());
            external::write_users(&log, &mut users).map_err(fail)?;
            external::write_log(&log, &mut events).map_err(fail)?;
            directory.write(&external::users_file(&file), &users)?;
            directory.write(&file, &events)?;
            logs.push(log);
        }
        Ok(Ok(Finished { logs, env_steps: env_steps(&parameters), told }))
    }

    fn fit(
        &self,
        calibrator: &Named,
        streams: &Streams,
        progress: &dyn trueup_calibration::calibrator::Progress,
    ) -> Result<Box<dyn Simulator>, CalibrationError> {
        let Prepared { world, statistics, train, .. } = self.prepared;
        let reward = &self.experiment.reward;
        let mut built = calibrator.plan.build(&Setting { world, reward })?;
        let checkpoints = self.session.directory.path().join("checkpoints").join(&calibrator.name);
        built.calibrate(&Brief {
            statistics,
            train: train.as_ref(),
            streams: streams.child("fit", 0),
            progress,
            checkpoints: Some(&checkpoints),
        })
    }

    fn evaluation_users(&self) -> usize {
        self.experiment.evaluation.users.unwrap_or(self.prepared.statistics.users)
    }

    /// The users of each evaluation seed.
    fn simulate(
        &self,
        simulator: &dyn Simulator,
        streams: &Streams,
    ) -> Result<Vec<Drawn>, CalibrationError> {
        let population = self.prepared.statistics.population();
        (0..self.experiment.evaluation.seeds as u64)
            .map(|seed| streams.child("evaluation", seed))
            .map(|streams| population.draw(simulator, self.evaluation_users(), &streams))
            .collect()
    }

    /// The panel, the summary and the report.
    fn judge(
        &self,
        runs: &[Run],
        told: &BTreeMap<String, Told>,
        summary: &mut Summary,
    ) -> Result<Option<PathBuf>, Stop> {
        let prepared = self.prepared;
        if runs.is_empty() {
            summary.notes.push("every calibrator failed: there is nothing to judge".into());
            summary.seconds = self.reporter.seconds();
            self.session.directory.write_json("summary.json", summary)?;
            return Ok(None);
        }
        let population = prepared.statistics.population();
        let real = [prepared.train.as_ref(), prepared.test.as_ref()];
        summary.notes.extend(inactive_note(population, &real, told));
        let Some(test) = &prepared.test else {
            self.reporter.line("judging by the statistics alone");
            let streams = Streams::new(self.experiment.seed).child("panel", 0);
            summary.calibrators = evaluate::evaluate_by_statistics(
                runs,
                &prepared.statistics,
                &prepared.terms,
                &self.experiment.evaluation.panel,
                &streams,
            )
            .map_err(|error| Stop::Failed(Failure::run(error)))?;
            remark(&mut summary.calibrators, told);
            let Statistics { clock, kinds, .. } = &prepared.statistics;
            let series = Series {
                tick: clock.tick.name().into(),
                horizon: clock.horizon,
                kinds: kinds.clone(),
                ..Series::default()
            };
            return self.finish(&series, summary);
        };
        let events: usize = runs.iter().flat_map(|r| &r.logs).map(|log| log.events().len()).sum();
        self.reporter.line(&format!(
            "judging {} simulated events against {}",
            thousands(events as u64),
            summary.judges.words(&thousands(test.user_count() as u64))
        ));
        let experiment = self.experiment;
        if experiment.split.judge == Judge::Validation {
            summary.notes.push("judged by validation users; the test users are unseen".into());
        }
        let share = self.reporter.share("judging");
        let judged = evaluate::evaluate_telling(
            runs,
            prepared.train.as_ref().or(prepared.described.as_ref()),
            test,
            &prepared.terms,
            &experiment.evaluation.panel,
            &Streams::new(experiment.seed).child("panel", 0),
            &|done, total| share.at(done, total),
        );
        share.finish();
        summary.calibrators = judged.map_err(|error| Stop::Failed(Failure::run(error)))?;
        remark(&mut summary.calibrators, told);
        if experiment.evaluation.panel.metrics.is_some() {
            let lines = left_out(&summary.calibrators);
            lines.iter().for_each(|line| self.reporter.line(line));
        }
        if let Some(train) = prepared.train.as_ref().or(prepared.described.as_ref()) {
            self.compare_with_training_users(runs, train, test, summary);
        }
        let sides: Vec<(&str, Vec<&EventLog>)> =
            runs.iter().map(|run| (run.name.as_str(), run.logs.iter().collect())).collect();
        let series = Series::of(REAL_USERS, test, &sides);
        self.finish(&series, summary)
    }

    /// Writes what plots show, the summary, and the report.
    fn finish(&self, series: &Series, summary: &mut Summary) -> Result<Option<PathBuf>, Stop> {
        self.session.directory.write_series(series)?;
        summary.seconds = self.reporter.seconds();
        self.session.directory.write_json("summary.json", summary)?;
        if !self.session.report {
            return Ok(None);
        }
        self.reporter.line("drawing the report");
        let folder = self.session.directory.path();
        Ok(Some(write_report(folder, &ReportInput::read(folder)?)?))
    }

    /// Whether the first evaluation log of each calibrator repeats training users.
    fn compare_with_training_users(
        &self,
        runs: &[Run],
        train: &EventLog,
        test: &EventLog,
        summary: &mut Summary,
    ) {
        let streams = Streams::new(self.experiment.seed).child("privacy", 0);
        for run in runs {
            let Some(log) = run.logs.first() else { continue };
            self.reporter.line(&format!("looking for training users among those of {}", run.name));
            let (config, streams) = (PrivacyConfig::default(), streams.child(&run.name, 0));
            match Privacy::of_logs(log, train, test, &config, &streams) {
                Ok(privacy) => {
                    let own = summary.calibrators.iter_mut().find(|own| own.name == run.name);
                    own.into_iter().for_each(|own| own.copies = Some(privacy.copies()));
                    let name = run.name.clone();
                    summary.privacy.push(CalibratorPrivacy { name, privacy });
                }
                Err(why) => summary.notes.push(format!("{}: no privacy numbers: {why}", run.name)),
            }
        }
    }
}

fn dataset(experiment: &Experiment) -> String {
    let external = &experiment.external;
    let path = external.statistics.as_ref().map(|path| path.display().to_string());
    external.source.clone().or(path).unwrap_or_default()
}

/// Puts what is known of each calibrator in front of what its panel says.
fn remark(panels: &mut [CalibratorPanel], told: &BTreeMap<String, Told>) {
    for panel in panels {
        let Some(own) = told.get(&panel.name) else { continue };
        panel.untrained = own.remarks.untrained;
        panel.inactive = own.inactive;
        panel.notes.splice(0..0, own.remarks.notes.iter().cloned());
    }
}

/// Whom the comparison is about, and how many users are without events; none where nobody is.
fn inactive_note(
    population: Population,
    real: &[Option<&EventLog>],
    told: &BTreeMap<String, Told>,
) -> Option<String> {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let simulated: Vec<(&String, f64)> =
        told.iter().filter_map(|(name, told)| Some((name, told.inactive?))).collect();
    let logs = || real.iter().flatten();
    let users: usize = logs().map(|log| log.user_count()).sum();
    let active: usize = logs().map(|log| Population::Active.select(log).user_count()).sum();
    if active == users && simulated.iter().all(|(_, share)| *share == 0.0) {
        return None;
    }
    let own: Vec<String> =
        simulated.iter().map(|(name, share)| format!("{name} {}", percent(*share))).collect();
    let own = own.join(", ");
    Some(match population {
        Population::Active => format!(
            "Users with at least one event are compared, on both sides: of others the real users' log \
             does not know. Simulated users without an event were drawn and left out: {own}."
        ),
        Population::All if users > 0 => format!(
            "All users are compared. Without an event are {} of the real users; of the simulated \
             ones: {own}.",
            percent(1.0 - active as f64 / users as f64)
        ),
        Population::All => format!("Simulated users without an event: {own}."),
    })
}
