//! Markets: where the price of risky holdings comes from.
//!
//! A market model draws one path of log returns per episode; all users of the episode live in the
//! same market. To add a model, write a file and add a variant to [`MarketModel`].

mod bootstrap;
mod gbm;

use serde::{Deserialize, Serialize};

pub use bootstrap::Bootstrap;
pub use gbm::Gbm;

use crate::clock::Clock;
use crate::random::Stream;

/// A law of log returns, one a tick.
pub trait Market {
    /// One path: `clock.horizon` log returns, the first from tick 0 to tick 1. All finite.
    fn log_returns(&self, clock: &Clock, stream: &mut Stream) -> Vec<f64>;

    /// Standard deviation of one tick's log return: the unit in which users see returns.
    fn tick_volatility(&self, clock: &Clock) -> f64;

    /// Whether the parameters make a law; else what is wrong with them and what would be right.
    ///
    /// # Errors
    /// A sentence for a person.
    fn check(&self) -> Result<(), String>;
}

/// All market models, as they are written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MarketModel {
    /// Geometric Brownian motion.
    Gbm(Gbm),
    /// Resampled history.
    Bootstrap(Bootstrap),
}

impl Market for MarketModel {
    fn log_returns(&self, clock: &Clock, stream: &mut Stream) -> Vec<f64> {
        match self {
            Self::Gbm(model) => model.log_returns(clock, stream),
            Self::Bootstrap(model) => model.log_returns(clock, stream),
        }
    }

    fn tick_volatility(&self, clock: &Clock) -> f64 {
        match self {
            Self::Gbm(model) => model.tick_volatility(clock),
            Self::Bootstrap(model) => model.tick_volatility(clock),
        }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Gbm(model) => model.check(),
            Self::Bootstrap(model) => model.check(),
        }
    }
}
