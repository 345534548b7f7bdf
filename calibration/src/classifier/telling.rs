//! Which features give the simulation away, and in which direction.

use serde::{Deserialize, Serialize};

use super::auc::Ranking;
use super::logistic::UNDEFINED;
use super::{Pool, Trees};
use crate::discrepancy::mean_and_sd;

/// What one feature tells about the side that a user is on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Telling {
    /// The feature.
    pub feature: String,
    /// How much the AUC of the trees falls when the feature is shuffled: what it tells that others
    /// do not.
    pub importance: f64,
    /// The chance that a random simulated user has a larger value than a random real one, among
    /// those for whom it is defined: 1/2 where it tells nothing alone, above where simulated users
    /// are higher. 1/2 where it is defined for none of a side.
    pub auc: f64,
    /// `(m_P - m_Q) / sqrt((v_P + v_Q) / 2)` (Cohen's d; Austin, *Balance diagnostics for comparing
    /// the distribution of baseline covariates*, Statistics in Medicine 28, 2009): positive where
    /// simulated users are higher. 0 where neither side varies, whatever the means.
    pub mean_difference: f64,
    /// Share of simulated and of real users for whom it is not defined.
    pub undefined: [f64; 2],
}

/// Which way simulated users differ in a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Simulated users are lower.
    Lower,
    /// Neither: what tells is the spread, the shape, or how it goes with other features.
    Level,
    /// Simulated users are higher.
    Higher,
}

/// An AUC as near to 1/2 shows no direction.
const LEVEL: f64 = 0.02;

/// Differences beyond so many standard deviations are not told in numbers.
const FAR: f64 = 100.0;

impl Direction {
    /// The word for it, after "simulated users are".
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Level => "about as high",
            Self::Higher => "higher",
        }
    }
}

impl Telling {
    /// Which way simulated users differ: by the AUC, which outliers do not move.
    pub fn direction(&self) -> Direction {
        match self.auc - 0.5 {
            above if above > LEVEL => Direction::Higher,
            above if above < -LEVEL => Direction::Lower,
            _ => Direction::Level,
        }
    }

    /// Whether it is undefined for more or fewer simulated than real users, by half a percent.
    pub fn undefined_differs(&self) -> bool {
        (self.undefined[0] - self.undefined[1]).abs() >= 0.005
    }

    /// In plain words: `simulated users are lower (AUC 0.31, -0.62 standard deviations)`.
    pub fn words(&self) -> String {
        let (auc, difference) = (self.auc, self.mean_difference);
        let by = match difference {
            _ if self.direction() != Direction::Level && difference == 0.0 => {
                "neither side varies".into()
            }
            d if d.abs() > FAR => format!("more than {FAR} standard deviations"),
            d if d.abs() < 0.005 => "0.00 standard deviations".into(),
            d if self.direction() != Direction::Level && (d > 0.0) != (auc > 0.5) => {
                format!("though the mean lies {d:+.2} standard deviations")
            }
            d => format!("{d:+.2} standard deviations"),
        };
        let mut words =
            format!("simulated users are {} (AUC {auc:.2}, {by})", self.direction().name());
        if self.undefined_differs() {
            let [simulated, real] = self.undefined.map(|share| 100.0 * share);
            words +=
                &format!("; undefined for {simulated:.0}% of them and {real:.0}% of real users");
        }
        words
    }
}

/// All features by importance, then by how far the AUC is from 1/2.
pub(super) fn ranked(trees: &Trees, names: &[&str]) -> Vec<Telling> {
    let importance = trees.importance();
    let one = |(column, importance): (usize, f64)| {
        let feature = names.get(column).map_or_else(|| format!("column {column}"), |n| (*n).into());
        alone(&trees.pool, column, feature, importance)
    };
    let mut all: Vec<Telling> = importance.into_iter().enumerate().map(one).collect();
    let strength = |telling: &Telling| (telling.auc - 0.5).abs();
    all.sort_by(|a, b| {
        b.importance.total_cmp(&a.importance).then(strength(b).total_cmp(&strength(a)))
    });
    all
}

fn alone(pool: &Pool, column: usize, feature: String, importance: f64) -> Telling {
    let values = pool.values.iter().skip(column).step_by(pool.width).copied();
    let rows = || values.clone().zip(&pool.positive).zip(&pool.user);
    let defined = rows().filter(|((value, _), _)| *value != UNDEFINED);
    let ranking = Ranking::new(defined.map(|((value, &side), &user)| (value, side, user)));
    let ones = pool.ones();
    let side = |internal: bool| -> Vec<f64> {
        rows().filter(|((_, side), _)| **side == internal).map(|((value, _), _)| value).collect()
    };
    let moments = |values: &[f64]| {
        let defined = values.iter().copied().filter(|value| *value != UNDEFINED);
        let (mean, sd) = mean_and_sd(&defined.collect::<Vec<f64>>(), None);
        (mean, sd * sd)
    };
    let (p, q) = (side(true), side(false));
    let undefined = [&p, &q].map(|values| {
        let count = values.iter().filter(|value| **value == UNDEFINED).count();
        count as f64 / values.len().max(1) as f64
    });
    let ((m_p, v_p), (m_q, v_q)) = (moments(&p), moments(&q));
    let difference = (m_p - m_q) / (0.5 * (v_p + v_q)).sqrt();
    let known = difference.is_finite() && undefined.iter().all(|share| *share < 1.0);
    Telling {
        feature,
        importance,
        auc: ranking.auc(&ones, &ones).unwrap_or(0.5),
        mean_difference: if known { difference } else { 0.0 },
        undefined,
    }
}
