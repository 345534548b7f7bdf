//! What a sweep will cost, from runs of it that were made and measured.
//!
//! With mean seconds s of the measured runs, R runs in all and J at a time, a sweep takes about
//! `s ceil(R / J)` seconds if its other runs are like these and J at a time are as quick as one. It is an
//! estimate: what the axes change, and what runs beside each other take from each other, a pilot of a
//! few runs one after another does not see.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde::Serialize;
use trueup_results::sweep::{Phase, Plan, RunId};

use super::event::{Ending, Event};
use super::freeze;
use super::launch::Launcher;
use super::plan::Planned;
use crate::failure::Failure;
use crate::progress::{Reporter, catch_interrupts, interrupted};

/// How often a process is looked at. The peak of its memory is kept by the system, its last moment
/// may be missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What one run took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its trial, counted from 1.
    pub trial: usize,
    /// What the trial sets.
    pub title: String,
    /// Its seed.
    pub seed: u64,
    /// Wall-clock seconds.
    pub seconds: f64,
    /// Seconds of processors; none where the system does not tell.
    pub cpu_seconds: Option<f64>,
    /// Most memory in bytes; none where the system does not tell.
    pub memory: Option<u64>,
    /// Bytes of the run directory and its log.
    pub disk: u64,
}

/// What a sweep is expected to take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Expected {
    /// Runs, those included that searches will propose.
    pub runs: usize,
    /// Runs at a time; none where a cluster decides.
    pub at_a_time: Option<usize>,
    /// Wall-clock seconds; none where a cluster decides how many run at a time.
    pub seconds: Option<f64>,
    /// Seconds of processors.
    pub cpu_seconds: Option<f64>,
    /// Bytes of memory of the runs at a time together.
    pub memory: Option<u64>,
    /// Bytes on disk.
    pub disk: u64,
}

/// Measured runs and what follows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pilot {
    /// The runs, in the order of the plan.
    pub measured: Vec<Measured>,
    /// The sweep.
    pub expected: Expected,
    /// Whether the sweep stops poor trials early, which the expectation leaves out of account.
    pub prunes: bool,
    /// Axes that may change how much a run does.
    pub axes: Vec<String>,
}

/// Does so many runs of a sweep in a temporary folder, which is removed, and measures them.
///
/// # Errors
/// A run that fails, an interrupt, or a folder that cannot be written.
pub fn measure(planned: &Planned, runs: usize, reporter: &Reporter) -> Result<Pilot, Failure> {
    catch_interrupts().map_err(Failure::run)?;
    let root = tempfile::Builder::new().prefix("trueup-pilot-").tempdir().map_err(|error| {
        let folder = std::env::temp_dir();
        let message = format!("cannot make a folder in {}: {error}", folder.display());
        Failure::Run(miette::miette!(help = "set TMPDIR to a folder with space", "{message}"))
    })?;
    let folder = freeze::write(planned, root.path())?;
    // The runs to be measured have nobody to be compared with: they go to their end.
    let mut plan = planned.plan.clone();
    let prunes = plan.header.pruning.take().is_some();
    plan.write(&folder, &planned.configs).map_err(Failure::run)?;
    let mut measured = Vec::new();
    for trial in spread(planned.plan.trials.len(), runs) {
        let what = format!("measuring trial {} of {}", trial + 1, planned.plan.trials.len());
        reporter.line(&what);
        measured.push(one(&folder, planned, trial)?);
    }
    let expected = expected(&measured, total_runs(planned), at_a_time(planned));
    Ok(Pilot { expected, prunes, axes: axes(&planned.plan, measured.len()), measured })
}

/// So many of the places 0 to `all - 1`, evenly spread, the first among them.
fn spread(all: usize, wanted: usize) -> Vec<usize> {
    let wanted = wanted.min(all);
    let steps = wanted.saturating_sub(1).max(1);
    (0..wanted).map(|i| i * all.saturating_sub(1) / steps).collect()
}

/// Runs of a sweep to its end: searches have their whole budget, and run each winner once more.
pub fn total_runs(planned: &Planned) -> usize {
    let trials = &planned.plan.trials;
    let fixed = trials.iter().filter(|trial| trial.phase != Phase::Search).count();
    let searches = trials.iter().filter_map(|trial| trial.search).max().map_or(0, |last| last + 1);
    (fixed + planned.budget + searches) * planned.plan.header.seeds.len()
}

fn at_a_time(planned: &Planned) -> Option<usize> {
    match &planned.launch.launcher {
        Launcher::Local(local) => Some(local.jobs(planned.launch.threads)),
        Launcher::Slurm(slurm) => slurm.tasks_at_once,
    }
}

fn expected(measured: &[Measured], runs: usize, at_a_time: Option<usize>) -> Expected {
    let count = measured.len().max(1) as f64;
    let mean = |of: fn(&Measured) -> Option<f64>| {
        let values: Option<Vec<f64>> = measured.iter().map(of).collect();
        values.map(|values| values.iter().sum::<f64>() / count)
    };
    let at_a_time = at_a_time.map(|jobs| jobs.clamp(1, runs.max(1)));
    let seconds = mean(|run| Some(run.seconds)).unwrap_or_default();
    let memory = measured.iter().filter_map(|run| run.memory).max();
    let disk = mean(|run| Some(run.disk as f64)).unwrap_or_default();
    Expected {
        runs,
        at_a_time,
        seconds: at_a_time.map(|jobs| seconds * runs.div_ceil(jobs) as f64),
        cpu_seconds: mean(|run| run.cpu_seconds).map(|seconds| seconds * runs as f64),
        memory: memory.zip(at_a_time).map(|(bytes, jobs)| bytes.saturating_mul(jobs as u64)),
        disk: (disk * runs as f64) as u64,
    }
}

/// Axes that may change how much a run does: those with whole numbers (iterations, units), names,
/// lists or tables. Where every trial was measured, none is left to wonder about.
fn axes(plan: &Plan, measured: usize) -> Vec<String> {
    let rate = |value: &serde_json::Value| value.is_f64() || value.is_boolean();
    let changes = |path: &&String| {
        let values = plan.trials.iter().flat_map(|trial| &trial.values);
        values.filter(|set| set.path == **path).any(|set| !rate(&set.value))
    };
    match measured < plan.trials.len() {
        true => plan.header.axes.iter().filter(changes).cloned().collect(),
        false => Vec::new(),
    }
}

/// Does the run of a trial with the first seed.
fn one(folder: &Path, planned: &Planned, trial: usize) -> Result<Measured, Failure> {
    let plan = &planned.plan;
    let (Some(of), Some(&seed)) = (plan.trials.get(trial), plan.header.seeds.first()) else {
        return Err(Failure::invalid_because("the sweep has no runs", "see `trueup plan`"));
    };
    let run = RunId { trial: of.trial.clone(), seed };
    let started = Instant::now();
    let mut worker = Worker::start(folder, trial, planned.launch.threads)?;
    let ended = worker.wait();
    let took = started.elapsed().as_secs_f64();
    let title = of.title();
    match ended {
        Some((Ending::Done, _)) => {}
        _ if interrupted() => return Err(Failure::Run(miette::miette!("interrupted"))),
        Some((_, why)) => {
            let message = format!("the run that was to be measured failed ({title}): {why}");
            let help = "other runs of the sweep may fail in the same way";
            return Err(Failure::Run(miette::miette!(help = help, "{message}")));
        }
        None => {
            let message = format!("the process of the run ended without a result ({title})");
            let help = "it may have wanted more memory than there is";
            return Err(Failure::Run(miette::miette!(help = help, "{message}")));
        }
    }
    Ok(Measured {
        trial: trial + 1,
        title,
        seed,
        seconds: took,
        cpu_seconds: worker.cpu_seconds,
        memory: worker.memory,
        disk: size(&run.folder(folder)) + size(&run.log(folder)),
    })
}

/// A worker process with one run to do, and what was seen of it.
struct Worker {
    child: Child,
    events: Receiver<Event>,
    cpu_seconds: Option<f64>,
    memory: Option<u64>,
}

impl Worker {
    /// Starts it on the run of a trial with the first seed.
    fn start(folder: &Path, trial: usize, threads: usize) -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::run)?;
        let mut command = Command::new(program);
        command.arg("worker").arg(folder).arg("--attached");
        command.args(["--threads", &threads.to_string()]);
        command.args(["--share", &format!("{trial}..{}", trial + 1)]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(Failure::run)?;
        let (sender, events) = channel();
        let out = child.stdout.take().map(BufReader::new);
        std::thread::spawn(move || {
            for line in out.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line) {
                    let _ = sender.send(event);
                }
            }
        });
        Ok(Self { child, events, cpu_seconds: None, memory: None })
    }

    /// Watches it to its end: how the run ended, and why.
    fn wait(&mut self) -> Option<(Ending, String)> {
        let mut ended = None;
        loop {
            match self.events.recv_timeout(LOOK_EVERY) {
                Ok(Event::Ended { how, message, .. }) => ended = Some((how, message)),
                Ok(Event::Broken { message }) => ended = Some((Ending::Failed, message)),
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look();
            if interrupted() {
                // It stops when its input ends.
                self.child.stdin = None;
            }
        }
        self.look();
        let _ = self.child.wait();
        ended
    }

    /// Memory and processors so far, as Linux tells them.
    fn look(&mut self) {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let read = |name: &str| std::fs::read_to_string(process.join(name)).unwrap_or_default();
        self.memory = peak_memory(&read("status")).max(self.memory);
        self.cpu_seconds = cpu_seconds(&read("stat")).or(self.cpu_seconds);
    }
}

/// Where measuring ends early, the process ends with it.
impl Drop for Worker {
    fn drop(&mut self) {
        self.child.stdin = None;
        let _ = self.child.wait();
    }
}

/// `VmHWM` of `/proc/PID/status`, in bytes.
fn peak_memory(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Fields 14 and 15 of `/proc/PID/stat`: hundredths of a second in the program and in the system.
/// The name of the program, field 2, stands in brackets and may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some((next()? + next()?) as f64 / 100.0)
}

/// Bytes of a file, or of all files in a folder; what cannot be read counts as nothing.
fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return std::fs::metadata(path).map_or(0, |file| file.len());
    };
    entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seconds: f64, memory: u64, disk: u64) -> Measured {
        let (title, cpu_seconds) = (String::new(), Some(2.0 * seconds));
        Measured { trial: 1, title, seed: 1, seconds, cpu_seconds, memory: Some(memory), disk }
    }

    #[test]
    fn trials_are_spread_over_the_plan() {
        assert_eq!(spread(10, 1), [0]);
        assert_eq!(spread(10, 2), [0, 9]);
        assert_eq!(spread(10, 4), [0, 3, 6, 9]);
        assert_eq!(spread(3, 9), [0, 1, 2]);
        assert!(spread(0, 2).is_empty());
    }

    #[test]
    fn a_sweep_takes_as_long_as_its_rounds() {
        let of = expected(&[run(10.0, 100, 7), run(20.0, 300, 9)], 10, Some(4));
        // Three rounds of 15 seconds.
        assert_eq!(of.seconds, Some(45.0));
        assert_eq!((of.cpu_seconds, of.disk), (Some(300.0), 80));
        // The larger of the two, four times.
        assert_eq!(of.memory, Some(1200));
        // More jobs than runs are not used.
        assert_eq!(expected(&[run(10.0, 1, 1)], 3, Some(8)).at_a_time, Some(3));
        assert_eq!(expected(&[run(10.0, 1, 1)], 3, None).seconds, None);
    }

    #[test]
    fn what_linux_tells_is_read() {
        let status = "Name:\ttrueup\nVmPeak:\t 99 kB\nVmHWM:\t   12340 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_memory(status), Some(12_340 * 1024));
        assert_eq!(peak_memory(""), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds(""), None);
    }
}
