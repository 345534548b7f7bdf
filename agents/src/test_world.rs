//! A small world for tests.

use trueup_calibration::statistics::Statistics;
use trueup_env::finance::{Effect, Kind, Profile, Scales, WalletModel};
use trueup_env::market::{Gbm, MarketModel};
use trueup_env::{CheckedWorld, Clock, Covariates, Event, EventLog, Tick, World};

/// Ticks of the small world.
pub const HORIZON: u32 = 8;

/// The statistics of [`log`].
pub fn statistics() -> Statistics {
    Statistics::of(&log())
}

/// One event per user in four, amounts 1 to 100.
pub fn log() -> EventLog {
    let event = |user: u32| {
        let amount = f64::from(1 + user % 100);
        (user, Event { tick: user % HORIZON, kind: 0, amount, balance: f64::NAN })
    };
    let clock = Clock { tick: Tick::Week, horizon: HORIZON, start_day: None };
    let users = (0..400).map(|user| user.to_string()).collect();
    let events = (0..400).filter(|user| user % 4 == 0).map(event);
    EventLog::new(clock, vec!["purchase".into()], users, events, Covariates::default()).unwrap()
}

/// One kind, cash without end, two events a tick.
pub fn world() -> CheckedWorld {
    let world = World {
        clock: Clock { tick: Tick::Week, horizon: HORIZON, start_day: None },
        kinds: vec![Kind { name: "purchase".into(), effect: Effect::Spend }],
        wallet: WalletModel {
            income_median: 1e6,
            income_sigma: 0.0,
            initial_cash: 1.0,
            initial_savings: 0.0,
            initial_risky: 0.0,
            savings_rate: 0.0,
            credit: 0.0,
        },
        market: MarketModel::Gbm(Gbm { mean: 0.0, volatility: 0.1 }),
        max_events_per_tick: 2,
        latent: 1,
        profile: Profile::default(),
        scales: Scales::default(),
    };
    world.check().unwrap()
}
