//! The law of amounts that noisy counts give.
//!
//! Amounts of 0 are an atom. The others are spread evenly over their bins on a log scale, but for a
//! tail: noise of a few events in bins of large amounts would be much money. So the bins that hold
//! too little to be told from noise, and as many below them as are needed to hold enough together,
//! are one generalised Pareto law, fitted to the noisy counts. It ends at the public bound.

use super::super::AmountLaw;
use super::super::amount_law::{Atom, Parts, TAIL_EVENTS, Tail};
use super::bins::Bins;

/// A tail holds so many times the noise of all its bins together.
const TOLD: f64 = 4.0;

/// The law of a kind: its amounts of 0, its mass in the bins of the logs of the others, and the same
/// as it was counted, with noise of a standard deviation in each.
pub(super) fn law(
    zero: f64,
    bins: &Bins,
    masses: &[f64],
    noisy: &[f64],
    noise: f64,
) -> Option<AmountLaw> {
    let positive: f64 = masses.iter().sum();
    let total = zero + positive;
    let mut parts = Parts::default();
    if zero > 0.0 {
        parts.atoms.push(Atom { amount: 0.0, share: (zero / total).min(1.0) });
    }
    if positive > 0.0 {
        let edges: Vec<f64> = bins.edges().iter().map(|edge| edge.exp()).collect();
        let from = |first: usize| {
            let excesses: Vec<f64> = edges[first..].iter().map(|x| x - edges[first]).collect();
            Tail::of_counts(&excesses, &noisy[first..], noise)
        };
        let first = threshold(masses, noise);
        let tail = first.and_then(|first| Some((first, from(first)?)));
        let end = tail.map_or(masses.len(), |(first, _)| first);
        let used = |bin: &usize| masses[*bin] > 0.0;
        let low = (0..end).find(used)?;
        let high = if tail.is_some() { end } else { (low..end).rev().find(used)? + 1 };
        // Shares ascend: a bin without mass between others keeps a trace of it.
        let kept = |bin: usize| masses[bin].max(1e-9 * positive);
        let above: f64 = if tail.is_some() { masses[end..].iter().sum() } else { 0.0 };
        let whole: f64 = (low..high).map(kept).sum::<f64>() + above;
        parts.knots = edges[low..=high].to_vec();
        parts.shares.push(0.0);
        let mut below = 0.0;
        for bin in low..high {
            below += kept(bin);
            parts.shares.push((below / whole).min(1.0));
            let [a, b] = [edges[bin], edges[bin + 1]];
            parts.means.push(((b - a) / (b / a).ln()).clamp(a, b));
        }
        parts.tail = tail.map(|(_, tail)| tail);
        if let (None, Some(last)) = (parts.tail, parts.shares.last_mut()) {
            *last = 1.0;
        }
    }
    AmountLaw::try_from(parts).ok()
}

/// The bin from which amounts are a tail: the highest with enough mass from it on, more than half of
/// all being none; none where that is not so.
fn threshold(masses: &[f64], noise: f64) -> Option<usize> {
    let positive: f64 = masses.iter().sum();
    let mut above = 0.0;
    for (bins, bin) in (1_u32..).zip((1..masses.len()).rev()) {
        above += masses[bin];
        let enough = TOLD * noise * f64::from(bins).sqrt();
        if above >= enough.max(positive / 200.0).max(TAIL_EVENTS as f64) {
            return (bins > 2 && above <= positive / 2.0).then_some(bin);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts of an exponential law of mean 40 between 1 and 5000, 60 bins of the logs. Without
    /// noise: mean and 99.9% quantile, 40 ln(1000) = 276.3, within 1%. With 30 false events in the
    /// last bin and noise of that size: within 20%, where bins alone would have a mean of 55.
    #[test]
    fn a_tail_takes_the_noise_out_of_large_amounts() {
        let bins = Bins::real(0.0, 5000f64.ln(), 60);
        let share = |x: f64| (-x.exp() / 40.0).exp();
        let counts = |pair: &[f64]| 10_000.0 * (share(pair[0]) - share(pair[1]));
        let mut counts: Vec<f64> = bins.edges().windows(2).map(counts).collect();
        let fitted = law(100.0, &bins, &counts, &counts, 0.0).unwrap();
        let (n, mean) = (counts.iter().sum::<f64>(), 40.0 + 1.0);
        let zeros = 100.0 / (n + 100.0);
        assert!((fitted.shares(0.0)[1] - zeros).abs() < 1e-12);
        assert!((fitted.mean() / (mean * (1.0 - zeros)) - 1.0).abs() < 0.01, "{}", fitted.mean());
        let large = |law: &AmountLaw| law.quantile(1.0 - 0.001 * (1.0 - zeros));
        let expected = 40.0 * (1000f64.ln()) + 1.0;
        assert!((large(&fitted) / expected - 1.0).abs() < 0.01, "{}", large(&fitted));
        counts[59] += 30.0;
        let noisy = law(100.0, &bins, &counts, &counts, 30.0).unwrap();
        assert!((noisy.mean() / (mean * (1.0 - zeros)) - 1.0).abs() < 0.2, "{}", noisy.mean());
        assert!((large(&noisy) / expected - 1.0).abs() < 0.2, "{}", large(&noisy));
        assert!(noisy.quantile(1.0) <= 5000.0 * (1.0 + 1e-12));
        let exact = Tail { scale: 40.0, shape: 0.0, reach: 1.0 };
        assert!((exact.quantile(0.999) - 40.0 * 1000f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn little_mass_is_left_in_its_bins() {
        let bins = Bins::real(0.0, 3.0, 3);
        let three = law(0.0, &bins, &[2.0, 0.0, 2.0], &[2.0, 0.0, 2.0], 0.0).unwrap();
        assert!(three.parts().tail.is_none());
        assert!((three.quantile(0.25) - 0.5_f64.exp()).abs() < 0.1);
        assert!(three.quantile(0.5 + 1e-6) >= 2f64.exp() - 1e-9);
        let zeros = law(5.0, &bins, &[0.0; 3], &[0.0; 3], 0.0).unwrap();
        assert_eq!((zeros.quantile(0.0), zeros.quantile(1.0), zeros.mean()), (0.0, 0.0, 0.0));
        assert!(law(0.0, &bins, &[0.0; 3], &[0.0; 3], 0.0).is_none());
    }
}
