//! The amount that goes with a kind: a choice among quantile bins of the external amounts, and a
//! real value drawn inside the bin by the law of the external amounts ([`AmountLaw`]).
//!
//! Real amounts are bunched (prices, round sums) and have long tails. A uniform choice among the bins
//! has their law exactly, so that a policy that knows nothing yet errs in nothing but when and how
//! often; what it learns is how amounts depend on the user.

use trueup_calibration::statistics::{AmountLaw, Statistics};
use trueup_env::Stream;

/// Quantile bins per kind.
#[derive(Clone, Debug)]
pub struct Amounts {
    bins: usize,
    per_kind: Vec<Option<AmountLaw>>,
}

impl Amounts {
    /// Bins of equal probability under the external amounts of each kind.
    pub fn new(statistics: &Statistics, bins: usize) -> Self {
        let per_kind =
            (0..statistics.kinds.len()).map(|kind| statistics.amount_law(kind)).collect();
        Self { bins: bins.max(1), per_kind }
    }

    /// Number of bins.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// Draws an amount of `kind` (an index into the log's kinds) in bin `bin`; 0 for a kind that
    /// has no external events.
    pub fn draw(&self, kind: usize, bin: usize, stream: &mut Stream) -> f64 {
        let p = (bin as f64 + stream.uniform()) / self.bins as f64;
        self.law(kind).map_or(0.0, |law| law.quantile(p))
    }

    /// The bin of a real amount of `kind`; 0 for a kind that has no external events.
    ///
    /// A share drawn uniformly from those that the law gives the amount names the bin: an amount that
    /// several bins hold, because many real events have it, goes to each of them in proportion.
    /// Drawing an amount from the bin of an external amount has the external law.
    pub fn bin_of(&self, kind: usize, amount: f64, stream: &mut Stream) -> usize {
        let u = stream.uniform();
        let Some(law) = self.law(kind) else { return 0 };
        let [low, high] = law.shares(amount);
        let p = low + u * (high - low);
        ((p * self.bins as f64) as usize).min(self.bins - 1)
    }

    /// The amount in the middle of a bin; none for a kind that has no external events.
    pub fn middle(&self, kind: usize, bin: usize) -> Option<f64> {
        self.law(kind).map(|law| law.quantile((bin as f64 + 0.5) / self.bins as f64))
    }

    fn law(&self, kind: usize) -> Option<&AmountLaw> {
        self.per_kind.get(kind).and_then(Option::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use trueup_calibration::external::load;
    use trueup_env::{Clock, Covariates, Event, EventLog, Streams, Tick};

    use super::*;

    fn log(amounts: &[f64]) -> EventLog {
        let event = |&amount| (0, Event { tick: 0, kind: 0, amount, balance: f64::NAN });
        EventLog::new(
            Clock { tick: Tick::Week, horizon: 1, start_day: None },
            vec!["purchase".into(), "refund".into()],
            vec!["a".into()],
            amounts.iter().map(event),
            Covariates::default(),
        )
        .unwrap()
    }

    /// Distinct amounts: every bin gets its share, to two of the events in an interval of the law.
    #[test]
    fn distinct_amounts_fill_the_bins_evenly() {
        let external: Vec<f64> = (0..5120).map(|i| f64::from(i).powf(1.3)).collect();
        let statistics = Statistics::of(&log(&external));
        let mut stream = Streams::new(2).stream("bins", 0);
        for bins in [1, 2, 32, 512] {
            let amounts = Amounts::new(&statistics, bins);
            let mut counts = vec![0; bins];
            for &amount in &external {
                counts[amounts.bin_of(0, amount, &mut stream)] += 1;
            }
            let even = |&count: &usize| count.abs_diff(5120 / bins) <= 2;
            assert!(counts.iter().all(even), "{bins}: {counts:?}");
            assert_eq!(amounts.bin_of(0, -1.0, &mut stream), 0);
            assert_eq!(amounts.bin_of(0, 1e9, &mut stream), bins - 1);
            assert_eq!(amounts.bin_of(1, 5.0, &mut stream), 0);
        }
    }

    /// On real, bunched amounts. Bins: each within two intervals of the law of its share and 4.5
    /// standard errors (false alarm 32 x 7e-6). Amounts drawn from the bins of the real amounts: their
    /// distribution function at 40 points within three such intervals and Hoeffding's bound at 1e-6
    /// each (false alarm 4e-5).
    #[test]
    fn bins_of_real_amounts_are_uniform_and_give_the_real_amounts_back() {
        let real = load("builtin:cdnow", None, "key").unwrap().log;
        let amounts = Amounts::new(&Statistics::of(&real), 32);
        let mut stream = Streams::new(3).stream("bins", 0);
        let mut counts = [0.0; 32];
        let mut external: Vec<f64> = real.events().iter().map(|event| event.amount).collect();
        let mut drawn: Vec<f64> = Vec::new();
        for &amount in &external {
            let bin = amounts.bin_of(0, amount, &mut stream);
            counts[bin] += 1.0;
            drawn.push(amounts.draw(0, bin, &mut stream));
        }
        let n = external.len() as f64;
        for (bin, count) in counts.iter().enumerate() {
            let (share, p) = (count / n, 1.0 / 32.0);
            let allowed = 2.0 / 512.0 + 4.5 * (p * (1.0 - p) / n).sqrt();
            assert!((share - p).abs() < allowed, "bin {bin}: {share}");
        }
        external.sort_by(f64::total_cmp);
        drawn.sort_by(f64::total_cmp);
        let below = |sorted: &[f64], x: f64| sorted.partition_point(|v| *v <= x) as f64 / n;
        let allowed = 3.0 / 512.0 + ((2.0_f64 / 1e-6).ln() / (2.0 * n)).sqrt();
        for i in 0..40 {
            let x = external[external.len() * i / 40];
            let gap = below(&drawn, x) - below(&external, x);
            assert!(gap.abs() < allowed, "{x}: {gap}");
        }
    }

    /// The bins of real amounts give back their mean and the share of money in the largest 1%, which
    /// the law has exactly: within 4.5 standard errors of a mean and 10% (false alarm 1e-5).
    #[test]
    fn bins_of_real_amounts_give_the_real_money_back() {
        let real = load("builtin:cdnow", None, "key").unwrap().log;
        let amounts = Amounts::new(&Statistics::of(&real), 32);
        let mut stream = Streams::new(4).stream("bins", 0);
        let mut external: Vec<f64> = real.events().iter().map(|event| event.amount).collect();
        let mut drawn: Vec<f64> = external
            .iter()
            .map(|&amount| {
                let bin = amounts.bin_of(0, amount, &mut stream);
                amounts.draw(0, bin, &mut stream)
            })
            .collect();
        let n = external.len() as f64;
        let figures = |amounts: &mut Vec<f64>| {
            amounts.sort_by(f64::total_cmp);
            let sum: f64 = amounts.iter().sum();
            let large: f64 = amounts.iter().rev().take((0.01 * n) as usize).sum();
            (sum / n, large / sum)
        };
        let ((mean, share), (ours, large)) = (figures(&mut external), figures(&mut drawn));
        let variance = external.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        assert!((ours - mean).abs() < 4.5 * (variance / n).sqrt(), "{ours} {mean}");
        assert!((large / share - 1.0).abs() < 0.1, "{large} {share}");
    }

    /// Uniform bins reproduce the share of a price that 30% of real events have: within 4.5
    /// standard errors of 20,000 draws (false alarm 1e-5).
    #[test]
    fn uniform_bins_have_the_external_distribution() {
        let event = |i: u32| {
            let amount = if i % 10 < 3 { 11.77 } else { 20.0 + f64::from(i) };
            (0, Event { tick: 0, kind: 0, amount, balance: f64::NAN })
        };
        let log = EventLog::new(
            Clock { tick: Tick::Week, horizon: 1, start_day: None },
            vec!["purchase".into()],
            vec!["a".into()],
            (0..5_000).map(event),
            Covariates::default(),
        )
        .unwrap();
        let amounts = Amounts::new(&Statistics::of(&log), 32);
        let mut stream = Streams::new(1).stream("amounts", 0);
        let n = 20_000;
        let hits = (0..n)
            .filter(|_| {
                let bin = stream.below(32);
                amounts.draw(0, bin, &mut stream) == 11.77
            })
            .count() as f64;
        let share = hits / f64::from(n);
        assert!((share - 0.3).abs() < 4.5 * (0.3_f64 * 0.7 / f64::from(n)).sqrt());
    }
}
