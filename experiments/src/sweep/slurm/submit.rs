//! Submitting what is left of a sweep, and nothing twice.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use trueup_results::sweep::Plan;
use trueup_results::{ResultsError, write_atomically};

use super::client::{self, QueuedTask};
use super::record::{Record, Work};
use super::script;
use crate::failure::Failure;
use crate::sweep::launch::{Launch, Slurm};
use crate::sweep::local::RunnerLock;
use crate::sweep::worker::is_open;

/// How long tasks that are being ended are waited for.
const ENDING: Duration = Duration::from_secs(60);

/// What was submitted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submitted {
    /// Numbers of the arrays that do runs.
    pub jobs: Vec<String>,
    /// Tasks in them.
    pub tasks: usize,
    /// Runs that are left in these tasks.
    pub runs: usize,
    /// Number of the job that writes the summary; none where nothing was submitted.
    pub conclusion: Option<String>,
    /// Tasks of earlier submissions that are still in the queue.
    pub queued: usize,
}

/// Submits the tasks that have open runs and are not in the queue, and a job that writes the summary
/// after them.
///
/// # Errors
/// Another submission under way, no answer from Slurm, a refusal, or a failed write. What was
/// submitted before the error stays so, and is on record.
pub fn submit(
    sweep: &Path,
    plan: &Plan,
    launch: &Launch,
    slurm: &Slurm,
    force: bool,
) -> Result<Submitted, Failure> {
    let _lock = RunnerLock::take(sweep)?;
    let sweep = &std::fs::canonicalize(sweep).map_err(Failure::run)?;
    let mut record = Record::read(sweep)?;
    let queue = settled_queue(sweep, &mut record)?;
    let queued = |concludes: bool| {
        let of = |task: &&QueuedTask| {
            record.of(task).is_some_and(|s| (s.work == Work::Conclude) == concludes)
        };
        queue.iter().filter(of).count()
    };
    let concludes = queued(true) > 0;
    let mut submitted = Submitted { queued: queued(false), ..Submitted::default() };
    let open = open_runs(sweep, plan, launch, &record, &queue);
    let tasks: BTreeSet<usize> = open.iter().map(|run| run / slurm.runs_per_task).collect();
    (submitted.tasks, submitted.runs) = (tasks.len(), open.len());
    if tasks.is_empty() && (submitted.queued == 0 || concludes) {
        return Ok(submitted);
    }
    prepare(sweep)?;
    let limit = client::array_limit()?;
    let tasks: Vec<usize> = tasks.into_iter().collect();
    let mut done = 0;
    for block in tasks.chunk_by(|a, b| a / limit == b / limit) {
        let Some(first_task) = block.first().map(|task| task / limit * limit) else { continue };
        let file = format!("launch/job-{}.sh", first_task / limit + 1);
        let text = script::tasks(sweep, launch, slurm, first_task, force);
        write_atomically(&sweep.join(&file), text.as_bytes()).map_err(Failure::run)?;
        let positions: Vec<usize> = block.iter().map(|task| task - first_task).collect();
        let array = script::positions(&positions);
        let mut options = script::task_options(sweep, launch, slurm);
        options.extend(array_options(slurm, &array, submitted.jobs.last()));
        let work = Work::Runs { first_task, runs_per_task: slurm.runs_per_task, array };
        let job = one(sweep, &mut record, work, options, &file)
            .map_err(|failure| partial(failure, &submitted, done, sweep))?;
        submitted.jobs.push(job);
        done += block.len();
    }
    let before = queue.iter().map(|task| &task.job).chain(&submitted.jobs).collect();
    let job = conclusion(sweep, &mut record, slurm, &before)
        .map_err(|failure| partial(failure, &submitted, done, sweep))?;
    submitted.conclusion = Some(job);
    Ok(submitted)
}

/// A refusal, with what was submitted before it and how to go on.
fn partial(failure: Failure, submitted: &Submitted, done: usize, sweep: &Path) -> Failure {
    let Submitted { jobs, tasks, .. } = submitted;
    let report = failure.report();
    let mut help: Vec<String> = report.help().map(|help| help.to_string()).into_iter().collect();
    let said = match jobs.as_slice() {
        [] => "nothing was submitted".to_owned(),
        jobs if done < *tasks => {
            let jobs = jobs.join(", ");
            format!("{done} of {tasks} tasks were submitted before that: jobs {jobs}")
        }
        jobs => format!("all tasks were submitted before that: jobs {}", jobs.join(", ")),
    };
    let place = sweep.display();
    help.push(format!("trueup resume {place} submits what is not in the queue"));
    if !jobs.is_empty() {
        help.push(format!("trueup cancel {place} ends what is"));
    }
    Failure::Run(miette::miette!(help = help.join("; "), "{report}; {said}"))
}

/// Which tasks an array has. A limit on tasks is one of each array: that they keep to it together,
/// each waits for the one before.
fn array_options(slurm: &Slurm, array: &str, before: Option<&String>) -> Vec<String> {
    match slurm.tasks_at_once {
        Some(most) => {
            let array = format!("--array={array}%{most}");
            std::iter::once(array).chain(after(before)).collect()
        }
        None => vec![format!("--array={array}")],
    }
}

/// The queue, once no task of the sweep is just being ended: whether it will be started again is
/// not known before.
fn settled_queue(sweep: &Path, record: &mut Record) -> Result<Vec<QueuedTask>, Failure> {
    let started = Instant::now();
    loop {
        let mut queue = client::patiently(|_| client::queue(&record.names()))?;
        record.settle(sweep, &queue)?;
        queue.retain(|task| !task.is_over());
        let ending = queue.iter().any(|task| task.state == "COMPLETING");
        if !ending || started.elapsed() >= ENDING {
            return Ok(queue);
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Positions of the runs that are left to do and that no task in the queue has.
fn open_runs(
    sweep: &Path,
    plan: &Plan,
    launch: &Launch,
    record: &Record,
    queue: &[QueuedTask],
) -> Vec<usize> {
    let taken: Vec<_> = queue.iter().filter_map(|task| Some(record.of(task)?.runs(task))).collect();
    let open = plan.runs().enumerate().filter(|(position, run)| {
        !taken.iter().any(|range| range.contains(position)) && is_open(sweep, run, launch.retries)
    });
    open.map(|(position, _)| position).collect()
}

/// Puts this program and the folder of logs where the jobs find them.
fn prepare(sweep: &Path) -> Result<(), Failure> {
    let logs = sweep.join(script::LOGS);
    let fail = |path: &Path, source| Failure::run(ResultsError::write(path, source));
    std::fs::create_dir_all(&logs).map_err(|source| fail(&logs, source))?;
    let program = std::env::current_exe().map_err(Failure::run)?;
    let copy = sweep.join(script::PROGRAM);
    if std::fs::canonicalize(&copy).ok() == std::fs::canonicalize(&program).ok() {
        return Ok(());
    }
    // Tasks that run keep the file that they were started from: it is replaced, not written over.
    let new = sweep.join("launch/.trueup.tmp");
    std::fs::copy(&program, &new).map_err(|source| fail(&new, source))?;
    std::fs::rename(&new, &copy).map_err(|source| fail(&copy, source))
}

/// Submits one job: on record, to Slurm, on record with its number.
fn one(
    sweep: &Path,
    record: &mut Record,
    work: Work,
    mut options: Vec<String>,
    file: &str,
) -> Result<String, Failure> {
    let name = record.announce(sweep, work)?;
    options.extend(["--parsable".to_owned(), format!("--job-name={name}")]);
    options.push(sweep.join(file).display().to_string());
    let job = client::submit(&name, &options)?;
    record.submitted(sweep, &job)?;
    Ok(job)
}

fn conclusion(
    sweep: &Path,
    record: &mut Record,
    slurm: &Slurm,
    before: &BTreeSet<&String>,
) -> Result<String, Failure> {
    let file = "launch/conclude.sh";
    let text = script::conclude(sweep, slurm);
    write_atomically(&sweep.join(file), text.as_bytes()).map_err(Failure::run)?;
    let mut options = script::conclude_options(sweep, slurm);
    options.extend(after(before.iter().copied()));
    one(sweep, record, Work::Conclude, options, file)
}

/// The option that lets a job wait until others have ended, however they did.
fn after<'a>(jobs: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let jobs: Vec<&str> = jobs.into_iter().map(String::as_str).collect();
    (!jobs.is_empty()).then(|| format!("--dependency=afterany:{}", jobs.join(":")))
}
