//! `[launch] kind = "slurm"`: tasks of job arrays.

use serde::Serialize;

use super::positive;
use crate::config::{Placed, Refused, Section};

/// Keys of this kind alone.
pub(super) const KEYS: [&str; 7] =
    ["partition", "account", "time", "memory", "runs_per_task", "tasks_at_once", "extra"];

/// Seconds before the end of a task's time at which it is told to stop: enough for an iteration and
/// a checkpoint.
pub const TIME_TO_STOP: u64 = 120;
/// Least seconds of a task: Slurm looks at time limits once a minute, and may tell a task to stop a
/// minute early.
const LEAST_TIME: u64 = 300;

/// Options that this program sets itself, by what to do instead.
const RESERVED: [(&str, &str); 17] = [
    ("account", "set launch.account"),
    ("array", "runs_per_task and tasks_at_once decide about it"),
    ("chdir", "every path of a sweep is absolute"),
    ("cpus-per-task", "set launch.threads"),
    ("dependency", "tasks do not wait for others"),
    ("error", "what tasks tell is in the folder `launch/logs` of the sweep"),
    ("job-name", "jobs are found again by their names"),
    ("mem", "set launch.memory"),
    ("no-requeue", "a task whose node fails is started again"),
    ("nodes", "a task is one process"),
    ("ntasks", "a task is one process"),
    ("open-mode", "logs are appended to"),
    ("output", "what tasks tell is in the folder `launch/logs` of the sweep"),
    ("parsable", "this program reads what sbatch prints"),
    ("partition", "set launch.partition"),
    ("signal", "a task is told in time that it has to stop"),
    ("time", "set launch.time"),
];

/// Tasks of job arrays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Slurm {
    /// Partition; none for the cluster's own choice, as everywhere here.
    pub partition: Option<String>,
    /// Account that pays.
    pub account: Option<String>,
    /// Time of a task.
    pub time: Option<TimeLimit>,
    /// Memory of a task, as Slurm writes it.
    pub memory: Option<String>,
    /// Runs that a task does, one after another.
    pub runs_per_task: usize,
    /// Most tasks that run at the same time.
    pub tasks_at_once: Option<usize>,
    /// Further options of `sbatch`.
    pub extra: Vec<String>,
}

/// A time limit as Slurm writes it, e.g. `1-12:00:00`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct TimeLimit(String);

impl TimeLimit {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Slurm {
    pub(super) fn check(section: &mut Section<'_>) -> Result<Self, Refused> {
        let time = match section.take::<String>("time")? {
            None => None,
            Some(given) => {
                check_time(section, &given)?;
                Some(TimeLimit(given.into_inner()))
            }
        };
        Ok(Self {
            partition: word(section, "partition", "a name, or several with commas")?,
            account: word(section, "account", "a name")?,
            time,
            memory: memory(section)?,
            runs_per_task: positive(section, "runs_per_task")?.unwrap_or(1),
            tasks_at_once: positive(section, "tasks_at_once")?,
            extra: extra(section)?,
        })
    }
}

/// Takes a value of one word.
fn word(
    section: &mut Section<'_>,
    key: &'static str,
    what: &str,
) -> Result<Option<String>, Refused> {
    let Some(given) = section.take::<String>(key)? else { return Ok(None) };
    let text = given.get_ref();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '"' || c == '\'';
    if text.is_empty() || text.starts_with('-') || text.contains(odd) {
        let message = format!("`launch.{key}` is {text:?}");
        return Err(section.refuse(&given, message, &format!("give {what}")));
    }
    Ok(Some(given.into_inner()))
}

fn memory(section: &mut Section<'_>) -> Result<Option<String>, Refused> {
    let Some(given) = section.take::<String>("memory")? else { return Ok(None) };
    let text = given.get_ref();
    let digits = text.trim_end_matches(['K', 'M', 'G', 'T']);
    let units = text.len() - digits.len();
    let amount = digits.bytes().all(|byte| byte.is_ascii_digit()) && units <= 1;
    if !amount || digits.parse::<u64>().unwrap_or(0) == 0 {
        let message = format!("`launch.memory` is {text:?}");
        let help = "write it as Slurm does, e.g. \"4G\" or \"500M\"";
        return Err(section.refuse(&given, message, help));
    }
    Ok(Some(given.into_inner()))
}

fn check_time(section: &Section<'_>, given: &Placed<String>) -> Result<(), Refused> {
    let text = given.get_ref();
    match seconds(text) {
        None => {
            let message = format!("`launch.time` is {text:?}");
            let help = "write it as Slurm does: \"90\" (minutes), \"04:00:00\", \"2-12:00:00\"";
            Err(section.refuse(given, message, help))
        }
        Some(0..LEAST_TIME) => {
            let message = format!("`launch.time` is {text:?}, less than 5 minutes");
            let help = "a task is told to stop 2 minutes before its end, and Slurm may be a minute \
                        early: give it more time and, for short runs, more runs_per_task";
            Err(section.refuse(given, message, help))
        }
        Some(_) => Ok(()),
    }
}

/// Seconds of a time limit: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M` or `D-H:M:S`.
fn seconds(text: &str) -> Option<u64> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u32>().ok().map(u64::from)).flatten()
    };
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(number(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match (days, parts.as_slice()) {
        (None, &[m]) => (0, m, 0),
        (None, &[m, s]) => (0, m, s),
        (None, &[h, m, s]) => (h, m, s),
        (Some(_), &[h]) => (h, 0, 0),
        (Some(_), &[h, m]) => (h, m, 0),
        (Some(_), &[h, m, s]) => (h, m, s),
        _ => return None,
    };
    Some(((days.unwrap_or(0) * 24 + hours) * 60 + minutes) * 60 + seconds)
}

fn extra(section: &mut Section<'_>) -> Result<Vec<String>, Refused> {
    let Some(given) = section.take::<Vec<Placed<String>>>("extra")? else {
        return Ok(Vec::new());
    };
    for option in given.get_ref() {
        let text = option.get_ref();
        let name = text.strip_prefix("--").map(|rest| rest.split('=').next().unwrap_or(rest));
        let Some(name) = name.filter(|name| !name.is_empty() && !text.contains(char::is_control))
        else {
            let message = format!("`launch.extra` holds {text:?}");
            let help = "give options of sbatch one by one, e.g. [\"--qos=long\", \"--exclusive\"]";
            return Err(section.refuse(option, message, help));
        };
        if let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| *reserved == name) {
            let message = format!("`launch.extra` sets --{name}");
            return Err(section.refuse(option, message, instead));
        }
    }
    Ok(given.into_inner().into_iter().map(Placed::into_inner).collect())
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_are_read_as_the_manual_of_sbatch_has_them() {
        let times = [
            ("90", 5400),
            ("90:30", 5430),
            ("04:00:00", 14_400),
            ("1-0", 86_400),
            ("1-12:30", 131_400),
            ("2-00:00:05", 172_805),
        ];
        for (text, wanted) in times {
            assert_eq!(seconds(text), Some(wanted), "{text}");
        }
        for text in ["", "-", "1-", "four", "1:2:3:4", "1-2:3:4:5", "1:", "+5", "99999999999"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
