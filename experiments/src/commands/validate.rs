//! `trueup validate`: checks a config and its data without running it.

use std::path::PathBuf;

use serde::Serialize;
use trueup_calibration::reward::Term;
use trueup_calibration::statistics::Statistics;
use trueup_env::EventLog;
use trueup_results::KindOfLog;

use crate::cli::{Common, Overrides, print, print_json};
use crate::config::{Config, Source};
use crate::failure::Failure;
use crate::prepare::{Prepared, prepare};
use crate::progress::{Reporter, Style, thousands};
use crate::sweep::plan::{is_sweep, plan};

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// The config.
    config: PathBuf,
    #[command(flatten)]
    overrides: Overrides,
}

impl Validate {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid config, or data, a world or a reward that do not fit it.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let source = Source::read(&self.config, &self.overrides.set)?;
        if is_sweep(&source)? {
            plan(&source)?.check_data()?;
            return super::plan::tell(&source, common);
        }
        let config = Config::check(&source.document(&[]))?;
        let found = match &config {
            Config::Users(experiment) => {
                Some(Found::of(&prepare(experiment, &Reporter::new(Style::Quiet))?))
            }
            Config::Task(_) => None,
        };
        let text = config.resolved().map_err(Failure::invalid)?;
        if common.json {
            let table: toml::Table = toml::from_str(&text).map_err(Failure::run)?;
            let mut value = serde_json::to_value(table).map_err(Failure::run)?;
            if let (Some(found), Some(object)) = (&found, value.as_object_mut()) {
                object.insert("found".into(), serde_json::to_value(found).map_err(Failure::run)?);
            }
            return print_json(&value);
        }
        if !common.quiet {
            print(text.trim_end());
            // Comments: what is printed stays a config.
            found.iter().flat_map(Found::lines).for_each(|line| print(&format!("# {line}")));
        }
        Ok(())
    }
}

/// What the data of a config hold, and what follows from them.
#[derive(Debug, Serialize)]
struct Found {
    /// Users to train on.
    train_users: usize,
    /// Users to hold against; none where there is no log.
    test_users: Option<usize>,
    /// Events of the users to train on.
    events: usize,
    /// Ticks of the window.
    horizon: u32,
    /// What a tick is.
    tick: &'static str,
    /// The kinds of events and what they do to money.
    kinds: Vec<KindOfLog>,
    /// What the reward optimises; empty where no calibrator is trained on it.
    reward_terms: Vec<Term>,
    /// What a reader must know.
    notes: Vec<String>,
}

impl Found {
    fn of(prepared: &Prepared) -> Self {
        let Statistics { users, events, clock, .. } = &prepared.statistics;
        Self {
            train_users: *users,
            test_users: prepared.test.as_ref().map(EventLog::user_count),
            events: *events,
            horizon: clock.horizon,
            tick: clock.tick.name(),
            kinds: prepared.kinds(),
            reward_terms: prepared.terms.clone(),
            notes: prepared.assumptions().into_iter().chain(prepared.notes.clone()).collect(),
        }
    }

    fn lines(&self) -> Vec<String> {
        let held_out = match self.test_users {
            Some(users) => format!("{} held out", thousands(users as u64)),
            None => "none held out".to_owned(),
        };
        let mut lines = vec![format!(
            "The data: {} users for training with {} events, {held_out}, {} {}s.",
            thousands(self.train_users as u64),
            thousands(self.events as u64),
            self.horizon,
            self.tick
        )];
        lines.extend(self.kinds.iter().map(|kind| format!("Kind {}", kind.words())));
        if self.reward_terms.is_empty() {
            lines.push("No calibrator is trained on the reward.".into());
        }
        lines.extend(self.reward_terms.iter().map(|term| {
            let Term { feature, discrepancy, weight } = term;
            format!("Reward term: {discrepancy} of {feature}, weight {weight}")
        }));
        lines.extend(self.notes.iter().map(|note| format!("Note: {note}")));
        lines
    }
}
