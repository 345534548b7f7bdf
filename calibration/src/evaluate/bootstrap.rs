//! Uncertainty: the bootstrap over users.
//!
//! **What is drawn.** Users are independent; the events of one user are not. So a replicate draws
//! users with replacement, with all their events (the cluster bootstrap; Field and Welsh,
//! *Bootstrapping clustered data*, JRSS B 69, 2007), as a multinomial weight for each user of
//! either side. Evaluation seeds have weights of their own. The weights of the real users are one
//! set per replicate, shared by all seeds, calibrators and metrics: their error is common to all.
//!
//! **What the interval is.** A distance between two samples of one law is not 0 but of the order of
//! the sampling error, and resampling adds that error once more: replicates D* lie above D by a bias
//! of about that size. The percentile interval would inherit it and miss low values. Here the
//! replicates are shifted to the mean D, `D* - mean(D*) + D`, before their 2.5% and 97.5%
//! quantiles are taken. The interval is then for the *expected* distance at these numbers of users,
//! the same quantity that the noise floor is for; both carry the same upward bias, which cancels in
//! value - floor. (Taking the bias off twice would aim at the distance at infinitely many users. A
//! value near the floor is then often below 0, and could no longer be compared with the floor.) Where
//! a distance has a largest value ([`Discrepancy::most`](crate::discrepancy::Discrepancy::most)) the
//! shift may go beyond it, as it may below 0: intervals end there, and always hold the value.

use rayon::prelude::*;
use trueup_env::Streams;

use crate::discrepancy::Prepared;

/// One vector of user weights a replicate.
pub type Weights = Vec<Vec<f64>>;

/// How often each user is drawn in each replicate.
pub fn weights(users: usize, replicates: usize, streams: &Streams) -> Weights {
    (0..replicates).into_par_iter().map(|replicate| draw(users, replicate, streams)).collect()
}

/// How often each user is drawn in one replicate.
pub fn draw(users: usize, replicate: usize, streams: &Streams) -> Vec<f64> {
    let mut stream = streams.stream("bootstrap", replicate as u64);
    let mut weights = vec![0.0; users];
    for _ in 0..users {
        weights[stream.below(users)] += 1.0;
    }
    weights
}

/// A value with its bootstrap replicates; none where a replicate left it undefined.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The value with every user counted once.
    pub value: f64,
    /// The values of the replicates.
    pub replicates: Vec<Option<f64>>,
}

impl Measured {
    /// Measures a prepared pair of samples. None where the value is not defined.
    pub fn of(prepared: &dyn Prepared, internal: &Weights, external: &Weights) -> Option<Self> {
        let ones = |weights: &Weights| vec![1.0; weights.first().map_or(0, Vec::len)];
        let value = prepared.value(&ones(internal), &ones(external))?;
        Some(Self { value, replicates: prepared.values(internal, external) })
    }

    /// The same with each user counted so many times: `by` has a number a user of either side.
    pub fn counting(
        prepared: &dyn Prepared,
        [internal, external]: [&Weights; 2],
        by: [&[f64]; 2],
    ) -> Option<Self> {
        let times = |weights: &Weights, by: &[f64]| -> Weights {
            let one = |weights: &Vec<f64>| weights.iter().zip(by).map(|(w, by)| w * by).collect();
            weights.iter().map(one).collect()
        };
        let value = prepared.value(by[0], by[1])?;
        let replicates = prepared.values(&times(internal, by[0]), &times(external, by[1]));
        Some(Self { value, replicates })
    }

    /// The mean over evaluation seeds, replicate by replicate, over the seeds that are defined.
    pub fn mean(seeds: &[&Self]) -> Option<Self> {
        let replicates = seeds.first()?.replicates.len();
        let average = |replicate: usize| {
            mean(seeds.iter().filter_map(|seed| seed.replicates.get(replicate).copied().flatten()))
        };
        Some(Self {
            value: mean(seeds.iter().map(|seed| seed.value))?,
            replicates: (0..replicates).map(average).collect(),
        })
    }

    /// The replicates shifted so that their mean is the value.
    pub fn centred(mut self) -> Self {
        if let Some(mean) = mean(self.replicates.iter().flatten().copied()) {
            let shift = self.value - mean;
            self.replicates.iter_mut().flatten().for_each(|replicate| *replicate += shift);
        }
        self
    }

    /// The 2.5% and 97.5% quantiles of the replicates as they are, within `low..=high`: the values
    /// between which one more replicate would fall with 95% (Hyndman and Fan's type 6; type 7 would
    /// be too narrow by a part of 2 / replicates). The value is always among them: a few replicates
    /// that are far away may else pull it out.
    pub fn interval(&self, low: f64, high: f64) -> [f64; 2] {
        let mut sorted: Vec<f64> = self.replicates.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let (count, last) = (sorted.len() as f64, sorted.len().saturating_sub(1) as f64);
        let outer = |p: f64| (((count + 1.0) * p - 1.0) / last.max(1.0)).clamp(0.0, 1.0);
        let at = |p: f64| quantile(&sorted, outer(p)).unwrap_or(self.value);
        [at(0.025).min(self.value), at(0.975).max(self.value)].map(|end| end.max(low).min(high))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The quantile of ascending values by linear interpolation between order statistics (Hyndman and
/// Fan's type 7).
pub fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = p * last as f64;
    let below = (at.floor() as usize).min(last);
    let above = (below + 1).min(last);
    Some(sorted[below] + (at - below as f64) * (sorted[above] - sorted[below]))
}

/// The median of values in any order.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        // numpy.quantile([1, 2, 4, 8], [.025, .5, .975]).
        let sorted = [1.0, 2.0, 4.0, 8.0];
        let expected = [1.075, 3.0, 7.7];
        for (p, expected) in [0.025, 0.5, 0.975].into_iter().zip(expected) {
            assert!((quantile(&sorted, p).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    }

    /// Each replicate draws as many users as there are; a user's weight is binomial (n, 1/n), so
    /// over n x replicates weights the mean square is 2 - 1/n: within 5 standard errors
    /// (sd of the square is about 3.7; false alarm below 1e-5).
    #[test]
    fn weights_are_multinomial() {
        let (users, replicates) = (500, 80);
        let weights = weights(users, replicates, &Streams::new(5));
        assert!(weights.iter().all(|w| w.iter().sum::<f64>() == users as f64));
        let n = (users * replicates) as f64;
        let square = weights.iter().flatten().map(|w| w * w).sum::<f64>() / n;
        assert!((square - (2.0 - 1.0 / users as f64)).abs() < 5.0 * 3.7 / n.sqrt(), "{square}");
        assert!(super::weights(0, 3, &Streams::new(5)).iter().all(Vec::is_empty));
    }

    #[test]
    fn centring_moves_the_mean_of_the_replicates_to_the_value() {
        let measured =
            Measured { value: 1.0, replicates: vec![Some(1.5), None, Some(2.5), Some(2.0)] };
        let centred = measured.centred();
        assert_eq!(centred.replicates, [Some(0.5), None, Some(1.5), Some(1.0)]);
        let [low, high] = centred.interval(0.6, f64::INFINITY);
        assert!(low == 0.6 && high == 1.5);
        // numpy.quantile(numpy.arange(200.0), [.025, .975], method="weibull").
        let many =
            Measured { value: 99.5, replicates: (0..200).map(|i| Some(f64::from(i))).collect() };
        let [low, high] = many.interval(0.0, f64::INFINITY);
        assert!((low - 4.025).abs() < 1e-9 && (high - 194.975).abs() < 1e-9, "{low} {high}");
        // One replicate in a hundred, far away, pulls the value out of the others.
        let far = (0..100).map(|i| Some(if i == 0 { 1e6 } else { 0.0 })).collect();
        let far = Measured { value: 2.0, replicates: far }.centred();
        assert_eq!(far.interval(0.0, f64::INFINITY)[1], 2.0);
    }

    #[test]
    fn seeds_are_averaged_where_they_are_defined() {
        let one = Measured { value: 1.0, replicates: vec![Some(1.0), None, None] };
        let two = Measured { value: 3.0, replicates: vec![Some(2.0), Some(4.0), None] };
        let mean = Measured::mean(&[&one, &two]).unwrap();
        assert_eq!(mean, Measured { value: 2.0, replicates: vec![Some(1.5), Some(4.0), None] });
        assert_eq!(Measured::mean(&[]), None);
    }
}
