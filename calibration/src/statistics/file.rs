//! Statistics as a file: JSON, checked on the way in and on the way out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use trueup_env::MAX_KINDS;
use trueup_env::finance::KindEffect;

use super::{
    Distribution, FORMAT, FeatureStatistics, Form, Origin, PrivacyRecord, Statistics, VERSION,
    dependence,
};
use crate::features::{Definition, of_kind};

/// Why a statistics file was refused.
#[derive(Debug, thiserror::Error)]
pub enum StatisticsError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not JSON, or not of the right form.
    #[error(
        "{path}: not a statistics file: {source}; make one with `trueup describe LOG --statistics FILE`"
    )]
    Form {
        /// The file.
        path: PathBuf,
        /// What and where (line and column).
        source: serde_json::Error,
    },
    /// A field holds what cannot be.
    #[error("{path}: {problem}")]
    Bad {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        problem: BadField,
    },
    /// The statistics at hand cannot be written.
    #[error(transparent)]
    Unsound(#[from] BadField),
}

/// A field that holds what cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct BadField {
    /// Path of the field, e.g. `features[3] (gap).quantiles[7]`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub why: String,
}

pub(super) fn bad<T>(field: impl Into<String>, why: impl Into<String>) -> Result<T, BadField> {
    Err(BadField { field: field.into(), why: why.into() })
}

impl Statistics {
    /// Reads a file and checks it.
    ///
    /// # Errors
    /// A file that cannot be read, is of another form or version, or holds impossible numbers.
    pub fn load(path: &Path) -> Result<Self, StatisticsError> {
        let text = fs::read_to_string(path)
            .map_err(|source| StatisticsError::Io { path: path.into(), source })?;
        let mut statistics: Self = serde_json::from_str(&text)
            .map_err(|source| StatisticsError::Form { path: path.into(), source })?;
        // Later versions only added fields, and those that a file lacks are empty.
        if (1..VERSION).contains(&statistics.version) {
            statistics.version = VERSION;
            if statistics.effects.is_empty() {
                statistics.effects = KindEffect::by_names(&statistics.kinds);
            }
        }
        statistics
            .check()
            .map_err(|problem| StatisticsError::Bad { path: path.into(), problem })?;
        Ok(statistics)
    }

    /// Writes a file: to a temporary name beside it, then renamed.
    ///
    /// # Errors
    /// Statistics that do not pass [`Statistics::check`], or a file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), StatisticsError> {
        self.check()?;
        let io = |source| StatisticsError::Io { path: path.into(), source };
        let mut text = serde_json::to_string_pretty(self)
            .map_err(|source| StatisticsError::Form { path: path.into(), source })?;
        text.push('\n');
        let mut name = path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        let written = fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path));
        written.map_err(|source| {
            // Best effort: the error that matters is the first.
            let _ = fs::remove_file(&temporary);
            io(source)
        })
    }

    /// Checks that every field can be.
    ///
    /// # Errors
    /// The first field that cannot, with a remedy.
    pub fn check(&self) -> Result<(), BadField> {
        if self.format != FORMAT {
            return bad("format", format!("is `{}`, not `{FORMAT}`", self.format));
        }
        if self.version != VERSION {
            return bad(
                "version",
                format!(
                    "is {}, and this program reads 1 to {VERSION}: use a newer one, or write the \
                     file anew with `trueup describe LOG --statistics FILE`",
                    self.version
                ),
            );
        }
        if self.clock.horizon == 0 {
            return bad("clock.horizon", "is 0; a window has at least one tick");
        }
        if self.users == 0 {
            return bad("users", "is 0; statistics describe at least one user");
        }
        self.check_kinds()?;
        if !(0.0..=1.0).contains(&self.same_tick_share) {
            let share = self.same_tick_share;
            return bad("same_tick_share", format!("is {share}, not a share from 0 to 1"));
        }
        for (i, entry) in self.features.iter().enumerate() {
            self.check_feature(&format!("features[{i}] ({})", entry.feature), i, entry)?;
        }
        for (name, distribution) in &self.covariates {
            check_distribution(&format!("covariates ({name})"), distribution)?;
        }
        dependence::check(&self.categories)?;
        self.dependence.as_ref().map_or(Ok(()), |own| own.check(self))?;
        for (i, joint) in self.joint.iter().enumerate() {
            let field = format!("joint[{i}] ({})", joint.feature);
            if self.joint[..i].iter().any(|other| other.feature == joint.feature) {
                return bad(field, "stands twice; keep one");
            }
            joint.check(&field, self)?;
        }
        self.origin.as_ref().map_or(Ok(()), Origin::check)?;
        self.privacy.as_ref().map_or(Ok(()), PrivacyRecord::check)
    }

    fn check_kinds(&self) -> Result<(), BadField> {
        let kinds = self.kinds.len();
        if kinds == 0 || kinds > MAX_KINDS {
            return bad("kinds", format!("has {kinds} names; 1 to {MAX_KINDS} are possible"));
        }
        if let Some(twice) = (1..kinds).find(|&i| self.kinds[..i].contains(&self.kinds[i])) {
            return bad(format!("kinds[{twice}]"), "stands twice; names of kinds differ");
        }
        for (field, len) in [
            ("kind_events", self.kind_events.len()),
            ("amounts", self.amounts.len()),
            ("effects", self.effects.len()),
        ] {
            if len != kinds {
                return bad(field, format!("has {len} entries for {kinds} kinds; give one a kind"));
            }
        }
        let sum = self.kind_events.iter().try_fold(0usize, |sum, &n| sum.checked_add(n));
        if sum != Some(self.events) {
            return bad("kind_events", format!("does not add up to `events` ({})", self.events));
        }
        for (kind, amounts) in self.amounts.iter().enumerate() {
            let field = format!("amounts[{kind}] ({})", self.kinds[kind]);
            match amounts {
                None if self.kind_events[kind] > 0 => {
                    return bad(field, "is null, but the kind has events");
                }
                Some(distribution) => {
                    check_distribution(&field, distribution)?;
                    if distribution.quantiles[0] < 0.0 {
                        return bad(field, "holds a negative amount; the kind gives the sign");
                    }
                }
                None => {}
            }
        }
        let laws = self.amount_laws.len();
        if laws != 0 && laws != kinds {
            let why = format!("has {laws} entries for {kinds} kinds; give one a kind, or none");
            return bad("amount_laws", why);
        }
        Ok(())
    }

    fn check_feature(
        &self,
        field: &str,
        index: usize,
        entry: &FeatureStatistics,
    ) -> Result<(), BadField> {
        let Some(feature) = of_kind::find_among(&entry.feature, &self.kinds) else {
            return bad(field, "is no feature of this program; delete the entry");
        };
        if self.features[..index].iter().any(|other| other.feature == entry.feature) {
            return bad(field, "stands twice; keep one");
        }
        if entry.level != feature.level {
            return bad(format!("{field}.level"), format!("is not `{}`", feature.level.name()));
        }
        if entry.rows == 0 || entry.users == 0 || entry.users > self.users {
            let (rows, users, all) = (entry.rows, entry.users, self.users);
            return bad(
                field,
                format!("has {rows} rows of {users} users, out of {all}; delete an empty entry"),
            );
        }
        match (&entry.form, feature.definition) {
            (
                Form::Grid(distribution),
                Definition::Event(_) | Definition::User(_) | Definition::Whole(_),
            ) => check_distribution(field, distribution),
            (
                Form::Counts { counts },
                Definition::Category(_) | Definition::CategoryPair(_) | Definition::Class { .. },
            ) => check_counts(field, counts, feature.categories(self.kinds.len())),
            (Form::Pair { mean, sd, correlation }, Definition::Pair(_)) => {
                let sound = mean.iter().all(|x| x.is_finite())
                    && sd.iter().all(|x| x.is_finite() && *x >= 0.0)
                    && (-1.0 - 1e-9..=1.0 + 1e-9).contains(correlation);
                if sound {
                    return Ok(());
                }
                bad(
                    field,
                    "means are finite, standard deviations at least 0, and a correlation lies \
                     from -1 to 1",
                )
            }
            (Form::Relation { strengths, shares, mean, sd }, Definition::Relation(_)) => {
                let sound = !strengths.is_empty()
                    && strengths.len() == shares.len()
                    && strengths.iter().chain([mean]).all(|x| x.is_finite())
                    && shares.iter().all(|share| (0.0..=1.0 + 1e-9).contains(share))
                    && sd.is_finite()
                    && *sd > 0.0;
                if sound {
                    return Ok(());
                }
                bad(field, "holds a share from 0 to 1 for each finite strength, and a positive sd")
            }
            (Form::Series { per_user }, Definition::Series(_)) => {
                let ticks = self.clock.horizon as usize;
                if per_user.len() == ticks && per_user.iter().all(|x| x.is_finite()) {
                    return Ok(());
                }
                bad(format!("{field}.per_user"), format!("needs {ticks} finite numbers"))
            }
            _ => bad(format!("{field}.form"), "is not the form of this feature"),
        }
    }
}

fn check_counts(field: &str, counts: &[f64], wanted: usize) -> Result<(), BadField> {
    let field = format!("{field}.counts");
    if counts.len() != wanted {
        return bad(field, format!("has {} entries, not {wanted}", counts.len()));
    }
    if let Some(count) = counts.iter().find(|count| !(count.is_finite() && **count >= 0.0)) {
        let problem = format!("holds {count}; counts are at least 0 (noise may be cut there)");
        return bad(field, problem);
    }
    if counts.iter().sum::<f64>() <= 0.0 {
        return bad(field, "is all zero; delete the entry");
    }
    Ok(())
}

fn check_distribution(field: &str, distribution: &Distribution) -> Result<(), BadField> {
    let Distribution { quantiles, mean, sd } = distribution;
    if quantiles.len() < 2 {
        return bad(format!("{field}.quantiles"), "has fewer than 2 entries");
    }
    if let Some(i) = quantiles.iter().position(|q| !q.is_finite()) {
        return bad(format!("{field}.quantiles[{i}]"), "is not a finite number");
    }
    if let Some(i) = (1..quantiles.len()).find(|&i| quantiles[i] < quantiles[i - 1]) {
        return bad(
            format!("{field}.quantiles[{i}]"),
            format!(
                "is {}, below the one before it ({}); quantiles ascend: sort them",
                quantiles[i],
                quantiles[i - 1]
            ),
        );
    }
    let (low, high) = (quantiles[0], quantiles[quantiles.len() - 1]);
    let slack = 1e-9 * (1.0 + low.abs().max(high.abs()));
    if !(*mean >= low - slack && *mean <= high + slack) {
        return bad(
            format!("{field}.mean"),
            format!("is {mean}, outside the quantiles ({low} to {high})"),
        );
    }
    if !(sd.is_finite() && *sd >= 0.0) {
        return bad(format!("{field}.sd"), format!("is {sd}, not a finite number of at least 0"));
    }
    Ok(())
}
