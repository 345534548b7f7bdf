//! The classifier two-sample test of one simulation: both classifiers, measured.

use trueup_env::Streams;

use super::held_out::{Calls, HeldOut, Kind, p_value_by_folds, p_value_by_refits};
use super::telling::{Telling, ranked};
use super::{FoldRankings, Pool, Trees, pool};
use crate::evaluate::bootstrap::{Measured, Weights};
use crate::sample::Sample;

/// What is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExaminationConfig {
    /// The most users a side.
    pub users: usize,
    /// Relabellings for the p-values of fixed classifiers; 0 for no p-values.
    pub relabellings: usize,
    /// Relabellings for which classifiers are trained again, instead of those above; with 0,
    /// p-values are those of fixed classifiers, which see less.
    pub refits: usize,
    /// Whether to find out which features give the simulation away.
    pub telling: bool,
}

/// How well one classifier tells the users of one simulation, with bootstrap replicates.
#[derive(Clone, Debug)]
pub struct Scores {
    /// Mean AUC over the folds.
    pub auc: Measured,
    /// Balanced accuracy.
    pub accuracy: Measured,
    /// P-value of the AUC, where it was asked for.
    pub p_value: Option<f64>,
    /// Whether there are users enough for it: trees cannot split few.
    pub measured: bool,
}

/// What both classifiers say of one simulation.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Boosted trees.
    pub trees: Scores,
    /// Logistic regression.
    pub logistic: Scores,
    /// Whether p-values come from classifiers that were trained again.
    pub refitted: bool,
    /// All features, most telling first; empty where it was not asked for.
    pub telling: Vec<Telling>,
}

/// Examines user vectors, simulated users first; `names` are those of their columns, `weights` the
/// bootstrap weights of either side. None with fewer than [`super::LEAST_USERS`] users on a side, or
/// with rows of different width.
pub fn examine(
    [internal, external]: [&Sample; 2],
    weights: [&Weights; 2],
    names: &[&str],
    config: &ExaminationConfig,
    streams: &Streams,
) -> Option<Examined> {
    let pool = pool(internal, external, config.users, streams)?;
    let by_logistic = || Kind::Logistic.held_out(&pool);
    let by_trees = || Trees::train(pool.clone(), streams);
    let (logistic, trees) = rayon::join(by_logistic, by_trees);
    let held_out: Vec<HeldOut> = trees.folds.iter().map(HeldOut::trees).collect();
    let scores = |kind: Kind, held_out: &[HeldOut]| {
        let rankings = FoldRankings(held_out.iter().map(|fold| fold.ranking(&pool)).collect());
        let [internal, external] = weights;
        Some(Scores {
            auc: Measured::of(&rankings, internal, external)?,
            accuracy: Measured::of(&Calls::of(held_out, &pool), internal, external)?,
            p_value: p_value(kind, held_out, &pool, config, streams),
            measured: kind == Kind::Logistic || pool.can_be_split(),
        })
    };
    Some(Examined {
        trees: scores(Kind::Trees, &held_out)?,
        logistic: scores(Kind::Logistic, &logistic)?,
        refitted: config.refits > 0,
        telling: if config.telling { ranked(&trees, names) } else { Vec::new() },
    })
}

fn p_value(
    kind: Kind,
    held_out: &[HeldOut],
    pool: &Pool,
    config: &ExaminationConfig,
    streams: &Streams,
) -> Option<f64> {
    let name = if kind == Kind::Trees { "trees" } else { "logistic" };
    let streams = streams.child("p-value", 0).child(name, 0);
    match (config.refits, config.relabellings) {
        (0, 0) => None,
        (0, relabellings) => Some(p_value_by_folds(held_out, pool, relabellings, &streams)),
        (refits, _) => Some(p_value_by_refits(kind, held_out, pool, refits, &streams)),
    }
}
