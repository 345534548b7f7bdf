//! The commands of Slurm that a sweep needs: sbatch, squeue, scancel, scontrol.
//!
//! Jobs are looked up by name, not by number: a name is unique to a submission, is known before
//! there is a number, and a controller that forgot a job gives its number to another.

use std::io;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::Failure;

/// Why a command of Slurm gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// It could not be started.
    #[error("cannot start {program}: {source}; the commands of Slurm have to be on the PATH")]
    Missing {
        /// The command.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// The controller does not answer just now, or not in time: the request may have been served.
    #[error("{program}: {words}")]
    Busy {
        /// The command.
        program: &'static str,
        /// What it said.
        words: String,
    },
    /// It was refused.
    #[error("{program}: {words}")]
    Refused {
        /// The command.
        program: &'static str,
        /// What it said.
        words: String,
    },
}

/// Whether there are commands of Slurm here.
///
/// # Errors
/// The one that is missing.
pub fn find() -> Result<(), SlurmError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = |program: &&str| !std::env::split_paths(&path).any(|f| f.join(program).is_file());
    match ["sbatch", "squeue", "scontrol"].into_iter().find(missing) {
        Some(program) => {
            Err(SlurmError::Missing { program, source: io::ErrorKind::NotFound.into() })
        }
        None => Ok(()),
    }
}

impl From<SlurmError> for Failure {
    fn from(error: SlurmError) -> Self {
        let help = match &error {
            SlurmError::Missing { .. } => "run this where jobs are submitted from",
            SlurmError::Busy { .. } => "try again when the controller of the cluster answers",
            SlurmError::Refused { .. } => "see [launch] of the config",
        };
        Self::Run(miette::miette!(help = help, "{error}"))
    }
}

/// What Slurm's programs say when another try may do (`slurm_errno.c`, where these texts are).
const PASSING: [&str; 11] = [
    "Unable to contact slurm controller",
    "Unable to contact Slurm controller",
    "Socket timed out",
    "Slurm temporarily unable to accept job",
    "Resource temporarily unavailable",
    "in standby mode",
    "Zero Bytes were transmitted or received",
    "Transport endpoint is not connected",
    "Connection refused",
    "Connection timed out",
    "Communication connection failure",
];

/// Waits before the tries of a request: about a minute in all, the time in which a controller is
/// started again.
pub(super) const WAITS: [u64; 8] = [0, 500, 1000, 2000, 4000, 8000, 16_000, 30_000];

/// A task in the queue, or one that has just left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedTask {
    /// Number of its job; of an array, that of the array.
    pub job: String,
    /// Position in the array; none of a job that is none.
    pub task: Option<usize>,
    /// State as Slurm calls it, e.g. `PENDING`.
    pub state: String,
    /// Name of its job.
    pub name: String,
    /// Why it waits.
    pub reason: String,
}

impl QueuedTask {
    /// Whether it has ended for good.
    pub fn is_over(&self) -> bool {
        const OVER: [&str; 10] = [
            "BOOT_FAIL",
            "CANCELLED",
            "COMPLETED",
            "DEADLINE",
            "FAILED",
            "NODE_FAIL",
            "OUT_OF_MEMORY",
            "PREEMPTED",
            "REVOKED",
            "TIMEOUT",
        ];
        OVER.contains(&self.state.as_str())
    }
}

/// The tasks of jobs with these names, over or not; of those that are over, what the controller has
/// not yet forgotten.
///
/// # Errors
/// No answer.
pub fn queue(names: &[String]) -> Result<Vec<QueuedTask>, SlurmError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let names = format!("--name={}", names.join(","));
    let arguments =
        ["--noheader", "--array", "--states=all", "--format=%F|%K|%T|%j|%r", names.as_str()];
    Ok(run("squeue", &arguments)?.lines().filter_map(parse_task).collect())
}

fn parse_task(line: &str) -> Option<QueuedTask> {
    let mut fields = line.trim().splitn(5, '|').map(str::to_owned);
    let job = fields.next().filter(|job| !job.is_empty())?;
    let task = fields.next()?.parse().ok();
    let (state, name) = (fields.next()?, fields.next()?);
    Some(QueuedTask { job, task, state, name, reason: fields.next().unwrap_or_default() })
}

/// Submits a script and gives the number of its job. Where the controller is busy it tries again,
/// after a look whether the job has not come through: so nothing is submitted twice.
///
/// # Errors
/// A refusal, or a controller that stays busy.
pub fn submit(name: &str, arguments: &[String]) -> Result<String, SlurmError> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    patiently(|tries| {
        if tries > 0
            && let Some(task) = queue(&[name.to_owned()])?.first()
        {
            return Ok(task.job.clone());
        }
        // With more than one cluster it prints `NUMBER;CLUSTER`.
        let out = run("sbatch", &arguments)?;
        let job = out.trim().lines().last().unwrap_or_default();
        let job = job.split(';').next().unwrap_or_default().to_owned();
        if job.is_empty() || !job.bytes().all(|byte| byte.is_ascii_digit()) {
            let words = format!("printed {out:?} and no number of a job");
            return Err(SlurmError::Refused { program: "sbatch", words });
        }
        Ok(job)
    })
}

/// Ends all jobs with a name.
///
/// # Errors
/// No answer.
pub fn cancel(name: &str) -> Result<(), SlurmError> {
    let name = format!("--name={name}");
    patiently(|_| run("scancel", &["--quiet", &name])).map(|_| ())
}

/// Starts a job again from its beginning, once this start of it has ended.
///
/// # Errors
/// No answer, or a refusal.
pub fn requeue(job: &str) -> Result<(), SlurmError> {
    patiently(|_| run("scontrol", &["requeue", job])).map(|_| ())
}

/// Most tasks of one array.
///
/// # Errors
/// No answer.
pub fn array_limit() -> Result<usize, SlurmError> {
    let out = patiently(|_| run("scontrol", &["show", "config"]))?;
    Ok(parse_array_limit(&out))
}

/// `MaxArraySize` is one more than the highest position; 1001 where it is not told, as is Slurm's
/// default.
fn parse_array_limit(config: &str) -> usize {
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "MaxArraySize").then(|| value.trim().parse::<usize>().ok()).flatten()
    };
    config.lines().find_map(value).unwrap_or(1001).max(1)
}

/// Repeats a request that was not served because the controller is busy.
pub(super) fn patiently<T>(
    mut request: impl FnMut(usize) -> Result<T, SlurmError>,
) -> Result<T, SlurmError> {
    let mut result = request(0);
    for (tries, wait) in WAITS.into_iter().enumerate().skip(1) {
        if !matches!(result, Err(SlurmError::Busy { .. })) {
            break;
        }
        std::thread::sleep(Duration::from_millis(wait));
        result = request(tries);
    }
    result
}

/// Variables of Slurm that say where its controller is. All others are left out: they would override
/// what is asked for here, and within a job they describe that job.
const KEPT: [&str; 5] =
    ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_CLUSTERS", "SBATCH_CLUSTERS"];

fn run(program: &'static str, arguments: &[&str]) -> Result<String, SlurmError> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let of_slurm = ["SLURM_", "SBATCH_", "SQUEUE_", "SCANCEL_"];
        if of_slurm.iter().any(|start| text.starts_with(start)) && !KEPT.contains(&text.as_ref()) {
            command.env_remove(&name);
        }
    }
    let output = command.output().map_err(|source| SlurmError::Missing { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let words = if words.is_empty() { format!("ended with {}", output.status) } else { words };
    Err(match PASSING.iter().any(|passing| words.contains(passing)) {
        true => SlurmError::Busy { program, words },
        false => SlurmError::Refused { program, words },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_squeue_and_scontrol_print_is_understood() {
        // Printed by Slurm 22.05.
        let task = parse_task("1|3|RUNNING|xx-1|None").unwrap();
        assert_eq!((task.job.as_str(), task.task, task.is_over()), ("1", Some(3), false));
        let job = parse_task("5|N/A|COMPLETED|xx-c|Dependency").unwrap();
        assert_eq!((job.task, job.name.as_str(), job.is_over()), (None, "xx-c", true));
        assert_eq!(parse_task(""), None);
        let config = "MaxArraySize            = 10001\nMaxBatchRequeue         = 5\n";
        assert_eq!((parse_array_limit(config), parse_array_limit("")), (10_001, 1001));
    }

    #[test]
    fn only_a_busy_controller_is_asked_again() {
        let busy = || SlurmError::Busy { program: "sbatch", words: "Socket timed out".into() };
        let mut tries = 0;
        let result = patiently(|_| {
            tries += 1;
            if tries == 2 { Ok(tries) } else { Err(busy()) }
        });
        assert_eq!(result.unwrap(), 2);
        let mut tries = 0;
        let result: Result<(), _> = patiently(|_| {
            tries += 1;
            Err(SlurmError::Refused { program: "sbatch", words: "Invalid account".into() })
        });
        assert!(result.is_err());
        assert_eq!(tries, 1);
    }
}
