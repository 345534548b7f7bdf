//! The classifier two-sample test of one calibrator, over all of its evaluation seeds, as a report
//! shows it.

use serde::{Deserialize, Serialize};

use super::examine::{Examined, Scores};
use super::telling::Telling;
use crate::evaluate::bootstrap::Measured;

/// How well one classifier tells simulated users from real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// AUC, the mean over folds and seeds: 1/2 where it cannot.
    pub auc: f64,
    /// 95% interval, for these classifiers.
    pub auc_ci: [f64; 2],
    /// AUC between two groups of real users; none where they are too few.
    pub auc_floor: Option<f64>,
    /// Balanced accuracy, the mean over seeds: 1/2 where it cannot.
    pub accuracy: f64,
    /// 95% interval, for these classifiers.
    pub accuracy_ci: [f64; 2],
    /// Balanced accuracy between two groups of real users.
    pub accuracy_floor: Option<f64>,
    /// How often labels dealt out at random give an AUC as large, in the first seed; none where it
    /// was not asked for.
    pub p_value: Option<f64>,
    /// Whether there were users enough for it in every seed: trees cannot split fewer than about 25 a
    /// side, and their AUC is then 1/2 whatever the users. It is not to be shown as a result then.
    #[serde(default = "yes")]
    pub measured: bool,
    /// Whether the AUC is below 1/2 by more than chance explains, so that the two sides are not
    /// independent: simulated users were made of these very real users, nearly but not quite alike.
    #[serde(default)]
    pub below_half: bool,
}

fn yes() -> bool {
    true
}

/// An AUC is below 1/2 by more than chance from so many times the upper arm of its interval on: of
/// classifiers that are not trained again, AUCs between equal laws vary about 1.35 times as much as
/// the interval says, so that this is three standard deviations.
const ARMS: f64 = 2.0;

/// Both classifiers, and the features that give the simulation away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// Boosted trees, which see any difference.
    pub trees: Judged,
    /// Logistic regression, which sees differences of means, and with few users more of them.
    pub logistic: Judged,
    /// Whether p-values come from classifiers that were trained again.
    pub refitted: bool,
    /// All features, most telling first, in the first seed.
    pub telling: Vec<Telling>,
}

impl Examination {
    /// Puts the seeds of one calibrator together, the first seed first; none without a seed. `floor`
    /// is the examination of real users against real users.
    pub fn of(seeds: &[&Examined], floor: Option<&Examined>) -> Option<Self> {
        let first = seeds.first()?;
        let judge = |of: fn(&Examined) -> &Scores| {
            let mean = |measured: fn(&Scores) -> &Measured| {
                let all: Vec<&Measured> = seeds.iter().map(|seed| measured(of(seed))).collect();
                Measured::mean(&all).map(Measured::centred)
            };
            let (auc, accuracy) = (mean(|scores| &scores.auc)?, mean(|scores| &scores.accuracy)?);
            let auc_ci = auc.interval(0.0, 1.0);
            Some(Judged {
                auc: auc.value,
                auc_ci,
                auc_floor: floor.map(of).filter(|of| of.measured).map(|of| of.auc.value),
                accuracy: accuracy.value,
                accuracy_ci: accuracy.interval(0.0, 1.0),
                accuracy_floor: floor.map(|floor| of(floor).accuracy.value),
                p_value: of(first).p_value,
                measured: seeds.iter().all(|seed| of(seed).measured),
                below_half: auc.value < 0.5 - ARMS * (auc_ci[1] - auc.value) - 1e-9,
            })
        };
        Some(Self {
            trees: judge(|seed| &seed.trees)?,
            logistic: judge(|seed| &seed.logistic)?,
            refitted: first.refitted,
            telling: first.telling.clone(),
        })
    }
}
