use trueup_env::{Actions, Event, EventLog, FinanceLanes, Lanes, Streams};

use super::*;

fn log(kinds: &[&str], amounts: &[f64]) -> EventLog {
    let events = amounts.iter().enumerate().map(|(i, &amount)| {
        let kind = (i % kinds.len()) as u16;
        (i as u32, Event { tick: i as u32 % 10, kind, amount, balance: f64::NAN })
    });
    EventLog::new(
        Clock { tick: Tick::Week, horizon: 10, start_day: None },
        kinds.iter().map(|kind| kind.to_string()).collect(),
        (0..amounts.len()).map(|i| i.to_string()).collect(),
        events.collect::<Vec<_>>(),
        trueup_env::Covariates {
            names: vec!["age".into()],
            values: (0..amounts.len()).map(|i| 20.0 + i as f64).collect(),
            ..Default::default()
        },
    )
    .unwrap()
}

#[test]
fn defaults_follow_from_the_statistics() {
    let statistics = Statistics::of(&log(&["purchase", "deposit"], &[1.0, 1e6, 100.0, 1e6]));
    let world = fit_world(&WorldConfig::default(), &statistics).unwrap();
    assert_eq!(world.kinds[0].effect, Effect::Spend);
    assert_eq!(world.kinds[1].effect, Effect::Receive);
    // The largest purchase covers 99.9%; deposits do not count. Ten times the mean outflow is
    // 10 x 101 / (4 users x 10 ticks) = 25.25.
    assert_eq!(world.wallet.income_median, 100.0);
    assert_eq!(world.max_events_per_tick, 1);
    assert_eq!(world.profile.names, ["age"]);
    assert_eq!(world.scales.typical_count, 1.0);
    let logs: Vec<f64> = [1.0f64, 1e6, 100.0, 1e6].iter().map(|x| x.ln()).collect();
    let mean = logs.iter().sum::<f64>() / 4.0;
    assert!((world.scales.mean_log_amount - mean).abs() < 1e-12);
    assert_eq!((world.wallet.initial_savings, world.wallet.initial_risky), (0.0, 0.0));
}

#[test]
fn what_a_config_says_goes_before_the_defaults() {
    let config = WorldConfig {
        kinds: BTreeMap::from([("purchase".to_string(), Effect::Divest)]),
        wallet: WalletConfig { income_median: Some(7.0), ..WalletConfig::default() },
        max_events_per_tick: Some(3),
        latent: 0,
        ..WorldConfig::default()
    };
    let statistics = Statistics::of(&log(&["purchase"], &[5.0, 5.0]));
    let world = fit_world(&config, &statistics).unwrap();
    assert_eq!(world.kinds[0].effect, Effect::Divest);
    assert_eq!((world.wallet.income_median, world.max_events_per_tick, world.latent), (7.0, 3, 0));
    assert_eq!(world.wallet.initial_risky, 10.0);
    // Equal amounts: no spread, so none to divide by.
    assert_eq!(world.scales.sd_log_amount, 1.0);
}

#[test]
fn mistakes_are_named() {
    let statistics = Statistics::of(&log(&["purchase"], &[5.0, 6.0]));
    let message = |config: &WorldConfig| fit_world(config, &statistics).unwrap_err().to_string();
    let kinds = BTreeMap::from([("purchse".to_string(), Effect::Spend)]);
    let unknown = WorldConfig { kinds, ..WorldConfig::default() };
    assert_eq!(
        message(&unknown),
        "world.kinds: \"purchse\" is not a kind of the log; its kinds are purchase"
    );
    let market = MarketConfig::Gbm { mean: 0.0, volatility: -1.0 };
    assert!(
        message(&WorldConfig { market, ..WorldConfig::default() }).contains("volatility is -1")
    );
    let market = MarketConfig::Bootstrap { source: "builtin:nothing".into(), mean_block: 1.0 };
    assert!(message(&WorldConfig { market, ..WorldConfig::default() }).starts_with("world.market"));
}

#[test]
fn a_config_may_be_empty_and_unknown_keys_are_refused() {
    let parse = |text: &str| serde_json::from_str::<WorldConfig>(text);
    assert_eq!(parse("{}").unwrap(), WorldConfig::default());
    assert_eq!(
        parse(r#"{"market": {"kind": "bootstrap"}}"#).unwrap().market,
        MarketConfig::Bootstrap { source: "builtin:sp500".into(), mean_block: 10.0 }
    );
    assert_eq!(parse(r#"{"kinds": {"a": "save"}}"#).unwrap().kinds["a"], Effect::Save);
    assert!(parse(r#"{"latents": 4}"#).is_err());
    assert!(parse(r#"{"market": {"kind": "gbm", "mu": 0.1}}"#).is_err());
}

/// A log whose kinds say nothing has wallets of the size of its amounts all the same, as if they
/// were spent.
#[test]
fn income_follows_the_amounts_of_kinds_that_say_nothing() {
    let amounts = [1.0, 1e4, 100.0, 2e4];
    let income = |kinds: &[&str]| {
        let world = fit_world(&WorldConfig::default(), &Statistics::of(&log(kinds, &amounts)));
        world.unwrap().wallet.income_median
    };
    assert_eq!(income(&["boleto", "vale"]), income(&["purchase", "payment"]));
    assert_eq!(income(&["salary"]), income(&["purchase"]));
    assert_eq!(income(&["salary", "purchase"]), 2e4);
}

/// Effects that the statistics found are those of the world, unless the config gives others.
#[test]
fn found_effects_make_the_world_and_a_config_replaces_them() {
    let found = |effect| KindEffect { effect, found: trueup_env::finance::Found::Balance };
    let log =
        log(&["a", "b"], &[5.0, 6.0]).with_effects(&[Effect::Receive, Effect::Spend].map(found));
    let statistics = Statistics::of(&log);
    let kinds = BTreeMap::from([("b".to_string(), Effect::Save)]);
    let effects = |kinds: &BTreeMap<String, Effect>| -> Vec<Effect> {
        let config = WorldConfig { kinds: kinds.clone(), ..WorldConfig::default() };
        let world = fit_world(&config, &statistics).unwrap();
        world.kinds.iter().map(|kind| kind.effect).collect()
    };
    assert_eq!(effects(&BTreeMap::new()), [Effect::Receive, Effect::Spend]);
    assert_eq!(effects(&kinds), [Effect::Receive, Effect::Save]);
}

#[test]
fn returns_of_a_tick_carry_prices_over_days_without_trade() {
    let ln2 = std::f64::consts::LN_2;
    let prices = [(0, 1.0), (1, 2.0), (4, 4.0), (7, 8.0), (13, 16.0), (14, 16.0)];
    assert_eq!(tick_returns(&prices[..3], Tick::Day), [ln2, 0.0, 0.0, ln2]);
    // Weeks of days 0-6 and 7-13 end at 4 and 16; the week of day 14 may be incomplete.
    assert_eq!(tick_returns(&prices, Tick::Week), [2.0 * ln2]);
    assert!(tick_returns(&[], Tick::Month).is_empty());
}

/// The builtin index, weekly: as many weeks as its dates span, and the same growth.
#[test]
fn the_builtin_index_becomes_weekly_returns() {
    let prices = price_series("builtin:sp500").unwrap();
    let returns = tick_returns(&prices, Tick::Week);
    let days = prices[prices.len() - 1].0 - prices[0].0;
    assert!((returns.len() as i64 - days / 7).abs() <= 1);
    let growth: f64 = returns.iter().sum();
    let whole = (prices[prices.len() - 1].1 / prices[0].1).ln();
    // The last, incomplete week is left out; no week of this series moved by more than a fifth.
    assert!((growth - whole).abs() < 0.2);
    let statistics = Statistics::of(&log(&["invest", "divest"], &[5.0, 6.0]));
    let config = WorldConfig {
        market: serde_json::from_str(r#"{"kind": "bootstrap"}"#).unwrap(),
        ..WorldConfig::default()
    };
    let world = fit_world(&config, &statistics).unwrap();
    assert_eq!(world.market, MarketModel::Bootstrap(Bootstrap { returns, mean_block: 10.0 }));
}

/// Every real event of the builtin log, played through the world that its statistics give: the
/// same log comes out, but for fewer than 1 event in 1,000 that the wallet cuts.
#[test]
fn real_users_can_live_in_the_fitted_world() {
    let real = crate::external::load("builtin:cdnow", None, "key").unwrap().log;
    let world = fit_world(&WorldConfig::default(), &Statistics::of(&real)).unwrap();
    let mut lanes = FinanceLanes::new(world, real.user_count());
    lanes.reset(&Streams::new(1));
    let mut next = vec![0; real.user_count()];
    let mut actions = Actions::default();
    while !lanes.waiting().is_empty() {
        actions.kind.clear();
        actions.amount.clear();
        for &lane in lanes.waiting() {
            let lane = lane as usize;
            let due = real.events_of(lane).get(next[lane]).filter(|e| e.tick == lanes.tick());
            actions.kind.push(due.map_or(0, |event| event.kind + 1));
            actions.amount.push(due.map_or(0.0, |event| event.amount));
            next[lane] += usize::from(due.is_some());
        }
        lanes.step(&actions).unwrap();
    }
    let played = lanes.log("").unwrap();
    assert_eq!(played.offsets(), real.offsets());
    let pairs = || played.events().iter().zip(real.events());
    assert!(pairs().all(|(a, b)| (a.tick, a.kind) == (b.tick, b.kind) && a.amount <= b.amount));
    let cut = pairs().filter(|(a, b)| a.amount < b.amount).count();
    assert_eq!(cut as u64, lanes.cuts());
    assert!(cut * 1_000 < real.events().len(), "{cut} of {}", real.events().len());
}

#[test]
fn amounts_of_another_magnitude_ask_for_another_unit() {
    let statistics = Statistics::of(&log(&["purchase"], &[1e-300, 3e-300]));
    let error = fit_world(&WorldConfig::default(), &statistics).unwrap_err().to_string();
    assert!(error.contains("3.00e-300 a tick") && error.contains("another unit"), "{error}");
    assert!(error.ends_with("(0.01 to 1000000000 is possible)"), "{error}");
}
