//! Who works on a run: a process on a machine, perhaps within a job of a cluster.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::provenance::{host, now};
use crate::run_directory::boot;

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Machine.
    pub host: String,
    /// Kernel start of that machine; empty where the system does not tell.
    pub boot: String,
    /// Process number.
    pub pid: u32,
    /// When the process started, in the system's own unit; tells a process number that was used
    /// again. Empty where the system does not tell.
    pub born: String,
    /// Job of the cluster, e.g. `1234_5`; none outside of one.
    pub job: Option<String>,
    /// How often the cluster had started that job before.
    #[serde(default)]
    pub restarts: u64,
    /// When the lease began, UTC.
    pub since: String,
}

impl Owner {
    /// This process.
    pub fn this() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let array = variable("SLURM_ARRAY_JOB_ID").zip(variable("SLURM_ARRAY_TASK_ID"));
        let job = array.map(|(job, task)| format!("{job}_{task}")).or(variable("SLURM_JOB_ID"));
        let restarts = variable("SLURM_RESTART_COUNT").and_then(|count| count.parse().ok());
        let pid = std::process::id();
        Self {
            host: host(),
            boot: boot(),
            pid,
            born: born(pid),
            job,
            restarts: restarts.unwrap_or(0),
            since: now(),
        }
    }

    /// Whether this is an earlier start of the job that `later` belongs to.
    pub(super) fn is_before(&self, later: &Self) -> bool {
        self.job.is_some() && self.job == later.job && self.restarts < later.restarts
    }

    /// Whether the process is known to be gone. On another machine nothing is known.
    pub(super) fn is_gone(&self) -> bool {
        self.can_be_seen() && born(self.pid) != self.born
    }

    /// Whether the process is known to live.
    pub fn lives(&self) -> bool {
        self.can_be_seen() && born(self.pid) == self.born
    }

    /// Whether it is of this machine, and the system tells of its processes.
    fn can_be_seen(&self) -> bool {
        let here = self.host == host() && self.boot == boot() && !self.boot.is_empty();
        here && Path::new("/proc/self").exists()
    }

    /// In words: `process 12 on node7, job 1234_5`.
    pub fn words(&self) -> String {
        let job = self.job.as_ref().map_or(String::new(), |job| format!(", job {job}"));
        format!("process {} on {}{job}", self.pid, self.host)
    }
}

/// Start of a process in clock ticks since the kernel's start (field 22 of `/proc/PID/stat`, after
/// the name in brackets); empty where there is none.
fn born(pid: u32) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    let mut fields = after.split_whitespace();
    // A process that has ended but was not waited for does no work any more.
    if fields.next() == Some("Z") {
        return String::new();
    }
    fields.nth(18).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_start_of_a_job_comes_before_no_worker_but_those_of_its_former_start() {
        let start = |job: Option<&str>, restarts| Owner {
            job: job.map(str::to_owned),
            restarts,
            ..Owner::this()
        };
        let later = start(Some("12_3"), 2);
        assert!(start(Some("12_3"), 1).is_before(&later));
        // Workers of one start share the work; other jobs are somebody else's.
        assert!(!start(Some("12_3"), 2).is_before(&later));
        assert!(!start(Some("12_3"), 3).is_before(&later));
        assert!(!start(Some("12_4"), 1).is_before(&later));
        assert!(!start(None, 0).is_before(&start(None, 1)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn of_this_machine_it_is_known_who_lives() {
        let this = Owner::this();
        assert!(this.lives() && !this.is_gone());
        let gone = Owner { born: "1".into(), ..this.clone() };
        assert!(gone.is_gone() && !gone.lives());
        let far = Owner { host: "another".into(), ..this };
        assert!(!far.is_gone() && !far.lives());
    }

    #[test]
    fn an_owner_written_by_an_older_program_counts_no_restarts() {
        let old = r#"{"host":"a","boot":"","pid":1,"born":"","job":null,"since":""}"#;
        assert_eq!(serde_json::from_str::<Owner>(old).unwrap().restarts, 0);
    }
}
