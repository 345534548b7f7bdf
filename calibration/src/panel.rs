//! The panel: every (feature, discrepancy) pair of a report, with uncertainty and noise floor.

use serde::{Deserialize, Serialize};

use crate::classifier::{Examination, Twins};
use crate::money::Figure;

/// One metric of one calibrator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PanelRow {
    /// Name of the feature; `user_vector` for joint metrics.
    pub feature: String,
    /// Level of the feature.
    pub level: String,
    /// Name of the discrepancy.
    pub discrepancy: String,
    /// Unit of the value; empty for pure numbers.
    pub unit: String,
    /// D(internal, test), the mean over the evaluation seeds.
    pub value: f64,
    /// 95% interval of `value` by bootstrap over users.
    pub ci: [f64; 2],
    /// The noise floor: D(train, test), or D between two halves of the external users where there
    /// are no training users.
    pub floor: f64,
    /// 95% interval of `floor` by bootstrap over users.
    pub floor_ci: [f64; 2],
    /// D of the uncalibrated simulation; none in a comparison without one.
    pub before: Option<f64>,
    /// 1 - (value - floor) / (before - floor); none where `before` is not above the floor.
    pub gap_closed: Option<f64>,
    /// Whether the reward optimised this very metric.
    pub optimised: bool,
    /// Whether the reward optimised any metric of this feature.
    pub feature_rewarded: bool,
    /// How far the value is from the floor, by size and never by p; none in files of older
    /// versions, or where the floor has no noise to compare with.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The size behind the verdict: the difference in units of what users differ by. For a gap of
    /// means it is Cohen's d.
    #[serde(default)]
    pub effect: Option<f64>,
    /// P-value of a permutation test of the users of the first evaluation seed against the test
    /// users; none where it was not asked for.
    #[serde(default)]
    pub p: Option<f64>,
    /// The smallest false discovery rate, over the rows of this calibrator, at which the row is
    /// still called a difference.
    #[serde(default)]
    pub q: Option<f64>,
    /// Users a side at which that test finds the difference that was seen with probability 0.8 at
    /// level 0.05; none where nothing was seen.
    #[serde(default)]
    pub users_needed: Option<u64>,
    /// Whether the noise floor could be measured. Where it could not (all real users of one half are
    /// alike, say), `floor` is 0 and no number: no multiple of it, verdict, effect or gap is made.
    #[serde(default = "yes")]
    pub floor_known: bool,
    /// Whether one user, or a few, have most of the rows of the feature on a side. Value, floor and
    /// intervals then hang on them, and are not to be counted with others; verdict, effect and mean
    /// excess count every user alike, and there is no verdict where the two disagree.
    #[serde(default)]
    pub concentrated: bool,
}

fn yes() -> bool {
    true
}

impl PanelRow {
    /// The value as a multiple of the noise floor, see [`floor_multiple`]; none where the floor is not
    /// known.
    pub fn floor_multiple(&self) -> Option<f64> {
        let multiple = floor_multiple(self.value, self.floor, self.floor_ci[1]);
        self.floor_known.then_some(multiple)
    }
}

/// Floors below this share of what chance may reach are low by luck, and count as this share.
const LEAST_FLOOR: f64 = 0.05;

/// `value / floor`: 1 is as far from the held-out users as other real users are. A floor is one draw
/// of noise, which may come out near 0: below a twentieth of `high`, the upper end of its 95%
/// interval, it counts as that twentieth. Infinite above a floor without noise.
pub fn floor_multiple(value: f64, floor: f64, high: f64) -> f64 {
    let floor = floor.max(LEAST_FLOOR * high);
    match (value > 0.0, floor > 0.0) {
        (_, true) => value.max(0.0) / floor,
        (true, false) => f64::INFINITY,
        (false, false) => 1.0,
    }
}

/// How far some metrics of a calibrator are from the noise floor. It needs no "before".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AgainstFloor {
    /// Number of metrics. One that is not defined for this calibrator's users counts as infinitely
    /// far.
    pub metrics: usize,
    /// How many of them are at the floor.
    pub at_floor: usize,
    /// The median over the metrics of [`floor_multiple`]; none where it is infinite.
    pub multiple: Option<f64>,
    /// 95% interval of `multiple` by bootstrap over users.
    pub interval: Option<[f64; 2]>,
}

/// The simulation that gap closed starts from, and the metrics that it is the median of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Name of the calibrator.
    pub name: String,
    /// Number of metrics in the median.
    pub metrics: usize,
    /// Metrics that are not in it, because the anchor is at or below their floor: there is no gap to
    /// close.
    pub left_out: Vec<String>,
}

/// How far a value is from the noise floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Within two standard deviations of the floor: as far from the test users as real users are.
    AtFloor,
    /// Above the floor by less than a tenth of what users differ by.
    Near,
    /// Between.
    Apart,
    /// Above the floor by at least half of what users differ by.
    Far,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AtFloor => "at-floor",
            Self::Near => "near",
            Self::Apart => "apart",
            Self::Far => "far",
        }
    }
}

/// A metric that is not in the panel, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Name of the feature.
    pub feature: String,
    /// Name of the discrepancy; none where the feature as a whole was left out.
    pub discrepancy: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// The panel of one calibrator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CalibratorPanel {
    /// Name of the calibrator.
    pub name: String,
    /// All metrics against the noise floor; none in files of older versions.
    #[serde(default)]
    pub against_floor: Option<AgainstFloor>,
    /// The metrics of features that no reward saw; none where there are none, and in files of older
    /// versions.
    #[serde(default)]
    pub against_floor_unseen: Option<AgainstFloor>,
    /// Money and heterogeneity of real and simulated users in plain numbers; empty in files of older
    /// versions.
    #[serde(default)]
    pub figures: Vec<Figure>,
    /// Median gap closed over the metrics that were not optimised. A metric that is not defined
    /// for this calibrator's users counts as 0: no better than before.
    pub gap_closed: Option<f64>,
    /// 95% interval of `gap_closed` by bootstrap over users.
    pub gap_closed_ci: Option<[f64; 2]>,
    /// Median gap closed over the metrics of features that no reward saw.
    pub gap_closed_unseen: Option<f64>,
    /// What `gap_closed` starts from and rests on; none without a "before", and in files of older
    /// versions.
    #[serde(default)]
    pub anchor: Option<Anchor>,
    /// Mean excess over the floor, (value - floor), over the metrics that share a scale:
    /// Kolmogorov-Smirnov, Wasserstein-1 in external sd, total variation and the heterogeneity
    /// gaps (correlation, between-user share), optimised or not.
    pub mean_excess: Option<f64>,
    /// AUC of a classifier (boosted trees) that tells internal from test users; 0.5 is
    /// indistinguishable. None where it is not measured: trees need about 25 users a side, logistic
    /// regression ([`Examination::logistic`]) 10.
    pub c2st_auc: Option<f64>,
    /// 95% interval of the AUC.
    pub c2st_auc_ci: Option<[f64; 2]>,
    /// AUC of the same classifier on train against test users (or on two halves of the external
    /// users where there are no training users).
    pub c2st_auc_floor: Option<f64>,
    /// Features by how much they give the simulation away, most telling first: the fall of the
    /// AUC when the feature is shuffled among held-out users, in the first evaluation seed.
    pub c2st_importance: Vec<(String, f64)>,
    /// The whole classifier test, of which the four above are the part of the boosted trees; none in
    /// files of older versions, or with too few users.
    #[serde(default)]
    pub examination: Option<Examination>,
    /// Whether the simulation repeats real users more than chance explains: training users, by
    /// [`Privacy::copies`](crate::privacy::Privacy::copies), or in a comparison of two logs the users
    /// that it is compared with. None where nobody looked. Where it is true, that belongs into the
    /// first line on this calibrator: it is not the best one, and is ranked behind all that do not
    /// copy, whatever its distances.
    #[serde(default)]
    pub copies: Option<bool>,
    /// Simulated users who equal a real one in every feature, in the first evaluation seed.
    #[serde(default)]
    pub twins: Option<Twins>,
    /// All metrics.
    pub panel: Vec<PanelRow>,
    /// Metrics that are not in the panel, and why.
    pub left_out: Vec<LeftOut>,
    /// What a reader must know about the numbers above.
    pub notes: Vec<String>,
    /// Whether training came to nothing, so that what is judged is what training started from.
    #[serde(default)]
    pub untrained: bool,
    /// Share of the simulated users that were drawn that have no event, the mean over evaluation
    /// seeds; where the population is active users they are not compared. None in files of older
    /// versions.
    #[serde(default)]
    pub inactive: Option<f64>,
}

impl CalibratorPanel {
    /// What leads: the metrics that no reward saw where there are some, else all.
    pub fn headline(&self) -> Option<&AgainstFloor> {
        self.against_floor_unseen.as_ref().or(self.against_floor.as_ref())
    }
}

/// The name of the joint pseudo-feature of all user-level features.
pub const USER_VECTOR: &str = "user_vector";

#[cfg(test)]
mod tests {
    use super::floor_multiple;

    #[test]
    fn a_floor_that_is_low_by_luck_counts_as_a_twentieth_of_what_chance_may_reach() {
        assert_eq!(floor_multiple(0.3, 0.1, 0.2), 0.3 / 0.1);
        assert_eq!(floor_multiple(0.3, 1e-9, 0.2), 0.3 / (0.05 * 0.2));
        assert_eq!(floor_multiple(0.0, 0.1, 0.2), 0.0);
        assert_eq!(floor_multiple(0.0, 0.0, 0.0), 1.0);
        assert_eq!(floor_multiple(1e-12, 0.0, 0.0), f64::INFINITY);
    }
}
