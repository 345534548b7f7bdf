//! Geometric Brownian motion: dS / S = mean dt + volatility dW.
//!
//! The log return over a tick of dt years is normal with mean (mean - volatility^2 / 2) dt and
//! variance volatility^2 dt, independent between ticks (Black and Scholes, *The pricing of options
//! and corporate liabilities*, Journal of Political Economy 81, 1973).

use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::Market;
use crate::clock::Clock;
use crate::random::Stream;

/// Parameters of geometric Brownian motion.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gbm {
    /// Expected growth of the price, per year: E S(t) = S(0) exp(mean t). Between -1 and 1.
    pub mean: f64,
    /// Standard deviation of the log return over a year. Between 0 and 3.
    pub volatility: f64,
}

impl Market for Gbm {
    fn log_returns(&self, clock: &Clock, stream: &mut Stream) -> Vec<f64> {
        let years = 1.0 / clock.tick.per_year();
        let drift = (self.mean - 0.5 * self.volatility * self.volatility) * years;
        let sd = self.tick_volatility(clock);
        let mut draw = || {
            let z: f64 = StandardNormal.sample(stream);
            drift + sd * z
        };
        (0..clock.horizon).map(|_| draw()).collect()
    }

    fn tick_volatility(&self, clock: &Clock) -> f64 {
        self.volatility / clock.tick.per_year().sqrt()
    }

    fn check(&self) -> Result<(), String> {
        if !(self.mean.is_finite() && self.mean.abs() <= 1.0) {
            return Err(format!("mean is {}; it is a growth per year between -1 and 1", self.mean));
        }
        if !(0.0..=3.0).contains(&self.volatility) {
            return Err(format!(
                "volatility is {}; it is a standard deviation per year between 0 and 3",
                self.volatility
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Tick;
    use crate::random::Streams;

    /// Mean and variance of 200,000 weekly log returns against the closed form, and the mean of
    /// the yearly price relative against exp(mean): each within 4.5 standard errors, so the three
    /// together raise a false alarm for about 2 in 100,000 seeds.
    #[test]
    fn moments_agree_with_the_closed_form() {
        let model = Gbm { mean: 0.07, volatility: 0.2 };
        let clock = Clock { tick: Tick::Week, horizon: 200_000, start_day: None };
        let returns = model.log_returns(&clock, &mut Streams::new(5).stream("market", 0));
        assert_eq!(returns.len(), 200_000);
        let n = returns.len() as f64;
        let mean = returns.iter().sum::<f64>() / n;
        let variance = returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / n;
        let years = 7.0 / 365.25;
        let expected_variance = 0.04 * years;
        assert!((mean - 0.05 * years).abs() < 4.5 * (expected_variance / n).sqrt());
        assert!((variance - expected_variance).abs() < 4.5 * expected_variance * (2.0 / n).sqrt());

        let growth: Vec<f64> =
            returns.chunks_exact(50).map(|path| path.iter().sum::<f64>().exp()).collect();
        let paths = growth.len() as f64;
        let t = 50.0 * years;
        let mean = growth.iter().sum::<f64>() / paths;
        let expected = (0.07 * t).exp();
        // Var S(t) / S(0)^2 = exp(2 mean t) (exp(volatility^2 t) - 1).
        let se = expected * ((0.04 * t).exp_m1() / paths).sqrt();
        assert!((mean - expected).abs() < 4.5 * se, "{mean} {expected} {se}");
    }

    #[test]
    fn parameters_outside_the_law_are_refused() {
        assert!(Gbm { mean: f64::NAN, volatility: 0.2 }.check().is_err());
        assert!(Gbm { mean: 0.0, volatility: -0.1 }.check().is_err());
        assert!(Gbm { mean: 0.0, volatility: 0.0 }.check().is_ok());
    }
}
