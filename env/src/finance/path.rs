//! The market of one episode: prices of all ticks, and what users see of them.

use crate::clock::Clock;
use crate::market::{Market, MarketModel};
use crate::random::Streams;

/// Cumulative log returns beyond this stand still: a price stays between exp(-20) and exp(20).
const LOG_PRICE_BOUND: f64 = 20.0;

/// Prices of ticks 0 to horizon (the last is the one after the end); 1 at tick 0.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    pub(super) price: Vec<f64>,
    /// Log return of the last tick, in standard deviations, within -5 to 5.
    pub(super) last_return: Vec<f32>,
    /// Log return of the last four ticks, in standard deviations, within -5 to 5.
    pub(super) month_return: Vec<f32>,
    /// 1 - price / highest price so far, 0 to 1.
    pub(super) drawdown: Vec<f32>,
}

impl Path {
    /// Draws the market of an episode.
    pub(super) fn draw(model: &MarketModel, clock: &Clock, streams: &Streams) -> Self {
        let returns = model.log_returns(clock, &mut streams.stream("market", 0));
        let volatility = model.tick_volatility(clock);
        let unit = if volatility > 0.0 { 1.0 / volatility } else { 0.0 };
        let mut logs = vec![0.0f64];
        let mut log = 0.0f64;
        for step in returns {
            log = (log + step).clamp(-LOG_PRICE_BOUND, LOG_PRICE_BOUND);
            logs.push(log);
        }
        let standardised = |tick: usize, ticks: usize| {
            let change = logs[tick] - logs[tick.saturating_sub(ticks)];
            (change * unit / (ticks as f64).sqrt()).clamp(-5.0, 5.0) as f32
        };
        let mut peak = f64::NEG_INFINITY;
        let drawdown = logs.iter().map(|&log| {
            peak = peak.max(log);
            (1.0 - (log - peak).exp()) as f32
        });
        Self {
            drawdown: drawdown.collect(),
            last_return: (0..logs.len()).map(|tick| standardised(tick, 1)).collect(),
            month_return: (0..logs.len()).map(|tick| standardised(tick, 4)).collect(),
            price: logs.iter().map(|log| log.exp()).collect(),
        }
    }
}
