//! Successive halving in lockstep: all trials run to a rung, the best 1 / eta of them to the next.
//!
//! Jamieson and Talwalkar, *Non-stochastic best arm identification and hyperparameter optimization*,
//! AISTATS 2016.

/// Steps of the rungs: `first`, `eta` times as much and so on below `last`, and `last`. None where
/// `first` is 0 or beyond `last`, or `eta` is below 2.
pub fn rungs(first: u64, last: u64, eta: u64) -> Vec<u64> {
    if first == 0 || eta < 2 || first > last {
        return Vec::new();
    }
    let below = std::iter::successors(Some(first), |step| step.checked_mul(eta));
    below.take_while(|step| *step < last).chain([last]).collect()
}

/// Positions of the trials that go on from a rung, ascending: the best 1 / eta (rounded down, at
/// least one) by value; none is a failure, which never goes on. Of equal values the first goes on.
pub fn survivors(values: &[Option<f64>], eta: usize) -> Vec<usize> {
    let value = |&at: &usize| values.get(at).copied().flatten().filter(|value| !value.is_nan());
    let mut order: Vec<usize> = (0..values.len()).filter(|at| value(at).is_some()).collect();
    let worth = |at: &usize| value(at).unwrap_or(f64::INFINITY);
    order.sort_by(|a, b| worth(a).total_cmp(&worth(b)));
    order.truncate((values.len() / eta.max(1)).max(1));
    order.sort_unstable();
    order
}
