//! Resampled history: the stationary bootstrap of Politis and Romano (*The stationary bootstrap*,
//! JASA 89, 1994).
//!
//! The path walks through the historical returns in their order and jumps to a uniformly chosen
//! return with probability 1 / mean_block at each tick, so that runs of calm and of turmoil
//! survive. Blocks have geometric lengths; the history is a circle. A mean block of 1 is the
//! independent bootstrap.

use serde::{Deserialize, Serialize};

use super::Market;
use crate::clock::Clock;
use crate::random::Stream;

/// A history of returns to resample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// Log returns of one tick each, in time order; at least one, all finite.
    pub returns: Vec<f64>,
    /// Mean length of a block in ticks, at least 1.
    pub mean_block: f64,
}

impl Market for Bootstrap {
    fn log_returns(&self, clock: &Clock, stream: &mut Stream) -> Vec<f64> {
        let Some(last) = self.returns.len().checked_sub(1) else {
            return vec![0.0; clock.horizon as usize];
        };
        let jump = 1.0 / self.mean_block;
        let mut place = stream.below(self.returns.len());
        let mut path = Vec::with_capacity(clock.horizon as usize);
        for _ in 0..clock.horizon {
            path.push(self.returns[place]);
            place = match stream.uniform() < jump {
                true => stream.below(self.returns.len()),
                false if place == last => 0,
                false => place + 1,
            };
        }
        path
    }

    fn tick_volatility(&self, _clock: &Clock) -> f64 {
        let n = self.returns.len().max(1) as f64;
        let mean = self.returns.iter().sum::<f64>() / n;
        (self.returns.iter().map(|r| (r - mean) * (r - mean)).sum::<f64>() / n).sqrt()
    }

    fn check(&self) -> Result<(), String> {
        if self.returns.is_empty() {
            return Err("the history of returns is empty; give at least two prices".into());
        }
        if let Some(i) = self.returns.iter().position(|r| !r.is_finite() || r.abs() > 10.0) {
            let value = self.returns[i];
            return Err(format!("log return number {i} is {value}, not a number within -10 to 10"));
        }
        if !(self.mean_block >= 1.0 && self.mean_block.is_finite()) {
            return Err(format!(
                "mean_block is {}; it is a number of ticks of at least 1",
                self.mean_block
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

    const N: usize = 50;

    fn path(mean_block: f64, horizon: u32) -> Vec<usize> {
        // Each return is its own place in the history, so that a path shows where it walked.
        let model = Bootstrap { returns: (0..N).map(|i| i as f64 / 100.0).collect(), mean_block };
        let clock = Clock { tick: Tick::Day, horizon, start_day: None };
        let returns = model.log_returns(&clock, &mut Streams::new(9).stream("market", 0));
        assert!(returns.iter().all(|r| model.returns.contains(r)), "a return not from history");
        returns.iter().map(|r| (r * 100.0).round() as usize).collect()
    }

    /// The share of steps to the next return is 1 - p + p / N with p = 1 / mean_block; within 4.5
    /// standard errors (false alarm 1e-5 a case).
    #[test]
    fn blocks_have_the_mean_length_asked_for() {
        for mean_block in [1.0, 4.0, 20.0] {
            let places = path(mean_block, 100_000);
            let steps = (places.len() - 1) as f64;
            let next = places.windows(2).filter(|w| w[1] == (w[0] + 1) % N).count() as f64 / steps;
            let p = 1.0 / mean_block;
            let expected = 1.0 - p + p / N as f64;
            let se = (expected * (1.0 - expected) / steps).sqrt();
            assert!((next - expected).abs() < 4.5 * se, "{mean_block}: {next} {expected}");
        }
    }

    /// Every place is visited equally often: chi-square with 49 degrees of freedom under its
    /// 99.999% quantile 103.12 (scipy.stats.chi2.ppf(1 - 1e-5, 49)); false alarm 1e-5.
    #[test]
    fn independent_draws_are_uniform_over_the_history() {
        let places = path(1.0, 100_000);
        let mut counts = [0f64; N];
        places.iter().for_each(|&place| counts[place] += 1.0);
        let expected = places.len() as f64 / N as f64;
        let chi: f64 = counts.iter().map(|c| (c - expected).powi(2) / expected).sum();
        assert!(chi < 103.12, "{chi}");
    }

    #[test]
    fn a_history_that_cannot_be_resampled_is_refused() {
        assert!(Bootstrap { returns: vec![], mean_block: 1.0 }.check().is_err());
        assert!(Bootstrap { returns: vec![f64::NAN], mean_block: 1.0 }.check().is_err());
        assert!(Bootstrap { returns: vec![0.1], mean_block: 0.5 }.check().is_err());
        assert!(Bootstrap { returns: vec![0.1], mean_block: 1.0 }.check().is_ok());
    }
}
