//! A worker goes through a plan and does what is not done, one run after the other.
//!
//! It claims a run by a lease, so that any number of workers, on any number of machines, share the
//! work without being told how. What it tells goes to the log of the run and, as [`Event`]s, to
//! whoever started it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use trueup_results::sweep::state::run_standing;
use trueup_results::sweep::{Claim, Lease, Pause, Plan, RunId, RunState, failures, plan};
use trueup_results::{ResultsError, RunDirectory};

use super::event::{Ending, Event};
use super::local::STOPPED;
use super::rungs;
use crate::config::{Config, Document};
use crate::failure::Failure;
use crate::prepare::prepare;
use crate::progress::{Listener, Reporter, interrupt, interrupted};
use crate::session::{Rung, Session};
use crate::{run, task_run};

/// Least time between two progress events.
const EVENT_EVERY: Duration = Duration::from_millis(200);

/// What a worker does.
#[derive(Debug)]
pub struct Worker {
    /// Folder of the sweep.
    pub sweep: PathBuf,
    /// How often a run that failed is tried again.
    pub retries: usize,
    /// The runs it looks at, as positions in the order of the plan.
    pub share: std::ops::Range<usize>,
}

/// Asks this process to stop once its standard input ends: whoever started it has gone, or wants it
/// to stop.
pub fn stop_with_input() {
    std::thread::spawn(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().lock().read_to_end(&mut rest);
        interrupt();
    });
}

impl Worker {
    /// Works until nothing is left that it can do.
    ///
    /// # Errors
    /// A folder that cannot be read or written, or a request to stop; a run that fails is no error.
    pub fn work(&self, plan: &Plan) -> Result<(), Failure> {
        let configs = plan::read_configs(&self.sweep).map_err(Failure::invalid)?;
        let share = self.share.clone();
        let runs: Vec<RunId> = plan.runs().skip(share.start).take(share.len()).collect();
        loop {
            // A second look finds what another worker began and left.
            let mut worked = false;
            for run in &runs {
                if interrupted() {
                    return Err(Failure::Stopped(miette::miette!("asked to stop")));
                }
                worked |= self.attend(plan, run, &configs)?;
            }
            if !worked {
                return Ok(());
            }
        }
    }

    /// Does a run if it is open and nobody else does it; whether it did.
    fn attend(
        &self,
        plan: &Plan,
        run: &RunId,
        configs: &HashMap<String, String>,
    ) -> Result<bool, Failure> {
        if !is_open(&self.sweep, run, self.retries) {
            return Ok(false);
        }
        let lease = match Lease::claim(&self.sweep, run).map_err(Failure::run)? {
            Claim::Ours(lease) => lease,
            Claim::Taken(_) => return Ok(false),
        };
        // It may have been done between the look and the claim.
        if !is_open(&self.sweep, run, self.retries) {
            return Ok(false);
        }
        let Some(config) = configs.get(&run.trial) else {
            let message = format!("configs.jsonl has no trial {}", run.trial);
            return Err(Failure::invalid_because(message, "plan the sweep again from its config"));
        };
        let rung = rungs::next_rung(&self.sweep, plan, run)?.map(|iteration| Rung {
            calibrator: plan.header.objective.calibrator.clone(),
            iteration,
        });
        let over = Arc::new(AtomicBool::new(false));
        let lease = Arc::new(lease);
        let guard = std::thread::spawn({
            let (lease, over) = (Arc::clone(&lease), Arc::clone(&over));
            move || guard(&lease, &over)
        });
        self.execute(run, config, rung);
        over.store(true, Ordering::SeqCst);
        guard.thread().unpark();
        let _ = guard.join();
        drop(lease);
        Ok(true)
    }

    /// Does a run and tells how it ended.
    fn execute(&self, run: &RunId, config: &str, rung: Option<Rung>) {
        let started = Instant::now();
        let folder = run.folder(&self.sweep);
        let resumed = has_begun(&folder);
        Event::Begun { run: run.to_string(), resumed }.tell();
        let listener = Log::open(&run.log(&self.sweep)).map(Arc::new).map_err(Failure::run);
        let result = listener.and_then(|listener| {
            let reporter = Reporter::to(listener.clone());
            let result = one_run(run, &folder, config, rung, &reporter);
            if let Err(failure) = &result {
                listener.line(&failure.words());
            }
            result
        });
        let (how, message) = match result {
            Ok(message) => (Ending::Done, message),
            Err(_) if interrupted() => (Ending::Interrupted, String::new()),
            Err(Failure::Stopped(_)) if Pause::read(&folder).is_some() => {
                (Ending::Paused, String::new())
            }
            Err(failure) => {
                let reason = failure.words();
                // Where not even this can be written, the run stays open.
                let _ = failures::record(&self.sweep, run, &reason);
                (Ending::Failed, reason)
            }
        };
        let seconds = Some(started.elapsed().as_secs_f64());
        Event::Ended { run: run.to_string(), how, message, seconds }.tell();
    }
}

/// Ends the process when another one has taken over its run: nothing more may be written there.
fn guard(lease: &Lease, over: &AtomicBool) {
    while !over.load(Ordering::SeqCst) {
        if lease.lost() {
            Event::Broken { message: "another process has taken this run over".into() }.tell();
            std::process::exit(STOPPED.into());
        }
        std::thread::park_timeout(Duration::from_secs(1));
    }
}

/// Whether a run is left to do: neither over nor out of attempts.
pub fn is_open(sweep: &Path, run: &RunId, retries: usize) -> bool {
    match run_standing(sweep, run.clone(), false).state {
        RunState::Done | RunState::Pruned | RunState::Paused => false,
        _ => failures::read(sweep, run).len() <= retries,
    }
}

/// Does a run in its directory, which is new or was left by another process.
fn one_run(
    run: &RunId,
    folder: &Path,
    config: &str,
    rung: Option<Rung>,
    reporter: &Reporter,
) -> Result<String, Failure> {
    let name = format!("configs.jsonl, trial {}", run.trial);
    let document = Document::new(&name, config, &[format!("seed={}", run.seed)]);
    let config = Config::check(&document)?;
    let begun = has_begun(folder);
    if begun {
        same_config(folder, &config)?;
    }
    let session = || -> Result<Session, Failure> {
        let directory = directory(folder, begun).map_err(Failure::run)?;
        Ok(Session { directory, resumed: begun, report: false, rung })
    };
    match &config {
        Config::Users(experiment) => {
            let prepared = prepare(experiment, reporter)?;
            let outcome = run::run(experiment, &prepared, session()?, reporter)?;
            let failed = outcome.summary.failed.iter();
            told(failed.map(|f| format!("{} failed: {}", f.name, f.reason)).collect())
        }
        Config::Task(experiment) => {
            let outcome = task_run::run(experiment, session()?, reporter)?;
            let failed = outcome.summary.failed.iter();
            told(failed.map(|f| format!("seed {} failed: {}", f.seed, f.reason)).collect())
        }
    }
}

/// Whether the origin of a run is written: its config, and then its provenance.
fn has_begun(folder: &Path) -> bool {
    folder.join("provenance.json").exists()
}

fn told(failed: Vec<String>) -> Result<String, Failure> {
    match failed.is_empty() {
        true => Ok(String::new()),
        false => Err(Failure::Run(miette::miette!("{}", failed.join("; ")))),
    }
}

/// The directory of a run. What a process left that died before it had begun is cleared away.
fn directory(folder: &Path, begun: bool) -> Result<RunDirectory, ResultsError> {
    if begun && trueup_results::status(folder).is_ok() {
        return RunDirectory::reopen(folder);
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(|source| ResultsError::write(folder, source))?;
    }
    RunDirectory::create_at(folder)
}

/// Refuses a run directory that came from elsewhere.
fn same_config(folder: &Path, config: &Config) -> Result<(), Failure> {
    let path = folder.join("config.toml");
    let there = crate::config::read_text(&path, "config")?;
    let wanted = config.resolved().map_err(Failure::run)?;
    if there == wanted {
        return Ok(());
    }
    let message = format!(
        "{} is not the config of this run: the directory is of another sweep",
        path.display()
    );
    Err(Failure::invalid_because(message, "move the run directory away"))
}

/// The log of a run; progress also goes to whoever started the worker.
struct Log {
    file: Mutex<File>,
    told: Mutex<Option<Instant>>,
}

impl Log {
    fn open(path: &Path) -> Result<Self, ResultsError> {
        let open = || {
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            File::options().create(true).append(true).open(path)
        };
        let file = open().map_err(|source| ResultsError::write(path, source))?;
        Ok(Self { file: Mutex::new(file), told: Mutex::new(None) })
    }
}

impl Listener for Log {
    fn line(&self, text: &str) {
        if let Ok(mut file) = self.file.lock() {
            // A log that cannot be written is no reason to lose the run.
            let _ = writeln!(file, "{text}");
        }
    }

    fn progress(&self, calibrator: &str, done: usize, total: usize, words: &str) {
        let Ok(mut told) = self.told.lock() else { return };
        if done < total && told.is_some_and(|told| told.elapsed() < EVENT_EVERY) {
            return;
        }
        *told = Some(Instant::now());
        let (calibrator, words) = (calibrator.to_owned(), words.to_owned());
        Event::Progress { calibrator, done, total, words }.tell();
    }
}
