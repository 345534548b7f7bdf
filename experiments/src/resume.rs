//! Whether a run directory can be gone on with: only by the same program, config and data does it
//! end as if it had never stopped.

use std::path::Path;

use trueup_results::{DataSource, Provenance, ProvenanceInput, provenance};

use crate::config::{Config, read_text};
use crate::failure::Failure;

/// What an unfinished run directory says of itself.
#[derive(Debug)]
pub struct Unfinished {
    /// The config.
    pub config: Config,
    provenance: Provenance,
}

impl Unfinished {
    /// Reads config and provenance of a run directory.
    ///
    /// # Errors
    /// Files that are missing or broken, or a config that was changed since the run began.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let (path, origin) = (folder.join("config.toml"), folder.join("provenance.json"));
        if let Some(missing) = [&path, &origin].into_iter().find(|path| !path.exists()) {
            let message = format!("there is no {}", missing.display());
            let help = "the run had not begun, or was no `trueup run`: start it again from its \
                        config";
            return Err(Failure::invalid_because(message, help));
        }
        let text = read_text(&origin, "provenance")?;
        let provenance: Provenance = serde_json::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", origin.display());
            Failure::invalid_because(message, "start the run again from its config")
        })?;
        let sha256 = provenance::sha256(read_text(&path, "config")?.as_bytes());
        if sha256 != provenance.config_sha256 {
            let message = format!(
                "{} was changed since the run began: SHA-256 {} then, {sha256} now",
                path.display(),
                provenance.config_sha256
            );
            let help = format!("start a run of the new config: trueup run {}", path.display());
            return Err(Failure::invalid_because(message, help));
        }
        Ok(Self { config: Config::read(&path, &[])?, provenance })
    }

    /// Refuses another program than the one that began the run.
    ///
    /// # Errors
    /// What differs.
    pub fn same_program(&self) -> Result<(), Failure> {
        let now = Provenance::collect(ProvenanceInput::default());
        match program_difference(&self.provenance, &now) {
            None => Ok(()),
            Some(difference) => {
                let message = format!("another program began this run: {difference}");
                let help = "go on with that program, or with --force if the change cannot matter";
                Err(Failure::invalid_because(message, help))
            }
        }
    }

    /// Refuses other data than the run began with.
    ///
    /// # Errors
    /// What differs.
    pub fn same_data(&self, now: &[DataSource]) -> Result<(), Failure> {
        let then = &self.provenance.data;
        let differs = now.iter().zip(then).find(|(now, then)| now != then);
        let message = match differs {
            Some((now, then)) => format!(
                "the data were changed since the run began: {} has SHA-256 {}, {} had {}",
                now.source, now.sha256, then.source, then.sha256
            ),
            None if now.len() != then.len() => {
                format!("the run began with {} sources of data, not {}", then.len(), now.len())
            }
            None => return Ok(()),
        };
        Err(Failure::invalid_because(message, "restore the data, or start a new run"))
    }
}

/// In what one program differs from another; none where the files are the same.
pub(crate) fn program_difference(then: &Provenance, now: &Provenance) -> Option<String> {
    if then.program_sha256 == now.program_sha256 && then.version == now.version {
        return None;
    }
    let changes = |p: &Provenance| p.dirty.clone().unwrap_or_else(|| "none".into());
    let fields = [
        ("version", then.version.clone(), now.version.clone()),
        ("commit", then.commit.clone(), now.commit.clone()),
        ("uncommitted changes", changes(then), changes(now)),
        ("compiler", then.rustc.clone(), now.rustc.clone()),
        ("target", then.target.clone(), now.target.clone()),
        ("profile", then.profile.clone(), now.profile.clone()),
        ("SHA-256", then.program_sha256.clone(), now.program_sha256.clone()),
    ];
    let differences = fields.into_iter().filter(|(_, then, now)| then != now);
    let words = differences.map(|(what, then, now)| format!("{what} {then} then, {now} now"));
    Some(words.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(version: &str, program_sha256: &str) -> Provenance {
        let (version, program_sha256) = (version.into(), program_sha256.into());
        Provenance { version, program_sha256, ..Provenance::default() }
    }

    #[test]
    fn programs_are_the_same_if_their_files_are() {
        let moved = Provenance { commit: "later".into(), ..program("1", "a") };
        assert_eq!(program_difference(&program("1", "a"), &moved), None);
        let said = program_difference(&program("1", "a"), &program("2", "b")).unwrap();
        assert_eq!(said, "version 1 then, 2 now; SHA-256 a then, b now");
    }
}
