//! The whole classifier two-sample test, as a report shows it.

use serde::{Deserialize, Serialize};
use trueup_env::Streams;

use super::held_out::{Calls, HeldOut, Kind, p_value_by_folds, p_value_by_refits};
use super::telling::{Telling, ranked};
use super::{FoldRankings, Pool, two_sample_test};
use crate::discrepancy::Prepared;
use crate::evaluate::bootstrap::{Measured, Weights, weights};
use crate::sample::Sample;

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExaminationConfig {
    /// The most users a side.
    pub users: usize,
    /// Replicates of the bootstrap.
    pub replicates: usize,
    /// Relabellings for the p-values of fixed classifiers.
    pub relabellings: usize,
    /// Relabellings for which classifiers are trained again; with 0, p-values are those of fixed
    /// classifiers, which see less.
    pub refits: usize,
}

impl Default for ExaminationConfig {
    fn default() -> Self {
        Self { users: 2000, replicates: 200, relabellings: 999, refits: 0 }
    }
}

/// How well one classifier tells simulated users from real ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Mean AUC over the folds: 1/2 where it cannot.
    pub auc: f64,
    /// Its interval, for these classifiers.
    pub auc_ci: [f64; 2],
    /// Balanced accuracy: 1/2 where it cannot.
    pub accuracy: f64,
    /// Its interval, for these classifiers.
    pub accuracy_ci: [f64; 2],
    /// How often labels dealt out at random give an AUC as large.
    pub p_value: f64,
}

/// Both classifiers, and the features that give the simulation away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// Boosted trees, which see any difference.
    pub trees: Judged,
    /// Logistic regression, which sees differences of means, and with few users more of them.
    pub logistic: Judged,
    /// Whether p-values come from classifiers that were trained again.
    pub refitted: bool,
    /// All features, most telling first.
    pub telling: Vec<Telling>,
}

/// Examines user vectors; `names` are those of their columns. None with fewer than
/// [`super::LEAST_USERS`] users on a side, or with rows of different width.
pub fn examine(
    internal: &Sample,
    external: &Sample,
    names: &[&str],
    config: &ExaminationConfig,
    streams: &Streams,
) -> Option<Examination> {
    let test = two_sample_test(internal, external, config.users, streams)?;
    let draw = |side: &str, users: usize| {
        weights(users, config.replicates, &streams.child("examination", 0).child(side, 0))
    };
    let sides = [draw("internal", internal.users), draw("external", external.users)];
    let judge = |kind: Kind, held_out: &[HeldOut]| {
        judged(
            kind,
            held_out,
            &test.pool,
            &sides,
            [internal.users, external.users],
            config,
            streams,
        )
    };
    let trees: Vec<HeldOut> = test.folds.iter().map(HeldOut::trees).collect();
    Some(Examination {
        trees: judge(Kind::Trees, &trees)?,
        logistic: judge(Kind::Logistic, &Kind::Logistic.held_out(&test.pool))?,
        refitted: config.refits > 0,
        telling: ranked(&test, names),
    })
}

fn judged(
    kind: Kind,
    held_out: &[HeldOut],
    pool: &Pool,
    [internal, external]: &[Weights; 2],
    users: [usize; 2],
    config: &ExaminationConfig,
    streams: &Streams,
) -> Option<Judged> {
    let measure = |prepared: &dyn Prepared| {
        let [p, q] = users.map(|count| vec![1.0; count]);
        let value = prepared.value(&p, &q)?;
        let measured = Measured { value, replicates: prepared.values(internal, external) };
        Some((value, measured.centred().interval(0.0, 1.0)))
    };
    let rankings = FoldRankings(held_out.iter().map(|fold| fold.ranking(pool)).collect());
    let (auc, auc_ci) = measure(&rankings)?;
    let (accuracy, accuracy_ci) = measure(&Calls::of(held_out, pool))?;
    let name = if kind == Kind::Trees { "trees" } else { "logistic" };
    let streams = streams.child("p-value", 0).child(name, 0);
    let p_value = match config.refits {
        0 => p_value_by_folds(held_out, pool, config.relabellings, &streams),
        refits => p_value_by_refits(kind, held_out, pool, refits, &streams),
    };
    Some(Judged { auc, auc_ci, accuracy, accuracy_ci, p_value })
}
