//! What every run does with its directory: origin before the work, state after it.

use trueup_results::sweep::Pause;
use trueup_results::{DataSource, Provenance, ProvenanceInput, ResultsError, RunDirectory, State};

use crate::failure::Failure;

/// A run directory that is being written.
#[derive(Debug)]
pub struct Session {
    /// The directory.
    pub directory: RunDirectory,
    /// Whether an earlier process has begun it.
    pub resumed: bool,
    /// Whether its report is drawn; one of many runs is drawn when it is asked for.
    pub report: bool,
    /// Where it has to wait for other runs; none for a run that goes to its end.
    pub rung: Option<Rung>,
}

/// Where a run waits for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// The calibrator whose iterations count; none for training on a task.
    pub calibrator: Option<String>,
    /// Iterations.
    pub iteration: u64,
}

/// Why a run stopped early.
#[derive(Debug)]
pub(crate) enum Stop {
    Interrupted,
    /// At its rung.
    Paused(u64),
    Failed(Failure),
}

impl From<ResultsError> for Stop {
    fn from(error: ResultsError) -> Self {
        Self::Failed(Failure::run(error))
    }
}

impl Session {
    /// The iteration at which a calibrator has to stop for a while.
    pub(crate) fn pause(&self, calibrator: Option<&str>) -> Option<u64> {
        let rung = self.rung.as_ref()?;
        (rung.calibrator.as_deref() == calibrator).then_some(rung.iteration)
    }

    /// Why work that was interrupted stopped.
    pub(crate) fn stopped(&self, paused: bool) -> Stop {
        match &self.rung {
            Some(rung) if paused => Stop::Paused(rung.iteration),
            _ => Stop::Interrupted,
        }
    }

    /// Config and provenance of a run that begins; of one that goes on, who goes on with it.
    pub(crate) fn write_origin(
        &self,
        config: Result<String, toml::ser::Error>,
        seeds: Vec<(String, u64)>,
        data: Vec<DataSource>,
    ) -> Result<(), Stop> {
        let config = config.map_err(|error| Stop::Failed(Failure::run(error)))?;
        let threads = rayon::current_num_threads();
        let input = ProvenanceInput { config: config.clone(), seeds, data, threads };
        let provenance = Provenance::collect(input);
        if self.resumed {
            let folder = self.directory.path();
            let free = |n: &u64| !folder.join(resume_file(*n)).exists();
            let name = resume_file((1..).find(free).unwrap_or(u64::MAX));
            self.directory.write_json(&name, &provenance)?;
            return Ok(());
        }
        self.directory.write("config.toml", config.as_bytes())?;
        self.directory.write_json("provenance.json", &provenance)?;
        Ok(())
    }

    /// Ends the run. `failed` tells which parts of a result failed, and why.
    pub(crate) fn finish<T>(
        self,
        result: Result<T, Stop>,
        failed: impl Fn(&T) -> Vec<String>,
    ) -> Result<T, Failure> {
        let directory = self.directory;
        match result {
            Ok(result) => {
                let reasons = failed(&result);
                let (state, message) = match reasons.is_empty() {
                    true => (State::Done, None),
                    false => (State::Failed, Some(reasons.join("; "))),
                };
                directory.finish(state, message.as_deref()).map_err(Failure::run)?;
                Ok(result)
            }
            Err(Stop::Interrupted) => {
                let folder = directory.path().display().to_string();
                directory
                    .finish(State::Interrupted, Some("asked to stop"))
                    .map_err(Failure::run)?;
                Err(Failure::Run(miette::miette!(
                    help = format!("to go on from there: trueup resume {folder}"),
                    "interrupted; what was finished is in {folder}"
                )))
            }
            Err(Stop::Paused(rung)) => {
                Pause { rung }.write(directory.path()).map_err(Failure::run)?;
                let message = format!("waits at iteration {rung} for other trials");
                directory.finish(State::Interrupted, Some(&message)).map_err(Failure::run)?;
                Err(Failure::Stopped(miette::miette!("{message}")))
            }
            Err(Stop::Failed(failure)) => {
                // Where not even this can be written, the directory reads as interrupted.
                let _ = directory.finish(State::Failed, Some(&failure.report().to_string()));
                Err(failure)
            }
        }
    }
}

fn resume_file(n: u64) -> String {
    format!("provenance-resumed-{n}.json")
}
