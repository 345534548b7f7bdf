//! The entropy of shares.

use trueup_env::exact::rounded;

/// Entropy of the shares of these counts, in nats; none where all are 0. It depends on the shares
/// alone: not on their order, nor on how many events stand behind them.
pub(super) fn entropy<const N: usize>(mut counts: [u32; N]) -> Option<f64> {
    counts.sort_unstable();
    let total: u64 = counts.iter().map(|&count| u64::from(count)).sum();
    let shares = counts.iter().map(|&count| f64::from(count) / total as f64);
    let terms = shares.filter(|&p| p > 0.0).map(|p| p * p.ln());
    (total > 0).then(|| rounded(-terms.sum::<f64>()))
}
