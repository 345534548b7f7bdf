//! The clock of a world: what a tick is, how many there are, and when they start.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The length of one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tick {
    /// One calendar day.
    Day,
    /// Seven days.
    Week,
    /// One calendar month when the clock has a start; 365.25 / 12 days otherwise.
    Month,
}

impl Tick {
    /// Mean length in days.
    pub fn days(self) -> f64 {
        match self {
            Self::Day => 1.0,
            Self::Week => 7.0,
            Self::Month => 365.25 / 12.0,
        }
    }

    /// Ticks in a mean year.
    pub fn per_year(self) -> f64 {
        365.25 / self.days()
    }

    /// The word for one tick: `day`, `week` or `month`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }
}

/// Tick length, horizon and start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The length of a tick.
    pub tick: Tick,
    /// Number of ticks that every user is observed for; the last one is `horizon - 1`.
    pub horizon: u32,
    /// Days from 1970-01-01 to the first day of tick 0; none where each user's window starts at
    /// his own first event and the ticks have no common date.
    pub start_day: Option<i64>,
}

impl Clock {
    /// The phase of the year of a tick in [0, 1), or none without a common date.
    pub fn year_phase(&self, tick: u32) -> Option<f64> {
        let start = self.start_day? as f64;
        Some(((start + f64::from(tick) * self.tick.days()) / 365.25).rem_euclid(1.0))
    }

    /// The phase of the week of a daily tick in [0, 1), Monday 0; none for longer ticks.
    pub fn week_phase(&self, tick: u32) -> Option<f64> {
        match (self.tick, self.start_day) {
            // 1970-01-01 was a Thursday, three days after Monday.
            (Tick::Day, Some(start)) => {
                Some((start + i64::from(tick) + 3).rem_euclid(7) as f64 / 7.0)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_january_1997_was_a_wednesday() {
        let clock = Clock { tick: Tick::Day, horizon: 10, start_day: Some(9862) };
        assert_eq!(clock.week_phase(0), Some(2.0 / 7.0));
        assert_eq!(clock.week_phase(5), Some(0.0));
        assert!(clock.year_phase(0).is_some_and(|phase| !(0.01..=0.99).contains(&phase)));
    }

    #[test]
    fn a_clock_without_a_date_has_no_phases() {
        let clock = Clock { tick: Tick::Week, horizon: 52, start_day: None };
        assert_eq!(clock.year_phase(3), None);
        assert_eq!(clock.week_phase(3), None);
    }
}
