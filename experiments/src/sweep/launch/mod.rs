//! `[launch]` of a config: where runs are started, and with what. It has no part in what comes out.

mod local;
mod slurm;

pub use local::Local;
pub use slurm::{Slurm, TIME_TO_STOP, TimeLimit};

use serde::Serialize;

use crate::config::{Refused, Section, suggestion};

/// How runs are started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Launch {
    /// Threads of each run.
    pub threads: usize,
    /// How often a run that failed is tried again.
    pub retries: usize,
    /// Where.
    #[serde(flatten)]
    pub launcher: Launcher,
}

/// Where runs are started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Launcher {
    /// On this machine.
    Local(Local),
    /// As jobs of a cluster.
    Slurm(Slurm),
}

impl Default for Launch {
    fn default() -> Self {
        Self { threads: 1, retries: 0, launcher: Launcher::Local(Local::default()) }
    }
}

const KINDS: [&str; 2] = ["local", "slurm"];

impl Launch {
    pub(crate) fn check(mut section: Section<'_>) -> Result<Self, Refused> {
        let kind = section.take::<String>("kind")?;
        let threads = positive(&mut section, "threads")?.unwrap_or(1);
        let retries = section.take::<usize>("retries")?.map_or(0, |given| given.into_inner());
        let (launcher, others) = match kind.as_ref().map(|kind| kind.get_ref().as_str()) {
            None | Some("local") => {
                let keys = ("slurm", slurm::KEYS.as_slice());
                (Launcher::Local(Local::check(&mut section)?), keys)
            }
            Some("slurm") => {
                let keys = ("local", local::KEYS.as_slice());
                (Launcher::Slurm(Slurm::check(&mut section)?), keys)
            }
            Some(given) => {
                let message = format!("unknown launcher `{given}`");
                let help = suggestion(given, KINDS.into_iter()).unwrap_or_default();
                return Err(match &kind {
                    Some(kind) => section.refuse(kind, message, &help),
                    None => section.refuse_whole(message, &help),
                });
            }
        };
        refuse_keys_of(&section, others)?;
        section.end()?;
        Ok(Self { threads, retries, launcher })
    }

    /// In words: `4 at a time with 1 thread each`.
    pub fn words(&self) -> String {
        let threads = match self.threads {
            1 => "1 thread".to_owned(),
            n => format!("{n} threads"),
        };
        match &self.launcher {
            Launcher::Local(local) => {
                format!("{} at a time with {threads} each", local.jobs(self.threads))
            }
            Launcher::Slurm(slurm) => {
                let at_once = match slurm.tasks_at_once {
                    Some(n) => format!("{n} at a time"),
                    None => "as many at a time as the cluster gives".to_owned(),
                };
                format!("Slurm tasks of {}, {at_once}, with {threads} each", slurm.runs_per_task)
            }
        }
    }
}

/// Refuses keys that only launchers of another kind have.
fn refuse_keys_of(section: &Section<'_>, (kind, keys): (&str, &[&str])) -> Result<(), Refused> {
    match section.keys().iter().find(|key| keys.contains(&key.get_ref().as_str())) {
        None => Ok(()),
        Some(key) => {
            let message = format!("`launch.{}` is a key of kind = \"{kind}\"", key.get_ref());
            Err(section.refuse(key, message, &format!("remove it, or set kind = \"{kind}\"")))
        }
    }
}

/// Takes a number that is not 0.
fn positive(section: &mut Section<'_>, key: &'static str) -> Result<Option<usize>, Refused> {
    match section.take::<usize>(key)? {
        Some(n) if *n.get_ref() == 0 => {
            let message = format!("`launch.{key}` is 0: nothing would run");
            Err(section.refuse(&n, message, "give 1 or more, or leave the key out"))
        }
        n => Ok(n.map(|n| n.into_inner())),
    }
}

#[cfg(test)]
mod tests;
