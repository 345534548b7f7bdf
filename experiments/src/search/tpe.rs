//! The tree-structured Parzen estimator: trials are drawn where good ones were dense and others not.
//!
//! Trials are split by their objective into a better part and the rest; l is the density of the
//! former and g that of the latter. Of some draws from l, the one with the largest l / g is tried:
//! it has the largest expected improvement under the model (Bergstra, Bardenet, Bengio and Kegl,
//! *Algorithms for hyper-parameter optimization*, NeurIPS 2011). Densities are over all axes at once
//! (Falkner, Klein and Hutter, *BOHB*, ICML 2018), so that settings that are good only together are
//! seen. Trials of the same batch, of which nothing is known yet, count as not good, so that they
//! keep away from each other.

use super::domain::Domain;
use super::parzen::{Parzen, Place, Places};
use trueup_env::random::Stream;

/// What a config says about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tpe {
    /// Trials in all.
    pub budget: usize,
    /// Trials that are proposed together.
    pub batch: usize,
    /// The first trials, which are points of a Sobol sequence.
    pub startup: usize,
}

/// Draws of which the best is tried.
const DRAWS: usize = 24;

/// The share of trials that counts as good.
const GOOD: f64 = 0.1;

/// No more count as good.
const MOST_GOOD: usize = 25;

/// A model of the trials so far.
pub struct Model {
    good: Vec<Places>,
    rest: Vec<Places>,
}

impl Model {
    /// Splits trials by objective, the least ones being good; none without any objective.
    /// `pending` are tried at the moment.
    pub fn new(history: &[(Places, Option<f64>)], pending: &[Places]) -> Option<Self> {
        let known =
            |(_, objective): &&(Places, Option<f64>)| objective.is_some_and(|x| !x.is_nan());
        let mut ranked: Vec<&(Places, Option<f64>)> = history.iter().filter(known).collect();
        if ranked.is_empty() {
            return None;
        }
        let worth = |trial: &(Places, Option<f64>)| trial.1.unwrap_or(f64::INFINITY);
        ranked.sort_by(|a, b| worth(a).total_cmp(&worth(b)));
        let count = ((GOOD * ranked.len() as f64).ceil() as usize).clamp(1, MOST_GOOD);
        let count = count.min(ranked.len());
        let (good, others) = ranked.split_at(count);
        let failed = history.iter().filter(|trial| !known(trial));
        let places = |trial: &(Places, Option<f64>)| trial.0.clone();
        let mut rest: Vec<Places> = others.iter().map(|trial| places(trial)).collect();
        rest.extend(failed.map(places));
        rest.extend(pending.iter().cloned());
        Some(Self { good: good.iter().map(|trial| places(trial)).collect(), rest })
    }

    /// The best of some draws that `places` accepts: it says which place each axis of a draw (its
    /// shares) takes, with what belongs to it, or nothing for a draw that was tried before.
    pub fn best<T>(
        &self,
        domains: &[&Domain],
        stream: &mut Stream,
        places: impl Fn(&[f64]) -> Option<(Vec<Option<Place>>, T)>,
    ) -> Option<T> {
        let good = Parzen::new(domains, &self.good);
        let rest = Parzen::new(domains, &self.rest);
        let mut best: Option<(f64, T)> = None;
        for _ in 0..DRAWS {
            let Some((places, own)) = places(&good.draw(stream)) else { continue };
            let gain = good.log_density(&places) - rest.log_density(&places);
            if best.as_ref().is_none_or(|(most, _)| gain > *most) {
                best = Some((gain, own));
            }
        }
        best.map(|(_, own)| own)
    }
}
