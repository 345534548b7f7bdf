//! What a user has done so far, as running sums: the memory behind observations, user features
//! and rewards. One definition serves all three, so that they cannot disagree.
//!
//! The sums are exact ([`crate::exact`]): events of one tick may come in any order, and what has no
//! spread has the spread 0.

use serde::{Deserialize, Serialize};

use crate::event_log::{Event, MAX_KINDS};
use crate::exact::{mean, rounded, variance};
use crate::money::Money;

/// Log amounts are added as multiples of 2^-46 (1.4e-14).
const LOG_UNIT: f64 = (1_u64 << 46) as f64;

/// Running sums over one user's events. Empty at the start of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Number of events.
    pub count: u32,
    /// Number of events per kind.
    pub kind_counts: [u32; MAX_KINDS],
    /// Number of ticks with at least one event.
    pub active_ticks: u32,
    /// Tick of the first event (0 without events).
    pub first_tick: u32,
    /// Tick of the last event (0 without events).
    pub last_tick: u32,
    /// Events in the tick of the last event.
    pub count_in_last_tick: u32,
    /// Kind of the last event (0 without events).
    pub last_kind: u16,
    /// Number of events with a positive amount: those that have a log amount.
    pub log_count: u32,
    /// Sum of natural logs of positive amounts, in units of 2^-46.
    pub log_sum: i128,
    /// Sum of their squares, in squared units.
    pub log_square_sum: i128,
    /// Log amount of the last event with a positive amount; 0 before one.
    pub last_log_amount: f64,
    /// Largest log amount; 0 before one.
    pub log_max: f64,
    /// Sum of amounts.
    pub amount_sum: Money,
    /// Largest amount; 0 before one.
    pub amount_max: f64,
    /// Smallest positive amount; 0 before one.
    pub amount_min: f64,
    /// Sum of squared gaps (ticks) between consecutive events.
    pub gap_square_sum: u64,
    /// Ticks between the last two events (0 before two).
    pub last_gap: u32,
    /// Number of events per tick modulo 7: per weekday where ticks are days.
    pub phase_counts: [u32; 7],
}

impl History {
    /// Adds an event; events must come in time order.
    #[inline]
    pub fn push(&mut self, event: &Event) {
        if self.count == 0 {
            self.first_tick = event.tick;
        }
        if self.count == 0 || event.tick != self.last_tick {
            self.active_ticks += 1;
            self.count_in_last_tick = 0;
        }
        if self.count > 0 {
            self.last_gap = event.tick - self.last_tick;
            self.gap_square_sum += u64::from(self.last_gap) * u64::from(self.last_gap);
        }
        self.count += 1;
        self.count_in_last_tick += 1;
        self.kind_counts[usize::from(event.kind)] += 1;
        self.phase_counts[event.tick as usize % 7] += 1;
        self.last_tick = event.tick;
        self.last_kind = event.kind;
        self.amount_sum += Money::of(event.amount);
        self.amount_max = self.amount_max.max(event.amount);
        if let Some(log) = log_amount(event.amount) {
            self.log_max = if self.log_count == 0 { log } else { self.log_max.max(log) };
            let least = if self.log_count == 0 { event.amount } else { self.amount_min };
            self.amount_min = least.min(event.amount);
            self.log_count += 1;
            let units = i128::from((log * LOG_UNIT).round() as i64);
            self.log_sum += units;
            self.log_square_sum = self.log_square_sum.saturating_add(units * units);
            self.last_log_amount = log;
        }
    }

    /// Mean log amount, or none without positive amounts; a multiple of 2^-32, as the others here
    /// are.
    #[inline]
    pub fn mean_log_amount(&self) -> Option<f64> {
        (self.log_count > 0).then(|| mean(self.log_count, self.log_sum))
    }

    /// Standard deviation (n - 1) of log amounts, or none with fewer than two.
    #[inline]
    pub fn sd_log_amount(&self) -> Option<f64> {
        let variance = || variance(self.log_count, self.log_sum, self.log_square_sum, 1);
        (self.log_count > 1).then(|| rounded(variance().sqrt() / LOG_UNIT))
    }

    /// Mean of the times between consecutive events, in ticks, or none with fewer than two events.
    #[inline]
    pub fn mean_gap(&self) -> Option<f64> {
        let ticks = || f64::from(self.last_tick - self.first_tick);
        (self.count > 1).then(|| ticks() / f64::from(self.count - 1))
    }

    /// Variance of these times over n (`less` = 0) or n - 1 (`less` = 1) of them, or none with
    /// fewer than three events.
    #[inline]
    pub fn gap_variance(&self, less: u32) -> Option<f64> {
        let (sum, squares) = (self.last_tick - self.first_tick, self.gap_square_sum);
        let variance = || variance(self.count - 1, i128::from(sum), i128::from(squares), less);
        (self.count > 2).then(variance)
    }
}

/// The natural log of an amount; none for amounts of 0, which have no place on a log scale.
#[inline]
pub fn log_amount(amount: f64) -> Option<f64> {
    (amount > 0.0).then(|| amount.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_follow_the_events() {
        let mut history = History::default();
        assert_eq!(history.mean_log_amount(), None);
        for (tick, amount) in [(2, 1.0), (2, 0.0), (5, std::f64::consts::E)] {
            history.push(&Event { tick, kind: 0, amount, balance: f64::NAN });
        }
        assert_eq!((history.count, history.active_ticks, history.count_in_last_tick), (3, 2, 1));
        assert_eq!((history.first_tick, history.last_tick), (2, 5));
        assert_eq!(history.log_count, 2);
        assert_eq!(history.mean_log_amount(), Some(0.5));
        // Standard deviation of {0, 1} with n - 1.
        assert!((history.sd_log_amount().unwrap() - 0.5_f64.sqrt()).abs() < 2_f64.powi(-32));
        assert_eq!((history.gap_square_sum, history.last_gap), (9, 3));
        // Gaps 0 and 3.
        assert_eq!((history.mean_gap(), history.gap_variance(0)), (Some(1.5), Some(2.25)));
        assert_eq!((history.amount_min, history.amount_max), (1.0, std::f64::consts::E));
        assert_eq!(history.log_max, 1.0);
        assert_eq!(history.amount_sum, Money::sum([0.0, std::f64::consts::E, 1.0]));
        assert_eq!(history.phase_counts, [0, 0, 2, 0, 0, 1, 0]);
    }
}
