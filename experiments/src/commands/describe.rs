//! `trueup describe`: what is in a log, as understood.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use trueup_calibration::external::{self, Description, Loaded};
use trueup_calibration::statistics::privacy::{
    DEFAULT_FEATURES, Mechanism, NoiseKey, PrivacyConfig, private,
};
use trueup_calibration::statistics::{HeldOut, Origin, Statistics, digest};
use trueup_env::{EventLog, Streams};

use crate::cli::{Common, print_json};
use crate::config::read_map;
use crate::failure::Failure;
use crate::prepare::{pseudonym_key, split_by};
use crate::secret::secret;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Describe {
    /// The log: a CSV or CSV.gz file, or `builtin:cdnow`.
    log: String,
    /// How to read it (TOML); a builtin needs none.
    #[arg(long, value_name = "MAP")]
    map: Option<PathBuf>,
    /// Also write the statistics that worlds and rewards are fitted from to this file.
    #[arg(long, value_name = "FILE")]
    statistics: Option<PathBuf>,
    /// Hold this share of the users out of the statistics, as a run with `split.test` and
    /// `split.seed` does (seed 1 unless given): a run with both files is judged by them.
    #[arg(long, value_name = "SHARE[:SEED]", value_parser = split, requires = "statistics")]
    split: Option<HeldOut>,
    #[command(flatten)]
    privacy: Privacy,
}

/// How to make the statistics differentially private, with users as the unit.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Private statistics")]
struct Privacy {
    /// The budget: a positive number, or `inf` for the same histograms without noise.
    #[arg(long, value_name = "NUMBER", requires_all = ["statistics", "amounts"])]
    epsilon: Option<f64>,
    /// The probability that is left over; well below 1 / users.
    #[arg(long, value_name = "NUMBER", default_value_t = 1e-6, requires = "epsilon")]
    delta: f64,
    /// What kind of noise.
    #[arg(long, value_enum, default_value_t = Noise::Gaussian, requires = "epsilon")]
    mechanism: Noise,
    /// Public bounds of amounts; never the smallest and largest of the log.
    #[arg(long, value_name = "LOW:HIGH", value_parser = range, requires = "epsilon")]
    amounts: Option<[f64; 2]>,
    /// Public bounds of a feature, or of a covariate (`covariate.NAME`); may be repeated.
    #[arg(long = "bound", value_name = "FEATURE=LOW:HIGH", value_parser = bound, requires = "epsilon")]
    bounds: Vec<(String, [f64; 2])>,
    /// The most events of a user that count.
    #[arg(long, value_name = "N", default_value_t = 10, requires = "epsilon")]
    max_events: u32,
    /// Features to release beside amounts, kinds and event counts.
    #[arg(long, value_delimiter = ',', value_name = "NAMES",
          default_values_t = DEFAULT_FEATURES.map(String::from), requires = "epsilon")]
    features: Vec<String>,
    /// The most bins of a histogram.
    #[arg(long, value_name = "N", default_value_t = 64, requires = "epsilon")]
    bins: usize,
}

/// What `--json` prints.
#[derive(serde::Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    description: &'a Description,
    /// Which users are held out of the statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    split: Option<HeldOut>,
}

/// Kinds of noise.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Noise {
    /// Discrete Gaussian noise, added up in zCDP.
    Gaussian,
    /// Discrete Laplace noise; works with a delta of 0.
    Laplace,
}

/// `LOW:HIGH`.
fn range(text: &str) -> Result<[f64; 2], String> {
    let sides = text.split_once(':').map(|(low, high)| (low.trim().parse(), high.trim().parse()));
    match sides {
        Some((Ok(low), Ok(high))) => Ok([low, high]),
        _ => Err("give two numbers with a colon between them, such as 1:1000".into()),
    }
}

/// `NAME=LOW:HIGH`.
fn bound(text: &str) -> Result<(String, [f64; 2]), String> {
    let (name, bounds) = text.split_once('=').ok_or("give a name, `=`, and LOW:HIGH")?;
    Ok((name.trim().into(), range(bounds)?))
}

/// `SHARE` or `SHARE:SEED`.
fn split(text: &str) -> Result<HeldOut, String> {
    let (share, seed) = text.split_once(':').unwrap_or((text, "1"));
    match (share.trim().parse(), seed.trim().parse()) {
        (Ok(share), Ok(seed)) if share > 0.0 && share < 1.0 => Ok(HeldOut { share, seed }),
        _ => Err("give a share between 0 and 1, and a whole number behind a colon for another \
                  draw, such as 0.5:1"
            .into()),
    }
}

impl Describe {
    /// Runs the command.
    ///
    /// # Errors
    /// An invalid map or log, options that are not private, or a failed write.
    pub fn execute(&self, common: &Common) -> Result<(), Failure> {
        let map = self.map.as_ref().map(|path| read_map(path)).transpose()?;
        let loaded =
            external::load(&self.log, map.as_ref(), &pseudonym_key()?).map_err(Failure::invalid)?;
        let statistics = self.statistics.as_ref().map(|_| self.measure(&loaded)).transpose()?;
        let description = external::describe(&loaded);
        if common.json {
            print_json(&Described { description: &description, split: self.split })?;
        }
        common.say(description.text().trim_end());
        if let (Some(path), Some(statistics)) = (&self.statistics, statistics) {
            self.write(&statistics, path, common)?;
        }
        Ok(())
    }

    /// The statistics of the log, or of the part that is not held out.
    fn measure(&self, loaded: &Loaded) -> Result<Statistics, Failure> {
        let train = match self.split {
            None => Cow::Borrowed(&loaded.log),
            Some(HeldOut { share, seed }) => {
                Cow::Owned(split_by(&loaded.log, share, &Streams::new(seed))?.train)
            }
        };
        let private = self.privacy.measure(&train)?;
        let split = self.split;
        Ok(match private {
            // A digest of the log, or its exact number of users, would undo the privacy.
            Some(mut statistics) => {
                if let Some(record) = &mut statistics.privacy
                    && split.is_some()
                {
                    record.public.push("number and order of users, for the split".into());
                }
                Statistics {
                    origin: Some(Origin { split, ..Origin::default() }),
                    population: Some(loaded.public_population()),
                    ..statistics
                }
            }
            None => {
                let (digest, users) = (Some(digest(&loaded.log)), Some(loaded.log.user_count()));
                Statistics {
                    origin: Some(Origin { digest, users, split }),
                    population: Some(loaded.population()),
                    ..Statistics::of(&train)
                }
            }
        })
    }

    fn write(&self, statistics: &Statistics, path: &Path, common: &Common) -> Result<(), Failure> {
        statistics.save(path).map_err(Failure::run)?;
        common.say(&format!("Statistics: {}", path.display()));
        match self.split {
            Some(HeldOut { share, seed }) => common.say(&format!(
                "They are of {} users. The others (share {share}, seed {seed}) are held out: a run \
                 with these statistics and this log as its source is judged by them alone.",
                statistics.users
            )),
            None => common.say(
                "They are of all users: a run with them and this log as its source has nobody held \
                 out. --split 0.5 leaves half of the users out.",
            ),
        }
        if let Some(record) = &statistics.privacy {
            let histograms = record.queries.len();
            common.say(&match record.epsilon {
                Some(epsilon) => format!(
                    "Private for users with epsilon {epsilon} and delta {}, over {histograms} \
                     histograms. What is described above is exact: it stays here.",
                    record.delta
                ),
                None => format!("Not private: {histograms} histograms without noise."),
            });
        }
        Ok(())
    }
}

impl Privacy {
    /// Private statistics, if a budget was given.
    fn measure(&self, log: &EventLog) -> Result<Option<Statistics>, Failure> {
        let (Some(epsilon), Some(amounts)) = (self.epsilon, self.amounts) else {
            return Ok(None);
        };
        let config = PrivacyConfig {
            epsilon: (epsilon != f64::INFINITY).then_some(epsilon),
            delta: self.delta,
            mechanism: match self.mechanism {
                Noise::Gaussian => Mechanism::Gaussian,
                Noise::Laplace => Mechanism::Laplace,
            },
            max_events: self.max_events,
            bounds: self.bounds.iter().cloned().collect(),
            features: self.features.clone(),
            bins: self.bins,
            ..PrivacyConfig::new(amounts)
        };
        private(log, &config, &noise_key()?).map(Some).map_err(Failure::invalid)
    }
}

/// A key that nobody knows, not even the next call. Never `TRUEUP_KEY`: two files with the same
/// noise would tell what lies between them.
fn noise_key() -> Result<NoiseKey, Failure> {
    Ok(NoiseKey::new(&secret()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_read() {
        assert_eq!(split("0.25:7"), Ok(HeldOut { share: 0.25, seed: 7 }));
        assert_eq!(split("0.5"), Ok(HeldOut { share: 0.5, seed: 1 }));
        for wrong in ["", "1", "0", "0.5:", "0.5:-1", "nan", "0.5:1:2"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bounds_are_read() {
        assert_eq!(range("1:2.5"), Ok([1.0, 2.5]));
        assert_eq!(bound("gap=0:9"), Ok(("gap".into(), [0.0, 9.0])));
        for wrong in ["", "1", "1:", "a:b", "1-2"] {
            assert!(range(wrong).is_err(), "{wrong}");
            assert!(bound(wrong).is_err(), "{wrong}");
        }
    }
}
