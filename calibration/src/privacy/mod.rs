//! Does a simulation repeat the users that it was fitted on?
//!
//! Each simulated user is compared with the closest training user and the closest held-out user (the
//! distance to the closest record). A simulation that has learned how users behave is as close to
//! either; one that repeats training users is closer to those (Platzer and Reutterer,
//! *Holdout-based empirical assessment of mixed-type synthetic data*, Frontiers in Big Data 4, 2021).
//! The held-out users also say how close fresh real users come to the training users.
//!
//! Distances are Euclidean between user vectors, standardised by the mean and standard deviation of
//! all real users, and good to about six digits. All users are compared with all, block by block:
//! time grows with their product, memory with their sum.
//!
//! **What it is not.** Nothing here proves that nobody can be recognised: such distances have passed
//! data from which users were reconstructed (Ganev and De Cristofaro, *On the inadequacy of
//! similarity-based privacy metrics*, arXiv 2312.05114, 2023). It finds copies; a guarantee needs
//! differential privacy.

mod closeness;
mod records;
mod words;

use serde::{Deserialize, Serialize};
use trueup_env::{EventLog, Streams};

pub use closeness::Closeness;
pub use records::Records;
pub(crate) use records::wilson;
pub use words::Verdict;

use crate::discrepancy::scaling::Scaling;
use crate::features;
use crate::neighbours::Points;
use crate::sample::{Sample, Shape};

/// The fewest users of each side.
pub const LEAST_USERS: usize = 10;

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyConfig {
    /// Replicates of the bootstrap; at least 1.
    pub replicates: usize,
    /// Relabellings for p-values, which are at least one over this; at least 1.
    pub relabellings: usize,
}

impl Default for PrivacyConfig {
    fn default() -> Self {
        Self { replicates: 400, relabellings: 1999 }
    }
}

/// A value with a 95% interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its interval.
    pub interval: [f64; 2],
}

/// How close simulated users are to those that the simulation was fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    /// Numbers of users: simulated, training, held out.
    pub users: [usize; 3],
    /// Which side all simulated users are closer to.
    pub all: Closeness,
    /// Which side those are closer to that come nearest to any real user: the nearest twentieth.
    pub nearest: Closeness,
    /// Which side those are equal to that are alike to a real user in all digits that are kept.
    pub equal: Closeness,
    /// Simulated users against the training users.
    pub simulated: Records,
    /// Held-out users against the training users: what fresh real users give.
    pub holdout: Records,
    /// What follows.
    pub verdict: Verdict,
    /// The verdict in plain words.
    pub words: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PrivacyError {
    /// The rows are no vectors, or not one a user, or not of one width.
    #[error("the {which} users cannot be compared: {why}")]
    Unsuited {
        /// `simulated`, `training` or `held-out`.
        which: &'static str,
        /// What is wrong.
        why: String,
    },
    /// Too few users.
    #[error("{users} {which} users are too few to look for copies; it takes at least {least}")]
    TooFew {
        /// `simulated`, `training` or `held-out`.
        which: &'static str,
        /// How many there are.
        users: usize,
        /// How many it takes.
        least: usize,
    },
    /// A number that is not finite.
    #[error("number {column} of {which} user {row} is {value}, not a finite number")]
    NotFinite {
        /// `simulated`, `training` or `held-out`.
        which: &'static str,
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value.
        value: f64,
    },
    /// A setting out of range.
    #[error("privacy: {0}")]
    BadConfig(&'static str),
}

impl Privacy {
    /// Compares the vectors of all user-level features of three logs.
    ///
    /// # Errors
    /// As for [`Privacy::of`].
    pub fn of_logs(
        simulated: &EventLog,
        train: &EventLog,
        holdout: &EventLog,
        config: &PrivacyConfig,
        streams: &Streams,
    ) -> Result<Self, PrivacyError> {
        let [simulated, train, holdout] = [simulated, train, holdout].map(features::user_vectors);
        Self::of(&simulated, &train, &holdout, config, streams)
    }

    /// Compares samples of vectors with one row a user.
    ///
    /// # Errors
    /// Rows that are no vectors of one width or not finite, several rows a user, fewer than
    /// [`LEAST_USERS`] users on a side, or settings of 0.
    pub fn of(
        simulated: &Sample,
        train: &Sample,
        holdout: &Sample,
        config: &PrivacyConfig,
        streams: &Streams,
    ) -> Result<Self, PrivacyError> {
        if config.replicates == 0 || config.relabellings == 0 {
            return Err(PrivacyError::BadConfig("replicates and relabellings are at least 1"));
        }
        let sides = [("simulated", simulated), ("training", train), ("held-out", holdout)];
        for (which, sample) in sides {
            check(which, sample, train.width)?;
        }
        let scaling = Scaling::of_samples(&[train, holdout]);
        let [x, t, h] = [simulated, train, holdout]
            .map(|sample| Points::of(sample, 0..sample.rows(), &scaling));
        let (to_train, to_holdout) = (t.nearest(&x), h.nearest(&x));
        let pooled = closeness::Pooled::of(&to_train, &to_holdout, [t.len(), h.len()]);
        let closeness = |which: &str, users: Vec<usize>| {
            pooled.closeness(&users, config, &streams.child(which, 0))
        };
        let all = closeness("all", (0..x.len()).collect());
        let nearest = closeness("nearest", pooled.nearest(x.len().div_ceil(20)));
        let equal = closeness("equal", pooled.equal());
        let mut privacy = Self {
            users: [x.len(), t.len(), h.len()],
            all,
            nearest,
            equal,
            simulated: Records::of(&to_train),
            holdout: Records::of(&t.nearest(&h)),
            verdict: Verdict::NoSignOfCopying,
            words: String::new(),
        };
        privacy.judge();
        Ok(privacy)
    }

    /// Whether the simulation repeats training users more than chance explains.
    pub fn copies(&self) -> bool {
        self.verdict == Verdict::Copies
    }

    /// The score that SDMetrics calls DCROverfittingProtection, where both real sides have as many
    /// users: 1 where simulated users are no closer to the training users, 0 where all are.
    pub fn overfitting_protection(&self) -> f64 {
        let share = self.all.share.value / (2.0 * self.all.expected);
        (2.0 * (1.0 - share)).clamp(0.0, 1.0)
    }
}

fn check(which: &'static str, sample: &Sample, width: usize) -> Result<(), PrivacyError> {
    let unsuited = |why: String| Err(PrivacyError::Unsuited { which, why });
    if sample.shape != Shape::Vector || sample.width == 0 {
        return unsuited(format!("they are {:?} rows of {} numbers", sample.shape, sample.width));
    }
    if sample.width != width {
        let own = sample.width;
        return unsuited(format!("they have {own} numbers each, and training users {width}"));
    }
    if Some(sample.values.len()) != sample.rows().checked_mul(width) {
        return unsuited(format!("{} numbers are no rows of {width}", sample.values.len()));
    }
    let rows = sample.rows();
    if rows < LEAST_USERS {
        return Err(PrivacyError::TooFew { which, users: rows, least: LEAST_USERS });
    }
    if rows > u32::MAX as usize || sample.users_with_rows() != rows {
        return unsuited("they have several rows each; it takes one".into());
    }
    match sample.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(PrivacyError::NotFinite {
            which,
            row: at / width,
            column: at % width,
            value: sample.values[at],
        }),
    }
}
