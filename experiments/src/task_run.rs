//! Training on a task, seed by seed, from a checked config to the report. A seed that fails does
//! not lose the others.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trueup_agents::control::Episode;
use trueup_agents::ppo::TrainError;
use trueup_agents::task::{TaskError, TaskResult};
use trueup_env::Streams;
use trueup_results::{
    MetricsWriter, SeedFailure, SeedResult, TrainingSummary, metrics, write_training_report,
};

use crate::config::TaskExperiment;
use crate::failure::Failure;
use crate::progress::{Reporter, interrupted};
use crate::recorder::Recorder;
use crate::session::{Session, Stop};

/// Name of the trainer in metrics.
const TRAINER: &str = "ppo";

/// Returns at which tasks count as solved: `reward_threshold` in Gymnasium's registry. Pendulum has
/// none.
const SOLVED_AT: [(&str, f64); 3] =
    [("CartPole-v1", 475.0), ("Acrobot-v1", -100.0), ("MountainCar-v0", -110.0)];

/// What a run gave.
#[derive(Debug)]
pub struct Outcome {
    /// What goes to `summary.json`.
    pub summary: TrainingSummary,
    /// Mean evaluation returns with actions drawn, one a seed of the summary.
    pub sampled: Vec<Option<f64>>,
    /// The report, if it was drawn.
    pub report: Option<PathBuf>,
    /// The run directory.
    pub folder: PathBuf,
}

/// Content of `policies/seed-N/result.json`, the last file of a seed.
#[derive(Debug, Serialize, Deserialize)]
struct Finished {
    result: SeedResult,
    /// Mean return of the evaluation episodes with actions drawn.
    evaluation_return_sampled: Option<f64>,
}

/// Trains in a run directory. Seeds that an earlier process has finished there are kept.
///
/// # Errors
/// A run that failed or was interrupted; its directory then says so.
pub fn run(
    experiment: &TaskExperiment,
    session: Session,
    reporter: &Reporter,
) -> Result<Outcome, Failure> {
    let attempt = Attempt { experiment, session: &session, reporter };
    let result = attempt.go();
    session.finish(result, |outcome: &Outcome| {
        outcome.summary.failed.iter().map(|f| format!("seed {}: {}", f.seed, f.reason)).collect()
    })
}

/// One run in its directory.
struct Attempt<'a> {
    experiment: &'a TaskExperiment,
    session: &'a Session,
    reporter: &'a Reporter,
}

impl Attempt<'_> {
    fn go(&self) -> Result<Outcome, Stop> {
        let Self { experiment, session, reporter } = self;
        let seeds = experiment.seeds.iter().map(|seed| (name_of(*seed), *seed)).collect();
        session.write_origin(experiment.text(), seeds, Vec::new())?;
        let mut summary = TrainingSummary {
            name: experiment.name.clone(),
            task: experiment.task.environment.clone(),
            solved_at: solved_at(&experiment.task.environment),
            notes: experiment.task.notes(),
            ..TrainingSummary::default()
        };
        summary.notes.iter().for_each(|note| reporter.line(note));
        let mut sampled = Vec::new();
        let mut metrics = session.directory.metrics()?;
        for &seed in &experiment.seeds {
            let finished = match self.finished(seed) {
                Some(finished) => {
                    reporter.line(&format!("keeping seed {seed}, which had finished"));
                    Ok(finished)
                }
                None => self.train(seed, &mut metrics)?,
            };
            match finished {
                Ok(finished) => {
                    summary.seeds.push(finished.result);
                    sampled.push(finished.evaluation_return_sampled);
                }
                Err(error) => {
                    let reason = error.to_string();
                    reporter.line(&format!("seed {seed} failed: {reason}"));
                    summary.failed.push(SeedFailure { seed, reason });
                }
            }
            if interrupted() {
                return Err(Stop::Interrupted);
            }
        }
        summary.seconds = reporter.seconds();
        session.directory.write_json("summary.json", &summary)?;
        let folder = session.directory.path().to_owned();
        if !session.report {
            return Ok(Outcome { summary, sampled, report: None, folder });
        }
        reporter.line("drawing the report");
        let report = write_training_report(session.directory.path())?;
        Ok(Outcome { summary, sampled, report: Some(report), folder })
    }

    /// What an earlier process has finished of a seed.
    fn finished(&self, seed: u64) -> Option<Finished> {
        if !self.session.resumed {
            return None;
        }
        let path = self.session.directory.path().join(result_file(seed));
        serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
    }

    /// Trains one seed and writes what came out. The inner error is the seed's own.
    fn train(
        &self,
        seed: u64,
        metrics: &mut MetricsWriter,
    ) -> Result<Result<Finished, TaskError>, Stop> {
        let Self { experiment, session, reporter } = self;
        let directory = &session.directory;
        let name = name_of(seed);
        reporter.line(&format!("training on {}, seed {seed}", experiment.task.environment));
        let recorder =
            Recorder::new(TRAINER, Some(seed), metrics, session.resumed).until(session.pause(None));
        let record = |done: usize, total: usize, values: &[(&str, f64)]| {
            recorder.record(done, total, values)
        };
        let watch = reporter.watch(&name, &record);
        let checkpoints = directory.path().join("checkpoints").join(&name);
        let trained = experiment.task.train(Streams::new(seed), Some(&checkpoints), &watch);
        watch.finish();
        let paused = recorder.finish()?;
        let trained = match trained {
            Ok(trained) => trained,
            Err(TaskError::Train(TrainError::Interrupted)) => return Err(session.stopped(paused)),
            Err(error) => return Ok(Err(error)),
        };
        let weights = trained.weights().map_err(|error| Stop::Failed(Failure::run(error)))?;
        directory.write(&format!("policies/{name}/policy.safetensors"), &weights)?;
        let finished = Finished {
            result: self.result(seed, &trained)?,
            evaluation_return_sampled: mean(&returns(&trained.evaluation_sampled)),
        };
        directory.write_json(&result_file(seed), &finished)?;
        Ok(Ok(finished))
    }

    fn result(&self, seed: u64, trained: &TaskResult) -> Result<SeedResult, Stop> {
        let evaluation = returns(&trained.evaluation);
        let evaluation_return = mean(&evaluation);
        let variance = evaluation_return.and_then(|centre| {
            mean(&evaluation.iter().map(|x| (x - centre) * (x - centre)).collect::<Vec<_>>())
        });
        let seconds = self.seconds(seed, trained.env_steps)?;
        Ok(SeedResult {
            seed,
            steps: trained.env_steps,
            last_100_return: mean(&trained.last_returns),
            evaluation_return,
            evaluation_sd: variance.map(f64::sqrt),
            evaluation_episodes: evaluation.len(),
            seconds,
            steps_per_second: trained.env_steps as f64 / seconds.max(f64::MIN_POSITIVE),
        })
    }

    /// Seconds of all iterations of a seed, whichever process made them. Iterations whose lines are
    /// lost count as the mean of the others.
    fn seconds(&self, seed: u64, env_steps: u64) -> Result<f64, Stop> {
        let sampling = &self.experiment.task.sampling;
        let rows = (sampling.environments * sampling.steps) as f64;
        let lines = metrics::read(self.session.directory.path())?;
        let speeds: Vec<f64> = lines
            .iter()
            .filter(|line| line.seed == Some(seed))
            .filter_map(|line| line.values.get("steps_per_second").copied())
            .filter(|speed| *speed > 0.0)
            .collect();
        let seconds = mean(&speeds.iter().map(|speed| rows / speed).collect::<Vec<_>>());
        Ok(seconds.unwrap_or(0.0) * env_steps as f64 / rows)
    }
}

fn solved_at(task: &str) -> Option<f64> {
    SOLVED_AT.iter().find(|(name, _)| *name == task).map(|(_, threshold)| *threshold)
}

fn name_of(seed: u64) -> String {
    format!("seed-{seed}")
}

fn result_file(seed: u64) -> String {
    format!("policies/{}/result.json", name_of(seed))
}

fn returns(episodes: &[Episode]) -> Vec<f64> {
    episodes.iter().map(|episode| episode.sum).collect()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
