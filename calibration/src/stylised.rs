//! Stylised facts: what returns of real markets have in common, as numbers measured on one series.
//!
//! Cont, *Empirical properties of asset returns: stylized facts and statistical issues*,
//! Quantitative Finance 1, 2001. Market models are judged by them, and discrepancies compare them
//! between two series (`discrepancy::series`). Each function takes finite numbers in time order and
//! gives none where the series is too short or does not vary: no fact is measured on rounding.

/// Spread below this share of the largest value is rounding.
const ROUNDING: f64 = 1e-12;

/// Changes from each value to the next; those that are no more than rounding are 0.
pub fn changes(series: &[f64]) -> Vec<f64> {
    let rounding = ROUNDING * largest(series);
    let change = |pair: &[f64]| match pair {
        [before, after] if (after - before).abs() > rounding => after - before,
        _ => 0.0,
    };
    series.windows(2).map(change).collect()
}

fn largest(series: &[f64]) -> f64 {
    series.iter().fold(0.0, |most, value| value.abs().max(most))
}

/// Standardised by mean and standard deviation (n); none without spread.
fn standardised(series: &[f64]) -> Option<Vec<f64>> {
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n;
    let variance = series.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let sd = variance.sqrt();
    let varies = sd.is_finite() && sd > ROUNDING * largest(series);
    varies.then(|| series.iter().map(|x| (x - mean) / sd).collect())
}

/// `sum_t z_t z_(t + l) / sum_t z_t^2` for l = 1, 2, ... up to `lags` or the last that exists, z
/// being the series less its mean. Returns of markets have next to none.
pub fn autocorrelation(series: &[f64], lags: usize) -> Option<Vec<f64>> {
    let z = standardised(series)?;
    let products = |lag: usize| z.iter().zip(&z[lag..]).map(|(a, b)| a * b).sum::<f64>();
    Some((1..=lags.min(z.len() - 1)).map(|lag| products(lag) / z.len() as f64).collect())
}

/// Autocorrelation of the sizes of returns: volatility comes in clusters, so that it is positive
/// and falls slowly.
pub fn absolute_autocorrelation(returns: &[f64], lags: usize) -> Option<Vec<f64>> {
    autocorrelation(&returns.iter().map(|r| r.abs()).collect::<Vec<_>>(), lags)
}

/// How fast the autocorrelation C of the sizes falls: b of `C(l) = a l^-b`, by least squares of ln
/// C on ln l over the lags up to `lags` with C > 0. Cont reports 0.2 to 0.4.
pub fn absolute_decay(returns: &[f64], lags: usize) -> Option<f64> {
    let curve = absolute_autocorrelation(returns, lags)?;
    let points = curve.iter().zip(1..).filter(|(c, _)| **c > 0.0);
    let (x, y): (Vec<f64>, Vec<f64>) = points.map(|(c, lag)| (f64::from(lag).ln(), c.ln())).unzip();
    slope(&x, &y).map(|slope| -slope)
}

/// Slope of the least squares line through (x, y); none where x does not vary.
pub(crate) fn slope(x: &[f64], y: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let square: f64 = x.iter().map(|x| (x - mean_x) * (x - mean_x)).sum();
    let cross: f64 = x.iter().zip(y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (square > 0.0).then(|| cross / square)
}

/// `m4 / m2^2 - 3` from central moments (n): 0 for a normal law, above it where tails are heavy.
pub fn excess_kurtosis(returns: &[f64]) -> Option<f64> {
    let z = standardised(returns)?;
    Some(z.iter().map(|z| z.powi(4)).sum::<f64>() / z.len() as f64 - 3.0)
}

/// Hill's estimator of 1 / alpha, alpha being the exponent of the tail of |r|: the mean of `ln(x_i
/// / x_(k + 1))` over the k largest of the n sizes above 0, k being `share` of n, rounded up (Hill,
/// *A simple general approach to inference about the tail of a distribution*, Annals of Statistics
/// 3, 1975). Markets have alpha of 2 to 5, so 0.2 to 0.5.
pub fn hill(returns: &[f64], share: f64) -> Option<f64> {
    let mut sizes: Vec<f64> = returns.iter().map(|r| r.abs()).filter(|size| *size > 0.0).collect();
    sizes.sort_unstable_by(|a, b| b.total_cmp(a));
    let k = (share * sizes.len() as f64).ceil() as usize;
    let threshold = *sizes.get(k)?;
    let sum: f64 = sizes.iter().take(k).map(|size| (size / threshold).ln()).sum();
    (k > 0).then(|| sum / k as f64)
}

/// Pearson's correlation of r_t with r_(t + l)^2 for l = 1, 2, ... up to `lags` or the last with
/// three pairs: negative where falls are followed by volatility. 0 at a lag without spread.
pub fn leverage(returns: &[f64], lags: usize) -> Option<Vec<f64>> {
    standardised(returns)?;
    let most = lags.min(returns.len().checked_sub(3)?);
    let correlation = |lag: usize| {
        let earlier = standardised(&returns[..returns.len() - lag])?;
        let squares: Vec<f64> = returns[lag..].iter().map(|r| r * r).collect();
        let later = standardised(&squares)?;
        let sum: f64 = earlier.iter().zip(&later).map(|(a, b)| a * b).sum();
        Some(sum / earlier.len() as f64)
    };
    Some((1..=most).map(|lag| correlation(lag).unwrap_or(0.0)).collect())
}

/// Excess kurtosis of the sums of each `scale` consecutive returns, overlapping: it falls with the
/// scale, as sums become more normal.
pub fn aggregated_kurtosis(returns: &[f64], scale: usize) -> Option<f64> {
    let sums: Vec<f64> = returns.windows(scale.max(1)).map(|window| window.iter().sum()).collect();
    excess_kurtosis(&sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        // z = (-1, 1, -1, 1): products -3 and 2 over 4.
        assert_eq!(autocorrelation(&[1.0, 3.0, 1.0, 3.0], 2), Some(vec![-0.75, 0.5]));
        assert_eq!(excess_kurtosis(&[-1.0, 1.0, -1.0, 1.0]), Some(-2.0));
        // The two largest of eight are e^3 and e^2, over e.
        let sizes = [3.0, -2.0, 1.0, 0.0, -1.0, 0.5, 0.1, 0.2].map(|x: f64| x.abs().exp());
        assert!((hill(&sizes, 0.25).unwrap() - 1.5).abs() < 1e-15);
        assert_eq!(changes(&[1.0, 3.0, 2.0, 2.0 + 1e-15]), [2.0, -1.0, 0.0]);
        // Squares 1, 4, 9 follow 3, 2, 1.
        let falling = leverage(&[3.0, 1.0, -2.0, 3.0], 1).unwrap();
        assert!(falling[0].abs() <= 1.0);
    }

    #[test]
    fn nothing_is_measured_without_spread() {
        for series in [&[][..], &[1.0], &[0.1; 50], &[0.0; 9]] {
            assert_eq!(autocorrelation(series, 3), None);
            assert_eq!(absolute_autocorrelation(series, 3), None);
            assert_eq!(absolute_decay(series, 3), None);
            assert_eq!(excess_kurtosis(series), None);
            assert_eq!(leverage(series, 3), None);
            assert_eq!(aggregated_kurtosis(series, 5), None);
        }
        assert_eq!(hill(&[0.0; 9], 0.1), None);
        assert_eq!(hill(&[1.0], 0.1), None);
        assert_eq!(hill(&[2.0; 5], 1e-300), Some(0.0));
        assert_eq!(aggregated_kurtosis(&[1.0, 2.0], 5), None);
        assert_eq!(leverage(&[1.0, 2.0], 5), None);
    }
}
