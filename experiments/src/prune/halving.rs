//! Asynchronous successive halving: at rungs that lie further and further apart, a trial goes on
//! when it is among the best 1 / eta of those that have reached the rung so far.
//!
//! Li and others, *A system for massively parallel hyperparameter tuning*, MLSys 2020, in the
//! variant that decides at once and never takes up a trial again. Where fewer than eta trials have
//! reached a rung, the best of them goes on.

use super::Curve;

/// The rungs and how many trials go on from each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halving {
    /// The step of the first rung; the following ones lie `eta` times as far. 0 is taken for 1.
    pub first: u64,
    /// One of so many goes on; less than 2 is taken for 2.
    pub eta: u64,
    /// Trials that have to have reached a rung before any goes on from it; all before stop there.
    pub startup: usize,
}

impl Default for Halving {
    fn default() -> Self {
        Self { first: 1, eta: 4, startup: 0 }
    }
}

impl Halving {
    /// Whether the trial stops at its last report. `others` are the curves of all other trials as
    /// they stand, running, finished or stopped. A value that is no number stops it.
    ///
    /// A trial counts at a rung with its first report at or beyond it.
    pub fn prunes(&self, own: &Curve, others: &[&Curve]) -> bool {
        let Some((&(step, value), before)) = own.split_last() else { return false };
        if value.is_nan() {
            return true;
        }
        let past = before.last().map_or(0, |(step, _)| *step);
        let reached = |rung: &u64| *rung <= step;
        // More than one rung may have been reached at once.
        let new = self.steps().take_while(reached).filter(|rung| before.is_empty() || *rung > past);
        new.into_iter().any(|rung| !self.goes_on(rung, value, others))
    }

    /// Steps of the rungs.
    fn steps(&self) -> impl Iterator<Item = u64> {
        let eta = self.eta.max(2);
        std::iter::successors(Some(self.first.max(1)), move |step| step.checked_mul(eta))
    }

    fn goes_on(&self, rung: u64, value: f64, others: &[&Curve]) -> bool {
        let at = |curve: &&Curve| curve.iter().find(|(step, _)| *step >= rung).map(|(_, v)| *v);
        let reached: Vec<f64> = others.iter().filter_map(at).filter(|v| !v.is_nan()).collect();
        let count = reached.len() + 1;
        if count <= self.startup {
            return false;
        }
        let eta = usize::try_from(self.eta.max(2)).unwrap_or(usize::MAX);
        let better = reached.iter().filter(|other| **other < value).count();
        better < (count / eta).max(1)
    }
}
