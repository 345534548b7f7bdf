//! A run, from the users that [`prepare`](crate::prepare) left to the report: calibrate, simulate,
//! judge, and write it all down. A calibrator that fails does not lose the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trueup_calibration::calibrator::{Brief, CalibrationError, Simulator};
use trueup_calibration::evaluate::{self, Run};
use trueup_calibration::external::{self, ClockFile};
use trueup_calibration::panel::CalibratorPanel;
use trueup_calibration::statistics::Statistics;
use trueup_env::{EventLog, Streams};
use trueup_results::{
    MetricsWriter, Provenance, ProvenanceInput, ReportInput, ResultsError, RunDirectory, Series,
    State, Summary, write_report,
};

use crate::calibrators::Setting;
use crate::config::{Experiment, Named};
use crate::failure::Failure;
use crate::prepare::Prepared;
use crate::progress::{Reporter, interrupted, thousands};
use crate::recorder::Recorder;

/// The name of the real users in plots.
pub const REAL_USERS: &str = "real users";

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub summary: Summary,
    /// The run directory.
    pub folder: PathBuf,
    /// The report; none where there was no log to judge against.
    pub report: Option<PathBuf>,
}

/// Why a run stopped early.
enum Stop {
    Interrupted,
    Failed(Failure),
}

impl From<ResultsError> for Stop {
    fn from(error: ResultsError) -> Self {
        Self::Failed(Failure::run(error))
    }
}

/// Runs an experiment in a new directory under `out`.
///
/// # Errors
/// A run that failed or was interrupted; its directory then says so.
pub fn run(
    experiment: &Experiment,
    prepared: &Prepared,
    out: &Path,
    reporter: &Reporter,
) -> Result<Outcome, Failure> {
    let directory =
        RunDirectory::create(out, &experiment.name, experiment.seed).map_err(Failure::run)?;
    let folder = directory.path().to_owned();
    reporter.line(&format!("writing {}", folder.display()));
    let attempt = Attempt { experiment, prepared, directory: &directory, reporter };
    match attempt.go() {
        Ok((summary, report)) => {
            let reasons: Vec<String> =
                summary.failed.iter().map(|f| format!("{}: {}", f.name, f.reason)).collect();
            let (state, message) = match reasons.is_empty() {
                true => (State::Done, None),
                false => (State::Failed, Some(reasons.join("; "))),
            };
            directory.finish(state, message.as_deref()).map_err(Failure::run)?;
            Ok(Outcome { summary, folder, report })
        }
        Err(Stop::Interrupted) => {
            directory.finish(State::Interrupted, Some("asked to stop")).map_err(Failure::run)?;
            let text = format!("interrupted; what was finished is in {}", folder.display());
            Err(Failure::Run(miette::Report::msg(text)))
        }
        Err(Stop::Failed(failure)) => {
            // Where not even this can be written, the directory reads as interrupted.
            let _ = directory.finish(State::Failed, Some(&failure.report().to_string()));
            Err(failure)
        }
    }
}

/// One run in its directory.
struct Attempt<'a> {
    experiment: &'a Experiment,
    prepared: &'a Prepared,
    directory: &'a RunDirectory,
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
            ..Summary::default()
        };
        let mut metrics = self.directory.metrics()?;
        let mut runs = Vec::new();
        for calibrator in &experiment.calibrators {
            match self.calibrate(calibrator, &mut metrics, &mut summary.env_steps)? {
                Ok(logs) => runs.push(Run { name: calibrator.name.clone(), logs }),
                Err(error) => {
                    let name = calibrator.name.clone();
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
        let report = self.judge(&runs, &mut summary)?;
        Ok((summary, report))
    }

    /// Config, provenance, clock and account: what there is before the first calibrator.
    fn write_origin(&self) -> Result<(), Stop> {
        let config = self.experiment.resolved().map_err(|e| Stop::Failed(Failure::run(e)))?;
        self.directory.write("config.toml", config.as_bytes())?;
        let provenance = Provenance::collect(ProvenanceInput {
            config,
            seeds: vec![("run".into(), self.experiment.seed)],
            data: self.prepared.data.clone(),
            threads: rayon::current_num_threads(),
        });
        self.directory.write_json("provenance.json", &provenance)?;
        let Statistics { clock, kinds, .. } = &self.prepared.statistics;
        let clock_file = ClockFile { clock: *clock, kinds: kinds.clone() };
        self.directory.write_json(&format!("logs/{}", ClockFile::NAME), &clock_file)?;
        if let Some(account) = &self.prepared.account {
            self.directory.write("account.txt", account.lines().join("\n").as_bytes())?;
        }
        Ok(())
    }

    /// Calibrates, simulates the evaluation logs, and writes what came out. The inner error is the
    /// calibrator's own.
    fn calibrate(
        &self,
        calibrator: &Named,
        metrics: &mut MetricsWriter,
        env_steps: &mut u64,
    ) -> Result<Result<Vec<EventLog>, CalibrationError>, Stop> {
        let name = calibrator.name.as_str();
        self.reporter.line(&format!("calibrating {name}"));
        let streams = Streams::new(self.experiment.seed).child("calibrator", 0).child(name, 0);
        let recorder = Recorder::new(name, metrics);
        let record = |done: usize, total: usize, values: &[(&str, f64)]| {
            recorder.record(done, total, values)
        };
        let watch = self.reporter.watch(name, &record);
        let fitted = self.fit(calibrator, &streams, &watch);
        watch.finish();
        *env_steps += recorder.finish()?;
        let simulator = match fitted {
            Ok(simulator) => simulator,
            Err(CalibrationError::Interrupted) => return Err(Stop::Interrupted),
            Err(error) => return Ok(Err(error)),
        };
        for (file, bytes) in simulator.files() {
            self.directory.write(&format!("policies/{name}/{file}"), &bytes)?;
        }
        let parameters: BTreeMap<String, f64> = simulator.parameters().into_iter().collect();
        if !parameters.is_empty() {
            self.directory.write_json(&format!("policies/{name}/parameters.json"), &parameters)?;
        }
        self.simulate(name, simulator.as_ref(), &streams)
    }

    fn fit(
        &self,
        calibrator: &Named,
        streams: &Streams,
        progress: &dyn trueup_calibration::calibrator::Progress,
    ) -> Result<Box<dyn Simulator>, CalibrationError> {
        let statistics = &self.prepared.statistics;
        let setting =
            Setting { world: &self.prepared.world, statistics, reward: &self.experiment.reward };
        let mut built = calibrator.plan.build(&setting).map_err(|error| {
            CalibrationError::Inner { calibrator: calibrator.kind, source: Box::new(error) }
        })?;
        let train = self.prepared.train.as_ref();
        built.calibrate(&Brief { statistics, train, streams: streams.child("fit", 0), progress })
    }

    fn simulate(
        &self,
        name: &str,
        simulator: &dyn Simulator,
        streams: &Streams,
    ) -> Result<Result<Vec<EventLog>, CalibrationError>, Stop> {
        let evaluation = &self.experiment.evaluation;
        let users = evaluation.users.unwrap_or(self.prepared.statistics.users);
        let mut logs = Vec::new();
        for seed in 0..evaluation.seeds as u64 {
            let log = match simulator.simulate(users, &streams.child("evaluation", seed)) {
                Ok(log) => log,
                Err(error) => return Ok(Err(error)),
            };
            let mut bytes = Vec::new();
            external::write_log(&log, &mut bytes).map_err(|e| Stop::Failed(Failure::run(e)))?;
            self.directory.write(&format!("logs/{name}-{seed}.csv"), &bytes)?;
            logs.push(log);
        }
        Ok(Ok(logs))
    }

    /// The panel, the summary and the report.
    fn judge(&self, runs: &[Run], summary: &mut Summary) -> Result<Option<PathBuf>, Stop> {
        let prepared = self.prepared;
        let Some(test) = prepared.test.as_ref().filter(|_| !runs.is_empty()) else {
            let why = match runs.is_empty() {
                true => "every calibrator failed: there is nothing to judge",
                false => "there is no log of real users to judge against: only simulated logs",
            };
            summary.notes.push(why.into());
            summary.calibrators = runs.iter().map(|run| unjudged(&run.name)).collect();
            summary.seconds = self.reporter.seconds();
            self.directory.write_json("summary.json", summary)?;
            return Ok(None);
        };
        let events: usize = runs.iter().flat_map(|r| &r.logs).map(|log| log.events().len()).sum();
        self.reporter.line(&format!(
            "judging {} simulated events against {} held-out users",
            thousands(events as u64),
            thousands(test.user_count() as u64)
        ));
        let experiment = self.experiment;
        summary.calibrators = evaluate::evaluate(
            runs,
            prepared.train.as_ref(),
            test,
            &prepared.terms,
            &experiment.evaluation.panel,
            &Streams::new(experiment.seed).child("panel", 0),
        )
        .map_err(|error| Stop::Failed(Failure::run(error)))?;
        let sides: Vec<(&str, Vec<&EventLog>)> =
            runs.iter().map(|run| (run.name.as_str(), run.logs.iter().collect())).collect();
        let series = Series::of(REAL_USERS, test, &sides);
        self.directory.write_series(&series)?;
        summary.seconds = self.reporter.seconds();
        self.directory.write_json("summary.json", summary)?;
        self.reporter.line("drawing the report");
        let folder = self.directory.path();
        Ok(Some(write_report(folder, &ReportInput::read(folder)?)?))
    }
}

fn dataset(experiment: &Experiment) -> String {
    let external = &experiment.external;
    let path = external.statistics.as_ref().map(|path| path.display().to_string());
    external.source.clone().or(path).unwrap_or_default()
}

/// A calibrator without a panel.
fn unjudged(name: &str) -> CalibratorPanel {
    CalibratorPanel {
        name: name.into(),
        gap_closed: None,
        gap_closed_ci: None,
        gap_closed_unseen: None,
        mean_excess: None,
        c2st_auc: None,
        c2st_auc_ci: None,
        c2st_auc_floor: None,
        c2st_importance: Vec::new(),
        panel: Vec::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
    }
}
