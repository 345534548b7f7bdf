//! What can be read of finance lanes beside what a step returns.

use super::FinanceLanes;
use crate::event_log::{Covariates, Event, EventLog, LogError};
use crate::finance::{KindEffect, World};
use crate::history::History;
use crate::lanes::Lanes;

impl FinanceLanes {
    /// The world.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The current tick; the horizon after the end.
    pub fn tick(&self) -> u32 {
        self.tick
    }

    /// Events of the episode whose amount was cut to what their source held.
    pub fn cuts(&self) -> u64 {
        self.cuts
    }

    /// What a user has done in this episode.
    pub fn history(&self, lane: usize) -> Option<&History> {
        self.histories.get(lane)
    }

    /// Cash, savings and the worth of risky holdings of a lane, in money.
    pub fn holdings(&self, lane: usize) -> Option<[f64; 3]> {
        let price = self.path.price.get(self.tick as usize)?;
        let wallets = &self.wallets;
        let cash = *wallets.cash.get(lane)?;
        Some([cash, wallets.savings[lane], wallets.units[lane] * price])
    }

    /// Income of a lane per tick, in money.
    pub fn income(&self, lane: usize) -> Option<f64> {
        self.wallets.income.get(lane).copied()
    }

    /// (lane, event) of all events of the episode so far, in the order in which they happened.
    pub fn events(&self) -> &[(u32, Event)] {
        &self.events
    }

    /// Observations of all lanes, row-major, lanes x size. Rows of lanes that do not wait are
    /// brought up to date when the next tick starts; after the end of the horizon all are as of
    /// then, which is what the value after a truncation is estimated from.
    pub fn all_observations(&self) -> &[f32] {
        &self.rows
    }

    /// What happened in the episode so far, as a log with users `{prefix}0`, `{prefix}1` ...
    /// (counted from the first user of the lanes).
    ///
    /// # Errors
    /// None that a checked world can cause.
    pub fn log(&self, prefix: &str) -> Result<EventLog, LogError> {
        let effects: Vec<KindEffect> =
            self.world.kinds.iter().map(|kind| KindEffect::given(kind.effect)).collect();
        let log = EventLog::new(
            self.world.clock,
            self.world.kinds.iter().map(|kind| kind.name.clone()).collect(),
            (self.first..).take(self.lanes()).map(|user| format!("{prefix}{user}")).collect(),
            self.events.iter().copied(),
            Covariates {
                names: self.world.profile.names.clone(),
                values: if self.profile.is_empty() {
                    // Before the first reset nobody has a profile yet.
                    vec![0.0; self.lanes() * self.world.profile.names.len()]
                } else {
                    self.profile.clone()
                },
                categories: self.world.profile.categories.clone(),
            },
        )?;
        Ok(log.with_effects(&effects))
    }
}
