//! The mean over training seeds, with an interval.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::seeds::LEAST_SEEDS;

/// A mean over seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// 95% interval of the mean; none with fewer than two seeds, and where so few that all agree: that
    /// they do says nothing of their spread.
    pub ci: Option<[f64; 2]>,
    /// Number of seeds.
    pub seeds: usize,
}

/// The mean of one value a seed with Student's 95% interval,
///
/// ```text
/// mean +- t(0.975, n - 1) s / sqrt(n),   s^2 = sum (x - mean)^2 / (n - 1)
/// ```
///
/// Source: Student (1908). It holds for values that are about normal over seeds, and is honestly
/// wide for few seeds, where a bootstrap is too narrow. None without values, or where one is not
/// finite. The interval may reach beyond the values that are possible.
pub fn mean_over_seeds(values: &[f64]) -> Option<Estimate> {
    let seeds = values.len();
    // From one of the values on: the mean of equal values is that value, and they have no spread.
    let first = *values.first()?;
    let mean = first + values.iter().map(|x| x - first).sum::<f64>() / seeds as f64;
    if !mean.is_finite() {
        return None;
    }
    let degrees = seeds as f64 - 1.0;
    let variance = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / degrees;
    let half = |t: StudentsT| t.inverse_cdf(0.975) * (variance / seeds as f64).sqrt();
    let half = StudentsT::new(0.0, 1.0, degrees).ok().map(half).filter(|half| half.is_finite());
    let half = half.filter(|half| seeds >= LEAST_SEEDS || *half > 0.0);
    Some(Estimate { mean, ci: half.map(|half| [mean - half, mean + half]), seeds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_scipy() {
        // scipy 1.17.1: t.interval(0.95, n - 1, loc=mean, scale=std(ddof=1) / sqrt(n)).
        let five = mean_over_seeds(&[480.5, 500.0, 455.25, 497.0, 500.0]).unwrap();
        let [low, high] = five.ci.unwrap();
        assert!((five.mean - 486.55).abs() < 1e-9);
        assert!((low - 462.607_285_752_234).abs() < 1e-6, "{low}");
        assert!((high - 510.492_714_247_766).abs() < 1e-6, "{high}");
        // t.ppf(0.975, 1) = 12.706204736174694; the standard error of 0 and 2 is 1.
        let [low, high] = mean_over_seeds(&[0.0, 2.0]).unwrap().ci.unwrap();
        assert!((low + 11.706_204_736).abs() < 1e-6 && (high - 13.706_204_736).abs() < 1e-6);
    }

    #[test]
    fn few_or_strange_values_have_no_interval() {
        assert_eq!(mean_over_seeds(&[]), None);
        assert_eq!(mean_over_seeds(&[1.0, f64::NAN]), None);
        let one = mean_over_seeds(&[3.0]).unwrap();
        assert_eq!((one.mean, one.ci, one.seeds), (3.0, None, 1));
        assert_eq!(mean_over_seeds(&[2.0; 4]).unwrap().ci, Some([2.0, 2.0]));
        assert_eq!(mean_over_seeds(&[100.0; 2]).unwrap().ci, None);
    }
}
