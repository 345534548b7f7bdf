//! From external statistics to a finance world: what a config says, and what follows from the
//! users' statistics where it says nothing.
//!
//! A world is where simulated users live; its task is to make feasible what real users did, not to
//! explain it. So the income default is generous: the median income of a tick is the larger of the
//! 99.9% quantile of the amounts that leave cash, and ten times the mean outflow of a user and
//! tick. With the default initial cash of ten incomes, real events are then rarely cut by the
//! wallet. Set `wallet.income_median` to study scarcity instead.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trueup_env::finance::{CheckedWorld, Effect, Kind, KindEffect, Scales, WalletModel, World};
use trueup_env::market::{Bootstrap, Gbm, MarketModel};
use trueup_env::{Clock, Tick};

use crate::external::{ExternalError, price_series};
use crate::statistics::{Form, Statistics, dependence};

/// How much of the distribution of amounts an income of one tick covers.
const COVERED: f64 = 0.999;
/// How many times the mean outflow of a user an income is.
const RESERVE: f64 = 10.0;

/// The section `[world]` of a config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorldConfig {
    /// Effect of a kind on the wallet, by name: `spend`, `receive`, `invest`, `divest`, `save`,
    /// `draw` or `record`. Kinds that are not named do what balances show, else what their name
    /// tells, else nothing.
    pub kinds: BTreeMap<String, Effect>,
    /// Income and initial holdings.
    pub wallet: WalletConfig,
    /// Where prices come from.
    pub market: MarketConfig,
    /// The most events of one user in one tick; by default the most that a real user had.
    pub max_events_per_tick: Option<u32>,
    /// Number of latent components of a user.
    pub latent: usize,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            kinds: BTreeMap::new(),
            wallet: WalletConfig::default(),
            market: MarketConfig::default(),
            max_events_per_tick: None,
            latent: 4,
        }
    }
}

/// The section `[world.wallet]`. Holdings are in ticks of the user's own income.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WalletConfig {
    /// Median income of a tick in the log's currency; by default large enough that observed
    /// amounts rarely bind.
    pub income_median: Option<f64>,
    /// Standard deviation of the natural log of income.
    pub income_sigma: f64,
    /// Cash at the start.
    pub initial_cash: f64,
    /// Savings at the start; by default as much as cash if a kind draws on them, else none.
    pub initial_savings: Option<f64>,
    /// Risky holdings at the start; by default as much as cash if a kind divests, else none.
    pub initial_risky: Option<f64>,
    /// Interest on savings per year: 0.02 is 2%.
    pub savings_rate: f64,
    /// How far cash may fall below 0.
    pub credit: f64,
}

impl Default for WalletConfig {
    fn default() -> Self {
        Self {
            income_median: None,
            income_sigma: 0.5,
            initial_cash: 10.0,
            initial_savings: None,
            initial_risky: None,
            savings_rate: 0.02,
            credit: 0.0,
        }
    }
}

/// The section `[world.market]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum MarketConfig {
    /// Geometric Brownian motion.
    Gbm {
        /// Expected growth per year. Default 0.08, as the S&P 500 grew from 1990 to 2018.
        #[serde(default = "default_mean")]
        mean: f64,
        /// Standard deviation of the log return of a year. Default 0.18, of the same index.
        #[serde(default = "default_volatility")]
        volatility: f64,
    },
    /// Historical returns of a price series, resampled in blocks.
    Bootstrap {
        /// A builtin price series. Default `builtin:sp500`.
        #[serde(default = "default_source")]
        source: String,
        /// Mean length of a block in ticks; 1 draws returns independently. Default 10.
        #[serde(default = "default_block")]
        mean_block: f64,
    },
}

fn default_mean() -> f64 {
    0.08
}

fn default_volatility() -> f64 {
    0.18
}

fn default_source() -> String {
    "builtin:sp500".into()
}

fn default_block() -> f64 {
    10.0
}

impl Default for MarketConfig {
    fn default() -> Self {
        Self::Gbm { mean: default_mean(), volatility: default_volatility() }
    }
}

/// Why no world could be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A kind of the config is not a kind of the log.
    #[error("world.kinds: {name:?} is not a kind of the log; its kinds are {kinds}")]
    UnknownKind {
        /// The kind of the config.
        name: String,
        /// The kinds of the log.
        kinds: String,
    },
    /// The price series cannot be had.
    #[error("world.market: {0}")]
    Prices(#[from] ExternalError),
    /// The price series is too short for the tick.
    #[error(
        "world.market: {source_name} holds {returns} returns of one {tick}; at least 2 are needed: \
         take a longer series or a shorter tick"
    )]
    TooFewPrices {
        /// The series.
        source_name: String,
        /// Returns that it gives.
        returns: usize,
        /// The word for one tick.
        tick: &'static str,
    },
    /// The amounts of the log are of another order of magnitude than wallets.
    #[error(
        "the amounts of the log call for a median income of {income:.2e} a tick, which no wallet \
         has: give the amounts in another unit of money, or set world.wallet.income_median ({why})"
    )]
    Unit {
        /// The income that follows from the log.
        income: f64,
        /// What a wallet can have.
        why: String,
    },
    /// A number is out of bounds.
    #[error(transparent)]
    Invalid(#[from] trueup_env::WorldError),
}

impl WorldConfig {
    /// The effects of kinds, with those that the config gives in place of what was found.
    pub fn effects(&self, kinds: &[String], found: &[KindEffect]) -> Vec<KindEffect> {
        let given = |kind: &String| self.kinds.get(kind).map(|effect| KindEffect::given(*effect));
        kinds.iter().zip(found).map(|(kind, found)| given(kind).unwrap_or(*found)).collect()
    }
}

/// Makes the world that users with these statistics live in.
///
/// # Errors
/// A kind that the log does not have, a price series that cannot be had, a number out of bounds.
pub fn fit_world(
    config: &WorldConfig,
    statistics: &Statistics,
) -> Result<CheckedWorld, WorldError> {
    if let Some(name) = config.kinds.keys().find(|name| !statistics.kinds.contains(name)) {
        let kinds = statistics.kinds.join(", ");
        return Err(WorldError::UnknownKind { name: name.clone(), kinds });
    }
    let effects = config.effects(&statistics.kinds, &statistics.effects);
    let kinds: Vec<Kind> = statistics
        .kinds
        .iter()
        .zip(effects)
        .map(|(name, KindEffect { effect, .. })| Kind { name: name.clone(), effect })
        .collect();
    let world = World {
        clock: statistics.clock,
        wallet: wallet(&config.wallet, &kinds, statistics),
        market: market(&config.market, &statistics.clock)?,
        max_events_per_tick: config
            .max_events_per_tick
            .unwrap_or(statistics.max_events_in_tick.max(1)),
        latent: config.latent,
        profile: dependence::profile(statistics),
        scales: scales(statistics),
        kinds,
    };
    let income = world.wallet.income_median;
    world.check().map_err(|error| match config.wallet.income_median {
        None if error.field == "wallet.income_median" => {
            let why = error.why.split("; ").last().unwrap_or_default().to_owned();
            WorldError::Unit { income, why }
        }
        _ => WorldError::Invalid(error),
    })
}

fn wallet(config: &WalletConfig, kinds: &[Kind], statistics: &Statistics) -> WalletModel {
    let has = |effect| kinds.iter().any(|kind| kind.effect == effect);
    let initial = |asked: Option<f64>, effect| {
        asked.unwrap_or(if has(effect) { config.initial_cash } else { 0.0 })
    };
    WalletModel {
        income_median: config.income_median.unwrap_or_else(|| default_income(kinds, statistics)),
        income_sigma: config.income_sigma,
        initial_cash: config.initial_cash,
        initial_savings: initial(config.initial_savings, Effect::Draw),
        initial_risky: initial(config.initial_risky, Effect::Divest),
        savings_rate: config.savings_rate,
        credit: config.credit,
    }
}

/// See the module's documentation. Where no kind takes money out, the wallet cuts nothing and income
/// is a scale only: all kinds then count as if they did. 1 where all amounts are 0.
fn default_income(kinds: &[Kind], statistics: &Statistics) -> f64 {
    let cells = statistics.users.max(1) as f64 * f64::from(statistics.clock.horizon.max(1));
    let income = |counts: &dyn Fn(Effect) -> bool| {
        let (mut largest, mut outflow) = (0.0f64, 0.0);
        let amounts = statistics.amounts.iter().zip(&statistics.kind_events);
        for (kind, (amounts, &events)) in kinds.iter().zip(amounts) {
            if let Some(amounts) = amounts.as_ref().filter(|_| counts(kind.effect)) {
                largest = largest.max(amounts.quantile(COVERED));
                outflow += amounts.mean * events as f64 / cells;
            }
        }
        largest.max(RESERVE * outflow)
    };
    let spent = income(&|effect| !matches!(effect, Effect::Receive | Effect::Record));
    [spent, income(&|_| true)].into_iter().find(|income| *income > 0.0).unwrap_or(1.0)
}

fn scales(statistics: &Statistics) -> Scales {
    let mut scales = Scales::default();
    if let Some(entry) = statistics.feature("log_amount")
        && let Form::Grid(law) = &entry.form
    {
        scales.mean_log_amount = law.mean;
        // Equal amounts have no spread to standardise by.
        scales.sd_log_amount = if law.sd > 1e-6 { law.sd } else { 1.0 };
    }
    let mean = statistics.events as f64 / statistics.users.max(1) as f64;
    scales.typical_count = mean.max(1.0);
    scales
}

fn market(config: &MarketConfig, clock: &Clock) -> Result<MarketModel, WorldError> {
    match config {
        MarketConfig::Gbm { mean, volatility } => {
            Ok(MarketModel::Gbm(Gbm { mean: *mean, volatility: *volatility }))
        }
        MarketConfig::Bootstrap { source, mean_block } => {
            let returns = tick_returns(&price_series(source)?, clock.tick);
            if returns.len() < 2 {
                return Err(WorldError::TooFewPrices {
                    source_name: source.clone(),
                    returns: returns.len(),
                    tick: clock.tick.name(),
                });
            }
            Ok(MarketModel::Bootstrap(Bootstrap { returns, mean_block: *mean_block }))
        }
    }
}

/// Log returns between the last prices of consecutive ticks. A tick without a price keeps the one
/// before it, so that weekends are days without a return. The last tick is left out where it may
/// be incomplete (weeks and months).
pub fn tick_returns(prices: &[(i64, f64)], tick: Tick) -> Vec<f64> {
    let bucket = |day: i64| (day as f64 / tick.days()).floor() as i64;
    let mut closes: Vec<(i64, f64)> = Vec::new();
    for &(day, price) in prices {
        match closes.last_mut() {
            Some((last, close)) if *last == bucket(day) => *close = price,
            _ => closes.push((bucket(day), price)),
        }
    }
    if tick != Tick::Day {
        closes.pop();
    }
    let mut returns = Vec::new();
    for pair in closes.windows(2) {
        let empty = (pair[1].0 - pair[0].0 - 1).max(0) as usize;
        returns.extend(std::iter::repeat_n(0.0, empty));
        returns.push((pair[1].1 / pair[0].1).ln());
    }
    returns
}

#[cfg(test)]
mod tests;
