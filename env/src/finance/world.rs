//! What a finance world is made of, as it is written down, and what makes it a valid one.

use std::ops::Deref;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::joint::Joint;
use super::wallet::WalletModel;
use crate::clock::Clock;
use crate::event_log::{MAX_CATEGORIES, MAX_KINDS};
use crate::market::{Market, MarketModel};

/// The smallest amount of money: a kind is feasible where its source holds at least this.
pub const SMALLEST_UNIT: f64 = 0.01;
/// The largest amount of one event; far inside what f64 counts in hundredths exactly.
pub const MAX_AMOUNT: f64 = 1e12;
/// The most ticks of a world.
pub const MAX_HORIZON: u32 = 1_000_000;
/// The most latent components.
const MAX_LATENT: usize = 64;
/// The most events of one user in one tick.
const MAX_EVENTS_PER_TICK: u32 = 1_000;

/// What an event of a kind does to the wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Cash leaves the wallet.
    Spend,
    /// Cash enters the wallet from outside.
    Receive,
    /// Cash becomes risky holdings at the market price.
    Invest,
    /// Risky holdings become cash at the market price.
    Divest,
    /// Cash becomes savings.
    Save,
    /// Savings become cash.
    Draw,
    /// Nothing: the event is only recorded.
    Record,
}

/// A kind of event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name in logs.
    pub name: String,
    /// What it does to the wallet.
    pub effect: Effect,
}

/// Facts about users, drawn once an episode: numbers, or categories by their number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Names of the covariates.
    pub names: Vec<String>,
    /// One quantile grid a covariate, ascending: a user's value is a uniformly chosen entry.
    pub grids: Vec<Vec<f64>>,
    /// Names of each covariate's categories, none for numbers; empty where all are numbers.
    #[serde(default)]
    pub categories: Vec<Vec<String>>,
    /// How covariates hang together; without it each is drawn on its own.
    #[serde(default)]
    pub joint: Option<Joint>,
}

impl Profile {
    /// Names of a covariate's categories; none for numbers.
    pub fn categories_of(&self, covariate: usize) -> &[String] {
        self.categories.get(covariate).map_or(&[], Vec::as_slice)
    }

    /// Numbers that an observation shows of it: one a number, and one a category.
    pub fn width(&self) -> usize {
        (0..self.names.len()).map(|i| self.categories_of(i).len().max(1)).sum()
    }
}

/// Typical sizes, by which observations are brought to the order of 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scales {
    /// Mean of the natural log of amounts.
    pub mean_log_amount: f64,
    /// Standard deviation of the natural log of amounts, positive.
    pub sd_log_amount: f64,
    /// Mean number of events of a user over the horizon, positive.
    pub typical_count: f64,
}

impl Default for Scales {
    fn default() -> Self {
        Self { mean_log_amount: 0.0, sd_log_amount: 1.0, typical_count: 1.0 }
    }
}

/// A finance world. [`World::check`] turns it into one that can be simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    /// Tick length, horizon and start.
    pub clock: Clock,
    /// The kinds of events; choice `k + 1` of an action is kind `k`.
    pub kinds: Vec<Kind>,
    /// Income, initial cash, interest and credit.
    pub wallet: WalletModel,
    /// The price of risky holdings.
    pub market: MarketModel,
    /// The most events of one user in one tick, at least 1.
    pub max_events_per_tick: u32,
    /// Number of latent components of a user: standard normal, fixed for the episode.
    pub latent: usize,
    /// Covariates of users.
    pub profile: Profile,
    /// Typical sizes.
    pub scales: Scales,
}

/// Why a world was refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
#[error("world: {field}: {why}")]
pub struct WorldError {
    /// Path of the field, e.g. `wallet.income_median`.
    pub field: String,
    /// What is wrong and what would be right.
    pub why: String,
}

impl WorldError {
    pub(super) fn new(field: &str, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

/// A world that has passed [`World::check`]; cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckedWorld(Arc<World>);

impl Deref for CheckedWorld {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl World {
    /// Checks every number once, so that the simulation never has to.
    ///
    /// # Errors
    /// The first field that is wrong, and what would be right.
    pub fn check(self) -> Result<CheckedWorld, WorldError> {
        if !(1..=MAX_HORIZON).contains(&self.clock.horizon) {
            let why = format!("{} ticks; 1 to {MAX_HORIZON} are possible", self.clock.horizon);
            return Err(WorldError::new("clock.horizon", why));
        }
        if self.clock.start_day.is_some_and(|day| day.abs() > 10_000_000) {
            let why = "more than 10,000,000 days from 1970-01-01; check the dates";
            return Err(WorldError::new("clock.start_day", why));
        }
        self.check_kinds()?;
        self.wallet.check()?;
        self.market.check().map_err(|why| WorldError::new("market", why))?;
        if !(1..=MAX_EVENTS_PER_TICK).contains(&self.max_events_per_tick) {
            let why = format!(
                "{}; 1 to {MAX_EVENTS_PER_TICK} are possible; a longer log of one \
                 tick asks for a shorter tick",
                self.max_events_per_tick
            );
            return Err(WorldError::new("max_events_per_tick", why));
        }
        if self.latent > MAX_LATENT {
            let why = format!("{}; at most {MAX_LATENT} are possible", self.latent);
            return Err(WorldError::new("latent", why));
        }
        self.check_profile()?;
        self.check_scales()?;
        Ok(CheckedWorld(Arc::new(self)))
    }

    /// Number of choices of an action: "nothing" and the kinds.
    pub fn choices(&self) -> usize {
        self.kinds.len() + 1
    }

    /// Whether some kind moves money between cash and a place of the wallet.
    pub(super) fn touches(&self, effects: [Effect; 2]) -> bool {
        self.kinds.iter().any(|kind| effects.contains(&kind.effect))
    }

    fn check_kinds(&self) -> Result<(), WorldError> {
        if self.kinds.is_empty() || self.kinds.len() > MAX_KINDS {
            let why = format!("{} kinds; 1 to {MAX_KINDS} are possible", self.kinds.len());
            return Err(WorldError::new("kinds", why));
        }
        for (i, kind) in self.kinds.iter().enumerate() {
            if self.kinds[..i].iter().any(|other| other.name == kind.name) {
                let why = format!("{:?} appears twice; names of kinds are unique", kind.name);
                return Err(WorldError::new("kinds", why));
            }
        }
        Ok(())
    }

    fn check_profile(&self) -> Result<(), WorldError> {
        let Profile { names, grids, categories, joint } = &self.profile;
        if !categories.is_empty() && categories.len() != names.len() {
            let why = format!("{} lists for {} names", categories.len(), names.len());
            return Err(WorldError::new("profile.categories", why));
        }
        for (i, grid) in grids.iter().enumerate() {
            let own = self.profile.categories_of(i).len();
            let known = |value: &f64| value.fract() == 0.0 && (0.0..own as f64).contains(value);
            if own > MAX_CATEGORIES || (own > 0 && !grid.iter().all(known)) {
                let why =
                    format!("there are at most {MAX_CATEGORIES}, and grids hold their numbers");
                return Err(WorldError::new("profile.categories", why));
            }
        }
        if names.len() != grids.len() {
            let why =
                format!("{} names for {} grids; give one grid a name", names.len(), grids.len());
            return Err(WorldError::new("profile", why));
        }
        for (name, grid) in names.iter().zip(grids) {
            // The bound keeps squares of differences finite.
            let bad = grid.iter().find(|value| !value.is_finite() || value.abs() > 1e100);
            if let Some(bad) = bad {
                let why =
                    format!("{name:?} holds {bad}; only numbers within 1e100 of 0 can be drawn");
                return Err(WorldError::new("profile.grids", why));
            }
            if grid.is_empty() {
                let why = format!("the grid of {name:?} is empty; give at least one value");
                return Err(WorldError::new("profile.grids", why));
            }
        }
        joint.as_ref().map_or(Ok(()), |joint| joint.check(&self.profile))
    }

    fn check_scales(&self) -> Result<(), WorldError> {
        let Scales { mean_log_amount, sd_log_amount, typical_count } = self.scales;
        if !(mean_log_amount.is_finite() && mean_log_amount.abs() <= 1e3) {
            let why = format!("{mean_log_amount} is not a mean of log amounts");
            return Err(WorldError::new("scales.mean_log_amount", why));
        }
        for (field, value) in
            [("scales.sd_log_amount", sd_log_amount), ("scales.typical_count", typical_count)]
        {
            if !(1e-6..=1e9).contains(&value) {
                return Err(WorldError::new(field, format!("{value}; 1e-6 to 1e9 is possible")));
            }
        }
        Ok(())
    }
}
