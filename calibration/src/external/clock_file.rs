//! `clock.json`, beside logs that trueup wrote: what their CSVs leave out.
//!
//! A log says what users did, not for how long they were watched: a user without events in the last
//! ticks leaves no trace of them. 26 weeks held against 52 would look like users who give up.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use trueup_env::finance::KindEffect;
use trueup_env::{Clock, EventLog};

use super::error::ExternalError;
use super::load::Loaded;
use super::map_check::MAX_HORIZON;
use super::window::{BEYOND_HORIZON, clock_text};
use super::write::read_log;

/// How far apart the last events of two logs may be before they are taken to be of different
/// lengths, as a share of the horizon.
const APART: f64 = 0.1;

/// The clock, the kinds and their effects of all logs of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockFile {
    /// Tick length, horizon and start.
    pub clock: Clock,
    /// The kinds in the order of their numbers, those without events included.
    pub kinds: Vec<String>,
    /// What each kind does to money; empty in files of older versions.
    #[serde(default)]
    pub effects: Vec<KindEffect>,
}

impl ClockFile {
    /// The name of the file.
    pub const NAME: &'static str = "clock.json";

    /// The file in the folder of a log; none where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read, or does not hold a clock.
    pub fn beside(log: &str) -> Result<Option<Self>, ExternalError> {
        let path = Path::new(log).with_file_name(Self::NAME);
        let refuse = |reason: String| {
            let path = path.display().to_string();
            Err(ExternalError::Unreadable { path, reason })
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return refuse(error.to_string()),
        };
        match serde_json::from_str::<Self>(&text) {
            Ok(file) if (1..=MAX_HORIZON).contains(&file.clock.horizon) => Ok(Some(file)),
            Ok(file) => refuse(format!(
                "its horizon is {}; it must lie between 1 and {MAX_HORIZON}",
                file.clock.horizon
            )),
            Err(error) => refuse(format!("no clock of a log: {error}")),
        }
    }
}

/// Reads a log that [`write_log`](super::write_log) wrote, to hold it against `other`: on its clock,
/// with its kinds and their effects.
///
/// # Errors
/// As for [`load`](super::load()); also where the log is of another length: by its [`ClockFile`],
/// or without one by its last event.
pub fn read_like(path: &str, other: &EventLog) -> Result<Loaded, ExternalError> {
    let theirs = other.clock();
    let file = ClockFile::beside(path)?;
    let refuse = |own: String| ExternalError::Clocks {
        path: path.into(),
        own,
        other: clock_text(theirs),
        horizon: theirs.horizon,
    };
    if let Some(ClockFile { clock, .. }) = &file
        && (clock.tick, clock.horizon) != (theirs.tick, theirs.horizon)
    {
        return Err(refuse(format!("by the {} beside it {}", ClockFile::NAME, clock_text(clock))));
    }
    let mut loaded = read_log(path, theirs, other.kinds())?;
    loaded.log = loaded.log.with_effects(other.effects());
    let beyond = loaded.account.rows_dropped.iter().find(|tally| tally.reason == BEYOND_HORIZON);
    if let Some(tally) = beyond {
        return Err(refuse(format!("with {} events after that", tally.count)));
    }
    let last = |log: &EventLog| log.events().iter().map(|event| event.tick).max();
    if let (None, Some(own), Some(real)) = (&file, last(&loaded.log), last(other))
        && f64::from(own.abs_diff(real)) > APART * f64::from(theirs.horizon)
    {
        return Err(refuse(format!(
            "without a {}, and its last event is in tick {own}, theirs in tick {real}",
            ClockFile::NAME
        )));
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_file_is_read_back_and_a_broken_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.csv").display().to_string();
        assert_eq!(ClockFile::beside(&log), Ok(None));
        let clock = Clock { tick: trueup_env::Tick::Week, horizon: 52, start_day: None };
        let kinds = vec!["purchase".to_string()];
        let file = ClockFile { clock, effects: KindEffect::by_names(&kinds), kinds };
        let text = serde_json::to_string(&file).unwrap();
        let write = |text: &str| fs::write(folder.path().join(ClockFile::NAME), text).unwrap();
        write(&text);
        assert_eq!(ClockFile::beside(&log), Ok(Some(file)));
        for (bad, said) in [
            (text.replace("52", "0"), "horizon is 0"),
            (text.replace("week", "fortnight"), "no clock"),
            ("{}".into(), "no clock"),
        ] {
            write(&bad);
            let error = ClockFile::beside(&log).unwrap_err().to_string();
            assert!(error.contains("clock.json") && error.contains(said), "{error}");
        }
    }
}
