//! What a user has done so far, as running sums: the memory behind observations, user features
//! and rewards. One definition serves all three, so that they cannot disagree.

use serde::{Deserialize, Serialize};

use crate::event_log::{Event, MAX_KINDS};

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
    /// Sum of natural logs of positive amounts.
    pub log_sum: f64,
    /// Sum of their squares.
    pub log_square_sum: f64,
    /// Log amount of the last event with a positive amount; 0 before one.
    pub last_log_amount: f64,
    /// Largest log amount; 0 before one.
    pub log_max: f64,
    /// Smallest log amount; 0 before one.
    pub log_min: f64,
    /// Sum of amounts.
    pub amount_sum: f64,
    /// Sum of squared gaps (ticks) between consecutive events.
    pub gap_square_sum: f64,
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
            self.gap_square_sum += f64::from(self.last_gap) * f64::from(self.last_gap);
        }
        self.count += 1;
        self.count_in_last_tick += 1;
        self.kind_counts[usize::from(event.kind)] += 1;
        self.phase_counts[event.tick as usize % 7] += 1;
        self.last_tick = event.tick;
        self.last_kind = event.kind;
        self.amount_sum += event.amount;
        if let Some(log) = log_amount(event.amount) {
            self.log_max = if self.log_count == 0 { log } else { self.log_max.max(log) };
            self.log_min = if self.log_count == 0 { log } else { self.log_min.min(log) };
            self.log_count += 1;
            self.log_sum += log;
            self.log_square_sum += log * log;
            self.last_log_amount = log;
        }
    }

    /// Mean log amount, or none without positive amounts.
    #[inline]
    pub fn mean_log_amount(&self) -> Option<f64> {
        (self.log_count > 0).then(|| self.log_sum / f64::from(self.log_count))
    }

    /// Standard deviation (n - 1) of log amounts, or none with fewer than two.
    #[inline]
    pub fn sd_log_amount(&self) -> Option<f64> {
        if self.log_count < 2 {
            return None;
        }
        let n = f64::from(self.log_count);
        let variance = (self.log_square_sum - self.log_sum * self.log_sum / n) / (n - 1.0);
        Some(variance.max(0.0).sqrt())
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
        assert!((history.mean_log_amount().unwrap() - 0.5).abs() < 1e-15);
        // Standard deviation of {0, 1} with n - 1.
        assert!((history.sd_log_amount().unwrap() - 0.5_f64.sqrt()).abs() < 1e-15);
        assert_eq!((history.gap_square_sum, history.last_gap), (9.0, 3));
        assert_eq!((history.log_min, history.log_max), (0.0, 1.0));
        assert_eq!(history.phase_counts, [0, 0, 2, 0, 0, 1, 0]);
    }
}
